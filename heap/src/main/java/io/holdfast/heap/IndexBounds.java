// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.HoldfastException.Corrupt;

/** Refuses offsets that were read from the medium and cannot be those of an index's parts. */
final class IndexBounds extends Bounds {
  IndexBounds(Pool pool) {
    super(pool);
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
}
