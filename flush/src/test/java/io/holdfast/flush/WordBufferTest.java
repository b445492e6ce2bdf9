// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** What a log is made up in. */
class WordBufferTest {
  private static WordBuffer counting(int words) {
    WordBuffer buffer = new WordBuffer();
    buffer.reserve(words);
    for (int i = 0; i < words; i++) {
      buffer.put(i, i + 1L);
    }
    return buffer;
  }

  @Test
  void reserve_more_contentsStay() {
    WordBuffer buffer = counting(10);
    assertFalse(buffer.reserve(10));
    assertTrue(buffer.reserve(1000));
    assertEquals(1000, buffer.capacity());
    for (int i = 0; i < 10; i++) {
      assertEquals(i + 1, buffer.get(i));
    }
  }

  @Test
  void access_outside_refused() {
    assertThrows(IndexOutOfBoundsException.class, () -> new WordBuffer().get(0));
    WordBuffer buffer = counting(3);
    for (int index : new int[] {-1, 3, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
      assertThrows(IndexOutOfBoundsException.class, () -> buffer.get(index));
      assertThrows(IndexOutOfBoundsException.class, () -> buffer.put(index, 1));
      assertThrows(IndexOutOfBoundsException.class, () -> buffer.segment(index, 2));
    }
  }

  @Test
  void words_areLittleEndianAndSeenInSegments() {
    WordBuffer buffer = counting(4);
    buffer.put(2, 0x0102030405060708L);
    MemorySegment segment = buffer.segment(2, 2);
    assertEquals(16, segment.byteSize());
    assertEquals(0x08, segment.get(JAVA_BYTE, 0));
    segment.set(JAVA_BYTE, 0, (byte) 9);
    assertEquals(0x0102030405060709L, buffer.get(2));
  }

  @Test
  void lines_copyOfWords_arriveAndAreChecked() {
    try (PersistentRegion region = PersistentRegion.over(Medium.inMemory(8192))) {
      WordBuffer buffer = counting(64);
      Lines lines = region.lines();
      lines.copy(64, buffer, 5, 40).copy(4096, buffer, 0, 1).copy(0, buffer, 0, 0);
      assertEquals(41 * 8, lines.copiedBytes());
      region.persist(lines);
      for (int i = 0; i < 40; i++) {
        assertEquals(i + 6, region.getLong(64 + 8L * i));
      }
      assertEquals(1, region.getLong(4096));
      assertThrows(IllegalArgumentException.class, () -> lines.copy(4, buffer, 0, 1));
      assertThrows(IndexOutOfBoundsException.class, () -> lines.copy(0, buffer, 60, 5));
      assertThrows(IndexOutOfBoundsException.class, () -> lines.copy(8184, buffer, 0, 2));
    }
  }
}
