// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a reader of a device sees, on a file that is mapped as a device is. */
class OverlayMediumTest {
  private static final int BYTES = 64 * 4096;

  @TempDir Path folder;

  private final byte[] content = new byte[BYTES];
  private Path file;
  private PersistentRegion region;

  @BeforeEach
  void open() throws IOException, Libc.Errno {
    new Random(1).nextBytes(content);
    file = Files.write(folder.resolve("device"), content);
    MappedFile mapped = RegularFile.open(file, MappedFile.Sharing.SHARED);
    AddressRange range = AddressRange.reserve(BYTES);
    mapped.map(range, Libc.PROT_READ, Libc.MAP_SHARED);
    region = PersistentRegion.over(new OverlayMedium(mapped, range));
  }

  @AfterEach
  void close() throws IOException {
    region.close();
    assertArrayEquals(content, Files.readAllBytes(file), "the device was changed");
  }

  private void assertReads(byte[] expected) {
    MemorySegment bytes = MemorySegment.ofArray(new byte[BYTES]);
    region.copyOut(0, bytes);
    assertArrayEquals(expected, bytes.toArray(ValueLayout.JAVA_BYTE));
  }

  @Test
  void stores_ofEveryKind_seenByEveryKindOfLoad() {
    byte[] expected = content.clone();
    MemorySegment model = MemorySegment.ofArray(expected);
    Random random = new Random(2);
    for (int i = 0; i < 2000; i++) {
      long at = random.nextInt(BYTES - 16);
      long value = random.nextLong();
      switch (random.nextInt(5)) {
        case 0 -> {
          region.putByte(at, (byte) value);
          model.set(ValueLayout.JAVA_BYTE, at, (byte) value);
        }
        case 1 -> {
          region.putInt(at, (int) value);
          model.set(ValueLayout.JAVA_INT_UNALIGNED, at, (int) value);
        }
        case 2 -> {
          region.putLong(at, value);
          model.set(ValueLayout.JAVA_LONG_UNALIGNED, at, value);
        }
        case 3 -> {
          long word = at & -8;
          long old = model.get(ValueLayout.JAVA_LONG_UNALIGNED, word);
          assertTrue(region.compareAndSetLong(word, old, value));
          assertFalse(region.compareAndSetLong(word, ~value, 0));
          model.set(ValueLayout.JAVA_LONG_UNALIGNED, word, value);
        }
        default -> {
          region.writable(at, 8).set(ValueLayout.JAVA_LONG_UNALIGNED, 0, value);
          model.set(ValueLayout.JAVA_LONG_UNALIGNED, at, value);
        }
      }
      long look = random.nextInt(BYTES - 16);
      assertEquals(model.get(ValueLayout.JAVA_LONG_UNALIGNED, look), region.getLong(look));
      assertEquals(
          -1, region.view(look, 16).mismatch(model.asSlice(look, 16)), "a view at " + look);
    }
    assertReads(expected);
  }

  @Test
  void persist_copiesLikeStores() {
    MemorySegment words = MemorySegment.ofArray(new long[] {1, 2, 3});
    region.copyDurably(4090, words);
    byte[] expected = content.clone();
    MemorySegment.ofArray(expected).asSlice(4090, 24).copyFrom(words);
    assertReads(expected);
    region.seal();
    assertThrows(HoldfastException.ReadOnly.class, () -> region.putLong(0, 1));
    assertReads(expected);
  }
}
