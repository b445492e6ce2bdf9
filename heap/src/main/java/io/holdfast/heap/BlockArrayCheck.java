// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.PersistentRegion;

/** Goes through all of an array of blocks. Nobody may be changing it. */
final class BlockArrayCheck {
  private final PersistentRegion region;
  private final BlockArray array;
  private final CheckOwner owner;

  BlockArrayCheck(Pool pool, BlockArray array, CheckOwner owner) {
    this.region = pool.region();
    this.array = array;
    this.owner = owner;
  }

  void run() {
    owner.block(array.spare(), array.blockBytes(), "its spare block");
    if (owner.block(array.table(), BlockArrayLayout.tableBytes(array.count()), "its table")) {
      for (long index = 0; index < array.count(); index++) {
        long block = region.getLong(BlockArrayLayout.word(array.table(), index));
        if (block != 0) {
          owner.block(block, array.blockBytes(), "block " + index);
        }
      }
    }
  }
}
