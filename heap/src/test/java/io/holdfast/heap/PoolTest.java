// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.flush.Durability;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Editable;
import io.holdfast.tx.Savepoint;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.TransactionException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
@Tag("media")
class PoolTest {
  private static final long SIZE = 8 << 20;

  /** What a file in the temporary folder gets from those who accept anything. */
  static final Durability CHEAP =
      System.getProperty("holdfast.daxvm.folder") == null ? Durability.PROCESS : Durability.POWER;

  @TempDir Path folder;

  private PersistentRegion region = PersistentRegion.over(Medium.inMemory(SIZE));
  private Pool pool = Pool.create(region, "test");

  @AfterEach
  void checkAndClose() {
    CheckReport report = pool.check();
    assertEquals(List.of(), report.problems());
    pool.close();
    region.close();
  }

  private void assertNothingLeaked() {
    assertEquals(List.of(), pool.check().leaked());
  }

  /** As after a crash: nothing is closed. */
  private void reopen() {
    pool = Pool.open(region, "test");
  }

  private Account account(Transaction tx, String owner, long balance) {
    Account account = pool.make(tx, Account.TYPE);
    tx.edit(account).owner(owner).balance(balance);
    return account;
  }

  // ---- roots

  @Test
  void create_fromTheSameRandomNumbers_theSameIdentity() {
    List<UUID> identities = new ArrayList<>();
    for (long seed : new long[] {7, 7, 8}) {
      PersistentRegion own = PersistentRegion.over(Medium.inMemory(1 << 20));
      identities.add(Pool.create(own, "test", new SplittableRandom(seed)).info().identity());
    }
    assertEquals(identities.get(0), identities.get(1));
    assertNotEquals(identities.get(0), identities.get(2));
    assertEquals(4, identities.get(0).version());
    assertEquals(2, identities.get(0).variant());
  }

  @Test
  void root_madeOnce_foundByNameAfterReopening() {
    Account first = pool.root("account", Account.TYPE);
    pool.run(tx -> tx.edit(first).owner("ann").balance(5));
    assertEquals(first, pool.root("account", Account.TYPE));
    reopen();
    Account again = pool.root("account", Account.TYPE);
    assertEquals("ann", again.owner());
    assertEquals(5, again.balance());
    assertEquals(List.of("account"), pool.roots().stream().map(RootInfo::name).toList());
    assertNothingLeaked();
  }

  @Test
  void root_anotherType_refusedWithBoth() {
    pool.root("x", Type.map(Codec.LONG, Codec.STRING));
    var e =
        assertThrows(
            PoolException.TypeChanged.class,
            () -> pool.root("x", Type.map(Codec.LONG, Codec.LONG)));
    assertTrue(e.getMessage().contains("map<long, string>"), e.getMessage());
    assertTrue(e.getMessage().contains("map<long, long>"), e.getMessage());
    assertThrows(PoolException.TypeChanged.class, () -> pool.root("x", Account.TYPE));
  }

  @Test
  void root_badNames_refused() {
    assertThrows(IllegalArgumentException.class, () -> pool.root("", Account.TYPE));
    assertThrows(IllegalArgumentException.class, () -> pool.root("x".repeat(256), Account.TYPE));
    pool.root("é".repeat(127), Account.TYPE);
    assertEquals(1, pool.roots().size());
  }

  @Test
  void drop_everyKindOfRoot_nothingIsLeft() {
    Type<PersistentMap<Long, String>> mapType = Type.map(Codec.LONG, Codec.STRING);
    PersistentMap<Long, String> map = pool.root("map", mapType);
    for (long i = 0; i < 2000; i++) {
      map.put(i, "value " + i);
    }
    Account account = pool.root("account", Account.TYPE);
    pool.run(tx -> tx.edit(account).owner("ann"));
    pool.root("block", Type.block(100));
    long used = pool.info().usedBytes();
    assertTrue(used > 2000 * 24, "used=" + used);
    pool.run(tx -> pool.drop(tx, "map", mapType));
    pool.run(tx -> {
      pool.drop(tx, "block", Type.block(100));
      pool.drop(tx, "account", Account.TYPE);
    });
    assertEquals(0, pool.info().usedBytes());
    assertEquals(List.of(), pool.roots());
    assertThrows(PoolException.ObjectFreed.class, account::owner);
    assertThrows(
        IllegalArgumentException.class, () -> pool.run(tx -> pool.drop(tx, "map", mapType)));
    assertNothingLeaked();
  }

  // ---- typed objects

  /**
   * All that use a map must use the same latches, also after a transaction thought better of it.
   */
  @Test
  void drop_goneBackTo_theCollectionIsTheSameForAll() {
    PersistentMap<Long, Long> map = pool.root("map", Type.map(Codec.LONG, Codec.LONG));
    map.put(1L, 1L);
    long offset = pool.roots().getFirst().offset();
    HashIndex index = pool.index(offset);
    pool.run(tx -> {
      Savepoint before = tx.savepoint();
      pool.drop(tx, "map", Type.map(Codec.LONG, Codec.LONG));
      tx.rollbackTo(before);
    });
    assertSame(index, pool.index(offset));
    assertEquals(1, map.get(1L));
    pool.run(tx -> pool.drop(tx, "map", Type.map(Codec.LONG, Codec.LONG)));
    assertEquals(0, pool.info().usedBytes());
    pool.root("map", Type.map(Codec.LONG, Codec.LONG));
    assertEquals(offset, pool.roots().getFirst().offset(), "another place, nothing is tested");
    assertNotSame(index, pool.index(offset));
  }

  /** Nothing could refer to it; and a root that is made later may lie where it was. */
  @Test
  void make_ofACollection_refused() {
    List<Type<?>> collections =
        List.of(Type.map(Codec.LONG, Codec.LONG), Type.blocks(512, 10), Type.log());
    for (Type<?> type : collections) {
      try (Transaction tx = pool.begin()) {
        var e = assertThrows(IllegalArgumentException.class, () -> pool.make(tx, type));
        assertTrue(e.getMessage().contains("root"), e.getMessage());
      }
    }
    assertEquals(0, pool.info().usedBytes());
  }

  @Test
  void object_everyKindOfField_keptAndReadBack() {
    Account account = pool.root("account", Account.TYPE);
    assertNull(account.owner());
    assertNull(account.next());
    assertNull(account.data());
    assertEquals(0, account.balance());
    pool.run(tx -> {
      Account other = account(tx, "bob", 7);
      Block block = pool.allocate(tx, 100);
      tx.edit(block).fill().fill((byte) 9);
      tx.edit(account)
          .owner("ann \u00e9 \ud83d\ude00")
          .balance(Long.MIN_VALUE)
          .next(other)
          .data(block)
          .number(-2)
          .branch((short) -3)
          .sign('\u20ac')
          .kind((byte) -4)
          .rate(1.5f)
          .limit(-2.5)
          .open(true);
    });
    reopen();
    Account again = pool.root("account", Account.TYPE);
    assertEquals("ann \u00e9 \ud83d\ude00", again.owner());
    assertEquals(Long.MIN_VALUE, again.balance());
    assertEquals("bob", again.next().owner());
    assertEquals("bob:7", again.next().label());
    assertEquals(9, again.data().view().get(JAVA_BYTE, 99));
    assertEquals(-2, again.number());
    assertEquals(-3, again.branch());
    assertEquals('\u20ac', again.sign());
    assertEquals(-4, again.kind());
    assertTrue(again.open());
    assertEquals(1.5f, again.rate());
    assertEquals(-2.5, again.limit());
    assertEquals(
        "Account[balance=-9223372036854775808, data=@"
            + again.data().offset()
            + ", limit=-2.5, next=@"
            + again.next().hashCode()
            + ", owner=ann \u00e9 \ud83d\ude00, number=-2, rate=1.5, branch=-3, sign=\u20ac, kind=-4,"
            + " open=true]",
        again.toString());
    assertNothingLeaked();
  }

  @Test
  void edit_beforeCommit_ownReadsOnly() {
    Account account = pool.root("account", Account.TYPE);
    try (Transaction tx = pool.begin()) {
      Account.Edit edit = tx.edit(account);
      edit.balance(5).owner("ann").number(1).kind((byte) 2);
      edit.number(edit.number() + 1);
      assertEquals(5, edit.balance());
      assertEquals("ann", edit.owner());
      assertEquals(2, edit.number());
      assertEquals(2, edit.kind());
      assertEquals("ann:5", edit.label());
      assertEquals(0, account.balance());
      assertNull(account.owner());
    }
    assertEquals(0, account.balance());
    assertNothingLeaked();
  }

  @Test
  void setString_again_theOldOneIsFreed() {
    Account account = pool.root("account", Account.TYPE);
    pool.run(tx -> tx.edit(account).owner("x".repeat(1000)));
    long used = pool.info().usedBytes();
    for (int i = 0; i < 100; i++) {
      String value = ("" + i).repeat(400);
      pool.run(tx -> tx.edit(account).owner("y").owner(value));
      assertEquals(value, account.owner());
    }
    pool.run(tx -> tx.edit(account).owner("x".repeat(1000)));
    assertEquals(used, pool.info().usedBytes());
    pool.run(tx -> tx.edit(account).owner(null));
    assertNull(account.owner());
    assertNothingLeaked();
  }

  @Test
  void handle_ofAFreedObject_refusedAlsoWhenTheBlockIsAnothers() {
    AtomicReference<Account> old = new AtomicReference<>();
    pool.run(tx -> old.set(account(tx, "ann", 1)));
    pool.run(tx -> pool.free(tx, old.get()));
    assertThrows(PoolException.ObjectFreed.class, () -> old.get().balance());
    AtomicReference<Account> young = new AtomicReference<>();
    pool.run(tx -> young.set(account(tx, "bob", 2)));
    assertEquals(old.get().hashCode(), young.get().hashCode(), "not the same block");
    assertFalse(old.get().equals(young.get()));
    assertThrows(PoolException.ObjectFreed.class, () -> old.get().owner());
    assertThrows(
        PoolException.ObjectFreed.class, () -> pool.run(tx -> tx.edit(old.get()).balance(9)));
    assertThrows(PoolException.ObjectFreed.class, () -> pool.run(tx -> pool.free(tx, old.get())));
    assertEquals(2, young.get().balance());
    pool.run(tx -> pool.free(tx, young.get()));
    assertEquals(0, pool.info().usedBytes());
  }

  @Test
  void handle_ofAnObjectWhoseTransactionWasAborted_refused() {
    Account lost;
    try (Transaction tx = pool.begin()) {
      lost = account(tx, "ann", 1);
      assertEquals(1, lost.balance());
    }
    assertThrows(PoolException.ObjectFreed.class, lost::balance);
    assertEquals(0, pool.info().usedBytes());
  }

  @Test
  void make_whereAnotherObjectWas_allZerosAndNulls() {
    Account old = pool.call(tx -> account(tx, "ann", 5));
    pool.run(tx -> {
      Account.Edit edit = tx.edit(old);
      edit.next(old).kind((byte) 3);
      edit.number(-1);
      edit.open(true);
      edit.limit(1.5);
    });
    int offset = old.hashCode();
    pool.run(tx -> {
      tx.edit(old).owner(null);
      pool.free(tx, old);
    });
    Account young = pool.call(tx -> pool.make(tx, Account.TYPE));
    assertEquals(offset, young.hashCode(), "another block, which tells nothing");
    assertEquals(null, young.owner());
    assertEquals(null, young.next());
    assertEquals(0, young.balance());
    assertEquals(0, young.number());
    assertEquals(0, young.kind());
    assertFalse(young.open());
    assertEquals(0, young.limit());
    pool.run(tx -> pool.free(tx, young));
    assertNothingLeaked();
  }

  @Test
  void free_twiceInOneTransaction_refused() {
    AtomicReference<Account> account = new AtomicReference<>();
    AtomicReference<Block> block = new AtomicReference<>();
    pool.run(tx -> {
      account.set(account(tx, "ann", 1));
      block.set(pool.allocate(tx, 10));
    });
    try (Transaction tx = pool.begin()) {
      pool.free(tx, account.get());
      assertThrows(PoolException.ObjectFreed.class, () -> pool.free(tx, account.get()));
      pool.free(tx, block.get());
      assertThrows(PoolException.ObjectFreed.class, () -> pool.free(tx, block.get()));
      tx.commit();
    }
    assertEquals(0, pool.info().usedBytes());
    assertThrows(PoolException.ObjectFreed.class, () -> pool.run(tx -> pool.free(tx, block.get())));
  }

  /** What a transaction takes and frees is nobody's, and nothing of it gets to the log. */
  @Test
  void free_ofWhatTheTransactionTook_onceAndThenNoMoreOfUse() {
    try (Transaction tx = pool.begin()) {
      Block block = pool.allocate(tx, 100);
      Account account = account(tx, "ann", 1);
      Account.Edit edit = tx.edit(account);
      pool.free(tx, block);
      pool.free(tx, account);
      assertThrows(PoolException.ObjectFreed.class, () -> pool.free(tx, block));
      assertThrows(PoolException.ObjectFreed.class, () -> pool.free(tx, account));
      assertThrows(IllegalStateException.class, () -> tx.edit(block).fill());
      assertThrows(PoolException.ObjectFreed.class, () -> edit.owner("bob"));
      assertThrows(PoolException.ObjectFreed.class, () -> tx.edit(account).owner("bob"));
      tx.commit();
    }
    assertEquals(0, pool.info().usedBytes());
    assertNothingLeaked();
  }

  /** A text that is given to an object which is freed would belong to nobody. */
  @Test
  void edit_ofAnObjectThatTheTransactionFreed_refused() {
    Account account = pool.call(tx -> account(tx, "ann", 1));
    try (Transaction tx = pool.begin()) {
      Account.Edit edit = tx.edit(account);
      Savepoint before = tx.savepoint();
      pool.free(tx, account);
      assertThrows(PoolException.ObjectFreed.class, () -> edit.balance(2));
      assertThrows(PoolException.ObjectFreed.class, () -> edit.owner("bob"));
      assertThrows(PoolException.ObjectFreed.class, () -> tx.edit(account).owner("bob"));
      tx.rollbackTo(before);
      edit.owner("eve");
      Savepoint again = tx.savepoint();
      Account.Edit gone = tx.edit(pool.make(tx, Account.TYPE));
      tx.rollbackTo(again);
      assertThrows(PoolException.ObjectFreed.class, () -> gone.owner("bob"));
      pool.free(tx, account);
      tx.commit();
    }
    assertEquals(0, pool.info().usedBytes());
    assertNothingLeaked();
  }

  @Test
  void rollbackTo_objectsAndStrings_asTheyWereThen() {
    Account account = pool.root("account", Account.TYPE);
    pool.run(tx -> tx.edit(account).owner("ann").balance(1));
    try (Transaction tx = pool.begin()) {
      Account made = account(tx, "made", 10);
      tx.edit(account).balance(2).next(made);
      Savepoint savepoint = tx.savepoint();
      tx.edit(account).balance(3).owner("other");
      tx.edit(made).balance(11).owner("changed");
      Account second = account(tx, "second", 20);
      tx.edit(made).next(second);
      pool.free(tx, made);
      tx.rollbackTo(savepoint);
      assertEquals(2, tx.edit(account).balance());
      assertEquals("ann", tx.edit(account).owner());
      assertEquals(10, tx.edit(made).balance());
      assertThrows(PoolException.ObjectFreed.class, second::balance);
      tx.commit();
    }
    assertEquals(2, account.balance());
    assertEquals("ann", account.owner());
    assertEquals("made", account.next().owner());
    assertEquals(10, account.next().balance());
    assertNothingLeaked();
  }

  @Test
  void edit_twoTransactionsOnOneObject_conflict() {
    Account account = pool.root("account", Account.TYPE);
    Account other = pool.root("other", Account.TYPE);
    try (Transaction first = pool.begin();
        Transaction second = pool.begin()) {
      first.edit(account).balance(1);
      assertThrows(TransactionException.Conflict.class, () -> second.edit(account));
      assertThrows(TransactionException.Conflict.class, () -> pool.free(second, account));
      second.edit(other).balance(2);
      second.commit();
      first.commit();
    }
    assertEquals(1, account.balance());
    assertEquals(2, other.balance());
  }

  @Test
  void edit_whatIsNoObjectOfThisPool_refused() {
    Account account = pool.root("account", Account.TYPE);
    PersistentRegion otherRegion = PersistentRegion.over(Medium.inMemory(SIZE));
    Pool otherPool = Pool.create(otherRegion, "test");
    Account foreign = otherPool.root("account", Account.TYPE);
    PersistentMap<Long, Long> foreignMap = otherPool.root("map", Type.map(Codec.LONG, Codec.LONG));
    Block foreignBlock = otherPool.root("block", Type.block(64));
    try (Transaction tx = pool.begin();
        Transaction foreignTx = otherPool.begin()) {
      assertThrows(IllegalArgumentException.class, () -> tx.edit(foreign));
      assertThrows(IllegalArgumentException.class, () -> tx.edit(foreignMap));
      assertThrows(IllegalArgumentException.class, () -> tx.edit(foreignBlock));
      assertThrows(IllegalArgumentException.class, () -> tx.edit(account).next(foreign));
      assertThrows(IllegalArgumentException.class, () -> tx.edit(account).data(foreignBlock));
      assertThrows(IllegalArgumentException.class, () -> pool.free(tx, foreign));
      assertThrows(IllegalArgumentException.class, () -> pool.make(foreignTx, Account.TYPE));
      foreignTx.edit(foreign).balance(1);
      assertThrows(IllegalArgumentException.class, () -> pool.make(foreignTx, Account.TYPE));
      assertThrows(IllegalArgumentException.class, () -> pool.allocate(foreignTx, 8));
      assertThrows(IllegalArgumentException.class, () -> tx.edit(tx.edit(account)));
      assertThrows(IllegalArgumentException.class, () -> tx.edit(new Editable<String>() {}));
      assertThrows(NullPointerException.class, () -> tx.edit(null));
    }
    otherPool.close();
    otherRegion.close();
  }

  @Test
  void edit_viewOfTheEditGivenAsReference_theObjectIsMeant() {
    Account account = pool.root("account", Account.TYPE);
    pool.run(tx -> tx.edit(account).next(tx.edit(account)).balance(3));
    assertEquals(account, account.next());
    assertEquals(3, account.next().next().balance());
  }

  interface NoEdit extends Editable<String> {
    long value();
  }

  interface NoSetter extends Editable<NoSetter.Edit> {
    long value();

    interface Edit extends NoSetter {}
  }

  interface BadField extends Editable<BadField.Edit> {
    Object value();

    interface Edit extends BadField {
      Edit value(Object value);
    }
  }

  interface BadSetter extends Editable<BadSetter.Edit> {
    long value();

    interface Edit extends BadSetter {
      Edit value(int value);
    }
  }

  interface Parameter extends Editable<Parameter.Edit> {
    long value(int index);

    interface Edit extends Parameter {}
  }

  @Test
  void typeOf_interfacesOfAnotherForm_refusedWithTheReason() {
    assertBad("declare it as interface NoEdit extends Editable<NoEdit.Edit>", NoEdit.class);
    assertBad("no setter for value()", NoSetter.class);
    assertBad("a field is of a primitive type", BadField.class);
    assertBad("a setter has its field's name and type", BadSetter.class);
    assertBad("a field's method has no parameters", Parameter.class);
    assertSame(Account.TYPE, Type.of(Account.class, MethodHandles.lookup()));
  }

  private static <T extends Editable<?>> void assertBad(String reason, Class<T> type) {
    var e =
        assertThrows(IllegalArgumentException.class, () -> Type.of(type, MethodHandles.lookup()));
    assertTrue(e.getMessage().contains(reason), e.getMessage());
  }

  // ---- blocks

  @Test
  void block_writtenInTransactions_readBack() {
    Block block = pool.root("block", Type.block(10_000));
    assertTrue(block.size() >= 10_000);
    try (Transaction tx = pool.begin()) {
      Block.Edit edit = tx.edit(block);
      edit.setLong(0, 1).setLong(9_992, 2);
      assertEquals(1, edit.getLong(0));
      assertEquals(0, block.view().get(JAVA_BYTE, 0));
      assertThrows(IndexOutOfBoundsException.class, () -> edit.setLong(block.size(), 0));
      assertThrows(IndexOutOfBoundsException.class, () -> edit.getLong(-8));
      assertThrows(IllegalArgumentException.class, () -> edit.getLong(4));
      assertThrows(IllegalStateException.class, edit::fill);
      tx.commit();
    }
    pool.run(tx -> tx.snapshot(block.offset() + 100, 3).fill((byte) 7));
    reopen();
    Block again = pool.root("block", Type.block(10_000));
    assertEquals(block.offset(), again.offset());
    assertEquals(1, again.view().get(JAVA_BYTE, 0));
    assertEquals(7, again.view().get(JAVA_BYTE, 102));
    assertEquals(2, again.view().get(JAVA_BYTE, 9_992));
    assertThrows(IllegalArgumentException.class, () -> again.view().set(JAVA_BYTE, 0, (byte) 1));
  }

  @Test
  void block_disjointPagesOfALargeOne_noConflict() {
    Block block = pool.root("block", Type.block(100_000));
    try (Transaction first = pool.begin();
        Transaction second = pool.begin()) {
      first.edit(block).setLong(0, 1);
      second.edit(block).setLong(50_000, 2);
      assertThrows(TransactionException.Conflict.class, () -> second.edit(block).setLong(8, 2));
      assertThrows(TransactionException.Conflict.class, () -> pool.free(second, block));
    }
  }

  @Test
  void offsets_outsideBlocks_refused() {
    Account account = pool.root("account", Account.TYPE);
    Block block = pool.root("block", Type.block(64));
    try (Transaction tx = pool.begin()) {
      for (long offset : new long[] {0, 8192, 64, SIZE, -8, account.hashCode()}) {
        assertThrows(IllegalArgumentException.class, () -> tx.setLong(offset, 1), "" + offset);
        assertThrows(IllegalArgumentException.class, () -> tx.snapshot(offset, 8), "" + offset);
      }
      assertThrows(
          IllegalArgumentException.class, () -> tx.snapshot(block.offset(), block.size() + 1));
      tx.setLong(block.offset(), 1);
    }
  }

  @Test
  void offsets_ofABlockFreedSinceTheLastTransaction_refused() {
    Block block = pool.call(tx -> pool.allocate(tx, 64));
    pool.run(tx -> tx.setLong(block.offset(), 1));
    pool.run(tx -> tx.setLong(block.offset(), 2));
    pool.run(tx -> pool.free(tx, block));
    try (Transaction tx = pool.begin()) {
      assertThrows(IllegalArgumentException.class, () -> tx.setLong(block.offset(), 3));
      assertThrows(IllegalArgumentException.class, () -> tx.snapshot(block.offset(), 8));
    }
    assertEquals(2, pool.region().getLong(block.offset()));
  }

  // ---- space

  @Test
  void allocate_untilFull_refusedAndFreeingStillWorks() {
    PersistentMap<Long, byte[]> map = pool.root("map", Type.map(Codec.LONG, Codec.BYTES));
    long free = pool.info().freeBytes();
    long count = 0;
    PoolException.OutOfPoolSpace full = null;
    while (full == null) {
      try {
        map.put(count, new byte[1000 + (int) count % 3000]);
        count++;
      } catch (PoolException.OutOfPoolSpace e) {
        full = e;
      }
    }
    assertTrue(count > 1000, "count=" + count);
    assertTrue(pool.info().freeBytes() < free / 8, "free=" + pool.info().freeBytes());
    assertEquals(count, map.size());
    assertNothingLeaked();
    for (long i = 0; i < count; i++) {
      assertTrue(map.remove(i).length > 0);
    }
    assertEquals(0, map.size());
    assertNothingLeaked();
    for (long i = 0; i < 500; i++) {
      map.put(i, new byte[4000]);
    }
    reopen();
    assertNothingLeaked();
  }

  /** Leaves no chunk and no block of a page or more. */
  private static void fillUp(Pool pool) {
    for (long bytes = 1 << 20; bytes >= 4096; bytes /= 2) {
      long size = bytes;
      try {
        while (true) {
          pool.run(tx -> pool.allocate(tx, size));
        }
      } catch (PoolException.OutOfPoolSpace e) {
        assertTrue(e.asked() == size, e::getMessage);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1 << 20, 8 << 20})
  void drop_ofALargeMapInAFullPool_oneTransaction(long size) {
    try (PersistentRegion small = PersistentRegion.over(Medium.inMemory(size))) {
      Pool full = Pool.create(small, "test");
      Type<PersistentMap<Long, Long>> type = Type.map(Codec.LONG, Codec.LONG);
      PersistentMap<Long, Long> map = full.root("map", type);
      for (long i = 0; i < 5000; i++) {
        map.put(i, i);
      }
      fillUp(full);
      assertEquals(0, full.info().largestFree());
      full.run(tx -> full.drop(tx, "map", type));
      assertEquals(List.of(), full.roots());
      full.root("again", type).put(1L, 1L);
      Pool opened = Pool.open(small, "test");
      assertEquals(1, opened.root("again", type).get(1L));
      assertEquals(List.of(), opened.check().problems());
    }
  }

  /** Each is alone in its word, so that the transaction outgrows its ring. */
  @Test
  void free_ofManyThatAreFarApartInAFullPool_findsRoomInTheLog() {
    try (PersistentRegion small = PersistentRegion.over(Medium.inMemory(8 << 20))) {
      Pool full = Pool.create(small, "test");
      List<Block> scattered = new ArrayList<>();
      full.run(tx -> {
        for (int i = 0; i < 128_000; i++) {
          Block block = full.allocate(tx, 16);
          if (i % 64 == 0) {
            scattered.add(block);
          }
        }
      });
      fillUp(full);
      assertEquals(0, full.info().largestFree());
      long used = full.info().usedBytes();
      full.run(tx -> scattered.forEach(block -> full.free(tx, block)));
      assertEquals(used - 16L * scattered.size(), full.info().usedBytes());
      Pool opened = Pool.open(small, "test");
      assertEquals(used - 16L * scattered.size(), opened.info().usedBytes());
    }
  }

  /** The bitmap of a run of small blocks lies where contents were before. */
  @Test
  void run_whereContentsWere_takesNoneOfThemForBits() {
    long[] huge = new long[1];
    pool.run(tx -> {
      Block block = pool.allocate(tx, 4 << 20);
      tx.edit(block).fill().fill((byte) 0xFF);
      huge[0] = block.offset();
    });
    pool.run(tx -> pool.free(tx, Block.at(pool, huge[0])));
    pool.run(tx -> pool.root("small", Type.block(16)));
    reopen();
    assertNothingLeaked();
    assertTrue(pool.info().usedBytes() < 1 << 20, pool.info()::toString);
  }

  /** Memory that was used before may hold anything: a new pool does not look at it. */
  @Test
  void create_whereAnythingWas_isEmptyAndOfUse() {
    try (PersistentRegion used = PersistentRegion.over(Medium.inMemory(SIZE))) {
      byte[] ones = new byte[(int) SIZE];
      Arrays.fill(ones, (byte) 0xFF);
      used.copyIn(0, MemorySegment.ofArray(ones));
      Pool made = Pool.create(used, "");
      made.root("huge", Type.block(300_000));
      made.root("large", Type.block(30_000));
      Block small = made.root("small", Type.block(16));
      assertEquals(-1, small.view().mismatch(MemorySegment.ofArray(new byte[16])));
      assertEquals(List.of(), made.check().problems());
      assertEquals(List.of(), made.check().leaked());
      long bytes = made.check().bytes();
      made.close();
      try (Pool again = Pool.open(used, "")) {
        assertEquals(List.of(), again.check().problems());
        assertEquals(List.of(), again.check().leaked());
        assertEquals(bytes, again.check().bytes());
        assertTrue(bytes < 400_000, "bytes=" + bytes);
      }
    }
  }

  /** A run of its class would need more chunks than there are. */
  @Test
  void allocate_fewChunksLeft_aSpanOfItsOwn() {
    try (PersistentRegion small = PersistentRegion.over(Medium.inMemory(1 << 20));
        Pool tight = Pool.create(small, "")) {
      long largest = tight.info().largestFree();
      assertTrue(largest > 400_000 && largest < 1 << 20, "largest=" + largest);
      long[] at = new long[1];
      tight.run(tx -> at[0] = tight.allocate(tx, 400_000).offset());
      assertTrue(tight.info().largestFree() < largest);
      assertEquals(List.of(), tight.check().problems());
      assertEquals(List.of(at[0]), tight.check().leaked());
    }
  }

  @Test
  void allocate_moreThanThePool_refusedByNumbers() {
    try (Transaction tx = pool.begin()) {
      for (long bytes : new long[] {SIZE, Long.MAX_VALUE, 1L << 40}) {
        var e = assertThrows(PoolException.OutOfPoolSpace.class, () -> pool.allocate(tx, bytes));
        assertEquals(bytes, e.asked());
        assertTrue(e.largestFree() > SIZE / 2, "largest=" + e.largestFree());
      }
      assertThrows(IllegalArgumentException.class, () -> pool.allocate(tx, 0));
      assertThrows(IllegalArgumentException.class, () -> pool.allocate(tx, -1));
      tx.commit();
    }
  }

  @Test
  void allocate_hugeObjects_allOfThePoolCanBeHad() {
    long largest = pool.info().largestFree();
    for (int round = 0; round < 3; round++) {
      AtomicReference<Block> block = new AtomicReference<>();
      pool.run(tx -> block.set(pool.allocate(tx, largest)));
      assertEquals(largest, block.get().size());
      assertEquals(0, pool.info().largestFree());
      pool.run(tx -> pool.free(tx, block.get()));
      assertEquals(largest, pool.info().largestFree());
    }
  }

  @Test
  void transaction_largerThanItsRing_goesToThePoolsFreeSpace() {
    PersistentMap<Long, byte[]> map = pool.root("map", Type.map(Codec.LONG, Codec.BYTES));
    pool.run(tx -> {
      for (long i = 0; i < 5000; i++) {
        tx.edit(map).put(i, new byte[16]);
      }
    });
    assertEquals(5000, map.size());
    reopen();
    PersistentMap<Long, byte[]> again = pool.root("map", Type.map(Codec.LONG, Codec.BYTES));
    assertEquals(5000, again.size());
    pool.run(tx -> tx.edit(again).clear());
    assertEquals(0, again.size());
    reopen();
    assertNothingLeaked();
  }

  /** The table does not say that a log has some of its free chunks, and must have all others. */
  @Test
  void allocate_behindALogThatNeedsChunks_bothAreThereAfterACrash() {
    Block block = pool.root("block", Type.block(1 << 20));
    Transaction open = pool.begin();
    open.snapshot(block.offset(), 256 << 10).fill((byte) 9);
    pool.root("behind", Type.block(100_000));
    reopen();
    assertEquals(1, pool.recovery().rolledBack());
    assertEquals(0, pool.root("block", Type.block(1 << 20)).view().get(JAVA_BYTE, 0));
    assertEquals(2, pool.roots().size());
    assertNothingLeaked();
  }

  @Test
  void root_ofABlockThatHasLess_refused() {
    Block page = pool.root("page", Type.block(4096));
    assertEquals(page, pool.root("page", Type.block(100)));
    var e =
        assertThrows(
            PoolException.TypeChanged.class, () -> pool.root("page", Type.block(page.size() + 1)));
    assertTrue(e.getMessage().contains("4096"), e.getMessage());
  }

  @Test
  void check_ofAPoolWithALeak_namesIt() {
    AtomicReference<Block> lost = new AtomicReference<>();
    pool.run(tx -> lost.set(pool.allocate(tx, 100)));
    CheckReport report = pool.check();
    assertFalse(report.isClean());
    assertEquals(List.of(lost.get().offset()), report.leaked());
    assertEquals(1, report.blocks());
    pool.run(tx -> pool.free(tx, lost.get()));
    assertTrue(pool.check().isClean());
  }

  // ---- opening

  @Test
  void open_anotherLayout_refused() {
    var e = assertThrows(PoolException.OtherLayout.class, () -> Pool.open(region, "other"));
    assertTrue(e.getMessage().contains("\"test\""), e.getMessage());
  }

  @Test
  void file_createOpenReadOnly_asDocumented() {
    Path file = folder.resolve("bank.pool");
    PoolBuilder builder = Pool.at(file).size(2 << 20).layout("bank").lanes(3);
    try (Pool made = builder.openOrCreate()) {
      assertEquals(CHEAP, made.info().durability());
      assertEquals(3, made.info().lanes());
      assertEquals(2 << 20, made.info().size());
      made.run(tx -> tx.edit(made.root("a", Account.TYPE)).owner("ann"));
      assertThrows(HoldfastException.RegionInUse.class, builder::open);
      assertThrows(HoldfastException.RegionInUse.class, builder::openReadOnly);
    }
    try (Pool reader = builder.openReadOnly();
        Pool another = builder.openReadOnly()) {
      assertTrue(reader.recovery().clean());
      assertEquals("ann", reader.root("a", Account.TYPE).owner());
      assertEquals("ann", another.root("a", Account.TYPE).owner());
      assertThrows(PoolException.PoolReadOnly.class, reader::begin);
      assertThrows(PoolException.PoolReadOnly.class, () -> reader.root("new", Account.TYPE));
      assertTrue(reader.check().isClean());
      assertThrows(HoldfastException.RegionInUse.class, builder::open);
    }
    try (Pool again = builder.openOrCreate()) {
      assertTrue(again.recovery().clean());
      assertEquals("ann", again.root("a", Account.TYPE).owner());
    }
    assertThrows(HoldfastException.FileUnusable.class, builder::create);
    assertThrows(PoolException.OtherLayout.class, () -> Pool.at(file).open());
  }

  @Test
  void use_afterClose_refused() {
    Path file = folder.resolve("bank.pool");
    Pool closed = Pool.at(file).size(1 << 20).create();
    Account account = closed.root("a", Account.TYPE);
    PersistentMap<Long, Long> map = closed.root("map", Type.map(Codec.LONG, Codec.LONG));
    Transaction open = closed.begin();
    closed.close();
    closed.close();
    assertThrows(HoldfastException.RegionClosed.class, account::balance);
    assertThrows(HoldfastException.RegionClosed.class, () -> map.get(1L));
    assertThrows(TransactionException.Ended.class, () -> map.put(1L, 1L));
    assertThrows(TransactionException.Ended.class, closed::begin);
    assertThrows(HoldfastException.class, () -> closed.root("a", Account.TYPE));
    assertThrows(HoldfastException.class, () -> open.edit(account).balance(1));
    open.close();
  }

  @Test
  void builder_badArguments_refused() {
    PoolBuilder builder = Pool.at(folder.resolve("x"));
    assertThrows(IllegalArgumentException.class, () -> builder.size((1 << 20) - 1));
    assertThrows(IllegalArgumentException.class, () -> builder.size(Long.MAX_VALUE));
    assertThrows(IllegalArgumentException.class, () -> builder.lanes(0));
    assertThrows(IllegalArgumentException.class, () -> builder.lanes(1001));
    assertThrows(IllegalArgumentException.class, () -> builder.layout("x".repeat(129)));
    assertThrows(IllegalArgumentException.class, () -> builder.size(1 << 20).lanes(1000).create());
    assertFalse(folder.resolve("x").toFile().exists());
  }
}
