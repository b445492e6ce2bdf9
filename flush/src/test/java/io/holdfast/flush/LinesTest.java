// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class LinesTest {
  private final PersistentRegion region = PersistentRegion.over(new Recorder(1 << 20));

  @Test
  void add_sameLineTwice_onceWrittenBack() {
    Lines lines = region.lines().add(0, 8).add(56, 8).add(64, 1).add(63, 2);
    assertEquals(2, lines.lineCount());
    assertEquals(List.of("writeback 0+128"), visit(lines));
  }

  @Test
  void add_emptyRange_nothing() {
    assertEquals(0, region.lines().add(100, 0).lineCount());
  }

  @Test
  void add_longRange_oneRange() {
    assertEquals(List.of("writeback 64+65536"), visit(region.lines().add(64, 65536)));
  }

  @Test
  void add_manyRandomRanges_everyLineAndNoOther() {
    SplittableRandom random = new SplittableRandom(7);
    Lines lines = region.lines();
    for (int round = 0; round < 50; round++) {
      lines.clear();
      TreeSet<Long> expected = new TreeSet<>();
      for (int i = random.nextInt(400); i > 0; i--) {
        long offset = random.nextLong((1 << 20) - 300);
        long length = random.nextLong(300);
        lines.add(offset, length);
        for (long line = offset / 64; length > 0 && line <= (offset + length - 1) / 64; line++) {
          expected.add(line * 64);
        }
      }
      TreeSet<Long> actual = new TreeSet<>();
      lines.visit(
          new Lines.Visitor() {
            @Override
            public void writeback(long offset, long bytes) {
              for (long line = offset; line < offset + bytes; line += 64) {
                actual.add(line);
              }
            }

            @Override
            public void copy(long offset, MemorySegment from) {
              throw new AssertionError("no copy was added");
            }
          });
      assertEquals(expected, actual);
      // Two lines of one place forget each other.
      assertTrue(lines.lineCount() >= expected.size());
      assertTrue(lines.lineCount() <= expected.size() * 1.1, "lines=" + lines.lineCount());
    }
  }

  @Test
  void copy_manyOfThem_inOrder() {
    try (Arena arena = Arena.ofConfined()) {
      Lines lines = region.lines();
      List<String> expected = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        lines.copy(i * 128L, arena.allocate(8L * i, 8));
        if (i > 0) {
          expected.add("copy " + i * 128 + "+" + 8 * i);
        }
      }
      assertEquals(expected, visit(lines));
      assertEquals(360, lines.copiedBytes());
    }
  }

  @Test
  void copy_unalignedOrOnTheHeap_refused() {
    Lines lines = region.lines();
    MemorySegment heap = MemorySegment.ofArray(new byte[8]);
    assertThrows(IllegalArgumentException.class, () -> lines.copy(0, heap));
    try (Arena arena = Arena.ofConfined()) {
      assertThrows(IllegalArgumentException.class, () -> lines.copy(4, arena.allocate(8)));
      assertThrows(IllegalArgumentException.class, () -> lines.copy(8, arena.allocate(9)));
    }
  }

  @Test
  void add_outsideTheRegion_refused() {
    Lines lines = region.lines();
    for (long[] range :
        new long[][] {{-1, 1}, {0, -1}, {1 << 20, 1}, {(1 << 20) - 7, 8}, {1, Long.MAX_VALUE}}) {
      assertThrows(IndexOutOfBoundsException.class, () -> lines.add(range[0], range[1]));
    }
  }

  @Test
  void persist_linesOfAnotherRegion_refused() {
    try (PersistentRegion other = PersistentRegion.over(Medium.inMemory(4096))) {
      assertThrows(IllegalArgumentException.class, () -> other.persist(region.lines()));
    }
  }

  private static List<String> visit(Lines lines) {
    List<String> seen = new ArrayList<>();
    lines.visit(
        new Lines.Visitor() {
          @Override
          public void writeback(long offset, long bytes) {
            seen.add("writeback " + offset + "+" + bytes);
          }

          @Override
          public void copy(long offset, MemorySegment from) {
            seen.add("copy " + offset + "+" + from.byteSize());
          }
        });
    return seen;
  }

  /** A watched medium that holds nothing. */
  private static final class Recorder extends Medium {
    private final long size;

    Recorder(long size) {
      super(Durability.POWER, Granularity.LINE);
      this.size = size;
    }

    @Override
    public String describe() {
      return "recorder";
    }

    @Override
    public long size() {
      return size;
    }

    @Override
    public long load(long offset, int bytes) {
      return 0;
    }

    @Override
    public void store(long offset, int bytes, long value) {}

    @Override
    public boolean compareAndSet(long offset, long expected, long value) {
      return false;
    }

    @Override
    public void copyOut(long offset, MemorySegment into) {}

    @Override
    public void copyIn(MemorySegment from, long offset) {}

    @Override
    public MemorySegment view(long offset, long bytes, Arena arena) {
      return MemorySegment.NULL;
    }

    @Override
    public MemorySegment writable(long offset, long bytes, Arena arena) {
      return MemorySegment.NULL;
    }

    @Override
    public void persist(Lines lines) {}

    @Override
    public void persist(long offset, long bytes) {}

    @Override
    public void sync() {}

    @Override
    public void close() {}
  }
}
