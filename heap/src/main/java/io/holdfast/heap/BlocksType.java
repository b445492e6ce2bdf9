// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.tx.Transaction;
import java.util.Map;

/** Arrays of blocks. */
final class BlocksType extends Type<PersistentBlocks> {
  private final int blockBytes;
  private final long count;

  BlocksType(int blockBytes, long count) {
    if (!BlockArrayLayout.isBlockBytes(blockBytes)) {
      throw new IllegalArgumentException(
          "a block has %d to %d bytes, a multiple of 8: blockBytes=%d"
              .formatted(
                  BlockArrayLayout.LEAST_BLOCK_BYTES,
                  BlockArrayLayout.MOST_BLOCK_BYTES,
                  blockBytes));
    }
    if (!BlockArrayLayout.isCount(count)) {
      throw new IllegalArgumentException(
          "1 to %d blocks: count=%d".formatted(BlockArrayLayout.MOST_BLOCKS, count));
    }
    this.blockBytes = blockBytes;
    this.count = count;
  }

  @Override
  long create(Pool pool, Transaction tx) {
    return BlockArray.create(pool, tx, blockBytes, count);
  }

  @Override
  PersistentBlocks open(Pool pool, long offset) {
    return new StoredBlocks(pool, pool.blockArray(offset, blockBytes, count));
  }

  @Override
  void free(Pool pool, Transaction tx, long offset) {
    pool.blockArray(offset, blockBytes, count).free(tx);
  }

  @Override
  String reference() {
    return "blocks<" + blockBytes + ", " + count + ">";
  }

  @Override
  void define(Map<String, String> definitions) {}
}
