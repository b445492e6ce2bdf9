// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Regions that become longer while they are in use, and do not move. */
@Timeout(120)
@Tag("media")
class RegionGrowthTest {
  private static final long SIZE = 64 << 10;
  private static final long MAX_SIZE = 4 << 20;

  @TempDir Path folder;

  private Path file() {
    return folder.resolve("region");
  }

  private PersistentRegion create() {
    return PersistentRegion.create(file(), SIZE, MAX_SIZE, Durability.PROCESS);
  }

  private PersistentRegion assuming(Granularity granularity) {
    PersistentRegion.create(file(), SIZE).close();
    return PersistentRegion.over(Media.assuming(file(), granularity, MAX_SIZE));
  }

  @ParameterizedTest
  @EnumSource
  void grow_inSteps_contentsAndSegmentsStay(Granularity granularity) throws IOException {
    try (PersistentRegion region = assuming(granularity)) {
      assertEquals(MAX_SIZE, region.maxSize());
      MemorySegment first = region.writable(0, SIZE).fill((byte) 7);
      List<Long> sizes = List.of(SIZE + 1, 2 * SIZE, MAX_SIZE - 4096, MAX_SIZE);
      for (long bytes : sizes) {
        long before = region.size();
        region.grow(bytes);
        long after = (bytes + 4095) & -4096;
        assertEquals(after, region.size());
        assertEquals(after, Files.size(file()));
        assertEquals(0, region.getLong(before));
        assertEquals(0, region.getLong(after - 8));
        region.putLong(after - 8, bytes);
        region.persist(after - 8, 8);
        assertEquals(after - region.writable(0, after).address(), -first.address() + after);
        assertThrows(IndexOutOfBoundsException.class, () -> region.getByte(after));
      }
      assertEquals(7, first.get(JAVA_BYTE, SIZE - 1));
      assertEquals(7, region.getByte(SIZE - 1));
    }
    try (PersistentRegion region = PersistentRegion.open(file())) {
      assertEquals(MAX_SIZE, region.size());
      assertEquals(MAX_SIZE, region.maxSize());
      assertEquals(SIZE + 1, region.getLong(SIZE + 4096 - 8));
      assertEquals(MAX_SIZE, region.getLong(MAX_SIZE - 8));
      assertEquals(7, region.getByte(SIZE - 1));
    }
  }

  @Test
  void grow_aFileOfOddLength_noPageIsMappedTwice() throws IOException {
    Path file = folder.resolve("odd");
    Files.write(file, new byte[4097]);
    try (PersistentRegion region = PersistentRegion.open(file, Durability.PROCESS, 5 * 4096)) {
      region.grow(5 * 4096);
      for (long at = 0; at < region.size(); at += 4096) {
        region.putLong(at, at + 1);
      }
      for (long at = 0; at < region.size(); at += 4096) {
        assertEquals(at + 1, region.getLong(at));
      }
    }
  }

  @Test
  void grow_toWhatIsThereOrLess_changesNothing() throws IOException {
    try (PersistentRegion region = create()) {
      for (long bytes : new long[] {0, 1, SIZE}) {
        region.grow(bytes);
        assertEquals(SIZE, region.size());
      }
    }
    assertEquals(SIZE, Files.size(file()));
  }

  /** As a process leaves it that is killed between the extension and what it would note. */
  @Test
  void open_fileThatHasGrown_isAsLongAsItIsAndGrowsOn() {
    create().close();
    try (PersistentRegion region = PersistentRegion.open(file(), Durability.PROCESS, MAX_SIZE)) {
      region.grow(2 * SIZE);
      region.putLong(SIZE, 5);
    }
    try (PersistentRegion region = PersistentRegion.open(file(), Durability.PROCESS, SIZE)) {
      assertEquals(2 * SIZE, region.size());
      assertEquals(2 * SIZE, region.maxSize());
      region.grow(2 * SIZE);
    }
    try (PersistentRegion region = PersistentRegion.open(file(), Durability.PROCESS, MAX_SIZE)) {
      region.grow(2 * SIZE);
      region.grow(3 * SIZE);
      assertEquals(5, region.getLong(SIZE));
      assertEquals(0, region.getLong(2 * SIZE));
    }
  }

  /** Of a length that is no number of whole pages the last page is mapped, and stays. */
  @Test
  void grow_fileOfOddLength_contentsStay() throws IOException {
    Files.write(file(), new byte[5000]);
    try (PersistentRegion region = PersistentRegion.open(file(), Durability.PROCESS, MAX_SIZE)) {
      region.putLong(4992, 3);
      region.grow(5001);
      assertEquals(8192, region.size());
      region.putLong(8184, 4);
      assertEquals(3, region.getLong(4992));
    }
    try (PersistentRegion region = PersistentRegion.open(file())) {
      assertEquals(3, region.getLong(4992));
      assertEquals(4, region.getLong(8184));
    }
  }

  // ---- refusals

  private static void assertRefused(
      Class<? extends Exception> type, String words, Runnable action) {
    Exception e = assertThrows(type, action::run);
    assertTrue(e.getMessage().contains(words), e.getMessage());
  }

  @Test
  void grow_beyondTheMaximumOrNegative_refused() {
    try (PersistentRegion region = create()) {
      for (long bytes : new long[] {MAX_SIZE + 1, Long.MAX_VALUE, -1, Long.MIN_VALUE}) {
        assertRefused(
            IllegalArgumentException.class,
            "bytes=%d, size=%d, maximum=%d".formatted(bytes, SIZE, MAX_SIZE),
            () -> region.grow(bytes));
      }
      assertEquals(SIZE, region.size());
    }
  }

  @Test
  void grow_mediaOfAFixedSize_refused() {
    create().close();
    List<PersistentRegion> fixed = new ArrayList<>();
    for (Granularity granularity : Granularity.values()) {
      try (PersistentRegion region = PersistentRegion.over(Medium.assuming(file(), granularity))) {
        assertFixed(region);
      }
    }
    fixed.add(PersistentRegion.over(Medium.inMemory(SIZE)));
    fixed.add(PersistentRegion.over(Medium.volatileCache(file(), 1)));
    fixed.forEach(region -> {
      assertFixed(region);
      region.close();
    });
    try (PersistentRegion region = PersistentRegion.openReadOnly(file())) {
      assertFixed(region);
      region.seal();
      assertRefused(
          HoldfastException.ReadOnly.class, "open it to write", () -> region.grow(2 * SIZE));
    }
  }

  private static void assertFixed(PersistentRegion region) {
    assertEquals(SIZE, region.maxSize());
    assertRefused(IllegalArgumentException.class, "maximum=" + SIZE, () -> region.grow(SIZE + 1));
    region.grow(SIZE);
    assertEquals(SIZE, region.size());
  }

  @Test
  void medium_ofAFixedSize_refusesByItself() {
    Medium medium = Medium.inMemory(SIZE);
    medium.grow(SIZE);
    assertRefused(
        HoldfastException.NoSpace.class, "asked=" + 2 * SIZE, () -> medium.grow(2 * SIZE));
    medium.close();
  }

  @Test
  void grow_closedOrPoisoned_refused() throws IOException {
    PersistentRegion closed = create();
    closed.close();
    assertRefused(
        HoldfastException.RegionClosed.class, "open it again", () -> closed.grow(2 * SIZE));
    assertEquals(SIZE, Files.size(file()));
    Files.delete(file());
    try (PersistentRegion poisoned = create()) {
      poisoned.poison(new IllegalStateException("test"));
      assertRefused(HoldfastException.MediumFailed.class, "test", () -> poisoned.grow(2 * SIZE));
    }
    assertEquals(SIZE, Files.size(file()));
  }

  @Test
  void create_maximumThatCannotBe_refusedAndNoFileLeft() {
    for (long maximum : new long[] {SIZE - 1, 0, -1}) {
      assertRefused(
          IllegalArgumentException.class,
          "maxBytes=" + maximum,
          () -> PersistentRegion.create(file(), SIZE, maximum, Durability.PROCESS));
    }
    assertRefused(
        HoldfastException.NoSpace.class,
        "no address space",
        () -> PersistentRegion.create(file(), SIZE, 1L << 60, Durability.PROCESS));
    assertTrue(Files.notExists(file()));
  }

  @Test
  void grow_moreThanTheFileSystemHas_refusedAndTheFileIsAsItWas() throws IOException {
    long tooMuch = 1L << 44;
    try (PersistentRegion region =
        PersistentRegion.create(file(), SIZE, tooMuch, Durability.PROCESS)) {
      region.putLong(0, 9);
      assertRefused(HoldfastException.NoSpace.class, "free=", () -> region.grow(tooMuch));
      assertEquals(SIZE, region.size());
      assertEquals(SIZE, Files.size(file()));
      region.grow(2 * SIZE);
      region.putLong(SIZE, 9);
    }
    assertEquals(2 * SIZE, Files.size(file()));
  }

  // ---- threads

  /** A thread whose code knows the old limit finds what is behind it. */
  @Test
  void grow_whileAnotherThreadRuns_itsNextAccessGoesThere() throws Exception {
    try (PersistentRegion region = create()) {
      AtomicReference<Throwable> failure = new AtomicReference<>();
      Thread reader =
          Thread.ofPlatform()
              .start(() -> {
                try {
                  follow(region);
                } catch (Throwable e) {
                  failure.set(e);
                }
              });
      for (long bytes = 2 * SIZE; bytes <= MAX_SIZE; bytes += SIZE) {
        region.grow(bytes);
        region.putLong(bytes - 8, 1);
        region.putLongRelease(0, bytes);
      }
      reader.join();
      assertNull(failure.get());
    }
  }

  /** Goes where the first word says, as soon as it says so, in all ways of access. */
  private static void follow(PersistentRegion region) {
    Lines lines = region.lines();
    byte[] copy = new byte[8];
    for (long seen = 0; seen < MAX_SIZE; ) {
      long bytes = region.getLongAcquire(0);
      if (bytes > seen) {
        seen = bytes;
        long last = bytes - 8;
        assertEquals(1, region.getLong(last));
        region.copyOut(last, MemorySegment.ofArray(copy));
        assertEquals(1, region.view(last, 8).get(JAVA_LONG_UNALIGNED, 0));
        region.zero(last - 64, 64);
        region.putByte(last - 1, (byte) 2);
        region.putLongRelease(last - 16, 3);
        assertTrue(region.compareAndSetLong(last, 1, 2));
        assertEquals(2, region.getAndOrLong(last, 4));
        region.copyIn(last - 32, MemorySegment.ofArray(copy));
        lines.clear();
        region.persist(lines.add(last - 64, 72));
        region.persist(last, 8);
      }
    }
  }

  @Test
  void close_whileAnotherThreadGrows_oneOfThemWins() throws Exception {
    for (int round = 0; round < 50; round++) {
      PersistentRegion region = create();
      AtomicReference<Throwable> end = new AtomicReference<>();
      Thread grower =
          Thread.ofPlatform()
              .start(() -> {
                try {
                  for (long bytes = SIZE; bytes <= MAX_SIZE; bytes += 4096) {
                    region.grow(bytes);
                    region.putLong(bytes - 8, 1);
                  }
                } catch (Throwable e) {
                  end.set(e);
                }
              });
      Thread.sleep(round % 5);
      region.close();
      grower.join();
      if (end.get() != null) {
        assertEquals(HoldfastException.RegionClosed.class, end.get().getClass());
      }
      PersistentRegion.open(file()).close();
      Files.delete(file());
    }
  }

  /** Addresses behind a file are given back, so that many regions may ask for many. */
  @Test
  void openAndClose_manyTimesWithALargeMaximum_addressesSuffice() {
    create().close();
    for (int i = 0; i < 40; i++) {
      try (PersistentRegion region = PersistentRegion.open(file(), Durability.PROCESS, 1L << 45)) {
        region.grow(region.size() + 4096);
      }
    }
  }

  @Test
  void closed_afterItHasGrown_lateAccessesGoNowhere() throws IOException {
    PersistentRegion region = create();
    region.grow(2 * SIZE);
    region.putLong(2 * SIZE - 8, 1);
    region.close();
    assertThrows(HoldfastException.RegionClosed.class, () -> region.getLong(2 * SIZE - 8));
    byte[] bytes = Files.readAllBytes(file());
    assertArrayEquals(new byte[] {1, 0}, new byte[] {bytes[(int) (2 * SIZE - 8)], bytes[8]});
  }
}
