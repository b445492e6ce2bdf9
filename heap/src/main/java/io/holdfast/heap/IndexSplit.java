// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.TransactionAccess;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * Divides a segment of an index into two, by a transaction of its own, and doubles the directory
 * before if need be, by another. The latch of the segment's stripe and the pool's structure lock
 * must be held.
 *
 * <p>Nothing is changed in place but directory words, as intents: a reader that still sees the old
 * segment sees all of it, since a block that was freed is not used again before its bit was
 * cleared, and tells by the directory word that it was overtaken.
 */
final class IndexSplit {
  /** The lane for splits; the one before is the chunk table's. */
  private static final int LANE = 1;

  private final Pool pool;
  private final PersistentRegion region;
  private final TransactionAccess access = TransactionAccess.get();
  private final Allocator allocator;
  private final HashIndex index;
  private final Transaction needed;

  /**
   * @param needed the transaction that needs the room
   */
  IndexSplit(Pool pool, HashIndex index, Transaction needed) {
    this.pool = pool;
    this.region = pool.region();
    this.allocator = pool.allocator();
    this.index = index;
    this.needed = needed;
  }

  void split(long keyHash) {
    if (IndexLayout.depth(index.entryOf(keyHash)) == index.directory().depth()) {
      doubleDirectory();
    }
    HashIndex.Directory at = index.directory();
    long entry = index.entryOf(keyHash);
    long segment = IndexLayout.segment(entry);
    int depth = IndexLayout.depth(entry) + 1;
    carryOut(
        2,
        IndexLayout.SEGMENT_BYTES,
        (tx, places) -> {
          long low = places.get(0).offset();
          long high = places.get(1).offset();
          fill(tx, low, high, segment, depth);
          long first = depth == 1 ? 0 : keyHash >>> (65 - depth) << (65 - depth);
          long span = 1L << (at.depth() - depth);
          long word = at.entry(first);
          for (long i = 0; i < 2 * span; i++) {
            access.write(tx, word + 8 * i, IndexLayout.entry(i < span ? low : high, depth));
          }
          freeIn(tx, segment);
        });
    allocator.giveBack(allocator.find(segment));
  }

  /** Carries something out in a transaction, with new blocks that are given back if it fails. */
  private void carryOut(
      int blocks, long bytes, BiConsumer<Transaction, List<Allocator.Place>> body) {
    List<Allocator.Place> places = new ArrayList<>(blocks);
    try {
      while (places.size() < blocks) {
        places.add(allocator.reserve(needed, bytes, Span.Kind.RAW));
      }
      try (Transaction tx = access.beginReserved(pool.lanes(), LANE)) {
        places.forEach(place -> allocateIn(tx, place));
        body.accept(tx, places);
        tx.commit();
      }
    } catch (Throwable e) {
      for (Allocator.Place place : places) {
        allocator.giveBack(place);
      }
      throw e;
    }
  }

  /**
   * Two new segments with the entries of one, divided by a bit of their hashes. Each keeps its
   * slot: moved nearer to its home, it could take the place of one that has no other.
   */
  private void fill(Transaction tx, long low, long high, long segment, int depth) {
    region.zero(low, IndexLayout.SEGMENT_BYTES);
    region.zero(high, IndexLayout.SEGMENT_BYTES);
    for (int i = 0; i < IndexLayout.SEGMENT_SLOTS; i++) {
      long word = region.getLong(segment + 8L * i);
      if (word != 0) {
        index.bounds().checkRecord(segment + 8L * i, IndexLayout.record(word), 0);
        long keyHash = region.getLong(IndexLayout.record(word) + IndexLayout.RECORD_HASH_AT);
        boolean up = (keyHash >>> (64 - depth) & 1) == 1;
        region.putLong((up ? high : low) + 8L * i, word);
      }
    }
    access.filled(tx, low, IndexLayout.SEGMENT_BYTES);
    access.filled(tx, high, IndexLayout.SEGMENT_BYTES);
  }

  private void doubleDirectory() {
    HashIndex.Directory old = index.directory();
    long words = 1L << old.depth();
    // Made before the commit, after which nothing may come between.
    HashIndex.Directory[] doubled = new HashIndex.Directory[1];
    carryOut(
        1,
        16 * words,
        (tx, places) -> {
          long offset = places.getFirst().offset();
          doubled[0] = new HashIndex.Directory(offset, old.depth() + 1);
          for (long i = 0; i < words; i++) {
            long entry = region.getLong(old.offset() + 8 * i);
            region.putLong(offset + 16 * i, entry);
            region.putLong(offset + 16 * i + 8, entry);
          }
          access.filled(tx, offset, 16 * words);
          access.write(tx, index.offset() + IndexLayout.DIRECTORY_AT, offset);
          access.write(tx, index.offset() + IndexLayout.DEPTH_AT, old.depth() + 1L);
          freeIn(tx, old.offset());
        });
    index.setDirectory(doubled[0]);
    allocator.giveBack(allocator.find(old.offset()));
  }

  private void allocateIn(Transaction tx, Allocator.Place place) {
    access.allocate(
        tx,
        place.run().bitmapWord(place.index()),
        place.run().bit(place.index()),
        place.offset(),
        place.run().blockBytes());
  }

  private void freeIn(Transaction tx, long block) {
    Allocator.Place place = allocator.find(block);
    if (place == null || place.offset() != block) {
      throw new Corrupt(index.offset(), "index.block", "an allocated block", "" + block);
    }
    access.free(
        tx,
        place.run().bitmapWord(place.index()),
        place.run().bit(place.index()),
        block,
        place.run().blockBytes());
  }
}
