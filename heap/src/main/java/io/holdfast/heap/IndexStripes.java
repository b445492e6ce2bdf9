// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.tx.spi.Latch;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The latches and versions of an index.
 *
 * <p>A stripe has all keys of a segment, and of no segment a part: it is chosen by the first bits
 * of their hashes, as many as the segment's depth, six at most. Its version is odd while slots of
 * it are being written, and higher afterwards (a sequence lock).
 */
final class IndexStripes {
  private static final int BITS = 6;
  private static final int COUNT = 1 << BITS;

  /** All of them. */
  static final long ALL = -1;

  private static final VarHandle VERSION = MethodHandles.arrayElementVarHandle(long[].class);
  private static final int VERSION_STRIDE = 8;

  private final Latch[] latches = new Latch[COUNT];
  private final long[] versions = new long[COUNT * VERSION_STRIDE];

  IndexStripes() {
    for (int i = 0; i < COUNT; i++) {
      latches[i] = new Latch();
    }
  }

  static int of(long keyHash, int depth) {
    int bits = Math.min(depth, BITS);
    return bits == 0 ? 0 : (int) (keyHash >>> (64 - bits)) << (BITS - bits);
  }

  void lock(int stripe) {
    latches[stripe].lock();
  }

  void unlock(int stripe) {
    latches[stripe].unlock();
  }

  /** Takes the latches of some stripes, which are bits, in order. */
  void lock(long stripes) {
    for (long left = stripes; left != 0; left &= left - 1) {
      latches[Long.numberOfTrailingZeros(left)].lock();
    }
  }

  void unlock(long stripes) {
    for (long left = stripes; left != 0; left &= left - 1) {
      latches[Long.numberOfTrailingZeros(left)].unlock();
    }
  }

  long version(int stripe) {
    return (long) VERSION.getAcquire(versions, stripe * VERSION_STRIDE);
  }

  static boolean isStable(long version) {
    return (version & 1) == 0;
  }

  /** Whether what was read since a version was seen is of that version. */
  boolean isStill(int stripe, long version) {
    VarHandle.loadLoadFence();
    return version(stripe) == version;
  }

  /** Slots of some stripes are about to be written. The latches must be held. */
  void beginChange(long stripes) {
    for (long left = stripes; left != 0; left &= left - 1) {
      int stripe = Long.numberOfTrailingZeros(left);
      VERSION.setOpaque(versions, stripe * VERSION_STRIDE, version(stripe) + 1);
    }
    VarHandle.storeStoreFence();
  }

  void endChange(long stripes) {
    for (long left = stripes; left != 0; left &= left - 1) {
      int stripe = Long.numberOfTrailingZeros(left);
      VERSION.setRelease(versions, stripe * VERSION_STRIDE, version(stripe) + 1);
    }
  }
}
