// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.tx.Editable;
import java.lang.foreign.MemorySegment;

/**
 * A fixed number of blocks of a fixed size in a pool, each of which is written whole or not at all,
 * as the sectors of a good disk are (and those of a BTT device).
 *
 * <p>A write is durable when it returns; a crash leaves the block as it was before or as it is
 * after. A reader sees one or the other, and waits for nobody. Writers of different blocks do not
 * wait for each other; those of one block do. All methods may be called by any thread.
 *
 * <p>Blocks are all zeros until they are written, and take no room for their contents until then. A
 * write puts the new content into another block of the pool and lets go of the old one: two fences,
 * one up to 1024 bytes. One block more than are written is kept for the case that the pool is full:
 * a block that has content can be written again even then, though more slowly.
 *
 * <p>{@code tx.edit(blocks)} gives the blocks as part of a transaction, which claims each block
 * that it names, also by {@code read}, and sees its own changes. A call that meets a block which an
 * open transaction has named waits for that, or tries again; in the thread of that transaction it
 * throws {@link io.holdfast.tx.TransactionException.Conflict}.
 */
public interface PersistentBlocks extends Editable<PersistentBlocks.Edit> {
  /**
   * The size of each block.
   *
   * @return bytes, 512 to 65536, a multiple of 8
   */
  int blockBytes();

  /**
   * How many blocks there are, written or not.
   *
   * @return the number
   */
  long count();

  /**
   * Reads a block as it was last written; zeros if it was not.
   *
   * @param index which block, from 0
   * @param into where to; as long as a block. What it holds after an exception is not defined
   * @throws IndexOutOfBoundsException if there is no such block
   * @throws IllegalArgumentException if it is not as long as a block
   * @throws io.holdfast.flush.HoldfastException.Corrupt if the table is damaged there
   */
  void read(long index, MemorySegment into);

  /**
   * Reads a block as it was last written; zeros if it was not.
   *
   * @param index which block, from 0
   * @param into where to; as long as a block
   * @throws IndexOutOfBoundsException if there is no such block
   * @throws IllegalArgumentException if it is not as long as a block
   * @throws io.holdfast.flush.HoldfastException.Corrupt if the table is damaged there
   */
  default void read(long index, byte[] into) {
    read(index, MemorySegment.ofArray(into));
  }

  /**
   * Writes a block, all or nothing. Durable when it returns.
   *
   * @param index which block, from 0
   * @param from what to write; as long as a block
   * @throws IndexOutOfBoundsException if there is no such block
   * @throws IllegalArgumentException if it is not as long as a block
   * @throws PoolException.OutOfPoolSpace if the block has no content yet, and the pool has no room
   *     for it; nothing has changed
   * @throws PoolException.PoolReadOnly if the pool was opened for reading
   * @throws io.holdfast.flush.HoldfastException.Corrupt if the table is damaged there
   */
  void write(long index, MemorySegment from);

  /**
   * Writes a block, all or nothing. Durable when it returns.
   *
   * @param index which block, from 0
   * @param from what to write; as long as a block
   * @throws IndexOutOfBoundsException if there is no such block
   * @throws IllegalArgumentException if it is not as long as a block
   * @throws PoolException.OutOfPoolSpace if the block has no content yet, and the pool has no room
   *     for it; nothing has changed
   * @throws PoolException.PoolReadOnly if the pool was opened for reading
   * @throws io.holdfast.flush.HoldfastException.Corrupt if the table is damaged there
   */
  default void write(long index, byte[] from) {
    write(index, MemorySegment.ofArray(from));
  }

  /**
   * Takes a block's content away, and gives its room back: it reads as zeros. Durable when it
   * returns. One fence; none if it had no content.
   *
   * @param index which block, from 0
   * @throws IndexOutOfBoundsException if there is no such block
   * @throws PoolException.PoolReadOnly if the pool was opened for reading
   * @throws io.holdfast.flush.HoldfastException.Corrupt if the table is damaged there
   */
  void trim(long index);

  /** The blocks as part of a transaction. What is written is seen by others when it commits. */
  interface Edit {
    /**
     * Reads a block as the transaction sees it.
     *
     * @param index which block, from 0
     * @param into where to; as long as a block
     * @return this
     * @throws IndexOutOfBoundsException if there is no such block
     * @throws IllegalArgumentException if it is not as long as a block
     * @throws io.holdfast.tx.TransactionException.Conflict if another open transaction has named it
     */
    Edit read(long index, MemorySegment into);

    /**
     * Writes a block at commit. In a full pool a transaction cannot write, though single writes
     * can.
     *
     * @param index which block, from 0
     * @param from what to write; as long as a block
     * @return this
     * @throws IndexOutOfBoundsException if there is no such block
     * @throws IllegalArgumentException if it is not as long as a block
     * @throws io.holdfast.tx.TransactionException.Conflict if another open transaction has named it
     * @throws PoolException.OutOfPoolSpace if the pool has no room for the new content
     */
    Edit write(long index, MemorySegment from);

    /**
     * Takes a block's content away at commit.
     *
     * @param index which block, from 0
     * @return this
     * @throws IndexOutOfBoundsException if there is no such block
     * @throws io.holdfast.tx.TransactionException.Conflict if another open transaction has named it
     */
    Edit trim(long index);
  }
}
