// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.CrashModel;
import io.holdfast.crash.Trace;
import io.holdfast.crash.TracingMedium;
import io.holdfast.crash.Tried;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.HoldfastException.UnsupportedVersion;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.TransactionAccess.Acceptance;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Damaged logs: refused with the place named and nothing changed, or opened with what was
 * committed.
 */
class LogDamageTest {
  private static final LogLayout LAYOUT = new LogLayout(0, 2, 1024);
  private static final long WORD = LAYOUT.end();
  private static final int TRANSACTIONS = 5;

  /** 1 in the profile {@code nightly}. */
  private static final int FLIPPED_EVERY = Integer.getInteger("holdfast.flips.every", 16);

  /** A log in use: five commits, the last value being 5, and nothing clean about it. */
  private static long[] used() {
    TracingMedium medium = TracingMedium.ofSize((int) LAYOUT.end() + 4096);
    PersistentRegion region = medium.region();
    Lanes lanes = Lanes.format(region, LAYOUT, 99, 0, new PlainSpace(region, LAYOUT));
    for (int i = 1; i <= TRANSACTIONS; i++) {
      long value = i;
      lanes.run(tx -> tx.setLong(WORD, value));
    }
    return medium.image();
  }

  private static long[] with(long[] image, long offset, long value) {
    long[] changed = image.clone();
    changed[(int) offset / 8] = value;
    return changed;
  }

  private static Lanes open(long[] image) {
    return Lanes.open(new TracingMedium(image).region(), 0);
  }

  @Test
  void header_oneCopyDamaged_openedFromTheOtherAndMendedAtClose() {
    for (long copy : new long[] {LogLayout.HEADER, LogLayout.SECOND_HEADER}) {
      for (long at = 0; at < LogLayout.HEADER_BYTES; at += 8) {
        TracingMedium medium = new TracingMedium(with(used(), copy + at, 0x1234));
        Lanes lanes = Lanes.open(medium.region(), 0);
        assertTrue(lanes.recovery().headerMended());
        assertEquals(TRANSACTIONS, medium.region().getLong(WORD));
        lanes.close();
        Trace trace = medium.trace();
        trace.forEachImage(
            trace.points().getLast(),
            CrashModel.WORD,
            left -> assertFalse(open(left).recovery().headerMended()));
      }
    }
  }

  @Test
  void header_bothCopiesDamaged_refusedByField() {
    Map<Long, String> fields = new HashMap<>();
    fields.put(LogLayout.HEADER_MAGIC, "log.magic");
    for (long at = 0; at < LogLayout.HEADER_BYTES; at += 8) {
      long[] image = with(used(), LogLayout.HEADER + at, 0x1234);
      image = with(image, LogLayout.SECOND_HEADER + at, 0x1234);
      long[] damaged = image;
      Corrupt e = assertThrows(Corrupt.class, () -> open(damaged));
      assertEquals(fields.getOrDefault(at, "log.checksum"), e.field());
    }
  }

  @Test
  void header_otherVersion_refused() {
    PersistentRegion region = PersistentRegion.over(Medium.inMemory(LAYOUT.end()));
    Lanes.format(region, LAYOUT, 99, 0, new PlainSpace(region, LAYOUT));
    LogHeader header = new LogHeader(LAYOUT, 99);
    for (int version : new int[] {0, 2}) {
      header.store(region, LogLayout.HEADER, version);
      header.store(region, LogLayout.SECOND_HEADER, version);
      var e = assertThrows(UnsupportedVersion.class, () -> Lanes.open(region, 0));
      assertTrue(e.getMessage().contains("format version " + version), e.getMessage());
    }
  }

  @Test
  void header_sizesThatCannotBe_refused() {
    PersistentRegion region = PersistentRegion.over(Medium.inMemory(LAYOUT.end()));
    Map<LogLayout, String> bad =
        Map.of(
            new LogLayout(0, 0, 1024), "log.lanes",
            new LogLayout(0, 5000, 1024), "log.lanes",
            new LogLayout(0, 2, 1000), "log.ring",
            new LogLayout(4096, 2, 1024), "log.area",
            new LogLayout(0, 1024, 1 << 20), "log.end");
    bad.forEach((layout, field) -> {
      new LogHeader(layout, 99).store(region, LogLayout.HEADER);
      new LogHeader(layout, 99).store(region, LogLayout.SECOND_HEADER);
      Corrupt e = assertThrows(Corrupt.class, () -> Lanes.open(region, 0));
      assertEquals(field, e.field());
    });
  }

  /** A transaction would wait for a lane that there is not. */
  @Test
  void header_noLaneBesideTheReserved_refused() {
    PersistentRegion region = new TracingMedium(used()).region();
    for (int reserved : new int[] {2, 3}) {
      Corrupt e =
          assertThrows(
              Corrupt.class,
              () -> Lanes.open(region, 0, reserved, Acceptance.NOTHING_LOST, PlainSpace::new));
      assertEquals("log.lanes", e.field());
    }
    Lanes.open(region, 0, 1, Acceptance.NOTHING_LOST, PlainSpace::new).begin().close();
  }

  @Test
  void open_nothingThere_refused() {
    PersistentRegion region = PersistentRegion.over(Medium.inMemory(LAYOUT.end()));
    Corrupt e = assertThrows(Corrupt.class, () -> Lanes.open(region, 0));
    assertEquals("log.magic", e.field());
    assertThrows(IndexOutOfBoundsException.class, () -> Lanes.open(region, LAYOUT.end()));
  }

  @Test
  void commit_missingInTheMiddle_refused() {
    long[] image = used();
    int found = 0;
    for (int lane = 0; lane < LAYOUT.lanes(); lane++) {
      for (long line = 0; line < LAYOUT.ringLines(); line++) {
        long at = LAYOUT.ring(lane) + line * 64;
        if (image[(int) at / 8] != 0) {
          long[] damaged = with(image, at + 16, ~image[(int) at / 8 + 2]);
          found++;
          if (found < TRANSACTIONS) {
            Corrupt e = assertThrows(Corrupt.class, () -> open(damaged));
            assertEquals("log.previous", e.field());
          } else {
            // Damage to the last record cannot be told from a commit that was under way.
            assertEquals(TRANSACTIONS - 1, open(damaged).recovery().rolledForward());
          }
        }
      }
    }
    assertEquals(TRANSACTIONS, found);
  }

  @Test
  void watermark_ofALineThatIsNotSound_ignored() {
    for (int lane = 0; lane < LAYOUT.lanes(); lane++) {
      for (int which = 0; which < 2; which++) {
        // The value is in the log only, as after a loss of power.
        long[] image = with(used(), WORD, 0);
        image = with(image, LAYOUT.watermarkLine(lane, which), 0x1234);
        image = with(image, LAYOUT.watermarkLine(lane, which) + 8, 1000);
        TracingMedium medium = new TracingMedium(image);
        Lanes.open(medium.region(), 0);
        assertEquals(TRANSACTIONS, medium.region().getLong(WORD));
      }
    }
  }

  @Test
  void era_damaged_refused() {
    long[] image = used();
    for (int bit = 0; bit < 64; bit++) {
      long[] damaged = with(image, LAYOUT.era(), image[(int) LAYOUT.era() / 8] ^ 1L << bit);
      Corrupt e = assertThrows(Corrupt.class, () -> open(damaged));
      assertEquals("log.era", e.field());
    }
  }

  /** Every bit of the area: refused with the image as it was, or all that is known is right. */
  @Test
  void area_everyBitFlipped_refusedUnchangedOrRight() {
    long[] image = used();
    int lastRecordLine = 0;
    for (int word = (int) LAYOUT.ring(0) / 8; word < LAYOUT.end() / 8; word += 8) {
      lastRecordLine = image[word] == 0 ? lastRecordLine : word / 8;
    }
    int refused = 0;
    int opened = 0;
    for (int word = 0; word < LAYOUT.end() / 8; word++) {
      // What holds nothing need not be tried bit by bit in each build.
      int step = image[word] == 0 && word % 8 != 0 ? FLIPPED_EVERY : 1;
      for (int bit = word % step; bit < 64; bit += step) {
        long[] damaged = with(image, word * 8L, image[word] ^ 1L << bit);
        TracingMedium medium = new TracingMedium(damaged);
        try {
          Lanes lanes = Lanes.open(medium.region(), 0);
          opened++;
          long value = medium.region().getLong(WORD);
          // Damage to the last record reads as a commit that was under way: the one before counts.
          long expected = word / 8 == lastRecordLine ? TRANSACTIONS - 1 : TRANSACTIONS;
          assertEquals(expected, value, "word " + word + " bit " + bit);
          lanes.run(tx -> tx.setLong(WORD, 7));
        } catch (HoldfastException e) {
          refused++;
          assertArrayEquals(damaged, medium.image());
        }
      }
    }
    Tried.say("bits flipped of a log", "%d opened, %d refused".formatted(opened, refused));
    assertTrue(refused > 1000 && opened > 1000, refused + " refused, " + opened + " opened");
  }
}
