// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.CrashModel;
import io.holdfast.crash.ForwardingMedium;
import io.holdfast.crash.Trace;
import io.holdfast.crash.TracingMedium;
import io.holdfast.flush.Lines;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.TransactionAccess;
import io.holdfast.tx.spi.TransactionAccess.Acceptance;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

/** Rings that stay full, because another transaction does not get on. */
@Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD)
class LogRoomTest {
  private static final LogLayout LAYOUT = new LogLayout(0, 2, 1024);
  private static final long KEY = 5;
  private static final int MORE_THAN_A_RING = 40;

  /** So many of all blocks are more than a ring has room for. */
  private static final int SNAPSHOTS = 6;

  private final Stopping medium = new Stopping();
  private final PersistentRegion region = PersistentRegion.over(medium);
  private final TestSpace space = new TestSpace(region, LAYOUT);
  private final Lanes lanes = Lanes.format(region, LAYOUT, KEY, 0, space);

  /** Stops one thread at its n-th fence, until it may go on. */
  private static final class Stopping extends ForwardingMedium {
    private final TracingMedium traced;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final CountDownLatch goOn = new CountDownLatch(1);
    private volatile Thread thread;
    private int fences;

    Stopping() {
      this(TracingMedium.ofSize((int) TestSpace.bytes(LAYOUT)));
    }

    private Stopping(TracingMedium traced) {
      super(traced);
      this.traced = traced;
    }

    /** What is there whatever of the rest is lost. */
    void forEachImage(Consumer<long[]> image) {
      Trace trace = traced.trace();
      trace.forEachImage(trace.points().getLast(), CrashModel.WORD, image);
    }

    void stop(Thread which, int afterFences) {
      fences = afterFences;
      thread = which;
    }

    @Override
    public String describe() {
      return inner().describe();
    }

    @Override
    public void persist(Lines lines) {
      if (Thread.currentThread().equals(thread) && fences-- == 0) {
        stopped.countDown();
        await(goOn);
      }
      inner().persist(lines);
    }
  }

  private void set(int word, long value) {
    lanes.run(tx -> tx.setLong(space.word(word), value));
  }

  private void fillRing() {
    for (int i = 1; i < MORE_THAN_A_RING; i++) {
      set(0, i);
    }
  }

  /** Until whoever was stopped goes on, the log stays full; then it is of use again. */
  private void assertFullUntilItGoesOn(Runnable other, int fences) throws Exception {
    lanes.setPatience(Duration.ofMillis(50));
    Thread thread = Thread.ofPlatform().daemon().unstarted(other);
    medium.stop(thread, fences);
    thread.start();
    medium.stopped.await();
    var e = assertThrows(TransactionException.LogFull.class, this::fillRing);
    assertTrue(e.getMessage().contains("held by lane "), e.getMessage());
    assertTrue(e.getMessage().contains(thread.getName()), e.getMessage());
    long reached = region.getLong(space.word(0));
    assertTrue(reached > 0 && reached < MORE_THAN_A_RING - 1, "reached=" + reached);
    medium.goOn.countDown();
    thread.join();
    fillRing();
    assertEquals(MORE_THAN_A_RING - 1, region.getLong(space.word(0)));
    assertEquals(8, region.getLong(space.word(1)));
  }

  @Test
  void commitThatDoesNotEnd_whoNeedsRoomIsToldByWhom() throws Exception {
    assertFullUntilItGoesOn(() -> set(1, 8), 0);
  }

  /** What it has applied before is not durable, and nobody else can make it so. */
  @Test
  void snapshotThatDoesNotEnd_whoNeedsRoomIsToldByWhom() throws Exception {
    assertFullUntilItGoesOn(
        () -> {
          set(1, 7);
          lanes.run(tx -> {
            tx.snapshot(space.word(1), 8);
            region.putLong(space.word(1), 8);
          });
        },
        1);
  }

  /**
   * Else a log would be marked as clean that has a record behind the mark, or whose last values are
   * in no line that was written back.
   */
  @Test
  void close_whileACommitIsUnderWay_waitsForItAndWritesItBack() throws Exception {
    Thread commit = Thread.ofPlatform().daemon().unstarted(() -> set(1, 8));
    medium.stop(commit, 0);
    commit.start();
    medium.stopped.await();
    Thread closing = Thread.ofPlatform().daemon().start(lanes::close);
    assertWaits(closing);
    medium.goOn.countDown();
    closing.join();
    commit.join();
    medium.forEachImage(image -> assertEquals(8, image[(int) space.word(1) / 8]));
    assertTrue(Lanes.open(region, 0).recovery().clean());
  }

  @Test
  void close_whileAnAbortIsUnderWay_waitsForIt() throws Exception {
    Thread abort =
        Thread.ofPlatform()
            .daemon()
            .unstarted(() -> {
              try (Transaction tx = lanes.begin()) {
                tx.snapshot(space.word(1), 8);
                region.putLong(space.word(1), 8);
              }
            });
    medium.stop(abort, 1);
    abort.start();
    medium.stopped.await();
    Thread closing = Thread.ofPlatform().daemon().start(lanes::close);
    assertWaits(closing);
    medium.goOn.countDown();
    closing.join();
    abort.join();
    assertEquals(0, region.getLong(space.word(1)));
    assertTrue(Lanes.open(region, 0).recovery().clean());
  }

  private static void assertWaits(Thread thread) throws InterruptedException {
    for (int waiting = 0; waiting < 5; ) {
      Thread.sleep(1);
      assertTrue(thread.isAlive());
      waiting = thread.getState() == Thread.State.TIMED_WAITING ? waiting + 1 : 0;
    }
  }

  /** Two who write one lane's lines back at once would forget some of them. */
  @Test
  void upkeep_whileAnotherLaneWritesItsLinesBack_waitsForIt() throws Exception {
    TransactionAccess access = TransactionAccess.get();
    CountDownLatch begun = new CountDownLatch(1);
    Thread waiting =
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              set(1, 8);
              try (Transaction tx = lanes.begin()) {
                begun.countDown();
                await(medium.stopped);
                access.upkeep(tx);
                tx.setLong(space.word(1), 9);
                tx.commit();
              }
            });
    begun.await();
    Thread helper =
        Thread.ofPlatform()
            .daemon()
            .unstarted(() -> {
              try (Transaction tx = lanes.begin()) {
                access.upkeep(tx);
              }
            });
    medium.stop(helper, 0);
    helper.start();
    medium.stopped.await();
    assertWaits(waiting);
    medium.goOn.countDown();
    helper.join();
    waiting.join();
    assertEquals(9, region.getLong(space.word(1)));
  }

  @Test
  void upkeep_afterTheLanesWereClosed_refusedAndTheLatchGivenUp() {
    Transaction tx = lanes.begin();
    tx.snapshot(space.block(0), 8);
    lanes.close();
    assertThrows(TransactionException.Ended.class, () -> TransactionAccess.get().upkeep(tx));
    assertThrows(TransactionException.Ended.class, tx::abort);
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(30, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** What one needed is to be had again when all of it is in place. */
  @Test
  void transactionsThatOutgrowTheirRing_giveTheirExtensionsBack() {
    for (int round = 1; round < 5 * TestSpace.EXTENSIONS; round++) {
      long value = round;
      lanes.run(tx -> {
        for (int i = 0; i < SNAPSHOTS; i++) {
          tx.savepoint();
          tx.snapshot(space.block(0), TestSpace.BLOCKS * TestSpace.BLOCK_BYTES);
        }
        tx.setLong(space.word(2), value);
      });
      assertTrue(space.freeExtensions() < TestSpace.EXTENSIONS);
      assertEquals(value, region.getLong(space.word(2)));
    }
  }

  /** Snapshots that fill a ring, an extension, and some of another one. */
  private void snapshotManyTimes(Transaction tx) {
    for (int i = 0; i < 10; i++) {
      tx.savepoint();
      tx.snapshot(space.block(0), TestSpace.BLOCKS * TestSpace.BLOCK_BYTES).fill((byte) i);
    }
    assertEquals(TestSpace.EXTENSIONS - 2, space.freeExtensions());
  }

  /** The first extension ends with a link to the second. */
  @Test
  void transactionInTwoExtensions_undoneByAnAbortAndByRecovery() {
    region.putLong(space.block(0), 7);
    try (Transaction tx = lanes.begin()) {
      snapshotManyTimes(tx);
    }
    assertEquals(7, region.getLong(space.block(0)));
    assertEquals(TestSpace.EXTENSIONS, space.freeExtensions());
    Transaction open = lanes.begin();
    snapshotManyTimes(open);
    assertEquals(1, reopen().recovery().rolledBack());
    assertEquals(7, region.getLong(space.block(0)));
    assertEquals(0, region.getLong(space.block(1)));
  }

  private Lanes reopen() {
    return Lanes.open(region, 0, 0, Acceptance.NOTHING_LOST, TestSpace::new);
  }

  /** A space may give less than is asked for; with less than a frame nothing can be done. */
  @Test
  void extensionThatHasNoRoomForAFrame_refusedAndGivenBack() {
    TestSpace small = new TestSpace(region, LAYOUT, LogLayout.LINE);
    Lanes cramped = Lanes.format(region, LAYOUT, KEY, 0, small);
    assertThrows(
        TransactionException.LogFull.class,
        () ->
            cramped.run(tx -> {
              for (int i = 0; i < SNAPSHOTS; i++) {
                tx.savepoint();
                tx.snapshot(space.block(0), TestSpace.BLOCKS * TestSpace.BLOCK_BYTES)
                    .fill((byte) 1);
              }
            }));
    assertEquals(TestSpace.EXTENSIONS, small.freeExtensions());
    assertEquals(0, region.getLong(space.block(0)));
    cramped.run(tx -> tx.setLong(space.word(1), 8));
    assertEquals(8, region.getLong(space.word(1)));
  }

  /** A transaction that is large, but for which an empty ring would do. */
  @Test
  void largeTransaction_waitsForItsRingToBecomeEmpty() {
    for (int i = 0; i < MORE_THAN_A_RING; i++) {
      long value = i;
      set(0, value);
      lanes.run(tx -> {
        for (int word = 1; word < 8; word++) {
          tx.setLong(space.word(word), value);
        }
      });
      assertEquals(value, region.getLong(space.word(7)));
    }
    assertEquals(TestSpace.EXTENSIONS, space.freeExtensions());
  }
}
