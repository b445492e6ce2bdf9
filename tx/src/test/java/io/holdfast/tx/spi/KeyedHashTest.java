// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx.spi;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.holdfast.flush.WordBuffer;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** One hash, wherever the bytes are. */
class KeyedHashTest {
  private final KeyedHash hash = new KeyedHash(42);

  @Test
  void bytes_inArrayOrSegment_hashAlike() {
    Random random = new Random(1);
    for (int length = 0; length < 70; length++) {
      byte[] bytes = new byte[length];
      random.nextBytes(bytes);
      MemorySegment segment = MemorySegment.ofArray(new byte[length + 3]);
      MemorySegment.copy(bytes, 0, segment, JAVA_BYTE, 3, length);
      assertEquals(hash.ofBytes(7, segment, 3, length), hash.ofBytes(7, bytes));
      assertNotEquals(hash.ofBytes(8, bytes), hash.ofBytes(7, bytes));
      byte[] longer = Arrays.copyOf(bytes, length + 1);
      assertNotEquals(hash.ofBytes(7, longer), hash.ofBytes(7, bytes));
    }
  }

  @Test
  void words_inBufferOrSegment_hashAlike() {
    WordBuffer buffer = new WordBuffer();
    buffer.reserve(40);
    Random random = new Random(2);
    for (int i = 0; i < 40; i++) {
      buffer.put(i, random.nextLong());
    }
    for (int from = 0; from < 8; from++) {
      for (int words = 0; words < 32; words++) {
        assertEquals(
            hash.ofWords(3, buffer.segment(0, 40), 8L * from, words),
            hash.ofWords(3, buffer, from, words));
      }
    }
  }
}
