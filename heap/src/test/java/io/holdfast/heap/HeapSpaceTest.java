// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Transaction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a log may want to store in a pool, and what a user may name in it by an offset. */
class HeapSpaceTest {
  private static final long SIZE = 1 << 20;

  private final PersistentRegion region = PersistentRegion.over(Medium.inMemory(SIZE));
  private final Pool pool = Pool.create(region, "test");
  private final PoolLayout layout = pool.layout();
  private final HeapSpace space = new HeapSpace(layout, null);

  @AfterEach
  void close() {
    pool.close();
    region.close();
  }

  @Test
  void mayStore_betweenAnchorAndTheEndOfTheTable_andInChunks() {
    long tableEnd = layout.entry(layout.chunkCount());
    assertTrue(space.mayStore(layout.anchor(), 8));
    assertTrue(space.mayStore(layout.anchor(), tableEnd - layout.anchor()));
    assertTrue(space.mayStore(layout.chunks(), layout.end() - layout.chunks()));
    assertTrue(space.mayStore(layout.end() - 8, 8));
    assertFalse(space.mayStore(layout.anchor() - 8, 8));
    assertFalse(space.mayStore(0, 8));
    assertFalse(space.mayStore(tableEnd - 8, 16));
    assertFalse(space.mayStore(layout.chunks() - 8, 16));
    assertFalse(space.mayStore(layout.end() - 8, 16));
    assertFalse(space.mayStore(layout.end(), 8));
  }

  @Test
  void mayAllocate_blocksOfChunksByBitsOfTableOrChunks() {
    long table = layout.table() + PoolLayout.ENTRY_BITMAP;
    long block = layout.chunks() + PoolLayout.CHUNK_BYTES;
    assertTrue(space.mayAllocate(table, 0, block, 64));
    assertTrue(space.mayAllocate(layout.chunks(), 63, block, layout.end() - block));
    long tableEnd = layout.entry(layout.chunkCount());
    for (long word : new long[] {0, layout.anchor(), layout.table() - 8, tableEnd, layout.end()}) {
      assertFalse(space.mayAllocate(word, 0, block, 64), "word=" + word);
    }
    for (long offset : new long[] {0, layout.table(), layout.chunks() - 64, block + 8}) {
      assertFalse(space.mayAllocate(table, 0, offset, 64), "block=" + offset);
    }
    for (long length : new long[] {0, -64, layout.end() - block + 1, Long.MAX_VALUE}) {
      assertFalse(space.mayAllocate(table, 0, block, length), "length=" + length);
    }
    assertFalse(space.mayAllocate(table, 0, layout.end(), 64));
  }

  @Test
  void hasInChunks_wholeRangesOnly() {
    assertTrue(layout.hasInChunks(layout.chunks(), SIZE - layout.chunks()));
    assertTrue(layout.hasInChunks(SIZE, 0));
    assertFalse(layout.hasInChunks(layout.chunks() - 1, 1));
    assertFalse(layout.hasInChunks(layout.chunks(), -1));
    assertFalse(layout.hasInChunks(SIZE, 1));
    assertFalse(layout.hasInChunks(layout.chunks(), Long.MAX_VALUE));
  }

  /** By offset, only bytes of one block that has no type. */
  @Test
  void snapshot_ofWhatIsNoBlocksPart_refused() {
    Block block = pool.root("block", Type.block(64));
    Account account = pool.root("account", Account.TYPE);
    long object =
        Account.TYPE instanceof ObjectType<Account> type ? type.offsetOf(pool, account) : 0;
    try (Transaction tx = pool.begin()) {
      tx.snapshot(block.offset(), 64);
      for (long[] range :
          new long[][] {
            {0, 8},
            {layout.table(), 8},
            {layout.end() - 8, 8},
            {object, 8},
            {block.offset(), 65},
            {block.offset(), -8},
            {block.offset() + 60, 8},
            {block.offset(), Long.MAX_VALUE},
            {-8, 8},
            {Long.MAX_VALUE, 8},
          }) {
        assertThrows(
            IllegalArgumentException.class,
            () -> tx.snapshot(range[0], range[1]),
            () -> range[0] + ", " + range[1]);
      }
    }
  }

  @Test
  void reserve_noBytesOrMoreThanThereCanBe_refused() {
    try (Transaction tx = pool.begin()) {
      for (long bytes : new long[] {0, -1, Long.MIN_VALUE}) {
        assertThrows(IllegalArgumentException.class, () -> pool.allocate(tx, bytes));
        assertThrows(
            PoolException.OutOfPoolSpace.class,
            () -> pool.allocator().reserve(tx, bytes, Span.Kind.RAW));
      }
      assertThrows(
          PoolException.OutOfPoolSpace.class,
          () -> pool.allocator().reserve(tx, Long.MAX_VALUE, Span.Kind.RAW));
    }
  }

  /** What a log needs is there by the time its turn comes. */
  @Test
  void makeRoom_whereThereIsRoom_doesNotGrow() {
    assertTrue(pool.growth().makeAnyRoom(1));
    assertTrue(pool.growth().makeRoom(1));
    assertEquals(SIZE, pool.info().size());
  }

  @Test
  void incarnations_aroundZero_skipIt() {
    Incarnations.Share share = new Incarnations(-500).share();
    int before = share.take();
    for (int i = 0; i < 1000; i++) {
      int next = share.take();
      assertTrue(next != 0 && next != before);
      before = next;
    }
  }
}
