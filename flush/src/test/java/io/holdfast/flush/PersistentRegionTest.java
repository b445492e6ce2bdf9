// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(120)
@Tag("media")
@Tag("long")
class PersistentRegionTest {
  private static final int SIZE = 64 * 1024;

  @TempDir Path folder;

  /** Each medium, and what it says of itself. */
  enum Kind {
    MEMORY("in memory \\(survives nothing\\)"),
    PROCESS("survives process death \\(no writeback\\), .*, assumed"),
    LINE("survives power loss \\(cache lines by (clwb|clflushopt|clflush)\\), .*, assumed"),
    PAGE("survives power loss \\(pages by fdatasync\\), .*, assumed"),
    VOLATILE_CACHE("simulated power loss \\(volatile cache, seed=1\\), .*");

    final String description;

    Kind(String description) {
      this.description = description;
    }
  }

  private PersistentRegion open(Kind kind) {
    return open(kind, folder.resolve(kind + ".region"));
  }

  private static PersistentRegion open(Kind kind, Path file) {
    if (kind != Kind.MEMORY && !Files.exists(file)) {
      PersistentRegion.create(file, SIZE).close();
    }
    return PersistentRegion.over(
        switch (kind) {
          case MEMORY -> Medium.inMemory(SIZE);
          case PROCESS -> Medium.assuming(file, Granularity.NONE);
          case LINE -> Medium.assuming(file, Granularity.LINE);
          case PAGE -> Medium.assuming(file, Granularity.PAGE);
          case VOLATILE_CACHE -> Medium.volatileCache(file, 1);
        });
  }

  @ParameterizedTest
  @EnumSource
  void accesses_everyMedium_behaveLikeMemory(Kind kind) {
    try (PersistentRegion region = open(kind)) {
      byte[] model = new byte[SIZE];
      SplittableRandom random = new SplittableRandom(11);
      for (int i = 0; i < 20_000; i++) {
        step(region, MemorySegment.ofArray(model), random);
      }
      assertArrayEquals(model, copyOut(region, 0, SIZE));
    }
  }

  private static void step(PersistentRegion region, MemorySegment model, SplittableRandom random) {
    long offset = random.nextLong(SIZE - 700);
    long aligned = offset & -8;
    long value = random.nextLong();
    switch (random.nextInt(12)) {
      case 0 -> {
        region.putByte(offset, (byte) value);
        model.set(JAVA_BYTE, offset, (byte) value);
      }
      case 1 -> {
        region.putInt(offset, (int) value);
        model.asSlice(offset, 4).copyFrom(littleEndian(value).asSlice(0, 4));
      }
      case 2 -> {
        region.putLong(offset, value);
        model.asSlice(offset, 8).copyFrom(littleEndian(value));
      }
      case 3 -> {
        region.putLongRelease(aligned, value);
        model.asSlice(aligned, 8).copyFrom(littleEndian(value));
      }
      case 4 -> {
        long old = model.get(JAVA_LONG_UNALIGNED, aligned);
        assertFalse(region.compareAndSetLong(aligned, old + 1, value));
        assertTrue(region.compareAndSetLong(aligned, old, value));
        model.set(JAVA_LONG_UNALIGNED, aligned, value);
      }
      case 5 -> {
        long old = model.get(JAVA_LONG_UNALIGNED, aligned);
        assertEquals(old, region.getAndOrLong(aligned, value));
        model.set(JAVA_LONG_UNALIGNED, aligned, old | value);
      }
      case 6 -> {
        long old = model.get(JAVA_LONG_UNALIGNED, aligned);
        assertEquals(old, region.getAndAndLong(aligned, value));
        model.set(JAVA_LONG_UNALIGNED, aligned, old & value);
      }
      case 7 -> {
        byte[] bytes = new byte[random.nextInt(600)];
        random.nextBytes(bytes);
        region.copyIn(offset, MemorySegment.ofArray(bytes));
        model.asSlice(offset, bytes.length).copyFrom(MemorySegment.ofArray(bytes));
      }
      case 8 -> {
        long length = random.nextInt(600);
        region.zero(offset, length);
        model.asSlice(offset, length).fill((byte) 0);
      }
      case 9 -> {
        try (Arena arena = Arena.ofConfined()) {
          MemorySegment bytes = arena.allocate(random.nextInt(600), 8).fill((byte) value);
          region.copyDurably(offset, bytes);
          model.asSlice(offset, bytes.byteSize()).copyFrom(bytes);
        }
      }
      case 10 -> {
        MemorySegment in = region.writable(offset, 24).fill((byte) value);
        region.persist(offset, in.byteSize());
        model.asSlice(offset, 24).fill((byte) value);
      }
      default -> region.persist(region.lines().add(offset, random.nextInt(600)));
    }
    assertEquals(model.get(JAVA_BYTE, offset), region.getByte(offset));
    assertEquals(
        model.get(JAVA_LONG_UNALIGNED, offset), region.getLong(offset), "at offset " + offset);
    assertEquals((int) region.getLong(offset), region.getInt(offset));
    assertEquals(region.getLong(aligned), region.getLongAcquire(aligned));
    assertEquals(-1, region.view(offset, 40).mismatch(model.asSlice(offset, 40)));
  }

  private static MemorySegment littleEndian(long value) {
    byte[] bytes = new byte[8];
    for (int i = 0; i < 8; i++) {
      bytes[i] = (byte) (value >> (8 * i));
    }
    return MemorySegment.ofArray(bytes);
  }

  private static byte[] copyOut(PersistentRegion region, long offset, int length) {
    byte[] bytes = new byte[length];
    region.copyOut(offset, MemorySegment.ofArray(bytes));
    return bytes;
  }

  @ParameterizedTest
  @EnumSource
  void batch_manyCopiesAndRanges_onlyTheCopiesChangeAnything(Kind kind) {
    try (PersistentRegion region = open(kind);
        Arena arena = Arena.ofConfined()) {
      SplittableRandom random = new SplittableRandom(5);
      byte[] model = new byte[SIZE];
      for (int round = 0; round < 200; round++) {
        Lines lines = region.lines();
        long at = 0;
        for (int i = random.nextInt(5); i > 0; i--) {
          MemorySegment from = arena.allocate(8L * random.nextInt(100), 8);
          for (long b = 0; b < from.byteSize(); b++) {
            from.set(JAVA_BYTE, b, (byte) random.nextInt());
          }
          at += 8L * random.nextInt(100);
          lines.copy(at, from);
          MemorySegment.ofArray(model).asSlice(at, from.byteSize()).copyFrom(from);
          at += from.byteSize();
        }
        for (int i = random.nextInt(5); i > 0; i--) {
          lines.add(random.nextLong(SIZE / 2), random.nextLong(SIZE / 2));
        }
        if (random.nextBoolean()) {
          region.persist(lines);
        } else {
          region.persistAndSurface(lines);
        }
        assertArrayEquals(model, copyOut(region, 0, SIZE), "round " + round);
      }
    }
  }

  static Stream<long[]> outside() {
    return Stream.of(
        new long[] {-1, 1},
        new long[] {SIZE, 1},
        new long[] {SIZE - 3, 4},
        new long[] {Long.MAX_VALUE, 8},
        new long[] {Long.MIN_VALUE, 8});
  }

  @ParameterizedTest
  @MethodSource("outside")
  void access_outsideTheRegion_refusedByName(long[] range) {
    for (Kind kind : Kind.values()) {
      try (PersistentRegion region = open(kind)) {
        long offset = range[0];
        byte[] bytes = new byte[(int) range[1]];
        MemorySegment segment = MemorySegment.ofArray(bytes);
        assertOutside(() -> region.copyIn(offset, segment));
        assertOutside(() -> region.copyOut(offset, segment));
        assertOutside(() -> region.view(offset, bytes.length));
        assertOutside(() -> region.writable(offset, bytes.length));
        assertOutside(() -> region.zero(offset, bytes.length));
        assertOutside(() -> region.persist(offset, bytes.length));
        assertOutside(() -> region.getLong(offset));
        assertOutside(() -> region.putLong(offset, 1));
        if (bytes.length == 4) {
          assertOutside(() -> region.getInt(offset));
          assertOutside(() -> region.putInt(offset, 1));
        }
        if (bytes.length == 1) {
          assertOutside(() -> region.getByte(offset));
          assertOutside(() -> region.putByte(offset, (byte) 1));
        }
        if (offset % 8 == 0) {
          assertOutside(() -> region.getLongAcquire(offset));
          assertOutside(() -> region.putLongRelease(offset, 1));
          assertOutside(() -> region.compareAndSetLong(offset, 0, 1));
          assertOutside(() -> region.getAndOrLong(offset, 0));
          assertOutside(() -> region.getAndAndLong(offset, 0));
        }
      }
    }
  }

  private static void assertOutside(org.junit.jupiter.api.function.Executable access) {
    var e = assertThrows(IndexOutOfBoundsException.class, access);
    assertTrue(e.getMessage().startsWith("not inside the region: offset="), e.getMessage());
  }

  @Test
  void orderedAccess_unaligned_refused() {
    try (PersistentRegion region = open(Kind.MEMORY)) {
      assertThrows(IllegalArgumentException.class, () -> region.getLongAcquire(4));
      assertThrows(IllegalArgumentException.class, () -> region.putLongRelease(1, 0));
      assertThrows(IllegalArgumentException.class, () -> region.compareAndSetLong(7, 0, 0));
      assertThrows(IllegalArgumentException.class, () -> region.getAndOrLong(7, 0));
      assertThrows(IllegalArgumentException.class, () -> region.getAndAndLong(7, 0));
    }
  }

  @ParameterizedTest
  @EnumSource
  void close_thenAnyAccess_refused(Kind kind) {
    PersistentRegion region = open(kind);
    Lines lines = region.lines();
    MemorySegment view = region.view(0, 8);
    region.close();
    region.close();
    MemorySegment segment = MemorySegment.ofArray(new byte[8]);
    assertClosed(() -> region.getByte(0));
    assertClosed(() -> region.getLong(0));
    assertClosed(() -> region.getLongAcquire(0));
    assertClosed(() -> region.putInt(0, 1));
    assertClosed(() -> region.putLongRelease(0, 1));
    assertClosed(() -> region.compareAndSetLong(0, 0, 1));
    assertClosed(() -> region.copyIn(0, segment));
    assertClosed(() -> region.copyOut(0, segment));
    assertClosed(() -> region.zero(0, 8));
    assertClosed(() -> region.view(0, 8));
    assertClosed(() -> region.writable(0, 8));
    assertClosed(() -> region.persist(0, 8));
    assertClosed(() -> region.persist(lines));
    assertClosed(() -> region.persistAndSurface(lines));
    assertClosed(region::sync);
    assertThrows(IllegalStateException.class, () -> view.get(JAVA_BYTE, 0));
  }

  private static void assertClosed(org.junit.jupiter.api.function.Executable access) {
    assertThrows(HoldfastException.RegionClosed.class, access);
  }

  @Test
  void close_underWorkingThreads_theyEndWithRegionClosed() throws Exception {
    for (int round = 0; round < 20; round++) {
      PersistentRegion region = open(Kind.LINE);
      Thread[] threads = new Thread[3];
      Throwable[] ends = new Throwable[threads.length];
      for (int t = 0; t < threads.length; t++) {
        int me = t;
        threads[t] =
            Thread.ofPlatform()
                .start(() -> {
                  try {
                    for (long i = 0; ; i++) {
                      region.putLong(i * 8 % SIZE, i);
                      if (i % 10 == 0) {
                        region.persist(i * 8 % SIZE, 8);
                      }
                    }
                  } catch (Throwable e) {
                    ends[me] = e;
                  }
                });
      }
      Thread.sleep(2);
      region.close();
      for (int t = 0; t < threads.length; t++) {
        threads[t].join();
        assertEquals(HoldfastException.RegionClosed.class, ends[t].getClass());
      }
    }
  }

  @Test
  void reopen_file_contentsAreThere() {
    Path file = folder.resolve("pool");
    try (PersistentRegion region = PersistentRegion.create(file, 5000)) {
      assertEquals(8192, region.size());
      assertArrayEquals(new byte[8192], copyOut(region, 0, 8192));
      region.putLong(8184, 42);
    }
    try (PersistentRegion region = PersistentRegion.open(file)) {
      assertEquals(42, region.getLong(8184));
      boolean onDax = System.getProperty("holdfast.daxvm.folder") != null;
      assertEquals(onDax ? Durability.POWER : Durability.PROCESS, region.durability());
      assertEquals(onDax ? Granularity.LINE : Granularity.NONE, region.granularity());
    }
  }

  @Test
  void openReadOnly_twiceAndStoring_fileStaysAsItIs() throws Exception {
    Path file = folder.resolve("pool");
    PersistentRegion.create(file, SIZE).close();
    byte[] before = Files.readAllBytes(file);
    try (PersistentRegion one = PersistentRegion.openReadOnly(file);
        PersistentRegion two = PersistentRegion.openReadOnly(file)) {
      one.putLong(0, 42);
      one.persist(0, 8);
      one.sync();
      assertEquals(42, one.getLong(0));
      assertEquals(0, two.getLong(0));
      one.seal();
      assertThrows(HoldfastException.ReadOnly.class, () -> one.putLong(0, 43));
      assertThrows(HoldfastException.ReadOnly.class, () -> one.putByte(0, (byte) 4));
      assertThrows(HoldfastException.ReadOnly.class, () -> one.writable(0, 8));
      assertThrows(HoldfastException.RegionInUse.class, () -> PersistentRegion.open(file));
      assertEquals(42, one.getLong(0));
    }
    assertArrayEquals(before, Files.readAllBytes(file));
  }

  @Test
  void poison_anyAccess_refusedWithTheFirstCause() {
    PersistentRegion region = open(Kind.PROCESS);
    region.poison(new IllegalStateException("first"));
    region.poison(new IllegalStateException("second"));
    var e = assertThrows(HoldfastException.MediumFailed.class, () -> region.getLong(0));
    assertEquals("first", e.getCause().getMessage());
    assertThrows(HoldfastException.MediumFailed.class, () -> region.persist(0, 8));
    region.close();
  }

  /** The kernel gives a process some 65,000 mappings. */
  @Test
  void close_manyRegions_keepFewMappings() throws IOException {
    int before = mappings();
    for (int i = 0; i < 200; i++) {
      PersistentRegion.over(Medium.inMemory(4096)).close();
      try (PersistentRegion region =
          PersistentRegion.create(
              folder.resolve("file " + i), 3 << 20, 9 << 20, Durability.PROCESS)) {
        region.grow(5 << 20);
      }
    }
    assertTrue(mappings() < before + 100, () -> "before: " + before);
  }

  private static int mappings() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/maps")).size();
  }

  @Test
  void poison_closedRegion_staysClosed() {
    PersistentRegion region = open(Kind.PROCESS);
    region.close();
    region.poison(new IllegalStateException("a call that found the file closed"));
    assertThrows(HoldfastException.RegionClosed.class, () -> region.getLong(0));
    assertThrows(HoldfastException.RegionClosed.class, () -> region.persist(0, 8));
  }

  /**
   * The file is cut short while it is mapped. The fault of a store is thrown late by compiled code;
   * the fence before a record must not be passed without it, however hot the code is.
   */
  @ParameterizedTest
  @EnumSource(names = {"PROCESS", "LINE", "PAGE"})
  void persistAndSurface_storeToAVanishedPage_neverReturns(Kind kind) throws Exception {
    Path tmpfs = Path.of("/dev/shm");
    Path file =
        (Files.isDirectory(tmpfs) ? tmpfs : folder)
            .resolve("holdfast-" + kind + ProcessHandle.current().pid());
    for (int round = 0; round < 30; round++) {
      PersistentRegion region = open(kind, file);
      try {
        Lines none = region.lines();
        for (int i = 0; i < 20_000; i++) {
          storeAndFence(region, none, 8L * (i % 512));
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
          channel.truncate(4096);
        }
        assertFault(region, none, round);
      } finally {
        region.close();
        Files.delete(file);
      }
    }
  }

  private static void assertFault(PersistentRegion region, Lines none, int round) {
    try {
      storeAndFence(region, none, 8192);
    } catch (HoldfastException.MediumFailed | InternalError expected) {
      return;
    }
    throw new AssertionError("a lost store was passed over in round " + round);
  }

  private static void storeAndFence(PersistentRegion region, Lines none, long offset) {
    region.putLong(offset, 1);
    region.persistAndSurface(none);
  }

  @Test
  void volatileCache_closedWithoutPersist_unpersistedIsLostPersistedIsKept() {
    Path file = folder.resolve("pool");
    PersistentRegion.create(file, 1 << 20).close();
    try (PersistentRegion region = PersistentRegion.over(Medium.volatileCache(file, 99))) {
      for (long line = 0; line < 1 << 20; line += 64) {
        region.putLong(line, line + 1);
        if (line % 128 == 0) {
          region.persist(line, 8);
        }
      }
      assertEquals(Durability.POWER, region.durability());
    }
    int evicted = 0;
    try (PersistentRegion region = PersistentRegion.open(file)) {
      for (long line = 0; line < 1 << 20; line += 64) {
        if (line % 128 == 0) {
          assertEquals(line + 1, region.getLong(line));
        } else if (region.getLong(line) != 0) {
          evicted++;
        }
      }
    }
    assertTrue(evicted > 10 && evicted < 1000, "evicted lines: " + evicted + " of 8192");
  }

  @Test
  void volatileCache_syncedThenClosed_allIsKept() {
    try (PersistentRegion region = open(Kind.VOLATILE_CACHE)) {
      region.zero(0, SIZE);
      region.putLong(4096, 7);
      region.sync();
    }
    try (PersistentRegion region = open(Kind.VOLATILE_CACHE)) {
      assertEquals(7, region.getLong(4096));
    }
  }

  @ParameterizedTest
  @EnumSource
  void describe_everyMedium_saysWhatItDoes(Kind kind) {
    try (PersistentRegion region = open(kind)) {
      assertTrue(region.describe().matches(kind.description), region.describe());
    }
  }

  @Test
  void create_tooSmall_refused() {
    for (long bytes : new long[] {4095, 0, -1, Long.MIN_VALUE, Long.MAX_VALUE}) {
      var e =
          assertThrows(
              IllegalArgumentException.class,
              () -> PersistentRegion.create(folder.resolve("pool"), bytes));
      assertEquals("a region has at least 4096 bytes: bytes=" + bytes, e.getMessage());
      assertThrows(IllegalArgumentException.class, () -> Medium.inMemory(bytes));
    }
    assertFalse(Files.exists(folder.resolve("pool")));
  }
}
