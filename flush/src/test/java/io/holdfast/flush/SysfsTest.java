// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is read of a tree like the kernel's. */
class SysfsTest {
  private static final DeviceNumber DAX = new DeviceNumber(252, 1);

  @TempDir Path folder;

  /** A device-DAX namespace in a region, as a kernel 6.1 shows it. */
  private Path tree() throws IOException {
    Path region = Files.createDirectories(folder.resolve("devices/ndbus0/region1"));
    Path device = Files.createDirectories(region.resolve("dax1.0/dax1.0"));
    Path subsystem = Files.createDirectories(folder.resolve("bus/dax"));
    Files.createSymbolicLink(device.resolve("subsystem"), subsystem);
    Files.writeString(device.resolve("size"), "534773760\n");
    Files.writeString(device.resolve("align"), "0x200000\n");
    Path numbers = Files.createDirectories(folder.resolve("dev/char"));
    Files.createSymbolicLink(numbers.resolve("252:1"), device);
    return region;
  }

  @Test
  void device_sizeAndAlignment() throws IOException {
    tree();
    Sysfs sysfs = new Sysfs(folder.toRealPath());
    Path device = sysfs.characterDevice(DAX).orElseThrow();
    assertTrue(Sysfs.isOf(device, "dax"));
    assertFalse(Sysfs.isOf(device, "block"));
    assertEquals(Optional.of(534773760L), Sysfs.number(device, "size"));
    assertEquals(Optional.of(2L << 20), Sysfs.number(device, "align"));
    assertEquals(Optional.empty(), Sysfs.number(device, "none"));
    assertEquals(Optional.empty(), sysfs.characterDevice(new DeviceNumber(1, 3)));
    assertEquals(Optional.empty(), sysfs.blockDevice(DAX));
  }

  @Test
  void device_numberThatIsNone_refused() throws IOException {
    Path device = tree().resolve("dax1.0/dax1.0");
    Files.writeString(device.resolve("size"), "large");
    HoldfastException e =
        assertThrows(HoldfastException.FileUnusable.class, () -> Sysfs.number(device, "size"));
    assertTrue(e.getMessage().contains("says \"large\", which is no number"), e.getMessage());
  }

  @Test
  void persistenceDomain_ofTheRegionThatTheDeviceIsIn_absentMeansFlush() throws IOException {
    Path region = tree();
    Sysfs sysfs = new Sysfs(folder.toRealPath());
    Path device = sysfs.characterDevice(DAX).orElseThrow();
    assertEquals(PersistenceDomain.UNKNOWN, sysfs.persistenceDomain(device));
    Files.writeString(region.resolve("persistence_domain"), "memory_controller\n");
    assertEquals(PersistenceDomain.MEMORY_CONTROLLER, sysfs.persistenceDomain(device));
    Files.writeString(region.resolve("persistence_domain"), "cpu_cache\n");
    assertEquals(PersistenceDomain.CPU_CACHE, sysfs.persistenceDomain(device));
    Files.writeString(region.resolve("persistence_domain"), "unknown\n");
    assertEquals(PersistenceDomain.UNKNOWN, sysfs.persistenceDomain(device));
  }

  @Test
  void deviceNumber_asTheLibraryPutsItTogether() {
    assertEquals(new DeviceNumber(1, 3), DeviceNumber.of(0x103));
    assertEquals("252:1", DeviceNumber.of(0xFC01).toString());
    assertEquals(new DeviceNumber(0x1234, 0xABCDE), DeviceNumber.of(0x1000_ABC2_34DEL));
  }
}
