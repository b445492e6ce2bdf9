// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import org.junit.jupiter.api.Test;

/** A log in the middle of a region: what is before it and after it is the user's. */
class PlainSpaceTest {
  private static final long AREA = 8192;
  private static final long SIZE = 1 << 16;

  private final PersistentRegion region = PersistentRegion.over(Medium.inMemory(SIZE));
  private final Lanes lanes = Lanes.format(region, AREA, 2, 1024);

  @Test
  void words_beforeAndAfterTheLog_written() {
    long[] words = {0, AREA - 8, lanes.end(), SIZE - 8};
    lanes.run(tx -> {
      for (long word : words) {
        tx.setLong(word, word + 1);
      }
    });
    for (long word : words) {
      assertEquals(word + 1, region.getLong(word));
    }
    assertTrue(Lanes.open(region, AREA).recovery().rolledForward() > 0);
  }

  @Test
  void ranges_thatTouchTheLog_refused() {
    long end = lanes.end();
    lanes.run(tx -> {
      for (long[] range :
          new long[][] {{AREA, 8}, {AREA - 8, 16}, {end - 8, 16}, {0, SIZE}, {AREA + 64, 8}}) {
        var e = assertThrows(IllegalArgumentException.class, () -> tx.snapshot(range[0], range[1]));
        assertTrue(e.getMessage().startsWith("inside the log: offset=" + range[0]), e::getMessage);
      }
      tx.snapshot(AREA - 64, 64);
      tx.snapshot(end, 64);
    });
  }

  @Test
  void ranges_outsideTheRegion_refused() {
    lanes.run(tx -> {
      for (long[] range :
          new long[][] {{-8, 8}, {0, -8}, {SIZE, 8}, {SIZE - 8, 16}, {8, Long.MAX_VALUE}}) {
        assertThrows(IndexOutOfBoundsException.class, () -> tx.snapshot(range[0], range[1]));
      }
    });
  }

  /** Frees of one bitmap word that do not fit together are not put together. */
  @Test
  void frees_ofOtherSizes_notGathered() {
    Frees frees = new Frees();
    assertTrue(frees.add(LogLayout.entry(LogLayout.FREE, 1, 4096), 1064, 64));
    assertTrue(frees.add(LogLayout.entry(LogLayout.FREE, 2, 4096), 1128, 64));
    assertFalse(frees.add(LogLayout.entry(LogLayout.FREE, 3, 4096), 1129, 64));
    assertFalse(frees.add(LogLayout.entry(LogLayout.FREE, 0, 4096), 1000, 128));
    assertTrue(frees.add(LogLayout.entry(LogLayout.FREE, 3, 4104), 1129, 32));
  }
}
