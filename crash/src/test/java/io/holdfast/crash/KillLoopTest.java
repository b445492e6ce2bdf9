// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.flush.Lines;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
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

  /** One of its workers fails, the others go on. */
  public static class FailingWorker extends Counters {
    @Override
    void one(PersistentRegion region, long at, int worker, long number, Acknowledgements acks) {
      if (worker == 1) {
        throw new IllegalStateException("one worker failed");
      }
      super.one(region, at, worker, number, acks);
    }
  }

  /** Has an assertion that does not hold. */
  public static class Asserting extends Counters {
    @Override
    void one(PersistentRegion region, long at, int worker, long number, Acknowledgements acks) {
      assert worker != 1 : "one worker is wrong";
      super.one(region, at, worker, number, acks);
    }
  }

  /** What it has done is gone for a while whenever it begins. */
  public static class Hasty extends Counters {
    @Override
    public void work(PersistentRegion region, long seed, Acknowledgements acknowledgements)
        throws InterruptedException {
      long found = region.getLong(64);
      region.putLong(64, 0);
      Thread.sleep(20);
      region.putLong(64, found);
      super.work(region, seed, acknowledgements);
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
      assertEquals(8, report.byTime() + report.byEvent() + report.inRecovery() + report.inStorms());
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
  void assertionThatFails_isALoss() {
    KillReport report = loop(Asserting.class, KillMedium.SHARED).kills(3).run();
    assertTrue(
        report.losses().getFirst().contains("one worker is wrong"), report.losses()::getFirst);
  }

  @Test
  void workerThatFails_isALoss() {
    KillReport report = loop(FailingWorker.class, KillMedium.SHARED).kills(3).run();
    assertTrue(report.losses().getFirst().contains("one worker failed"), report.losses()::getFirst);
  }

  // ---- plans

  private static List<List<KillPlan>> rounds(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return Stream.generate(() -> KillPlan.round(random)).limit(600).toList();
  }

  @Test
  void rounds_ofOneSeed_areTheSame() {
    assertEquals(rounds(3), rounds(3));
    assertNotEquals(rounds(3), rounds(4));
  }

  @Test
  void rounds_many_haveKillsOfAllKinds() {
    List<KillPlan> plans = rounds(3).stream().flatMap(List::stream).toList();
    for (KillPlan.Moment moment : KillPlan.Moment.values()) {
      assertTrue(plans.stream().anyMatch(plan -> plan.moment() == moment), moment::name);
    }
    for (KillPlan.Moment moment : List.of(KillPlan.Moment.EVENT, KillPlan.Moment.RECOVERY)) {
      for (KillPlan.Event event : KillPlan.Event.values()) {
        assertTrue(
            plans.stream().anyMatch(plan -> plan.moment() == moment && plan.event() == event),
            () -> moment + " " + event);
      }
    }
    assertTrue(plans.stream().allMatch(plan -> plan.amount() >= 1));
  }

  @Test
  void rounds_many_areStormsOrBeginAtWork() {
    int storms = 0;
    int longest = 0;
    for (List<KillPlan> round : rounds(3)) {
      if (round.getFirst().moment() == KillPlan.Moment.STORM) {
        storms++;
        assertEquals(10, round.size());
        for (KillPlan plan : round) {
          assertEquals(KillPlan.Moment.STORM, plan.moment());
          assertTrue(plan.amount() >= 5_000 && plan.amount() <= 50_000, plan::toString);
        }
      } else {
        longest = Math.max(longest, round.size() - 1);
        assertNotEquals(KillPlan.Moment.RECOVERY, round.getFirst().moment());
        for (KillPlan plan : round.subList(1, round.size())) {
          assertEquals(KillPlan.Moment.RECOVERY, plan.moment());
        }
      }
    }
    assertTrue(storms > 25 && storms < 100, "storms: " + storms);
    assertEquals(5, longest);
  }

  @Test
  void storm_isTenKillsAndOneCheck() {
    List<String> lines = new ArrayList<>();
    KillReport report =
        loop(Counters.class, KillMedium.SHARED)
            .plans(KillPlan::storm)
            .kills(10)
            .progress(lines::add)
            .run();
    assertEquals(List.of(), report.losses());
    assertEquals(10, report.inStorms());
    assertEquals(10, report.kills());
    assertEquals(1, lines.size(), lines::toString);
    assertTrue(report.acknowledged() > 0);
    assertTrue(report.summary().contains("10 in storms"), report::summary);
  }

  @Test
  void openingThatIsNotAtomic_foundByAStorm() {
    KillReport report = loop(Hasty.class, KillMedium.SHARED).plans(KillPlan::storm).kills(30).run();
    assertFalse(report.losses().isEmpty());
    String loss = report.losses().getFirst();
    assertTrue(loss.contains("in a storm, after"), loss);
  }

  // ---- events

  private static int stopsAt(KillPlan.Event kind, long n) {
    AtomicInteger made = new AtomicInteger();
    class Stopped extends RuntimeException {
      private static final long serialVersionUID = 1;
    }

    TripMedium medium =
        new TripMedium(
            Medium.inMemory(4096),
            () -> {
              throw new Stopped();
            });
    PersistentRegion region = PersistentRegion.over(medium);
    MemorySegment two = Arena.ofAuto().allocate(16, 8);
    Lines lines = region.lines();
    medium.arm(kind, n);
    assertThrows(
        Stopped.class,
        () -> {
          while (true) {
            region.putLong(0, 1);
            made.incrementAndGet();
            region.putLong(8, 1);
            made.incrementAndGet();
            region.persist(0, 8);
            made.incrementAndGet();
            lines.clear();
            region.persist(lines.copy(64, two).copy(128, two));
            made.incrementAndGet();
          }
        });
    return made.get();
  }

  @Test
  void events_areCountedByKind() {
    // A round of it is two stores, a fence, and a fence that makes two copies.
    assertEquals(4, stopsAt(KillPlan.Event.STORE, 3));
    assertEquals(6, stopsAt(KillPlan.Event.FENCE, 3));
    assertEquals(7, stopsAt(KillPlan.Event.COPY, 4));
    assertEquals(3, stopsAt(KillPlan.Event.ANY, 6));
  }

  @Test
  void event_thatNeverComes_stopsAtManyOfOthers() {
    TripMedium medium =
        new TripMedium(
            Medium.inMemory(4096),
            () -> {
              throw new IllegalStateException("stopped");
            });
    medium.arm(KillPlan.Event.COPY, 1);
    assertThrows(
        IllegalStateException.class,
        () -> {
          while (true) {
            medium.store(0, 8, 1);
          }
        });
  }

  @Test
  void badArguments_refused() {
    assertThrows(
        IllegalArgumentException.class, () -> loop(Counters.class, KillMedium.SHARED).kills(0));
    class Hidden extends Counters {}
    assertThrows(IllegalArgumentException.class, () -> KillLoop.of(Hidden.class));
  }
}
