// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.HoldfastException.Corrupt;

/** Refuses offsets that were read from the medium and cannot be those of an index's parts. */
final class IndexBounds {
  private final Allocator allocator;
  private final PoolLayout layout;

  IndexBounds(Pool pool) {
    this.allocator = pool.allocator();
    this.layout = pool.layout();
  }

  /** What a word points to must be a block of at least so many bytes. */
  void checkBlock(long pointer, long block, long least, String field) {
    Allocator.Place place = allocator.find(block);
    if (place == null
        || place.offset() != block
        || place.run().isTyped()
        || place.run().blockBytes() < least) {
      throw new Corrupt(
          pointer, field, "a block of at least " + least + " bytes", Long.toString(block));
    }
  }

  /** A word of a directory. */
  void checkEntry(HashIndex.Directory directory, long keyHash, long entry) {
    if (IndexLayout.depth(entry) > directory.depth()
        || !couldBe(IndexLayout.segment(entry), IndexLayout.SEGMENT_BYTES)) {
      throw new Corrupt(
          directory.entry(keyHash),
          "index.segment",
          "a segment of depth " + directory.depth() + " at most",
          "0x%016X".formatted(entry));
    }
  }

  /** A record with a key of so many bytes, which a slot points to. */
  void checkRecord(long slot, long record, long keyBytes) {
    if (!couldBe(record, IndexLayout.RECORD_HEADER + keyBytes)) {
      throw new Corrupt(slot, "index.slot", "the offset of a record", Long.toString(record));
    }
  }

  /** Cheaper than to ask whether a block is there, and enough to read without harm. */
  private boolean couldBe(long offset, long bytes) {
    return offset % 8 == 0 && layout.hasInChunks(offset, bytes);
  }
}
