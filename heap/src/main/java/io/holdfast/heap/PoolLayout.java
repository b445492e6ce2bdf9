// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Lanes;

/**
 * Where everything lies in a pool. All values are little-endian.
 *
 * <pre>
 * pool   +0      header, first copy
 *        +4096   header, second copy
 *        +8192   log area               see io.holdfast.tx
 *        then    anchor                 one page; its first word is the first root record
 *        then    chunk table            16 bytes for each chunk that the pool may ever have
 *        then    chunks                 from a multiple of 65536, of that size
 *
 * header +0   magic                     "HOLDPOOL"
 *        +8   format version 4 | header bytes 4
 *        +16  identity                  16 bytes, random
 *        +32  created                   milliseconds since 1970
 *        +40  size                      of the pool, in bytes; changed by growth
 *        +48  maximum size              up to which the chunk table reaches
 *        +56  log                       offset
 *        +64  anchor                    offset
 *        +72  chunk table               offset
 *        +80  first chunk               offset
 *        +88  chunk bytes 4 | chunks that the table has room for 4
 *        +96  needed features           none yet; an unknown one is refused
 *        +104 hash seed                 random; of keys in maps
 *        +112 layout bytes              how long the layout's name is
 *        +120 layout                    its name in UTF-8, 128 bytes, zeros after it
 *        +248 checksum                  of the words before; changed by growth
 *
 * chunk table entry
 *        +0   check 2 | kind 1 | class 1 | chunks 4
 *        +8   bitmap                    of a run of up to 64 blocks
 * </pre>
 *
 * <p>An entry is that of a span if it is the first one, or follows a span. A span is free, or a run
 * of blocks of one size class; a huge object is a run of one block. A run of more than 64 blocks
 * begins with its bitmap, in whole lines. A block is allocated if its bit is set.
 *
 * <p>Of all this only the size changes while a pool is open, by {@link #grow}: everybody who has
 * the layout sees it.
 */
final class PoolLayout {
  static final int VERSION = 1;
  static final long MAGIC = 0x4C4F4F50_444C4F48L;

  /** "HOLDNEW." in its place while a pool is made. */
  static final long UNFINISHED = 0x2E57454E_444C4F48L;

  static final long FIRST_HEADER = 0;
  static final long SECOND_HEADER = PersistentRegion.PAGE_BYTES;
  static final long LOG = SECOND_HEADER + PersistentRegion.PAGE_BYTES;

  static final int MAGIC_AT = 0;
  static final int VERSION_BYTES_AT = MAGIC_AT + 8;
  static final int IDENTITY_AT = VERSION_BYTES_AT + 8;
  static final int CREATED_AT = IDENTITY_AT + 16;
  static final int SIZE_AT = CREATED_AT + 8;
  static final int MAX_SIZE_AT = SIZE_AT + 8;
  static final int LOG_AT = MAX_SIZE_AT + 8;
  static final int ANCHOR_AT = LOG_AT + 8;
  static final int TABLE_AT = ANCHOR_AT + 8;
  static final int CHUNKS_AT = TABLE_AT + 8;
  static final int CHUNK_BYTES_COUNT_AT = CHUNKS_AT + 8;
  static final int FEATURES_AT = CHUNK_BYTES_COUNT_AT + 8;
  static final int HASH_SEED_AT = FEATURES_AT + 8;
  static final int LAYOUT_BYTES_AT = HASH_SEED_AT + 8;
  static final int LAYOUT_AT = LAYOUT_BYTES_AT + 8;
  static final int LAYOUT_CAPACITY = 128;
  static final int CHECKSUM_AT = LAYOUT_AT + LAYOUT_CAPACITY;
  static final int HEADER_BYTES = CHECKSUM_AT + 8;

  static final int CHUNK_BYTES = 1 << 16;
  static final int ENTRY_BYTES = 16;
  static final int ENTRY_BITMAP = 8;

  static final long MIN_SIZE = 1 << 20;
  static final long MAX_SIZE = 1L << 46;

  private volatile long size;
  private final long maxSize;
  private final long anchor;
  private final long table;
  private final long chunks;
  private final int capacity;

  private PoolLayout(long size, long maxSize, long anchor, long table, long chunks, int capacity) {
    this.size = size;
    this.maxSize = maxSize;
    this.anchor = anchor;
    this.table = table;
    this.chunks = chunks;
    this.capacity = capacity;
  }

  /** The layout of a pool of a size with a log of some lanes. */
  static PoolLayout of(long size, long maxSize, int lanes, int ringBytes) {
    long anchor = LOG + Lanes.areaBytes(lanes, ringBytes);
    long table = anchor + PersistentRegion.PAGE_BYTES;
    long capacity = Math.max(0, (maxSize - table) / (CHUNK_BYTES + ENTRY_BYTES));
    long chunks = Math.ceilDiv(table + capacity * ENTRY_BYTES, CHUNK_BYTES) * CHUNK_BYTES;
    return new PoolLayout(size, maxSize, anchor, table, chunks, Math.toIntExact(capacity));
  }

  /** The layout that a header says, of which nothing is believed yet. */
  static PoolLayout stored(
      long size, long maxSize, long anchor, long table, long chunks, int capacity) {
    return new PoolLayout(size, maxSize, anchor, table, chunks, capacity);
  }

  /** What is wrong with it, or null. */
  String problem() {
    boolean bounded =
        size <= maxSize && maxSize <= MAX_SIZE && anchor > LOG && anchor < size && chunks < size;
    boolean ordered =
        anchor % PersistentRegion.PAGE_BYTES == 0
            && table == anchor + PersistentRegion.PAGE_BYTES
            && capacity > 0
            && chunks >= table + (long) capacity * ENTRY_BYTES
            && chunks % CHUNK_BYTES == 0
            && chunks + CHUNK_BYTES <= size;
    return bounded && ordered
        ? null
        : "size=%d, maximum=%d, anchor=%d, table=%d, chunks=%d, capacity=%d"
            .formatted(size, maxSize, anchor, table, chunks, capacity);
  }

  long size() {
    return size;
  }

  long maxSize() {
    return maxSize;
  }

  long anchor() {
    return anchor;
  }

  long table() {
    return table;
  }

  long chunks() {
    return chunks;
  }

  int capacity() {
    return capacity;
  }

  /** The pool has grown, durably. */
  void grow(long newSize) {
    size = newSize;
  }

  /** How many chunks there are. */
  int chunkCount() {
    return chunkCount(size);
  }

  /** How many chunks a pool of some size has. */
  int chunkCount(long ofSize) {
    return (int) Math.min(capacity, (ofSize - chunks) / CHUNK_BYTES);
  }

  /** Whether a range lies inside the chunks, in which all blocks are. */
  boolean hasInChunks(long offset, long bytes) {
    return offset >= chunks && bytes >= 0 && offset <= size - bytes;
  }

  /** The end of the last chunk. */
  long end() {
    return chunk(chunkCount());
  }

  long chunk(int index) {
    return chunks + (long) index * CHUNK_BYTES;
  }

  long entry(int index) {
    return table + (long) index * ENTRY_BYTES;
  }

  /** The chunk that an offset is in. */
  int chunkOf(long offset) {
    return (int) ((offset - chunks) / CHUNK_BYTES);
  }
}
