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
 * <p>A stripe is an open-addressing table behind a spin lock that is held for a probe and no
 * longer; nothing blocks inside it.
 */
final class Claims {
  private static final int STRIPES = 256;
  private static final int FIRST_CAPACITY = 8;
  private static final int LANE_SHIFT = 48;
  private static final long GENERATION_MASK = (1L << LANE_SHIFT) - 1;

  private static final long[] NONE = new long[0];

  private final Stripe[] stripes = new Stripe[STRIPES];
  private final Lane[] lanes;

  Claims(Lane[] lanes) {
    this.lanes = lanes;
    for (int i = 0; i < STRIPES; i++) {
      stripes[i] = new Stripe();
    }
  }

  private static final class Stripe {
    private static final VarHandle LOCK;

    static {
      try {
        LOCK = MethodHandles.lookup().findVarHandle(Stripe.class, "lock", int.class);
      } catch (ReflectiveOperationException e) {
        throw new ExceptionInInitializerError(e);
      }
    }

    @SuppressWarnings("unused") // by its handle
    private int lock;

    private long[] units = NONE;
    private long[] owners = NONE;
    private int used;

    void lock() {
      while (!LOCK.compareAndSet(this, 0, 1)) {
        Thread.onSpinWait();
      }
    }

    void unlock() {
      LOCK.setRelease(this, 0);
    }
  }

  private static long hash(long unit) {
    long h = unit * 0x9E3779B97F4A7C15L;
    return h ^ h >>> 32;
  }

  /**
   * Claims a unit for the transaction that has the lane.
   *
   * @return null if it is now claimed, or was before; else the lane that holds it
   */
  Lane claim(long unit, Lane lane) {
    long hash = hash(unit);
    Stripe stripe = stripes[(int) (hash & (STRIPES - 1))];
    long owner = owner(lane);
    stripe.lock();
    try {
      return claim(stripe, unit, (int) (hash >>> 8), owner);
    } finally {
      stripe.unlock();
    }
  }

  private Lane claim(Stripe stripe, long unit, int hash, long owner) {
    if (stripe.used * 4 >= stripe.units.length * 3) {
      rebuild(stripe);
    }
    int mask = stripe.units.length - 1;
    int free = -1;
    int slot = hash & mask;
    while (stripe.owners[slot] != 0) {
      long holder = stripe.owners[slot];
      boolean live = isLive(holder);
      if (stripe.units[slot] == unit && live) {
        return holder == owner ? null : lanes[(int) (holder >>> LANE_SHIFT)];
      }
      if (!live && free < 0) {
        free = slot;
      }
      slot = (slot + 1) & mask;
    }
    if (free < 0) {
      free = slot;
      stripe.used++;
    }
    stripe.units[free] = unit;
    stripe.owners[free] = owner;
    return null;
  }

  /** Keeps the live claims only, in a table that they fill by half at most. */
  private void rebuild(Stripe stripe) {
    long[] units = stripe.units;
    long[] owners = stripe.owners;
    int live = 0;
    for (long holder : owners) {
      if (holder != 0 && isLive(holder)) {
        live++;
      }
    }
    int capacity = Math.max(FIRST_CAPACITY, Integer.highestOneBit(Math.max(1, live)) * 4);
    if (live == 0 && capacity == owners.length) {
      // The usual case; a lane never takes up again what it has let go.
      Arrays.fill(owners, 0);
      stripe.used = 0;
      return;
    }
    stripe.units = new long[capacity];
    stripe.owners = new long[capacity];
    stripe.used = 0;
    for (int i = 0; i < owners.length; i++) {
      // Asked again: a lane may have let go meanwhile, never taken up.
      if (owners[i] != 0 && isLive(owners[i])) {
        int slot = (int) (hash(units[i]) >>> 8) & (capacity - 1);
        while (stripe.owners[slot] != 0) {
          slot = (slot + 1) & (capacity - 1);
        }
        stripe.units[slot] = units[i];
        stripe.owners[slot] = owners[i];
        stripe.used++;
      }
    }
  }

  /** Never 0: generations begin at 1. */
  private static long owner(Lane lane) {
    return (long) lane.index() << LANE_SHIFT | (lane.generation() & GENERATION_MASK);
  }

  private boolean isLive(long owner) {
    Lane lane = lanes[(int) (owner >>> LANE_SHIFT)];
    return (lane.generation() & GENERATION_MASK) == (owner & GENERATION_MASK);
  }
}
