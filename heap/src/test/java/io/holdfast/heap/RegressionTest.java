// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.ForwardingMedium;
import io.holdfast.flush.Durability;
import io.holdfast.flush.Granularity;
import io.holdfast.flush.Lines;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Savepoint;
import io.holdfast.tx.Transaction;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What was once wrong: each test shows it in the fewest steps. */
@Timeout(60)
class RegressionTest {
  private static final int SIZE = 8 << 20;

  private final PersistentRegion region = PersistentRegion.over(Medium.inMemory(SIZE));
  private final Pool pool = Pool.create(region, "test");

  /** What a process that is killed now leaves. */
  private PersistentRegion killed() {
    PersistentRegion copy = PersistentRegion.over(Medium.inMemory(SIZE));
    copy.copyIn(0, MemorySegment.ofArray(region.view(0, SIZE).toArray(JAVA_LONG)));
    return copy;
  }

  /** A snapshot so long that it goes on in free chunks, and a crash while it is undecided. */
  private void assertLongSnapshotIsUndone(Block block) {
    try (Transaction tx = pool.begin()) {
      tx.snapshot(block.offset(), 256 << 10).fill((byte) 9);
      PersistentRegion crashed = killed();
      Pool recovered = Pool.open(crashed, "test");
      assertEquals(1, recovered.recovery().rolledBack());
      assertTrue(recovered.check().isClean(), recovered.check()::toString);
      for (long at = 0; at < 256 << 10; at += 8) {
        assertEquals(0, crashed.getLong(block.offset() + at), "at=" + at);
      }
    }
  }

  /** What it took and freed again is in no log, and then in no bitmap. */
  @Test
  void allocation_takenBackBesideOtherWrites_leavesNothing() {
    PersistentBlocks sectors = pool.root("sectors", Type.blocks(512, 8));
    PersistentMap<String, String> map = pool.root("map", Type.map(Codec.STRING, Codec.STRING));
    Account account = pool.root("account", Account.TYPE);
    Block other = pool.root("block", Type.block(64));
    for (Consumer<Transaction> body :
        List.<Consumer<Transaction>>of(
            tx -> {
              tx.edit(sectors).write(3, MemorySegment.ofArray(new byte[512]));
              tx.edit(sectors).trim(3);
            },
            tx -> tx.edit(account).owner("a text of its own").owner(null),
            tx -> {
              tx.edit(map).put("a", "b");
              tx.edit(map).remove("a");
            },
            tx -> pool.free(tx, pool.allocate(tx, 100)))) {
      long before = pool.info().usedBytes();
      pool.run(tx -> {
        body.accept(tx);
        tx.edit(other).setLong(0, 1);
      });
      Pool recovered = Pool.open(killed(), "test");
      assertEquals(before, recovered.info().usedBytes());
    }
    pool.close();
    assertEquals(List.of(), Pool.open(killed(), "test").check().leaked());
  }

  /**
   * Who appends has stored the end, and not yet the bits of its segments, when another frees one.
   */
  @Test
  void segment_freedWhileItsAppendBecomesVisible_staysFree() {
    AtomicReference<Runnable> whenTheEndIsStored = new AtomicReference<>();
    AtomicLong end = new AtomicLong();
    Medium watched =
        new ForwardingMedium(Medium.inMemory(SIZE)) {
          @Override
          public void store(long offset, int bytes, long value) {
            super.store(offset, bytes, value);
            Runnable now = offset == end.get() ? whenTheEndIsStored.getAndSet(null) : null;
            if (now != null) {
              CompletableFuture.runAsync(now).join();
            }
          }

          @Override
          public String describe() {
            return inner().describe();
          }
        };
    PersistentRegion watchedRegion = PersistentRegion.over(watched);
    Pool mine = Pool.create(watchedRegion, "test");
    PersistentLog log = mine.root("log", Type.log());
    end.set(mine.roots().getFirst().offset() + AppendLogLayout.END_AT);
    whenTheEndIsStored.set(() -> log.truncate(log.end()));
    MemorySegment record = MemorySegment.ofArray(new byte[40_000]);
    log.appendAll(List.of(record, record));
    assertNull(whenTheEndIsStored.get());
    mine.close();
    Pool again = Pool.open(watchedRegion, "test");
    assertEquals(List.of(), again.check().leaked());
    again.close();
  }

  @Test
  void extension_inABlockThatWasWrittenAndFreedAtOnce_framesStay() {
    Block block = pool.root("block", Type.block(1 << 20));
    Block other = pool.call(tx -> pool.allocate(tx, 600 << 10));
    pool.run(tx -> {
      tx.edit(other).setLong(0, 7);
      pool.free(tx, other);
    });
    assertLongSnapshotIsUndone(block);
  }

  @Test
  void extension_inARunThatWasReleased_framesStay() {
    Block block = pool.root("block", Type.block(1 << 20));
    List<Block> blocks = new ArrayList<>();
    // Two runs of 73 blocks, each with a bitmap in its first line; one is kept, one released.
    pool.run(tx -> {
      for (int i = 0; i < 74; i++) {
        blocks.add(pool.allocate(tx, 896));
      }
    });
    pool.run(tx -> blocks.forEach(b -> pool.free(tx, b)));
    assertLongSnapshotIsUndone(block);
  }

  @Test
  void editOfAMap_afterRollbackTo_stillTheTransactions() {
    PersistentMap<Long, Long> map = pool.root("map", Type.map(Codec.LONG, Codec.LONG));
    pool.run(tx -> {
      Map<Long, Long> edit = tx.edit(map);
      edit.put(1L, 1L);
      Savepoint savepoint = tx.savepoint();
      edit.put(2L, 2L);
      tx.rollbackTo(savepoint);
      edit.put(3L, 3L);
    });
    assertEquals(Map.of(1L, 1L, 3L, 3L), new TreeMap<>(map));
    assertEquals(List.of(), pool.check().leaked());
  }

  @Test
  void rollbackTo_savepointBeforeTheHeapWasUsed_goesBackToNothing() {
    PersistentMap<Long, Long> map = pool.root("map", Type.map(Codec.LONG, Codec.LONG));
    pool.run(tx -> {
      Savepoint savepoint = tx.savepoint();
      pool.allocate(tx, 64);
      tx.edit(map).put(1L, 1L);
      tx.rollbackTo(savepoint);
    });
    assertEquals(Map.of(), map);
    assertEquals(List.of(), pool.check().leaked());
  }

  @Test
  void drop_andAHookThatMakesAnotherInTheSamePlace_theNewOneIsUsed() {
    Type<PersistentMap<Long, byte[]>> type = Type.map(Codec.LONG, Codec.BYTES);
    PersistentMap<Long, byte[]> old = pool.root("old", type);
    for (long i = 0; i < 3000; i++) {
      old.put(i, new byte[100]);
    }
    long place = pool.roots().getFirst().offset();
    AtomicReference<PersistentMap<Long, byte[]>> made = new AtomicReference<>();
    pool.run(tx -> {
      tx.afterCommit(() -> made.set(pool.root("new", type)));
      pool.drop(tx, "old", type);
    });
    assertEquals(place, pool.roots().getFirst().offset(), "another place, nothing is tested");
    for (long i = 0; i < 100; i++) {
      made.get().put(i, new byte[50]);
    }
    assertEquals(100, pool.root("new", type).size());
    assertEquals(List.of(), pool.check().problems());
  }

  /** Objects of more than one run, so that one is dissolved when they are freed. */
  private List<Account> makeAccounts(int count) {
    return pool.call(tx -> {
      List<Account> made = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        made.add(pool.make(tx, Account.TYPE));
      }
      return made;
    });
  }

  @Test
  void handle_ofAnObjectWhoseRunWasDissolvedAndMadeAgain_refused() {
    int count = 1500;
    List<Account> stale = makeAccounts(count);
    pool.run(tx -> stale.forEach(one -> pool.free(tx, one)));
    // What the objects were told apart by is written over, as any user of the chunks may do.
    List<Block> others = new ArrayList<>();
    pool.run(tx -> {
      for (int i = 0; i < 32; i++) {
        others.add(pool.allocate(tx, 4096));
        tx.edit(others.getLast()).fill().fill((byte) 0);
      }
    });
    pool.run(tx -> others.reversed().forEach(one -> pool.free(tx, one)));
    List<Account> made = makeAccounts(count);
    pool.run(tx -> made.forEach(one -> tx.edit(one).balance(7)));
    for (Account handle : stale) {
      assertThrows(PoolException.ObjectFreed.class, handle::balance);
      assertThrows(
          PoolException.ObjectFreed.class, () -> pool.run(tx -> tx.edit(handle).balance(8)));
    }
    made.forEach(one -> assertEquals(7, one.balance()));
  }

  @Test
  void incarnations_ofManyThreads_neverTwiceAndNever0() throws Exception {
    Incarnations all = new Incarnations(-500);
    Set<Integer> taken = ConcurrentHashMap.newKeySet();
    try (var threads = Executors.newFixedThreadPool(4)) {
      for (int i = 0; i < 8; i++) {
        threads.execute(() -> {
          Incarnations.Share mine = all.share();
          for (int k = 0; k < 1000; k++) {
            taken.add(mine.take());
          }
        });
      }
    }
    assertEquals(8000, taken.size());
    assertFalse(taken.contains(0));
  }

  /**
   * A snapshot of a block that the transaction gave up must not be put back over its next owner.
   */
  @Test
  void rollbackTo_snapshotOfABlockThatWasGivenBack_neverUndoneInOthers() {
    try (Transaction tx = pool.begin()) {
      pool.allocate(tx, 5000);
      Savepoint savepoint = tx.savepoint();
      tx.snapshot(pool.allocate(tx, 64).offset(), 8);
      tx.rollbackTo(savepoint);
      Block other =
          pool.call(second -> {
            Block block = pool.allocate(second, 64);
            second.edit(block).fill().set(JAVA_LONG, 0, 42);
            return block;
          });
      PersistentRegion crashed = killed();
      Pool.open(crashed, "test");
      assertEquals(42, crashed.getLong(other.offset()));
      tx.abort();
      assertEquals(42, other.view().get(JAVA_LONG, 0));
    }
  }

  /**
   * The kernel may write back pages of data and not that of the mark: so the mark is on the disk
   * before there is data, or the loss of power goes unnoticed.
   */
  @Test
  void open_underProcess_markIsOnTheDiskBeforeAnythingElse() {
    PageCache cache = new PageCache();
    PersistentRegion cached = PersistentRegion.over(cache);
    Pool first = Pool.create(cached, "test");
    Block block = first.root("block", Type.block(4096));
    first.close();
    Pool second = Pool.open(cached, "test");
    second.run(tx -> tx.edit(second.root("block", Type.block(4096))).setLong(0, 1));
    PersistentRegion disk = PersistentRegion.over(Medium.inMemory(SIZE));
    disk.copyIn(0, MemorySegment.ofArray(cache.disk));
    disk.putLong(block.offset(), 1);
    assertFalse(Pool.open(disk, "test").recovery().clean());
  }

  /** Memory whose pages reach the disk at a synchronisation, or when the kernel likes. */
  private static final class PageCache extends Medium {
    private final long[] disk = new long[SIZE / 8];
    private final MemorySegment memory = MemorySegment.ofArray(new long[SIZE / 8]);

    PageCache() {
      super(Durability.PROCESS, Granularity.NONE);
    }

    @Override
    public String describe() {
      return "page cache";
    }

    @Override
    public long size() {
      return SIZE;
    }

    @Override
    public long load(long offset, int bytes) {
      return switch (bytes) {
        case 1 -> memory.get(ValueLayout.JAVA_BYTE, offset) & 0xFFL;
        case 4 -> memory.get(ValueLayout.JAVA_INT_UNALIGNED, offset) & 0xFFFFFFFFL;
        default -> memory.get(ValueLayout.JAVA_LONG_UNALIGNED, offset);
      };
    }

    @Override
    public void store(long offset, int bytes, long value) {
      switch (bytes) {
        case 1 -> memory.set(ValueLayout.JAVA_BYTE, offset, (byte) value);
        case 4 -> memory.set(ValueLayout.JAVA_INT_UNALIGNED, offset, (int) value);
        default -> memory.set(ValueLayout.JAVA_LONG_UNALIGNED, offset, value);
      }
    }

    @Override
    public boolean compareAndSet(long offset, long expected, long value) {
      if (load(offset, 8) != expected) {
        return false;
      }
      store(offset, 8, value);
      return true;
    }

    @Override
    public void copyOut(long offset, MemorySegment into) {
      MemorySegment.copy(memory, offset, into, 0, into.byteSize());
    }

    @Override
    public void copyIn(MemorySegment from, long offset) {
      MemorySegment.copy(from, 0, memory, offset, from.byteSize());
    }

    @Override
    public MemorySegment view(long offset, long bytes, Arena arena) {
      return memory.asSlice(offset, bytes).asReadOnly();
    }

    @Override
    public MemorySegment writable(long offset, long bytes, Arena arena) {
      return memory.asSlice(offset, bytes);
    }

    @Override
    public void persist(Lines lines) {
      lines.visit(
          new Lines.Visitor() {
            @Override
            public void writeback(long offset, long bytes) {}

            @Override
            public void copy(long offset, MemorySegment from) {
              copyIn(from, offset);
            }
          });
    }

    @Override
    public void persist(long offset, long bytes) {}

    @Override
    public void sync() {
      MemorySegment.copy(memory, 0, MemorySegment.ofArray(disk), 0, SIZE);
    }

    @Override
    public void close() {}
  }
}
