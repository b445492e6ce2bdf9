// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

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
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class BlocksTest {
  private static final int BYTES = 512;
  private static final Type<PersistentBlocks> TYPE = Type.blocks(BYTES, 100);

  private final PersistentRegion region = PersistentRegion.over(Medium.inMemory(SamplePool.SIZE));
  private Pool pool = SamplePool.createEmpty(region);

  @TempDir Path folder;

  @AfterEach
  void close() {
    pool.close();
    region.close();
  }

  private void reopen() {
    pool.close();
    pool = Pool.open(region, SamplePool.LAYOUT);
  }

  private static byte[] filled(int bytes, int value) {
    byte[] content = new byte[bytes];
    Arrays.fill(content, (byte) value);
    return content;
  }

  private static byte[] content(PersistentBlocks blocks, long index) {
    byte[] content = new byte[blocks.blockBytes()];
    blocks.read(index, content);
    return content;
  }

  private static MemorySegment segment(int value) {
    return MemorySegment.ofArray(filled(BYTES, value));
  }

  private void assertSound() {
    assertEquals(List.of(), pool.check().problems());
    assertEquals(List.of(), pool.check().leaked());
  }

  // ---- one block

  @ParameterizedTest
  @ValueSource(ints = {512, 520, 1024, 4096, 5000, 65_536})
  void written_isReadBack_alsoAfterReopening(int bytes) {
    Type<PersistentBlocks> type = Type.blocks(bytes, 7);
    PersistentBlocks blocks = pool.root("b", type);
    assertEquals(bytes, blocks.blockBytes());
    assertEquals(7, blocks.count());
    assertArrayEquals(new byte[bytes], content(blocks, 6));
    blocks.write(6, filled(bytes, 1));
    blocks.write(0, filled(bytes, 2));
    blocks.write(6, filled(bytes, 3));
    assertArrayEquals(filled(bytes, 3), content(blocks, 6));
    assertSound();
    reopen();
    blocks = pool.root("b", type);
    assertArrayEquals(filled(bytes, 2), content(blocks, 0));
    assertArrayEquals(new byte[bytes], content(blocks, 1));
    assertArrayEquals(filled(bytes, 3), content(blocks, 6));
    assertSound();
  }

  @Test
  void unwrittenBlocks_takeNoRoom_andTrimmedOnesNoMore() {
    PersistentBlocks blocks = pool.root("b", Type.blocks(65_536, 10_000));
    long empty = pool.check().bytes();
    blocks.write(9_999, filled(65_536, 1));
    assertEquals(empty + 65_536, pool.check().bytes());
    blocks.trim(9_999);
    blocks.trim(9_999);
    blocks.trim(0);
    assertEquals(empty, pool.check().bytes());
    assertArrayEquals(new byte[65_536], content(blocks, 9_999));
    assertSound();
  }

  @Test
  void wrongIndexesAndLengths_areRefused() {
    PersistentBlocks blocks = pool.root("b", TYPE);
    for (long index : new long[] {-1, 100, Long.MAX_VALUE, Long.MIN_VALUE}) {
      assertThrows(IndexOutOfBoundsException.class, () -> blocks.write(index, new byte[BYTES]));
      assertThrows(IndexOutOfBoundsException.class, () -> blocks.read(index, new byte[BYTES]));
      assertThrows(IndexOutOfBoundsException.class, () -> blocks.trim(index));
    }
    for (int length : new int[] {0, BYTES - 1, BYTES + 1}) {
      assertThrows(IllegalArgumentException.class, () -> blocks.write(0, new byte[length]));
      assertThrows(IllegalArgumentException.class, () -> blocks.read(0, new byte[length]));
    }
    assertArrayEquals(new byte[BYTES], content(blocks, 0));
  }

  @Test
  void wrongTypes_areRefused() {
    for (int bytes : new int[] {0, -512, 504, 511, 513, 516, 65_544, 1 << 20}) {
      assertThrows(IllegalArgumentException.class, () -> Type.blocks(bytes, 1));
    }
    for (long count : new long[] {0, -1, (1L << 40) + 1}) {
      assertThrows(IllegalArgumentException.class, () -> Type.blocks(512, count));
    }
    pool.root("b", TYPE);
    assertThrows(PoolException.TypeChanged.class, () -> pool.root("b", Type.blocks(1024, 100)));
    assertThrows(PoolException.TypeChanged.class, () -> pool.root("b", Type.blocks(512, 101)));
    assertThrows(PoolException.TypeChanged.class, () -> pool.root("b", Type.log()));
    assertEquals("blocks<512, 100>", pool.roots().getFirst().type());
    assertThrows(
        PoolException.OutOfPoolSpace.class, () -> pool.root("large", Type.blocks(512, 1L << 40)));
  }

  @Test
  void dropped_isGone_andLeavesNothing() {
    PersistentBlocks blocks = pool.root("b", TYPE);
    for (int i = 0; i < 60; i++) {
      blocks.write(i, filled(BYTES, i));
    }
    assertThrows(IllegalArgumentException.class, () -> pool.run(tx -> pool.free(tx, blocks)));
    pool.run(tx -> pool.drop(tx, "b", TYPE));
    assertEquals(0, pool.check().bytes());
    PersistentBlocks again = pool.root("b", TYPE);
    assertArrayEquals(new byte[BYTES], content(again, 0));
    assertSound();
  }

  // ---- in transactions

  @Test
  void transaction_seesItsOwn_andOthersNothingBeforeItsCommit() {
    PersistentBlocks blocks = pool.root("b", TYPE);
    blocks.write(1, filled(BYTES, 1));
    byte[] seen = new byte[BYTES];
    pool.run(tx -> {
      PersistentBlocks.Edit edit = tx.edit(blocks);
      edit.write(0, segment(7)).write(1, segment(8)).write(1, segment(9)).trim(2);
      edit.read(1, MemorySegment.ofArray(seen));
      assertArrayEquals(filled(BYTES, 9), seen);
      assertArrayEquals(filled(BYTES, 1), content(blocks, 1));
      edit.trim(0).read(0, MemorySegment.ofArray(seen));
      assertArrayEquals(new byte[BYTES], seen);
    });
    assertArrayEquals(new byte[BYTES], content(blocks, 0));
    assertArrayEquals(filled(BYTES, 9), content(blocks, 1));
    assertSound();
  }

  @Test
  void abortsAndSavepoints_leaveNothing() {
    PersistentBlocks blocks = pool.root("b", TYPE);
    blocks.write(1, filled(BYTES, 1));
    try (Transaction tx = pool.begin()) {
      tx.edit(blocks).write(0, segment(7)).trim(1);
    }
    pool.run(tx -> {
      tx.edit(blocks).write(0, segment(2));
      Savepoint before = tx.savepoint();
      tx.edit(blocks).write(0, segment(3)).write(1, segment(3)).write(2, segment(3));
      tx.rollbackTo(before);
      tx.edit(blocks).write(3, segment(4));
    });
    assertArrayEquals(filled(BYTES, 2), content(blocks, 0));
    assertArrayEquals(filled(BYTES, 1), content(blocks, 1));
    assertArrayEquals(new byte[BYTES], content(blocks, 2));
    assertArrayEquals(filled(BYTES, 4), content(blocks, 3));
    assertSound();
  }

  @Test
  void blockOfAnOpenTransaction_isRefusedInItsThread_othersAreNot() throws Exception {
    PersistentBlocks blocks = pool.root("b", TYPE);
    try (Transaction tx = pool.begin()) {
      tx.edit(blocks).write(0, segment(1));
      assertThrows(TransactionException.Conflict.class, () -> blocks.write(0, new byte[BYTES]));
      blocks.write(1, filled(BYTES, 2));
      Thread other = Thread.ofPlatform().start(() -> blocks.write(2, filled(BYTES, 3)));
      other.join();
      tx.commit();
    }
    for (int i = 0; i < 3; i++) {
      assertArrayEquals(filled(BYTES, i + 1), content(blocks, i));
    }
  }

  @Test
  void poolForReading_isRead_andRefusesTheRest() {
    Path file = folder.resolve("pool");
    try (Pool made = Pool.at(file).size(2 << 20).create()) {
      made.root("b", TYPE).write(3, filled(BYTES, 4));
      made.root("log", Type.log()).append(new byte[20]);
    }
    try (Pool reader = Pool.at(file).openReadOnly()) {
      PersistentBlocks blocks = reader.root("b", TYPE);
      PersistentLog log = reader.root("log", Type.log());
      assertArrayEquals(filled(BYTES, 4), content(blocks, 3));
      assertEquals(32, log.walk(0, (position, record) -> record.byteSize() == 20));
      assertThrows(PoolException.PoolReadOnly.class, () -> blocks.write(3, filled(BYTES, 5)));
      assertThrows(PoolException.PoolReadOnly.class, () -> blocks.trim(3));
      assertThrows(PoolException.PoolReadOnly.class, () -> log.append(new byte[1]));
      assertThrows(PoolException.PoolReadOnly.class, () -> log.truncate(32));
      assertThrows(PoolException.PoolReadOnly.class, log::clear);
    }
  }

  @Test
  void edit_ofAnotherPool_isRefused() {
    PersistentBlocks blocks = pool.root("b", TYPE);
    try (PersistentRegion second = PersistentRegion.over(Medium.inMemory(SamplePool.SIZE));
        Pool other = SamplePool.createEmpty(second)) {
      assertThrows(IllegalArgumentException.class, () -> other.run(tx -> tx.edit(blocks)));
    }
  }

  // ---- no room

  /** Until there is no block of the size left. */
  private void fillPool(int blockBytes) {
    PersistentBlocks filler = pool.root("filler", Type.blocks(blockBytes, 10_000));
    try {
      for (long i = 0; ; i++) {
        filler.write(i, new byte[blockBytes]);
      }
    } catch (PoolException.OutOfPoolSpace e) {
      assertEquals(blockBytes, e.asked());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {512, 4096, 65_536})
  void fullPool_writtenBlocksCanBeWritten_othersAreRefused(int bytes) {
    PersistentBlocks blocks = pool.root("b", Type.blocks(bytes, 5));
    for (int i = 0; i < 3; i++) {
      blocks.write(i, filled(bytes, 1));
    }
    fillPool(bytes);
    assertThrows(PoolException.OutOfPoolSpace.class, () -> blocks.write(3, filled(bytes, 1)));
    for (int round = 2; round < 40; round++) {
      for (int i = 0; i < 3; i++) {
        blocks.write(i, filled(bytes, round));
      }
      for (int i = 0; i < 3; i++) {
        assertArrayEquals(filled(bytes, round), content(blocks, i));
      }
    }
    assertArrayEquals(new byte[bytes], content(blocks, 3));
    assertSound();
    blocks.trim(0);
    blocks.write(3, filled(bytes, 99));
    assertArrayEquals(filled(bytes, 99), content(blocks, 3));
    assertSound();
    reopen();
    assertArrayEquals(filled(bytes, 99), content(pool.root("b", Type.blocks(bytes, 5)), 3));
  }

  @Test
  void fullPool_transactionIsRefused_andCanGoOn() {
    PersistentBlocks blocks = pool.root("b", Type.blocks(4096, 5));
    blocks.write(0, filled(4096, 1));
    blocks.write(1, filled(4096, 1));
    fillPool(4096);
    pool.run(tx -> {
      PersistentBlocks.Edit edit = tx.edit(blocks);
      assertThrows(
          PoolException.OutOfPoolSpace.class,
          () -> edit.write(0, MemorySegment.ofArray(filled(4096, 2))));
      edit.trim(1);
    });
    assertArrayEquals(filled(4096, 1), content(blocks, 0));
    assertArrayEquals(new byte[4096], content(blocks, 1));
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

  /** Each block is always of one value, which only becomes higher. */
  @ParameterizedTest
  @ValueSource(ints = {512, 16_384})
  void readers_neverSeeATornBlock(int bytes) throws Exception {
    PersistentBlocks blocks = pool.root("b", Type.blocks(bytes, 4));
    AtomicBoolean over = new AtomicBoolean();
    List<Callable<Void>> tasks = new ArrayList<>();
    for (int writer = 0; writer < 2; writer++) {
      int first = 2 * writer;
      tasks.add(() -> {
        try {
          for (int value = 1; value <= 1500; value++) {
            byte[] content = new byte[bytes];
            for (int at = 0; at < bytes; at += 8) {
              content[at] = (byte) value;
              content[at + 7] = (byte) (value >>> 8);
            }
            blocks.write(first + value % 2, content);
          }
        } finally {
          over.set(true);
        }
        return null;
      });
    }
    for (int reader = 0; reader < 2; reader++) {
      tasks.add(() -> {
        int[] seen = new int[4];
        byte[] content = new byte[bytes];
        for (int i = 0; !over.get(); i++) {
          blocks.read(i % 4, content);
          int value = Byte.toUnsignedInt(content[0]) | Byte.toUnsignedInt(content[7]) << 8;
          for (int at = 0; at < bytes; at += 8) {
            assertEquals(content[0], content[at]);
            assertEquals(content[7], content[at + 7]);
          }
          assertTrue(value >= seen[i % 4], "went back");
          seen[i % 4] = value;
        }
        return null;
      });
    }
    runAll(tasks);
    assertSound();
  }

  @Test
  void writersOfOneBlock_inAFullPool_loseNothing() throws Exception {
    PersistentBlocks blocks = pool.root("b", Type.blocks(4096, 4));
    for (int i = 0; i < 4; i++) {
      blocks.write(i, filled(4096, 1));
    }
    fillPool(4096);
    List<Callable<Void>> tasks = new ArrayList<>();
    for (int thread = 0; thread < 3; thread++) {
      int value = 10 + thread;
      tasks.add(() -> {
        for (int i = 0; i < 100; i++) {
          blocks.write(i % 4, filled(4096, value));
        }
        return null;
      });
    }
    runAll(tasks);
    for (int i = 0; i < 4; i++) {
      byte[] content = content(blocks, i);
      assertTrue(content[0] >= 10 && content[0] < 13);
      assertArrayEquals(filled(4096, content[0]), content);
    }
    assertSound();
  }

  /** Money that is moved between blocks in transactions is neither made nor lost. */
  @Test
  void transactionsOfSeveralBlocks_areAtomicToEachOther() throws Exception {
    PersistentBlocks blocks = pool.root("b", Type.blocks(512, 6));
    for (int i = 0; i < 6; i++) {
      blocks.write(i, filled(512, 20));
    }
    List<Callable<Void>> tasks = new ArrayList<>();
    for (int thread = 0; thread < 3; thread++) {
      SplittableRandom random = new SplittableRandom(thread);
      tasks.add(() -> {
        for (int i = 0; i < 300; i++) {
          int from = random.nextInt(6);
          int to = (from + 1 + random.nextInt(5)) % 6;
          pool.run(tx -> {
            byte[] one = new byte[512];
            byte[] two = new byte[512];
            PersistentBlocks.Edit edit = tx.edit(blocks);
            edit.read(from, MemorySegment.ofArray(one)).read(to, MemorySegment.ofArray(two));
            if (one[0] > 0) {
              edit.write(from, segment(one[0] - 1)).write(to, segment(two[0] + 1));
            }
          });
        }
        return null;
      });
    }
    runAll(tasks);
    int sum = 0;
    for (int i = 0; i < 6; i++) {
      sum += content(blocks, i)[0];
    }
    assertEquals(120, sum);
    assertSound();
  }

  // ---- damage

  private long array() {
    return pool.roots().getFirst().offset();
  }

  private void assertDamage(long offset, long value, String field) {
    long before = region.getLong(offset);
    region.putLong(offset, value);
    reopen();
    Corrupt refused =
        assertThrows(
            Corrupt.class,
            () -> {
              PersistentBlocks blocks = pool.root("b", TYPE);
              blocks.read(1, new byte[BYTES]);
              blocks.write(1, new byte[BYTES]);
              pool.run(tx -> pool.drop(tx, "b", TYPE));
            });
    assertEquals(field, refused.field());
    assertEquals(offset, refused.offset());
    assertFalse(pool.check().isClean());
    region.putLong(offset, before);
    reopen();
    assertSound();
  }

  @Test
  void damage_isRefused_andFoundByCheck() {
    PersistentBlocks blocks = pool.root("b", TYPE);
    blocks.write(1, filled(BYTES, 1));
    blocks.write(2, filled(BYTES, 2));
    long table = region.getLong(array() + 24);
    assertDamage(array(), 0, "blocks.magic");
    assertDamage(array() + 8, 1024, "blocks.blockBytes");
    assertDamage(array() + 16, 1, "blocks.count");
    assertDamage(array() + 24, 16, "blocks.table");
    assertDamage(array() + 24, array(), "blocks.table");
    assertDamage(table + 8, region.getLong(table + 8) + 8, "blocks.block");
    assertDamage(table + 8, -1, "blocks.block");
    assertDamage(table + 8, Long.MAX_VALUE & -16, "blocks.block");
    assertDamage(table + 8, 4096, "blocks.block");
    assertDamage(array() + 32, 7, "blocks.spare");
    assertDamage(array() + 32, array(), "blocks.spare");
  }

  @Test
  void check_findsBlocksThatTwoHave_andThatNobodyHas() {
    PersistentBlocks blocks = pool.root("b", TYPE);
    blocks.write(1, filled(BYTES, 1));
    long table = region.getLong(array() + 24);
    region.putLong(table + 16, region.getLong(table + 8));
    assertTrue(
        pool.check().problems().toString().contains("belongs to root \"b\", block 1 as well"));
    region.putLong(table + 8, 0);
    region.putLong(table + 16, 0);
    assertEquals(1, pool.check().leaked().size());
  }
}
