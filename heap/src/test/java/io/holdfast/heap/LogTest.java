// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Savepoint;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.TransactionException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LogTest {
  private static final Type<PersistentLog> TYPE = Type.log();
  private static final int SEGMENT = 65_536 - 16;

  private final PersistentRegion region = PersistentRegion.over(Medium.inMemory(SamplePool.SIZE));
  private Pool pool = SamplePool.createEmpty(region);
  private PersistentLog log = pool.root("log", TYPE);

  @AfterEach
  void close() {
    pool.close();
    region.close();
  }

  private void reopen() {
    pool.close();
    pool = Pool.open(region, SamplePool.LAYOUT);
    log = pool.root("log", TYPE);
  }

  private static MemorySegment text(String text) {
    return MemorySegment.ofArray(text.getBytes(StandardCharsets.UTF_8));
  }

  private long append(String text) {
    return log.append(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String string(MemorySegment record) {
    return new String(record.toArray(JAVA_BYTE), StandardCharsets.UTF_8);
  }

  private static Map<Long, String> contents(PersistentLog log, long from) {
    Map<Long, String> records = new TreeMap<>();
    long end = log.walk(from, (position, record) -> records.put(position, string(record)) == null);
    assertEquals(log.end(), end);
    return records;
  }

  private List<String> texts() {
    return List.copyOf(contents(log, 0).values());
  }

  private void assertSound() {
    assertEquals(List.of(), pool.check().problems());
    assertEquals(List.of(), pool.check().leaked());
  }

  // ---- appending

  @Test
  void emptyLog_hasNothing() {
    assertEquals(0, log.first());
    assertEquals(0, log.end());
    assertEquals(List.of(), texts());
    log.truncate(0);
    log.clear();
    assertEquals(0, log.appendAll(List.of()));
    assertThrows(IllegalArgumentException.class, () -> log.walk(1, (position, record) -> true));
    assertThrows(IllegalArgumentException.class, () -> log.walk(-1, (position, record) -> true));
    assertThrows(IllegalArgumentException.class, () -> log.truncate(8));
    assertSound();
  }

  @Test
  void appended_isThere_alsoAfterReopening() {
    assertEquals(0, append("one"));
    assertEquals(16, append(""));
    assertEquals(24, append("12345678"));
    assertEquals(40, append("123456789"));
    assertEquals(64, log.end());
    Map<Long, String> expected = Map.of(0L, "one", 16L, "", 24L, "12345678", 40L, "123456789");
    assertEquals(expected, contents(log, 0));
    reopen();
    assertEquals(expected, contents(log, 0));
    assertEquals(64, append("next"));
    assertEquals(List.of("12345678", "123456789", "next"), List.copyOf(contents(log, 24).values()));
    assertEquals(80, log.walk(80, (position, record) -> false));
    assertSound();
  }

  @Test
  void recordsOfAllSizes_spanSegments_orHaveOne() {
    int[] sizes = {
      1, 1000, 1001, 40_000, 40_000, SEGMENT - 8, 0, SEGMENT - 7, 5, 65_536, 300_000, 8
    };
    List<byte[]> records = new ArrayList<>();
    for (int size : sizes) {
      byte[] record = new byte[size];
      new SplittableRandom(size).nextBytes(record);
      records.add(record);
      log.append(record);
    }
    for (int round = 0; round < 2; round++) {
      List<byte[]> found = new ArrayList<>();
      log.walk(0, (position, record) -> found.add(record.toArray(JAVA_BYTE)));
      assertEquals(records.size(), found.size());
      for (int i = 0; i < sizes.length; i++) {
        assertArrayEquals(records.get(i), found.get(i));
      }
      assertSound();
      reopen();
    }
  }

  @Test
  void several_areAppendedTogether() {
    append("before");
    assertEquals(16, log.appendAll(List.of(text("a"), text("bb"), text(""))));
    assertEquals(List.of("before", "a", "bb", ""), texts());
    List<MemorySegment> large = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      large.add(MemorySegment.ofArray(new byte[10_000]));
    }
    log.appendAll(large);
    assertEquals(34, texts().size());
    assertSound();
  }

  @Test
  @SuppressWarnings("restricted")
  void tooLarge_isRefused() {
    MemorySegment huge = MemorySegment.NULL.reinterpret((1L << 30) + 1);
    assertThrows(IllegalArgumentException.class, () -> log.append(huge));
    PoolException.OutOfPoolSpace full =
        assertThrows(PoolException.OutOfPoolSpace.class, () -> log.append(new byte[1 << 21]));
    assertTrue(full.asked() > 1 << 21);
    assertEquals(0, append("small"));
    assertSound();
  }

  @Test
  void fullPool_refusesAnAppend_andLosesNothing_truncationMakesRoom() {
    byte[] record = new byte[10_000];
    int appended = 0;
    try {
      for (; ; appended++) {
        record[0] = (byte) appended;
        log.append(record);
      }
    } catch (PoolException.OutOfPoolSpace e) {
      assertTrue(appended > 100, () -> "only " + log);
    }
    assertEquals(appended, texts().size());
    assertSound();
    log.truncate(10_008 * 50);
    assertEquals(appended - 50, texts().size());
    for (int i = 0; i < 20; i++) {
      log.append(record);
    }
    assertEquals(appended - 30, texts().size());
    assertSound();
  }

  @Test
  void walk_endsWhenItIsToldTo_andCanGoOnThere() {
    for (int i = 0; i < 5; i++) {
      append("r" + i);
    }
    List<String> seen = new ArrayList<>();
    long next = log.walk(0, (position, record) -> seen.add(string(record)) && seen.size() < 2);
    assertEquals(32, next);
    next = log.walk(next, (position, record) -> seen.add(string(record)));
    assertEquals(log.end(), next);
    append("r5");
    log.walk(next, (position, record) -> seen.add(string(record)));
    assertEquals(List.of("r0", "r1", "r2", "r3", "r4", "r5"), seen);
  }

  /** What is appended by the visitor is for the next walk. */
  @Test
  void walk_endsWhereTheLogEndedAtFirst_andItsRecordsStay() {
    append("a");
    append("b");
    List<MemorySegment> kept = new ArrayList<>();
    log.walk(
        0,
        (position, record) -> {
          append("more");
          return kept.add(record);
        });
    log.clear();
    append("other");
    assertEquals("ab", string(kept.get(0)) + string(kept.get(1)));
    assertThrows(IllegalArgumentException.class, () -> kept.get(0).set(JAVA_BYTE, 0, (byte) 1));
  }

  // ---- truncating

  @Test
  void truncated_isGone_andPositionsStay() {
    for (int i = 0; i < 5; i++) {
      append("r" + i);
    }
    log.truncate(32);
    log.truncate(16);
    assertEquals(32, log.first());
    assertEquals(List.of("r2", "r3", "r4"), texts());
    assertEquals(List.of("r2", "r3", "r4"), List.copyOf(contents(log, 8).values()));
    assertThrows(IllegalArgumentException.class, () -> log.truncate(40));
    assertThrows(IllegalArgumentException.class, () -> log.truncate(88));
    assertThrows(IllegalArgumentException.class, () -> log.walk(40, (position, record) -> true));
    reopen();
    assertEquals(32, log.first());
    log.truncate(80);
    assertEquals(List.of(), texts());
    assertEquals(80, append("next"));
    assertEquals(Map.of(80L, "next"), contents(log, 0));
    assertSound();
  }

  @Test
  void truncation_givesWholeSegmentsBack_butTheLast() {
    long empty = pool.check().bytes();
    List<Long> positions = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      positions.add(log.append(new byte[9_000]));
    }
    long segments = (pool.check().bytes() - empty) / 65_536;
    assertEquals(9, segments);
    log.truncate(positions.get(6));
    assertEquals(empty + 9 * 65_536, pool.check().bytes());
    log.truncate(positions.get(7));
    assertEquals(empty + 8 * 65_536, pool.check().bytes());
    log.truncate(positions.get(30));
    assertEquals(empty + 5 * 65_536, pool.check().bytes());
    assertEquals(30, contents(log, 0).size());
    assertEquals(10, contents(log, positions.get(50)).size());
    log.truncate(log.end());
    assertEquals(empty + 65_536, pool.check().bytes());
    assertSound();
    reopen();
    assertEquals(log.end(), log.first());
    log.clear();
    assertEquals(empty, pool.check().bytes());
    assertEquals(60 * 9_008, append("after"));
    assertEquals(Map.of(60L * 9_008, "after"), contents(log, 0));
    assertSound();
  }

  @Test
  void dropped_leavesNothing() {
    for (int i = 0; i < 60; i++) {
      log.append(new byte[9_000]);
    }
    assertThrows(IllegalArgumentException.class, () -> pool.run(tx -> pool.free(tx, log)));
    pool.run(tx -> pool.drop(tx, "log", TYPE));
    assertEquals(0, pool.check().bytes());
    log = pool.root("log", TYPE);
    assertEquals(0, append("anew"));
    assertThrows(PoolException.TypeChanged.class, () -> pool.root("log", Type.block(40)));
  }

  // ---- in transactions

  @Test
  void transaction_seesItsOwn_othersNothing() {
    append("one");
    PersistentMap<String, Long> map = pool.root("map", Type.map(Codec.STRING, Codec.LONG));
    pool.run(tx -> {
      PersistentLog.Edit edit = tx.edit(log);
      long position = edit.append(text("two"));
      tx.edit(map).put("two", position);
      edit.append(MemorySegment.ofArray(new byte[100_000]));
      edit.append(text("four"));
      List<Integer> sizes = new ArrayList<>();
      edit.walk(0, (at, record) -> sizes.add((int) record.byteSize()));
      assertEquals(List.of(3, 3, 100_000, 4), sizes);
      edit.truncate(16);
      assertEquals(List.of("one"), texts());
      assertEquals(position, edit.walk(0, (at, record) -> false) - 16);
    });
    assertEquals(16, log.first());
    assertEquals(16, map.get("two"));
    assertEquals(3, contents(log, 0).size());
    assertSound();
  }

  @Test
  void abortsAndSavepoints_leaveNothing() {
    append("one");
    try (Transaction tx = pool.begin()) {
      tx.edit(log).append(text("never"));
      tx.edit(log).append(MemorySegment.ofArray(new byte[100_000]));
      tx.edit(log).truncate(16);
    }
    assertEquals(List.of("one"), texts());
    pool.run(tx -> {
      PersistentLog.Edit edit = tx.edit(log);
      edit.append(text("two"));
      Savepoint before = tx.savepoint();
      edit.append(text("not this"));
      edit.append(MemorySegment.ofArray(new byte[100_000]));
      edit.clear();
      tx.rollbackTo(before);
      edit.append(text("three"));
    });
    assertEquals(List.of("one", "two", "three"), texts());
    assertSound();
    reopen();
    assertEquals(List.of("one", "two", "three"), texts());
  }

  /** As the format says; so no byte of what never was is in a pool that is given away. */
  @Test
  void record_thatEndsInsideAWord_isFilledUpWithZeros() {
    try (Transaction tx = pool.begin()) {
      tx.edit(log).append(MemorySegment.ofArray(new long[] {-1, -1, -1}));
    }
    append("123");
    long segment = region.getLong(offset() + 8);
    long content = segment + AppendLogLayout.RECORDS_AT + AppendLogLayout.CONTENT_AT;
    assertEquals(0x33_32_31, region.getLong(content));
  }

  @Test
  void truncationBesideAnOpenOne_isRefused() {
    append("one");
    append("two");
    try (Transaction first = pool.begin();
        Transaction second = pool.begin()) {
      first.edit(log).truncate(16);
      assertThrows(TransactionException.Conflict.class, () -> second.edit(log).clear());
      first.commit();
    }
    assertEquals(List.of("two"), texts());
  }

  @Test
  void clearedAndAppendedTo_inOneTransaction() {
    append("one");
    log.append(new byte[70_000]);
    pool.run(tx -> {
      PersistentLog.Edit edit = tx.edit(log);
      edit.append(text("two"));
      edit.clear();
      edit.append(text("three"));
      edit.clear();
      edit.append(text("four"));
    });
    assertEquals(List.of("four"), texts());
    assertEquals(16 + 70_008 + 16 + 16, log.first());
    pool.run(tx -> {
      tx.edit(log).append(MemorySegment.ofArray(new byte[70_000]));
      tx.edit(log).append(text("six"));
      tx.edit(log).truncate(16 + 70_008 + 16 + 16 + 16 + 70_008);
    });
    assertEquals(List.of("six"), texts());
    assertSound();
    reopen();
    assertEquals(List.of("six"), texts());
  }

  @Test
  void appendsBesideAnOpenTransaction_areRefusedInItsThread_andWaitInOthers() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    Thread other;
    try (Transaction tx = pool.begin()) {
      tx.edit(log).append(text("first"));
      assertThrows(TransactionException.Conflict.class, () -> append("refused"));
      assertThrows(TransactionException.Conflict.class, log::clear);
      other =
          Thread.ofPlatform()
              .start(() -> {
                begun.countDown();
                append("second");
              });
      begun.await();
      Thread.sleep(20);
      assertThrows(TransactionException.Conflict.class, () -> append("refused"));
      assertEquals(List.of(), texts());
      tx.commit();
    }
    other.join();
    assertEquals(List.of("first", "second"), texts());
    append("third");
    assertSound();
  }

  // ---- threads

  private static void runAll(List<Callable<Void>> tasks) throws Exception {
    try (ExecutorService threads =
        Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())) {
      List<Future<Void>> futures = new ArrayList<>();
      tasks.forEach(task -> futures.add(threads.submit(task)));
      for (Future<Void> future : futures) {
        try {
          future.get();
        } catch (ExecutionException e) {
          throw new AssertionError(e.getCause());
        }
      }
    }
  }

  private static byte[] record(int thread, int number, int bytes) {
    byte[] record = new byte[Math.max(8, bytes)];
    Arrays.fill(record, (byte) number);
    MemorySegment.ofArray(record).set(JAVA_LONG_UNALIGNED, 0, (long) thread << 32 | number);
    return record;
  }

  /**
   * Some append by themselves, some in transactions; none is lost, and each thread's are in order.
   */
  @Test
  void appendersAtOnce_loseNothing_andHaveAnOrder() throws Exception {
    Map<Long, Long> appended = new ConcurrentSkipListMap<>();
    AtomicBoolean over = new AtomicBoolean();
    List<Callable<Void>> tasks = new ArrayList<>();
    for (int thread = 0; thread < 4; thread++) {
      int mine = thread;
      tasks.add(() -> {
        SplittableRandom random = new SplittableRandom(mine);
        for (int i = 0; i < 1500; i++) {
          byte[] record = record(mine, i, random.nextInt(300));
          long position =
              mine == 3 && i % 8 == 0
                  ? pool.call(tx -> tx.edit(log).append(MemorySegment.ofArray(record)))
                  : log.append(record);
          appended.put(position, (long) mine << 32 | i);
        }
        over.set(true);
        return null;
      });
    }
    tasks.add(() -> {
      long[] next = {0};
      int[] last = {-1, -1, -1, -1};
      for (boolean more = true; more; ) {
        more = !over.get();
        next[0] =
            log.walk(
                next[0],
                (position, record) -> {
                  long value = record.get(JAVA_LONG_UNALIGNED, 0);
                  int thread = (int) (value >>> 32);
                  assertEquals(++last[thread], (int) value);
                  assertEquals(
                      (byte) (int) value,
                      record.byteSize() == 8
                          ? (byte) value
                          : record.get(JAVA_BYTE, record.byteSize() - 1));
                  return true;
                });
      }
      return null;
    });
    runAll(tasks);
    Map<Long, Long> found = new TreeMap<>();
    log.walk(
        0, (position, record) -> found.put(position, record.get(JAVA_LONG_UNALIGNED, 0)) == null);
    assertEquals(appended, found);
    assertSound();
    reopen();
    found.clear();
    log.walk(
        0, (position, record) -> found.put(position, record.get(JAVA_LONG_UNALIGNED, 0)) == null);
    assertEquals(appended, found);
  }

  /** Whoever appends for others must be able to read what they have. */
  @Test
  void appendersWithMemoryOfTheirOwnThread() throws Exception {
    List<Callable<Void>> tasks = new ArrayList<>();
    for (int thread = 0; thread < 3; thread++) {
      int mine = thread;
      tasks.add(() -> {
        try (Arena arena = Arena.ofConfined()) {
          for (int i = 0; i < 300; i++) {
            MemorySegment record = arena.allocate(16);
            record.set(JAVA_LONG_UNALIGNED, 0, (long) mine << 32 | i);
            log.appendAll(List.of(text("x"), record));
          }
        }
        return null;
      });
    }
    runAll(tasks);
    int[] next = new int[3];
    log.walk(
        0,
        (position, record) -> {
          if (record.byteSize() == 16) {
            long value = record.get(JAVA_LONG_UNALIGNED, 0);
            assertEquals(next[(int) (value >>> 32)]++, (int) value);
          }
          return true;
        });
    assertArrayEquals(new int[] {300, 300, 300}, next);
    assertSound();
  }

  /** A queue: what is read is truncated, while others append, and others again read. */
  @Test
  void truncationBesideAppendersAndReaders() throws Exception {
    int count = 4000;
    AtomicBoolean over = new AtomicBoolean();
    List<Callable<Void>> tasks = new ArrayList<>();
    tasks.add(() -> {
      for (int i = 0; i < count; i++) {
        log.append(record(0, i, 2_000 + i % 7));
        while (log.end() - log.first() > 500_000) {
          Thread.onSpinWait();
        }
      }
      return null;
    });
    tasks.add(() -> {
      int[] next = {0};
      for (long at = 0; next[0] < count; ) {
        at =
            log.walk(
                at,
                (position, record) -> {
                  assertEquals(next[0]++, record.get(JAVA_LONG_UNALIGNED, 0));
                  return true;
                });
        log.truncate(at);
      }
      over.set(true);
      return null;
    });
    for (int reader = 0; reader < 2; reader++) {
      tasks.add(() -> {
        while (!over.get()) {
          long[] last = {-1};
          log.walk(
              0,
              (position, record) -> {
                long value = record.get(JAVA_LONG_UNALIGNED, 0);
                assertTrue(value > last[0]);
                assertEquals((byte) value, record.get(JAVA_BYTE, record.byteSize() - 1));
                last[0] = value;
                return true;
              });
        }
        return null;
      });
    }
    runAll(tasks);
    assertEquals(log.end(), log.first());
    assertSound();
  }

  @Test
  void appendersInAFullPool_eachHaveTheirAnswer() throws Exception {
    List<Callable<Void>> tasks = new ArrayList<>();
    Map<Long, Integer> appended = new ConcurrentSkipListMap<>();
    for (int thread = 0; thread < 3; thread++) {
      int mine = thread;
      tasks.add(() -> {
        try {
          for (int i = 0; ; i++) {
            appended.put(log.append(record(mine, i, 5_000)), i);
          }
        } catch (PoolException.OutOfPoolSpace e) {
          return null;
        }
      });
    }
    runAll(tasks);
    assertEquals(appended.size(), texts().size());
    assertSound();
  }

  // ---- damage

  private long offset() {
    return pool.roots().stream().filter(r -> r.name().equals("log")).findFirst().get().offset();
  }

  private void assertDamage(long at, long value, String field) {
    long before = region.getLong(at);
    region.putLong(at, value);
    pool.close();
    pool = Pool.open(region, SamplePool.LAYOUT);
    Corrupt refused =
        assertThrows(
            Corrupt.class,
            () -> {
              PersistentLog damaged = pool.root("log", TYPE);
              damaged.append(new byte[8]);
              damaged.walk(0, (position, record) -> true);
              damaged.truncate(damaged.end());
            },
            () -> field + " at " + at + " is " + value);
    assertEquals(field, refused.field());
    assertFalse(pool.check().isClean());
    region.putLong(at, before);
    reopen();
  }

  /** Who asks for a position that is there is not told that it is not. */
  @Test
  void segmentThatEndsAfterTheLog_isCorrupt() {
    append("one");
    append("two");
    long wrong = pool.root("wrong", Type.block(1000)).offset();
    long next = pool.root("next", Type.block(1000)).offset();
    region.putLong(wrong + AppendLogLayout.NEXT_AT, next);
    region.putLong(wrong + AppendLogLayout.RECORDS_AT, 16);
    region.putLong(next + AppendLogLayout.START_AT, 512);
    region.putLong(offset() + AppendLogLayout.FIRST_AT, wrong);
    assertThrows(Corrupt.class, () -> log.truncate(16));
    assertThrows(Corrupt.class, () -> log.walk(16, (at, record) -> true));
  }

  @Test
  void damage_isRefused_andFoundByCheck() {
    for (int i = 0; i < 10; i++) {
      log.append(new byte[9_000]);
    }
    pool.close();
    long[] image = SamplePool.words(region);
    pool = Pool.open(region, SamplePool.LAYOUT);
    long at = offset();
    long first = region.getLong(at + 8);
    long second = region.getLong(first);
    long[][] damages = {
      {at, 0},
      {at + 8, 0},
      {at + 8, 7},
      {at + 8, -8},
      {at + 8, second},
      {at + 24, 8},
      {at + 24, at + 8},
      {at + 32, -8},
      {at + 32, 1L << 40},
      {at + 32, 63_060},
      {first, 4},
      {first, first},
      {first + 8, 8},
      {second + 8, 0},
      {first + 16, 9_001},
      {first + 16, -1},
      {first + 16, 1 << 30},
      {first + 24, 1},
      {second + 16, 0}
    };
    String[] fields = {
      "log.magic",
      "log.segment",
      "log.segment",
      "log.segment",
      "log.first",
      "log.last",
      "log.last",
      "log.end",
      "log.end",
      "log.end",
      "log.segment",
      "log.next",
      "log.first",
      "log.end",
      "log.hash",
      "log.bytes",
      "log.bytes",
      "log.hash",
      "log.hash"
    };
    for (int i = 0; i < damages.length; i++) {
      assertDamage(damages[i][0], damages[i][1], fields[i]);
      pool.close();
      region.copyIn(0, MemorySegment.ofArray(image));
      pool = Pool.open(region, SamplePool.LAYOUT);
    }
    log = pool.root("log", TYPE);
    assertSound();
  }

  @Test
  void beginningThatIsNoRecords_isRefused_andFoundByCheck() {
    append("one");
    append("two");
    region.putLong(offset() + 16, 8);
    Corrupt refused = assertThrows(Corrupt.class, () -> log.walk(0, (position, record) -> true));
    assertEquals("log.begin", refused.field());
    assertEquals(offset() + 16, refused.offset());
    assertTrue(pool.check().problems().toString().contains("no record is at its beginning"));
    region.putLong(offset() + 16, 16);
    assertSound();
  }
}
