  .text
range:                      // x0 first byte, x1 length in bytes
  add   x1, x0, x1
  and   x0, x0, #-64
1: cmp  x0, x1
  b.hs  2f
  dc    cvac, x0
  add   x0, x0, #64
  b     1b
2: dsb  ish
  ret
  .balign 16
batch:                      // x0 copies, x1 their number, x2 ranges, x3 their number
1: cbz  x1, 5f
  ldp   x4, x5, [x0]         // to, from
  ldr   x6, [x0, #16]        // bytes, a multiple of 8
  add   x0, x0, #24
  sub   x1, x1, #1
  add   x7, x4, x6           // end of the copy
  and   x8, x4, #-64         // its first line
2: cmp  x4, x7
  b.hs  3f
  ldr   x9, [x5], #8
  str   x9, [x4], #8
  b     2b
3: cmp  x8, x7
  b.hs  1b
  dc    cvac, x8
  add   x8, x8, #64
  b     3b
5: cbz  x3, 7f
  ldp   x4, x5, [x2], #16    // first line, end
  sub   x3, x3, #1
6: dc   cvac, x4
  add   x4, x4, #64
  cmp   x4, x5
  b.lo  6b
  b     5b
7: dsb  ish
  ret
  .balign 16
stack:                      // the stack pointer
  mov   x0, sp
  ret
  .balign 16
ctr:                        // the cache type register
  mrs   x0, ctr_el0
  ret
