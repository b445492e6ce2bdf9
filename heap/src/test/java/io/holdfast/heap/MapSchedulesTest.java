// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.CrashModel;
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
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Operations on a map, one of them stopped at each of its stores and fences while others run. */
@Timeout(300)
class MapSchedulesTest {
  private static final Type<PersistentMap<Long, Long>> MAP = Type.map(Codec.LONG, Codec.LONG);

  /** Two that are there, two that are not. */
  private static final List<Long> KEYS = List.of(1L, 2L, 3L, 4L);

  private record Entries(Pool pool, PersistentMap<Long, Long> map) implements Schedules.Structure {
    static Entries open(PersistentRegion region) {
      Pool pool = Pool.open(region, "test");
      return new Entries(pool, pool.root("map", MAP));
    }

    @Override
    public long apply(Kind kind, long key, long value) {
      Long before =
          switch (kind) {
            case GET -> map.get(key);
            case PUT -> map.put(key, value);
            case PUT_IF_ABSENT -> map.putIfAbsent(key, value);
            case REPLACE -> map.replace(key, value);
            case REMOVE -> map.remove(key);
          };
      return before == null ? History.ABSENT : before;
    }

    @Override
    public void check() {
      CheckReport report = pool.check();
      assertEquals(List.of(), report.problems());
      assertEquals(List.of(), report.leaked());
    }
  }

  private static long[] start() {
    TracingMedium medium = TracingMedium.ofSize(1 << 20);
    Pool pool = Pool.create(medium.region(), PoolBuilder.Mode.ON_A_REGION, "test", 2);
    PersistentMap<Long, Long> map = pool.root("map", MAP);
    map.put(1L, 11L);
    map.put(2L, 12L);
    map.put(3L, 13L);
    map.remove(3L);
    pool.close();
    return medium.image();
  }

  private static void exhaust(String subject, List<Step> firsts, List<Step> seconds) {
    Schedules schedules = new Schedules(CrashModel.WORD, start(), KEYS, Entries::open);
    for (Step first : firsts) {
      for (Step second : seconds) {
        schedules.exhaust(first, second);
      }
    }
    Tried.say("schedules of " + subject, schedules.report());
    assertTrue(schedules.schedules() > 4L * firsts.size() * seconds.size());
  }

  private static Step step(Kind kind, long key) {
    return new Step(kind, key, 100 + key);
  }

  @Test
  void writer_stoppedAnywhere_othersOnItsKeySeeAllOrNothing() {
    exhaust(
        "a map, written",
        List.of(step(Kind.PUT, 1), step(Kind.PUT, 4), step(Kind.REMOVE, 1)),
        List.of(
            step(Kind.GET, 1),
            new Step(Kind.PUT, 1, 77),
            step(Kind.REMOVE, 1),
            step(Kind.PUT_IF_ABSENT, 4)));
  }

  @Test
  void reader_stoppedAnywhere_seesAllOrNothing() {
    exhaust(
        "a map, read",
        List.of(step(Kind.GET, 1)),
        List.of(step(Kind.PUT, 1), step(Kind.REMOVE, 1), step(Kind.REPLACE, 1)));
  }

  /** Runs something before one of the calls of a thread. */
  private static final class Stopped extends ForwardingMedium {
    private final Thread who;
    private final Runnable meanwhile;
    private int left;

    Stopped(Medium inner, Thread who, int call, Runnable meanwhile) {
      super(inner);
      this.who = who;
      this.meanwhile = meanwhile;
      this.left = call;
    }

    boolean isStopped() {
      return left < 0;
    }

    private void call() {
      if (Thread.currentThread().equals(who) && left-- == 0) {
        meanwhile.run();
      }
    }

    @Override
    public String describe() {
      return inner().describe();
    }

    @Override
    public long load(long offset, int bytes) {
      call();
      return super.load(offset, bytes);
    }

    @Override
    public void store(long offset, int bytes, long value) {
      call();
      super.store(offset, bytes, value);
    }

    @Override
    public boolean compareAndSet(long offset, long expected, long value) {
      call();
      return super.compareAndSet(offset, expected, value);
    }

    @Override
    public void copyIn(MemorySegment from, long offset) {
      call();
      super.copyIn(from, offset);
    }

    @Override
    public void persist(Lines lines) {
      call();
      inner().persist(lines);
    }
  }

  private static void changeBoth(Entries entries) {
    entries.pool.run(tx -> {
      tx.edit(entries.map).put(1L, 101L);
      tx.edit(entries.map).put(2L, 102L);
    });
  }

  /** Goes through the map; its size is not asked for, which would wait. */
  private static long sum(Entries entries) {
    long sum = 0;
    for (long value : entries.map.values()) {
      sum += value;
    }
    return sum;
  }

  /**
   * Whoever goes through a map sees all of a transaction or nothing, as both keys are in one
   * segment: one thread is stopped before each of its calls of the medium, while the other one does
   * all that it has to do, or waits.
   */
  private static void assertSeenWhole(Consumer<Entries> stopped, Consumer<Entries> meanwhile)
      throws InterruptedException {
    boolean isStopped = true;
    for (int call = 0; isStopped; call++) {
      AtomicReference<Entries> entries = new AtomicReference<>();
      Thread first = Thread.ofPlatform().daemon().unstarted(() -> stopped.accept(entries.get()));
      Thread second = Thread.ofPlatform().daemon().unstarted(() -> meanwhile.accept(entries.get()));
      Runnable run =
          () -> {
            second.start();
            try {
              Schedules.endsAlone(second);
            } catch (InterruptedException e) {
              throw new AssertionError(e);
            }
          };
      Stopped medium = new Stopped(new TracingMedium(start()), first, call, run);
      entries.set(Entries.open(PersistentRegion.over(medium)));
      first.start();
      first.join();
      isStopped = medium.isStopped();
      second.join();
    }
  }

  @Test
  void changeOfTwoKeys_stoppedAnywhere_isSeenWhole() throws InterruptedException {
    List<Long> seen = Collections.synchronizedList(new ArrayList<>());
    assertSeenWhole(MapSchedulesTest::changeBoth, entries -> seen.add(sum(entries)));
    assertEquals(Set.of(23L, 203L), Set.copyOf(seen));
  }

  @Test
  void walk_stoppedAnywhere_seesAChangeOfTwoKeysWhole() throws InterruptedException {
    List<Long> seen = Collections.synchronizedList(new ArrayList<>());
    assertSeenWhole(entries -> seen.add(sum(entries)), MapSchedulesTest::changeBoth);
    assertEquals(Set.of(23L, 203L), Set.copyOf(seen));
  }

  /** Everything that can be done with these keys, while everything else is. */
  @Test
  @Timeout(3600)
  @EnabledIfSystemProperty(named = "holdfast.schedules.all", matches = "true")
  void allPairs_stoppedAnywhere() {
    List<Step> firsts = steps(100, Kind.PUT, Kind.PUT_IF_ABSENT, Kind.REPLACE, Kind.REMOVE);
    List<Step> seconds = steps(200, Kind.PUT, Kind.PUT_IF_ABSENT, Kind.REPLACE, Kind.REMOVE);
    exhaust("all pairs on a map, written", firsts, seconds);
    exhaust("all pairs on a map, written and read", firsts, steps(0, Kind.GET));
    exhaust("all pairs on a map, read", steps(0, Kind.GET), seconds);
  }

  private static List<Step> steps(long value, Kind... kinds) {
    return Stream.of(kinds)
        .flatMap(kind -> KEYS.stream().map(key -> new Step(kind, key, value + key)))
        .toList();
  }
}
