// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.tx.spi.Space;

/**
 * Claims the units that a transaction writes to, and remembers the last: most writes go to where
 * the one before went, and to look a unit up takes longer than to write.
 */
final class ClaimedUnits {
  private final Lanes lanes;
  private final Lane lane;
  private final Space space;
  private final long[] ends = new long[2];

  // The unit that was claimed last, and the last one that a user named; empty if there is none.
  private long start;
  private long end;
  private long userStart;
  private long userEnd;

  ClaimedUnits(Lanes lanes, Lane lane, Space space) {
    this.lanes = lanes;
    this.lane = lane;
    this.space = space;
  }

  /** Claims the units that a range touches. */
  void claim(long offset, long length) {
    if (!isIn(offset, length, start, end)) {
      claimEach(offset, length);
    }
  }

  private void claimEach(long offset, long length) {
    for (long at = offset; at < offset + length; at = end) {
      space.unit(at, ends);
      lanes.claim(ends[0], lane);
      start = ends[0];
      end = ends[1];
    }
  }

  /** The same for a range that was found to be the user's to name; so is then all of its unit. */
  void claimForUser(long offset, long length) {
    claim(offset, length);
    if (length > 0) {
      userStart = start;
      userEnd = end;
    }
  }

  /** Whether a range is in the unit that {@link #claimForUser} has claimed last. */
  boolean isForUser(long offset, long length) {
    return isIn(offset, length, userStart, userEnd);
  }

  private static boolean isIn(long offset, long length, long start, long end) {
    return offset >= start && offset < end && length <= end - offset;
  }

  /** What is a unit now may be none, or another, if it is looked up again. */
  void forget() {
    start = 0;
    end = 0;
    userStart = 0;
    userEnd = 0;
  }
}
