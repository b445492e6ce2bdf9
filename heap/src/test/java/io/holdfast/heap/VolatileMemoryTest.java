// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.TracingMedium;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class VolatileMemoryTest {
  private static final int SIZE = 16 << 20;
  private static final int CHUNK = 65_536;

  @TempDir Path folder;

  private static VolatileMemory ofSize(long bytes) {
    return VolatileMemory.over(PersistentRegion.over(Medium.inMemory(bytes)));
  }

  // ---- the file

  @Test
  void created_hasNoName_andNothingIsLeft() throws Exception {
    Path file = folder.resolve("cache");
    try (VolatileMemory memory = VolatileMemory.create(file, SIZE)) {
      assertFalse(Files.exists(file));
      assertEquals(SIZE, memory.size());
      MemorySegment segment = memory.allocateFrom("held by nothing");
      assertEquals("held by nothing", segment.getString(0));
      assertTrue(memory.toString().startsWith("VolatileMemory[size=16777216, used="));
    }
    try (var left = Files.list(folder)) {
      assertEquals(0, left.count());
    }
  }

  @Test
  void whatIsThere_isNotTaken() throws Exception {
    Path file = Files.writeString(folder.resolve("precious"), "text");
    assertThrows(HoldfastException.FileUnusable.class, () -> VolatileMemory.create(file, SIZE));
    assertEquals("text", Files.readString(file));
    assertThrows(IllegalArgumentException.class, () -> VolatileMemory.create(file, 131_071));
    try (PersistentRegion region = PersistentRegion.over(Medium.inMemory(SIZE))) {
      SamplePool.createEmpty(region).close();
      long[] before = SamplePool.words(region);
      assertThrows(IllegalArgumentException.class, () -> VolatileMemory.over(region));
      assertArrayEquals(before, SamplePool.words(region));
    }
  }

  @Test
  void regionWithoutMemoryToLend_isRefused() {
    try (PersistentRegion watched = TracingMedium.ofSize(1 << 20).region()) {
      assertThrows(IllegalArgumentException.class, () -> VolatileMemory.over(watched));
    }
    try (PersistentRegion small = PersistentRegion.over(Medium.inMemory(65_536))) {
      assertThrows(IllegalArgumentException.class, () -> VolatileMemory.over(small));
    }
  }

  @Test
  void closed_endsSegments_andRefusesAll() {
    VolatileMemory memory = ofSize(SIZE);
    MemorySegment segment = memory.allocate(100);
    segment.set(JAVA_BYTE, 99, (byte) 1);
    memory.close();
    memory.close();
    assertThrows(IllegalStateException.class, () -> segment.get(JAVA_BYTE, 99));
    assertThrows(HoldfastException.RegionClosed.class, () -> memory.allocate(1));
    assertThrows(HoldfastException.RegionClosed.class, () -> memory.free(segment));
  }

  // ---- wrong use

  @Test
  void wrongArguments_areRefused() {
    try (VolatileMemory memory = ofSize(SIZE)) {
      assertThrows(IllegalArgumentException.class, () -> memory.allocate(-1, 8));
      for (long alignment : new long[] {0, -8, 3, 24, Long.MIN_VALUE}) {
        assertThrows(IllegalArgumentException.class, () -> memory.allocate(8, alignment));
      }
    }
  }

  @Test
  void whatIsNotAllocated_cannotBeFreed() {
    try (VolatileMemory memory = ofSize(SIZE);
        VolatileMemory other = ofSize(SIZE);
        Arena arena = Arena.ofConfined()) {
      MemorySegment small = memory.allocate(100);
      MemorySegment large = memory.allocate(1_000_000);
      MemorySegment[] wrong = {
        arena.allocate(100),
        MemorySegment.NULL,
        MemorySegment.ofArray(new byte[100]),
        other.allocate(100),
        small.asSlice(16),
        small.asSlice(1),
        large.asSlice(CHUNK),
        large.asSlice(8)
      };
      for (MemorySegment one : wrong) {
        assertThrows(IllegalArgumentException.class, () -> memory.free(one));
      }
      memory.free(small.asSlice(0, 10));
      memory.free(large);
      assertThrows(IllegalArgumentException.class, () -> memory.free(small));
      assertThrows(IllegalArgumentException.class, () -> memory.free(large));
      assertEquals(0, memory.used());
    }
  }

  // ---- room

  @Test
  void usedUp_saysSo_andHasRoomAgain() {
    try (VolatileMemory memory = ofSize(SIZE)) {
      assertEquals(0, memory.used());
      long all = memory.largestFree();
      assertTrue(all >= SIZE - CHUNK && all <= SIZE, () -> "free=" + all);
      VolatileMemory.Exhausted refused =
          assertThrows(VolatileMemory.Exhausted.class, () -> memory.allocate(all + 1));
      assertEquals(all + 1, refused.asked());
      assertEquals(all, refused.largestFree());
      assertThrows(VolatileMemory.Exhausted.class, () -> memory.allocate(Long.MAX_VALUE, 1));
      assertThrows(VolatileMemory.Exhausted.class, () -> memory.allocate(1, 1L << 62));
      memory.free(memory.allocate(all));
      for (int bytes : new int[] {16, 100, 4096, 5000, 40_000, 100_000, 600_000}) {
        List<MemorySegment> taken = new ArrayList<>();
        try {
          while (true) {
            taken.add(memory.allocate(bytes));
          }
        } catch (VolatileMemory.Exhausted e) {
          assertTrue(e.largestFree() < bytes, e::getMessage);
        }
        double share = (double) taken.size() * bytes / all;
        assertTrue(share > 0.82, () -> bytes + " bytes fill " + share);
        taken.forEach(memory::free);
        assertEquals(0, memory.used());
        memory.free(memory.allocate(all));
      }
    }
  }

  @Test
  void rounding_isAnEighthAtMost() {
    try (VolatileMemory memory = ofSize(SIZE)) {
      for (int bytes = 128; bytes <= SizeClasses.LARGEST; bytes += 1 + bytes / 50) {
        MemorySegment segment = memory.allocate(bytes);
        assertEquals(bytes, segment.byteSize());
        assertTrue(memory.used() <= bytes * 1.125 + 16, "bytes=" + bytes);
        memory.free(segment);
      }
    }
  }

  @Test
  void alignment_isKept() {
    try (VolatileMemory memory = ofSize(SIZE)) {
      SplittableRandom random = new SplittableRandom(1);
      for (long alignment = 1; alignment <= 4 << 20; alignment *= 2) {
        for (int i = 0; i < 200; i++) {
          long bytes = random.nextInt(1 << random.nextInt(1, 21));
          MemorySegment segment = memory.allocate(bytes, alignment);
          MemorySegment between = memory.allocate(100);
          assertEquals(0, segment.address() % alignment);
          assertEquals(0, segment.address() % 16);
          memory.free(segment);
          memory.free(between);
        }
      }
      assertEquals(0, memory.used());
    }
  }

  @Test
  void emptySegments_differ() {
    try (VolatileMemory memory = ofSize(SIZE)) {
      MemorySegment one = memory.allocate(0);
      MemorySegment two = memory.allocate(0);
      assertEquals(0, one.byteSize());
      assertNotEquals(one.address(), two.address());
      memory.free(one);
      memory.free(two);
    }
  }

  // ---- against a model

  /** Segments never overlap, keep what they hold, and all of the room comes back. */
  @Test
  void randomUse_asAModelSays() {
    for (int seed = 0; seed < 4; seed++) {
      try (VolatileMemory memory = ofSize(SIZE)) {
        SplittableRandom random = new SplittableRandom(seed);
        TreeMap<Long, MemorySegment> model = new TreeMap<>();
        int refused = 0;
        for (int step = 0; step < 20_000; step++) {
          if (model.isEmpty() || random.nextInt(100) < 70) {
            long bytes = random.nextInt(1 << random.nextInt(1, 21));
            long alignment = 1L << random.nextInt(random.nextInt(10) == 0 ? 20 : 8);
            try {
              take(memory, model, bytes, alignment);
            } catch (VolatileMemory.Exhausted e) {
              refused++;
              for (int i = 0; i < 20; i++) {
                free(memory, model, random.nextInt());
              }
            }
          } else {
            free(memory, model, random.nextInt());
          }
        }
        assertTrue(refused > 10, "never full");
        while (!model.isEmpty()) {
          free(memory, model, 0);
        }
        assertEquals(0, memory.used());
        memory.free(memory.allocate(memory.size() - 2 * CHUNK));
      }
    }
  }

  private static void take(
      VolatileMemory memory, NavigableMap<Long, MemorySegment> model, long bytes, long alignment) {
    MemorySegment segment = memory.allocate(bytes, alignment);
    long from = segment.address();
    Map.Entry<Long, MemorySegment> before = model.floorEntry(from);
    Map.Entry<Long, MemorySegment> after = model.higherEntry(from);
    assertEquals(0, from % alignment);
    assertTrue(
        before == null || before.getKey() + Math.max(1, before.getValue().byteSize()) <= from);
    assertTrue(after == null || from + Math.max(1, bytes) <= after.getKey());
    mark(segment, from);
    model.put(from, segment);
  }

  private static void mark(MemorySegment segment, long value) {
    if (segment.byteSize() >= 8) {
      segment.set(JAVA_LONG_UNALIGNED, 0, value);
      segment.set(JAVA_LONG_UNALIGNED, segment.byteSize() - 8, value);
    }
  }

  private static void assertMarked(MemorySegment segment, long value) {
    if (segment.byteSize() >= 8) {
      assertEquals(value, segment.get(JAVA_LONG_UNALIGNED, segment.byteSize() - 8));
      assertTrue(
          segment.byteSize() < 16 || segment.get(JAVA_LONG_UNALIGNED, 0) == value, "overwritten");
    }
  }

  private static void free(
      VolatileMemory memory, NavigableMap<Long, MemorySegment> model, int seed) {
    if (model.isEmpty()) {
      return;
    }
    long between =
        model.firstKey()
            + Math.floorMod(seed * 0x9E3779B97F4A7C15L, model.lastKey() - model.firstKey() + 1);
    MemorySegment segment = model.remove(model.floorKey(between));
    assertMarked(segment, segment.address());
    memory.free(segment);
  }

  // ---- threads

  /** What one takes another frees. */
  @Test
  void threads_takeAndFree_eachOthers() throws Exception {
    try (VolatileMemory memory = ofSize(SIZE)) {
      BlockingQueue<MemorySegment> exchange = new ArrayBlockingQueue<>(200);
      try (ExecutorService threads =
          Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())) {
        List<Future<?>> futures = new ArrayList<>();
        for (int thread = 0; thread < 4; thread++) {
          SplittableRandom random = new SplittableRandom(thread);
          futures.add(
              threads.submit(() -> {
                for (int i = 0; i < 10_000; i++) {
                  MemorySegment taken =
                      memory.allocate(8 + random.nextInt(1 << random.nextInt(1, 15)), 8);
                  mark(taken, taken.address());
                  if (!exchange.offer(taken)) {
                    MemorySegment other = exchange.poll();
                    assertMarked(taken, taken.address());
                    memory.free(taken);
                    if (other != null) {
                      assertMarked(other, other.address());
                      memory.free(other);
                    }
                  }
                }
              }));
        }
        for (Future<?> future : futures) {
          try {
            future.get();
          } catch (ExecutionException e) {
            throw new AssertionError(e.getCause());
          }
        }
      }
      exchange.forEach(memory::free);
      assertEquals(0, memory.used());
      memory.free(memory.allocate(memory.size() - 2 * CHUNK));
    }
  }
}
