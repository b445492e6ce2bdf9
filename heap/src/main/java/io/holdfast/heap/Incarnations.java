// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Numbers that tell the objects which come to be in one place from each other.
 *
 * <p>They are counted over the whole pool and for as long as it is open, and not in the blocks,
 * whose contents are gone once their run was dissolved. A handle lives no longer than the opening
 * that it is of, so nothing persistent has to be counted. The first one is any number that says
 * nothing of those of other openings, because objects that were made before have numbers too. The
 * same number comes again after 2^32 objects.
 */
final class Incarnations {
  private static final int SHARE = 64;

  private final AtomicInteger next;

  Incarnations(int first) {
    next = new AtomicInteger(first);
  }

  /** Numbers for one thread at a time, taken many at once so that threads seldom meet. */
  final class Share {
    private int next;
    private int left;

    /** A number that no other object of this opening has; never 0. */
    int take() {
      do {
        if (left == 0) {
          next = Incarnations.this.next.getAndAdd(SHARE);
          left = SHARE;
        }
        left--;
      } while (next++ == 0);
      return next - 1;
    }
  }

  Share share() {
    return new Share();
  }
}
