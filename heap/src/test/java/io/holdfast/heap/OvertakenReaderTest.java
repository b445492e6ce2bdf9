// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.holdfast.crash.ForwardingMedium;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Readers in the middle of whose copying others change what they read, and use its block again. */
class OvertakenReaderTest {
  private final Interrupted medium = new Interrupted();
  private final PersistentRegion region = PersistentRegion.over(medium);
  private final Pool pool = Pool.create(region, "test");

  /** A medium that does something in the middle of the next long copy. */
  private static final class Interrupted extends ForwardingMedium {
    private Runnable next;

    Interrupted() {
      super(Medium.inMemory(SamplePool.SIZE));
    }

    @Override
    public String describe() {
      return inner().describe();
    }

    @Override
    public void copyOut(long offset, MemorySegment into) {
      long half = into.byteSize() / 2;
      inner().copyOut(offset, into.asSlice(0, half));
      if (next != null && half > 200) {
        Runnable now = next;
        next = null;
        now.run();
      }
      inner().copyOut(offset + half, into.asSlice(half));
    }
  }

  @AfterEach
  void close() {
    assertNull(medium.next, "nobody was overtaken");
    pool.close();
    region.close();
  }

  private static byte[] filled(int bytes, int value) {
    byte[] content = new byte[bytes];
    Arrays.fill(content, (byte) value);
    return content;
  }

  @Test
  void block_replaced_andItsBlockGivenToAnother_isReadAgain() {
    PersistentBlocks blocks = pool.root("b", Type.blocks(512, 2));
    blocks.write(0, filled(512, 1));
    blocks.write(1, filled(512, 2));
    medium.next =
        () -> {
          blocks.write(0, filled(512, 3));
          blocks.write(1, filled(512, 4));
        };
    byte[] seen = new byte[512];
    blocks.read(0, seen);
    assertArrayEquals(filled(512, 3), seen);
  }

  @Test
  void segment_truncated_andItsBlockGivenToAnother_isPassedOver() {
    PersistentLog log = pool.root("log", Type.log());
    for (int i = 0; i < 3; i++) {
      log.append(filled(40_000, i));
    }
    medium.next =
        () -> {
          log.truncate(2 * 40_008);
          log.append(filled(40_000, 3));
          log.append(filled(40_000, 4));
        };
    List<Byte> seen = new ArrayList<>();
    long end = log.walk(0, (position, record) -> seen.add(record.get(JAVA_BYTE, 39_999)));
    assertEquals(List.of((byte) 2), seen);
    assertEquals(3 * 40_008, end);
  }
}
