// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import java.util.function.LongSupplier;

/**
 * Milliseconds since 1970 that never go back, whatever is done to the clock of the machine: what
 * has expired stays expired. While the machine's clock is behind, time goes on by itself.
 */
final class WallClock {
  private final LongSupplier millis;
  private final LongSupplier nanos;
  private long base;
  private long baseNanos;

  /** Begins no earlier than a time that was seen before. */
  WallClock(LongSupplier millis, LongSupplier nanos, long seen) {
    this.millis = millis;
    this.nanos = nanos;
    this.base = seen;
    this.baseNanos = nanos.getAsLong();
  }

  static WallClock since(long seen) {
    return new WallClock(System::currentTimeMillis, System::nanoTime, seen);
  }

  long now() {
    long passed = (nanos.getAsLong() - baseNanos) / 1_000_000;
    long wall = millis.getAsLong();
    if (wall >= base + passed) {
      base = wall;
      baseNanos = nanos.getAsLong();
      return wall;
    }
    return base + passed;
  }
}
