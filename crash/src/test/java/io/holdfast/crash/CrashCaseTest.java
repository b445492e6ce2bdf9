// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.flush.Declaration;
import io.holdfast.flush.PersistentRegion;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CrashCaseTest {
  /** A ring of numbers on a bare region: two words say where it begins and ends. */
  static class Ring {
    static final long HEAD = 0;
    static final long TAIL = 64;
    static final long SLOTS = 128;
    static final int CAPACITY = 4;

    final PersistentRegion region;

    Ring(PersistentRegion region) {
      this.region = region;
    }

    void put(long value) {
      long tail = region.getLong(TAIL);
      region.putLong(SLOTS + 64 * (tail % CAPACITY), value);
      region.persist(SLOTS + 64 * (tail % CAPACITY), 8);
      region.putLong(TAIL, tail + 1);
      region.persist(TAIL, 8);
    }

    void take() {
      region.putLong(HEAD, region.getLong(HEAD) + 1);
      region.persist(HEAD, 8);
    }

    List<Long> contents() {
      List<Long> contents = new ArrayList<>();
      for (long at = region.getLong(HEAD); at < region.getLong(TAIL); at++) {
        contents.add(region.getLong(SLOTS + 64 * (at % CAPACITY)));
      }
      return contents;
    }
  }

  /** Publishes a slot in the same fence as its number. */
  static final class HastyRing extends Ring {
    HastyRing(PersistentRegion region) {
      super(region);
    }

    @Override
    void put(long value) {
      long tail = region.getLong(TAIL);
      region.putLong(SLOTS + 64 * (tail % CAPACITY), value);
      region.putLong(TAIL, tail + 1);
      region.persist(0, SLOTS + 64 * CAPACITY);
    }
  }

  /** Acknowledges a take that nobody waited for. */
  private static final class CarelessRing extends Ring {
    CarelessRing(PersistentRegion region) {
      super(region);
    }

    @Override
    void take() {
      region.putLong(HEAD, region.getLong(HEAD) + 1);
    }
  }

  interface Maker {
    Ring make(PersistentRegion region);
  }

  /** Puts and takes, and what is left. */
  record RingCase(Maker maker) implements CrashCase<Ring, List<Long>> {
    @Override
    public Ring open(PersistentRegion region) {
      return maker.make(region);
    }

    @Override
    public void workload(Ring ring, Ops<List<Long>> ops) {
      for (long i = 1; i <= 3; i++) {
        long value = 10 * i;
        ops.op("put " + value, model -> model.add(value), () -> ring.put(value));
      }
      ops.op("take", List::removeFirst, ring::take);
      ops.op("put 40", model -> model.add(40L), () -> ring.put(40));
      ops.op("put 50", model -> model.add(50L), () -> ring.put(50));
    }

    @Override
    public List<Long> model() {
      return new ArrayList<>();
    }

    @Override
    public List<Long> observe(Ring ring) {
      return ring.contents();
    }

    @Override
    public void invariants(Ring ring) {
      assertTrue(ring.contents().size() <= Ring.CAPACITY);
    }
  }

  @Test
  void soundStructure_passesInEveryModel() {
    for (CrashModel model : CrashModel.values()) {
      RingCase sound = new RingCase(Ring::new);
      Explorer.Report report = Explorer.of(sound).model(model).nested(1).run(sound);
      assertEquals(0, report.cappedPoints());
      assertTrue(report.states() > report.points(), report::toString);
    }
  }

  @Test
  void numberBeforeItsSlot_foundWithTheStores() {
    RingCase hasty = new RingCase(HastyRing::new);
    CrashFailure failure = assertThrows(CrashFailure.class, () -> Explorer.of(hasty).run(hasty));
    String message = failure.getMessage();
    assertTrue(message.contains("found [0]; acknowledged []; under way: put 10"), message);
    assertTrue(message.contains("not durable: offset 128 = 0xA"), message);
    assertTrue(message.contains("durable:     offset 64 = 0x1"), message);
    assertTrue(message.lines().count() <= 10, message);
    CrashFailure again =
        assertThrows(CrashFailure.class, () -> Explorer.of(hasty).replay(failure.token(), hasty));
    assertEquals(failure.token(), again.token());
    RingCase other = new RingCase(Ring::new);
    assertThrows(
        IllegalArgumentException.class, () -> Explorer.of(other).replay(failure.token(), other));
  }

  @Test
  void acknowledgedBeforeItIsDurable_found() {
    RingCase careless = new RingCase(CarelessRing::new);
    CrashFailure failure =
        assertThrows(CrashFailure.class, () -> Explorer.of(careless).run(careless));
    assertTrue(failure.getMessage().contains("acknowledged [20, 30]"), failure.getMessage());
    Explorer.of(careless).model(CrashModel.EADR).run(careless);
  }

  /** A number in two words, each durable before the next: a crash between them leaves half. */
  private record Halves(long first) implements CrashCase<PersistentRegion, List<Long>> {
    @Override
    public void prepare(PersistentRegion region) {
      region.putLong(0, first);
    }

    @Override
    public PersistentRegion open(PersistentRegion region) {
      return region;
    }

    @Override
    public void workload(PersistentRegion region, Ops<List<Long>> ops) {
      ops.op(
          "set",
          model -> model.replaceAll(value -> 5L),
          () -> {
            region.declare(Declaration.SCRATCH, 128, 8);
            region.putLong(0, 5);
            region.persist(0, 8);
            region.putLong(64, 5);
            region.persist(64, 8);
          });
    }

    @Override
    public List<Long> model() {
      return new ArrayList<>(List.of(first, 0L));
    }

    @Override
    public List<Long> observe(PersistentRegion region) {
      return List.of(region.getLong(0), region.getLong(64));
    }
  }

  @Test
  void crashBetweenTwoDurableStores_namesTheOneThatWasNotMade() {
    Halves halves = new Halves(7);
    CrashFailure failure = assertThrows(CrashFailure.class, () -> Explorer.of(halves).run(halves));
    String message = failure.getMessage();
    assertTrue(message.contains("found [5, 0]; acknowledged [7, 0]"), message);
    assertTrue(message.contains("offset 64 = 0x5"), message);
    CrashFailure again =
        assertThrows(CrashFailure.class, () -> Explorer.of(halves).replay(failure.token(), halves));
    assertEquals(failure.token(), again.token());
    assertTrue(message.contains("(CrashCaseTest.java:"), message);
    assertTrue(message.lines().count() <= 10, message);
  }
}
