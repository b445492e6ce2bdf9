// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class WallClockTest {
  private long millis = 5000;
  private long nanos = 77;

  private WallClock since(long seen) {
    return new WallClock(() -> millis, () -> nanos, seen);
  }

  private void pass(long by) {
    millis += by;
    nanos += by * 1_000_000;
  }

  @Test
  void now_isTheMachines() {
    WallClock clock = since(0);
    assertEquals(5000, clock.now());
    pass(10);
    assertEquals(5010, clock.now());
    millis += 1000;
    assertEquals(6010, clock.now());
  }

  @Test
  void now_whenTheMachinesGoesBack_goesOn() {
    WallClock clock = since(0);
    assertEquals(5000, clock.now());
    millis -= 3000;
    assertEquals(5000, clock.now());
    pass(10);
    assertEquals(5010, clock.now());
    pass(2990);
    assertEquals(8000, clock.now());
    millis += 3001;
    assertEquals(8001, clock.now());
  }

  @Test
  void now_afterARestartWithAnEarlierClock_goesOnFromWhatWasSeen() {
    WallClock clock = since(9000);
    assertEquals(9000, clock.now());
    pass(5);
    assertEquals(9005, clock.now());
  }
}
