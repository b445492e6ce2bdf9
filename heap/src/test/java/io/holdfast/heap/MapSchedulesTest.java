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
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
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

  /** Runs something before a store. */
  private static final class Stopped extends ForwardingMedium {
    private int left;
    private final Runnable meanwhile;

    Stopped(Medium inner, int store, Runnable meanwhile) {
      super(inner);
      this.left = store;
      this.meanwhile = meanwhile;
    }

    boolean isStopped() {
      return left < 0;
    }

    @Override
    public String describe() {
      return inner().describe();
    }

    private void call() {
      if (left-- == 0) {
        meanwhile.run();
      }
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
      inner().persist(lines);
    }
  }

  /**
   * Who goes through a map sees all of a transaction or nothing, as both keys are in one segment.
   */
  @Test
  void changeOfTwoKeys_stoppedAtEachStore_isSeenWhole() throws InterruptedException {
    boolean stopped = true;
    for (int store = 0; stopped; store++) {
      AtomicReference<PersistentMap<Long, Long>> map = new AtomicReference<>();
      AtomicLong sum = new AtomicLong();
      Thread reader =
          Thread.ofPlatform()
              .daemon()
              .unstarted(
                  () -> sum.set(map.get().values().stream().mapToLong(value -> value).sum()));
      Stopped medium =
          new Stopped(
              new TracingMedium(start()),
              store,
              () -> {
                if (map.get() != null) {
                  reader.start();
                  try {
                    Schedules.endsAlone(reader);
                  } catch (InterruptedException e) {
                    throw new AssertionError(e);
                  }
                }
              });
      Pool pool = Pool.open(PersistentRegion.over(medium), "test");
      map.set(pool.root("map", MAP));
      pool.run(tx -> {
        tx.edit(map.get()).put(1L, 101L);
        tx.edit(map.get()).put(2L, 102L);
      });
      stopped = medium.isStopped();
      if (reader.getState() != Thread.State.NEW) {
        reader.join();
        IO.println("STORE " + store + " " + sum.get());
        assertTrue(sum.get() == 23 || sum.get() == 203, "store " + store + ": " + sum.get());
      }
    }
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
