// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.PersistentRegion;

/** Goes through all of an index. Nobody may be changing it. */
final class IndexCheck {
  /** Is told what an index consists of. */
  interface Owner extends CheckOwner {
    /** A value. */
    void value(long at, int bytes);
  }

  private final PersistentRegion region;
  private final Allocator allocator;
  private final HashIndex index;
  private final Owner owner;

  IndexCheck(Pool pool, HashIndex index, Owner owner) {
    this.region = pool.region();
    this.allocator = pool.allocator();
    this.index = index;
    this.owner = owner;
  }

  void run() {
    HashIndex.Directory at = index.directory();
    long words = 1L << at.depth();
    if (!owner.block(at.offset(), 8 * words, "its directory")) {
      return;
    }
    for (long i = 0; i < words; ) {
      long entry = region.getLong(at.offset() + 8 * i);
      int depth = IndexLayout.depth(entry);
      long span = depth > at.depth() ? 0 : words >>> depth;
      if (span == 0 || i % span != 0) {
        owner.problem("directory word %d has depth %d of %d".formatted(i, depth, at.depth()));
        return;
      }
      for (long k = 1; k < span; k++) {
        if (region.getLong(at.offset() + 8 * (i + k)) != entry) {
          owner.problem("directory word %d is not that of its segment".formatted(i + k));
        }
      }
      if (owner.block(IndexLayout.segment(entry), IndexLayout.SEGMENT_BYTES, "a segment")) {
        checkSegment(
            IndexLayout.segment(entry), at.depth() == 0 ? 0 : i << (64 - at.depth()), depth);
      }
      i += span;
    }
  }

  private void checkSegment(long segment, long prefix, int depth) {
    for (int i = 0; i < IndexLayout.SEGMENT_SLOTS; i++) {
      long word = region.getLong(segment + 8L * i);
      long record = IndexLayout.record(word);
      if (word == 0 || !owner.block(record, IndexLayout.RECORD_HEADER, "a record")) {
        continue;
      }
      long keyHash = region.getLong(record + IndexLayout.RECORD_HASH_AT);
      long lengths = index.lengths(record);
      int keyBytes = IndexLayout.keyBytes(lengths);
      int valueBytes = IndexLayout.valueBytes(lengths);
      int bucket = i / IndexLayout.BUCKET_SLOTS;
      boolean placed =
          bucket == IndexLayout.bucketNumber(keyHash, 0)
              || bucket == IndexLayout.bucketNumber(keyHash, 1);
      boolean prefixed = depth == 0 || (keyHash ^ prefix) >>> (64 - depth) == 0;
      if (!placed || !prefixed || !IndexLayout.hasFingerprint(word, keyHash)) {
        owner.problem("the record at offset %d is in a wrong slot".formatted(record));
      } else if (keyBytes < 0
          || valueBytes < 0
          || !fits(record, IndexLayout.recordBytes(keyBytes, valueBytes))) {
        owner.problem("the record at offset %d has wrong lengths".formatted(record));
      } else if (index.hash(region.view(IndexLayout.keyAt(record), keyBytes)) != keyHash) {
        owner.problem("the key at offset %d does not have its hash".formatted(record));
      } else {
        owner.value(IndexLayout.valueAt(record, lengths), valueBytes);
      }
    }
  }

  private boolean fits(long record, long bytes) {
    Allocator.Place place = allocator.find(record);
    return place != null && bytes <= place.run().blockBytes();
  }
}
