// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.flush.PersistentRegion;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class KillLoopTest {
  private static final int WORKERS = 2;

  @TempDir Path folder;

  /** Each worker counts in a line of its own. */
  public static class Counters implements KillProgram {
    @Override
    public long size(long seed) {
      return 8192;
    }

    @Override
    public void create(PersistentRegion region, long seed) {
      region.putLong(0, seed);
      region.persist(0, 8);
    }

    @Override
    public void work(PersistentRegion region, long seed, Acknowledgements acknowledgements)
        throws InterruptedException {
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < WORKERS; i++) {
        int worker = i;
        threads.add(Thread.ofPlatform().start(() -> count(region, worker, acknowledgements)));
      }
      for (Thread thread : threads) {
        thread.join();
      }
    }

    private void count(PersistentRegion region, int worker, Acknowledgements acknowledgements) {
      long at = 64 + 64L * worker;
      long found = region.getLong(at);
      acknowledgements.acknowledge(worker, found);
      for (long number = found + 1; ; number++) {
        one(region, at, worker, number, acknowledgements);
      }
    }

    void one(PersistentRegion region, long at, int worker, long number, Acknowledgements acks) {
      region.putLong(at, number);
      region.persist(at, 8);
      acks.acknowledge(worker, number);
    }

    @Override
    public Recovered check(PersistentRegion region, long seed, Acknowledged acknowledged) {
      assertEquals(seed, region.getLong(0));
      for (int worker = 0; worker < WORKERS; worker++) {
        long there = region.getLong(64 + 64L * worker);
        long last = acknowledged.last(worker);
        assertTrue(there == last || there == last + 1, "acknowledged " + last + ", is " + there);
      }
      return new Recovered(Duration.ZERO, 0);
    }
  }

  /** Forgets to write back. */
  public static class Forgetful extends Counters {
    @Override
    void one(PersistentRegion region, long at, int worker, long number, Acknowledgements acks) {
      region.putLong(at, number);
      acks.acknowledge(worker, number);
    }
  }

  /** Ends by itself. */
  public static class Failing extends Counters {
    @Override
    public void work(PersistentRegion region, long seed, Acknowledgements acknowledgements) {
      throw new IllegalStateException("cannot work");
    }
  }

  private KillLoop loop(Class<? extends KillProgram> program, KillMedium medium) {
    return KillLoop.of(program).medium(medium).seed(5).kills(8).folder(folder);
  }

  @Test
  void soundProgram_survivesInBothMedia() throws Exception {
    for (KillMedium medium : KillMedium.values()) {
      List<String> lines = new ArrayList<>();
      KillReport report = loop(Counters.class, medium).progress(lines::add).run();
      assertEquals(List.of(), report.losses());
      assertEquals(8, report.kills());
      assertTrue(report.acknowledged() > 0);
      assertTrue(report.summary().contains("8 kills"), report::summary);
      assertTrue(report.summary().endsWith("0 lost; seed 5"), report::summary);
      assertFalse(lines.isEmpty());
    }
    try (Stream<Path> left = Files.list(folder)) {
      assertEquals(List.of(), left.toList());
    }
  }

  @Test
  void missingWriteback_foundWherePowerFails_andTheFileIsKept() {
    assertEquals(List.of(), loop(Forgetful.class, KillMedium.SHARED).run().losses());
    KillReport report = loop(Forgetful.class, KillMedium.VOLATILE_CACHE).run();
    assertFalse(report.losses().isEmpty());
    String loss = report.losses().getFirst();
    assertTrue(loss.contains("acknowledged"), loss);
    String kept = loss.substring(loss.lastIndexOf('(') + 1, loss.lastIndexOf(" is kept"));
    assertTrue(Files.exists(Path.of(kept)), kept);
  }

  @Test
  void childThatEndsByItself_isALoss() {
    KillReport report = loop(Failing.class, KillMedium.SHARED).kills(1).run();
    assertTrue(report.losses().getFirst().contains("cannot work"), report.losses()::getFirst);
  }

  @Test
  void plans_ofOneSeed_areTheSameAndOfAllKinds() {
    SplittableRandom one = new SplittableRandom(3);
    SplittableRandom other = new SplittableRandom(3);
    Set<KillPlan.Moment> kinds = EnumSet.noneOf(KillPlan.Moment.class);
    for (int i = 0; i < 50; i++) {
      KillPlan plan = KillPlan.atWork(one);
      assertEquals(plan, KillPlan.atWork(other));
      kinds.add(plan.moment());
      KillPlan next = KillPlan.inRecovery(one);
      assertEquals(next, KillPlan.inRecovery(other));
      if (next != null) {
        kinds.add(next.moment());
      }
    }
    assertEquals(EnumSet.allOf(KillPlan.Moment.class), kinds);
  }

  @Test
  void badArguments_refused() {
    assertThrows(
        IllegalArgumentException.class, () -> loop(Counters.class, KillMedium.SHARED).kills(0));
    class Hidden extends Counters {}
    assertThrows(IllegalArgumentException.class, () -> KillLoop.of(Hidden.class));
  }
}
