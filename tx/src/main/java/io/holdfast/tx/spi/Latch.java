// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx.spi;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;

/**
 * A lock that is given up by a release store: {@code ReentrantLock} takes a locked instruction for
 * that, which after a fence would wait for writebacks that otherwise overlap. Not reentrant, not
 * fair, and nobody is woken: who waits looks again, at first without a pause, since most waits are
 * for one fence.
 */
public final class Latch {
  private static final VarHandle HELD;
  private static final int SPINS = 100;
  private static final long PARK_NANOS = 20_000;

  static {
    try {
      HELD = MethodHandles.lookup().findVarHandle(Latch.class, "held", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  @SuppressWarnings("unused") // by its handle
  private int held;

  @SuppressWarnings("unused") // for its order only
  private volatile boolean brokenOff;

  /** A latch that nobody holds. */
  public Latch() {}

  /**
   * Takes the latch if it is free.
   *
   * @return whether it was
   */
  public boolean tryLock() {
    return (int) HELD.getOpaque(this) == 0 && HELD.compareAndSet(this, 0, 1);
  }

  /** Takes the latch, and waits until it is free. An interrupt does not end the wait. */
  public void lock() {
    for (int round = 0; !tryLock(); round++) {
      pause(round);
    }
  }

  /** Gives the latch up, also where the stack has no room for another call. Only its holder may. */
  public void unlock() {
    try {
      HELD.setRelease(this, 0);
    } catch (StackOverflowError e) {
      brokenOff = true; // volatile: what was stored before is seen before the latch is free
      held = 0;
    }
  }

  /**
   * Waits a little for what somebody else is doing.
   *
   * @param round how often this was done already: the first times it takes nanoseconds, then tens
   *     of microseconds
   */
  public static void pause(int round) {
    if (round < SPINS) {
      Thread.onSpinWait();
    } else {
      LockSupport.parkNanos(PARK_NANOS);
    }
  }
}
