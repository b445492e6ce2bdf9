// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.function.Executable;

/** Device DAX, on a device whose content may be lost. In {@code src/daxvm/daxvm} only. */
@Tag("device")
@Timeout(600)
@EnabledIfSystemProperty(named = "holdfast.daxvm.device", matches = ".+")
class DaxDeviceTest {
  private static final Path DEVICE = Path.of(System.getProperty("holdfast.daxvm.device", "none"));
  private static final int TABLE_BYTES = 128 << 10;

  @BeforeEach
  void empty() {
    try (PersistentRegion region = PersistentRegion.open(DEVICE)) {
      region.zero(0, TABLE_BYTES);
      region.persist(0, TABLE_BYTES);
    }
  }

  private static <E extends HoldfastException> void assertRefused(
      Class<E> type, String words, Executable action) {
    E e = assertThrows(type, action);
    assertTrue(e.getMessage().contains(words), e.getMessage());
  }

  @Test
  void open_wholeDevice_hasTheSizeThatTheKernelSays() throws Exception {
    Path size = Path.of("/sys/bus/dax/devices").resolve(DEVICE.getFileName()).resolve("size");
    try (PersistentRegion region = PersistentRegion.open(DEVICE, Durability.POWER)) {
      assertEquals(Long.parseLong(Files.readString(size).strip()), region.size());
      assertEquals(region.size(), region.maxSize());
      assertEquals(Granularity.LINE, region.granularity());
      assertEquals(Durability.POWER, region.durability());
    }
  }

  @Test
  void stores_atBothEnds_areThereAfterReopening() {
    long last;
    try (PersistentRegion region = PersistentRegion.open(DEVICE)) {
      last = region.size() - 8;
      for (long at : new long[] {0, last}) {
        region.putLong(at, 7 + at);
        region.persist(at, 8);
      }
      region.sync();
    }
    try (PersistentRegion region = PersistentRegion.openReadOnly(DEVICE)) {
      assertEquals(7, region.getLong(0));
      assertEquals(7 + last, region.getLong(last));
    }
  }

  /** The kernel would map it, and kill the first store there. */
  @Test
  void access_pastTheEnd_refused() {
    try (PersistentRegion region = PersistentRegion.open(DEVICE)) {
      assertThrows(IndexOutOfBoundsException.class, () -> region.putLong(region.size(), 1));
      assertThrows(IllegalArgumentException.class, () -> region.grow(region.size() + 4096));
    }
  }

  @Test
  void readOnly_storesGoToPagesOfItsOwn() {
    try (PersistentRegion region = PersistentRegion.openReadOnly(DEVICE)) {
      region.putLong(64, 1);
      assertEquals(1, region.getLong(64));
    }
    try (PersistentRegion region = PersistentRegion.open(DEVICE)) {
      assertEquals(0, region.getLong(64));
    }
  }

  @Test
  void open_ownedHereOrElsewhere_refusedUntilItDies() throws Exception {
    try (PersistentRegion owner = PersistentRegion.open(DEVICE)) {
      assertEquals(0, owner.getLong(0));
      assertRefused(
          HoldfastException.RegionInUse.class, "in use", () -> PersistentRegion.open(DEVICE));
    }
    try (OpenInChild child = OpenInChild.start(DEVICE, "own")) {
      assertRefused(
          HoldfastException.RegionInUse.class, "in use", () -> PersistentRegion.open(DEVICE));
      assertRefused(
          HoldfastException.RegionInUse.class,
          "in use",
          () -> PersistentRegion.openReadOnly(DEVICE));
      child.kill();
    }
    PersistentRegion.open(DEVICE).close();
  }

  @Test
  void create_onADevice_refused() {
    assertThrows(
        HoldfastException.FileUnusable.class, () -> PersistentRegion.create(DEVICE, 1 << 20));
  }

  @Test
  void partitions_onADevice_keepWhatIsInThem() {
    Partitions partitions = Partitions.initialise(DEVICE);
    for (String name : List.of("one", "two")) {
      try (PersistentRegion region =
          PersistentRegion.create(DEVICE.resolve(name), 4 << 20, Durability.POWER)) {
        region.putLong(region.size() - 8, name.hashCode());
        region.persist(region.size() - 8, 8);
      }
    }
    partitions.rename("two", "three");
    partitions.grow("one", 8 << 20);
    try (PersistentRegion one = PersistentRegion.open(DEVICE.resolve("one"));
        PersistentRegion three = PersistentRegion.open(DEVICE.resolve("three"))) {
      assertEquals(8 << 20, one.size());
      assertEquals("one".hashCode(), one.getLong((4 << 20) - 8));
      assertEquals("two".hashCode(), three.getLong(three.size() - 8));
      assertRefused(
          HoldfastException.RegionInUse.class, "in use", () -> PersistentRegion.open(DEVICE));
    }
    assertRefused(
        HoldfastException.FileUnusable.class, "divided", () -> Partitions.initialise(DEVICE));
  }

  @Test
  void initialise_aDeviceThatHoldsSomething_refusedAndLeftAlone() {
    try (PersistentRegion region = PersistentRegion.open(DEVICE)) {
      region.putLong(TABLE_BYTES - 8, 42);
      region.persist(TABLE_BYTES - 8, 8);
    }
    assertThrows(HoldfastException.FileUnusable.class, () -> Partitions.initialise(DEVICE));
    try (PersistentRegion region = PersistentRegion.open(DEVICE)) {
      assertEquals(42, region.getLong(TABLE_BYTES - 8));
      assertEquals(0, region.getLong(0));
    }
  }
}
