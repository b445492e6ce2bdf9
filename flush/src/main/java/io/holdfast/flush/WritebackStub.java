// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The native stub: a page of machine code, written at first use, that writes cache lines back and
 * fences, and tells where the stack is. All of the project's native code is the bytes of {@link
 * StubCode}.
 *
 * <p>Writeback and fence belong to one processor, so each entry does both before it returns: a
 * thread that the scheduler moves between two calls would fence on a processor that wrote nothing
 * back. A critical call is no safepoint and costs 2 ns; it is used for up to {@link
 * #CRITICAL_BYTES}, above which the collector should not have to wait and the ordinary call's 6 ns
 * do not show.
 *
 * <p>An ordinary call has a second use. A store to a page that vanished (a file cut short, a medium
 * that failed) raises its {@code InternalError} late in compiled code, after later stores; the way
 * into an ordinary call is where the virtual machine looks for it. See {@link #batchAndSurface}.
 *
 * <p>The bytes are those of {@code src/test/asm}, which a test assembles and compares where an
 * assembler is present. x86-64: "Intel 64 and IA-32 Architectures Software Developer's Manual",
 * CLWB, CLFLUSHOPT, MOVNTDQ, SFENCE. AArch64: "Arm Architecture Reference Manual", DC CVAC, DC
 * CVAP; {@code dsb ish} and not {@code ishst}, since cache maintenance counts as a read.
 */
final class WritebackStub {
  /** The most that one critical call writes back or copies, in bytes: about 20 microseconds. */
  static final long CRITICAL_BYTES = 1 << 20;

  private static final long CODE_BYTES = 4096;

  private static final FunctionDescriptor RANGE = FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_LONG);
  private static final FunctionDescriptor BATCH =
      FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);

  /** Null where the stub can be used; else why it cannot. */
  private static final HoldfastException UNAVAILABLE;

  private static final FunctionDescriptor STACK = FunctionDescriptor.of(JAVA_LONG);

  private static final String INSTRUCTION;
  private static final MethodHandle RANGE_CRITICAL;
  private static final MethodHandle RANGE_ORDINARY;
  private static final MethodHandle BATCH_CRITICAL;
  private static final MethodHandle BATCH_ORDINARY;
  private static final MethodHandle STACK_CRITICAL;

  static {
    StubCode code = null;
    long page = 0;
    HoldfastException unavailable = null;
    try {
      code = StubCode.forThisProcessor();
      page = write(code.bytes());
    } catch (HoldfastException e) {
      unavailable = e;
    }
    UNAVAILABLE = unavailable;
    boolean usable = unavailable == null;
    INSTRUCTION = usable ? code.instruction() : "nothing";
    long range = usable ? page + code.rangeAt() : 0;
    long batch = usable ? page + code.batchAt() : 0;
    RANGE_CRITICAL = handle(range, RANGE, Linker.Option.critical(false));
    RANGE_ORDINARY = handle(range, RANGE);
    BATCH_CRITICAL = handle(batch, BATCH, Linker.Option.critical(false));
    BATCH_ORDINARY = handle(batch, BATCH);
    long stack = usable ? page + code.stackAt() : 0;
    STACK_CRITICAL = handle(stack, STACK, Linker.Option.critical(false));
  }

  private WritebackStub() {}

  /** Throws unless lines can be written back on this machine. */
  static void require() {
    if (UNAVAILABLE != null) {
      throw new HoldfastException.DurabilityUnavailable(UNAVAILABLE.getMessage());
    }
  }

  /** The instruction that writes a line back, by its assembler name. */
  static String instruction() {
    return INSTRUCTION;
  }

  /** Writes back every line of a range and fences. */
  static void range(long address, long bytes) {
    try {
      if (bytes <= CRITICAL_BYTES) {
        RANGE_CRITICAL.invokeExact(address, bytes);
      } else {
        RANGE_ORDINARY.invokeExact(address, bytes);
      }
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  /**
   * Copies non-temporally, writes lines back, fences.
   *
   * @param copies address of triplets {to, from, bytes}, {@code to} and {@code bytes} multiples of
   *     8
   * @param copyCount how many triplets
   * @param ranges address of pairs {first line, end}, each at least one line
   * @param rangeCount how many pairs
   * @param bytes the sum of what is copied and written back
   */
  static void batch(long copies, long copyCount, long ranges, long rangeCount, long bytes) {
    try {
      if (bytes <= CRITICAL_BYTES) {
        BATCH_CRITICAL.invokeExact(copies, copyCount, ranges, rangeCount);
      } else {
        BATCH_ORDINARY.invokeExact(copies, copyCount, ranges, rangeCount);
      }
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  /** The same by an ordinary call, on whose way in a pending memory fault is thrown. */
  static void batchAndSurface(long copies, long copyCount, long ranges, long rangeCount) {
    try {
      BATCH_ORDINARY.invokeExact(copies, copyCount, ranges, rangeCount);
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  /** The caller's stack pointer, or 0 where the stub cannot be used. 2 ns. */
  static long stack() {
    if (STACK_CRITICAL == null) {
      return 0;
    }
    try {
      return (long) STACK_CRITICAL.invokeExact();
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  private static long write(byte[] code) {
    try {
      int anonymous = Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS;
      long page = Libc.mmap(0, CODE_BYTES, Libc.PROT_READ | Libc.PROT_WRITE, anonymous, -1, 0);
      Memory.copyIn(MemorySegment.ofArray(code), page);
      Libc.mprotect(page, CODE_BYTES, Libc.PROT_READ | Libc.PROT_EXEC);
      return page;
    } catch (Libc.Errno e) {
      throw new HoldfastException.DurabilityUnavailable(
          "cache lines cannot be written back: no page of code could be made ("
              + e.getMessage()
              + ")");
    }
  }

  @SuppressWarnings("restricted")
  private static MethodHandle handle(
      long address, FunctionDescriptor descriptor, Linker.Option... options) {
    if (address == 0) {
      return null;
    }
    return Linker.nativeLinker()
        .downcallHandle(MemorySegment.ofAddress(address), descriptor, options);
  }

  private static RuntimeException rethrow(Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    if (e instanceof RuntimeException runtime) {
      return runtime;
    }
    throw new AssertionError(e);
  }
}
