// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SizeClassesTest {
  @Test
  void of_everySize_theSmallestClassThatHoldsIt() {
    for (int bytes = 1; bytes <= SizeClasses.LARGEST; bytes++) {
      int sizeClass = SizeClasses.of(bytes);
      assertTrue(SizeClasses.size(sizeClass) >= bytes, "bytes=" + bytes);
      assertTrue(sizeClass == 0 || SizeClasses.size(sizeClass - 1) < bytes, "bytes=" + bytes);
    }
    assertEquals(SizeClasses.HUGE, SizeClasses.of(SizeClasses.LARGEST + 1));
    assertEquals(SizeClasses.HUGE, SizeClasses.of(Long.MAX_VALUE));
  }

  @Test
  void waste_from128BytesOn_atMostAnEighth() {
    for (long bytes = 128; bytes <= 8L << 20; bytes += 1 + bytes / 1000) {
      int sizeClass = SizeClasses.of(bytes);
      long given =
          sizeClass == SizeClasses.HUGE
              ? SizeClasses.hugeChunks(bytes) * PoolLayout.CHUNK_BYTES
              : SizeClasses.size(sizeClass);
      assertTrue((given - bytes) * 8 <= bytes, "bytes=" + bytes + ", given=" + given);
    }
  }

  @Test
  void runs_everyClass_fitAndWasteLittle() {
    for (int i = 0; i < SizeClasses.COUNT; i++) {
      long run = (long) SizeClasses.runChunks(i) * PoolLayout.CHUNK_BYTES;
      long used = SizeClasses.bitmapBytes(i) + (long) SizeClasses.blocks(i) * SizeClasses.size(i);
      assertTrue(used <= run && (run - used) * 16 <= run, "class " + i);
      assertTrue(SizeClasses.blocks(i) >= 1);
      assertEquals(0, SizeClasses.size(i) % SizeClasses.GRAIN);
      assertEquals(0, SizeClasses.bitmapBytes(i) % 64);
      int bits = SizeClasses.bitmapBytes(i) == 0 ? 64 : SizeClasses.bitmapBytes(i) * 8;
      assertTrue(bits >= SizeClasses.blocks(i), "class " + i);
    }
  }

  /** A part of the table in literal numbers: it is a part of the format. */
  @Test
  void table_literally() {
    assertEquals(104, SizeClasses.COUNT);
    String[] expected = {
      "0: 16 bytes, 4064 blocks in 1 chunks after 512",
      "7: 128 bytes, 511 blocks in 1 chunks after 64",
      "8: 144 bytes, 454 blocks in 1 chunks after 64",
      "31: 1024 bytes, 64 blocks in 1 chunks after 0",
      "47: 4096 bytes, 16 blocks in 1 chunks after 0",
      "48: 4608 bytes, 14 blocks in 1 chunks after 0",
      "71: 32768 bytes, 2 blocks in 1 chunks after 0",
      "72: 36864 bytes, 5 blocks in 3 chunks after 0",
      "103: 524288 bytes, 1 blocks in 8 chunks after 0"
    };
    for (String line : expected) {
      int i = Integer.parseInt(line.substring(0, line.indexOf(':')));
      assertEquals(
          line,
          "%d: %d bytes, %d blocks in %d chunks after %d"
              .formatted(
                  i,
                  SizeClasses.size(i),
                  SizeClasses.blocks(i),
                  SizeClasses.runChunks(i),
                  SizeClasses.bitmapBytes(i)));
    }
  }
}
