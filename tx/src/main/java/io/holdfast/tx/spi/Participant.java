// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx.spi;

/**
 * The part that a heap takes in one transaction. Called by the transaction's thread, in this order:
 * {@link #prepare}, and if that commits {@link #ordered}, {@link #applying}, {@link #applied}; at
 * the end either {@link #committed} or {@link #aborted}.
 */
public interface Participant {
  /**
   * The transaction is to be committed: the last moment to write, allocate and free in it. May
   * throw; the transaction is then aborted.
   */
  void prepare();

  /**
   * The commit has its order number, and is going to be durable. To be kept for those who must
   * {@linkplain TransactionAccess#follow follow} it, before they can see anything of it. Must not
   * wait.
   *
   * @param number the number, above all that this transaction follows
   */
  void ordered(long number);

  /** The commit is durable, and is about to become visible in place. */
  void applying();

  /** All words and bits are in place. */
  void applied();

  /** The commit is over; claims have been given up. */
  void committed();

  /** The transaction never was; claims have been given up, unless the medium failed. */
  void aborted();

  /**
   * What to go back to.
   *
   * @return anything, which {@link #rollbackTo} is given
   */
  Object savepoint();

  /**
   * Goes back.
   *
   * @param savepoint what {@link #savepoint} returned
   */
  void rollbackTo(Object savepoint);
}
