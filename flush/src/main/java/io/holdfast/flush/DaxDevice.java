// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Device DAX: persistent memory as a character device ({@code /dev/dax1.0}), of which all that can
 * be done is to map it.
 *
 * <p>Its size and alignment are what the kernel says in {@code /sys}: {@code fstat} says 0, and
 * {@code mmap} grants what lies past the end. There is no read, write, truncate, private mapping or
 * synchronisation, and no need for one: a line that was written back is durable ({@code
 * drivers/dax/device.c}; kernel document driver-api/nvdimm/nvdimm). Locks work as on files.
 */
final class DaxDevice extends MappedFile {
  static final String TITLE = "device DAX";

  private static final long USUAL_ALIGNMENT = 2 << 20;

  private final long size;
  private final long alignment;
  private final Path folder;

  private DaxDevice(Path path, int fd, long size, long alignment, Path folder) {
    super(path, fd);
    this.size = size;
    this.alignment = alignment;
    this.folder = folder;
  }

  /** Opens a device, unless it is of another kind: to open some of those does something. */
  static DaxDevice open(Path path, Sharing sharing) {
    Path folder = folder(path, Sysfs.SYSTEM);
    long size = Sysfs.number(folder, "size").orElse(0L);
    if (size < PersistentRegion.PAGE_BYTES) {
      throw tooSmall(path, size);
    }
    return new DaxDevice(
        path,
        openFile(path, sharing),
        size,
        Sysfs.number(folder, "align").orElse(USUAL_ALIGNMENT),
        folder);
  }

  /** Where the kernel describes a DAX device. */
  static Path folder(Path path, Sysfs sysfs) {
    try {
      DeviceNumber number = DeviceNumber.of((long) Files.getAttribute(path, "unix:rdev"));
      return sysfs
          .characterDevice(number)
          .filter(folder -> Sysfs.isOf(folder, "dax"))
          .orElseThrow(() ->
              new HoldfastException.FileUnusable(
                  "%s is a device (%s), and not a DAX device: name a file, or one like /dev/dax0.0"
                      .formatted(path, number)));
    } catch (IOException e) {
      throw new HoldfastException.FileUnusable(path + " cannot be used: " + e.getMessage());
    }
  }

  @Override
  long size() {
    return size;
  }

  @Override
  String title() {
    return TITLE;
  }

  @Override
  boolean powerByPages() {
    return false;
  }

  @Override
  boolean isMemory() {
    return true;
  }

  @Override
  long alignment() {
    return alignment;
  }

  @Override
  Optional<Path> device() {
    return Optional.of(folder);
  }

  @Override
  Optional<ByteRange> badBytes() {
    return Sysfs.SYSTEM.badBytesOfMemory(folder).stream()
        .filter(bad -> bad.overlaps(new ByteRange(0, size)))
        .findFirst();
  }

  @Override
  boolean hasSharedExtents() {
    return false;
  }

  @Override
  void reserveMissingBlocks() {}

  @Override
  long reservation(long maxBytes) {
    return size;
  }

  @Override
  long grow(FileMedium medium, long from, long to) {
    throw new HoldfastException.NoSpace(
        "%s does not grow: size=%d, asked=%d: a device has the size of its namespace"
            .formatted(path(), from, to));
  }

  @Override
  void finishCreation(FileMedium medium) {
    throw new AssertionError("a device is not created: " + path());
  }

  @Override
  void fsync() {}

  @Override
  void fdatasync() {}

  @Override
  void discard() {
    close();
  }
}
