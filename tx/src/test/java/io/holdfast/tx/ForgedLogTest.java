// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.TracingMedium;
import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.HoldfastException.UnsupportedVersion;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.KeyedHash;
import io.holdfast.tx.spi.TransactionAccess.Acceptance;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/**
 * Frames whose checksums are right, and that no transaction has written: what would do harm is
 * refused with nothing stored; what is only not a commit is none.
 */
class ForgedLogTest {
  private static final LogLayout LAYOUT = new LogLayout(0, 2, 1024);
  private static final long KEY = 99;
  private static final int LANE = 1;
  private static final long WORD = LAYOUT.end();
  private static final long PAST_ALL_LINES = 100;

  private final TracingMedium medium = TracingMedium.ofSize((int) TestSpace.bytes(LAYOUT));
  private final PersistentRegion region = medium.region();
  private final TestSpace space = new TestSpace(region, LAYOUT);
  private final Log log = new Log(region, LAYOUT, space, new KeyedHash(KEY), 1);
  private final long extension = space.block(TestSpace.BLOCKS);

  ForgedLogTest() {
    Lanes.format(region, LAYOUT, KEY, 0, space);
  }

  private Lanes open() {
    return Lanes.open(region, 0, 0, Acceptance.NOTHING_LOST, TestSpace::new);
  }

  private void assertRefused(String field) {
    long[] before = medium.image();
    Corrupt e = assertThrows(Corrupt.class, this::open);
    assertEquals(field, e.field(), e::getMessage);
    assertArrayEquals(before, medium.image());
  }

  private void assertCommitted(int count) {
    assertEquals(count, open().recovery().rolledForward());
  }

  // ---- forging

  private static long entry(int kind, long offset) {
    return LogLayout.entry(kind, 0, offset);
  }

  private static long[] setWord(long value) {
    return new long[] {entry(LogLayout.SET_WORD, WORD), value};
  }

  /** The words of a frame that is all in order but for what it says. */
  private long[] frame(long seed, int kind, long... payload) {
    long[] words = new long[LogLayout.frameLines(payload.length) * LogLayout.LINE_WORDS];
    words[LogLayout.FRAME_HEAD] = LogLayout.head(kind, payload.length);
    System.arraycopy(payload, 0, words, LogLayout.FRAME_PAYLOAD, payload.length);
    words[LogLayout.FRAME_CHECKSUM] =
        log.checksum()
            .ofWords(
                seed, MemorySegment.ofArray(words), 8L * LogLayout.FRAME_HEAD, 1 + payload.length);
    return words;
  }

  /** Writes a frame to the ring, and returns the position after it. */
  private long toRing(long position, int kind, long... payload) {
    long[] words = frame(log.ringSeed(LANE, position), kind, payload);
    for (int i = 0; i < words.length; i++) {
      long at = (position * LogLayout.LINE_WORDS + i) * 8 % LAYOUT.ringBytes();
      region.putLong(LAYOUT.ring(LANE) + at, words[i]);
    }
    return position + words.length / LogLayout.LINE_WORDS;
  }

  private void toExtension(long start, long address, int kind, long... payload) {
    long[] words = frame(log.extensionSeed(LANE, start, address), kind, payload);
    for (int i = 0; i < words.length; i++) {
      region.putLong(address + 8L * i, words[i]);
    }
  }

  private static long[] record(long position, long frames, long lines, long number) {
    return new long[] {position, frames << 32 | lines, number, LogLayout.deltas(number, 0, 0)};
  }

  private static long[] both(long[] first, long[] second) {
    return LongStream.concat(Arrays.stream(first), Arrays.stream(second)).toArray();
  }

  /** A commit of one frame at the beginning of the ring. */
  private void commit(long... entries) {
    toRing(0, LogLayout.COMMIT, both(entries, record(0, 1, 0, 1)));
  }

  // ---- entries

  @Test
  void commit_inOrder_carriedOut() {
    commit(setWord(7));
    assertCommitted(1);
    assertEquals(7, region.getLong(WORD));
  }

  @Test
  void entry_ofNoKind_refused() {
    for (int kind : new int[] {0, 9, 255}) {
      commit(entry(kind, WORD), 0, 0, 0);
      assertRefused("log.entry.kind");
    }
  }

  @Test
  void entry_longerThanItsFrame_refused() {
    for (long[] entry :
        new long[][] {
          {entry(LogLayout.SET_WORD, WORD)},
          {entry(LogLayout.SET_RANGE, WORD)},
          {entry(LogLayout.SET_RANGE, WORD), 16, 1},
          {entry(LogLayout.SNAP_RANGE, WORD), 1L << 40, 1},
          {entry(LogLayout.ALLOCATE, space.bitmap()), space.block(0)},
          {entry(LogLayout.FREE_MANY, space.bitmap()), 1, space.block(0)},
          {entry(LogLayout.LINK, extension)},
        }) {
      commit(entry);
      assertRefused("log.entry.words");
    }
  }

  /** What comes behind the entries is not taken for a length. */
  @Test
  void range_withoutItsLength_refused() {
    for (int kind : new int[] {LogLayout.SET_RANGE, LogLayout.SNAP_RANGE}) {
      toRing(0, LogLayout.DATA, entry(kind, WORD));
      region.putLong(LAYOUT.ring(LANE) + 8 * (LogLayout.FRAME_PAYLOAD + 1), 1024);
      assertRefused("log.entry.words");
    }
  }

  @Test
  void range_ofNoWholeWords_refused() {
    for (long bytes : new long[] {0, -8, 7, 12, Long.MIN_VALUE}) {
      commit(entry(LogLayout.SET_RANGE, WORD), bytes, 0, 0);
      assertRefused("log.entry.bytes");
    }
  }

  @Test
  void store_whereNoneMayBe_refused() {
    long end = region.size();
    for (long offset :
        new long[] {
          WORD + 1, 0, LAYOUT.ring(0), LAYOUT.end() - 8, end, end - 4, end - 8, 1L << 47
        }) {
      for (int kind : new int[] {LogLayout.SET_WORD, LogLayout.SNAP_WORD}) {
        commit(entry(kind, offset), 7);
        assertRefused("log.entry.offset");
      }
    }
    commit(entry(LogLayout.SET_RANGE, LAYOUT.end() - 8), 16, 1, 2);
    assertRefused("log.entry.offset");
    commit(entry(LogLayout.SET_RANGE, end - 8), 16, 1, 2);
    assertRefused("log.entry.offset");
  }

  @Test
  void bit_ofNoBlock_refused() {
    int kind = LogLayout.ALLOCATE;
    long bitmap = space.bitmap();
    for (long[] entry :
        new long[][] {
          {LogLayout.entry(kind, 0, bitmap + 4), space.block(0), TestSpace.BLOCK_BYTES},
          {LogLayout.entry(kind, 64, bitmap), space.block(0), TestSpace.BLOCK_BYTES},
          {LogLayout.entry(kind, 0, LAYOUT.era()), space.block(0), TestSpace.BLOCK_BYTES},
          {LogLayout.entry(kind, 0, region.size()), space.block(0), TestSpace.BLOCK_BYTES},
          {LogLayout.entry(kind, 1, bitmap), space.block(0), TestSpace.BLOCK_BYTES},
          {LogLayout.entry(kind, 0, bitmap), space.block(0), 0},
          {LogLayout.entry(kind, 0, bitmap), space.block(0), -64},
          {LogLayout.entry(kind, 0, bitmap), -64, TestSpace.BLOCK_BYTES},
          {LogLayout.entry(kind, 0, bitmap), LAYOUT.ring(0), TestSpace.BLOCK_BYTES},
          {LogLayout.entry(kind, 0, bitmap), 0, Long.MAX_VALUE},
          {LogLayout.entry(LogLayout.FREE_MANY, 0, bitmap), 1L << 40, space.block(0), 1L << 40},
        }) {
      commit(entry);
      assertRefused("log.entry.bit");
    }
  }

  @Test
  void link_whereNoFrameCanBe_refused() {
    for (long[] entry :
        new long[][] {
          {entry(LogLayout.LINK, extension + 8), 64},
          {entry(LogLayout.LINK, extension), 65},
          {entry(LogLayout.LINK, extension), 0},
          {entry(LogLayout.LINK, extension), -64},
          {entry(LogLayout.LINK, LAYOUT.ring(0)), 64},
          {entry(LogLayout.LINK, region.size()), 64},
          {entry(LogLayout.LINK, region.size() - 64), 128},
        }) {
      commit(entry);
      assertRefused("log.entry.link");
    }
  }

  @Test
  void link_toWhereItIs_refused() {
    long next = toRing(0, LogLayout.DATA, entry(LogLayout.LINK, extension), 128);
    toExtension(0, extension, LogLayout.DATA, entry(LogLayout.LINK, extension), 128);
    toRing(next, LogLayout.COMMIT, record(next, 3, next, 1));
    assertRefused("log.entry.link");
  }

  // ---- transactions

  @Test
  void extension_allFramesThere_carriedOut() {
    long next = toRing(0, LogLayout.DATA, entry(LogLayout.LINK, extension), 128);
    toExtension(0, extension, LogLayout.DATA, setWord(5));
    toRing(next, LogLayout.COMMIT, record(next, 3, next, 1));
    assertCommitted(1);
    assertEquals(5, region.getLong(WORD));
  }

  /** As a transaction leaves it that outgrows its extension too. */
  @Test
  void extension_linkedToAnother_carriedOut() {
    long second = extension + TestSpace.EXTENSION_BYTES;
    long next = toRing(0, LogLayout.DATA, entry(LogLayout.LINK, extension), 128);
    toExtension(0, extension, LogLayout.DATA, entry(LogLayout.LINK, second), 128);
    toExtension(0, second, LogLayout.DATA, setWord(5));
    toExtension(0, second + LogLayout.LINE, LogLayout.DATA, entry(LogLayout.SET_WORD, WORD + 8), 6);
    toRing(next, LogLayout.COMMIT, record(next, 5, next, 1));
    assertCommitted(1);
    assertEquals(5, region.getLong(WORD));
    assertEquals(6, region.getLong(WORD + 8));
  }

  /** More frames than its links lead to. */
  @Test
  void extension_endsBeforeTheTransaction_isNoCommit() {
    for (long frames : new long[] {3, 4, 0xFFFFFFFFL}) {
      long next = toRing(0, LogLayout.DATA, entry(LogLayout.LINK, extension), 64);
      toExtension(0, extension, LogLayout.DATA, setWord(5));
      toRing(next, LogLayout.COMMIT, record(next, frames, next, 1));
      assertCommitted(frames == 3 ? 1 : 0);
      Lanes.format(region, LAYOUT, KEY, 0, space);
    }
  }

  /** A frame that says it goes on behind its extension. */
  @Test
  void extension_frameLongerThanIt_isNoCommit() {
    long next = toRing(0, LogLayout.DATA, entry(LogLayout.LINK, extension), 64);
    long[] range = new long[2 + 10];
    range[0] = entry(LogLayout.SET_RANGE, WORD);
    range[1] = 80;
    toExtension(0, extension, LogLayout.DATA, range);
    toRing(next, LogLayout.COMMIT, record(next, 3, next, 1));
    assertCommitted(0);
  }

  @Test
  void extension_frameOfNoKind_isNoCommit() {
    for (int kind : new int[] {0, 4, 0x101}) {
      long next = toRing(0, LogLayout.DATA, entry(LogLayout.LINK, extension), 128);
      toExtension(0, extension, kind, setWord(5));
      toRing(next, LogLayout.COMMIT, record(next, 3, next, 1));
      assertCommitted(0);
      Lanes.format(region, LAYOUT, KEY, 0, space);
    }
  }

  /** One that fits into its extension, and is longer than any that is written. */
  @Test
  void extension_frameLongerThanAny_isNoCommit() {
    int words = TestSpace.EXTENSION_BYTES / 8 - LogLayout.FRAME_PAYLOAD;
    long next = toRing(0, LogLayout.DATA, entry(LogLayout.LINK, extension), 2048);
    long[] range = new long[words];
    range[0] = entry(LogLayout.SET_RANGE, extension);
    range[1] = 8L * (words - 2);
    toExtension(0, extension, LogLayout.DATA, range);
    toRing(next, LogLayout.COMMIT, record(next, 3, next, 1));
    assertCommitted(0);
  }

  /** A frame of the transaction, at a place that it was not written to. */
  @Test
  void extension_frameOfAnotherPlace_isNoCommit() {
    long next = toRing(0, LogLayout.DATA, entry(LogLayout.LINK, extension), 128);
    toExtension(0, extension + LogLayout.LINE, LogLayout.DATA, setWord(5));
    for (int i = 0; i < LogLayout.LINE; i += 8) {
      region.putLong(extension + i, region.getLong(extension + LogLayout.LINE + i));
    }
    toRing(next, LogLayout.COMMIT, record(next, 3, next, 1));
    assertCommitted(0);
  }

  /** A line that is sound where it was written, and lies where another belongs. */
  @Test
  void watermark_lineOfAnotherPlace_notBelieved() {
    for (int[] from : new int[][] {{LANE, 0}, {0, 1}}) {
      commit(setWord(7));
      long line = LAYOUT.watermarkLine(LANE, 1);
      region.putLong(line, log.watermarkChecksum(from[0], from[1], 5));
      region.putLong(line + 8, 5);
      assertCommitted(1);
      Lanes.format(region, LAYOUT, KEY, 0, space);
    }
    commit(setWord(7));
    region.putLong(LAYOUT.watermarkLine(LANE, 1) + 8, 5);
    region.putLong(LAYOUT.watermarkLine(LANE, 1), log.watermarkChecksum(LANE, 1, 4));
    assertCommitted(1);
    Lanes.format(region, LAYOUT, KEY, 0, space);
    commit(setWord(7));
    region.putLong(LAYOUT.watermarkLine(LANE, 1) + 8, 5);
    region.putLong(LAYOUT.watermarkLine(LANE, 1), log.watermarkChecksum(LANE, 1, 5));
    assertCommitted(0);
  }

  @Test
  void extension_whereNoneIsLinked_isNoCommit() {
    toRing(0, LogLayout.COMMIT, both(setWord(7), record(0, 2, 0, 1)));
    assertCommitted(0);
    assertEquals(0, region.getLong(WORD));
  }

  @Test
  void record_thatBeginsBeforeTheRing_isNoCommit() {
    toRing(0, LogLayout.COMMIT, both(setWord(7), record(0, 1, 1, 1)));
    assertCommitted(0);
  }

  @Test
  void record_ofMoreThanARing_isNoCommit() {
    toRing(PAST_ALL_LINES, LogLayout.COMMIT, record(PAST_ALL_LINES, 1, LAYOUT.ringLines(), 1));
    assertCommitted(0);
  }

  /** The record of another transaction lies between the first frame and the record. */
  @Test
  void record_withAnotherInside_isNoCommit() {
    long next = toRing(0, LogLayout.COMMIT, both(setWord(1), record(0, 1, 0, 1)));
    toRing(next, LogLayout.COMMIT, both(setWord(2), record(next, 2, next, 2)));
    assertCommitted(1);
    assertEquals(1, region.getLong(WORD));
  }

  @Test
  void record_withoutItsFrames_isRefusedIfAnotherFollows() {
    long next = toRing(0, LogLayout.COMMIT, both(setWord(1), record(0, 2, 0, 1)));
    toRing(next, LogLayout.COMMIT, both(setWord(2), record(next, 1, 0, 2)));
    assertRefused("log.frames");
  }

  @Test
  void record_atAnotherPositionOfItsLine_isNoCommit() {
    toRing(0, LogLayout.COMMIT, both(setWord(7), record(LAYOUT.ringLines(), 1, 0, 1)));
    assertCommitted(0);
    toRing(0, LogLayout.COMMIT, both(setWord(7), record(-LAYOUT.ringLines(), 1, 0, 1)));
    assertCommitted(0);
  }

  @Test
  void undecided_fillsTheRing_undone() {
    region.putLong(WORD, 5);
    long position = 0;
    while (position < LAYOUT.ringLines()) {
      position = toRing(position, LogLayout.DATA, entry(LogLayout.SNAP_WORD, WORD), position);
    }
    assertEquals(1, open().recovery().rolledBack());
    assertEquals(0, region.getLong(WORD));
  }

  /** Old and new contents of a transaction that is not decided: only the old ones count. */
  @Test
  void undecided_rangesOfBothKinds_onlyOldContentsCount() {
    region.putLong(WORD, 5);
    toRing(
        0,
        LogLayout.DATA,
        both(
            new long[] {entry(LogLayout.SET_RANGE, WORD), 16, 8, 8},
            new long[] {entry(LogLayout.SNAP_RANGE, WORD), 16, 3, 4}));
    open();
    assertEquals(3, region.getLong(WORD));
    assertEquals(4, region.getLong(WORD + 8));
  }

  /** So many commits between two of a lane that the distance is not said. */
  @Test
  void commit_whosePredecessorIsTooFarBack_isNotAskedForIt() {
    long number = 1L << 40;
    long[] record = record(0, 1, 0, number);
    record[LogLayout.RECORD_DELTAS] = LogLayout.deltas(number, 1, 1);
    toRing(0, LogLayout.COMMIT, both(setWord(7), record));
    assertCommitted(1);
    assertEquals(7, region.getLong(WORD));
  }

  /** The same number of commits, all of which count as durable. */
  @Test
  void commit_thatIsDurableByItsOwnWatermark_isNotCarriedOut() {
    long[] record = record(0, 1, 0, 3);
    record[LogLayout.RECORD_DELTAS] = LogLayout.deltas(3, 1, 3);
    toRing(0, LogLayout.COMMIT, both(setWord(7), record));
    assertCommitted(0);
  }

  @Test
  void mark_withoutItsCheck_refused() {
    OpeningMark mark = OpeningMark.now(OpeningMark.State.OPEN, region);
    long word = mark.encode(log.checksum());
    for (int bit = 0; bit < 64; bit++) {
      region.putLong(LAYOUT.mark(), word ^ 1L << bit);
      assertRefused("log.mark");
    }
  }

  /** Marks whose check is right, of a state or a durability that there is not. */
  @Test
  void mark_ofNoState_refused() {
    for (long body : new long[] {0, 1L << 32, 3L << 32 | 1L << 40, 1L << 32 | 4L << 40}) {
      region.putLong(LAYOUT.mark(), log.checksum().ofWord(0x6D61726B, body) >>> 48 << 48 | body);
      assertRefused("log.mark");
    }
  }

  @Test
  void era_theLast_refused() {
    region.putLong(LAYOUT.era(), LogHeader.encodeEra(log.checksum(), -1));
    long[] before = medium.image();
    var e = assertThrows(UnsupportedVersion.class, this::open);
    assertTrue(e.getMessage().contains("eras are used up"), e.getMessage());
    assertArrayEquals(before, medium.image());
  }
}
