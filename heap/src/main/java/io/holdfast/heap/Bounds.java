// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.HoldfastException.Corrupt;

/** Refuses offsets that were read from the medium and cannot be those of a collection's parts. */
class Bounds {
  private final Allocator allocator;
  private final PoolLayout layout;

  Bounds(Pool pool) {
    this.allocator = pool.allocator();
    this.layout = pool.layout();
  }

  /** What a word points to must be a block of at least so many bytes. */
  final void checkBlock(long pointer, long block, long least, String field) {
    Allocator.Place place = allocator.find(block);
    if (place == null
        || place.offset() != block
        || place.run().isTyped()
        || place.run().blockBytes() < least) {
      throw new Corrupt(
          pointer, field, "a block of at least " + least + " bytes", Long.toString(block));
    }
  }

  /** Cheaper than to ask whether a block is there, and enough to read without harm. */
  final boolean couldBe(long offset, long bytes) {
    return offset % 8 == 0 && layout.hasInChunks(offset, bytes);
  }
}
