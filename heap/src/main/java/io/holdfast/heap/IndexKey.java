// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** A key of an index: its bytes, with their hash. */
final class IndexKey {
  private final byte[] bytes;
  private final long hash;

  IndexKey(HashIndex index, byte[] bytes) {
    this.bytes = bytes;
    this.hash = index.hash(MemorySegment.ofArray(bytes));
  }

  MemorySegment segment() {
    return MemorySegment.ofArray(bytes);
  }

  long hash() {
    return hash;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof IndexKey that && hash == that.hash && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Long.hashCode(hash);
  }
}
