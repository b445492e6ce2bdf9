// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.CrashModel;
import io.holdfast.crash.ForwardingMedium;
import io.holdfast.crash.Trace;
import io.holdfast.crash.TracingMedium;
import io.holdfast.flush.Durability;
import io.holdfast.flush.HoldfastException.PowerLost;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.OpeningMark.State;
import io.holdfast.tx.spi.KeyedHash;
import io.holdfast.tx.spi.TransactionAccess.Acceptance;
import java.lang.foreign.MemorySegment;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class OpeningMarkTest {
  private static final LogLayout LAYOUT = new LogLayout(0, 1, 1024);
  private static final KeyedHash CHECKSUM = new KeyedHash(77);

  private static PlainSpace space(PersistentRegion region) {
    return new PlainSpace(region, LAYOUT);
  }

  @Test
  void word_everyMark_readBack() {
    for (State state : State.values()) {
      for (Durability durability : Durability.values()) {
        for (int boot : new int[] {0, 1, -1, 0x12345678}) {
          assertReadBack(new OpeningMark(state, durability, OptionalInt.empty(), boot));
          assertReadBack(new OpeningMark(state, Durability.POWER, OptionalInt.of(boot), 0));
        }
      }
    }
  }

  private static void assertReadBack(OpeningMark mark) {
    assertEquals(mark, OpeningMark.decode(CHECKSUM, mark.encode(CHECKSUM)));
  }

  private static OpeningMark openUnder(Durability durability, int boot) {
    return new OpeningMark(State.OPEN, durability, OptionalInt.empty(), boot);
  }

  private static int thisBoot() {
    try (PersistentRegion region = PersistentRegion.over(Medium.inMemory(4096))) {
      return OpeningMark.now(State.OPEN, region).boot();
    }
  }

  @Test
  void word_anyBitFlipped_refused() {
    long word = openUnder(Durability.PROCESS, thisBoot()).encode(CHECKSUM);
    int accepted = 0;
    for (int bit = 0; bit < 64; bit++) {
      if (OpeningMark.decode(CHECKSUM, word ^ 1L << bit) != null) {
        accepted++;
      }
    }
    assertEquals(0, accepted);
    assertNull(OpeningMark.decode(new KeyedHash(78), word));
    assertNull(OpeningMark.decode(CHECKSUM, 0));
  }

  /** A check that fits does not make a state, or a durability, of what is none. */
  @Test
  void word_ofNoStateOrDurability_refusedThoughItsCheckFits() {
    for (long state : new long[] {0, 3, 255}) {
      assertNull(OpeningMark.decode(CHECKSUM, withCheck(1L << 40 | state << 32)));
    }
    for (long durability : new long[] {0, 4, 255}) {
      assertNull(OpeningMark.decode(CHECKSUM, withCheck(durability << 40 | 1L << 32)));
    }
    assertEquals(
        openUnder(Durability.PROCESS, 7),
        OpeningMark.decode(CHECKSUM, withCheck(1L << 40 | 1L << 32 | 7)));
  }

  private static long withCheck(long body) {
    return CHECKSUM.ofWord(0x6D61726B, body) >>> 48 << 48 | body;
  }

  @Test
  void lostPower_onlyIfOpenUnderProcessBeforeARestart() {
    int now = thisBoot();
    assertFalse(isRefused(openUnder(Durability.PROCESS, now), 0));
    assertTrue(isRefused(openUnder(Durability.PROCESS, now + 1), 0));
    assertFalse(isRefused(openUnder(Durability.POWER, now + 1), 0));
    OpeningMark clean =
        new OpeningMark(State.CLEAN, Durability.PROCESS, OptionalInt.empty(), now + 1);
    assertFalse(isRefused(clean, 0));
  }

  /** Memory that is moved to a machine which does not count is not refused. */
  @Test
  void lostPower_alsoIfTheMemoryWasNotSavedWhileOpenUnderPower() {
    OpeningMark open = new OpeningMark(State.OPEN, Durability.POWER, OptionalInt.of(3), 0);
    assertFalse(isRefused(open, 3));
    assertTrue(isRefused(open, 4));
    open.refuseIfPowerLost(OptionalInt.empty());
    assertFalse(isRefused(openUnder(Durability.POWER, 0), 4));
    OpeningMark clean = new OpeningMark(State.CLEAN, Durability.POWER, OptionalInt.of(3), 0);
    assertFalse(isRefused(clean, 4));
  }

  private static boolean isRefused(OpeningMark mark, int shutdowns) {
    try {
      mark.refuseIfPowerLost(OptionalInt.of(shutdowns));
      return false;
    } catch (PowerLost e) {
      return true;
    }
  }

  /** Memory that counts how often it was not saved. */
  private static final class CountingMemory extends ForwardingMedium {
    private int shutdowns = 7;

    CountingMemory(Medium memory) {
      super(memory);
    }

    @Override
    public String describe() {
      return "counts";
    }

    @Override
    public OptionalInt unsafeShutdowns() {
      return OptionalInt.of(shutdowns);
    }
  }

  @Test
  void open_afterTheMemoryWasNotSaved_refusedUntilAccepted() {
    CountingMemory memory = new CountingMemory(TracingMedium.ofSize((int) LAYOUT.end() + 4096));
    assertEquals(Durability.POWER, memory.durability());
    PersistentRegion region = PersistentRegion.over(memory);
    Lanes first = Lanes.format(region, LAYOUT, 77, 0, space(region));
    first.run(tx -> tx.setLong(LAYOUT.end(), 42));
    Lanes.open(region, 0).run(tx -> tx.setLong(LAYOUT.end(), 43));
    memory.shutdowns++;
    long era = region.getLong(LAYOUT.era());
    PowerLost refused = assertThrows(PowerLost.class, () -> Lanes.open(region, 0));
    assertTrue(
        refused.getMessage().contains("unsafe shutdowns: 8, and 7 when"), refused.getMessage());
    assertEquals(era, region.getLong(LAYOUT.era()));
    Lanes accepted = Lanes.open(region, 0, 0, Acceptance.POWER_LOST, PlainSpace::new);
    accepted.close();
    memory.shutdowns++;
    Lanes.open(region, 0);
  }

  @Test
  void open_afterARestartUnderProcess_refusedUntilAccepted() {
    try (PersistentRegion region = PersistentRegion.over(Medium.inMemory(LAYOUT.end() + 4096))) {
      Lanes lanes = Lanes.format(region, LAYOUT, 77, 0, space(region));
      lanes.run(tx -> tx.setLong(LAYOUT.end(), 42));
      long word = openUnder(Durability.PROCESS, thisBoot() + 1).encode(CHECKSUM);
      region.putLong(LAYOUT.mark(), word);
      long era = region.getLong(LAYOUT.era());
      assertThrows(PowerLost.class, () -> Lanes.open(region, 0));
      assertEquals(word, region.getLong(LAYOUT.mark()));
      assertEquals(era, region.getLong(LAYOUT.era()));
      Lanes accepted = Lanes.open(region, 0, 0, Acceptance.POWER_LOST, PlainSpace::new);
      assertEquals(Durability.PROCESS, accepted.recovery().lastDurability());
      assertEquals(42, region.getLong(LAYOUT.end()));
      Lanes.open(region, 0);
    }
  }

  /**
   * Whatever a crash leaves of an opening: if anything was changed, the mark says that it was open.
   */
  @Test
  void open_crashedAnywhere_markIsDurableBeforeAnythingElse() {
    TracingMedium first = TracingMedium.ofSize((int) LAYOUT.end() + 4096);
    PersistentRegion region = first.region();
    Lanes lanes = Lanes.format(region, LAYOUT, 77, 0, space(region));
    lanes.run(tx -> tx.setLong(LAYOUT.end(), 42));
    lanes.close();
    long[] clean = first.image();
    int mark = (int) LAYOUT.mark() / 8;
    assertEquals(State.CLEAN, OpeningMark.decode(CHECKSUM, clean[mark]).state());
    TracingMedium second = new TracingMedium(clean);
    Lanes reopened = Lanes.open(second.region(), 0);
    assertTrue(reopened.recovery().clean());
    reopened.run(tx -> tx.setLong(LAYOUT.end(), 43));
    Trace trace = second.trace();
    for (Trace.Point point : trace.points()) {
      trace.forEachImage(
          point,
          CrashModel.WORD,
          image -> {
            boolean changed = false;
            for (int word = 0; word < image.length; word++) {
              changed |= word != mark && image[word] != clean[word];
            }
            State state = OpeningMark.decode(CHECKSUM, image[mark]).state();
            assertTrue(!changed || state == State.OPEN, point::toString);
          });
    }
  }

  /** Whatever a crash leaves of a close: if the mark says clean, everything is in place. */
  @Test
  void close_crashedAnywhere_cleanOnlyAfterEverythingElse() {
    TracingMedium medium = TracingMedium.ofSize((int) LAYOUT.end() + 4096);
    PersistentRegion region = medium.region();
    Lanes lanes = Lanes.format(region, LAYOUT, 77, 0, space(region));
    lanes.run(tx -> tx.setLong(LAYOUT.end(), 42));
    lanes.close();
    Trace trace = medium.trace();
    int cleanImages = 0;
    for (Trace.Point point : trace.points()) {
      int[] found = new int[1];
      trace.forSomeImages(
          point,
          CrashModel.WORD,
          100,
          image -> {
            OpeningMark mark = OpeningMark.decode(CHECKSUM, image[(int) LAYOUT.mark() / 8]);
            if (mark != null && mark.state() == State.CLEAN) {
              found[0]++;
              assertEquals(42, image[(int) LAYOUT.end() / 8], point::toString);
            }
          });
      cleanImages += found[0];
    }
    assertTrue(cleanImages > 0);
  }

  @Test
  void close_returned_markIsDurable() {
    TracingMedium medium = TracingMedium.ofSize((int) LAYOUT.end() + 4096);
    PersistentRegion region = medium.region();
    Lanes lanes = Lanes.format(region, LAYOUT, 77, 0, space(region));
    lanes.run(tx -> tx.setLong(LAYOUT.end(), 42));
    lanes.close();
    Trace trace = medium.trace();
    trace.forEachImage(
        trace.points().getLast(),
        CrashModel.WORD,
        image ->
            assertEquals(
                State.CLEAN, OpeningMark.decode(CHECKSUM, image[(int) LAYOUT.mark() / 8]).state()));
  }

  /** A cache of pages over a disk, which has what was there at the last synchronisation. */
  private static final class CachedDisk extends ForwardingMedium {
    private byte[] disk = new byte[(int) LAYOUT.end() + 4096];
    private int syncs;

    CachedDisk(Medium memory) {
      super(memory);
    }

    byte[] memory() {
      byte[] all = new byte[disk.length];
      inner().copyOut(0, MemorySegment.ofArray(all));
      return all;
    }

    @Override
    public String describe() {
      return "memory over a disk";
    }

    @Override
    public void store(long offset, int bytes, long value) {
      OpeningMark mark = offset == LAYOUT.mark() ? OpeningMark.decode(CHECKSUM, value) : null;
      if (mark != null && mark.state() == State.CLEAN) {
        // The page of the mark may go to the disk before any other.
        assertArrayEquals(memory(), disk, "the disk is not up to date when the mark is stored");
      }
      super.store(offset, bytes, value);
    }

    @Override
    public void sync() {
      disk = memory();
      syncs++;
    }
  }

  @Test
  void close_underProcess_cleanOnTheDiskAfterEverythingElse() {
    CachedDisk medium = new CachedDisk(Medium.inMemory(LAYOUT.end() + 4096));
    PersistentRegion region = PersistentRegion.over(medium);
    Lanes lanes = Lanes.format(region, LAYOUT, 77, 0, space(region));
    lanes.run(tx -> tx.setLong(LAYOUT.end(), 42));
    lanes.close();
    assertArrayEquals(medium.memory(), medium.disk, "closed");
    Lanes again = Lanes.open(region, 0);
    assertEquals(
        State.OPEN,
        OpeningMark.decode(
                CHECKSUM, MemorySegment.ofArray(medium.disk).get(KeyedHash.WORD, LAYOUT.mark()))
            .state());
    again.close();
  }

  /** What was written under PROCESS is in the cache of pages, and commits will build on it. */
  @Test
  void open_underPowerAfterProcess_syncsWhatIsThere() {
    TracingMedium memory = TracingMedium.ofSize((int) LAYOUT.end() + 4096);
    PersistentRegion region = memory.region();
    Lanes.format(region, LAYOUT, 77, 0, space(region));
    for (Durability last : Durability.values()) {
      long word = openUnder(last, thisBoot()).encode(CHECKSUM);
      region.putLong(LAYOUT.mark(), word);
      CachedDisk medium = new CachedDisk(memory);
      Lanes ignored = Lanes.open(PersistentRegion.over(medium), 0);
      assertEquals(last == Durability.PROCESS ? 1 : 0, medium.syncs);
    }
  }
}
