// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** The format, in literal numbers: to be changed when the format's version is, and not before. */
class LogLayoutTest {
  static LogLayout layout(long area, int lanes, int ring) {
    return new LogLayout(area, lanes, ring);
  }

  @Test
  void area_offsets() {
    LogLayout layout = layout(8192, 3, 65536);
    assertEquals(8192 + 64, layout.era());
    assertEquals(8192 + 72, layout.mark());
    assertEquals(8192 + 8192, layout.watermarkLine(0, 0));
    assertEquals(8192 + 8192 + 64, layout.watermarkLine(0, 1));
    assertEquals(8192 + 8192 + 4 * 64, layout.watermarkLine(2, 0));
    assertEquals(8192 + 12288, layout.ring(0));
    assertEquals(8192 + 12288 + 2 * 65536, layout.ring(2));
    assertEquals(8192 + 12288 + 3 * 65536, layout.end());
    assertEquals(12288 + 3 * 65536, Lanes.areaBytes(3, 65536));
    assertEquals(12288 + 4096, Lanes.areaBytes(2, 1024));
    assertEquals(8192 + 2 * 4096 + 33 * 1024 + 3072, Lanes.areaBytes(33, 1024));
  }

  @Test
  void deltas_andWhatTheySay() {
    assertEquals(3L << 32 | 5, LogLayout.deltas(100, 97, 95));
    assertEquals(95, LogLayout.watermark(100, 3L << 32 | 5));
    assertEquals(97, LogLayout.previous(100, 3L << 32 | 5));
    assertEquals(0, LogLayout.previous(100, LogLayout.deltas(100, 0, 95)));
  }

  @Test
  void deltas_tooFarBack_sayNothing() {
    long number = 10_000_000_000L;
    long deltas = LogLayout.deltas(number, 7, 5);
    assertEquals(0xFFFFFFFF_FFFFFFFFL, deltas);
    assertEquals(0, LogLayout.watermark(number, deltas));
    assertEquals(LogLayout.UNKNOWN, LogLayout.previous(number, deltas));
  }
}
