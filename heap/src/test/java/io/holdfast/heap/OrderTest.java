// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.flush.Granularity;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Savepoint;
import io.holdfast.tx.Transaction;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What one lane commits, and another one changes then, is carried out in that order by a recovery.
 *
 * <p>Each lane counts its commits by itself and goes by another one's only where it has to. So one
 * is ahead of the others here, by many commits that have nothing to do with them: what the others
 * do after it has the lower number, unless they follow it. That is asserted with each commit, and
 * the recovery of a pool whose log has all of them shows it.
 */
class OrderTest {
  private static final int SIZE = 16 << 20;

  /** Fewer than those at which a lane looks after its ring, which all others would notice. */
  private static final int COMMITS_AHEAD = 40;

  private static final int LANES = 8;
  private static final int PAGE = 4096;
  private static final Type<PersistentMap<String, byte[]>> MAP =
      Type.map(Codec.STRING, Codec.BYTES);
  private static final Type<PersistentBlocks> SECTORS = Type.blocks(512, 8);
  private static final int SEGMENT = 64 << 10;
  private static final int LARGE = 28 << 10;

  @TempDir Path folder;

  private PersistentRegion region;
  private Pool pool;
  private Block elsewhere;

  /** All runs that are needed are there, since to make one is noticed by all lanes. */
  @BeforeEach
  void begin() throws IOException {
    assertTrue(OrderTest.class.desiredAssertionStatus(), "assertions are not enabled");
    Path file = Files.createTempFile(folder, "order", "");
    Files.write(file, new byte[SIZE]);
    region = PersistentRegion.over(Medium.assuming(file, Granularity.LINE));
    pool = SamplePool.createEmpty(region, LANES);
    elsewhere = pool.root("elsewhere", Type.block(64));
    for (int bytes : new int[] {16, 32, 64, 100, 128, 256, 500, 1000, 5000, 3 * PAGE}) {
      Block block = pool.call(tx -> pool.allocate(tx, bytes));
      assertNotEquals(0, block.offset());
    }
    pool.call(tx -> pool.make(tx, Account.TYPE));
    getAhead();
  }

  @AfterEach
  void end() {
    region.close();
  }

  private void getAhead() {
    for (int i = 0; i < COMMITS_AHEAD; i++) {
      ahead(tx -> tx.edit(elsewhere).setLong(0, 1));
    }
  }

  private void ahead(Consumer<Transaction> body) {
    pool.run(body);
  }

  private <R> R calledAhead(Function<Transaction, R> body) {
    return pool.call(body);
  }

  /** On a lane that the thread does not use otherwise: it has those before it already. */
  private void behind(Consumer<Transaction> body) {
    on(1, () -> pool.run(body));
  }

  private void on(int lane, Runnable body) {
    if (lane == 0) {
      body.run();
      return;
    }
    try (Transaction held = pool.begin()) {
      assertTrue(held.isActive());
      on(lane - 1, body);
    }
  }

  /** What a pool holds that recovers from this one's memory as it is now. */
  private void assertRecovers(Function<Pool, Object> contents) {
    Object expected = contents.apply(pool);
    try (PersistentRegion copy = PersistentRegion.over(Medium.inMemory(SIZE))) {
      copy.copyIn(0, region.view(0, SIZE));
      Pool recovered = Pool.open(copy, SamplePool.LAYOUT);
      assertTrue(recovered.recovery().rolledForward() > 2, recovered.recovery().toString());
      assertEquals(expected, contents.apply(recovered));
      assertEquals(pool.check().toString(), recovered.check().toString());
    }
  }

  /** The same if nothing is in place of what was committed since the chunks were as they were. */
  private void assertReplays(MemorySegment chunks, Function<Pool, Object> contents) {
    Object expected = contents.apply(pool);
    try (PersistentRegion copy = PersistentRegion.over(Medium.inMemory(SIZE))) {
      copy.copyIn(0, region.view(0, SIZE));
      copy.copyIn(pool.layout().chunks(), chunks);
      Pool recovered = Pool.open(copy, SamplePool.LAYOUT);
      assertEquals(expected, contents.apply(recovered));
    }
  }

  private MemorySegment chunks() {
    long from = pool.layout().chunks();
    return MemorySegment.ofArray(region.view(from, SIZE - from).toArray(JAVA_BYTE));
  }

  private long offsetOf(Account account) {
    return ((ObjectType<Account>) Account.TYPE).offsetOf(pool, account);
  }

  private static byte[] bytes(int length, int value) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }

  private static String text(Pool in, long offset, int length) {
    return new String(
        in.region().view(offset, length).toArray(JAVA_BYTE), StandardCharsets.ISO_8859_1);
  }

  // ---- blocks and objects

  @Test
  void word_ofABlock() {
    MemorySegment before = chunks();
    Block block = pool.root("block", Type.block(64));
    ahead(tx -> tx.edit(block).setLong(8, 1));
    behind(tx -> tx.edit(block).setLong(8, 2));
    assertRecovers(in -> in.region().getLong(block.offset() + 8));
    assertReplays(before, in -> in.region().getLong(block.offset() + 8));
  }

  @Test
  void word_underASnapshot() {
    Block block = pool.root("block", Type.block(64));
    ahead(tx -> tx.edit(block).setLong(8, 1));
    behind(tx -> tx.snapshot(block.offset() + 8, 8).set(JAVA_BYTE, 0, (byte) 2));
    assertRecovers(in -> in.region().getLong(block.offset() + 8));
  }

  /** A third one does not come to the unit, but to others of its stripe in the table of claims. */
  @Test
  void word_afterManyOthersWereClaimed() {
    Block block = pool.root("block", Type.block(64));
    List<Block> others = new ArrayList<>();
    ahead(tx -> {
      for (int i = 0; i < 3000; i++) {
        others.add(pool.allocate(tx, 64));
      }
    });
    getAhead();
    ahead(tx -> tx.edit(block).setLong(8, 1));
    for (int lane = 2; lane < 4; lane++) {
      on(
          lane,
          () -> {
            for (int from = 0; from < others.size(); from += 100) {
              int first = from;
              pool.run(tx -> {
                for (Block other : others.subList(first, first + 100)) {
                  pool.participant(tx).claim(other.offset());
                }
              });
            }
          });
    }
    behind(tx -> tx.edit(block).setLong(8, 2));
    assertRecovers(in -> in.region().getLong(block.offset() + 8));
  }

  @Test
  void object_editedByAnotherThanItsMaker() {
    MemorySegment before = chunks();
    Account account = calledAhead(tx -> pool.make(tx, Account.TYPE));
    long offset = offsetOf(account);
    behind(tx -> tx.edit(account).balance(5));
    assertRecovers(in -> text(in, offset, 96));
    assertReplays(before, in -> text(in, offset, 96));
  }

  @Test
  void object_freedByAnotherThanItsMaker() {
    Account account =
        calledAhead(tx -> {
          Account made = pool.make(tx, Account.TYPE);
          tx.edit(made).owner("a text of its own");
          return made;
        });
    behind(tx -> pool.free(tx, account));
    assertRecovers(in -> in.info().usedBytes());
  }

  @Test
  void object_madeWhereAnotherOneWasFreed() {
    MemorySegment before = chunks();
    Account first = calledAhead(tx -> pool.make(tx, Account.TYPE));
    long offset = offsetOf(first);
    ahead(tx -> tx.edit(first).balance(5));
    ahead(tx -> pool.free(tx, first));
    behind(tx -> {
      Account second = pool.make(tx, Account.TYPE);
      assertEquals(offset, offsetOf(second));
      tx.edit(second).balance(6);
    });
    assertRecovers(in -> in.info().usedBytes() + text(in, offset + 8, 88));
    assertReplays(before, in -> in.info().usedBytes() + text(in, offset + 8, 88));
  }

  @Test
  void block_editedByAnotherThanItsMaker() {
    for (int bytes : new int[] {100, 1000, 3 * PAGE}) {
      getAhead();
      Block block =
          calledAhead(tx -> {
            Block made = pool.allocate(tx, bytes);
            tx.edit(made).fill().fill((byte) 1);
            return made;
          });
      behind(tx -> tx.edit(block).setLong(bytes - 12 & -8, 5));
      on(2, () -> pool.run(tx -> tx.setLong(block.offset(), 5)));
      assertRecovers(in -> text(in, block.offset(), bytes));
    }
  }

  @Test
  void block_freedAndTakenAgain() {
    for (int bytes : new int[] {100, 1000, 3 * PAGE}) {
      getAhead();
      Block block = calledAhead(tx -> pool.allocate(tx, bytes));
      ahead(tx -> tx.edit(block).set(0, MemorySegment.ofArray(bytes(bytes, 1))));
      on(2, () -> pool.run(tx -> pool.free(tx, block)));
      on(
          3,
          () ->
              pool.run(tx -> {
                Block again = pool.allocate(tx, bytes);
                assertEquals(block.offset(), again.offset());
                tx.edit(again).fill().fill((byte) 2);
              }));
      assertRecovers(in -> in.info().usedBytes() + text(in, block.offset(), bytes));
    }
  }

  /** Who has just written to a block takes it for what it was. */
  @Test
  void block_writtenToAgainWhenItIsAnother() {
    Block block = calledAhead(tx -> pool.allocate(tx, 100));
    behind(tx -> tx.setLong(block.offset(), 1));
    ahead(tx -> pool.free(tx, block));
    on(
        2,
        () -> {
          getAhead();
          getAhead();
          Block again = pool.call(tx -> pool.allocate(tx, 100));
          assertEquals(block.offset(), again.offset());
        });
    behind(tx -> tx.setLong(block.offset(), 2));
    assertRecovers(in -> text(in, block.offset(), 8));
  }

  /** To write nothing to a block is no claim on it: it may be another one at the next write. */
  @Test
  void block_writtenToAfterNothingWas() {
    MemorySegment before = chunks();
    Block block = pool.call(tx -> pool.allocate(tx, 100));
    MemorySegment nothing = MemorySegment.ofArray(new byte[0]);
    for (boolean snapshot : new boolean[] {false, true}) {
      on(
          1,
          () -> {
            try (Transaction tx = pool.begin()) {
              if (snapshot) {
                tx.snapshot(block.offset(), 0);
              } else {
                tx.set(block.offset(), nothing);
              }
              on(2, () -> pool.run(other -> pool.free(other, block)));
              on(
                  4,
                  () -> {
                    getAhead();
                    Block again = pool.call(other -> pool.allocate(other, 100));
                    assertEquals(block.offset(), again.offset());
                  });
              tx.setLong(block.offset(), snapshot ? 1 : 2);
              tx.commit();
            }
          });
      assertReplays(before, in -> text(in, block.offset(), 8));
    }
  }

  /** What was undone to a savepoint leaves old contents in the log, of a block that others take. */
  @Test
  void block_undoneAndTakenByAnother() {
    MemorySegment before = chunks();
    Block block =
        calledAhead(tx -> {
          tx.edit(elsewhere).setLong(0, 7);
          Savepoint savepoint = tx.savepoint();
          Block made = pool.allocate(tx, 100);
          tx.snapshot(made.offset(), 8);
          tx.rollbackTo(savepoint);
          return made;
        });
    behind(tx -> {
      Block again = pool.allocate(tx, 100);
      assertEquals(block.offset(), again.offset());
      tx.edit(again).fill().fill((byte) 2);
    });
    assertReplays(before, in -> text(in, block.offset(), 100));
  }

  /** Chunks change hands by transactions of the heap's own. */
  @Test
  void chunks_takenAgainAsSomethingElse() {
    Block huge = calledAhead(tx -> pool.allocate(tx, 20 * PoolLayout.CHUNK_BYTES));
    for (int i = 0; i < COMMITS_AHEAD; i++) {
      long at = i * 64L;
      ahead(tx -> tx.edit(huge).setLong(at, -1));
    }
    behind(tx -> pool.free(tx, huge));
    List<Block> small = new ArrayList<>();
    on(
        2,
        () ->
            pool.run(tx -> {
              for (int i = 0; i < 2000; i++) {
                small.add(pool.allocate(tx, 48));
                tx.edit(small.getLast()).fill().fill((byte) 3);
              }
            }));
    assertTrue(small.stream().anyMatch(block -> block.offset() > huge.offset()));
    assertRecovers(in -> in.info().usedBytes() + text(in, small.get(1999).offset(), 48));
  }

  /** What outgrew the ring lay in chunks that blocks have afterwards. */
  @Test
  void chunks_thatTheLogHad() {
    Block block = pool.root("block", Type.block(8 * SEGMENT));
    ahead(tx -> {
      for (int i = 0; i < SEGMENT; i += 8) {
        tx.edit(block).setLong(8L * i, i);
      }
    });
    behind(tx -> {
      for (int i = 0; i < 20; i++) {
        tx.edit(pool.allocate(tx, SEGMENT / 2)).fill().fill((byte) i);
      }
    });
    assertRecovers(in -> in.info().usedBytes() + text(in, block.offset(), 8 * SEGMENT));
  }

  // ---- roots

  /** What is in them was changed last where nothing was allocated for it. */
  @Test
  void collection_droppedByAnother() {
    PersistentMap<String, byte[]> map = pool.root("map", MAP);
    map.put("a", bytes(100, 1));
    PersistentLog log = pool.root("log", Type.log());
    log.append(bytes(100, 1));
    on(
        2,
        () -> {
          getAhead();
          map.set("a", bytes(100, 2));
        });
    behind(tx -> pool.drop(tx, "map", MAP));
    assertRecovers(in -> in.info().usedBytes() + " " + in.roots());
    on(
        3,
        () -> {
          getAhead();
          log.append(bytes(100, 2));
        });
    behind(tx -> pool.drop(tx, "log", Type.log()));
    assertRecovers(in -> in.info().usedBytes() + " " + in.roots());
  }

  @Test
  void root_droppedByAnotherThanItsMaker() {
    getAhead();
    pool.root("sectors", SECTORS).write(3, bytes(512, 1));
    pool.root("account", Account.TYPE);
    behind(tx -> pool.drop(tx, "sectors", SECTORS));
    behind(tx -> pool.drop(tx, "account", Account.TYPE));
    assertRecovers(in -> in.info().usedBytes() + " " + in.roots());
  }

  @Test
  void root_madeAfterAnotherOne() {
    pool.root("first", Type.block(64));
    on(1, () -> pool.root("second", Type.block(64)));
    assertRecovers(Pool::roots);
  }

  // ---- collections that are new

  /** Who uses it first claims nothing that its maker had, and finds nothing of him. */
  @Test
  void map_firstUsedByAnotherThanItsMaker() {
    pool.root("room", MAP).put("a", bytes(100, 1));
    getAhead();
    PersistentMap<String, byte[]> map = pool.root("map", MAP);
    MemorySegment before = chunks();
    on(1, () -> map.put("a", bytes(100, 2)));
    assertRecovers(OrderTest::mapIn);
    assertReplays(before, OrderTest::mapIn);
  }

  /** The spare is the last block of its run, so that who writes has his from another one. */
  @Test
  void sectors_firstUsedByAnotherThanTheirMaker() {
    Type<PersistentBlocks> type = Type.blocks(LARGE, 8);
    Block first = pool.call(tx -> fillRun(tx));
    Block second = pool.call(tx -> fillRun(tx));
    pool.run(tx -> {
      pool.free(tx, first);
      pool.free(tx, second);
    });
    pool.root("room", SECTORS);
    getAhead();
    PersistentBlocks sectors = pool.root("sectors", type);
    BlockArray array = pool.blockArray(pool.rootList().find("sectors").info().offset(), LARGE, 8);
    MemorySegment before = chunks();
    on(1, () -> sectors.write(1, bytes(LARGE, 2)));
    long word = BlockArrayLayout.word(array.table(), 1);
    assertReplays(before, in -> in.region().getLong(word));
  }

  /** Takes all blocks of a run of large ones; returns the last. */
  private Block fillRun(Transaction tx) {
    while (true) {
      Block block = pool.allocate(tx, LARGE);
      if (pool.allocator().find(block.offset()).run().free() == 0) {
        return block;
      }
    }
  }

  /** With a segment that a log had before. */
  @Test
  void log_firstUsedByAnotherThanItsMaker() {
    PersistentLog room = pool.root("room", Type.log());
    room.append(bytes(100, 1));
    room.clear();
    getAhead();
    MemorySegment before = chunks();
    PersistentLog log = pool.root("log", Type.log());
    on(1, () -> log.append(bytes(100, 2)));
    assertRecovers(OrderTest::logIn);
    assertReplays(before, OrderTest::logIn);
  }

  // ---- maps

  private static Object contents(PersistentMap<String, byte[]> map) {
    TreeMap<String, String> sorted = new TreeMap<>();
    map.forEach((key, value) -> sorted.put(key, Arrays.toString(value)));
    return sorted;
  }

  private static Object mapIn(Pool in) {
    return contents(in.root("map", MAP));
  }

  @Test
  void map_valueReplacedByAnother() {
    PersistentMap<String, byte[]> map = pool.root("map", MAP);
    getAhead();
    map.set("a", bytes(100, 1));
    on(1, () -> map.set("a", bytes(100, 2)));
    on(2, () -> map.set("a", bytes(200, 3)));
    on(3, () -> map.set("a", bytes(200, 4)));
    assertRecovers(OrderTest::mapIn);
    on(4, () -> map.remove("a"));
    assertRecovers(OrderTest::mapIn);
  }

  /** Another key gets a slot that was given up; they have no claim in common, and no run. */
  @Test
  void map_slotUsedAgain() {
    PersistentMap<String, byte[]> map = pool.root("map", MAP);
    HashIndex index = pool.index(pool.rootList().find("map").info().offset());
    for (int turn = 0; turn < 4; turn++) {
      String first = "a" + turn;
      String second = inBucketOf(index, first);
      map.put(first, bytes(16, 1));
      getAhead();
      map.remove(first);
      on(1 + turn, () -> map.put(second, bytes(950, 2)));
      assertRecovers(OrderTest::mapIn);
      map.remove(second);
    }
  }

  private static String inBucketOf(HashIndex index, String key) {
    return Stream.iterate(0, i -> i + 1)
        .map(i -> "b" + i)
        .filter(other -> bucket(index, other) == bucket(index, key))
        .findFirst()
        .orElseThrow();
  }

  private static long bucket(HashIndex index, String key) {
    return IndexLayout.bucket(0, index.hash(key.getBytes(StandardCharsets.UTF_8)), 0);
  }

  /** A split copies what others have put, by a transaction of the heap's own. */
  @Test
  void map_splitBetween() {
    PersistentMap<String, byte[]> map = pool.root("map", MAP);
    getAhead();
    for (int i = 0; i < 700; i++) {
      int key = i;
      on(i % 4, () -> map.set("a" + key, bytes(8, key)));
      if (i % 3 == 2) {
        on(i % 5, () -> map.remove("a" + (key - 2)));
      }
    }
    assertRecovers(OrderTest::mapIn);
  }

  // ---- arrays of blocks

  private static Object sectorsIn(Pool in) {
    PersistentBlocks sectors = in.root("sectors", SECTORS);
    List<String> all = new ArrayList<>();
    byte[] content = new byte[512];
    for (long i = 0; i < sectors.count(); i++) {
      sectors.read(i, content);
      all.add(Arrays.toString(content));
    }
    return all;
  }

  @Test
  void sectors_writtenInTurns() {
    PersistentBlocks sectors = pool.root("sectors", SECTORS);
    getAhead();
    sectors.write(3, bytes(512, 1));
    on(1, () -> sectors.write(3, bytes(512, 2)));
    assertRecovers(OrderTest::sectorsIn);
    on(2, () -> sectors.trim(3));
    on(3, () -> sectors.write(4, bytes(512, 3)));
    assertRecovers(OrderTest::sectorsIn);
  }

  @Test
  void sectors_writtenToTheSpare() {
    PersistentBlocks sectors = pool.root("sectors", SECTORS);
    BlockArray array = pool.blockArray(pool.rootList().find("sectors").info().offset(), 512, 8);
    getAhead();
    sectors.write(1, bytes(512, 1));
    sectors.write(2, bytes(512, 2));
    for (int i = 1; i < 5; i++) {
      int turn = i;
      on(
          i,
          () ->
              pool.run(tx ->
                  assertTrue(
                      array.writeToSpare(
                          tx, 1 + turn % 2, MemorySegment.ofArray(bytes(512, 10 + turn))))));
      assertRecovers(OrderTest::sectorsIn);
    }
  }

  // ---- logs

  private static Object logIn(Pool in) {
    PersistentLog log = in.root("log", Type.log());
    List<String> all = new ArrayList<>();
    log.walk(
        log.first(),
        (position, record) ->
            all.add(position + ":" + record.byteSize() + ":" + record.get(JAVA_BYTE, 0)));
    return log.first() + " " + log.end() + " " + all;
  }

  @Test
  void log_appendedToInTurns() {
    PersistentLog log = pool.root("log", Type.log());
    getAhead();
    for (int i = 0; i < 12; i++) {
      int turn = i;
      on(i % 3, () -> log.append(bytes(20_000, turn)));
    }
    assertRecovers(OrderTest::logIn);
  }

  @Test
  void log_truncatedByAnother() {
    PersistentLog log = pool.root("log", Type.log());
    List<Long> positions = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      getAhead();
      positions.add(log.append(bytes(30_000, i)));
      positions.add(log.append(bytes(30_000, i)));
      on(1, () -> log.truncate(positions.getLast()));
      on(2, () -> positions.add(log.append(bytes(30_000, 70))));
      assertRecovers(OrderTest::logIn);
    }
  }

  @Test
  void log_clearedByAnother() {
    PersistentLog log = pool.root("log", Type.log());
    for (int i = 0; i < 4; i++) {
      getAhead();
      log.append(bytes(30_000, i));
      log.append(bytes(50_000, i));
      on(1, log::clear);
      assertRecovers(OrderTest::logIn);
      on(2, () -> log.append(bytes(30_000, 70)));
      assertRecovers(OrderTest::logIn);
    }
  }
}
