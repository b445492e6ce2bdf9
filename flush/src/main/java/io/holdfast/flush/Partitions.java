// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import io.holdfast.flush.MappedFile.FileType;
import io.holdfast.flush.PartitionTable.Label;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/**
 * A file or DAX device that is divided into named partitions. Each is a place for a region, or a
 * pool, by the path of file or device and the name behind it, as if it were a folder: {@code
 * /dev/dax1.0/orders}. Several processes can have partitions of one device open.
 *
 * <p>A table at the beginning says what there is. It is changed in two copies, so that each change
 * is made or not made whenever the machine stops, and is durable when its method returns, as far as
 * the medium goes. A partition takes whole units of 2 MiB, or of the device's alignment if that is
 * more, in up to eight pieces; there are up to 255 of them.
 *
 * <p>Nothing is kept open between calls. Thread-safe: who changes a table has a lock on it, for
 * which others wait, up to a minute. Each method may throw {@link HoldfastException.RegionInUse} if
 * somebody has the whole device open, {@link HoldfastException.FileUnusable} if the path is no file
 * or DAX device, may not be written, or is not divided, {@link HoldfastException.Corrupt} and
 * {@link HoldfastException.UnsupportedVersion} if neither copy of its table can be used.
 */
public final class Partitions {
  private final Path path;

  private Partitions(Path path) {
    this.path = path;
  }

  /**
   * Those of a file or device that is divided already.
   *
   * @param path the file or device
   * @return its partitions
   */
  public static Partitions of(Path path) {
    Partitions partitions = new Partitions(Objects.requireNonNull(path, "path"));
    OpenTable.toRead(path).close();
    return partitions;
  }

  /**
   * Makes a file that is divided, without a partition yet.
   *
   * @param file the file, which must not exist
   * @param bytes its size, at least 4 MiB; rounded up to whole pages
   * @return its partitions
   * @throws IllegalArgumentException if the size is less
   * @throws HoldfastException.FileUnusable if the path exists, or a file cannot be made there
   * @throws HoldfastException.NoSpace if the file system has not that much room; no file is left
   */
  public static Partitions create(Path file, long bytes) {
    if (bytes < 2 * PartitionTable.LEAST_UNIT) {
      throw new IllegalArgumentException(
          "a divided file has at least %d bytes: bytes=%d"
              .formatted(2 * PartitionTable.LEAST_UNIT, bytes));
    }
    PersistentRegion.create(file, bytes).close();
    return initialise(file);
  }

  /**
   * Divides a device that holds nothing, or a file of zeros.
   *
   * @param path the file or device
   * @return its partitions
   * @throws HoldfastException.FileUnusable also if it is divided already, or its first 128 KiB are
   *     not all zero: whatever is there is left alone
   */
  public static Partitions initialise(Path path) {
    try (OpenTable table = OpenTable.toInitialise(path)) {
      refuseContent(path, table.region());
      table.initialise();
      return new Partitions(path);
    }
  }

  private static void refuseContent(Path path, PersistentRegion region) {
    if (PartitionTable.isPresent(region)) {
      throw new HoldfastException.FileUnusable(
          path + " is divided into partitions already: list them, and delete what is not needed");
    }
    for (long at = 0; at < 2L * PartitionTable.COPY_BYTES; at += Long.BYTES) {
      if (region.getLong(at) != 0) {
        throw new HoldfastException.FileUnusable(
            ("%s holds something: offset=%d, value=0x%X: it is left alone;"
                    + " if nobody needs it, write zeros over its first %d bytes")
                .formatted(path, at, region.getLong(at), 2L * PartitionTable.COPY_BYTES));
      }
    }
  }

  /**
   * The path of a partition, for a region or a pool.
   *
   * @param name its name
   * @return the path, whether or not there is one of that name
   * @throws IllegalArgumentException if no partition can have that name
   */
  public Path path(String name) {
    return path.resolve(PartitionTable.checkName(name));
  }

  /**
   * What there is.
   *
   * @return the partitions, in the order in which they were made
   */
  public List<Partition> list() {
    try (OpenTable table = OpenTable.toRead(path)) {
      return table.table().labels().stream().map(Label::partition).toList();
    }
  }

  /**
   * How large file or device is.
   *
   * @return bytes, those of the table included
   */
  public long size() {
    try (OpenTable table = OpenTable.toRead(path)) {
      return table.table().size();
    }
  }

  /**
   * How much no partition has.
   *
   * @return bytes, a multiple of the unit
   */
  public long free() {
    try (OpenTable table = OpenTable.toRead(path)) {
      return table.table().freeUnits() * table.table().unit();
    }
  }

  /**
   * What is given out at a time.
   *
   * @return bytes, a power of two
   */
  public long unit() {
    try (OpenTable table = OpenTable.toRead(path)) {
      return table.table().unit();
    }
  }

  /**
   * Makes a partition of zeros. {@link PersistentRegion#create} does the same with the partition's
   * path, and opens it.
   *
   * @param name its name, 1 to 64 of the characters {@code A-Z a-z 0-9 . _ -}
   * @param bytes its size, at least 4096; rounded up to whole units
   * @throws IllegalArgumentException if the name has other characters, or the size is less
   * @throws HoldfastException.FileUnusable also if there is one of that name
   * @throws HoldfastException.NoSpace if nobody has given back that much
   */
  public void create(String name, long bytes) {
    PersistentRegion.create(path(name), bytes).close();
  }

  /**
   * Makes a partition longer; what is new is zeros. Who has it open does so with {@link
   * PersistentRegion#grow}, and a pool by itself; a pool that was not made to become so large does
   * not take a longer one.
   *
   * @param name which
   * @param bytes its new size; rounded up to whole units
   * @throws IllegalArgumentException if it has more than that
   * @throws HoldfastException.FileUnusable also if there is none of that name
   * @throws HoldfastException.NoSpace if nobody has given back that much
   * @throws HoldfastException.RegionInUse also if it is open
   */
  public void grow(String name, long bytes) {
    try (PersistentRegion region = PersistentRegion.open(path.resolve(name))) {
      if (bytes < region.size()) {
        throw new IllegalArgumentException(
            "a partition does not shrink: name=\"%s\", size=%d, asked=%d"
                .formatted(name, region.size(), bytes));
      }
      if (bytes > region.maxSize()) {
        throw new HoldfastException.NoSpace(
            "no space in %s for partition \"%s\": bytes=%d, all of it has %d"
                .formatted(path, name, bytes, region.maxSize()));
      }
      region.grow(bytes);
    }
  }

  /**
   * Gives a partition another name.
   *
   * @param name which
   * @param newName what it is called from now on
   * @throws IllegalArgumentException if the new name has other characters than a name may have
   * @throws HoldfastException.FileUnusable also if there is none of that name, or one of the other
   * @throws HoldfastException.RegionInUse also if it is open
   */
  public void rename(String name, String newName) {
    PartitionTable.checkName(newName);
    try (OpenTable table = OpenTable.toChange(path)) {
      Label old = owned(table, name);
      if (table.table().find(newName) != null) {
        throw new HoldfastException.FileUnusable(
            "%s has a partition \"%s\" already: choose another name".formatted(path, newName));
      }
      Label renamed = old.renamed(newName, table.table().unit());
      table.store(table.table().withChanged(renamed));
    }
  }

  /**
   * Deletes a partition and all that is in it.
   *
   * @param name which
   * @throws HoldfastException.FileUnusable also if there is none of that name
   * @throws HoldfastException.RegionInUse also if it is open
   */
  public void delete(String name) {
    try (OpenTable table = OpenTable.toChange(path)) {
      table.store(table.table().without(owned(table, name)));
    }
  }

  private Label owned(OpenTable table, String name) {
    Label label = table.existing(name);
    if (!table.tryOwn(label)) {
      throw PartitionFile.inUse(path.resolve(name));
    }
    return label;
  }

  /**
   * Whether a region is all of a divided file or device: then its bytes are other regions', and
   * whoever stores to it destroys them.
   *
   * @param region the region
   * @return whether a table of partitions is at its beginning
   */
  public static boolean isDivided(PersistentRegion region) {
    return PartitionTable.isPresent(region);
  }

  /** Whether a path names a partition: what would be its folder is a file or a device. */
  static boolean isPartition(Path path) {
    Path parent = path.getParent();
    if (parent == null || path.getFileName() == null) {
      return false;
    }
    FileType type = FileType.of(parent);
    return type == FileType.CHARACTER_DEVICE
        || type == FileType.REGULAR_OR_MISSING && Files.isRegularFile(parent);
  }
}
