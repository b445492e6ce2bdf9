// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the kernel tells of devices, in files below {@code /sys}. A device's folder is found by its
 * number; what belongs to the memory region that it is part of is in a folder further up.
 */
final class Sysfs {
  private static final Logger LOG = LoggerFactory.getLogger(Sysfs.class);

  /** The one of this machine. */
  static final Sysfs SYSTEM = new Sysfs(Path.of("/sys"));

  private static final int SECTOR = 512;

  private final Path root;

  Sysfs(Path root) {
    this.root = root;
  }

  /** The folder of a character device. */
  Optional<Path> characterDevice(DeviceNumber number) {
    return folder("char", number);
  }

  /** The folder of a block device, or of a partition of one. */
  Optional<Path> blockDevice(DeviceNumber number) {
    return folder("block", number);
  }

  private Optional<Path> folder(String kind, DeviceNumber number) {
    Path link = root.resolve("dev").resolve(kind).resolve(number.toString());
    try {
      return Optional.of(link.toRealPath());
    } catch (IOException e) {
      LOG.trace("{}: not there", link, e);
      return Optional.empty();
    }
  }

  /** Whether a device is of some subsystem, "dax" or "block" for example. */
  static boolean isOf(Path device, String subsystem) {
    try {
      return device.resolve("subsystem").toRealPath().endsWith(subsystem);
    } catch (IOException e) {
      LOG.trace("{}: no subsystem", device, e);
      return false;
    }
  }

  /** A number in a device's folder, decimal or hexadecimal. */
  static Optional<Long> number(Path device, String attribute) {
    return text(device.resolve(attribute))
        .map(text -> {
          try {
            return Long.decode(text);
          } catch (NumberFormatException e) {
            throw new HoldfastException.FileUnusable(
                "%s says \"%s\", which is no number: is this the kernel's own /sys?"
                    .formatted(device.resolve(attribute), text));
          }
        });
  }

  /** An attribute of a device or of what it is part of, the nearest first. */
  Optional<String> inherited(Path device, String attribute) {
    for (Path at = device; at != null && at.startsWith(root); at = at.getParent()) {
      Optional<String> found = text(at.resolve(attribute));
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }

  private static Optional<String> text(Path file) {
    try {
      return Files.isRegularFile(file)
          ? Optional.of(Files.readString(file).strip())
          : Optional.empty();
    } catch (IOException e) {
      LOG.debug("{}: cannot be read", file, e);
      return Optional.empty();
    }
  }

  /**
   * Bytes of a DAX device that cannot be read: its region lists them, in sectors from the region's
   * beginning, and both say where they are in physical memory.
   */
  List<ByteRange> badBytesOfMemory(Path device) {
    List<ByteRange> bad = inherited(device, "badblocks").map(Sysfs::sectors).orElse(List.of());
    Optional<Long> start = number(device, "resource");
    if (bad.isEmpty() || start.isEmpty()) {
      return bad;
    }
    long shift = start.get() - region(device).flatMap(at -> number(at, "resource")).orElse(0L);
    return bad.stream().map(range -> new ByteRange(range.from() - shift, range.bytes())).toList();
  }

  /** The same of a block device, or of a partition of one: they are in the disk's folder. */
  static List<ByteRange> badBytesOfBlockDevice(Path device) {
    boolean partition = Files.exists(device.resolve("partition"));
    long shift = partition ? number(device, "start").orElse(0L) * SECTOR : 0;
    Path disk = partition ? device.getParent() : device;
    return text(disk.resolve("badblocks")).map(Sysfs::sectors).orElse(List.of()).stream()
        .map(range -> new ByteRange(range.from() - shift, range.bytes()))
        .toList();
  }

  /** Lines of a first sector and a number of them. */
  private static List<ByteRange> sectors(String lines) {
    return lines
        .lines()
        .map(line -> line.strip().split(" "))
        .filter(words -> words.length == 2)
        .map(words ->
            new ByteRange(Long.parseLong(words[0]) * SECTOR, Long.parseLong(words[1]) * SECTOR))
        .toList();
  }

  /** The memory region that a device is in. */
  private Optional<Path> region(Path device) {
    for (Path at = device; at != null && at.startsWith(root); at = at.getParent()) {
      if (Files.isRegularFile(at.resolve("mappings"))) {
        return Optional.of(at);
      }
    }
    return Optional.empty();
  }

  /**
   * The sum of what the modules say that a device's region consists of: {@code dirty_shutdown} of
   * each, in the folder of whatever drives it.
   */
  OptionalInt unsafeShutdowns(Path device) {
    Path region = region(device).orElse(null);
    if (region == null) {
      return OptionalInt.empty();
    }
    int sum = 0;
    boolean told = false;
    for (long i = 0; i < number(region, "mappings").orElse(0L); i++) {
      Optional<Long> count = text(region.resolve("mapping" + i)).flatMap(this::dirtyShutdowns);
      told |= count.isPresent();
      sum += count.orElse(0L).intValue();
    }
    return told ? OptionalInt.of(sum) : OptionalInt.empty();
  }

  /** Of the module that a mapping names before its first comma. */
  private Optional<Long> dirtyShutdowns(String mapping) {
    Path module = root.resolve("bus/nd/devices").resolve(mapping.split(",", 2)[0]);
    return Stream.of("nfit", "papr", "cxl")
        .flatMap(driver -> number(module.resolve(driver), "dirty_shutdown").stream())
        .findFirst();
  }

  /** How far a store must go on a device. */
  PersistenceDomain persistenceDomain(Path device) {
    return inherited(device, "persistence_domain")
        .map(PersistenceDomain::of)
        .orElse(PersistenceDomain.UNKNOWN);
  }
}
