// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.KeyedHash;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * Strings, each in a raw block of its own.
 *
 * <pre>
 * text  +0  hash 4 | bytes 4
 *       +8  UTF-8
 * </pre>
 *
 * <p>A string is never changed, only replaced. A reader without a lock may be overtaken: the block
 * that he reads is freed, given away and written anew. Then the hash does not fit what he has,
 * unless he has all of a newer string, and he reads again.
 */
final class Texts {
  /** How often a text that does not fit its hash is read again before it is called damaged. */
  static final int PATIENCE = 1000;

  private static final int HEADER_BYTES = 8;
  private static final KeyedHash HASH = new KeyedHash(0x74657874L);

  private Texts() {}

  /** Stores a string in a new block of the transaction; returns where it is. */
  static long create(Pool pool, Transaction tx, String value) {
    MemorySegment text = MemorySegment.ofArray(value.getBytes(StandardCharsets.UTF_8));
    HeapParticipant participant = pool.participant(tx);
    long offset = participant.reserve(HEADER_BYTES + text.byteSize(), Span.Kind.RAW);
    pool.region().putLong(offset, header(text));
    pool.region().copyIn(offset + HEADER_BYTES, text);
    participant.filled(offset, HEADER_BYTES + text.byteSize());
    return offset;
  }

  private static long header(MemorySegment text) {
    return HASH.ofBytes(0, text, 0, text.byteSize()) << 32 | text.byteSize();
  }

  /** The string at an offset, or null if what is there is none, perhaps because it just changed. */
  static String tryRead(Pool pool, long offset) {
    PersistentRegion region = pool.region();
    if (offset % 8 != 0 || !pool.layout().hasInChunks(offset, HEADER_BYTES)) {
      return null;
    }
    long header = region.getLong(offset);
    int bytes = (int) header;
    if (bytes < 0 || !pool.allocator().couldHold(offset, HEADER_BYTES + (long) bytes)) {
      return null;
    }
    byte[] text = new byte[bytes];
    MemorySegment segment = MemorySegment.ofArray(text);
    region.copyOut(offset + HEADER_BYTES, segment);
    return header(segment) == header ? new String(text, StandardCharsets.UTF_8) : null;
  }

  static Corrupt damaged(long offset) {
    return new Corrupt(offset, "text.hash", "the hash of the text", "another");
  }
}
