// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.tx.spi.Space;
import io.holdfast.tx.spi.Units;

/**
 * Claims the units that a transaction writes to, and remembers the last, and the part of the region
 * that it is in: most writes go to where the one before went, and to look that up takes longer than
 * to write. While a unit of a block is claimed nobody else can free the block, so what was found of
 * it stays true.
 *
 * <p>From one transaction to the next it is a guess, since the block may be freed in between: what
 * it says is claimed, and then looked up, once. Else a look is needed before the claim, which must
 * know the unit, and one after it. A range of no bytes claims nothing, and so nothing is found by
 * it.
 */
final class ClaimedUnits {
  private final Lanes lanes;
  private final Lane lane;
  private final Space space;
  private final CommitOrder order;
  private final Units part = new Units();
  private final Units now = new Units();

  /** Whether the part was found by this transaction. */
  private boolean found;

  // The unit that was claimed last; empty if there is none.
  private long start;
  private long end;

  ClaimedUnits(Lanes lanes, Lane lane, Log log) {
    this.lanes = lanes;
    this.lane = lane;
    this.space = log.space();
    this.order = log.order();
  }

  /** Claims the units that a range touches. */
  void claim(long offset, long length) {
    if (offset < start || offset >= end || length > end - offset) {
      for (long at = offset; at < offset + length; at = end) {
        claimUnit(at);
      }
    }
  }

  private void claimUnit(long offset) {
    boolean known = found && part.has(offset);
    if (!known) {
      find(offset);
    }
    long unit = part.unit(offset);
    try {
      lanes.claim(unit, lane);
      if (!known) {
        lookAgain(offset);
      }
    } catch (Throwable e) {
      start = 0; // not by a call, for which there may be no room
      end = 0;
      found = false;
      throw e;
    }
    start = unit;
    end = part.end(unit);
  }

  private void find(long offset) {
    found = false;
    space.units(offset, part);
    order.follow(lane.index(), part.follows());
    found = true;
  }

  /** Whoever had it claimed before may have freed it, and another one have taken it. */
  private void lookAgain(long offset) {
    space.units(offset, now);
    order.follow(lane.index(), now.follows());
  }

  /** The same for a range that a user names; refused if he may not. */
  void claimForUser(Transaction tx, long offset, long length) {
    if (mayName(offset, length)) {
      claim(offset, length);
      return;
    }
    if (length == 0) {
      space.checkUserRange(tx, offset, length);
      return;
    }
    if (!found && claimAsBefore(offset, length)) {
      return;
    }
    find(offset);
    if (!mayName(offset, length)) {
      part.clear();
      space.checkUserRange(tx, offset, length);
    }
    claim(offset, length);
    try {
      space.checkUserRange(tx, offset, length);
      lookAgain(offset);
    } catch (Throwable e) {
      start = 0; // not by a call, for which there may be no room
      end = 0;
      found = false;
      throw e;
    }
  }

  /** Claims by what an earlier transaction has found, if that is still so. */
  private boolean claimAsBefore(long offset, long length) {
    if (length < 0 || !part.mayName(offset, length)) {
      return false;
    }
    try {
      found = true;
      claim(offset, length);
      lookAgain(offset);
    } catch (Throwable e) {
      start = 0; // not by a call, for which there may be no room
      end = 0;
      found = false;
      throw e;
    }
    if (!now.isAs(part)) {
      forget();
    }
    return found;
  }

  /** Whether a user may name a range, as far as is known here. */
  boolean mayName(long offset, long length) {
    return found && length >= 0 && part.mayName(offset, length);
  }

  /** What is a unit now may be none, or another, if it is looked up again. */
  void forget() {
    start = 0;
    end = 0;
    found = false;
  }
}
