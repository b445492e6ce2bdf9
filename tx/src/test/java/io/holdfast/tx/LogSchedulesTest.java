// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.CrashModel;
import io.holdfast.crash.Explorer;
import io.holdfast.crash.ForwardingMedium;
import io.holdfast.crash.History;
import io.holdfast.crash.History.Kind;
import io.holdfast.crash.Schedules;
import io.holdfast.crash.Schedules.Step;
import io.holdfast.crash.TracingMedium;
import io.holdfast.crash.Tried;
import io.holdfast.flush.Lines;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.TransactionAccess.Acceptance;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Transactions on words, one of them stopped at each of its stores and fences while another runs.
 */
@Timeout(300)
class LogSchedulesTest {
  private static final LogLayout LAYOUT = new LogLayout(0, 3, 1024);
  private static final long KEY = 0x1234_5678_9ABC_DEF0L;

  /** More than a quarter of a ring: the next commit looks after the lines of other lanes. */
  private static final int COMMITS_UNTIL_UPKEEP = 5;

  private static final long FIRST = LAYOUT.end();

  private static final int COMMITS_THAT_FILL_A_RING = 12;

  /** So many words need lines that the ring has only if what is in it is given up. */
  private static final int LARGE = 16;

  /** A frame of many words has too many images; of these so many are tried. */
  private static final long LIMIT = 5_000;

  /** Words that nobody looks at, for what a thread does before. */
  private static final long OTHER = FIRST + 256;

  /** Two words of a line, and one of another. */
  private static final List<Long> WORDS = List.of(FIRST, FIRST + 8, FIRST + 64);

  /** How a word is written. */
  private enum Way {
    HELD,
    SNAPSHOT
  }

  private record Words(Lanes lanes, Way way, int earlier) implements Schedules.Structure {
    @Override
    public long apply(Kind kind, long word, long value) {
      if (kind == Kind.GET) {
        return lanes.region().getLongAcquire(word);
      }
      for (int i = 0; i < earlier; i++) {
        long other = OTHER + 64 * (value % 7);
        lanes.run(tx -> tx.setLong(other, value));
      }
      return lanes.call(tx -> {
        tx.workspace().claims().claim(word, 8);
        long before = lanes.region().getLong(word);
        if (kind == Kind.PUT_IF_ABSENT && before != History.ABSENT
            || kind == Kind.REPLACE && before == History.ABSENT) {
          return before;
        }
        if (way == Way.SNAPSHOT) {
          tx.snapshot(word, 8);
          lanes.region().putLong(word, kind == Kind.REMOVE ? 0 : value);
        } else {
          tx.setLong(word, kind == Kind.REMOVE ? 0 : value);
        }
        return before;
      });
    }

    @Override
    public void check() {}
  }

  private static long[] start() {
    TracingMedium medium = TracingMedium.ofSize((int) TestSpace.bytes(LAYOUT));
    PersistentRegion region = medium.region();
    Lanes lanes = Lanes.format(region, LAYOUT, KEY, 0, new TestSpace(region, LAYOUT));
    lanes.run(tx -> tx.setLong(WORDS.get(0), 11));
    lanes.run(tx -> tx.setLong(WORDS.get(1), 12));
    lanes.close();
    return medium.image();
  }

  private static void exhaust(
      String subject, Way way, int earlier, List<Step> firsts, List<Step> seconds) {
    Schedules schedules =
        new Schedules(
            CrashModel.WORD,
            start(),
            WORDS,
            region -> {
              Lanes lanes = Lanes.open(region, 0, 0, Acceptance.NOTHING_LOST, TestSpace::new);
              return new Words(lanes, way, earlier);
            });
    for (Step first : firsts) {
      for (Step second : seconds) {
        schedules.exhaust(first, second);
      }
    }
    Tried.say("schedules of " + subject, schedules.report());
    assertTrue(schedules.schedules() > 2L * firsts.size() * seconds.size());
  }

  private static Step step(Kind kind, int word) {
    return new Step(kind, WORDS.get(word), 100 + word);
  }

  private static final String WITH_UPKEEP = "held-back words, with upkeep";

  private static final List<Step> WRITES =
      List.of(step(Kind.PUT, 0), step(Kind.REMOVE, 0), step(Kind.PUT_IF_ABSENT, 2));

  private static final List<Step> OTHERS =
      List.of(new Step(Kind.PUT, WORDS.get(0), 77), step(Kind.PUT, 1), step(Kind.REPLACE, 2));

  @Test
  void heldBackWords_stoppedAnywhere() {
    exhaust("held-back words", Way.HELD, 0, WRITES, OTHERS);
    exhaust(
        "held-back words, read",
        Way.HELD,
        0,
        WRITES,
        List.of(step(Kind.GET, 0), step(Kind.GET, 2)));
  }

  /** The helper meets lanes that are latched, and lanes that have nothing to write back. */
  @Test
  void heldBackWords_withUpkeep_stoppedAnywhere() {
    List<Step> firsts = WRITES.subList(0, 1);
    exhaust(WITH_UPKEEP, Way.HELD, COMMITS_UNTIL_UPKEEP, firsts, OTHERS.subList(0, 1));
  }

  /** What is under a snapshot is seen before it is committed, so that nobody only looks. */
  @Test
  void snapshots_stoppedAnywhere() {
    exhaust("snapshots", Way.SNAPSHOT, 0, WRITES, OTHERS.subList(0, 2));
  }

  /** Everything that can be done with these words, while everything else is. */
  @Test
  @Timeout(3600)
  @EnabledIfSystemProperty(named = "holdfast.schedules.all", matches = "true")
  void allPairs_stoppedAnywhere() {
    List<Step> firsts = steps(100, Kind.PUT, Kind.PUT_IF_ABSENT, Kind.REPLACE, Kind.REMOVE);
    List<Step> seconds = steps(200, Kind.PUT, Kind.PUT_IF_ABSENT, Kind.REPLACE, Kind.REMOVE);
    exhaust("all pairs of held-back words", Way.HELD, 0, firsts, seconds);
    exhaust("all pairs of held-back words, read", Way.HELD, 0, firsts, steps(0, Kind.GET));
    exhaust(
        "all pairs of " + WITH_UPKEEP,
        Way.HELD,
        COMMITS_UNTIL_UPKEEP,
        firsts,
        steps(200, Kind.PUT));
    exhaust("all pairs of snapshots", Way.SNAPSHOT, 0, firsts, seconds);
  }

  private static List<Step> steps(long value, Kind... kinds) {
    return Stream.of(kinds)
        .flatMap(kind -> WORDS.stream().map(word -> new Step(kind, word, value + word)))
        .toList();
  }

  // ---- a watermark that is not durable yet

  /** Runs something before a fence, in the thread that makes it. */
  private static final class Interrupted extends ForwardingMedium {
    private Runnable before;

    Interrupted(Medium inner) {
      super(inner);
    }

    void beforeNextFence(Runnable what) {
      before = what;
    }

    @Override
    public String describe() {
      return inner().describe();
    }

    @Override
    public void persist(Lines lines) {
      Runnable what = before;
      before = null;
      if (what != null) {
        what.run();
      }
      inner().persist(lines);
    }
  }

  /**
   * One lane fills its ring while the other's commit keeps the watermark from rising. Then the
   * other one's record carries a watermark that covers it, and before that record is durable the
   * first one needs the room.
   */
  @Test
  void watermark_ofARecordUnderWay_isNotUsedByOthers() {
    exploreAFullRing((lanes, medium, needRoom) -> {
      for (int i = 1; i < COMMITS_UNTIL_UPKEEP; i++) {
        lanes.run(tx -> tx.setLong(OTHER, 1));
      }
      medium.beforeNextFence(needRoom);
      lanes.run(tx -> tx.setLong(OTHER, 1));
    });
  }

  /** The same with a watermark line, which is made durable by the second fence of the upkeep. */
  @Test
  void watermark_ofALineUnderWay_isNotUsedByOthers() {
    exploreAFullRing((lanes, medium, needRoom) ->
        lanes.run(tx -> {
          medium.beforeNextFence(() -> medium.beforeNextFence(needRoom));
          tx.workspace().upkeep();
        }));
  }

  /** What a lane does whose watermark another one might use too soon. */
  private interface Upkeep {
    void run(Lanes lanes, Interrupted medium, Runnable needRoom);
  }

  private static void exploreAFullRing(Upkeep upkeep) {
    Explorer.Report report =
        Explorer.of(start())
            .limit(LIMIT)
            .run(
                medium -> fillARing(medium, upkeep),
                (region, marks) -> {
                  Lanes.open(region, 0, 0, Acceptance.NOTHING_LOST, TestSpace::new);
                  long value = region.getLong(FIRST);
                  assertTrue(
                      marks.isEmpty() || value >= Long.parseLong(marks.getLast()), marks::toString);
                  return value;
                });
    assertEquals(1, report.cappedPoints(), report::toString);
  }

  private static void fillARing(TracingMedium traced, Upkeep upkeep) {
    Interrupted medium = new Interrupted(traced);
    PersistentRegion region = PersistentRegion.over(medium);
    Lanes lanes = Lanes.open(region, 0, 0, Acceptance.NOTHING_LOST, TestSpace::new);
    medium.beforeNextFence(() -> {
      for (int i = 1; i <= COMMITS_THAT_FILL_A_RING; i++) {
        long value = i;
        lanes.run(tx -> tx.setLong(FIRST, value));
        traced.mark("" + i);
      }
    });
    lanes.run(tx -> tx.setLong(OTHER, 1));
    long last = COMMITS_THAT_FILL_A_RING + 1L;
    upkeep.run(
        lanes,
        medium,
        () -> {
          lanes.run(tx -> {
            for (int i = 0; i < LARGE; i++) {
              tx.setLong(OTHER + 64 + 16L * i, i);
            }
            tx.setLong(FIRST, last);
          });
          traced.mark("" + last);
        });
    assertEquals(last, region.getLong(FIRST));
  }
}
