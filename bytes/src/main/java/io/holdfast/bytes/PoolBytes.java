// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bytes;

import io.holdfast.heap.Block;
import io.holdfast.tx.Transaction;
import java.lang.foreign.MemorySegment;
import net.openhft.chronicle.bytes.Bytes;

/**
 * The memory of a pool as Chronicle {@code Bytes}, without a copy. Offsets and limits are in bytes
 * from the start of what is shown; numbers are little-endian.
 *
 * <p><b>Limits.</b> Every access is checked against the memory that was asked for, also random
 * access, and also where {@code bytes.bounds.unchecked} or an own limit tells Chronicle not to:
 * what lies beyond is neither read nor written. {@code Bytes} throws a {@link
 * java.nio.BufferOverflowException} or {@link java.nio.BufferUnderflowException} at its limits, and
 * an {@link IndexOutOfBoundsException} where it has none. These bytes do not grow, and have no
 * address: {@code addressForRead} and its like throw {@link UnsupportedOperationException}.
 *
 * <p><b>Lifetime.</b> There is nothing to release; who releases them nevertheless, ends them. Bytes
 * of a transaction end with it, others with the pool. After that each access throws an {@link
 * IllegalStateException}.
 *
 * <p><b>Threads.</b> As with all {@code Bytes}, positions belong to one thread at a time; make one
 * for each. What is committed may be read by any number of them.
 */
public final class PoolBytes {
  private PoolBytes() {}

  /**
   * The committed contents of a block, for reading: all of it can be read, and each attempt to
   * write throws.
   *
   * <p>The bytes are the block's own and change when others commit. What is read while a
   * transaction commits may be of before and after; what a decision rests on is read under {@code
   * tx.edit}.
   *
   * @param block the block
   * @return bytes with read position 0, and read limit and write limit at {@link Block#size}; of
   *     use until the pool is closed
   * @throws io.holdfast.flush.HoldfastException.RegionClosed if the pool is closed
   */
  public static Bytes<MemorySegment> view(Block block) {
    return SegmentBytes.of(block.view());
  }

  /**
   * The memory of a block that this transaction has allocated, to be written in place. Nothing is
   * logged; what was written is durable when the transaction's commit returns. Unwritten parts keep
   * what they hold.
   *
   * @param tx the transaction
   * @param block the block
   * @return bytes with nothing to read yet, write position 0 and write limit at {@link Block#size};
   *     of use until the transaction ends, or goes back to a savepoint before this call
   * @throws IllegalArgumentException if the block is in another pool
   * @throws IllegalStateException if the transaction did not allocate the block, or a savepoint was
   *     taken since
   * @throws io.holdfast.tx.TransactionException.Ended if the transaction has ended
   * @throws io.holdfast.tx.TransactionException.WrongThread in a thread other than its own
   */
  public static Bytes<MemorySegment> fill(Transaction tx, Block block) {
    SegmentBytes bytes = inside(tx, tx.edit(block).fill());
    bytes.clear();
    return bytes;
  }

  /**
   * The memory of a block, to be changed in place. Its old contents are durable in the log when
   * this returns (one fence), and come back if the transaction does not commit; what was written is
   * durable when its commit returns. Other threads may see it before.
   *
   * @param tx the transaction
   * @param block the block
   * @return bytes with all of the contents to be read, and write limit at {@link Block#size}; to
   *     write from the start, set the write position, or write at offsets; of use until the
   *     transaction ends, or goes back to a savepoint before this call
   * @throws IllegalArgumentException if the block is in another pool
   * @throws IllegalStateException if this transaction holds back a write to the block
   * @throws io.holdfast.tx.TransactionException.Conflict if another open transaction has claimed
   *     the block
   * @throws io.holdfast.tx.TransactionException.LogFull if the old contents do not fit into the
   *     log; the transaction is aborted
   * @throws io.holdfast.tx.TransactionException.Ended if the transaction has ended
   * @throws io.holdfast.tx.TransactionException.WrongThread in a thread other than its own
   */
  public static Bytes<MemorySegment> snapshot(Transaction tx, Block block) {
    tx.edit(block); // refuses a block of another pool, whose offset means something else here
    return inside(tx, tx.snapshot(block.offset(), block.size()));
  }

  /**
   * Any segment, such as one of a part of a block. When it is for reading, so are the bytes. Use is
   * up to the caller: memory from a transaction must not be written after its end, and no error
   * says so here.
   *
   * @param segment the memory
   * @return bytes with all of the segment to be read, and write limit at its end
   */
  public static Bytes<MemorySegment> of(MemorySegment segment) {
    return SegmentBytes.of(segment);
  }

  /** A write that came after the commit would be a store that no log holds. */
  private static SegmentBytes inside(Transaction tx, MemorySegment segment) {
    SegmentBytes bytes = SegmentBytes.of(segment);
    tx.afterCommit(bytes::end);
    tx.afterAbort(bytes::end);
    return bytes;
  }
}
