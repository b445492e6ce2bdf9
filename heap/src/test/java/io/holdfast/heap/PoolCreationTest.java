// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.Explorer;
import io.holdfast.crash.TracingMedium;
import io.holdfast.flush.PersistentRegion;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A creation that is cut off leaves an empty pool, or none; never what looks like damage. */
@Timeout(120)
class PoolCreationTest {
  private static final int WORDS = (1 << 20) / 8;
  private static final long LIMIT = 1 << 12;

  private static void explore(long[] start, boolean used) {
    Set<String> outcomes = new TreeSet<>();
    Explorer.Report report =
        Explorer.of(start)
            .limit(LIMIT)
            .run(
                medium -> {
                  PersistentRegion region = medium.region();
                  Pool.create(region, "test");
                  medium.mark("created");
                },
                (region, marks) -> {
                  String outcome = observe(region);
                  assertTrue(marks.isEmpty() || outcome.equals("a pool"), outcome);
                  assertTrue(outcome.equals("a pool") || PoolHeader.isUnfinished(region) || used);
                  outcomes.add(outcome);
                  return outcome;
                });
    assertEquals(0, report.cappedPoints(), report::toString);
    assertEquals(Set.of("a pool", "none"), outcomes);
  }

  private static String observe(PersistentRegion region) {
    Pool pool;
    try {
      pool = Pool.open(region, "test");
    } catch (PoolException.NotAPool e) {
      boolean mark = e.getMessage().contains("openOrCreate begins it again");
      assertEquals(!mark, e.getMessage().contains("delete the file and create it again"));
      return "none";
    }
    assertEquals(List.of(), pool.roots());
    assertEquals(0, pool.info().usedBytes());
    assertTrue(pool.check().isClean());
    return "a pool";
  }

  /** And if there is none, that can be told from everything else that a file may be. */
  @Test
  void create_crashedAnywhere_anEmptyPoolOrNone() {
    explore(new long[WORDS], false);
  }

  /** Where a creation was cut off, another one is made. */
  @Test
  void createAgain_crashedAnywhere_anEmptyPoolOrNone() {
    TracingMedium medium = TracingMedium.ofSize(8 * WORDS);
    Pool.create(medium.region(), "test").close();
    for (long at : new long[] {PoolLayout.FIRST_HEADER, PoolLayout.SECOND_HEADER}) {
      long[] start = medium.image();
      start[(int) at / 8] = PoolLayout.UNFINISHED;
      start[(int) (PoolLayout.FIRST_HEADER + PoolLayout.SECOND_HEADER - at) / 8] = 0;
      explore(start, false);
    }
  }

  /** There is the pool that was there, whole, or none, or the new one. */
  @Test
  void create_overAPoolOfOtherLanes_oneOfThemOrNone() {
    TracingMedium before = TracingMedium.ofSize(8 * WORDS);
    Pool old = SamplePool.createEmpty(before.region(), 3);
    old.root("block", Type.block(100));
    old.close();
    Set<String> outcomes = new TreeSet<>();
    Explorer.of(before.image())
        .limit(LIMIT)
        .run(
            medium -> {
              Pool.create(medium.region(), "test");
              medium.mark("created");
            },
            (region, marks) -> {
              String outcome = observeEither(region);
              assertTrue(marks.isEmpty() || outcome.equals("a pool"), outcome);
              outcomes.add(outcome);
              return outcome;
            });
    assertEquals(Set.of("a pool", "none", "the old one"), outcomes);
  }

  private static String observeEither(PersistentRegion region) {
    try {
      Pool old = Pool.open(region, SamplePool.LAYOUT);
      assertEquals("block", old.roots().getFirst().name());
      assertTrue(old.check().isClean());
      return "the old one";
    } catch (PoolException.OtherLayout | PoolException.NotAPool e) {
      return observe(region);
    }
  }

  /** The region need not be zeros: what it held is of no account. */
  @Test
  void create_overRandomWords_anEmptyPoolOrNone() {
    long[] start = new Random(1).longs(WORDS).toArray();
    start[0] = 0;
    start[4096 / 8] = 0;
    explore(start, true);
  }
}
