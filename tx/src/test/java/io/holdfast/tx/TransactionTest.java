// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.holdfast.crash.TracingMedium;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.TransactionAccess;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TransactionTest {
  private static final int LANES = 4;
  private static final int RING = 4096;
  private static final long DATA = Lanes.areaBytes(LANES, RING);
  private static final long BYTES = DATA + (1 << 20);

  /** Two references and a number. */
  private static final int HANDLE_BYTES = 32;

  private final PersistentRegion region = PersistentRegion.over(Medium.inMemory(BYTES));
  private final Lanes lanes = Lanes.format(region, 0, LANES, RING);

  private static long word(int index) {
    return DATA + 64L * index;
  }

  @AfterEach
  void close() {
    region.close();
  }

  /** As it is without the compiler, which may even leave the handle out. */
  @Test
  void transactions_inSteadyState_leaveOneHandleOnTheJavaHeap() {
    Ranges ranges = new Ranges().add(word(1), 8);
    double heldBack = garbageOfEach(() -> oneWord(null));
    double snapshot = garbageOfEach(() -> oneWord(ranges));
    // What is made once in a while, at upkeep, is a byte or two for each; an iterator has 32.
    assertTrue(heldBack < HANDLE_BYTES + 8, "bytes=" + heldBack);
    assertTrue(snapshot < HANDLE_BYTES + 8, "bytes=" + snapshot);
  }

  private void oneWord(Ranges snapshot) {
    try (Transaction tx = lanes.begin()) {
      if (snapshot == null) {
        tx.setLong(word(0), 1);
      } else {
        tx.snapshot(snapshot);
        region.putLong(word(1), 1);
      }
      tx.commit();
    }
  }

  private static double garbageOfEach(Runnable transaction) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    int count = 2000;
    long before = 0;
    for (int i = 0; i < 2 * count; i++) {
      if (i == count) {
        before = threads.getCurrentThreadAllocatedBytes();
      }
      transaction.run();
    }
    return (threads.getCurrentThreadAllocatedBytes() - before) / (double) count;
  }

  @Test
  void setLong_beforeCommit_ownReadsOnly() {
    try (Transaction tx = lanes.begin()) {
      tx.setLong(word(0), 1);
      tx.setLong(word(0), 2);
      assertEquals(2, tx.getLong(word(0)));
      assertEquals(0, region.getLong(word(0)));
      tx.commit();
      assertEquals(2, region.getLong(word(0)));
    }
    assertEquals(2, region.getLong(word(0)));
  }

  @Test
  void get_whereNothingIsWritten_whatWasCommitted() {
    lanes.run(tx -> tx.setLong(word(0), 1));
    byte[] seen = new byte[5];
    try (Transaction tx = lanes.begin()) {
      tx.get(word(0), MemorySegment.ofArray(seen));
      assertArrayEquals(new byte[] {1, 0, 0, 0, 0}, seen);
      tx.setLong(word(0), 2);
      tx.get(word(0), MemorySegment.ofArray(seen));
      assertArrayEquals(new byte[] {2, 0, 0, 0, 0}, seen);
    }
    try (Transaction tx = lanes.begin()) {
      tx.get(word(0), MemorySegment.ofArray(seen));
    }
    assertArrayEquals(new byte[] {1, 0, 0, 0, 0}, seen);
  }

  /** They have nothing to write back after the commit, on which the next one could wait. */
  @Test
  void snapshots_thatFillTheRing_makeRoomForTheNext() {
    PersistentRegion traced = PersistentRegion.over(TracingMedium.ofSize((int) BYTES));
    Lanes own = Lanes.format(traced, 0, 1, RING);
    for (int i = 0; i < 3; i++) {
      own.run(tx -> {
        MemorySegment bytes = tx.snapshot(DATA, RING / 2);
        bytes.fill((byte) 1);
      });
    }
    assertEquals(0x0101_0101_0101_0101L, traced.getLong(DATA));
  }

  @Test
  void close_withoutCommit_nothingHappened() {
    try (Transaction tx = lanes.begin()) {
      tx.setLong(word(0), 1);
    }
    try (Transaction tx = lanes.begin()) {
      tx.setLong(word(0), 1);
      tx.abort();
      assertFalse(tx.isActive());
    }
    assertEquals(0, region.getLong(word(0)));
  }

  @Test
  void set_anyBytes_asIfInMemory() {
    SplittableRandom random = new SplittableRandom(3);
    byte[] model = new byte[512];
    for (int round = 0; round < 200; round++) {
      try (Transaction tx = lanes.begin()) {
        for (int i = 0; i < 10; i++) {
          int offset = random.nextInt(400);
          byte[] bytes = new byte[random.nextInt(100)];
          random.nextBytes(bytes);
          tx.set(DATA + offset, MemorySegment.ofArray(bytes));
          System.arraycopy(bytes, 0, model, offset, bytes.length);
          int from = random.nextInt(400);
          byte[] seen = new byte[random.nextInt(112)];
          tx.get(DATA + from, MemorySegment.ofArray(seen));
          for (int b = 0; b < seen.length; b++) {
            assertEquals(model[from + b], seen[b]);
          }
        }
        tx.commit();
      }
      assertEquals(-1, region.view(DATA, 512).mismatch(MemorySegment.ofArray(model)));
    }
  }

  @Test
  void overwrite_bytes_atCommitAndNothingBesideThem() {
    TransactionAccess access = TransactionAccess.get();
    lanes.run(tx -> tx.setLong(word(0) + 8, -1));
    try (Transaction tx = lanes.begin()) {
      access.overwrite(tx, word(0), 12).fill((byte) 1);
      assertEquals(0, region.getLong(word(0)));
      tx.commit();
    }
    assertEquals(0x0101_0101_0101_0101L, region.getLong(word(0)));
    assertEquals(0xFFFF_FFFF_0101_0101L, region.getLong(word(0) + 8));
    try (Transaction tx = lanes.begin()) {
      access.overwrite(tx, word(0), 12).fill((byte) 2);
    }
    lanes.run(tx -> tx.setLong(word(1), 1));
    assertEquals(0x0101_0101_0101_0101L, region.getLong(word(0)));
  }

  @Test
  void overwrite_besideOtherChanges_refused() {
    TransactionAccess access = TransactionAccess.get();
    try (Transaction tx = lanes.begin()) {
      tx.setLong(word(0), 1);
      assertThrows(IllegalStateException.class, () -> access.overwrite(tx, word(1), 8));
    }
    try (Transaction tx = lanes.begin()) {
      access.overwrite(tx, word(0), 8);
      assertThrows(IllegalStateException.class, () -> access.overwrite(tx, word(1), 8));
    }
    try (Transaction tx = lanes.begin()) {
      tx.workspace().intend(LogLayout.ALLOCATE, word(0), 0, word(8), 64);
      assertThrows(IllegalStateException.class, () -> access.overwrite(tx, word(1), 8));
    }
    try (Transaction tx = lanes.begin()) {
      tx.snapshot(word(0), 8);
      assertThrows(IllegalStateException.class, () -> access.overwrite(tx, word(1), 8));
    }
  }

  @Test
  void snapshot_ofNegativeLength_refusedAlsoWhereOneBeforeHasWritten() {
    lanes.run(tx -> tx.setLong(word(0), 1));
    try (Transaction tx = lanes.begin()) {
      assertThrows(IndexOutOfBoundsException.class, () -> tx.snapshot(word(0), -8));
      tx.setLong(word(0), 2);
      tx.commit();
    }
    assertEquals(2, region.getLong(word(0)));
  }

  @Test
  void snapshot_storedInPlace_keptByCommitUndoneByAbort() {
    try (Transaction tx = lanes.begin()) {
      MemorySegment memory = tx.snapshot(DATA + 3, 10);
      assertEquals(10, memory.byteSize());
      memory.fill((byte) 7);
      assertEquals(7, region.getByte(DATA + 3));
      tx.commit();
    }
    try (Transaction tx = lanes.begin()) {
      tx.snapshot(DATA, 1500).fill((byte) 9);
      tx.snapshot(DATA + 1450, 100).fill((byte) 10);
    }
    for (int i = 0; i < 2000; i++) {
      assertEquals(i >= 3 && i < 13 ? 7 : 0, region.getByte(DATA + i), "at " + i);
    }
  }

  @Test
  void snapshot_neighboursBytes_neverRestored() {
    try (Transaction tx = lanes.begin()) {
      tx.snapshot(word(0), 8).set(JAVA_LONG, 0, 1);
      region.putLong(word(0) + 8, 5);
    }
    assertEquals(0, region.getLong(word(0)));
    assertEquals(5, region.getLong(word(0) + 8));
  }

  @Test
  void snapshot_ofAHeldBackWord_refused() {
    try (Transaction tx = lanes.begin()) {
      tx.setLong(word(1), 1);
      assertThrows(IllegalStateException.class, () -> tx.snapshot(word(1) - 4, 8));
      tx.commit();
    }
    assertEquals(1, region.getLong(word(1)));
  }

  @Test
  void setLong_underASnapshot_inPlaceAndUndone() {
    try (Transaction tx = lanes.begin()) {
      MemorySegment memory = tx.snapshot(word(0), 8);
      tx.setLong(word(0), 4);
      assertEquals(4, memory.get(JAVA_LONG, 0));
      assertEquals(4, tx.getLong(word(0)));
    }
    assertEquals(0, region.getLong(word(0)));
  }

  @Test
  void snapshots_manyAtOnce_thenHandedOut() {
    try (Transaction tx = lanes.begin()) {
      Ranges ranges = new Ranges();
      for (int i = 0; i < 40; i++) {
        ranges.add(word(i), 8);
      }
      tx.snapshot(ranges);
      for (int i = 0; i < 40; i++) {
        tx.snapshot(word(i), 8).set(JAVA_LONG, 0, i);
      }
      tx.commit();
    }
    for (int i = 0; i < 40; i++) {
      assertEquals(i, region.getLong(word(i)));
    }
  }

  @Test
  void rollbackTo_everyKindOfWrite_undoneSinceThenOnly() {
    List<String> hooks = new ArrayList<>();
    try (Transaction tx = lanes.begin()) {
      tx.setLong(word(0), 1);
      tx.snapshot(word(1), 8).set(JAVA_LONG, 0, 1);
      tx.afterCommit(() -> hooks.add("commit 1"));
      tx.afterAbort(() -> hooks.add("abort 1"));
      Savepoint first = tx.savepoint();
      tx.setLong(word(0), 2);
      tx.setLong(word(2), 2);
      tx.snapshot(word(1), 8).set(JAVA_LONG, 0, 2);
      tx.afterCommit(() -> hooks.add("commit 2"));
      tx.afterAbort(() -> hooks.add("abort 2"));
      Savepoint second = tx.savepoint();
      tx.setLong(word(0), 3);
      tx.rollbackTo(second);
      assertEquals(2, tx.getLong(word(0)));
      tx.rollbackTo(first);
      assertEquals(List.of("abort 2"), hooks);
      assertEquals(1, tx.getLong(word(0)));
      assertEquals(1, region.getLong(word(1)));
      assertEquals(0, tx.getLong(word(2)));
      assertThrows(IllegalArgumentException.class, () -> tx.rollbackTo(second));
      tx.setLong(word(3), 3);
      tx.rollbackTo(first);
      tx.setLong(word(4), 4);
      tx.commit();
    }
    assertEquals(List.of("abort 2", "commit 1"), hooks);
    long[] expected = {1, 1, 0, 0, 4};
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], region.getLong(word(i)), "word " + i);
    }
  }

  @Test
  void rollbackTo_anotherTransactionsSavepoint_refused() {
    Savepoint old;
    try (Transaction tx = lanes.begin()) {
      old = tx.savepoint();
    }
    try (Transaction tx = lanes.begin()) {
      assertThrows(IllegalArgumentException.class, () -> tx.rollbackTo(old));
    }
  }

  @Test
  void hooks_run_afterTheOutcomeAndMayBeginTransactions() {
    List<String> ran = new ArrayList<>();
    try (Transaction tx = lanes.begin()) {
      tx.setLong(word(0), 1);
      tx.afterCommit(() -> {
        assertFalse(tx.isActive());
        lanes.run(next -> next.setLong(word(0), next.getLong(word(0)) + 1));
        ran.add("committed");
      });
      tx.afterAbort(() -> ran.add("aborted"));
      tx.commit();
    }
    try (Transaction tx = lanes.begin()) {
      tx.afterCommit(() -> ran.add("committed"));
      tx.afterAbort(() -> ran.add("aborted"));
    }
    assertEquals(List.of("committed", "aborted"), ran);
    assertEquals(2, region.getLong(word(0)));
  }

  @Test
  void hooks_thatThrow_allRunAndTheOutcomeStands() {
    List<String> ran = new ArrayList<>();
    Transaction tx = lanes.begin();
    tx.setLong(word(0), 1);
    for (String name : List.of("a", "b", "c")) {
      tx.afterCommit(() -> {
        ran.add(name);
        throw new IllegalStateException(name);
      });
    }
    var e = assertThrows(IllegalStateException.class, tx::commit);
    assertEquals("a", e.getMessage());
    assertEquals(2, e.getSuppressed().length);
    assertEquals(List.of("a", "b", "c"), ran);
    assertEquals(1, region.getLong(word(0)));
    lanes.run(next -> next.setLong(word(0), 2));
  }

  /** What is free again when hooks run may be another transaction's by then. */
  @Test
  void hook_thatThrows_doesNotTouchWhatFollowsOnTheLane() {
    for (boolean writes : new boolean[] {false, true}) {
      Transaction[] next = new Transaction[lanes.userLanes()];
      Transaction tx = lanes.begin();
      if (writes) {
        tx.setLong(word(0), 1);
      }
      tx.afterCommit(() -> {
        Arrays.setAll(next, i -> lanes.begin());
        throw new IllegalStateException("hook");
      });
      var e = assertThrows(IllegalStateException.class, tx::commit);
      assertEquals(0, e.getSuppressed().length);
      for (int i = 0; i < next.length; i++) {
        next[i].setLong(word(i), 2);
        next[i].commit();
      }
    }
  }

  @Test
  void patience_ofAnyLength_isWaited() throws Exception {
    assertThrows(
        IllegalArgumentException.class, () -> lanes.setPatience(Duration.ofNanos(1).negated()));
    for (Duration patience :
        List.of(Duration.ofNanos(Long.MAX_VALUE), Duration.ofSeconds(Long.MAX_VALUE))) {
      lanes.setPatience(patience);
      List<Transaction> all = new ArrayList<>();
      for (int i = 0; i < lanes.userLanes(); i++) {
        all.add(lanes.begin());
      }
      CountDownLatch begins = new CountDownLatch(1);
      CompletableFuture<Void> late =
          CompletableFuture.runAsync(() -> {
            begins.countDown();
            lanes.run(tx -> tx.setLong(word(0), 1));
          });
      begins.await();
      Thread.sleep(20);
      assertFalse(late.isDone());
      all.forEach(Transaction::close);
      late.get();
    }
  }

  @Test
  void run_conflictAfterTheCommit_isNotRunAgain() {
    for (boolean byItself : new boolean[] {false, true}) {
      try (Transaction older = lanes.begin()) {
        older.setLong(word(1), 1);
        long before = region.getLong(word(0));
        AtomicLong runs = new AtomicLong();
        var e =
            assertThrows(
                TransactionException.Conflict.class,
                () ->
                    lanes.run(tx -> {
                      assertEquals(1, runs.incrementAndGet());
                      tx.setLong(word(0), tx.getLong(word(0)) + 1);
                      tx.afterCommit(() -> claimInAnotherThread(word(1)));
                      if (byItself) {
                        tx.commit();
                      }
                    }));
        assertTrue(e.retryable());
        assertEquals(before + 1, region.getLong(word(0)));
      }
    }
  }

  /** Throws what that thread got. */
  private void claimInAnotherThread(long word) {
    try {
      CompletableFuture.runAsync(
              () -> {
                try (Transaction younger = lanes.begin()) {
                  younger.setLong(word, 2);
                }
              })
          .join();
    } catch (CompletionException e) {
      throw (RuntimeException) e.getCause();
    }
  }

  @Test
  void anyUse_afterTheEnd_refused() {
    Transaction committed = lanes.begin();
    committed.commit();
    Transaction aborted = lanes.begin();
    aborted.abort();
    for (Transaction tx : List.of(committed, aborted)) {
      MemorySegment bytes = MemorySegment.ofArray(new byte[8]);
      assertEnded(() -> tx.getLong(word(0)));
      assertEnded(() -> tx.get(word(0), bytes));
      assertEnded(() -> tx.setLong(word(0), 1));
      assertEnded(() -> tx.set(word(0), bytes));
      assertEnded(() -> tx.snapshot(word(0), 8));
      assertEnded(() -> tx.snapshot(new Ranges()));
      assertEnded(tx::savepoint);
      assertEnded(() -> tx.rollbackTo(null));
      assertEnded(() -> tx.afterCommit(() -> {}));
      assertEnded(() -> tx.afterAbort(() -> {}));
      assertEnded(() -> tx.edit(null));
      assertEnded(tx::commit);
      assertEnded(tx::abort);
      tx.close();
    }
  }

  private static void assertEnded(org.junit.jupiter.api.function.Executable use) {
    assertThrows(TransactionException.Ended.class, use);
  }

  @Test
  void anyUse_afterTheLaneWasGivenToAnother_refused() {
    Transaction old = lanes.begin();
    old.commit();
    try (Transaction next = lanes.begin()) {
      next.setLong(word(0), 1);
      assertEnded(() -> old.setLong(word(0), 2));
      assertEnded(old::commit);
      old.close();
      next.commit();
    }
    assertEquals(1, region.getLong(word(0)));
  }

  @Test
  void anyUse_byAnotherThread_refused() throws Exception {
    try (Transaction tx = lanes.begin()) {
      AtomicReference<Throwable> thrown = new AtomicReference<>();
      Thread other =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  tx.setLong(word(0), 1);
                } catch (HoldfastException e) {
                  thrown.set(e);
                }
              });
      other.join();
      assertEquals(TransactionException.WrongThread.class, thrown.get().getClass());
      tx.commit();
    }
  }

  @Test
  void outsideTheDataRange_refused() {
    try (Transaction tx = lanes.begin()) {
      assertThrows(IndexOutOfBoundsException.class, () -> tx.setLong(BYTES, 1));
      assertThrows(IndexOutOfBoundsException.class, () -> tx.getLong(-8));
      assertThrows(IllegalArgumentException.class, () -> tx.setLong(DATA - 8, 1));
      assertThrows(IllegalArgumentException.class, () -> tx.snapshot(DATA - 1, 2));
      assertThrows(IllegalArgumentException.class, () -> tx.setLong(word(0) + 4, 1));
      assertThrows(IllegalArgumentException.class, () -> tx.edit(new Editable<String>() {}));
    }
  }

  @Test
  void claim_heldByATransactionOfThisThread_conflictAtOnce() {
    try (Transaction first = lanes.begin();
        Transaction second = lanes.begin()) {
      first.setLong(word(0), 1);
      var e =
          assertThrows(TransactionException.Conflict.class, () -> second.setLong(word(0) + 8, 2));
      assertFalse(e.retryable());
      assertThrows(
          TransactionException.Conflict.class,
          () -> second.set(word(0) + 16, MemorySegment.ofArray(new long[1])));
      assertThrows(TransactionException.Conflict.class, () -> second.snapshot(word(0) + 16, 8));
      second.setLong(word(1), 2);
      second.commit();
      first.commit();
    }
    assertThrows(
        TransactionException.Conflict.class,
        () ->
            lanes.run(outer -> {
              outer.setLong(word(0), 3);
              lanes.run(inner -> inner.setLong(word(0), 4));
            }));
    assertEquals(1, region.getLong(word(0)));
    assertEquals(2, region.getLong(word(1)));
  }

  @Test
  void claim_whereTheLastTransactionWrote_conflictAllTheSame() {
    for (int round = 0; round < 3; round++) {
      try (Transaction first = lanes.begin();
          Transaction second = lanes.begin()) {
        first.setLong(word(0), round);
        assertThrows(TransactionException.Conflict.class, () -> second.setLong(word(0) + 8, 2));
        second.setLong(word(1), round);
        first.commit();
        second.commit();
      }
    }
    assertEquals(2, region.getLong(word(0)));
    assertEquals(2, region.getLong(word(1)));
  }

  @Test
  void claim_olderWaits_youngerIsRefused() throws Exception {
    CountDownLatch claimed = new CountDownLatch(1);
    CountDownLatch tried = new CountDownLatch(1);
    Transaction older = lanes.begin();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<?> younger =
          threads.submit(() -> {
            try (Transaction tx = lanes.begin()) {
              tx.setLong(word(0), 1);
              claimed.countDown();
              tried.await();
              tx.commit();
              return null;
            }
          });
      claimed.await();
      older.setLong(word(1), 2);
      Future<?> youngest =
          threads.submit(() -> {
            try (Transaction tx = lanes.begin()) {
              var e =
                  assertThrows(TransactionException.Conflict.class, () -> tx.setLong(word(1), 3));
              assertTrue(e.retryable());
              assertThrows(TransactionException.Conflict.class, () -> tx.setLong(word(0), 3));
              return null;
            }
          });
      youngest.get();
      tried.countDown();
      older.setLong(word(0), 4);
      older.commit();
      younger.get();
    }
    assertEquals(4, region.getLong(word(0)));
    assertEquals(2, region.getLong(word(1)));
  }

  @Test
  void claim_holderNeverEnds_olderGivesUp() throws Exception {
    lanes.setPatience(Duration.ofMillis(50));
    CountDownLatch claimed = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(1);
    try (Transaction older = lanes.begin();
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<?> younger =
          threads.submit(() -> {
            try (Transaction tx = lanes.begin()) {
              tx.setLong(word(0), 1);
              claimed.countDown();
              done.await();
              return null;
            }
          });
      claimed.await();
      var e = assertThrows(TransactionException.Conflict.class, () -> older.setLong(word(0), 1));
      assertTrue(e.getMessage().contains("does not end"), e.getMessage());
      done.countDown();
      younger.get();
    }
  }

  @Test
  void run_manyThreadsOnFewWords_everyIncrementCountsOnce() throws Exception {
    int threads = 6;
    int rounds = 2000;
    List<Thread> all = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      int seed = t;
      Runnable body =
          () -> {
            SplittableRandom random = new SplittableRandom(seed);
            for (int i = 0; i < rounds; i++) {
              int a = random.nextInt(4);
              int b = random.nextInt(4);
              lanes.run(tx -> {
                // Claimed in any order, so that circles would form if anyone waited in one.
                tx.setLong(word(a) + 8, 0);
                tx.setLong(word(a), tx.getLong(word(a)) + 1);
                tx.setLong(word(b) + 8, 0);
                tx.setLong(word(b), tx.getLong(word(b)) + 1);
              });
            }
          };
      all.add(t % 2 == 0 ? Thread.ofPlatform().start(body) : Thread.ofVirtual().start(body));
    }
    for (Thread thread : all) {
      thread.join();
    }
    long sum = 0;
    for (int i = 0; i < 4; i++) {
      sum += region.getLong(word(i));
    }
    assertEquals(2L * threads * rounds, sum);
  }

  /**
   * Transactions that come one after the other, and hold what an older one waits for nearly all of
   * the time, let it through: they are younger.
   */
  @Test
  void claim_olderWaitsAmongManyYounger_isNextButFew() throws Exception {
    AtomicBoolean done = new AtomicBoolean();
    AtomicLong commits = new AtomicLong();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> younger = new ArrayList<>();
      for (int i = 0; i < LANES - 1; i++) {
        younger.add(
            threads.submit(() -> {
              while (!done.get()) {
                lanes.run(tx -> {
                  tx.setLong(word(0), 1);
                  LockSupport.parkNanos(1_000_000);
                });
                commits.incrementAndGet();
              }
            }));
      }
      try {
        for (int i = 0; i < 20; i++) {
          long before = commits.get();
          long[] attempts = new long[1];
          lanes.run(tx -> {
            attempts[0]++;
            tx.setLong(word(1), 1);
            tx.setLong(word(0), 2);
          });
          long passed = commits.get() - before;
          // Those that were there before, which are older, and one that held it; and as many that
          // were before all this, and are counted late.
          assertTrue(passed <= 2 * LANES, "passed=" + passed + ", attempts=" + attempts[0]);
        }
      } finally {
        done.set(true);
      }
      for (Future<?> one : younger) {
        one.get();
      }
    }
  }

  @Test
  void begin_thousandsOfVirtualThreadsOnFewLanes_allGetThrough() throws Exception {
    int count = 2000;
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        int mine = i;
        all.add(threads.submit(() -> lanes.run(tx -> tx.setLong(word(mine), mine + 1))));
      }
      for (Future<?> one : all) {
        one.get();
      }
    }
    for (int i = 0; i < count; i++) {
      assertEquals(i + 1, region.getLong(word(i)));
    }
  }

  @Test
  void begin_allLanesTaken_timesOutAndNamesTheHolders() {
    lanes.setPatience(Duration.ofMillis(20));
    List<Transaction> all = new ArrayList<>();
    for (int i = 0; i < LANES; i++) {
      all.add(lanes.begin());
    }
    var e = assertThrows(TransactionException.LaneTimeout.class, lanes::begin);
    assertTrue(e.getMessage().contains(Thread.currentThread().toString()), e.getMessage());
    all.forEach(Transaction::close);
    lanes.begin().close();
  }

  @Test
  void call_returnsWhatTheBodyReturns_andLeavesAnEndedTransactionAlone() {
    assertSame("x", lanes.call(tx -> "x"));
    lanes.run(tx -> {
      tx.setLong(word(0), 1);
      tx.abort();
    });
    assertEquals(0, region.getLong(word(0)));
  }

  @Test
  void run_bodyThrows_aborted() {
    assertThrows(
        IllegalStateException.class,
        () ->
            lanes.run(tx -> {
              tx.setLong(word(0), 1);
              throw new IllegalStateException();
            }));
    lanes.run(tx -> tx.setLong(word(1), 1));
    assertEquals(0, region.getLong(word(0)));
  }

  @Test
  void commit_moreThanTheRing_logFullAndAborted() {
    for (int round = 0; round < 3; round++) {
      Transaction tx = lanes.begin();
      for (int i = 0; i < 1000; i++) {
        tx.setLong(word(i), 1);
      }
      assertThrows(TransactionException.LogFull.class, tx::commit);
      assertFalse(tx.isActive());
      assertEquals(0, region.getLong(word(0)));
      lanes.run(next -> next.setLong(word(1000), next.getLong(word(1000)) + 1));
    }
    assertEquals(3, region.getLong(word(1000)));
  }

  @Test
  void snapshot_moreThanTheRing_logFullAndAborted() {
    Transaction tx = lanes.begin();
    tx.snapshot(word(0), 8).set(JAVA_LONG, 0, 1);
    assertThrows(TransactionException.LogFull.class, () -> tx.snapshot(word(1), 100_000));
    assertFalse(tx.isActive());
    assertEquals(0, region.getLong(word(0)));
    lanes.run(next -> next.setLong(word(0), 2));
    assertEquals(2, region.getLong(word(0)));
  }

  @Test
  void region_closedUnderATransaction_typedRefusal() {
    Transaction tx = lanes.begin();
    tx.setLong(word(0), 1);
    region.close();
    assertThrows(HoldfastException.RegionClosed.class, tx::commit);
    assertFalse(tx.isActive());
  }

  @Test
  void region_poisonedUnderATransaction_typedRefusalAndNoHook() {
    List<String> hooks = new ArrayList<>();
    Transaction tx = lanes.begin();
    tx.snapshot(word(0), 8).set(JAVA_LONG, 0, 1);
    tx.afterCommit(() -> hooks.add("commit"));
    tx.afterAbort(() -> hooks.add("abort"));
    region.poison(new IllegalStateException("test"));
    assertThrows(HoldfastException.MediumFailed.class, tx::commit);
    assertFalse(tx.isActive());
    assertEquals(List.of(), hooks);
  }

  @Test
  void close_lanes_laterUseRefusedAndContentsStay() {
    Transaction open = lanes.begin();
    open.setLong(word(0), 1);
    lanes.run(tx -> tx.setLong(word(1), 2));
    lanes.close();
    lanes.close();
    assertThrows(TransactionException.Ended.class, lanes::begin);
    assertThrows(TransactionException.Ended.class, open::commit);
    Lanes again = Lanes.open(region, 0);
    assertTrue(again.recovery().clean());
    assertEquals(0, region.getLong(word(0)));
    assertEquals(2, region.getLong(word(1)));
  }

  @Test
  void close_whileASnapshotIsOpen_undoneAtTheNextOpen() {
    Transaction open = lanes.begin();
    open.snapshot(word(0), 8).set(JAVA_LONG, 0, 1);
    lanes.close();
    Lanes again = Lanes.open(region, 0);
    assertFalse(again.recovery().clean());
    assertEquals(1, again.recovery().rolledBack());
    assertEquals(0, region.getLong(word(0)));
    assertEquals(0, region.view(DATA, 100).get(JAVA_BYTE, 0));
  }

  @Test
  void open_afterACrash_reportsWhatItDid() {
    lanes.run(tx -> tx.setLong(word(0), 1));
    lanes.run(tx -> tx.setLong(word(1), 1));
    lanes.run(tx -> {
      tx.setLong(word(0), 2);
      tx.setLong(word(3), 2);
    });
    lanes.begin().snapshot(word(2), 8).set(JAVA_LONG, 0, 1);
    Lanes again = Lanes.open(region, 0);
    assertFalse(again.recovery().clean());
    assertEquals(1, again.recovery().rolledBack());
    assertEquals(8, again.recovery().bytesBack());
    assertEquals(3, again.recovery().rolledForward());
    assertEquals(24, again.recovery().bytesForward());
    assertEquals(0, region.getLong(word(2)));
    RecoveryReport.Phases phases = again.recovery().phases();
    assertTrue(phases.total().compareTo(phases.read().plus(phases.stored())) >= 0);
    assertTrue(phases.read().isPositive());
    String line = again.recovery().toString();
    assertTrue(
        line.startsWith("carried out 3 transactions (24 bytes), rolled back 1 (8 bytes); read "),
        line);
    again.close();
    RecoveryReport clean = Lanes.open(region, 0).recovery();
    assertTrue(clean.clean());
    assertEquals(0, clean.bytesForward() + clean.bytesBack());
    assertTrue(clean.toString().startsWith("closed in order; read "), clean::toString);
  }

  @Test
  void format_badArguments_refused() {
    for (int[] bad :
        new int[][] {
          {-4096, 1, 1024},
          {100, 1, 1024},
          {0, 0, 1024},
          {0, 1025, 1024},
          {0, 1, 512},
          {0, 1, 3000},
          {0, 1, 1 << 25},
          {0, 1024, 1 << 20},
          {(int) BYTES - 4096, 4, 4096}
        }) {
      assertThrows(
          IllegalArgumentException.class,
          () -> Lanes.format(region, bad[0], bad[1], bad[2]),
          () -> bad[0] + " " + bad[1] + " " + bad[2]);
    }
    lanes.run(tx -> tx.setLong(word(0), 1));
  }
}
