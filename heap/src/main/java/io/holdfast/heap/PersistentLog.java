// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.tx.Editable;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A log of records in a pool: records are appended at its end, read in order, and given up from its
 * beginning. A record is any bytes, and is there whole or not at all.
 *
 * <p>An append is durable when it returns. Appends of several threads at once are put into one
 * order and made durable together. Readers wait for nobody and see only what is durable. All
 * methods may be called by any thread.
 *
 * <p><b>Positions.</b> Each record has a position, a number that stays its own: a later record has
 * a higher one, and no position is used again, in this process or in another one, even after {@link
 * #clear}. The first record of all is at 0. What lies between two positions is what their records
 * take: a record of {@code n} bytes takes 8 and {@code n} rounded up to a multiple of 8.
 *
 * <p><b>Space.</b> Records lie in segments of 64 KiB; a larger one has a segment to itself. {@link
 * #truncate} gives whole segments back, but for the last one.
 *
 * <p>{@code tx.edit(log)} appends and truncates as part of a transaction. While one that has
 * appended is open, other appends wait for it; in its own thread they throw {@link
 * io.holdfast.tx.TransactionException.Conflict}.
 */
public interface PersistentLog extends Editable<PersistentLog.Edit> {
  /** Is told of records. */
  @FunctionalInterface
  interface Visitor {
    /**
     * Takes a record.
     *
     * @param position where it is
     * @param record its content: a copy, for reading, and the visitor's to keep
     * @return whether to go on
     */
    boolean visit(long position, MemorySegment record);
  }

  /**
   * Appends a record. Durable when it returns: one fence, two for more than 1000 bytes.
   *
   * @param record its content, at most 2<sup>30</sup> bytes
   * @return its position
   * @throws IllegalArgumentException if it is longer
   * @throws PoolException.OutOfPoolSpace if there is no room; nothing has changed
   * @throws PoolException.PoolReadOnly if the pool was opened for reading
   * @throws io.holdfast.tx.TransactionException.Conflict if a transaction of this thread has
   *     appended and is open
   * @throws io.holdfast.flush.HoldfastException.Corrupt if the log's end is damaged
   */
  default long append(MemorySegment record) {
    return appendAll(List.of(record));
  }

  /**
   * Appends a record. Durable when it returns: one fence, two for more than 1000 bytes.
   *
   * @param record its content
   * @return its position
   * @throws PoolException.OutOfPoolSpace if there is no room; nothing has changed
   * @throws PoolException.PoolReadOnly if the pool was opened for reading
   * @throws io.holdfast.tx.TransactionException.Conflict if a transaction of this thread has
   *     appended and is open
   * @throws io.holdfast.flush.HoldfastException.Corrupt if the log's end is damaged
   */
  default long append(byte[] record) {
    return append(MemorySegment.ofArray(record));
  }

  /**
   * Appends several records, all or none, with no other between them. Durable when it returns: one
   * fence, two for more than 1000 bytes.
   *
   * @param records their contents, each at most 2<sup>30</sup> bytes
   * @return the position of the first; the end if there are none
   * @throws IllegalArgumentException if one is longer
   * @throws PoolException.OutOfPoolSpace if there is no room; nothing has changed
   * @throws PoolException.PoolReadOnly if the pool was opened for reading
   * @throws io.holdfast.tx.TransactionException.Conflict if a transaction of this thread has
   *     appended and is open
   * @throws io.holdfast.flush.HoldfastException.Corrupt if the log's end is damaged
   */
  long appendAll(List<MemorySegment> records);

  /**
   * Goes through the records in order, from a position to the end that the log has now. What is
   * truncated meanwhile is passed over.
   *
   * @param from the position of a record, or the end; below {@link #first} it begins there, so 0 is
   *     all that there is
   * @param visitor is told of each record, until it says to stop. It may use the log
   * @return the position after the last one that was visited: where to go on later
   * @throws IllegalArgumentException if it is no record's position, or beyond the end
   * @throws io.holdfast.flush.HoldfastException.Corrupt if a record is damaged; those before it
   *     have been visited
   */
  long walk(long from, Visitor visitor);

  /**
   * Where the first record is.
   *
   * @return its position; the end if there is none
   */
  long first();

  /**
   * Where the next record will be.
   *
   * @return the position
   */
  long end();

  /**
   * Takes all records before a position away. Durable when it returns. One fence; none if there are
   * no such records.
   *
   * @param before the position of the first record to stay, or the end
   * @throws IllegalArgumentException if it is no record's position, or beyond the end
   * @throws PoolException.PoolReadOnly if the pool was opened for reading
   * @throws io.holdfast.flush.HoldfastException.Corrupt if the log is damaged there
   */
  void truncate(long before);

  /**
   * Takes all records away, and gives all segments back. Durable when it returns. The next record
   * has the position that it would have had.
   *
   * @throws PoolException.PoolReadOnly if the pool was opened for reading
   * @throws io.holdfast.tx.TransactionException.Conflict if a transaction of this thread has
   *     appended or truncated and is open
   * @throws io.holdfast.flush.HoldfastException.Corrupt if the log is damaged
   */
  void clear();

  /** The log as part of a transaction. What it does is seen by others when it commits. */
  interface Edit {
    /**
     * Appends a record at commit. From here on nobody else appends until the transaction ends.
     *
     * @param record its content, at most 2<sup>30</sup> bytes
     * @return its position, if the transaction commits
     * @throws IllegalArgumentException if it is longer
     * @throws PoolException.OutOfPoolSpace if there is no room
     * @throws io.holdfast.tx.TransactionException.Conflict if another open transaction has appended
     */
    long append(MemorySegment record);

    /**
     * Goes through the records as the transaction sees them. From here on nobody else appends or
     * truncates until the transaction ends.
     *
     * @param from as for {@link PersistentLog#walk}
     * @param visitor is told of each record, until it says to stop
     * @return the position after the last one that was visited
     * @throws IllegalArgumentException if it is no record's position, or beyond the end
     * @throws io.holdfast.tx.TransactionException.Conflict if another open transaction has appended
     *     or truncated
     */
    long walk(long from, Visitor visitor);

    /**
     * Takes all records before a position away at commit. From here on nobody else truncates until
     * the transaction ends.
     *
     * @param before the position of the first record to stay, or the end
     * @throws IllegalArgumentException if it is no record's position, or beyond the end
     * @throws io.holdfast.tx.TransactionException.Conflict if another open transaction has
     *     truncated
     */
    void truncate(long before);

    /**
     * Takes all records away at commit, and gives all segments back. From here on nobody else
     * appends or truncates until the transaction ends.
     *
     * @throws io.holdfast.tx.TransactionException.Conflict if another open transaction has appended
     *     or truncated
     */
    void clear();
  }
}
