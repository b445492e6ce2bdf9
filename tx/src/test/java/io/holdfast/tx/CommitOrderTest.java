// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CommitOrderTest {
  private final CommitOrder order = new CommitOrder(3);

  @Test
  void watermark_nothingCommitted_zero() {
    assertEquals(0, order.watermark());
  }

  @Test
  void watermark_inflight_staysBelow() {
    long first = order.next(0);
    long second = order.next(1);
    order.applied(1, second);
    order.fenced(1);
    assertEquals(1, first);
    assertEquals(2, second);
    assertEquals(0, order.watermark());
  }

  @Test
  void watermark_appliedAndNotFenced_staysBelow() {
    order.applied(0, order.next(0));
    order.applied(1, order.next(1));
    order.fenced(1);
    order.applied(2, order.next(2));
    assertEquals(0, order.watermark());
    order.fenced(0);
    assertEquals(2, order.watermark());
    order.fenced(2);
    assertEquals(3, order.watermark());
  }

  @Test
  void watermark_appliedWhereNothingIsWrittenBack_passes() {
    order.next(0);
    order.applied(0, 0);
    assertEquals(1, order.watermark());
  }

  @Test
  void proven_lowerThanKnown_ignored() {
    order.proven(7);
    order.proven(5);
    assertEquals(7, order.durable());
  }

  @Test
  void begun_onLanesWithoutCommits_inTheOrderOfTheirBeginning() {
    long first = order.begun(2);
    long second = order.begun(0);
    long third = order.begun(2);
    assertTrue(first < second && second < third, first + ", " + second + ", " + third);
  }

  @Test
  void begun_afterACommit_whenThatWas() {
    long before = order.begun(1);
    order.next(0);
    long committed = order.begun(0);
    assertTrue(before < committed && committed < order.begun(1));
  }

  /** A transaction that is tried again and again has to become the oldest. */
  @Test
  void begun_afterOneThatDidNotCommit_laterThanAllBefore() {
    order.next(0);
    order.begun(0);
    order.next(1);
    long other = order.begun(1);
    assertTrue(other < order.begun(0));
  }

  @Test
  void begun_onALaneThatWasIdle_notWhenItWasUsedLast() {
    order.next(0);
    order.applied(0, 0);
    order.next(1);
    order.applied(1, 0);
    long other = order.begun(1);
    order.proven(order.watermark());
    assertTrue(other < order.begun(0));
  }

  /** Lanes commit as fast as they can, while a watermark is taken over and over. */
  @Test
  void watermark_takenWhileLanesCommit_neverCoversWhatIsNotFenced() throws Exception {
    AtomicLongArray fencedUpTo = new AtomicLongArray(2);
    AtomicLongArray current = new AtomicLongArray(2);
    AtomicBoolean stop = new AtomicBoolean();
    Thread[] threads = new Thread[2];
    for (int t = 0; t < 2; t++) {
      int lane = t;
      threads[t] =
          Thread.ofPlatform()
              .start(() -> {
                while (!stop.get()) {
                  long number = order.next(lane);
                  current.set(lane, number);
                  order.applied(lane, number);
                  fencedUpTo.set(lane, number);
                  order.fenced(lane);
                }
              });
    }
    for (int i = 0; i < 2_000_000; i++) {
      long watermark = order.watermark();
      for (int lane = 0; lane < 2; lane++) {
        long begun = current.get(lane);
        boolean fenced = fencedUpTo.get(lane) >= begun;
        assertTrue(fenced || watermark < begun, "covers number " + begun);
      }
    }
    stop.set(true);
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(Math.max(current.get(0), current.get(1)), order.watermark());
  }
}
