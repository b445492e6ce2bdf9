// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.Explorer;
import io.holdfast.crash.Tried;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.HoldfastException.UnsupportedVersion;
import io.holdfast.flush.PersistentRegion;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

/**
 * Damaged pools: refused by a typed exception with everything as it was, or opened; and then each
 * use ends, by itself or by a typed exception.
 */
@Timeout(value = 300, threadMode = ThreadMode.SEPARATE_THREAD)
class PoolDamageTest {
  private static final long[] IMAGE = SamplePool.image();
  private static final int HEADER_WORDS = PoolLayout.HEADER_BYTES / 8;
  private static final int FIRST = (int) PoolLayout.FIRST_HEADER / 8;
  private static final int SECOND = (int) PoolLayout.SECOND_HEADER / 8;

  /** 1 in the profile {@code nightly}. */
  private static final int FLIPPED_EVERY = Integer.getInteger("holdfast.flips.every", 3);

  private static long[] flipped(long[] image, int word, int bit) {
    long[] damaged = image.clone();
    damaged[word] ^= 1L << bit;
    return damaged;
  }

  private static Pool open(PersistentRegion region) {
    return Pool.open(region, SamplePool.LAYOUT);
  }

  /** Refused by a type, the message having some words, and the region as it was. */
  private static <E extends HoldfastException> E assertRefused(
      Class<E> type, String words, long[] image) {
    try (PersistentRegion region = SamplePool.regionOf(image)) {
      return assertRefused(type, words, region);
    }
  }

  private static <E extends HoldfastException> E assertRefused(
      Class<E> type, String words, PersistentRegion region) {
    long[] before = SamplePool.words(region);
    E e = assertThrows(type, () -> open(region));
    assertTrue(e.getMessage().contains(words), e.getMessage());
    assertArrayEquals(before, SamplePool.words(region));
    return e;
  }

  @Test
  void image_undamaged_openedAndWhole() {
    try (PersistentRegion region = SamplePool.regionOf(IMAGE)) {
      Pool pool = open(region);
      SamplePool.assertWhole(pool);
      assertEquals(0, SamplePool.useAll(pool));
      pool.close();
    }
  }

  // ---- header

  @Test
  void header_everyBitOfOneCopy_openedFromTheOther() {
    try (PersistentRegion region = SamplePool.regionOf(IMAGE)) {
      for (int copy : new int[] {FIRST, SECOND}) {
        for (int bit = 0; bit < 64 * HEADER_WORDS; bit++) {
          flip(region, copy + bit / 64, bit % 64);
          Pool pool = open(region);
          assertEquals(SamplePool.IDENTITY, pool.info().identity());
          assertEquals("ann", pool.root("account", Account.TYPE).owner());
          flip(region, copy + bit / 64, bit % 64);
        }
      }
    }
  }

  private static void flip(PersistentRegion region, int word, int bit) {
    region.putLong(8L * word, region.getLong(8L * word) ^ 1L << bit);
  }

  @Test
  void header_oneCopyDamaged_wholeAndMendedAtClose() {
    for (int copy : new int[] {FIRST, SECOND}) {
      for (int word = 0; word < HEADER_WORDS; word++) {
        long[] damaged = IMAGE.clone();
        damaged[copy + word] = 0x1234;
        try (PersistentRegion region = SamplePool.regionOf(damaged)) {
          Pool pool = open(region);
          assertEquals(0x1234, region.getLong(8L * (copy + word)), "mended before the close");
          pool.close();
          for (int i = 0; i < HEADER_WORDS; i++) {
            assertEquals(IMAGE[copy + i], region.getLong(8L * (copy + i)));
          }
          SamplePool.assertWhole(open(region));
        }
      }
    }
  }

  /** Else a crash in a growth, later, could find no copy that is sound. */
  @Test
  void header_mendedAtClose_isDurable() {
    long[] damaged = IMAGE.clone();
    damaged[FIRST + 3] = 0x1234;
    Explorer.Report report =
        Explorer.of(damaged)
            .run(
                medium -> {
                  open(medium.region()).close();
                  medium.mark("closed");
                },
                (region, marks) -> {
                  assertTrue(marks.isEmpty() || region.getLong(8L * (FIRST + 3)) != 0x1234);
                  SamplePool.assertWhole(open(region));
                  return "";
                });
    assertEquals(List.of(), report.findings());
    assertTrue(report.states() > 10, report::summary);
  }

  @Test
  void header_everyBitOfBothCopies_refusedUnchanged() {
    try (PersistentRegion region = SamplePool.regionOf(IMAGE)) {
      for (int bit = 0; bit < 64 * HEADER_WORDS; bit++) {
        int word = bit / 64;
        flip(region, FIRST + word, bit % 64);
        flip(region, SECOND + word, bit % 64);
        if (word == 0) {
          assertRefused(PoolException.NotAPool.class, "check the path", region);
        } else {
          Corrupt e = assertRefused(Corrupt.class, "restore a copy of the file", region);
          assertEquals("pool.checksum", e.field());
        }
        flip(region, FIRST + word, bit % 64);
        flip(region, SECOND + word, bit % 64);
      }
    }
  }

  @Test
  void header_copiesDamagedInDifferentPlaces_refusedUnchanged() {
    Random random = new Random(1);
    for (int i = 0; i < 300; i++) {
      long[] damaged = flipped(IMAGE, FIRST + random.nextInt(HEADER_WORDS), random.nextInt(64));
      damaged = flipped(damaged, SECOND + random.nextInt(HEADER_WORDS), random.nextInt(64));
      assertRefused(HoldfastException.class, "", damaged);
    }
  }

  private static PoolHeader header(PoolLayout layout) {
    return new PoolHeader(
        layout, SamplePool.IDENTITY, SamplePool.CREATED, SamplePool.HASH_SEED, SamplePool.LAYOUT);
  }

  private static PoolLayout layout() {
    try (PersistentRegion region = SamplePool.regionOf(IMAGE)) {
      return open(region).layout();
    }
  }

  private static long[] withHeader(MemorySegment header) {
    try (PersistentRegion region = SamplePool.regionOf(IMAGE)) {
      region.copyIn(PoolLayout.FIRST_HEADER, header);
      region.copyIn(PoolLayout.SECOND_HEADER, header);
      return SamplePool.words(region);
    }
  }

  @Test
  void header_anotherVersion_refusedByNumber() {
    for (int version : new int[] {0, 2, 7}) {
      UnsupportedVersion e =
          assertRefused(
              UnsupportedVersion.class,
              "the pool has format version " + version + ", and this library reads version 1",
              withHeader(header(layout()).encode(version)));
      assertTrue(
          e.getMessage().contains(version > 1 ? "use the newer" : "use the older"), e.getMessage());
    }
  }

  /** A header can have the right checksum and still not be believed. */
  @Test
  void header_partsThatCannotBe_refusedBeforeTheyAreUsed() {
    PoolLayout good = layout();
    long[] odd = {
      Long.MIN_VALUE,
      -1,
      0,
      1,
      8192,
      12_288,
      good.anchor() - 4096,
      good.anchor() + 1,
      good.anchor() + 4096,
      good.table() + 16,
      good.chunks() + 65_536,
      good.chunks() - 65_536,
      SamplePool.SIZE,
      SamplePool.SIZE - 8,
      1L << 40,
      1L << 46,
      (1L << 46) + 4096,
      Long.MAX_VALUE - 65_535,
      Long.MAX_VALUE - 4096,
      Long.MAX_VALUE - 4103,
      Long.MAX_VALUE
    };
    for (long value : odd) {
      List<PoolLayout> layouts = new ArrayList<>();
      layouts.add(with(good, value, good.maxSize(), good.anchor(), good.table(), good.chunks()));
      layouts.add(with(good, good.size(), value, good.anchor(), good.table(), good.chunks()));
      layouts.add(with(good, good.size(), good.maxSize(), value, good.table(), good.chunks()));
      layouts.add(with(good, good.size(), good.maxSize(), value, value + 4096, good.chunks()));
      layouts.add(with(good, good.size(), good.maxSize(), good.anchor(), value, good.chunks()));
      layouts.add(with(good, good.size(), good.maxSize(), good.anchor(), good.table(), value));
      for (int capacity : new int[] {(int) value, (int) (value >>> 16), Integer.MAX_VALUE}) {
        layouts.add(
            PoolLayout.stored(
                good.size(), good.maxSize(), good.anchor(), good.table(), good.chunks(), capacity));
      }
      for (PoolLayout bad : layouts) {
        assertOpenedOrRefused(
            withHeader(header(bad).encode(PoolLayout.VERSION)),
            "value=" + value + ", layout " + layouts.indexOf(bad));
      }
    }
  }

  private static PoolLayout with(
      PoolLayout good, long size, long maxSize, long anchor, long table, long chunks) {
    return PoolLayout.stored(size, maxSize, anchor, table, chunks, good.capacity());
  }

  /** Whether it was opened; if it was, everything can be tried, and if not, nothing has changed. */
  private static boolean assertOpenedOrRefused(long[] image, String what) {
    try (PersistentRegion region = SamplePool.regionOf(image)) {
      Pool pool;
      try {
        pool = open(region);
      } catch (HoldfastException e) {
        assertArrayEquals(image, SamplePool.words(region), what);
        return false;
      }
      SamplePool.useAll(pool);
      pool.close();
      return true;
    } catch (RuntimeException | Error e) {
      throw new AssertionError(what, e);
    }
  }

  // ---- the rest

  /** The words that hold the parts together; what each is. */
  private static final class Places {
    private final List<Integer> words = new ArrayList<>();
    private final List<String> names = new ArrayList<>();

    void add(long offset, int count, String name) {
      for (int i = 0; i < count; i++) {
        words.add((int) offset / 8 + i);
        names.add(name + " +" + 8 * i);
      }
    }
  }

  private static Places structure() {
    Places places = new Places();
    try (PersistentRegion region = SamplePool.regionOf(IMAGE)) {
      Pool pool = open(region);
      PoolLayout layout = pool.layout();
      places.add(layout.anchor(), 2, "anchor");
      for (int chunk = 0; chunk < layout.chunkCount(); chunk++) {
        if (region.getLong(layout.entry(chunk)) != 0) {
          places.add(layout.entry(chunk), 2, "chunk " + chunk);
        }
      }
      for (Roots.Found root : pool.rootList().list()) {
        places.add(root.record(), 8, "root record " + root.info().name());
        if (root.info().type().startsWith("map")) {
          index(places, region, root.info().offset(), root.info().name());
        }
      }
      long account = pool.root("account", Account.TYPE).hashCode();
      places.add(account, 10, "account");
      for (ObjectField field : ((ObjectType<Account>) Account.TYPE).fields()) {
        if (field.type() == String.class) {
          places.add(region.getLong(account + field.offset()), 2, "text");
        }
      }
    }
    return places;
  }

  private static void index(Places places, PersistentRegion region, long index, String name) {
    places.add(index, 3, "index " + name);
    long directory = region.getLong(index + 8);
    int words = 1 << region.getLong(index + 16);
    places.add(directory, words, "directory " + name);
    long segment = region.getLong(directory) & (1L << 48) - 1;
    int slots = 0;
    for (long at = segment; at < segment + 4096 && slots < 3; at += 8) {
      if (region.getLong(at) != 0) {
        slots++;
        places.add(at, 1, "slot " + name);
        places.add(region.getLong(at) & (1L << 48) - 1, 4, "record " + name);
      }
    }
  }

  /** Of each word every so many-th bit, so that all bits are tried in words of each kind. */
  @Test
  void structure_bitsFlipped_typedOrRight() {
    Places places = structure();
    int opened = 0;
    int refused = 0;
    for (int i = 0; i < places.words.size(); i++) {
      for (int bit = i % FLIPPED_EVERY; bit < 64; bit += FLIPPED_EVERY) {
        String what = places.names.get(i) + " bit " + bit;
        if (assertOpenedOrRefused(flipped(IMAGE, places.words.get(i), bit), what)) {
          opened++;
        } else {
          refused++;
        }
      }
    }
    Tried.say(
        "bits flipped of a pool's structure",
        "every %d. of %d words, %d opened, %d refused"
            .formatted(FLIPPED_EVERY, places.words.size(), opened, refused));
    assertTrue(opened > 1000 && refused > 100, opened + " opened, " + refused + " refused");
  }

  @Test
  void words_randomlyReplaced_typedOrRight() {
    Places places = structure();
    Random random = new Random(2);
    for (int i = 0; i < 400; i++) {
      long[] damaged = IMAGE.clone();
      int place = random.nextInt(places.words.size());
      long value =
          switch (random.nextInt(4)) {
            case 0 -> random.nextLong();
            case 1 -> random.nextInt(SamplePool.SIZE) & -8;
            case 2 -> IMAGE[places.words.get(random.nextInt(places.words.size()))];
            default -> -1L >>> random.nextInt(64);
          };
      damaged[places.words.get(place)] = value;
      assertOpenedOrRefused(
          damaged, places.names.get(place) + " = 0x%X, round %d".formatted(value, i));
    }
  }

  @Test
  void bits_randomlyFlippedAnywhereInUse_typedOrRight() {
    Random random = new Random(3);
    TreeSet<Integer> used = new TreeSet<>();
    for (int word = 0; word < IMAGE.length; word++) {
      if (IMAGE[word] != 0) {
        used.add(word);
      }
    }
    List<Integer> words = List.copyOf(used);
    for (int i = 0; i < 600; i++) {
      long[] damaged = IMAGE;
      StringBuilder what = new StringBuilder("round " + i);
      for (int flips = random.nextInt(4); flips >= 0; flips--) {
        int word = words.get(random.nextInt(words.size())) + random.nextInt(2);
        int bit = random.nextInt(64);
        damaged = flipped(damaged, word, bit);
        what.append(", word ").append(word).append(" bit ").append(bit);
      }
      assertOpenedOrRefused(damaged, what.toString());
    }
  }

  /** Two maps, each damaged: a line for each, and the rest is gone through. */
  @Test
  void check_severalRootsDamaged_aLineForEach() {
    try (PersistentRegion region = SamplePool.regionOf(IMAGE)) {
      long before = open(region).check().reachable();
      for (RootInfo root : open(region).roots()) {
        if (root.name().equals("names")) {
          flip(region, (int) root.offset() / 8, 3);
        } else if (root.name().equals("accounts")) {
          flip(region, (int) root.offset() / 8 + IndexLayout.DEPTH_AT / 8, 60);
        }
      }
      CheckReport report = open(region).check();
      String all = String.join("\n", report.problems());
      assertTrue(all.contains("root \"names\": damaged: offset="), all);
      assertTrue(all.contains("root \"accounts\": damaged: offset="), all);
      assertEquals(2, report.problems().size(), all);
      assertTrue(report.reachable() > 5 && report.reachable() < before, report::toString);
    }
  }

  /** The text of one root's record: the others are gone through. */
  @Test
  void check_aRootRecordDamaged_theOthersAreGoneThrough() {
    try (PersistentRegion region = SamplePool.regionOf(IMAGE)) {
      Pool pool = open(region);
      Roots.Found newest = pool.rootList().list().getFirst();
      region.putLong(newest.record() + Roots.LENGTHS_AT, -1);
      CheckReport report = pool.check();
      String all = String.join("\n", report.problems());
      assertTrue(report.problems().getFirst().contains("root.lengths"), all);
      assertEquals(1, report.problems().size(), all);
      assertTrue(report.reachable() > SamplePool.ENTRIES, report::toString);
    }
  }

  @Test
  void check_damageThatOpensDoNotSee_namedWithItsPlace() {
    Places places = structure();
    int seen = 0;
    for (int i = 0; i < places.words.size(); i++) {
      if (places.names.get(i).startsWith("slot") || places.names.get(i).startsWith("index")) {
        try (PersistentRegion region =
            SamplePool.regionOf(flipped(IMAGE, places.words.get(i), 40))) {
          CheckReport report = open(region).check();
          assertFalse(report.isClean(), places.names.get(i));
          assertNotEquals(List.of(), report.problems(), places.names.get(i));
          assertTrue(report.problems().getFirst().contains("offset"), report.toString());
          seen++;
        }
      }
    }
    assertTrue(seen > 5, "seen=" + seen);
  }

  @Test
  void check_damageInTwoPlaces_bothAreNamed() {
    try (PersistentRegion region = SamplePool.regionOf(IMAGE)) {
      Pool pool = open(region);
      for (RootInfo root : pool.roots()) {
        if (root.name().equals("names") || root.name().equals("accounts")) {
          region.putLong(root.offset(), 0x1234);
        }
      }
      List<String> problems = pool.check().problems();
      for (String name : List.of("names", "accounts")) {
        assertTrue(
            problems.stream().anyMatch(text -> text.startsWith("root \"" + name + "\": damaged")),
            problems::toString);
      }
    }
  }

  @Test
  void logHeader_everyBitOfOneCopy_openedFromTheOther() {
    try (PersistentRegion region = SamplePool.regionOf(IMAGE)) {
      for (int copy : new int[] {8192 / 8, (8192 + 4096) / 8}) {
        for (int bit = 0; bit < 512; bit++) {
          flip(region, copy + bit / 64, bit % 64);
          Pool pool = open(region);
          assertTrue(pool.recovery().headerMended());
          assertEquals("ann", pool.root("account", Account.TYPE).owner());
          flip(region, copy + bit / 64, bit % 64);
        }
      }
    }
  }

  @Test
  void logHeader_bothCopiesOrEraOrMark_refusedUnchanged() {
    for (int bit = 0; bit < 512; bit++) {
      int word = 8192 / 8 + bit / 64;
      assertRefused(
          Corrupt.class,
          "field=log.",
          flipped(flipped(IMAGE, word, bit % 64), word + 512, bit % 64));
    }
    for (int bit = 0; bit < 128; bit++) {
      assertRefused(
          Corrupt.class, "field=log.", flipped(IMAGE, (8192 + 64) / 8 + bit / 64, bit % 64));
    }
  }
}
