// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

/** Is told what a collection consists of, when it is gone through. */
interface CheckOwner {
  /** A block of the collection, of at least so many bytes; false if it cannot be gone through. */
  boolean block(long block, long least, String what);

  /** Something that cannot be. */
  void problem(String what);
}
