// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The order of commits, and the watermark below which their entries in the log are dead.
 *
 * <p>Order numbers are a logical clock (Lamport, "Time, Clocks, and the Ordering of Events in a
 * Distributed System", CACM 1978), so that lanes which have nothing to do with each other share no
 * line that they store to. A number is above all that its lane had, above those that it {@linkplain
 * #follow follows}, and above the <em>floor</em>. Replay goes by numbers; so a commit that stores
 * where another one has, or to a block that another one allocated or freed, must follow it. Of two
 * that have no part of the region in common either may have the lower number, or both the same.
 * {@link OverlapCheck} asserts it.
 *
 * <p>Each lane shows two numbers on a line of its own, and keeps two there for itself: a lower
 * bound of its next order number, and the age of its next transaction, if it knows that.
 * <em>inflight</em> is a lower bound of the order number that it is committing, or 0;
 * <em>unfenced</em> is the order number of a transaction that it applied in place without waiting
 * for it, or 0. The watermark is a floor with nothing inflight and nothing unfenced at or below it:
 * all up to there is durable where it belongs, and recovery need not replay it.
 *
 * <p>Why it holds. A lane announces before it reads the floor, and whoever computes a watermark
 * raises the floor before he looks at the lanes. So a number at or below the floor was announced
 * when he looks; all others will be above it. He reads inflight before unfenced, and a lane that
 * has applied sets unfenced before it clears inflight: so one of the two he sees. Numbers are never
 * given back: one whose commit failed is a gap, and its lane stops, because its region is poisoned.
 */
final class CommitOrder {
  private static final VarHandle LONGS = MethodHandles.arrayElementVarHandle(long[].class);

  // One lane's numbers are 16 longs away from the next lane's, two lines, against false sharing.
  private static final int STRIDE = 16;
  private static final int INFLIGHT = 0;
  private static final int UNFENCED = 1;
  private static final int LAST = 2;
  private static final int AGE = 3;
  private static final int HEAD = STRIDE;
  private static final int FLOOR = 0;
  private static final int BEGUN = 1;
  private static final int DURABLE = STRIDE / 2;
  private static final int BEGUN_BITS = 20;

  private final long[] slots;

  // The lanes that were ever used, in the order of their first use: nobody looks at others.
  private final int[] used;
  private volatile int usedCount;

  CommitOrder(int lanes) {
    this.slots = new long[2 * HEAD + lanes * STRIDE];
    this.used = new int[lanes];
  }

  /** To be called once for each lane, before it commits. */
  synchronized void use(int lane) {
    used[usedCount] = lane;
    usedCount++;
  }

  private static int slot(int lane, int which) {
    return 2 * HEAD + lane * STRIDE + which;
  }

  private long get(int slot) {
    return (long) LONGS.getAcquire(slots, slot);
  }

  private void set(int slot, long value) {
    LONGS.setRelease(slots, slot, value);
  }

  /** Announces a commit and takes its order number. What it writes must be claimed by then. */
  long next(int lane) {
    announce(lane);
    return take(lane, Math.max(last(lane), floor()) + 1);
  }

  /** The same for a commit that follows all that have their numbers, and that all others follow. */
  long nextOfAll(int lane) {
    announce(lane);
    long number = highest() + 1;
    raiseFloor(number);
    return take(lane, number);
  }

  /** A locked instruction on the lane's own line, which comes before the floor is read. */
  private void announce(int lane) {
    LONGS.getAndSet(slots, slot(lane, INFLIGHT), last(lane) + 1);
  }

  private long take(int lane, long number) {
    set(slot(lane, INFLIGHT), number);
    set(slot(lane, LAST), number);
    set(slot(lane, AGE), number << BEGUN_BITS);
    return number;
  }

  /** The lane's numbers will be above one from here on. To be called by who has the lane. */
  void follow(int lane, long number) {
    if (number > last(lane)) {
      set(slot(lane, LAST), number);
    }
  }

  /** A number that no commit of the lane so far is above. */
  long last(int lane) {
    return get(slot(lane, LAST));
  }

  private long floor() {
    return (long) LONGS.getVolatile(slots, HEAD + FLOOR);
  }

  /** A number that none of those taken so far is above. */
  private long highest() {
    long highest = floor();
    int count = usedCount;
    for (int i = 0; i < count; i++) {
      highest = Math.max(highest, last(used[i]));
    }
    return highest;
  }

  private void raiseFloor(long number) {
    raise(HEAD + FLOOR, number);
  }

  private void raise(int slot, long number) {
    long now = (long) LONGS.getVolatile(slots, slot);
    while (now < number && !LONGS.compareAndSet(slots, slot, now, number)) {
      now = (long) LONGS.getVolatile(slots, slot);
    }
  }

  /**
   * The time at which a lane begins a transaction; less is earlier. As a rule it is that of the
   * lane's last commit, which has just been: so lanes share nothing for it. A lane of which that is
   * long ago, whose last transaction did not commit, or that had none, asks what time it is.
   */
  long begun(int lane) {
    long age = get(slot(lane, AGE));
    set(slot(lane, AGE), 0);
    return age >> BEGUN_BITS > durable() ? age : now();
  }

  /**
   * A clock that goes by commits, and between two commits by how often it is asked, which is
   * counted without a locked instruction: what two threads count at once may be counted once.
   */
  private long now() {
    long count = get(HEAD + BEGUN) + 1;
    set(HEAD + BEGUN, count);
    return highest() << BEGUN_BITS | count & (1 << BEGUN_BITS) - 1;
  }

  /** What was committed is in place, but was not waited for. */
  void applied(int lane, long number) {
    set(slot(lane, UNFENCED), number);
    set(slot(lane, INFLIGHT), 0);
  }

  /** What the lane applied is durable in place. */
  void fenced(int lane) {
    set(slot(lane, UNFENCED), 0);
  }

  boolean isUnfenced(int lane) {
    return get(slot(lane, UNFENCED)) != 0;
  }

  boolean isInflight(int lane) {
    return get(slot(lane, INFLIGHT)) != 0;
  }

  /**
   * The watermark as it stands now. Once true of a number, it stays true; but a later one may be
   * lower, since a lane may announce less than the number that it is going to get.
   */
  long watermark() {
    raiseFloor(highest());
    long lowest = floor();
    int count = usedCount;
    for (int i = 0; i < count; i++) {
      int lane = used[i];
      long inflight = (long) LONGS.getVolatile(slots, slot(lane, INFLIGHT));
      if (inflight != 0) {
        lowest = Math.min(lowest, inflight - 1);
      }
      long unfenced = get(slot(lane, UNFENCED));
      if (unfenced != 0) {
        lowest = Math.min(lowest, unfenced - 1);
      }
    }
    return lowest;
  }

  /** The highest watermark that is known to be durable: what it covers may be overwritten. */
  long durable() {
    return get(HEAD + DURABLE);
  }

  /**
   * A watermark has become durable. What is known never goes back: a lane writes the older of its
   * two watermark lines whenever there is more to be known, and must not write less to it.
   */
  void proven(long watermark) {
    raise(HEAD + DURABLE, watermark);
  }
}
