// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.Lines;
import io.holdfast.flush.Medium;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/** A medium that stops whoever makes the n-th change or fence, before it takes effect. */
final class TripMedium extends ForwardingMedium {
  private static final long NEVER = Long.MAX_VALUE;

  private final Runnable tripped;
  private final AtomicLong left = new AtomicLong(NEVER);

  /**
   * @param tripped what whoever is stopped does; it does not return
   */
  TripMedium(Medium inner, Runnable tripped) {
    super(inner);
    this.tripped = tripped;
  }

  /** Trips at the n-th event from now, from 1. */
  void arm(long n) {
    left.set(n);
  }

  private void event() {
    if (left.getPlain() != NEVER && left.decrementAndGet() <= 0) {
      tripped.run();
    }
  }

  @Override
  public String describe() {
    return inner().describe() + ", tripped";
  }

  @Override
  public void store(long offset, int bytes, long value) {
    event();
    super.store(offset, bytes, value);
  }

  @Override
  public boolean compareAndSet(long offset, long expected, long value) {
    event();
    return super.compareAndSet(offset, expected, value);
  }

  @Override
  public void copyIn(MemorySegment from, long offset) {
    event();
    super.copyIn(from, offset);
  }

  @Override
  public MemorySegment writable(long offset, long bytes, Arena arena) {
    event();
    return super.writable(offset, bytes, arena);
  }

  @Override
  public void persist(Lines lines) {
    event();
    super.persist(lines);
  }

  @Override
  public void persist(long offset, long bytes) {
    event();
    super.persist(offset, bytes);
  }
}
