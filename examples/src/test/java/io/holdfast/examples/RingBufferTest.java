// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.CrashCase;
import io.holdfast.crash.CrashCheck;
import io.holdfast.crash.CrashFailure;
import io.holdfast.crash.CrashModel;
import io.holdfast.crash.CrashReplay;
import io.holdfast.crash.CrashTest;
import io.holdfast.crash.Explorer;
import io.holdfast.crash.KillCheck;
import io.holdfast.crash.KillMedium;
import io.holdfast.crash.KillProgram;
import io.holdfast.crash.KillTest;
import io.holdfast.crash.PersistLint;
import io.holdfast.flush.PersistentRegion;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A ring buffer on a bare region, and one that publishes too early. */
@Timeout(60)
class RingBufferTest {
  /** Numbers, first in, first out: two words count those that came and those that went. */
  static class RingBuffer {
    static final long TAKEN = 0;
    static final long ADDED = 64;
    static final long SLOTS = 128;
    static final int CAPACITY = 4;

    final PersistentRegion region;

    RingBuffer(PersistentRegion region) {
      this.region = region;
    }

    void add(long value) {
      long added = region.getLong(ADDED);
      if (added - region.getLong(TAKEN) == CAPACITY) {
        throw new IllegalStateException("the ring is full: capacity=" + CAPACITY);
      }
      region.putLong(slot(added), value);
      region.persist(slot(added), 8);
      region.putLong(ADDED, added + 1);
      region.persist(ADDED, 8);
    }

    void take() {
      region.putLong(TAKEN, region.getLong(TAKEN) + 1);
      region.persist(TAKEN, 8);
    }

    List<Long> contents() {
      List<Long> contents = new ArrayList<>();
      for (long i = region.getLong(TAKEN); i < region.getLong(ADDED); i++) {
        contents.add(region.getLong(slot(i)));
      }
      return contents;
    }

    static long slot(long number) {
      return SLOTS + 64 * (number % CAPACITY);
    }
  }

  /** Saves a fence, and publishes a slot before it is durable. */
  static class HastyRingBuffer extends RingBuffer {
    HastyRingBuffer(PersistentRegion region) {
      super(region);
    }

    @Override
    void add(long value) {
      long added = region.getLong(ADDED);
      region.putLong(slot(added), value);
      region.putLong(ADDED, added + 1);
      region.persist(region.lines().add(slot(added), 8).add(ADDED, 8));
    }
  }

  record RingCase(Function<PersistentRegion, RingBuffer> maker)
      implements CrashCase<RingBuffer, List<Long>> {
    @Override
    public RingBuffer open(PersistentRegion region) {
      return maker.apply(region);
    }

    @Override
    public void workload(RingBuffer ring, Ops<List<Long>> ops) {
      for (long value = 10; value <= 40; value += 10) {
        long added = value;
        ops.op("add " + added, model -> model.add(added), () -> ring.add(added));
      }
      ops.op("take", List::removeFirst, ring::take);
      ops.op("add 50", model -> model.add(50L), () -> ring.add(50));
    }

    @Override
    public List<Long> model() {
      return new ArrayList<>();
    }

    @Override
    public List<Long> observe(RingBuffer ring) {
      return ring.contents();
    }

    @Override
    public void invariants(RingBuffer ring) {
      assertTrue(ring.contents().size() <= RingBuffer.CAPACITY);
    }
  }

  @CrashTest(
      models = {CrashModel.WORD, CrashModel.X86_LINE, CrashModel.EADR},
      nested = 1)
  void ring(CrashCheck check) {
    check.run(new RingCase(RingBuffer::new));
  }

  @Test
  @PersistLint(size = 4096)
  void ring_breaksNoRule(PersistentRegion region) {
    RingBuffer ring = new RingBuffer(region);
    ring.add(10);
    ring.take();
  }

  /** What is run below, and fails. */
  static class Failing {
    @CrashTest
    void hasty(CrashCheck check) {
      check.run(new RingCase(HastyRingBuffer::new));
    }

    @CrashReplay("WORD:3:1")
    void again(CrashCheck check) {
      check.run(new RingCase(HastyRingBuffer::new));
    }
  }

  @Test
  void hastyRing_isFoundWithItsStores_andAgainByItsToken() {
    String message = Crashed.message(Crashed.run(Failing.class, "hasty", CrashCheck.class));
    assertTrue(message.contains("HastyRingBuffer.add (RingBufferTest.java:"), message);
    assertTrue(message.contains("\n  durable:     offset 64 = 0x1"), message);
    assertEquals("WORD:3:1", Crashed.token(message, "RingBufferTest.java"));
    String again = Crashed.message(Crashed.run(Failing.class, "again", CrashCheck.class));
    assertTrue(again.endsWith("replay WORD:3:1"), again);
  }

  @Test
  void hastyRing_isSoundWhereStoresKeepTheirOrder() {
    RingCase hasty = new RingCase(HastyRingBuffer::new);
    assertThrows(
        CrashFailure.class, () -> Explorer.of(hasty).model(CrashModel.X86_LINE).run(hasty));
    Explorer.of(hasty).model(CrashModel.EADR).run(hasty);
  }

  /** Adds and takes numbers until it is killed; each number is its operation's. */
  public static class RingProgram implements KillProgram {
    @Override
    public long size(long seed) {
      return 4096;
    }

    @Override
    public void create(PersistentRegion region, long seed) {}

    @Override
    public void work(PersistentRegion region, long seed, Acknowledgements acknowledgements) {
      RingBuffer ring = new RingBuffer(region);
      long number = region.getLong(RingBuffer.ADDED);
      acknowledgements.acknowledge(0, number);
      while (true) {
        if (ring.contents().size() == RingBuffer.CAPACITY) {
          ring.take();
        }
        ring.add(++number);
        acknowledgements.acknowledge(0, number);
      }
    }

    @Override
    public Recovered check(PersistentRegion region, long seed, Acknowledged acknowledged) {
      long added = region.getLong(RingBuffer.ADDED);
      long last = acknowledged.last(0);
      assertTrue(added == last || added == last + 1, "acknowledged " + last + ", is " + added);
      List<Long> contents = new RingBuffer(region).contents();
      for (int i = 0; i < contents.size(); i++) {
        assertEquals(added - contents.size() + 1 + i, contents.get(i));
      }
      return new Recovered(Duration.ZERO, 0);
    }
  }

  @KillTest(kills = 4, media = KillMedium.VOLATILE_CACHE)
  void killedRing(KillCheck check) {
    check.run(RingProgram.class);
  }
}
