// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;

/**
 * Who writes what: a table from units (a line, a block, a key of a map) to the transaction that has
 * claimed it.
 *
 * <p>A claim names its lane and the lane's generation, and holds as long as the lane has that
 * generation. So a transaction gives up all its claims by one release store to its lane, after its
 * last fence, where a locked instruction would wait for writebacks that otherwise overlap. What is
 * left in the table is rubbish that the next one to come by replaces.
 *
 * <p>A stripe is eight words, so that who claims touches one or two cache lines: a spin lock, which
 * is held for a look and no longer, and three claims, which are enough as a rule; more are in a
 * table beside it. Nothing blocks inside the lock.
 *
 * <p>Who waits says so, in the last word of the stripe, and then younger transactions get nothing
 * more of that stripe: else one that waits would have to look at the very moment between the end of
 * one holder and the beginning of the next, and might never do so. There is one such place in a
 * stripe, for the oldest of those that wait. It is of no account once its transaction has ended.
 *
 * <p>Who claims a unit also follows whoever had it before (see {@link CommitOrder}). The number of
 * that one is at most its lane's last; it is asked for when a claim that has ended is replaced, and
 * kept for the stripe as a whole, above the lock's bit: so what is forgotten of one unit is
 * followed by all that come to the stripe, which is more than need be and does no harm.
 *
 * <p>The stack, or the Java heap, may end at any call inside the lock. So the table changes by
 * plain stores, between which nothing is called, from one whole state to the next; and a lock whose
 * release is a call that fails is released by a store.
 */
final class Claims {
  private static final VarHandle WORDS = MethodHandles.arrayElementVarHandle(long[].class);
  private static final int STRIPES = 256;
  private static final int STRIPE_BITS = 8;
  private static final int STRIDE = 8;
  private static final int FIRST = 1;
  private static final int PAIR = 2;
  private static final int END = 7;
  private static final int LANE_SHIFT = 48;
  private static final long GENERATION_MASK = (1L << LANE_SHIFT) - 1;

  private static final int WAITING = 7;
  private static final long LOCKED = 1;
  private static final int NUMBER_SHIFT = 1;

  // By stripe: {number and lock, unit, owner, unit, owner, unit, owner, who waits for one}.
  private final long[] words = new long[STRIPES * STRIDE];
  private final More[] more = new More[STRIPES];
  private final Lane[] lanes;
  private final CommitOrder order;

  @SuppressWarnings("unused") // for its order only
  private volatile boolean brokenOff;

  Claims(Lane[] lanes, CommitOrder order) {
    this.lanes = lanes;
    this.order = order;
  }

  /** The claims of a stripe that had three already: an open-addressing table. */
  private static final class More {
    private static final int FIRST_CAPACITY = 8;

    private long[] units = new long[FIRST_CAPACITY];
    private long[] owners = new long[FIRST_CAPACITY];
    private int used;
  }

  private static long hash(long unit) {
    long h = unit * 0x9E3779B97F4A7C15L;
    return h ^ h >>> 32;
  }

  /**
   * Claims a unit for the transaction that has the lane.
   *
   * @return null if it is now claimed, or was before; else the lane that holds it, or an older one
   *     that waits for it
   */
  Lane claim(long unit, Lane lane) {
    long hash = hash(unit);
    int stripe = (int) hash & STRIPES - 1;
    lock(stripe);
    try {
      Lane holder = claim(stripe, unit, hash, lane);
      unlock(stripe);
      return holder;
    } catch (Throwable e) {
      brokenOff = true; // volatile: what was stored before is seen before the lock is free
      words[stripe * STRIDE] &= ~LOCKED;
      throw e;
    }
  }

  private Lane claim(int stripe, long unit, long hash, Lane lane) {
    long owner = owner(lane);
    long holder = claim(stripe, unit, (int) (hash >>> STRIPE_BITS), owner);
    return holder == owner ? null : laneOf(holder);
  }

  /**
   * The same for a transaction that has waited, and goes on waiting if it gets nothing: until it
   * does, or {@linkplain #leave leaves}, younger ones get nothing either.
   */
  Lane claimOrWait(long unit, Lane lane) {
    long hash = hash(unit);
    int stripe = (int) hash & STRIPES - 1;
    int place = stripe * STRIDE + WAITING;
    lock(stripe);
    try {
      Lane holder = claim(stripe, unit, hash, lane);
      if (holder == null) {
        leave(place, lane);
      } else if (!isLive(words[place]) || lane.isOlderThan(laneOf(words[place]))) {
        words[place] = owner(lane);
      }
      unlock(stripe);
      return holder;
    } catch (Throwable e) {
      brokenOff = true;
      words[stripe * STRIDE] &= ~LOCKED;
      throw e;
    }
  }

  /** Waits no longer for a unit. */
  void leave(long unit, Lane lane) {
    int stripe = (int) hash(unit) & STRIPES - 1;
    lock(stripe);
    try {
      leave(stripe * STRIDE + WAITING, lane);
      unlock(stripe);
    } catch (Throwable e) {
      brokenOff = true;
      words[stripe * STRIDE] &= ~LOCKED;
      throw e;
    }
  }

  private void leave(int place, Lane lane) {
    if (words[place] == owner(lane)) {
      words[place] = 0;
    }
  }

  private void lock(int stripe) {
    int at = stripe * STRIDE;
    long word = (long) WORDS.getOpaque(words, at);
    while ((word & LOCKED) != 0 || !WORDS.compareAndSet(words, at, word, word | LOCKED)) {
      Thread.onSpinWait();
      word = (long) WORDS.getOpaque(words, at);
    }
  }

  private void unlock(int stripe) {
    WORDS.setRelease(words, stripe * STRIDE, words[stripe * STRIDE] & ~LOCKED);
  }

  /**
   * A claim is forgotten whose transaction has ended; its order number is not. The lock is held.
   */
  private void forget(int stripe, long owner) {
    long number = order.last(laneIndex(owner));
    if (number > words[stripe * STRIDE] >>> NUMBER_SHIFT) {
      words[stripe * STRIDE] = number << NUMBER_SHIFT | LOCKED;
    }
  }

  /** Returns who has it then. */
  private long claim(int stripe, long unit, int hash, long owner) {
    int at = stripe * STRIDE;
    int free = 0;
    for (int pair = at + FIRST; pair < at + END; pair += PAIR) {
      boolean same = words[pair] == unit;
      if (same || free == 0) {
        long holder = words[pair + 1];
        if (!isLive(holder)) {
          free = pair;
        } else if (same) {
          return holder;
        }
      }
    }
    if (more[stripe] != null) {
      long holder = find(stripe, unit, hash);
      if (holder != 0) {
        return holder;
      }
    }
    long waiting = words[at + WAITING];
    if (waiting != 0 && waitsBefore(waiting, owner)) {
      return waiting;
    }
    if (free != 0) {
      long before = words[free + 1];
      if (before != 0) {
        forget(stripe, before);
      }
      order.follow(laneIndex(owner), words[at] >>> NUMBER_SHIFT);
      words[free] = unit;
      words[free + 1] = owner;
    } else {
      if (more[stripe] == null) {
        more[stripe] = new More();
      }
      add(stripe, unit, hash, owner);
    }
    return owner;
  }

  private boolean waitsBefore(long waiting, long owner) {
    return waiting != owner && isLive(waiting) && laneOf(waiting).isOlderThan(laneOf(owner));
  }

  /** The live owner of a unit, or 0. */
  private long find(int stripe, long unit, int hash) {
    More table = more[stripe];
    int mask = table.units.length - 1;
    for (int slot = hash & mask; table.owners[slot] != 0; slot = slot + 1 & mask) {
      if (table.units[slot] == unit) {
        if (isLive(table.owners[slot])) {
          return table.owners[slot];
        }
        forget(stripe, table.owners[slot]);
      }
    }
    return 0;
  }

  /** Adds a unit that is not there. */
  private void add(int stripe, long unit, int hash, long owner) {
    More table = more[stripe];
    if (table.used * 4 >= table.units.length * 3) {
      rebuild(stripe);
    }
    int mask = table.units.length - 1;
    int slot = hash & mask;
    while (isLive(table.owners[slot])) {
      slot = slot + 1 & mask;
    }
    long before = table.owners[slot];
    if (before != 0) {
      forget(stripe, before);
    }
    order.follow(laneIndex(owner), words[stripe * STRIDE] >>> NUMBER_SHIFT);
    if (before == 0) {
      table.used++;
    }
    table.units[slot] = unit;
    table.owners[slot] = owner;
  }

  /** Keeps the live claims only, in a table that they fill by half at most. */
  private void rebuild(int stripe) {
    More table = more[stripe];
    long[] units = table.units;
    long[] owners = table.owners;
    int live = 0;
    for (long holder : owners) {
      if (isLive(holder)) {
        live++;
      } else if (holder != 0) {
        forget(stripe, holder);
      }
    }
    int capacity = Math.max(More.FIRST_CAPACITY, Integer.highestOneBit(Math.max(1, live)) * 4);
    if (live == 0 && capacity == owners.length) {
      // The usual case; a lane never takes up again what it has let go.
      Arrays.fill(owners, 0);
      table.used = 0;
      return;
    }
    long[] newUnits = new long[capacity];
    long[] newOwners = new long[capacity];
    int used = 0;
    for (int i = 0; i < owners.length; i++) {
      // Asked again: a lane may have let go meanwhile, never taken up.
      if (isLive(owners[i])) {
        int slot = (int) (hash(units[i]) >>> STRIPE_BITS) & (capacity - 1);
        while (newOwners[slot] != 0) {
          slot = slot + 1 & capacity - 1;
        }
        newUnits[slot] = units[i];
        newOwners[slot] = owners[i];
        used++;
      } else if (owners[i] != 0) {
        forget(stripe, owners[i]);
      }
    }
    table.units = newUnits;
    table.owners = newOwners;
    table.used = used;
  }

  private static int laneIndex(long owner) {
    return (int) (owner >>> LANE_SHIFT);
  }

  private Lane laneOf(long owner) {
    return lanes[laneIndex(owner)];
  }

  /** Never 0: generations begin at 1. */
  private static long owner(Lane lane) {
    return (long) lane.index() << LANE_SHIFT | (lane.generation() & GENERATION_MASK);
  }

  /** Whether a transaction that has claimed something is under way; 0 is none. */
  private boolean isLive(long owner) {
    return owner != 0
        && (laneOf(owner).generation() & GENERATION_MASK) == (owner & GENERATION_MASK);
  }
}
