// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.HoldfastException.RegionClosed;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Editable;
import io.holdfast.tx.Savepoint;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.TransactionException;
import io.holdfast.tx.TransactionException.Conflict;
import io.holdfast.tx.TransactionException.Ended;
import io.holdfast.tx.TransactionException.WrongThread;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Pools, transactions and handles that are used when or where they must not be. */
@Timeout(value = 120, threadMode = ThreadMode.SEPARATE_THREAD)
@Tag("media")
class PoolMisuseTest {
  private static final Type<PersistentMap<Long, String>> MAP = Type.map(Codec.LONG, Codec.STRING);
  private static final Type<Block> BLOCK = Type.block(100);

  @TempDir Path folder;

  /** A pool with an object, a map and a block. */
  private record Open(Pool pool, Account account, PersistentMap<Long, String> map, Block block) {
    static Open of(Pool pool) {
      Open open =
          new Open(
              pool,
              pool.root("account", Account.TYPE),
              pool.root("map", MAP),
              pool.root("block", BLOCK));
      open.map.put(1L, "one");
      pool.run(tx -> tx.edit(open.account).owner("ann").balance(1));
      return open;
    }

    private void assertUnchanged() {
      assertEquals("ann", account.owner());
      assertEquals(1, account.balance());
      assertEquals(Map.of(1L, "one"), new LinkedHashMap<>(map));
      assertTrue(pool.check().isClean());
    }

    /** Everything that takes a transaction; edit views that were had before are used too. */
    Map<String, Executable> withTransaction(
        Transaction tx, Account.Edit edit, Map<Long, String> mapEdit, Block.Edit blockEdit) {
      Map<String, Executable> all = new LinkedHashMap<>();
      all.put("edit object", () -> tx.edit(account));
      all.put("edit map", () -> tx.edit(map));
      all.put("edit block", () -> tx.edit(block).setLong(0, 1));
      all.put("make", () -> pool.make(tx, Account.TYPE));
      all.put("allocate", () -> pool.allocate(tx, 10));
      all.put("free object", () -> pool.free(tx, account));
      all.put("free block", () -> pool.free(tx, block));
      all.put("drop", () -> pool.drop(tx, "map", MAP));
      all.put("getLong", () -> tx.getLong(block.offset()));
      all.put("setLong", () -> tx.setLong(block.offset(), 1));
      all.put("snapshot", () -> tx.snapshot(block.offset(), 8));
      all.put("savepoint", tx::savepoint);
      all.put("afterCommit", () -> tx.afterCommit(() -> fail("was run")));
      all.put("afterAbort", () -> tx.afterAbort(() -> fail("was run")));
      all.put("commit", tx::commit);
      all.put("abort", tx::abort);
      all.put("edit.balance", edit::balance);
      all.put("edit.owner", edit::owner);
      all.put("edit.next", edit::next);
      all.put("edit.balance(9)", () -> edit.balance(9));
      all.put("edit.owner(eve)", () -> edit.owner("eve"));
      all.put("edit.number(9)", () -> edit.number(9));
      all.put("edit.next(account)", () -> edit.next(account));
      all.put("map.get", () -> mapEdit.get(1L));
      all.put("map.containsKey", () -> assertTrue(mapEdit.containsKey(1L)));
      all.put("map.put", () -> mapEdit.put(1L, "x"));
      all.put("map.remove", () -> mapEdit.remove(1L));
      all.put("map.replace", () -> mapEdit.replace(1L, "x"));
      all.put("map.size", () -> assertEquals(1, mapEdit.size()));
      all.put("map.isEmpty", () -> assertFalse(mapEdit.isEmpty()));
      all.put("map.iterate", () -> mapEdit.forEach((k, v) -> assertEquals("one", v)));
      all.put("map.clear", mapEdit::clear);
      all.put("block.getLong", () -> blockEdit.getLong(0));
      all.put("block.setLong", () -> blockEdit.setLong(0, 1));
      all.put("block.set", () -> blockEdit.set(0, MemorySegment.ofArray(new byte[3])));
      all.put("block.fill", blockEdit::fill);
      return all;
    }
  }

  private static void assertAll(
      Class<? extends HoldfastException> type, Map<String, Executable> all) {
    List<String> wrong = new ArrayList<>();
    all.forEach((name, action) -> {
      try {
        action.execute();
        wrong.add(name + ": not refused");
      } catch (Throwable e) {
        if (!type.isInstance(e)) {
          wrong.add(name + ": " + e);
        }
      }
    });
    assertEquals(List.of(), wrong);
  }

  private static PersistentRegion region() {
    return PersistentRegion.over(Medium.inMemory(1 << 20));
  }

  /** A unit that was claimed is not looked up again; what another transaction had claimed is. */
  @Test
  void setLong_afterAClaimOrAnAbort_stillCheckedAndClaimed() {
    Pool pool = Pool.create(region(), "test");
    Block kept = pool.call(tx -> pool.allocate(tx, 64));
    try (Transaction tx = pool.begin()) {
      Block made = pool.allocate(tx, 64);
      tx.setLong(made.offset(), 1);
      assertThrows(
          IllegalArgumentException.class, () -> tx.setLong(made.offset() + made.size() - 4, 1));
      tx.setLong(kept.offset(), 1);
      try (Transaction other = pool.begin()) {
        assertThrows(
            TransactionException.Conflict.class, () -> other.setLong(kept.offset() + 8, 1));
        assertThrows(
            TransactionException.Conflict.class, () -> other.setLong(kept.offset() + 8, 1));
      }
    }
    try (Transaction tx = pool.begin()) {
      Block gone = pool.allocate(tx, 1 << 17);
      tx.setLong(gone.offset(), 1);
      tx.abort();
      try (Transaction next = pool.begin()) {
        assertThrows(
            IllegalArgumentException.class, () -> next.setLong(gone.offset() + (1 << 16), 1));
        next.setLong(kept.offset(), 2);
        next.commit();
      }
    }
    assertEquals(2, pool.region().getLong(kept.offset()));
    assertEquals(List.of(), pool.check().problems());
  }

  // ---- after the close

  @Test
  void everything_afterTheClose_refused() {
    Open open = Open.of(Pool.at(folder.resolve("test.pool")).size(1 << 20).create());
    Pool pool = open.pool;
    assertEquals(1, open.map.size());
    Transaction tx = pool.begin();
    Account.Edit edit = tx.edit(open.account);
    Map<Long, String> mapEdit = tx.edit(open.map);
    Block.Edit blockEdit = tx.edit(open.block);
    MemorySegment view = open.block.view();
    pool.close();
    Map<String, Executable> all = new LinkedHashMap<>();
    all.put("root", () -> pool.root("account", Account.TYPE));
    all.put("new root", () -> pool.root("other", Account.TYPE));
    all.put("roots", pool::roots);
    all.put("begin", pool::begin);
    all.put("run", () -> pool.run(t -> fail("was run")));
    all.put("call", () -> pool.call(t -> fail("was run")));
    all.put("info", pool::info);
    all.put("check", pool::check);
    all.put("owner", open.account::owner);
    all.put("balance", open.account::balance);
    all.put("open", open.account::open);
    all.put("next", open.account::next);
    all.put("toString", () -> assertNull(open.account.toString()));
    all.put("view", open.block::view);
    all.put("get", () -> open.map.get(1L));
    all.put("containsKey", () -> assertTrue(open.map.containsKey(1L)));
    all.put("put", () -> open.map.put(1L, "x"));
    all.put("putIfAbsent", () -> open.map.putIfAbsent(2L, "x"));
    all.put("remove", () -> open.map.remove(1L));
    all.put("size", () -> assertTrue(open.map.size() > 0));
    all.put("isEmpty", () -> assertFalse(open.map.isEmpty()));
    all.put("iterate", () -> open.map.forEach((k, v) -> fail("was read")));
    all.put("clear", open.map::clear);
    all.put("equals", () -> assertFalse(open.map.equals(Map.of(1L, "one"))));
    Map<String, Executable> inTransaction = open.withTransaction(tx, edit, mapEdit, blockEdit);
    // What only holds something back is refused at the commit.
    for (String harmless :
        List.of(
            "abort",
            "afterCommit",
            "afterAbort",
            "savepoint",
            "edit map",
            "edit block",
            "allocate",
            "free block",
            "setLong",
            "block.setLong",
            "block.set")) {
      inTransaction.remove(harmless);
    }
    inTransaction.forEach((name, action) -> all.put("in a transaction: " + name, action));
    assertAll(HoldfastException.class, all);
    assertThrows(IllegalStateException.class, () -> view.get(JAVA_BYTE, 0));
    tx.close();
    pool.close();
    Open.of(Pool.at(folder.resolve("test.pool")).open()).assertUnchanged();
  }

  @Test
  void reading_afterTheClose_saysThatItIsClosed() {
    Open open = Open.of(Pool.at(folder.resolve("test.pool")).size(1 << 20).create());
    open.pool.close();
    for (Executable one :
        List.<Executable>of(
            open.pool::roots, open.pool::info, open.pool::check, open.account::balance)) {
      RegionClosed e = assertThrows(RegionClosed.class, one);
      assertTrue(e.getMessage().contains("closed: open it again"), e.getMessage());
    }
  }

  // ---- after the end, and in another thread

  @Test
  void transaction_afterItsEnd_refused() {
    try (PersistentRegion region = region()) {
      Open open = Open.of(Pool.create(region, ""));
      for (boolean commit : new boolean[] {true, false}) {
        Transaction tx = open.pool.begin();
        Account.Edit edit = tx.edit(open.account);
        Map<Long, String> mapEdit = tx.edit(open.map);
        assertEquals("one", mapEdit.get(1L));
        Block.Edit blockEdit = tx.edit(open.block);
        Savepoint savepoint = tx.savepoint();
        if (commit) {
          tx.commit();
        } else {
          tx.abort();
        }
        Map<String, Executable> all = open.withTransaction(tx, edit, mapEdit, blockEdit);
        all.put("rollbackTo", () -> tx.rollbackTo(savepoint));
        assertAll(Ended.class, all);
        // The lane has a new transaction: the old one must not reach it.
        try (Transaction next = open.pool.begin()) {
          assertEquals("one", next.edit(open.map).get(1L));
          assertAll(Ended.class, all);
          assertTrue(next.isActive());
        }
        tx.close();
      }
      open.assertUnchanged();
    }
  }

  @Test
  void transaction_inAnotherThread_refused() throws InterruptedException {
    try (PersistentRegion region = region()) {
      Open open = Open.of(Pool.create(region, ""));
      List<Throwable> failures = new ArrayList<>();
      try (Transaction tx = open.pool.begin()) {
        Account.Edit edit = tx.edit(open.account);
        Map<Long, String> mapEdit = tx.edit(open.map);
        Block.Edit blockEdit = tx.edit(open.block);
        Thread other =
            Thread.ofVirtual()
                .start(() -> {
                  try {
                    assertAll(
                        WrongThread.class, open.withTransaction(tx, edit, mapEdit, blockEdit));
                  } catch (AssertionError e) {
                    failures.add(e);
                  }
                });
        other.join();
        assertEquals(List.of(), failures);
        edit.balance(1);
        tx.commit();
      }
      open.assertUnchanged();
    }
  }

  // ---- two transactions

  @Test
  void twoTransactions_onTwoBlocks_theSecondIsRefusedBoth() {
    try (PersistentRegion region = region()) {
      Open open = Open.of(Pool.create(region, ""));
      Pool pool = open.pool;
      Block other = pool.root("other", BLOCK);
      try (Transaction first = pool.begin();
          Transaction second = pool.begin()) {
        first.edit(open.block).setLong(0, 1);
        first.edit(other).setLong(0, 2);
        assertThrows(Conflict.class, () -> second.edit(other).setLong(8, 3));
        assertThrows(Conflict.class, () -> second.edit(open.block).setLong(8, 3));
        second.commit();
        first.commit();
      }
      assertEquals(1, open.block.view().get(ValueLayout.JAVA_LONG_UNALIGNED, 0));
      assertEquals(2, other.view().get(ValueLayout.JAVA_LONG_UNALIGNED, 0));
      assertEquals(0, other.view().get(ValueLayout.JAVA_LONG_UNALIGNED, 8));
    }
  }

  @Test
  void twoTransactions_onOneThing_theSecondIsRefusedAndTheFirstGoesOn() {
    try (PersistentRegion region = region()) {
      Open open = Open.of(Pool.create(region, ""));
      Pool pool = open.pool;
      try (Transaction first = pool.begin();
          Transaction second = pool.begin()) {
        first.edit(open.account).balance(2);
        first.edit(open.map).put(1L, "uno");
        first.edit(open.block).setLong(0, 1);
        Map<String, Executable> all = new LinkedHashMap<>();
        all.put("edit", () -> second.edit(open.account));
        all.put("free", () -> pool.free(second, open.account));
        all.put("put", () -> second.edit(open.map).put(1L, "x"));
        all.put("get", () -> second.edit(open.map).get(1L));
        all.put("remove", () -> second.edit(open.map).remove(1L));
        all.put("setLong", () -> second.edit(open.block).setLong(8, 1));
        MemorySegment bytes = MemorySegment.ofArray(new byte[] {1, 2, 3});
        all.put("set", () -> second.edit(open.block).set(16, bytes));
        all.put("snapshot", () -> second.snapshot(open.block.offset(), 8));
        all.put("free block", () -> pool.free(second, open.block));
        assertAll(Conflict.class, all);
        Conflict e = assertThrows(Conflict.class, () -> second.edit(open.account));
        assertFalse(e.retryable());
        assertTrue(e.getMessage().contains("of this thread"), e.getMessage());
        assertTrue(e.getMessage().contains("do both in one transaction"), e.getMessage());
        second.edit(open.map).put(2L, "two");
        second.commit();
        first.commit();
      }
      assertEquals(2, open.account.balance());
      assertEquals(Map.of(1L, "uno", 2L, "two"), new LinkedHashMap<>(open.map));
      // What was refused has left nothing in the transaction that went on.
      MemorySegment view = open.block.view();
      assertEquals(1, view.get(ValueLayout.JAVA_LONG_UNALIGNED, 0));
      assertEquals(0, view.get(ValueLayout.JAVA_LONG_UNALIGNED, 8));
      assertEquals(0, view.get(ValueLayout.JAVA_LONG_UNALIGNED, 16));
      assertTrue(pool.check().isClean());
    }
  }

  @Test
  void drop_besideAnOpenDrop_isRefused() {
    try (PersistentRegion region = region()) {
      Open open = Open.of(Pool.create(region, ""));
      Pool pool = open.pool;
      try (Transaction first = pool.begin();
          Transaction second = pool.begin()) {
        pool.drop(first, "map", MAP);
        assertThrows(Conflict.class, () -> pool.drop(second, "block", BLOCK));
        first.commit();
        pool.drop(second, "block", BLOCK);
        second.commit();
      }
      assertEquals(List.of("account"), pool.roots().stream().map(RootInfo::name).toList());
      assertTrue(pool.check().isClean());
    }
  }

  /** Who waits for the claim of something that is freed meanwhile does not free it again. */
  @Test
  void free_ofWhatIsFreedWhileItWaits_refused() throws Exception {
    try (PersistentRegion region = region()) {
      Pool pool = Pool.create(region, "");
      Open.of(pool);
      long used = pool.info().usedBytes();
      freeTwice(pool, pool.call(tx -> pool.allocate(tx, 100)));
      freeTwice(pool, pool.call(tx -> pool.make(tx, Account.TYPE)));
      Account named = pool.call(tx -> pool.make(tx, Account.TYPE));
      pool.run(tx -> tx.edit(named).owner("bob"));
      freeTwice(pool, named);
      assertEquals(used, pool.info().usedBytes());
      assertTrue(pool.check().isClean());
    }
  }

  /** The second one is older, so that it waits. */
  private static void freeTwice(Pool pool, Editable<?> target) throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch freed = new CountDownLatch(1);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread second =
        Thread.ofPlatform()
            .start(() -> {
              try (Transaction tx = pool.begin()) {
                begun.countDown();
                freed.await();
                assertThrows(PoolException.ObjectFreed.class, () -> pool.free(tx, target));
                tx.commit();
              } catch (Throwable e) {
                failure.set(e);
              }
            });
    begun.await();
    pool.begin().close(); // its lane's last commit may be before the second one's beginning
    try (Transaction first = pool.begin()) {
      pool.free(first, target);
      freed.countDown();
      while (second.isAlive() && second.getState() != Thread.State.TIMED_WAITING) {
        Thread.onSpinWait();
      }
      first.commit();
    }
    second.join();
    assertNull(failure.get(), () -> String.valueOf(failure.get()));
  }

  @Test
  void begin_moreThanLanes_refusedByNamesOfTheHolders() {
    try (PersistentRegion region = region()) {
      Pool pool = Pool.create(region, "");
      pool.setPatience(Duration.ofMillis(1));
      List<Transaction> all = new ArrayList<>();
      for (int i = 0; i < pool.info().lanes(); i++) {
        all.add(pool.begin());
      }
      var e = assertThrows(TransactionException.LaneTimeout.class, pool::begin);
      assertTrue(e.getMessage().contains(Thread.currentThread().getName()), e.getMessage());
      assertTrue(e.getMessage().contains("end transactions"), e.getMessage());
      all.forEach(Transaction::close);
      pool.begin().close();
    }
  }

  // ---- space

  @Test
  void transaction_largerThanThePool_refusedAndLeavesNothing() {
    try (PersistentRegion region = region()) {
      Open open = Open.of(Pool.create(region, ""));
      Pool pool = open.pool;
      long used = pool.info().usedBytes();
      assertThrows(
          PoolException.OutOfPoolSpace.class,
          () ->
              pool.run(tx -> {
                tx.edit(open.account).balance(9).owner("eve");
                for (long i = 0; ; i++) {
                  tx.edit(open.map).put(i, "x".repeat(500));
                }
              }));
      assertThrows(
          PoolException.OutOfPoolSpace.class,
          () ->
              pool.run(tx -> {
                while (true) {
                  pool.make(tx, Account.TYPE);
                }
              }));
      open.assertUnchanged();
      assertEquals(used, pool.info().usedBytes());
    }
  }

  /** What is held back until the commit needs as much log as there is pool, and more. */
  @Test
  void transaction_withMoreToLogThanThereIsRoom_refusedAndLeavesNothing() {
    try (PersistentRegion region = region()) {
      Open open = Open.of(Pool.create(region, ""));
      Pool pool = open.pool;
      Block large =
          pool.root("large", Type.block(pool.info().largestFree() - PoolLayout.CHUNK_BYTES));
      MemorySegment bytes = MemorySegment.ofArray(new byte[(int) large.size()]);
      assertThrows(
          TransactionException.LogFull.class,
          () ->
              pool.run(tx -> {
                tx.edit(open.account).balance(9);
                tx.edit(large).set(0, bytes.fill((byte) 1));
              }));
      assertThrows(
          TransactionException.LogFull.class,
          () -> pool.run(tx -> tx.snapshot(large.offset(), large.size()).fill((byte) 1)));
      open.assertUnchanged();
      assertEquals(-1, large.view().mismatch(MemorySegment.ofArray(new byte[(int) large.size()])));
      pool.run(tx -> pool.drop(tx, "large", Type.block(1)));
      pool.run(tx -> tx.edit(open.account).balance(1));
      open.assertUnchanged();
    }
  }

  @Test
  void pool_fullOfObjects_setsAreRefusedWholeAndFreesMakeRoom() {
    try (PersistentRegion region = region()) {
      Open open = Open.of(Pool.create(region, ""));
      Pool pool = open.pool;
      List<Account> made = new ArrayList<>();
      PoolException.OutOfPoolSpace full = null;
      while (full == null) {
        try {
          made.add(
              pool.call(tx -> {
                Account one = pool.make(tx, Account.TYPE);
                tx.edit(one).owner("o".repeat(200));
                return one;
              }));
        } catch (PoolException.OutOfPoolSpace e) {
          full = e;
        }
      }
      assertTrue(full.getMessage().contains("free something"), full.getMessage());
      assertTrue(full.asked() > 0 && full.largestFree() < PoolLayout.CHUNK_BYTES, "" + full);
      assertThrows(
          PoolException.OutOfPoolSpace.class,
          () -> pool.run(tx -> tx.edit(open.account).balance(9).owner("x".repeat(70_000))));
      assertThrows(PoolException.OutOfPoolSpace.class, () -> open.map.put(1L, "x".repeat(70_000)));
      assertEquals("ann", open.account.owner());
      assertEquals(1, open.account.balance());
      assertEquals("one", open.map.get(1L));
      for (Account one : made) {
        pool.run(tx -> pool.free(tx, one));
      }
      open.assertUnchanged();
      pool.run(tx -> tx.edit(open.account).owner("x".repeat(70_000)));
      assertEquals(70_000, open.account.owner().length());
      assertTrue(pool.check().isClean());
    }
  }
}
