  .text
range:                      # rdi first byte, rsi length in bytes
  add   %rdi, %rsi
  and   $-64, %rdi
1: cmp  %rsi, %rdi
  jae   2f
  clwb  (%rdi)
  add   $64, %rdi
  jmp   1b
2: sfence
  ret
  .balign 16
batch:                      # rdi copies, rsi their number, rdx ranges, rcx their number
1: test %rsi, %rsi
  jz    5f
  mov   (%rdi), %r8          # to
  mov   8(%rdi), %r9         # from
  mov   16(%rdi), %r10       # bytes, a multiple of 8
  add   $24, %rdi
  dec   %rsi
  test  $15, %r8b
  jnz   4f
2: cmp  $64, %r10
  jb    4f
  movdqu (%r9), %xmm0
  movdqu 16(%r9), %xmm1
  movdqu 32(%r9), %xmm2
  movdqu 48(%r9), %xmm3
  movntdq %xmm0, (%r8)
  movntdq %xmm1, 16(%r8)
  movntdq %xmm2, 32(%r8)
  movntdq %xmm3, 48(%r8)
  add   $64, %r9
  add   $64, %r8
  sub   $64, %r10
  jmp   2b
4: test %r10, %r10
  jz    1b
  mov   (%r9), %rax
  movnti %rax, (%r8)
  add   $8, %r9
  add   $8, %r8
  sub   $8, %r10
  jmp   4b
5: test %rcx, %rcx
  jz    7f
  mov   (%rdx), %r8          # first line
  mov   8(%rdx), %r9         # end
  add   $16, %rdx
  dec   %rcx
6: clwb (%r8)
  add   $64, %r8
  cmp   %r9, %r8
  jb    6b
  jmp   5b
7: sfence
  ret
  .balign 16
stack:                      # the caller's stack pointer
  lea   8(%rsp), %rax
  ret
  .balign 16
cpuid:                      # edi leaf, esi subleaf, rdx int[4]
  push  %rbx
  mov   %rdx, %r8
  mov   %edi, %eax
  mov   %esi, %ecx
  cpuid
  mov   %eax, (%r8)
  mov   %ebx, 4(%r8)
  mov   %ecx, 8(%r8)
  mov   %edx, 12(%r8)
  pop   %rbx
  ret
