// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.flush.StackRoom;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.Latch;
import io.holdfast.tx.spi.RoomFor;
import io.holdfast.tx.spi.TransactionAccess;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;

/**
 * A table from indexes to blocks. {@link BlockArrayLayout} has its parts.
 *
 * <p><b>Writing</b> is out of place: a block is taken and filled, and the word of its index is
 * switched as an intent, together with the allocation of the new block and the free of the old one.
 * So a crash finds the old word with the old block, or the new one with the new block, whose
 * content is durable before the commit record can be.
 *
 * <p><b>Concurrency.</b> A writer claims the word of his index, and nothing else. A reader holds
 * nothing: he follows the word, copies, and looks whether {@link Versions} says that a block was
 * let go meanwhile. A word is stored after the fence of its commit, so what he sees is durable.
 *
 * <p><b>The spare.</b> A full pool has no block for the new content. There is one that belongs to
 * the array and to no index; the new content goes there, and the old block is the spare from then
 * on: two words, and no block allocated or freed. Nevertheless an allocation of the spare is
 * logged. Its bit is set already, but in a replay an allocation makes void what older transactions
 * have in the log for that block, to which content has been stored in place since. One transaction
 * at a time has the spare, by a claim; and it writes only one block, since the next spare is what
 * is committed until then.
 */
final class BlockArray {
  private final Pool pool;
  private final PersistentRegion region;
  private final TransactionAccess access = TransactionAccess.get();
  private final Bounds bounds;
  private final long offset;
  private final int blockBytes;
  private final long count;
  private final long table;
  private final Versions versions = new Versions();

  BlockArray(Pool pool, long offset, int blockBytes, long count) {
    this.pool = pool;
    this.region = pool.region();
    this.bounds = new Bounds(pool);
    this.offset = offset;
    this.blockBytes = blockBytes;
    this.count = count;
    bounds.checkBlock(offset, offset, BlockArrayLayout.ARRAY_BYTES, "blocks.offset");
    check(BlockArrayLayout.MAGIC_AT, BlockArrayLayout.MAGIC, "blocks.magic");
    check(BlockArrayLayout.BLOCK_BYTES_AT, blockBytes, "blocks.blockBytes");
    check(BlockArrayLayout.COUNT_AT, count, "blocks.count");
    this.table = region.getLong(offset + BlockArrayLayout.TABLE_AT);
    bounds.checkBlock(
        offset + BlockArrayLayout.TABLE_AT,
        table,
        BlockArrayLayout.tableBytes(count),
        "blocks.table");
  }

  private void check(int at, long expected, String field) {
    long actual = region.getLong(offset + at);
    if (actual != expected) {
      throw new Corrupt(
          offset + at, field, "0x%016X".formatted(expected), "0x%016X".formatted(actual));
    }
  }

  /** Makes an array without contents in new blocks of the transaction. */
  static long create(Pool pool, Transaction tx, int blockBytes, long count) {
    HeapParticipant participant = pool.participant(tx);
    PersistentRegion region = pool.region();
    long table = participant.reserve(BlockArrayLayout.tableBytes(count), Span.Kind.RAW);
    region.zero(table, BlockArrayLayout.tableBytes(count));
    participant.filled(table, BlockArrayLayout.tableBytes(count));
    long spare = participant.reserve(blockBytes, Span.Kind.RAW);
    long array = participant.reserve(BlockArrayLayout.ARRAY_BYTES, Span.Kind.RAW);
    region.putLong(array + BlockArrayLayout.MAGIC_AT, BlockArrayLayout.MAGIC);
    region.putLong(array + BlockArrayLayout.BLOCK_BYTES_AT, blockBytes);
    region.putLong(array + BlockArrayLayout.COUNT_AT, count);
    region.putLong(array + BlockArrayLayout.TABLE_AT, table);
    region.putLong(array + BlockArrayLayout.SPARE_AT, spare);
    participant.filled(array, BlockArrayLayout.ARRAY_BYTES);
    return array;
  }

  int blockBytes() {
    return blockBytes;
  }

  long count() {
    return count;
  }

  long table() {
    return table;
  }

  private long spareWord() {
    return offset + BlockArrayLayout.SPARE_AT;
  }

  long spare() {
    return region.getLong(spareWord());
  }

  /** The word of an index, which also is the number by which it is claimed. */
  private long word(long index) {
    return BlockArrayLayout.word(table, Objects.checkIndex(index, count));
  }

  private void checkLength(MemorySegment content) {
    if (content.byteSize() != blockBytes) {
      throw new IllegalArgumentException(
          "a block is read and written whole: bytes=%d, block=%d"
              .formatted(content.byteSize(), blockBytes));
    }
  }

  private void checkContent(long word, long block) {
    if (!bounds.couldBe(block, blockBytes)) {
      throw new Corrupt(word, "blocks.block", "the offset of a block", Long.toString(block));
    }
  }

  // ---- reading

  void read(long index, MemorySegment into) {
    long word = word(index);
    checkLength(into);
    for (int round = 0; ; round++) {
      long version = versions.of(index);
      copyOut(word, region.getLongAcquire(word), into);
      if (versions.isStill(index, version)) {
        return;
      }
      Latch.pause(round);
    }
  }

  private void copyOut(long word, long block, MemorySegment into) {
    if (block == 0) {
      into.fill((byte) 0);
    } else {
      checkContent(word, block);
      region.copyOut(block, into);
    }
  }

  /** As a transaction sees it; nobody else changes what it has claimed. */
  void read(Transaction tx, long index, MemorySegment into) {
    long word = word(index);
    checkLength(into);
    part(tx);
    access.claim(tx, word);
    copyOut(word, access.read(tx, word), into);
  }

  // ---- writing

  void write(Transaction tx, long index, MemorySegment from) {
    long word = word(index);
    checkLength(from);
    Part part = part(tx);
    long before = claimed(tx, word);
    HeapParticipant participant = pool.participant(tx);
    long block = participant.reserve(blockBytes, Span.Kind.RAW);
    region.copyIn(block, from);
    participant.filled(block, blockBytes);
    access.write(tx, word, block);
    if (before != 0) {
      participant.freeOwned(before);
      part.note(index);
    }
  }

  /**
   * Writes into the spare.
   *
   * @return false if the index has no block that could be the next spare
   */
  boolean writeToSpare(Transaction tx, long index, MemorySegment from) {
    long word = word(index);
    checkLength(from);
    Part part = part(tx);
    long before = claimed(tx, word);
    if (before == 0) {
      return false;
    }
    access.claim(tx, spareWord());
    long spare = access.read(tx, spareWord());
    bounds.checkBlock(spareWord(), spare, blockBytes, "blocks.spare");
    Allocator.Place place = pool.allocator().find(spare);
    access.allocate(
        tx,
        place.run().bitmapWord(place.index()),
        place.run().bit(place.index()),
        spare,
        place.run().blockBytes());
    region.copyIn(spare, from);
    pool.participant(tx).filled(spare, blockBytes);
    access.write(tx, word, spare);
    access.write(tx, spareWord(), before);
    part.note(index);
    return true;
  }

  void trim(Transaction tx, long index) {
    long word = word(index);
    Part part = part(tx);
    long before = claimed(tx, word);
    if (before != 0) {
      access.write(tx, word, 0);
      pool.participant(tx).freeOwned(before);
      part.note(index);
    }
  }

  /** Claims a word; what it leads to is a block. */
  private long claimed(Transaction tx, long word) {
    access.claim(tx, word);
    long block = access.read(tx, word);
    if (block != 0) {
      bounds.checkBlock(word, block, blockBytes, "blocks.block");
    }
    return block;
  }

  /** Frees all blocks of the array in a transaction. Nobody else may be using it. */
  void free(Transaction tx) {
    HeapParticipant participant = pool.participant(tx);
    for (long index = 0; index < count; index++) {
      long block = access.read(tx, word(index));
      if (block != 0) {
        bounds.checkBlock(word(index), block, blockBytes, "blocks.block");
        participant.free(block, Span.Kind.RAW);
      }
    }
    long spare = access.read(tx, spareWord());
    bounds.checkBlock(spareWord(), spare, blockBytes, "blocks.spare");
    participant.free(spare, Span.Kind.RAW);
    participant.free(table, Span.Kind.RAW);
    participant.freeCollection(offset);
  }

  private Part part(Transaction tx) {
    StackRoom.require(RoomFor.A_CHANGE);
    HeapParticipant participant = pool.participant(tx);
    Part part = (Part) participant.part(this);
    if (part == null) {
      part = new Part();
      participant.add(part);
    }
    return part;
  }

  /** The indexes whose blocks a transaction lets go. */
  private final class Part implements CollectionPart {
    private long[] indexes = new long[1];
    private int noted;

    @Override
    public Object collection() {
      return BlockArray.this;
    }

    void note(long index) {
      if (noted == indexes.length) {
        indexes = Arrays.copyOf(indexes, 2 * noted);
      }
      indexes[noted++] = index;
    }

    @Override
    public void applied() {
      for (int i = 0; i < noted; i++) {
        versions.increment(indexes[i]);
      }
    }
  }
}
