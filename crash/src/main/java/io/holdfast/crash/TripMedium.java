// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.Lines;
import io.holdfast.flush.Medium;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A medium that stops whoever makes the n-th event of a kind, before it takes effect. What makes no
 * events of that kind is stopped after many of others.
 */
final class TripMedium extends ForwardingMedium {
  private static final long LAST_EVENT = 200_000;

  private final Runnable tripped;
  private final AtomicLong left = new AtomicLong();
  private final AtomicLong leftOfAny = new AtomicLong();
  private volatile KillPlan.Event armed;

  /**
   * @param tripped what whoever is stopped does; it does not return
   */
  TripMedium(Medium inner, Runnable tripped) {
    super(inner);
    this.tripped = tripped;
  }

  /**
   * Trips at the n-th event of a kind from now, from 1.
   *
   * @param kind what is counted
   */
  void arm(KillPlan.Event kind, long n) {
    left.set(n);
    leftOfAny.set(LAST_EVENT);
    armed = kind;
  }

  private void event(KillPlan.Event event) {
    KillPlan.Event kind = armed;
    if (kind == null) {
      return;
    }
    boolean counted = kind == event || kind == KillPlan.Event.ANY;
    long stillLeft = counted ? left.decrementAndGet() : left.get();
    if (leftOfAny.decrementAndGet() <= 0 || stillLeft <= 0) {
      tripped.run();
    }
  }

  @Override
  public String describe() {
    return inner().describe() + ", tripped";
  }

  @Override
  public void store(long offset, int bytes, long value) {
    event(KillPlan.Event.STORE);
    super.store(offset, bytes, value);
  }

  @Override
  public boolean compareAndSet(long offset, long expected, long value) {
    event(KillPlan.Event.STORE);
    return super.compareAndSet(offset, expected, value);
  }

  @Override
  public void copyIn(MemorySegment from, long offset) {
    event(KillPlan.Event.STORE);
    super.copyIn(from, offset);
  }

  @Override
  public MemorySegment writable(long offset, long bytes, Arena arena) {
    event(KillPlan.Event.STORE);
    return super.writable(offset, bytes, arena);
  }

  @Override
  public void persist(Lines lines) {
    event(KillPlan.Event.FENCE);
    lines.visit(
        new Lines.Visitor() {
          @Override
          public void writeback(long offset, long bytes) {
            inner().persist(offset, bytes);
          }

          @Override
          public void copy(long offset, MemorySegment from) {
            event(KillPlan.Event.COPY);
            inner().copyIn(from, offset);
            inner().persist(offset, from.byteSize());
          }
        });
  }

  @Override
  public void persist(long offset, long bytes) {
    event(KillPlan.Event.FENCE);
    super.persist(offset, bytes);
  }
}
