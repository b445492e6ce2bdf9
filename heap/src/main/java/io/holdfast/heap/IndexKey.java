// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.PersistentRegion;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/** A key of an index: its bytes, with their hash. */
final class IndexKey {
  private static final VarHandle WORDS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN)
          .withInvokeExactBehavior();

  private final byte[] bytes;
  private final long hash;

  IndexKey(HashIndex index, byte[] bytes) {
    this.bytes = bytes;
    this.hash = index.hash(bytes);
  }

  MemorySegment segment() {
    return MemorySegment.ofArray(bytes);
  }

  int size() {
    return bytes.length;
  }

  long hash() {
    return hash;
  }

  /** Whether a record is this key's. A record has its key in whole words. */
  boolean isAt(PersistentRegion region, long record) {
    if (region.getLong(record + IndexLayout.RECORD_HASH_AT) != hash
        || IndexLayout.keyBytes(region.getLong(record)) != bytes.length) {
      return false;
    }
    long at = record + IndexLayout.RECORD_HEADER;
    int whole = bytes.length & -Long.BYTES;
    for (int i = 0; i < whole; i += Long.BYTES) {
      if (region.getLong(at + i) != (long) WORDS.get(bytes, i)) {
        return false;
      }
    }
    return whole == bytes.length || (region.getLong(at + whole) ^ rest(whole)) << shift() == 0;
  }

  private long rest(int from) {
    long word = 0;
    for (int i = bytes.length - 1; i >= from; i--) {
      word = word << Byte.SIZE | bytes[i] & 0xFF;
    }
    return word;
  }

  /** By how much the last word is shifted to leave nothing but bytes of the key. */
  private int shift() {
    return Byte.SIZE * (-bytes.length & Long.BYTES - 1);
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
