// SPDX-License-Identifier: Apache-2.0

/** Pools: allocator, typed objects, persistent collections. */
module io.holdfast.heap {
  requires transitive io.holdfast.tx;
  requires org.slf4j;

  exports io.holdfast.heap;
}
