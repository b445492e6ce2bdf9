// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.BruteForce;
import io.holdfast.crash.CrashModel;
import io.holdfast.crash.Explorer;
import io.holdfast.crash.TracingMedium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.TransactionAccess;
import io.holdfast.tx.spi.TransactionAccess.Acceptance;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Every image that a crash may leave, of small programs that between them take every step of the
 * protocol; and every image of a crash in the recovery of each of these.
 *
 * <p>A program is a list of transactions. After a crash the contents must be those before or those
 * after the transaction that was under way, and must have all that was acknowledged.
 */
class CrashTest {
  private static final int RING = 1024;
  private static final int LANES = 2;
  private static final LogLayout LAYOUT = new LogLayout(0, LANES, RING);
  private static final long KEY = 0x5EED_5EED_5EEDL;
  private static final long LIMIT = 1 << 18;

  /** One step of a program; values are unique to it. */
  private interface Step {
    void run(Lanes lanes, TestSpace space, long value);
  }

  private static Step set(int... words) {
    return (lanes, space, value) -> lanes.run(tx -> setAll(tx, space, value, words));
  }

  private static void setAll(Transaction tx, TestSpace space, long value, int... words) {
    for (int word : words) {
      tx.setLong(space.word(word), value + word);
    }
  }

  private static void storeAll(Lanes lanes, TestSpace space, long value, int... words) {
    for (int word : words) {
      lanes.region().putLong(space.word(word), value + word);
    }
  }

  private static Ranges ranges(TestSpace space, int... words) {
    Ranges ranges = new Ranges();
    for (int word : words) {
      ranges.add(space.word(word), 8);
    }
    return ranges;
  }

  private static Step snapshot(int... words) {
    return (lanes, space, value) ->
        lanes.run(tx -> {
          tx.snapshot(ranges(space, words));
          storeAll(lanes, space, value, words);
        });
  }

  private static Step abort(int... words) {
    return (lanes, space, value) -> {
      try (Transaction tx = lanes.begin()) {
        tx.snapshot(ranges(space, words));
        storeAll(lanes, space, value, words);
      }
    };
  }

  private static Step allocate(int block, int pointer) {
    return (lanes, space, value) ->
        lanes.run(tx -> {
          space.allocate(tx, block, value);
          tx.setLong(space.word(pointer), space.block(block));
        });
  }

  private static Step free(int block, int pointer) {
    return (lanes, space, value) ->
        lanes.run(tx -> {
          space.free(tx, block);
          tx.setLong(space.word(pointer), 0);
        });
  }

  /**
   * Runs a program, tries all its crashes; nothing may have been left out. Does the same with a
   * process that dies alone, under which less is logged.
   */
  private static Explorer.Report exhaust(long[] start, int depth, Step... steps) {
    exhaust(CrashModel.PROCESS, start, depth, steps);
    return exhaust(CrashModel.WORD, start, depth, steps);
  }

  private static Explorer.Report exhaust(CrashModel model, long[] start, int depth, Step... steps) {
    List<String> states = new ArrayList<>();
    Explorer.Report report =
        Explorer.of(start)
            .model(model)
            .nested(depth)
            .limit(LIMIT)
            .run(
                medium -> program(medium, states, steps),
                (region, marks) -> observe(region, marks, states));
    assertEquals(0, report.cappedPoints(), report::toString);
    assertEquals(List.of(), report.findings());
    return report;
  }

  /** What is there after recovery: the contents before or after the step that was under way. */
  private static String observe(PersistentRegion region, List<String> marks, List<String> states) {
    String seen = open(region).observe();
    int done = Math.max(0, marks.size() - 1);
    List<String> allowed = states.subList(done, Math.min(done + 2, states.size()));
    if (!allowed.contains(seen)) {
      throw new AssertionError("found " + seen + ", allowed " + allowed);
    }
    return seen;
  }

  private static void program(TracingMedium medium, List<String> states, Step... steps) {
    TestSpace[] spaces = new TestSpace[1];
    Lanes lanes = openLanes(medium.region(), spaces);
    states.add(spaces[0].observe());
    medium.mark("open");
    for (int i = 0; i < steps.length; i++) {
      steps[i].run(lanes, spaces[0], 100L * (i + 1));
      states.add(spaces[0].observe());
      medium.mark("done");
    }
  }

  private static Lanes openLanes(PersistentRegion region, TestSpace[] space) {
    return Lanes.open(
        region,
        0,
        0,
        Acceptance.NOTHING_LOST,
        (r, layout) -> {
          space[0] = new TestSpace(r, layout);
          return space[0];
        });
  }

  private static TestSpace open(PersistentRegion region) {
    TestSpace[] space = new TestSpace[1];
    Lanes ignored = openLanes(region, space);
    assertEquals(region, ignored.region());
    return space[0];
  }

  private static long[] formatted() {
    TracingMedium medium = TracingMedium.ofSize((int) TestSpace.bytes(LAYOUT));
    PersistentRegion region = medium.region();
    Lanes.format(region, LAYOUT, KEY, 0, new TestSpace(region, LAYOUT));
    return medium.image();
  }

  private static Explorer.Report exhaust(Step... steps) {
    return exhaust(formatted(), 1, steps);
  }

  @Test
  void intents_oneWord() {
    exhaust(formatted(), 2, set(0), set(1));
  }

  @Test
  void intents_severalWords() {
    exhaust(set(0, 1, 2), set(2, 0));
  }

  @Test
  void intents_sameWordAgainAndAgain() {
    exhaust(set(0), set(0), set(0), set(0));
  }

  @Test
  void intents_wordsThatFollowEachOther_oneRange() {
    exhaust(
        (lanes, space, value) ->
            lanes.run(tx -> {
              for (int i = 0; i < 4; i++) {
                tx.setLong(space.word(0) + 8L * i, value + i);
              }
            }),
        set(0));
  }

  /**
   * Overwrites ten words as the only change, from the first line's to the second line's, of which
   * the states show the first words.
   */
  private static Step overwrite(int line) {
    return (lanes, space, value) ->
        lanes.run(tx -> {
          MemorySegment words = TransactionAccess.get().overwrite(tx, space.word(line), 80);
          for (int i = 0; i < 10; i++) {
            words.setAtIndex(ValueLayout.JAVA_LONG, i, value + i);
          }
        });
  }

  @Test
  void overwrite_twoLines_wholeOrNotAtAll() {
    exhaust(set(0, 1), overwrite(0), set(1), overwrite(0));
  }

  @Test
  void overwrite_manyLaps() {
    Step[] steps = new Step[20];
    for (int i = 0; i < steps.length; i++) {
      steps[i] = i % 4 == 3 ? set(1) : overwrite(i % 2);
    }
    exhaust(formatted(), 0, steps);
  }

  /** A ring of sixteen lines, filled many times over: watermarks travel in records. */
  @Test
  void ring_manyLaps() {
    Step[] steps = new Step[40];
    for (int i = 0; i < steps.length; i++) {
      steps[i] = set(i % 3);
    }
    exhaust(formatted(), 0, steps);
  }

  /** What was done to bits is in place before the log forgets it. */
  @Test
  void ring_manyLapsAfterAllocationsAndFrees() {
    List<Step> steps = new ArrayList<>();
    for (int block = 0; block < 2; block++) {
      steps.add(allocate(block, 0));
      steps.addAll(Collections.nCopies(8, set(1)));
      steps.add(free(block, 0));
      steps.addAll(Collections.nCopies(8, set(2)));
    }
    exhaust(formatted(), 0, steps.toArray(new Step[0]));
  }

  @Test
  void snapshot_committed() {
    exhaust(snapshot(0, 1), snapshot(1));
  }

  @Test
  void snapshot_afterIntentsOnTheSameWord() {
    exhaust(set(0), snapshot(0), set(0));
  }

  @Test
  void snapshot_twiceInATransaction() {
    exhaust((lanes, space, value) ->
        lanes.run(tx -> {
          tx.snapshot(space.word(0), 8);
          lanes.region().putLong(space.word(0), value);
          tx.snapshot(space.word(1), 8);
          lanes.region().putLong(space.word(1), value);
        }));
  }

  @Test
  void snapshot_aborted() {
    exhaust(set(0), abort(0, 1), set(0));
  }

  @Test
  void snapshot_abortedAgainAndAgain() {
    exhaust(formatted(), 0, abort(0), abort(0), set(0), abort(0), abort(1), set(1));
  }

  @Test
  void snapshotsAndIntents_mixed() {
    exhaust(
        (lanes, space, value) ->
            lanes.run(tx -> {
              tx.snapshot(space.word(0), 8);
              lanes.region().putLong(space.word(0), value);
              tx.setLong(space.word(1), value + 1);
              space.allocate(tx, 0, value + 2);
            }),
        set(0, 1));
  }

  @Test
  void savepoint_rolledBack() {
    exhaust((lanes, space, value) ->
        lanes.run(tx -> {
          tx.setLong(space.word(0), value);
          tx.snapshot(space.word(1), 8);
          lanes.region().putLong(space.word(1), value + 1);
          Savepoint savepoint = tx.savepoint();
          tx.setLong(space.word(0), -1);
          tx.snapshot(space.word(1), 8);
          lanes.region().putLong(space.word(1), -1);
          tx.rollbackTo(savepoint);
        }));
  }

  /**
   * With so much content that it is written back under a fence of its own, not logged (rule A1).
   */
  private static Step allocateInPlace(int block, int pointer) {
    return (lanes, space, value) ->
        lanes.run(tx -> {
          space.allocate(tx, block, value);
          // As if the block were larger: the same bytes, often enough to count as much.
          for (long i = 0; i <= LaneTransaction.LOGGED_FRESH_BYTES / 8; i++) {
            tx.workspace().filled(space.block(block), 8);
          }
          tx.setLong(space.word(pointer), space.block(block));
        });
  }

  @Test
  void blocks_allocated_recoveryCrashed() {
    exhaust(allocate(0, 0));
  }

  @Test
  void blocks_allocatedAndFreed() {
    exhaust(formatted(), 0, allocate(0, 0), allocate(1, 1), free(0, 0), allocate(0, 2));
  }

  @Test
  void blocks_muchContent_awaitedBeforeTheRecord() {
    exhaust(allocateInPlace(0, 0), free(0, 0), allocateInPlace(0, 1));
  }

  /** A block changes hands while older intents on its words are still in the log (rule A3). */
  @Test
  void blocks_writtenFreedAndTakenAgain() {
    exhaust(
        formatted(),
        0,
        allocate(0, 0),
        (lanes, space, value) -> lanes.run(tx -> tx.setLong(space.block(0), value)),
        free(0, 0),
        allocateInPlace(0, 1));
  }

  @Test
  void blocks_freedAndAllocatedInOneTransaction() {
    exhaust(
        formatted(),
        0,
        allocate(0, 0),
        (lanes, space, value) ->
            lanes.run(tx -> {
              space.free(tx, 0);
              space.allocate(tx, 1, value);
            }));
  }

  /** Blocks of one bitmap word, freed by one entry, with intents on them that are void then. */
  @Test
  void blocks_manyFreedAtOnce_oneByOneInEffect() {
    exhaust(
        formatted(),
        0,
        (lanes, space, value) ->
            lanes.run(tx -> {
              for (int block = 0; block < TestSpace.BLOCKS; block++) {
                space.allocate(tx, block, value + block);
              }
            }),
        (lanes, space, value) -> lanes.run(tx -> tx.setLong(space.block(2), value)),
        (lanes, space, value) ->
            lanes.run(tx -> {
              // The same bits, often enough to count as many.
              for (int i = 0; i < 4 * Frees.FEW; i++) {
                space.free(tx, 1 + i % (TestSpace.BLOCKS - 1));
              }
              tx.setLong(space.word(0), value);
            }),
        allocateInPlace(2, 1));
  }

  /** A bitmap is cleared as a word, then bits are set in it: the older word takes no bit away. */
  @Test
  void bitmap_clearedThenSet() {
    exhaust(
        formatted(),
        0,
        allocate(0, 0),
        (lanes, space, value) -> lanes.run(tx -> tx.setLong(space.bitmap(), 0)),
        allocate(1, 1),
        allocate(2, 2),
        (lanes, space, value) -> lanes.run(tx -> tx.setLong(space.bitmap(), 0)));
  }

  @Test
  void bitmap_clearedAsRange_thenSet() {
    exhaust(
        formatted(),
        0,
        allocate(0, 0),
        (lanes, space, value) ->
            lanes.run(tx -> {
              // The word before and the bitmap, and words after: entries that become a range.
              for (long at = space.bitmap() - 32; at < space.block(0); at += 8) {
                tx.setLong(at, 0);
              }
            }),
        allocate(1, 1));
  }

  /** What was a bitmap word becomes contents: older bits are not put into it. */
  @Test
  void bitmap_becomesContents() {
    exhaust(
        formatted(),
        0,
        (lanes, space, value) -> lanes.run(tx -> tx.setLong(space.bitmapInBlock(), 0)),
        (lanes, space, value) -> lanes.run(tx -> space.intendInBlock(tx, LogLayout.ALLOCATE, 1)),
        (lanes, space, value) -> lanes.run(tx -> space.intendInBlock(tx, LogLayout.FREE, 1)),
        // 1000 and 6 more, so that bit 1 is set
        (lanes, space, value) ->
            lanes.run(tx -> space.allocate(tx, TestSpace.BLOCKS - 1, value | 2)));
  }

  /** One lane stands idle on lines that it has not fenced, while the other goes round its ring. */
  @Test
  void twoLanes_oneIdle_theOtherWritesItsLinesBack() {
    exhaust(formatted(), 0, twoLanes(24));
  }

  /** Two lanes in turn on the same words, each lapping its ring. */
  @Test
  void twoLanes_conflictingInTurn() {
    Step[] steps = new Step[30];
    for (int i = 0; i < steps.length; i++) {
      steps[i] = i % 2 == 0 ? set(0) : onTheOtherLane(0);
    }
    exhaust(formatted(), 0, steps);
  }

  private static Step[] twoLanes(int count) {
    Step[] steps = new Step[count];
    steps[0] = onTheOtherLane(0);
    for (int i = 1; i < count; i++) {
      steps[i] = i == count / 2 ? set(0) : set(1);
    }
    return steps;
  }

  /** Sets words on the lane that this thread would not get, while it has the one that it would. */
  private static Step onTheOtherLane(int... words) {
    return (lanes, space, value) -> {
      try (Transaction first = lanes.begin()) {
        assertTrue(first.isActive());
        lanes.run(tx -> setAll(tx, space, value, words));
      }
    };
  }

  /** A transaction with a snapshot stays open while the other lane goes round its ring. */
  @Test
  void twoLanes_snapshotOpenMeanwhile_undoneWhateverTheOtherDid() {
    List<String> states = new ArrayList<>();
    Explorer.Report report =
        Explorer.of(formatted())
            .limit(LIMIT)
            .run(
                medium -> {
                  TestSpace[] spaces = new TestSpace[1];
                  Lanes lanes = openLanes(medium.region(), spaces);
                  TestSpace space = spaces[0];
                  states.add(space.observe());
                  medium.mark("open");
                  try (Transaction open = lanes.begin()) {
                    open.snapshot(space.word(0), 8);
                    lanes.region().putLong(space.word(0), -1);
                    for (int i = 1; i < 24; i++) {
                      long value = 100L * i;
                      lanes.run(tx -> setAll(tx, space, value, 1));
                      states.add(space.observe().replace("-1 ", "0 "));
                      medium.mark("done");
                    }
                  }
                },
                (region, marks) -> observe(region, marks, states));
    assertEquals(0, report.cappedPoints());
  }

  /** Snapshots, one by one, until they outgrow the ring and go on in an extension. */
  private static Step outgrow(int... words) {
    return (lanes, space, value) -> {
      try (Transaction tx = lanes.begin()) {
        for (int w = 0; w < 14; w++) {
          tx.snapshot(space.word(w), 8);
          lanes.region().putLong(space.word(w), value + w);
        }
        assertTrue(space.freeExtensions() < TestSpace.EXTENSIONS, "the ring was large enough");
        if (words.length > 0) {
          // Not under a snapshot, so an intent, which goes to the extension too.
          tx.setLong(space.word(14), value);
          tx.commit();
        }
      }
    };
  }

  @Test
  void extension_committed() {
    exhaust(formatted(), 0, outgrow(1), set(0), set(1));
  }

  @Test
  void extension_aborted() {
    exhaust(formatted(), 0, set(0), outgrow(), set(1));
  }

  @Test
  void extension_usedAgainByTheOtherLane() {
    exhaust(
        formatted(),
        0,
        outgrow(1),
        (lanes, space, value) -> {
          try (Transaction first = lanes.begin()) {
            assertTrue(first.isActive());
            outgrow(1).run(lanes, space, value);
          }
        },
        set(3));
  }

  private static Step upkeep() {
    return (lanes, space, value) -> lanes.run(tx -> tx.workspace().upkeep());
  }

  /** An extension that was given back is full of sound old frames (rule W18). */
  @Test
  void extension_usedAgain_oldFramesAreNotBelieved() {
    exhaust(formatted(), 0, outgrow(1), upkeep(), outgrow(1), set(0));
  }

  /** Of another lane, too, which was at the same position (rule W19). */
  @Test
  void extension_usedAgainByTheOtherLane_oldFramesAreNotBelieved() {
    exhaust(
        formatted(),
        0,
        outgrow(1),
        upkeep(),
        (lanes, space, value) -> {
          try (Transaction first = lanes.begin()) {
            assertTrue(first.isActive());
            outgrow(1).run(lanes, space, value);
          }
        });
  }

  /**
   * Writes to what is going to be an extension, as to a bitmap in a chunk that is then released.
   */
  private static Step setWhereAnExtensionWillBe() {
    return (lanes, space, value) ->
        lanes.run(tx -> tx.setLong(space.block(TestSpace.BLOCKS), value));
  }

  /** An older entry for a word that now belongs to an extension must not destroy its frames. */
  @Test
  void extension_whereAnOlderEntryWrote_undone() {
    exhaust(formatted(), 0, setWhereAnExtensionWillBe(), outgrow(), set(1));
  }

  @Test
  void extension_whereAnOlderEntryWrote_committedAndRecoveryCrashed() {
    exhaust(setWhereAnExtensionWillBe(), outgrow(1));
  }

  /** Words that do not follow each other, so that each is an entry of its own. */
  private static void setMany(Transaction tx, TestSpace space, long value, int count) {
    for (int i = 0; i < count; i++) {
      tx.setLong(space.word(2 + i / 4) + 16L * (i % 4), value + i);
    }
  }

  /** Several frames under one fence: a record that is there while a frame is not (rule C1). */
  @Test
  void intents_severalFrames() {
    exhaust(
        formatted(), 0, (lanes, space, value) -> lanes.run(tx -> setMany(tx, space, value, 20)));
  }

  /**
   * Transactions so long that each has to make room by itself, with watermarks on lines of their
   * own. Too many words are under way for all images; a sample is taken.
   */
  @Test
  void ring_alwaysFull() {
    Step[] steps = new Step[12];
    for (int i = 0; i < steps.length; i++) {
      int words = 16 + i % 3;
      steps[i] = (lanes, space, value) -> lanes.run(tx -> setMany(tx, space, value, words));
    }
    List<String> states = new ArrayList<>();
    BruteForce.Report report =
        BruteForce.run(
            formatted(),
            CrashModel.WORD,
            0,
            4096,
            medium -> program(medium, states, steps),
            (region, marks) -> observe(region, marks, states));
    assertTrue(report.images() > 10_000, report::toString);
  }

  /** A long record, and then so many snapshots that they would reach it (rule W14). */
  @Test
  void ring_newestRecord_spared() {
    exhaust(
        formatted(),
        0,
        set(0),
        (lanes, space, value) ->
            lanes.run(tx -> {
              tx.snapshot(space.word(1), 8);
              lanes.region().putLong(space.word(1), value);
              setMany(tx, space, value, 11);
            }),
        outgrow());
  }

  /** Two lives: what the first left behind, torn or not, must not come alive in the second. */
  @Test
  void twoLives_nothingOfTheFirstRevives() {
    Set<List<Long>> survivors = new HashSet<>();
    List<String> states = new ArrayList<>();
    BruteForce.run(
        formatted(),
        CrashModel.WORD,
        0,
        LIMIT,
        medium -> program(medium, states, set(0), snapshot(1)),
        (region, marks) -> {
          TestSpace space = open(region);
          survivors.add(image(region));
          return space.observe();
        });
    long images = 0;
    for (List<Long> survivor : survivors) {
      long[] start = survivor.stream().mapToLong(Long::longValue).toArray();
      images += exhaust(start, 0, set(0)).states();
    }
    assertTrue(images > 10L * survivors.size(), survivors.size() + " first lives, " + images);
  }

  private static List<Long> image(PersistentRegion region) {
    List<Long> words = new ArrayList<>();
    for (long offset = 0; offset < region.size(); offset += 8) {
      words.add(region.getLong(offset));
    }
    return words;
  }
}
