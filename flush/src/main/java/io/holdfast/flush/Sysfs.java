// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
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

  /** The first line of an attribute of a device or of what it is part of, the nearest first. */
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
          ? Files.readString(file).lines().findFirst().map(String::strip)
          : Optional.empty();
    } catch (IOException e) {
      LOG.debug("{}: cannot be read", file, e);
      return Optional.empty();
    }
  }

  /** How far a store must go on a device. */
  PersistenceDomain persistenceDomain(Path device) {
    return inherited(device, "persistence_domain")
        .map(PersistenceDomain::of)
        .orElse(PersistenceDomain.UNKNOWN);
  }
}
