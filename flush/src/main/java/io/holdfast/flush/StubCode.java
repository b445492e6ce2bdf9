// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;

/**
 * The stub's machine code for one kind of processor: the entries {@code range(address, bytes)},
 * {@code batch(copies, count, ranges, count)} and {@code stack()}, position-independent and free of
 * data.
 *
 * @param hex the code in hexadecimal
 * @param rangeAt where {@code range} begins in it
 * @param batchAt where {@code batch} begins in it
 * @param stackAt where {@code stack} begins in it
 * @param instruction the writeback instruction's name
 */
record StubCode(String hex, int rangeAt, int batchAt, int stackAt, String instruction) {
  private static final int LINE = 64;

  // Every writeback instruction of x86-64 stands here as {rdi form, r8 form}, padded to one length.
  private static final String[] CLWB = {"660fae37", "66410fae30"};
  private static final String[] CLFLUSHOPT = {"660fae3f", "66410fae38"};
  private static final String[] CLFLUSH = {"3e0fae3f", "3e410fae38"};

  private static final String X86_64 =
      """
      4801fe 4883e7c0 4839f7 730a <range> 4883c740 ebf1 0faef8 c3 660f1f440000
      4885f6 7474 4c8b07 4c8b4f08 4c8b5710 4883c718 48ffce 41f6c00f 7542 4983fa40 723c
      f3410f6f01 f3410f6f4910 f3410f6f5120 f3410f6f5930
      66410fe700 66410fe74810 66410fe75020 66410fe75830
      4983c140 4983c040 4983ea40 ebbe 4d85d2 749c 498b01 490fc300
      4983c108 4983c008 4983ea08 ebe6
      4885c9 741e 4c8b02 4c8b4a08 4883c210 48ffc9 <batch> 4983c040 4d39c8 72f2 ebdd 0faef8 c3
      488d442408 c3
      """;
  private static final int X86_64_BATCH = 0x20;
  private static final int X86_64_STACK = 0xC0;

  /** cpuid(leaf, subleaf, int[4] into): eax, ebx, ecx, edx. */
  private static final String CPUID =
      "53 4989d0 89f8 89f1 0fa2 418900 41895804 41894808 4189500c 5b c3";

  private static final String AARCH64 =
      """
      0100018b 00e47a92 1f0001eb 82000054 20<dc>0bd5 00000191 fcffff17 9f3b03d5 c0035fd6
      1f2003d5 1f2003d5 1f2003d5
      210200b4 041440a9 060840f9 00600091 210400d1 8700068b 88e47a92 9f0007eb 82000054
      a98440f8 898400f8 fcffff17 1f0107eb 62feff54 28<dc>0bd5 08010191 fcffff17
      030100b4 4414c1a8 630400d1 24<dc>0bd5 84000191 9f0005eb a3ffff54 f9ffff17
      9f3b03d5 c0035fd6 1f2003d5
      e0030091 c0035fd6
      """;
  private static final int AARCH64_BATCH = 0x30;
  private static final int AARCH64_STACK = 0xA0;
  private static final long AT_HWCAP = 16;
  private static final long HWCAP_DCPOP = 1L << 16;

  /** The code for the processor that this runs on. */
  static StubCode forThisProcessor() {
    return switch (System.getProperty("os.arch")) {
      case "amd64" -> x86(cpuid());
      case "aarch64" -> aarch64(hardwareCapabilities());
      default ->
          throw new HoldfastException.DurabilityUnavailable(
              "cache lines cannot be written back on os.arch="
                  + System.getProperty("os.arch")
                  + ": the stub knows amd64 and aarch64");
    };
  }

  /**
   * The best writeback instruction that the processor names: clwb, else clflushopt, else clflush.
   */
  static StubCode x86(Cpuid cpu) {
    if (cpu.clwb()) {
      return x86(CLWB, "clwb");
    }
    if (cpu.clflushopt()) {
      return x86(CLFLUSHOPT, "clflushopt");
    }
    if (cpu.clflush() && cpu.lineBytes() == LINE) {
      return x86(CLFLUSH, "clflush");
    }
    throw new HoldfastException.DurabilityUnavailable(
        "this processor names no writeback instruction with lines of " + LINE + " bytes: " + cpu);
  }

  private static StubCode x86(String[] writeback, String name) {
    String code = X86_64.replace("<range>", writeback[0]).replace("<batch>", writeback[1]);
    return new StubCode(code, 0, X86_64_BATCH, X86_64_STACK, name);
  }

  /**
   * The code for AArch64: {@code dc cvap} (to the point of persistence) where the kernel names it,
   * else {@code dc cvac}. It has run under emulation only; {@link Medium#assuming} is the way to
   * it.
   */
  static StubCode aarch64(long capabilities) {
    boolean persistence = (capabilities & HWCAP_DCPOP) != 0;
    String code = AARCH64.replace("<dc>", persistence ? "7c" : "7a");
    String instruction = persistence ? "dc cvap" : "dc cvac";
    return new StubCode(code, 0, AARCH64_BATCH, AARCH64_STACK, instruction);
  }

  byte[] bytes() {
    return parse(hex);
  }

  private static byte[] parse(String hex) {
    return HexFormat.of().parseHex(hex.replaceAll("\\s", ""));
  }

  private static long hardwareCapabilities() {
    try {
      return Libc.getauxval(AT_HWCAP);
    } catch (Libc.Errno e) {
      return 0;
    }
  }

  /** What cpuid tells about writing lines back. */
  record Cpuid(boolean clflush, boolean clflushopt, boolean clwb, int lineBytes) {
    static Cpuid of(int leaf1Ebx, int leaf1Edx, int leaf7Ebx) {
      return new Cpuid(
          (leaf1Edx >> 19 & 1) == 1,
          (leaf7Ebx >> 23 & 1) == 1,
          (leaf7Ebx >> 24 & 1) == 1,
          (leaf1Ebx >> 8 & 0xFF) * 8);
    }
  }

  @SuppressWarnings("restricted")
  private static Cpuid cpuid() {
    try (Arena arena = Arena.ofConfined()) {
      int anonymous = Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS;
      long page = Libc.mmap(0, 4096, Libc.PROT_READ | Libc.PROT_WRITE, anonymous, -1, 0);
      Memory.copyIn(MemorySegment.ofArray(parse(CPUID)), page);
      Libc.mprotect(page, 4096, Libc.PROT_READ | Libc.PROT_EXEC);
      var descriptor =
          FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, JAVA_LONG);
      var handle = Linker.nativeLinker().downcallHandle(MemorySegment.ofAddress(page), descriptor);
      MemorySegment registers = arena.allocate(16, 8);
      handle.invokeExact(0, 0, registers.address());
      int maximum = registers.get(ValueLayout.JAVA_INT, 0);
      handle.invokeExact(1, 0, registers.address());
      int leaf1Ebx = registers.get(ValueLayout.JAVA_INT, 4);
      int leaf1Edx = registers.get(ValueLayout.JAVA_INT, 12);
      int leaf7Ebx = 0;
      if (maximum >= 7) {
        handle.invokeExact(7, 0, registers.address());
        leaf7Ebx = registers.get(ValueLayout.JAVA_INT, 4);
      }
      Libc.munmap(page, 4096);
      return Cpuid.of(leaf1Ebx, leaf1Edx, leaf7Ebx);
    } catch (Libc.Errno e) {
      throw new HoldfastException.DurabilityUnavailable(
          "the processor cannot be asked for its writeback instruction (" + e.getMessage() + ")");
    } catch (Error | RuntimeException e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }
}
