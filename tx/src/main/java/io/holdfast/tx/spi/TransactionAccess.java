// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx.spi;

import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Lanes;
import io.holdfast.tx.Transaction;
import java.lang.foreign.MemorySegment;
import java.util.function.LongFunction;

/**
 * What a heap may do with lanes and transactions that a user may not: write and claim anything,
 * allocate, take part. There is one implementation, in {@code io.holdfast.tx}; it checks that a
 * transaction is under way and the calling thread's, and nothing else.
 */
public abstract class TransactionAccess {
  private static TransactionAccess instance;

  /** For the implementation. */
  protected TransactionAccess() {}

  /**
   * The implementation.
   *
   * @return the only instance
   */
  public static TransactionAccess get() {
    if (instance == null) {
      Lanes.areaBytes(1, Lanes.DEFAULT_RING_BYTES);
    }
    return instance;
  }

  /**
   * Sets the implementation, once.
   *
   * @param access the only instance
   */
  protected static void set(TransactionAccess access) {
    if (instance != null) {
      throw new AssertionError("set before");
    }
    instance = access;
  }

  /** Whether contents are accepted that a power failure may have mixed up. */
  public enum Acceptance {
    /** Power was not lost, or nothing can have been mixed up. */
    NOTHING_LOST,
    /** Whatever there is. */
    POWER_LOST
  }

  /**
   * Formats a log.
   *
   * @param region the region
   * @param offset where, a multiple of 4096
   * @param count lanes for users
   * @param reserved lanes for the heap's own transactions
   * @param ringBytes the size of each lane's ring
   * @param key the pool key
   * @param space what lies beside the log
   * @return the lanes
   */
  public abstract Lanes format(
      PersistentRegion region,
      long offset,
      int count,
      int reserved,
      int ringBytes,
      long key,
      Space space);

  /**
   * Opens a log and recovers.
   *
   * @param region the region
   * @param offset where it is
   * @param reserved lanes for the heap's own transactions
   * @param acceptance whether a power failure is accepted
   * @param space makes what lies beside the log, given where the log ends
   * @return the lanes
   */
  public abstract Lanes open(
      PersistentRegion region,
      long offset,
      int reserved,
      Acceptance acceptance,
      LongFunction<Space> space);

  /**
   * The geometry of open lanes.
   *
   * @param lanes the lanes
   * @return lanes for users, and the ring's size
   */
  public abstract Geometry geometry(Lanes lanes);

  /**
   * A log's geometry.
   *
   * @param lanes lanes for users
   * @param ringBytes the size of each lane's ring
   */
  public record Geometry(int lanes, int ringBytes) {}

  /**
   * The era of open lanes.
   *
   * @param lanes the lanes
   * @return a number that no other opening of this log has
   */
  public abstract int era(Lanes lanes);

  /**
   * Begins a transaction on a reserved lane, which must be free. It {@linkplain #followAll follows
   * all}.
   *
   * @param lanes the lanes
   * @param which which reserved lane, from 0
   * @return the transaction
   */
  public abstract Transaction beginReserved(Lanes lanes, int which);

  /**
   * Whose transaction it is.
   *
   * @param tx the transaction
   * @return the lanes that it was begun on
   */
  public abstract Lanes lanes(Transaction tx);

  /**
   * Makes a transaction's log space and extensions available again as far as possible.
   *
   * @param tx the transaction
   */
  public abstract void upkeep(Transaction tx);

  /**
   * Has a transaction follow another one, which is to say that a replay must carry it out later. To
   * be called for each that has stored where this one is going to, or has allocated or freed what
   * it is going to allocate, write or free; but not for those that had claimed the same units.
   *
   * @param tx the transaction
   * @param number the order number of the other, as {@link Participant#ordered} was told
   */
  public abstract void follow(Transaction tx, long number);

  /**
   * Has a transaction follow all that were committed before it, and all that are committed after it
   * follow it. For what is rare: lanes share something then.
   *
   * @param tx the transaction
   */
  public abstract void followAll(Transaction tx);

  /**
   * Says that an operation ended in the middle, by an error that may be caught: the transaction can
   * only be aborted.
   *
   * @param tx the transaction
   * @param cause the error
   */
  public abstract void breakOff(Transaction tx, Error cause);

  /**
   * Claims a unit, and follows whoever had it before.
   *
   * @param tx the transaction
   * @param unit any number
   */
  public abstract void claim(Transaction tx, long unit);

  /**
   * Claims the units that a range touches, and follows whoever had them before.
   *
   * @param tx the transaction
   * @param offset the first byte
   * @param length how many
   */
  public abstract void claimRange(Transaction tx, long offset, long length);

  /**
   * Reads a word as the transaction sees it.
   *
   * @param tx the transaction
   * @param offset the word
   * @return its value
   */
  public abstract long read(Transaction tx, long offset);

  /**
   * Reads bytes as the transaction sees them.
   *
   * @param tx the transaction
   * @param offset the first
   * @param into where to, and how many
   */
  public abstract void read(Transaction tx, long offset, MemorySegment into);

  /**
   * Writes a word at commit.
   *
   * @param tx the transaction
   * @param offset the word
   * @param value its value
   */
  public abstract void write(Transaction tx, long offset, long value);

  /**
   * Writes bytes at commit.
   *
   * @param tx the transaction
   * @param offset the first
   * @param from what
   */
  public abstract void write(Transaction tx, long offset, MemorySegment from);

  /**
   * Makes it the only thing that the transaction does to overwrite a range of a block at commit.
   * The words are filled at once, and the transaction is then committed or aborted.
   *
   * @param tx the transaction, which has written, allocated and freed nothing
   * @param offset the first byte, a multiple of 8
   * @param length how many, 1 to {@link #mostOverwritten}; what follows in the last word stays
   * @return memory for the new contents, aligned to 8 bytes, with nothing of use in it
   */
  public abstract MemorySegment overwrite(Transaction tx, long offset, int length);

  /**
   * How many bytes can be overwritten in one transaction.
   *
   * @param lanes the lanes
   * @return the number, a multiple of 8
   */
  public abstract int mostOverwritten(Lanes lanes);

  /**
   * Allocates a block at commit.
   *
   * @param tx the transaction
   * @param word the bitmap word
   * @param bit its bit
   * @param block the block
   * @param length its bytes
   * @return a number by which it can be cancelled
   */
  public abstract int allocate(Transaction tx, long word, int bit, long block, long length);

  /**
   * Frees a block at commit.
   *
   * @param tx the transaction
   * @param word the bitmap word
   * @param bit its bit
   * @param block the block
   * @param length its bytes
   */
  public abstract void free(Transaction tx, long word, int bit, long block, long length);

  /**
   * Takes an allocation of the same transaction back.
   *
   * @param tx the transaction
   * @param number what {@link #allocate} returned
   */
  public abstract void cancel(Transaction tx, int number);

  /**
   * A part of a block that the transaction has allocated was stored to in place.
   *
   * @param tx the transaction
   * @param offset the first byte
   * @param length how many
   */
  public abstract void filled(Transaction tx, long offset, long length);

  /**
   * The heap's part in a transaction.
   *
   * @param tx the transaction
   * @return what joined, or null
   */
  public abstract Participant participant(Transaction tx);

  /**
   * The part that the heap took in an earlier transaction on the same lane.
   *
   * @param tx the transaction
   * @return what joined then, or null
   */
  public abstract Participant idleParticipant(Transaction tx);

  /**
   * Takes part.
   *
   * @param tx the transaction
   * @param participant the heap's part
   */
  public abstract void join(Transaction tx, Participant participant);
}
