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
 * it are being written, and higher afterwards (a sequence lock). Its number is the order number of
 * the last commit that wrote slots of it, which the next one follows, since a slot that one key
 * gave up is had by another. A value is followed by the claim of its key.
 */
final class IndexStripes {
  private static final int BITS = 6;
  private static final int COUNT = 1 << BITS;

  /** All of them. */
  static final long ALL = -1;

  private static final VarHandle VERSION = MethodHandles.arrayElementVarHandle(long[].class);
  private static final int STRIDE = 8;
  private static final int NUMBER = 1;

  private final Latch[] latches = new Latch[COUNT];

  // By stripe: {version, number}.
  private final long[] words = new long[COUNT * STRIDE];

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

  /** The highest of some stripes' order numbers. The latches must be held. */
  long number(long stripes) {
    long highest = 0;
    for (long left = stripes; left != 0; left &= left - 1) {
      int stripe = Long.numberOfTrailingZeros(left);
      highest = Math.max(highest, words[stripe * STRIDE + NUMBER]);
    }
    return highest;
  }

  /** A commit of an order number writes to some stripes. The latches must be held. */
  void ordered(long stripes, long number) {
    for (long left = stripes; left != 0; left &= left - 1) {
      words[Long.numberOfTrailingZeros(left) * STRIDE + NUMBER] = number;
    }
  }

  long version(int stripe) {
    return (long) VERSION.getAcquire(words, stripe * STRIDE);
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
      VERSION.setOpaque(words, stripe * STRIDE, version(stripe) + 1);
    }
    VarHandle.storeStoreFence();
  }

  void endChange(long stripes) {
    for (long left = stripes; left != 0; left &= left - 1) {
      int stripe = Long.numberOfTrailingZeros(left);
      VERSION.setRelease(words, stripe * STRIDE, version(stripe) + 1);
    }
  }
}
