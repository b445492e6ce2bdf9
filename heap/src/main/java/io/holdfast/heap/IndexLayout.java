// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

/**
 * Where the parts of an index are, and what their words mean.
 *
 * <pre>
 * index      +0   "HASHINDX"
 *            +8   directory             offset
 *            +16  depth                 the directory has 2^depth words
 * directory  word depth 1 | segment 6   of the segment's own depth; the first depth bits of a hash choose
 * segment    64 buckets of 8 slots
 * slot       word fingerprint 2 | record 6, or 0
 * record     +0   value bytes 4 | key bytes 4
 *            +8   hash 8
 *            +16  key, to a multiple of 8
 *            then value
 * </pre>
 */
final class IndexLayout {
  static final long MAGIC = 0x58444E49_48534148L;
  static final int INDEX_BYTES = 24;
  static final int DIRECTORY_AT = 8;
  static final int DEPTH_AT = 16;
  static final int MAX_DEPTH = 40;

  static final int BUCKETS = 64;
  static final int BUCKET_BYTES = 64;
  static final int BUCKET_SLOTS = 8;
  static final int SEGMENT_SLOTS = BUCKETS * BUCKET_SLOTS;
  static final int SEGMENT_BYTES = BUCKETS * BUCKET_BYTES;

  /** A key is in the bucket that its hash chooses, or in the next one. */
  static final int PROBES = 2;

  static final int RECORD_HASH_AT = 8;
  static final int RECORD_HEADER = 16;

  private static final long OFFSET_MASK = (1L << 48) - 1;

  private IndexLayout() {}

  static long segment(long entry) {
    return entry & OFFSET_MASK;
  }

  static int depth(long entry) {
    return (int) (entry >>> 56);
  }

  static long entry(long segment, int depth) {
    return (long) depth << 56 | segment;
  }

  static long slot(long keyHash, long record) {
    return fingerprint(keyHash) << 48 | record;
  }

  static long record(long slot) {
    return slot & OFFSET_MASK;
  }

  /** Bits of a hash that choose neither a segment of a small directory nor a bucket. */
  static long fingerprint(long keyHash) {
    return keyHash >>> 8 & 0xFFFF;
  }

  static boolean hasFingerprint(long slot, long keyHash) {
    return slot >>> 48 == fingerprint(keyHash);
  }

  static int bucketNumber(long keyHash, int probe) {
    return (int) (keyHash + probe & BUCKETS - 1);
  }

  static long bucket(long segment, long keyHash, int probe) {
    return segment + (long) bucketNumber(keyHash, probe) * BUCKET_BYTES;
  }

  static long recordBytes(long keyBytes, long valueBytes) {
    return RECORD_HEADER + padded(keyBytes) + valueBytes;
  }

  static long lengths(long keyBytes, long valueBytes) {
    return valueBytes << 32 | keyBytes;
  }

  static int keyBytes(long lengths) {
    return (int) lengths;
  }

  static int valueBytes(long lengths) {
    return (int) (lengths >>> 32);
  }

  static long keyAt(long record) {
    return record + RECORD_HEADER;
  }

  static long valueAt(long record, long lengths) {
    return keyAt(record) + padded(keyBytes(lengths));
  }

  static long padded(long bytes) {
    return bytes + 7 & -8;
  }
}
