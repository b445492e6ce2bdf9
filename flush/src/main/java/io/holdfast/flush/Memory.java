// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.nio.ByteOrder.LITTLE_ENDIAN;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;

/**
 * Memory by absolute address, little-endian, unchecked: the one place where mapped memory is
 * touched.
 *
 * <p>One segment over all of memory and an address costs what {@code Unsafe} costs; a segment per
 * region costs twice that as soon as several regions are open, because its checks no longer hoist.
 * The check that is left out here is {@link PersistentRegion}'s limit. Plain access uses the
 * unaligned layouts (one check less), ordered access the aligned ones (the others have none).
 */
final class Memory {
  private static final MemorySegment ALL = everything();
  private static final ValueLayout.OfInt INT = JAVA_INT_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG = JAVA_LONG_UNALIGNED.withOrder(LITTLE_ENDIAN);
  private static final VarHandle ORDERED_LONG = ordered(JAVA_LONG);

  private Memory() {}

  @SuppressWarnings("restricted")
  private static MemorySegment everything() {
    return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  }

  private static VarHandle ordered(ValueLayout layout) {
    VarHandle handle = layout.withOrder(LITTLE_ENDIAN).varHandle();
    return MethodHandles.insertCoordinates(handle, 0, ALL).withInvokeExactBehavior();
  }

  static byte getByte(long address) {
    return ALL.get(JAVA_BYTE, address);
  }

  static void putByte(long address, byte value) {
    ALL.set(JAVA_BYTE, address, value);
  }

  static int getInt(long address) {
    return ALL.get(INT, address);
  }

  static void putInt(long address, int value) {
    ALL.set(INT, address, value);
  }

  static long getLong(long address) {
    return ALL.get(LONG, address);
  }

  static void putLong(long address, long value) {
    ALL.set(LONG, address, value);
  }

  static long getLongAcquire(long address) {
    return (long) ORDERED_LONG.getAcquire(address);
  }

  static void putLongRelease(long address, long value) {
    ORDERED_LONG.setRelease(address, value);
  }

  static boolean compareAndSetLong(long address, long expected, long value) {
    return ORDERED_LONG.compareAndSet(address, expected, value);
  }

  static long getAndOrLong(long address, long mask) {
    return (long) ORDERED_LONG.getAndBitwiseOr(address, mask);
  }

  static long getAndAndLong(long address, long mask) {
    return (long) ORDERED_LONG.getAndBitwiseAnd(address, mask);
  }

  static void copyIn(MemorySegment from, long address) {
    MemorySegment.copy(from, 0, ALL, address, from.byteSize());
  }

  static void copyOut(long address, MemorySegment into) {
    MemorySegment.copy(ALL, address, into, 0, into.byteSize());
  }

  static void copy(long from, long to, long bytes) {
    MemorySegment.copy(ALL, from, ALL, to, bytes);
  }

  static void fill(long address, long bytes, byte value) {
    ALL.asSlice(address, bytes).fill(value);
  }

  /** Some ordinary memory, from a line's beginning on, zeroed, little-endian. */
  static ByteBuffer allocate(long bytes) {
    long lines = Math.ceilDiv(bytes, Lines.LINE_BYTES) + 1;
    if (lines > Integer.MAX_VALUE / Lines.LINE_BYTES) {
      throw new OutOfMemoryError("more than a buffer can have: bytes=" + bytes);
    }
    return ByteBuffer.allocateDirect((int) lines * Lines.LINE_BYTES)
        .alignedSlice(Lines.LINE_BYTES)
        .slice(0, (int) bytes)
        .order(LITTLE_ENDIAN);
  }

  /** The memory at an address as a segment that dies with the arena. */
  @SuppressWarnings("restricted")
  static MemorySegment segment(long address, long bytes, Arena arena) {
    return MemorySegment.ofAddress(address).reinterpret(bytes, arena, null);
  }
}
