// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

/**
 * Where the parts of an array of blocks are.
 *
 * <pre>
 * array  +0   "BLOCKARR"
 *        +8   block bytes
 *        +16  count
 *        +24  table    offset
 *        +32  spare    offset of a block that no index has
 * table  word for each index: offset of its block, or 0 while it reads as zeros
 * </pre>
 */
final class BlockArrayLayout {
  static final long MAGIC = 0x5252414B_434F4C42L;
  static final int MAGIC_AT = 0;
  static final int BLOCK_BYTES_AT = MAGIC_AT + 8;
  static final int COUNT_AT = BLOCK_BYTES_AT + 8;
  static final int TABLE_AT = COUNT_AT + 8;
  static final int SPARE_AT = TABLE_AT + 8;
  static final int ARRAY_BYTES = SPARE_AT + 8;

  static final int LEAST_BLOCK_BYTES = 512;
  static final int MOST_BLOCK_BYTES = 64 << 10;
  static final long MOST_BLOCKS = 1L << 40;

  private BlockArrayLayout() {}

  static boolean isBlockBytes(long bytes) {
    return bytes >= LEAST_BLOCK_BYTES && bytes <= MOST_BLOCK_BYTES && bytes % 8 == 0;
  }

  static boolean isCount(long count) {
    return count >= 1 && count <= MOST_BLOCKS;
  }

  static long tableBytes(long count) {
    return 8 * count;
  }

  static long word(long table, long index) {
    return table + 8 * index;
  }
}
