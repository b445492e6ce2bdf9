// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
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
  void unsafeShutdowns_sumOverTheModulesOfTheRegion() throws IOException {
    Path region = tree();
    Sysfs sysfs = new Sysfs(folder.toRealPath());
    Path device = sysfs.characterDevice(DAX).orElseThrow();
    assertEquals(OptionalInt.empty(), sysfs.unsafeShutdowns(device));
    Files.writeString(region.resolve("mappings"), "2\n");
    Files.writeString(region.resolve("mapping0"), "nmem0,0,536870912,0\n");
    Files.writeString(region.resolve("mapping1"), "nmem3,0,536870912,1\n");
    assertEquals(OptionalInt.empty(), sysfs.unsafeShutdowns(device));
    for (String module : new String[] {"nmem0/nfit", "nmem3/cxl"}) {
      Path driver = Files.createDirectories(folder.resolve("bus/nd/devices").resolve(module));
      Files.writeString(driver.resolve("dirty_shutdown"), "5\n");
    }
    assertEquals(OptionalInt.of(10), sysfs.unsafeShutdowns(device));
  }

  /** A region from 4 GiB on, and a device in it from 4 GiB and 2 MiB on. */
  @Test
  void badBytes_ofADevice_fromItsBeginning() throws IOException {
    Path region = tree();
    Sysfs sysfs = new Sysfs(folder.toRealPath());
    Path device = sysfs.characterDevice(DAX).orElseThrow();
    assertEquals(List.of(), sysfs.badBytesOfMemory(device));
    Files.writeString(region.resolve("mappings"), "1\n");
    Files.writeString(region.resolve("resource"), "0x100000000\n");
    Files.writeString(device.resolve("resource"), "0x100200000\n");
    Files.writeString(region.resolve("badblocks"), "4096 1\n5000 8\n0 2\n");
    assertEquals(
        List.of(new ByteRange(0, 512), new ByteRange(462848, 4096), new ByteRange(-2097152, 1024)),
        sysfs.badBytesOfMemory(device));
  }

  @Test
  void badBytes_ofABlockDevice_andOfAPartitionOfIt() throws IOException {
    Path disk = Files.createDirectories(folder.resolve("block/pmem0"));
    assertEquals(List.of(), Sysfs.badBytesOfBlockDevice(disk));
    Files.writeString(disk.resolve("badblocks"), "100 2\n");
    assertEquals(List.of(new ByteRange(51200, 1024)), Sysfs.badBytesOfBlockDevice(disk));
    Path partition = Files.createDirectories(disk.resolve("pmem0p1"));
    Files.writeString(partition.resolve("partition"), "1\n");
    Files.writeString(partition.resolve("start"), "64\n");
    assertEquals(List.of(new ByteRange(18432, 1024)), Sysfs.badBytesOfBlockDevice(partition));
  }

  @Test
  void badBytes_whereTheyAreInAFile() {
    Libc.FileExtent extent = new Libc.FileExtent(8192, 65536, 4096, false);
    assertEquals(Optional.of(new ByteRange(8192, 512)), extent.inFile(new ByteRange(65536, 512)));
    assertEquals(Optional.of(new ByteRange(8292, 412)), extent.inFile(new ByteRange(65636, 412)));
    assertEquals(Optional.of(new ByteRange(8192, 4096)), extent.inFile(new ByteRange(0, 1 << 20)));
    assertEquals(Optional.empty(), extent.inFile(new ByteRange(69632, 512)));
    assertEquals(Optional.empty(), extent.inFile(new ByteRange(0, 65536)));
  }

  @Test
  void deviceNumber_asTheLibraryPutsItTogether() {
    assertEquals(new DeviceNumber(1, 3), DeviceNumber.of(0x103));
    assertEquals("252:1", DeviceNumber.of(0xFC01).toString());
    assertEquals(new DeviceNumber(0x1234, 0xABCDE), DeviceNumber.of(0x1000_ABC2_34DEL));
  }
}
