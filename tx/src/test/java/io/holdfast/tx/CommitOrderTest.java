// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.tx.spi.Latch;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.ToLongFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CommitOrderTest {
  /** Two places of an array that are not in one line. */
  private static final int FAR = 32;

  private final CommitOrder order = new CommitOrder(3);

  CommitOrderTest() {
    for (int lane = 0; lane < 3; lane++) {
      order.use(lane);
    }
  }

  @Test
  void watermark_nothingCommitted_zero() {
    assertEquals(0, order.watermark());
  }

  @Test
  void next_onLanesApart_ofEachItsOwnCount() {
    assertEquals(1, order.next(0));
    order.applied(0, 0);
    assertEquals(2, order.next(0));
    assertEquals(1, order.next(1));
  }

  @Test
  void next_afterWhatItFollows_above() {
    order.follow(1, 7);
    order.follow(1, 5);
    assertEquals(8, order.next(1));
    assertEquals(1, order.next(0));
  }

  /** Or else a number could come below a watermark that is known already. */
  @Test
  void next_afterAWatermark_above() {
    order.follow(0, 7);
    order.applied(0, order.next(0));
    order.fenced(0);
    assertEquals(8, order.watermark());
    assertEquals(9, order.next(1));
  }

  @Test
  void nextOfAll_aboveAllBefore_andAllAfterAboveIt() {
    order.follow(0, 7);
    order.next(0);
    assertEquals(9, order.nextOfAll(1));
    assertEquals(10, order.next(2));
    assertEquals(10, order.next(0));
    assertEquals(11, order.nextOfAll(2));
  }

  @Test
  void watermark_inflight_staysBelow() {
    order.next(0);
    order.follow(1, 1);
    order.applied(1, order.next(1));
    order.fenced(1);
    assertEquals(0, order.watermark());
    order.applied(0, 0);
    assertEquals(2, order.watermark());
  }

  @Test
  void watermark_appliedAndNotFenced_staysBelow() {
    order.applied(0, order.nextOfAll(0));
    order.applied(1, order.nextOfAll(1));
    order.fenced(1);
    order.applied(2, order.nextOfAll(2));
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

  /** What one of two has just proven is known at least, whatever the other one does. */
  @Test
  void proven_byTwoAtOnce_neverGoesBack() throws Exception {
    AtomicBoolean ended = new AtomicBoolean();
    CompletableFuture<Long> other =
        CompletableFuture.supplyAsync(() -> worstOfProving(1, ended))
            .whenComplete((worst, e) -> ended.set(true));
    assertEquals(0, worstOfProving(0, ended));
    assertEquals(0, other.get());
  }

  /** How far below what it has just proven it finds what is known, at worst. */
  private long worstOfProving(int first, AtomicBoolean ended) {
    long worst = 0;
    for (long number = first; number < 4_000_000 && !ended.get(); number += 2) {
      order.proven(number);
      worst = Math.max(worst, number - order.durable());
    }
    ended.set(true);
    return worst;
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
    order.nextOfAll(1);
    long other = order.begun(1);
    assertTrue(other < order.begun(0));
  }

  @Test
  void begun_onALaneThatWasIdle_notWhenItWasUsedLast() {
    order.next(0);
    order.applied(0, 0);
    order.nextOfAll(1);
    order.applied(1, 0);
    long other = order.begun(1);
    order.proven(order.watermark());
    assertTrue(other < order.begun(0));
  }

  /**
   * A lane takes its number at the very moment at which a watermark is taken: a litmus test, since
   * it takes nanoseconds, and the order of one store and one load. Beside other work the two
   * threads meet less often, so that there is a limit to it.
   */
  @Test
  void watermark_takenWhileANumberIs_doesNotCoverIt() throws Exception {
    assertNeverCovered(order -> order.next(0));
  }

  /** The same if the number is taken after all others: it is the floor at once. */
  @Test
  void watermark_takenWhileANumberAfterAllIs_doesNotCoverIt() throws Exception {
    assertNeverCovered(order -> order.nextOfAll(0));
  }

  private static void assertNeverCovered(ToLongFunction<CommitOrder> next) throws Exception {
    long enough = System.nanoTime() + TimeUnit.SECONDS.toNanos(3);
    for (int round = 0; round < 200 && System.nanoTime() < enough; round++) {
      CommitOrder[] orders = new CommitOrder[1000];
      for (int i = 0; i < orders.length; i++) {
        orders[i] = new CommitOrder(2);
        orders[i].use(0);
        orders[i].use(1);
        orders[i].follow(1, 5);
      }
      long[] numbers = new long[orders.length];
      AtomicIntegerArray arrived = new AtomicIntegerArray(FAR + 1);
      Thread lane =
          Thread.ofPlatform()
              .start(() -> {
                for (int i = 0; i < orders.length; i++) {
                  meet(arrived, 0, FAR);
                  numbers[i] = next.applyAsLong(orders[i]);
                }
              });
      long[] watermarks = new long[orders.length];
      for (int i = 0; i < orders.length; i++) {
        meet(arrived, FAR, 0);
        watermarks[i] = orders[i].watermark();
      }
      lane.join();
      for (int i = 0; i < orders.length; i++) {
        assertTrue(watermarks[i] < numbers[i], watermarks[i] + " covers number " + numbers[i]);
      }
    }
  }

  private static void meet(AtomicIntegerArray arrived, int mine, int other) {
    int times = arrived.incrementAndGet(mine);
    for (int spins = 0; arrived.get(other) < times; spins++) {
      Latch.pause(spins);
    }
  }

  /** Lanes commit as fast as they can, one of them after all, while a watermark is taken. */
  @Test
  void watermark_takenWhileLanesCommit_neverCoversWhatIsNotFenced() throws Exception {
    int count = 3;
    AtomicLongArray fencedUpTo = new AtomicLongArray(count);
    AtomicLongArray current = new AtomicLongArray(count);
    AtomicBoolean stop = new AtomicBoolean();
    Thread[] threads = new Thread[count];
    for (int t = 0; t < count; t++) {
      int lane = t;
      threads[t] =
          Thread.ofPlatform()
              .start(() -> {
                for (int round = 0; !stop.get(); round++) {
                  boolean all = lane == 2 && round % 64 == 0;
                  long number = all ? order.nextOfAll(lane) : order.next(lane);
                  current.set(lane, number);
                  order.applied(lane, number);
                  fencedUpTo.set(lane, number);
                  order.fenced(lane);
                }
              });
    }
    for (int i = 0; i < 1_000_000; i++) {
      long watermark = order.watermark();
      for (int lane = 0; lane < count; lane++) {
        long begun = current.get(lane);
        boolean fenced = fencedUpTo.get(lane) >= begun;
        assertTrue(fenced || watermark < begun, "covers number " + begun);
      }
    }
    stop.set(true);
    long highest = 0;
    for (int lane = 0; lane < count; lane++) {
      threads[lane].join();
      highest = Math.max(highest, current.get(lane));
    }
    assertEquals(highest, order.watermark());
  }
}
