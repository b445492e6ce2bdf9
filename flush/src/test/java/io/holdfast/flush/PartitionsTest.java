// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A file in partitions: what is in one stays in it, whatever is done to the others. */
@Timeout(120)
class PartitionsTest {
  private static final long UNIT = 2 << 20;

  @TempDir Path folder;

  private Path file;
  private Partitions partitions;

  @BeforeEach
  void divide() {
    file = folder.resolve("divided");
    partitions = Partitions.create(file, 16 * UNIT);
  }

  private static void assertRefused(
      Class<? extends Exception> type,
      String message,
      org.junit.jupiter.api.function.Executable action) {
    Exception e = assertThrows(type, action);
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }

  private List<String> names() {
    return partitions.list().stream().map(Partition::name).toList();
  }

  @Test
  void create_listed_withSizesInUnits() {
    assertEquals(List.of(), partitions.list());
    assertEquals(16 * UNIT, partitions.size());
    assertEquals(UNIT, partitions.unit());
    assertEquals(15 * UNIT, partitions.free());
    partitions.create("a", 4096);
    partitions.create("b.2", 2 * UNIT + 1);
    assertEquals(List.of("a", "b.2"), names());
    assertEquals(
        List.of(UNIT, 3 * UNIT), partitions.list().stream().map(Partition::bytes).toList());
    assertEquals(11 * UNIT, partitions.free());
    assertEquals(names(), Partitions.of(file).list().stream().map(Partition::name).toList());
  }

  @Test
  void region_inAPartition_keepsWhatIsStored() {
    partitions.create("before", UNIT);
    try (var region = PersistentRegion.create(file.resolve("a"), 2 * UNIT)) {
      assertEquals(2 * UNIT, region.size());
      region.putLong(0, 1);
      region.putLong(2 * UNIT - 8, 2);
      region.persist(0, 2 * UNIT);
      assertTrue(region.describe().contains(", partition a"), region.describe());
    }
    try (var region = PersistentRegion.open(file.resolve("a"))) {
      assertEquals(2 * UNIT, region.size());
      assertEquals(1, region.getLong(0));
      assertEquals(2, region.getLong(2 * UNIT - 8));
    }
    try (var region = PersistentRegion.openReadOnly(file.resolve("a"));
        var beside = PersistentRegion.openReadOnly(file.resolve("a"))) {
      assertEquals(1, region.getLong(0));
      assertEquals(2, beside.getLong(2 * UNIT - 8));
    }
    try (var region = PersistentRegion.open(file.resolve("before"))) {
      assertEquals(0, region.getLong(0));
      assertEquals(0, region.getLong(UNIT - 8));
    }
  }

  @Test
  void partitions_ownedByOneEach() {
    partitions.create("a", UNIT);
    partitions.create("b", UNIT);
    Path a = file.resolve("a");
    try (var first = PersistentRegion.open(a);
        var second = PersistentRegion.open(file.resolve("b"))) {
      first.putLong(0, 1);
      second.putLong(0, 2);
      assertEquals(1, first.getLong(0));
      assertRefused(
          HoldfastException.RegionInUse.class, "a is in use", () -> PersistentRegion.open(a));
      assertRefused(
          HoldfastException.RegionInUse.class,
          "a is in use",
          () -> PersistentRegion.openReadOnly(a));
      assertRefused(
          HoldfastException.RegionInUse.class, "in use", () -> PersistentRegion.open(file));
      assertRefused(HoldfastException.RegionInUse.class, "in use", () -> partitions.delete("a"));
      assertRefused(
          HoldfastException.RegionInUse.class, "in use", () -> partitions.rename("a", "c"));
      assertRefused(
          HoldfastException.RegionInUse.class, "in use", () -> partitions.grow("a", 2 * UNIT));
      partitions.create("c", UNIT);
    }
    try (var whole = PersistentRegion.open(file)) {
      assertRefused(HoldfastException.RegionInUse.class, "in use", partitions::list);
      assertRefused(HoldfastException.RegionInUse.class, "in use", () -> PersistentRegion.open(a));
      assertEquals(PartitionTable.MAGIC, whole.getLong(0));
    }
  }

  @Test
  void grow_whileItIsOpen_inPieces() {
    partitions.create("a", UNIT);
    partitions.create("wall", UNIT);
    try (var region = PersistentRegion.open(file.resolve("a"))) {
      region.putLong(8, 8);
      assertEquals(16 * UNIT, region.maxSize());
      region.grow(3 * UNIT);
      assertEquals(3 * UNIT, region.size());
      assertEquals(8, region.getLong(8));
      region.putLong(3 * UNIT - 8, 9);
      region.grow(4 * UNIT - 4096);
      assertEquals(4 * UNIT, region.size(), "whole units");
    }
    assertEquals(2, partitions.list().getFirst().extents());
    try (var region = PersistentRegion.open(file.resolve("a"))) {
      assertEquals(8, region.getLong(8));
      assertEquals(9, region.getLong(3 * UNIT - 8));
      assertRefused(
          HoldfastException.NoSpace.class,
          "for partition \"a\": bytes=23068672, free=20971520",
          () -> region.grow(15 * UNIT));
      assertEquals(4 * UNIT, region.size());
      region.putLong(4 * UNIT - 8, 10);
    }
    partitions.grow("wall", 11 * UNIT);
    assertEquals(0, partitions.free());
  }

  @Test
  void deletedAndMadeAgain_isZero() {
    try (var region = PersistentRegion.create(file.resolve("a"), 3 * UNIT)) {
      for (long at = 0; at < region.size(); at += 4096) {
        region.putLong(at, -1);
      }
      region.persist(0, region.size());
    }
    partitions.delete("a");
    assertFalse(PersistentRegion.exists(file.resolve("a")));
    Path again = file.resolve("b");
    try (var region = PersistentRegion.create(again, UNIT, 3 * UNIT, Durability.PROCESS)) {
      region.grow(3 * UNIT);
      for (long at = 0; at < region.size(); at += 4096) {
        assertEquals(0, region.getLong(at), "at " + at);
      }
    }
  }

  @Test
  void rename_keepsContentAndIdentity() {
    try (var region = PersistentRegion.create(file.resolve("a"), UNIT)) {
      region.putLong(0, 7);
    }
    Partition before = partitions.list().getFirst();
    partitions.rename("a", "z");
    Partition after = partitions.list().getFirst();
    assertEquals(before.identity(), after.identity());
    assertEquals(before.created(), after.created());
    assertFalse(PersistentRegion.exists(file.resolve("a")));
    assertTrue(PersistentRegion.exists(file.resolve("z")));
    try (var region = PersistentRegion.open(file.resolve("z"))) {
      assertEquals(7, region.getLong(0));
    }
  }

  @Test
  void volatileCache_inAPartition_losesWhatWasNotFenced() {
    partitions.create("a", UNIT);
    partitions.create("b", UNIT);
    try (var region = PersistentRegion.over(Medium.volatileCache(file.resolve("b"), 1))) {
      region.putLong(0, 1);
      region.persist(0, 8);
      region.putLong(UNIT - 8, 2);
    }
    try (var region = PersistentRegion.open(file.resolve("b"))) {
      assertEquals(1, region.getLong(0));
      assertEquals(0, region.getLong(UNIT - 8));
    }
  }

  @Test
  void wrongArguments_oneClearLineEach() throws IOException {
    partitions.create("a", UNIT);
    assertRefused(
        HoldfastException.FileUnusable.class,
        "has a partition \"a\" already: open it, or choose another name",
        () -> partitions.create("a", UNIT));
    assertRefused(
        HoldfastException.FileUnusable.class,
        "has no partition \"b\": it has [a]",
        () -> PersistentRegion.open(file.resolve("b")));
    assertRefused(
        HoldfastException.FileUnusable.class, "has no partition", () -> partitions.delete("b"));
    for (String name : new String[] {"", " ", "a b", "ä", "..", "x".repeat(65), "a\n"}) {
      assertRefused(
          IllegalArgumentException.class,
          "a partition's name has 1 to 64",
          () -> partitions.rename("a", name));
    }
    assertRefused(
        IllegalArgumentException.class, "does not shrink", () -> partitions.grow("a", 4096));
    assertRefused(
        HoldfastException.NoSpace.class,
        "delete a partition",
        () -> partitions.create("b", 15 * UNIT));
    assertRefused(
        HoldfastException.NoSpace.class, "no space in", () -> partitions.grow("a", 1L << 50));
    assertRefused(
        IllegalArgumentException.class,
        "at least 4194304",
        () -> Partitions.create(folder.resolve("small"), UNIT));
    assertRefused(
        HoldfastException.FileUnusable.class,
        "no such file",
        () -> Partitions.of(folder.resolve("none")));
    assertRefused(
        HoldfastException.FileUnusable.class,
        "is not divided into partitions: initialise it first",
        () -> {
          Path plain = folder.resolve("plain");
          PersistentRegion.create(plain, 8 * UNIT).close();
          Partitions.of(plain);
        });
    assertEquals(List.of("a"), names());
  }

  @Test
  void initialise_whatHoldsSomething_leftAlone() throws IOException {
    assertRefused(
        HoldfastException.FileUnusable.class,
        "is divided into partitions already",
        () -> Partitions.initialise(file));
    Path other = folder.resolve("other");
    byte[] content = new byte[(int) (4 * UNIT)];
    content[100_000] = 1;
    Files.write(other, content);
    assertRefused(
        HoldfastException.FileUnusable.class,
        "holds something: offset=100000, value=0x1: it is left alone",
        () -> Partitions.initialise(other));
    assertArrayEquals(content, Files.readAllBytes(other));
    content[100_000] = 0;
    content[(int) UNIT] = 5;
    Files.write(other, content);
    Partitions.initialise(other).create("a", UNIT);
    try (var region = PersistentRegion.open(other.resolve("a"))) {
      assertEquals(0, region.getLong(0));
    }
  }

  @Test
  void fileOfAnotherLength_refused() throws IOException {
    try (RandomAccessFile opened = new RandomAccessFile(file.toFile(), "rw")) {
      opened.setLength(12 * UNIT);
    }
    assertRefused(
        HoldfastException.Corrupt.class,
        "field=partitions.size, expected=25165824, actual=33554432, cut short or extended",
        partitions::list);
  }

  /** A model of names and contents, through all that can be done. */
  @Test
  void manyChanges_asTheModel() {
    Random random = new Random(5);
    Map<String, Long> contents = new HashMap<>();
    Map<String, Long> sizes = new HashMap<>();
    for (int i = 0; i < 150; i++) {
      String name = "p" + random.nextInt(8);
      try {
        step(random, name, contents, sizes, i);
      } catch (HoldfastException.NoSpace e) {
        assertTrue(partitions.free() < 8 * UNIT || partitions.list().size() > 1, e.getMessage());
      }
      assertEquals(sizes.keySet(), Map.copyOf(sizes).keySet());
      assertEquals(sizes, sizesThatAre());
      long taken = sizes.values().stream().mapToLong(Long::longValue).sum();
      assertEquals(15 * UNIT - taken, partitions.free());
    }
    contents.forEach(this::assertContent);
    assertTrue(contents.size() > 2, contents.toString());
  }

  private Map<String, Long> sizesThatAre() {
    Map<String, Long> sizes = new HashMap<>();
    partitions.list().forEach(partition -> sizes.put(partition.name(), partition.bytes()));
    return sizes;
  }

  private void step(
      Random random, String name, Map<String, Long> contents, Map<String, Long> sizes, long value) {
    Path path = file.resolve(name);
    if (!sizes.containsKey(name)) {
      long bytes = (1 + random.nextInt(3)) * UNIT;
      PersistentRegion.create(path, bytes).close();
      fill(path, value);
      sizes.put(name, bytes);
      contents.put(name, value);
    } else if (random.nextInt(3) == 0) {
      partitions.delete(name);
      sizes.remove(name);
      contents.remove(name);
    } else {
      assertContent(name, contents.get(name));
      long bytes = sizes.get(name) + UNIT;
      partitions.grow(name, bytes);
      sizes.put(name, bytes);
      fill(path, value);
      contents.put(name, value);
    }
  }

  private static void fill(Path path, long value) {
    try (var region = PersistentRegion.open(path)) {
      for (long at = 0; at < region.size(); at += 512 << 10) {
        region.putLong(at, value);
      }
    }
  }

  private void assertContent(String name, long value) {
    try (var region = PersistentRegion.open(file.resolve(name))) {
      for (long at = 0; at < region.size(); at += 512 << 10) {
        assertEquals(value, region.getLong(at), name + " at " + at);
      }
    }
  }

  /** Several threads at once: each finds the table free sooner or later. */
  @Test
  void fromThreads_eachChangeIsMade() throws Exception {
    List<Thread> threads = new ArrayList<>();
    List<Throwable> failures = new ArrayList<>();
    for (int t = 0; t < 4; t++) {
      String name = "t" + t;
      Thread thread =
          new Thread(() -> {
            for (int i = 0; i < 5; i++) {
              partitions.create(name, UNIT);
              partitions.rename(name, name + "x");
              partitions.delete(name + "x");
            }
            partitions.create(name, UNIT);
          });
      thread.setUncaughtExceptionHandler((which, e) -> {
        synchronized (failures) {
          failures.add(e);
        }
      });
      thread.start();
      threads.add(thread);
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(List.of(), failures);
    assertEquals(List.of("t0", "t1", "t2", "t3"), names().stream().sorted().toList());
  }

  @Test
  void layout_inLiteralNumbers() throws IOException {
    partitions.create("first", 3 * UNIT);
    partitions.create("second", UNIT);
    byte[] bytes = Files.readAllBytes(file);
    var table = java.lang.foreign.MemorySegment.ofArray(bytes);
    var word = java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
    assertEquals("HOLDPART", new String(bytes, 0, 8, StandardCharsets.US_ASCII));
    assertEquals("HOLDPART", new String(bytes, 65536, 8, StandardCharsets.US_ASCII));
    assertEquals(1L << 32 | 2, table.get(word, 8), "version, partitions");
    assertEquals(3, table.get(word, 32), "generation");
    assertEquals(33554432, table.get(word, 40), "size");
    assertEquals(2097152, table.get(word, 48), "unit");
    assertEquals(5L << 32 | 1, table.get(word, 256), "name bytes, extents");
    assertEquals(6291456, table.get(word, 264), "bytes");
    assertEquals("first", new String(bytes, 320, 5, StandardCharsets.US_ASCII));
    assertEquals(1, table.get(word, 384), "first unit");
    assertEquals(3, table.get(word, 392), "units");
    assertEquals("second", new String(bytes, 576, 6, StandardCharsets.US_ASCII));
    assertEquals(4, table.get(word, 640), "first unit");
    assertEquals(1, table.get(word, 648), "units");
    assertEquals(255, PartitionTable.MOST_LABELS);
    assertEquals(8, PartitionTable.MOST_EXTENTS);
    assertArrayEquals(
        java.util.Arrays.copyOfRange(bytes, 0, 65536),
        java.util.Arrays.copyOfRange(bytes, 65536, 131072));
  }
}
