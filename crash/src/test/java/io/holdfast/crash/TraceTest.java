// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.holdfast.flush.PersistentRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * Small programs with the exact set of images that a crash at their end, or on their way, may
 * leave.
 */
class TraceTest {
  /**
   * The images at the end of a program over words 0, 1 (one line) and 8 (another), as "w0 w1 w8".
   */
  private static Set<String> atEnd(Consumer<PersistentRegion> program) {
    Trace trace = trace(program);
    return images(trace, trace.points().getLast());
  }

  private static Trace trace(Consumer<PersistentRegion> program) {
    TracingMedium medium = TracingMedium.ofSize(4096);
    program.accept(medium.region());
    return medium.trace();
  }

  private static Set<String> images(Trace trace, Trace.Point point) {
    Set<String> images = new TreeSet<>();
    trace.images(point, CrashModel.WORD).forEach(w -> images.add(w[0] + " " + w[1] + " " + w[8]));
    assertEquals(images.size(), trace.images(point, CrashModel.WORD).count());
    return images;
  }

  @Test
  void nothingStored_oneImage() {
    assertEquals(Set.of("0 0 0"), atEnd(region -> {}));
  }

  @Test
  void oneStore_thereOrNot() {
    assertEquals(Set.of("0 0 0", "1 0 0"), atEnd(region -> region.putLong(0, 1)));
  }

  @Test
  void twoStoresOneLine_anyOfThem() {
    assertEquals(
        Set.of("0 0 0", "1 0 0", "0 2 0", "1 2 0"),
        atEnd(region -> {
          region.putLong(0, 1);
          region.putLong(8, 2);
        }));
  }

  @Test
  void oneWordTwice_anyOfItsValues() {
    assertEquals(
        Set.of("0 0 0", "1 0 0", "2 0 0"),
        atEnd(region -> {
          region.putLong(0, 1);
          region.putLong(0, 2);
        }));
  }

  @Test
  void sameValueAgain_noNewImage() {
    assertEquals(
        Set.of("0 0 0", "1 0 0"),
        atEnd(region -> {
          region.putLong(0, 1);
          region.putLong(0, 0);
          region.putLong(0, 1);
        }));
  }

  @Test
  void persisted_certain() {
    assertEquals(
        Set.of("1 0 0"),
        atEnd(region -> {
          region.putLong(0, 1);
          region.persist(0, 8);
        }));
  }

  @Test
  void persistedAndStoredAgain_neverOlderThanThePersisted() {
    assertEquals(
        Set.of("1 0 0", "2 0 0"),
        atEnd(region -> {
          region.putLong(0, 1);
          region.persist(0, 1);
          region.putLong(0, 2);
        }));
  }

  @Test
  void persistOfOneLine_wholeLineAndNoOther() {
    assertEquals(
        Set.of("1 2 0", "1 2 3"),
        atEnd(region -> {
          region.putLong(0, 1);
          region.putLong(8, 2);
          region.putLong(64, 3);
          region.persist(region.lines().add(0, 1));
        }));
  }

  @Test
  void unalignedStore_tearsBetweenItsWords() {
    long low = 0x0807060504030201L;
    assertEquals(
        Set.of(
            "0 0 0",
            (low << 32) + " 0 0",
            "0 " + (low >>> 32) + " 0",
            (low << 32) + " " + (low >>> 32) + " 0"),
        atEnd(region -> region.putLong(4, low)));
  }

  @Test
  void copy_tearsBetweenItsWords() {
    assertEquals(
        Set.of("0 0 0", "7 0 0", "0 7 0", "7 7 0"),
        atEnd(region -> region.copyIn(0, MemorySegment.ofArray(new long[] {7, 7}))));
  }

  @Test
  void copyDurably_certainAfterwards() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment from = arena.allocateFrom(ValueLayout.JAVA_LONG, 5, 6);
      assertEquals(Set.of("5 6 0"), atEnd(region -> region.copyDurably(0, from)));
    }
  }

  @Test
  void compareAndSet_isNoFence() {
    assertEquals(
        Set.of("0 0 0", "1 0 0", "0 0 2", "1 0 2"),
        atEnd(region -> {
          region.putLong(0, 1);
          region.compareAndSetLong(64, 0, 2);
          region.compareAndSetLong(64, 0, 3);
        }));
  }

  @Test
  void writtenThroughASegment_seenAtTheNextFence() {
    assertEquals(
        Set.of("4 0 0", "4 5 0"),
        atEnd(region -> {
          MemorySegment raw = region.writable(0, 16);
          raw.set(ValueLayout.JAVA_LONG, 0, 4);
          region.persist(0, 16);
          raw.set(ValueLayout.JAVA_LONG, 8, 5);
        }));
  }

  @Test
  void points_beforeEachFenceAndMark() {
    TracingMedium medium = TracingMedium.ofSize(4096);
    PersistentRegion region = medium.region();
    region.putLong(0, 1);
    region.persist(0, 8);
    medium.mark("first");
    region.putLong(64, 2);
    region.persist(64, 8);
    medium.mark("second");
    Trace trace = medium.trace();
    var points = trace.points();
    assertEquals(5, points.size());
    assertEquals(2, trace.fences());
    assertEquals("before fence 1", points.get(0).cause());
    assertEquals(Set.of("0 0 0", "1 0 0"), images(trace, points.get(0)));
    assertEquals("before first", points.get(1).cause());
    assertEquals(Set.of("1 0 0"), images(trace, points.get(1)));
    assertEquals(List.of("first"), points.get(2).marks());
    assertEquals(Set.of("1 0 0", "1 0 2"), images(trace, points.get(2)));
    assertEquals(Set.of("1 0 2"), images(trace, points.get(3)));
    assertEquals(List.of("first", "second"), points.get(4).marks());
  }

  @Test
  void sample_containsOldestNewestAndTheirNeighbours() {
    Trace trace =
        trace(region -> {
          region.putLong(0, 1);
          region.putLong(8, 2);
          region.putLong(64, 3);
        });
    Set<String> images = new TreeSet<>();
    trace
        .images(trace.points().getLast(), CrashModel.WORD)
        .sample(0, 1, w -> images.add(w[0] + " " + w[1] + " " + w[8]));
    assertEquals(
        Set.of("0 0 0", "1 0 0", "0 2 0", "0 0 3", "1 2 3", "0 2 3", "1 0 3", "1 2 0"), images);
  }

  @Test
  void counts_everyKindOfPersist_fencesAndLines() {
    CountingMedium counting = new CountingMedium(TracingMedium.ofSize(4096));
    try (PersistentRegion region = PersistentRegion.over(counting);
        Arena arena = Arena.ofConfined()) {
      region.putLong(0, 1);
      assertEquals(new PersistCounts(0, 0, 0), counting.counts());
      region.persist(60, 8);
      assertEquals(new PersistCounts(1, 2, 0), counting.counts());
      PersistCounts before = counting.counts();
      region.persist(region.lines().add(0, 64).add(8, 8).copy(128, arena.allocate(72, 8)));
      assertEquals(new PersistCounts(1, 3, 72), counting.counts().since(before));
    }
  }
}
