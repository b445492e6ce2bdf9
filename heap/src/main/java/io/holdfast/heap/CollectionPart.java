// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

/**
 * What a transaction has to do with one collection when it ends, so that readers who hold no lock
 * can tell that they were overtaken. Blocks that the transaction freed are given to nobody before
 * {@link #applied} was called.
 */
interface CollectionPart {
  /** Whose part it is; a transaction has one at most of each. */
  Object collection();

  /** The commit is durable, and is about to become visible. */
  default void applying() {}

  /** All of it is visible. Must not take a lock. */
  void applied();

  /** The transaction is over, committed or not; also when the medium failed. */
  default void ended() {}
}
