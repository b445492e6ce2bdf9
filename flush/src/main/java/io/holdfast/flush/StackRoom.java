// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What is left of the calling thread's stack. A {@link StackOverflowError} can come out of every
 * call, and no {@code finally} is sure to run to its end where one has come: so what must not be
 * broken off in the middle asks for room before it begins, and is refused, having done nothing.
 *
 * <p>The Java virtual machine throws where a method's frame would not leave it what it keeps at the
 * end of a stack: the guard zones, of 4 pages, and the shadow zone, of 20, for native code ({@code
 * StackYellowPages}, {@code StackRedPages}, {@code StackReservedPages}, {@code StackShadowPages}).
 * What this class counts is what is left for Java. A virtual thread runs on the stack of the thread
 * that carries it, and is measured by that one's.
 *
 * <p>Where the C library does not tell where a stack ends, or the processor is one that the stub
 * does not know, there is always room.
 */
public final class StackRoom {
  private static final int PAGE_SHIFT = 12;
  private static final long ENOUGH_BYTES = 256 << 10;
  private static final int[] ZONE_PAGES = {2, 1, 1, 20};
  private static final long KEPT_BYTES = keptBytes();
  private static final boolean KNOWN = WritebackStub.stack() != 0 && Libc.stack() != null;

  // By a hash of the thread, the stack that was last asked about there: {lowest page, pages}. It is
  // a guess: a stack pointer that is outside it is another stack's.
  private static final int ENTRIES = 1024;
  private static final int SIZE_BITS = 19;
  private static final long MAX_PAGES = (1L << SIZE_BITS) - 1;
  private static final long[] STACKS = new long[ENTRIES];
  private static final VarHandle STACK = MethodHandles.arrayElementVarHandle(long[].class);

  private StackRoom() {}

  /**
   * Throws if the stack of this thread has less room than something needs. A few nanoseconds. A
   * stack that has less than 256 KiB all in all is asked for as much less, so that what asks for
   * more than another one always does.
   *
   * @param bytes how much it needs, where there is as much; up to 2<sup>40</sup>
   * @throws StackOverflowError if there is less; nothing has happened
   */
  public static void require(long bytes) {
    if (!KNOWN) {
      return;
    }
    long pointer = WritebackStub.stack();
    int entry = (int) Thread.currentThread().threadId() & ENTRIES - 1;
    long stack = (long) STACK.getOpaque(STACKS, entry);
    long above = pointer - low(stack);
    if (Long.compareUnsigned(above, size(stack)) >= 0) {
      stack = look(pointer);
      STACK.setOpaque(STACKS, entry, stack);
      above = pointer - low(stack);
    }
    if (above < KEPT_BYTES + bytes) {
      requireShare(bytes, above - KEPT_BYTES, size(stack) - KEPT_BYTES);
    }
  }

  private static long low(long stack) {
    return stack >>> SIZE_BITS << PAGE_SHIFT;
  }

  private static long size(long stack) {
    return (stack & MAX_PAGES) << PAGE_SHIFT;
  }

  /** The stack on which a pointer is: the upper part of one that is very large. */
  private static long look(long pointer) {
    ByteRange stack = Libc.stack();
    if (stack == null || !stack.overlaps(new ByteRange(pointer, 1))) {
      // A stack that is not the C library's: there is as much above as below.
      return (pointer >>> PAGE_SHIFT) - MAX_PAGES / 2 << SIZE_BITS | MAX_PAGES;
    }
    long pages = Math.min(stack.bytes() >>> PAGE_SHIFT, MAX_PAGES);
    return (stack.end() >>> PAGE_SHIFT) - pages << SIZE_BITS | pages;
  }

  private static void requireShare(long bytes, long left, long all) {
    long needed = all < ENOUGH_BYTES ? bytes * all / ENOUGH_BYTES : bytes;
    if (left < needed) {
      throw new StackOverflowError(refusal(Math.max(0, left), needed));
    }
  }

  /**
   * Without {@code +} or a format: these need classes which, if there is no room for them the first
   * time, are lost for good.
   */
  private static String refusal(long left, long needed) {
    return "the stack has room for "
        .concat(Long.toString(left))
        .concat(" bytes, and ")
        .concat(Long.toString(needed))
        .concat(" are needed for this to be done whole or not at all: call it from less deep, or")
        .concat(" give the thread a larger stack (-Xss)");
  }

  private static long keptBytes() {
    long page = Libc.getpagesize();
    long kept = 0;
    for (int pages : ZONE_PAGES) {
      kept += Math.ceilDiv((long) pages << PAGE_SHIFT, page) * page;
    }
    return kept;
  }
}
