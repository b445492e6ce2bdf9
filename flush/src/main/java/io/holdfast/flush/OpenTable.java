// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import io.holdfast.flush.MappedFile.Sharing;
import io.holdfast.flush.PartitionTable.Extent;
import io.holdfast.flush.PartitionTable.Label;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;

/**
 * The table of a divided file or device, locked and mapped for as long as it takes to read or to
 * change it. Its lock is over the first unit; who finds it taken waits, since a change takes no
 * longer than to write zeros to what it gives out.
 */
final class OpenTable implements AutoCloseable {
  private static final long PATIENCE_NANOS = 60_000_000_000L;
  private static final long PAUSE_NANOS = 5_000_000;

  private final Path path;
  private final MappedFile file;
  private final PersistentRegion region;
  private PartitionTable table;

  private OpenTable(Path path, MappedFile file, PersistentRegion region) {
    this.path = path;
    this.file = file;
    this.region = region;
  }

  /** For others to read beside, but not to change. */
  static OpenTable toRead(Path path) {
    return open(path, Sharing.SHARED).load();
  }

  static OpenTable toChange(Path path) {
    return open(path, Sharing.OWNED).load();
  }

  /** For whoever makes a table where there is none. */
  static OpenTable toInitialise(Path path) {
    return open(path, Sharing.OWNED);
  }

  private static OpenTable open(Path path, Sharing sharing) {
    MappedFile file = MappedFile.openUnlocked(path, sharing);
    try {
      long unit = PartitionTable.unitFor(file.alignment());
      if (file.size() < 2 * unit) {
        throw new HoldfastException.FileUnusable(
            "%s is not divided into partitions, and too small to be: size=%d, at least %d"
                .formatted(path, file.size(), 2 * unit));
      }
      waitForLock(path, file, unit, sharing);
      FileExtents area = new FileExtents(file, List.of(new Extent(0, 1)), unit);
      Medium medium = sharing == Sharing.OWNED ? Media.map(area) : Media.mapForReading(area);
      return new OpenTable(path, file, PersistentRegion.over(medium));
    } catch (RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  private static void waitForLock(Path path, MappedFile file, long unit, Sharing sharing) {
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    try {
      while (!file.tryLock(0, unit, sharing)) {
        if (System.nanoTime() > deadline || file.isWhollyLocked(sharing)) {
          throw PartitionFile.inUse(path);
        }
        LockSupport.parkNanos(PAUSE_NANOS);
      }
    } catch (Libc.Errno e) {
      throw MappedFile.unusable(path, e);
    }
  }

  private OpenTable load() {
    try {
      if (!PartitionTable.isPresent(region)) {
        throw new HoldfastException.FileUnusable(
            path + " is not divided into partitions: initialise it first, or name a file");
      }
      table = PartitionTable.load(region, file.size());
      return this;
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  PartitionTable table() {
    return table;
  }

  Label existing(String name) {
    Label label = table.find(name);
    if (label == null) {
      throw new HoldfastException.FileUnusable(
          "%s has no partition \"%s\": it has %s"
              .formatted(path, name, table.labels().stream().map(Label::name).toList()));
    }
    return label;
  }

  /** Where a new partition would lie. */
  Label plan(String name, long bytes) {
    if (table.find(name) != null) {
      throw new HoldfastException.FileUnusable(
          "%s has a partition \"%s\" already: open it, or choose another name"
              .formatted(path, name));
    }
    if (table.labels().size() == PartitionTable.MOST_LABELS) {
      throw new HoldfastException.NoSpace(
          "%s has %d partitions, and there is no label for another: delete one"
              .formatted(path, PartitionTable.MOST_LABELS));
    }
    long units = Math.ceilDiv(bytes, table.unit());
    List<Extent> extents = table.free(units, 0, PartitionTable.MOST_EXTENTS);
    return Label.fresh(name, table.unit(), requireFound(extents, units, name));
  }

  /** What a partition needs beside what it has. */
  List<Extent> planGrowth(Label label, long bytes) {
    long units = Math.ceilDiv(bytes, table.unit()) - label.units();
    if (units <= 0) {
      return List.of();
    }
    long behind = label.extents().getLast().end();
    int most = PartitionTable.MOST_EXTENTS - label.extents().size();
    List<Extent> continued = table.free(units, behind, most + 1);
    boolean joins = !continued.isEmpty() && continued.getFirst().first() == behind;
    return requireFound(
        continued.size() <= (joins ? most + 1 : most) ? continued : List.of(), units, label.name());
  }

  private List<Extent> requireFound(List<Extent> extents, long units, String name) {
    if (extents.isEmpty()) {
      throw new HoldfastException.NoSpace(
          "no space in %s for partition \"%s\": bytes=%d, free=%d (in at most %d pieces):"
                  .formatted(
                      path,
                      name,
                      units * table.unit(),
                      table.freeUnits() * table.unit(),
                      PartitionTable.MOST_EXTENTS)
              + " delete a partition, or ask for less");
    }
    return extents;
  }

  /** Makes it the table, durably. */
  void store(PartitionTable changed) {
    table = changed.store(region);
  }

  /** Makes a table where there is none. */
  void initialise() {
    long unit = PartitionTable.unitFor(file.alignment());
    region.zero(0, 2L * PartitionTable.COPY_BYTES);
    region.persist(0, 2L * PartitionTable.COPY_BYTES);
    store(PartitionTable.empty(UUID.randomUUID(), file.size(), unit));
  }

  PersistentRegion region() {
    return region;
  }

  /** Whether nobody has a partition open. Who asks keeps them from it until this is closed. */
  boolean tryOwn(Label label) {
    try {
      return file.tryLock(
          label.extents().getFirst().first() * table.unit(), table.unit(), Sharing.OWNED);
    } catch (Libc.Errno e) {
      throw MappedFile.unusable(path, e);
    }
  }

  @Override
  public void close() {
    region.close();
  }
}
