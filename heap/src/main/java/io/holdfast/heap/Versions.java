// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Counters by which a reader without a lock tells that a block may have been taken away from him.
 *
 * <p>A writer lets go of a block in three steps: nothing leads to it any more; the counter goes up;
 * somebody else can have it. So who has followed a word to a block, copied, and finds the counter
 * as it was before, has copied while the block was what the word said.
 */
final class Versions {
  private static final int COUNT = 256;
  private static final int STRIDE = 8;
  private static final VarHandle VALUE = MethodHandles.arrayElementVarHandle(long[].class);

  private final long[] values = new long[COUNT * STRIDE];

  private static int place(long index) {
    return (int) (index & COUNT - 1) * STRIDE;
  }

  /** The counter of an index, which others share. */
  long of(long index) {
    return (long) VALUE.getAcquire(values, place(index));
  }

  /** Whether nothing was taken away since. */
  boolean isStill(long index, long version) {
    VarHandle.loadLoadFence();
    return of(index) == version;
  }

  void increment(long index) {
    VALUE.getAndAdd(values, place(index), 1L);
  }
}
