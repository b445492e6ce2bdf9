// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.tx.Transaction;
import java.lang.foreign.MemorySegment;

/** Blocks over an array of them. */
final class StoredBlocks implements PersistentBlocks {
  private final Pool pool;
  private final BlockArray array;

  StoredBlocks(Pool pool, BlockArray array) {
    this.pool = pool;
    this.array = array;
  }

  @Override
  public int blockBytes() {
    return array.blockBytes();
  }

  @Override
  public long count() {
    return array.count();
  }

  @Override
  public void read(long index, MemorySegment into) {
    array.read(index, into);
  }

  @Override
  public void write(long index, MemorySegment from) {
    try {
      pool.run(tx -> array.write(tx, index, from));
    } catch (PoolException.OutOfPoolSpace e) {
      if (!pool.call(tx -> array.writeToSpare(tx, index, from))) {
        throw e;
      }
    }
  }

  @Override
  public void trim(long index) {
    pool.run(tx -> array.trim(tx, index));
  }

  Edit edit(Pool owner, Transaction tx) {
    if (owner != pool) {
      throw new IllegalArgumentException("the blocks are in another pool");
    }
    return new BlocksEdit(tx);
  }

  @Override
  public String toString() {
    return "PersistentBlocks[blockBytes=" + blockBytes() + ", count=" + count() + "]";
  }

  private final class BlocksEdit implements Edit {
    private final Transaction tx;

    BlocksEdit(Transaction tx) {
      this.tx = tx;
    }

    @Override
    public Edit read(long index, MemorySegment into) {
      array.read(tx, index, into);
      return this;
    }

    @Override
    public Edit write(long index, MemorySegment from) {
      array.write(tx, index, from);
      return this;
    }

    @Override
    public Edit trim(long index) {
      array.trim(tx, index);
      return this;
    }
  }
}
