// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.Lines;
import io.holdfast.tx.spi.Latch;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A lane: one log and one working state, for one transaction at a time. This class is about who has
 * it.
 *
 * <p>Its <em>generation</em> is the identity of the transaction that has it; when it changes,
 * handles of that transaction are void and all its claims are gone. Its <em>latch</em> is held by
 * whoever fences for the lane: the owner while it writes the log, fences and stores in place; or
 * another lane, which tries and never waits, while it writes this one's pending lines back. Both
 * are given up by release stores, since a locked instruction after a fence would wait for
 * writebacks.
 */
final class Lane {
  private static final VarHandle BUSY;
  private static final VarHandle GENERATION;
  private static final VarHandle OWNER;
  private static final VarHandle AGE;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      BUSY = lookup.findVarHandle(Lane.class, "busy", int.class);
      GENERATION = lookup.findVarHandle(Lane.class, "generation", long.class);
      OWNER = lookup.findVarHandle(Lane.class, "owner", Thread.class);
      AGE = lookup.findVarHandle(Lane.class, "age", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final int index;
  private final Lines pending;
  private final Latch latch = new Latch();

  @SuppressWarnings("unused") // by its handle
  private int busy;

  private long generation = 1;

  // Not volatile, whose store is a locked instruction. Who finds a claim sees both, since they were
  // stored before it was made. The owner stays when the lane is freed: then nobody asks for it.
  @SuppressWarnings("unused") // by its handle
  private Thread owner;

  @SuppressWarnings("unused") // by its handle
  private long age;

  Lane(int index, Lines pending) {
    this.index = index;
    this.pending = pending;
  }

  int index() {
    return index;
  }

  /**
   * Lines that were stored in place after a commit and not written back yet. Guarded by the latch.
   */
  Lines pending() {
    return pending;
  }

  /** Takes the lane for a transaction of this thread, if it is free. */
  boolean tryTake() {
    if ((int) BUSY.getOpaque(this) != 0 || !BUSY.compareAndSet(this, 0, 1)) {
      return false;
    }
    // Mostly it is the same thread again, and to store a reference costs the collector's barrier.
    Thread taker = Thread.currentThread();
    if (taker != (Thread) OWNER.getOpaque(this)) {
      OWNER.setRelease(this, taker);
    }
    return true;
  }

  /** Says when the transaction that has the lane was begun for the first time. */
  void setAge(long time) {
    AGE.setRelease(this, time);
  }

  /** Ends the transaction: its handles are void from here on, and its claims given up. */
  void endTransaction() {
    GENERATION.setRelease(this, generation + 1);
  }

  /** Lets another transaction have the lane. */
  void free() {
    BUSY.setRelease(this, 0);
  }

  boolean isBusy() {
    return (int) BUSY.getAcquire(this) != 0;
  }

  long generation() {
    return (long) GENERATION.getAcquire(this);
  }

  /** The thread whose transaction has the lane, or had it last; null if there was none. */
  Thread owner() {
    return (Thread) OWNER.getAcquire(this);
  }

  /** When the transaction that has the lane was begun for the first time. */
  long age() {
    return (long) AGE.getAcquire(this);
  }

  /**
   * Whether the transaction that has the lane is older than another one's. Of two that were begun
   * at the same time the lane decides, so that of any two that wait for each other one is.
   */
  boolean isOlderThan(Lane other) {
    long mine = age();
    long its = other.age();
    return mine < its || mine == its && index < other.index;
  }

  boolean tryLatch() {
    return latch.tryLock();
  }

  @SuppressWarnings("LockNotBeforeTry") // given to the caller
  void latch() {
    latch.lock();
  }

  void unlatch() {
    latch.unlock();
  }
}
