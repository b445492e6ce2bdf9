// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import io.holdfast.flush.PartitionTable.Extent;
import io.holdfast.flush.PartitionTable.Label;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A partition, open.
 *
 * <p>Who owns it has locked its first unit in the file; the table has a lock of its own, which is
 * held for each change ({@link OpenTable}). So several processes own partitions of one device, and
 * who has the whole of it open excludes them all.
 *
 * <p>What a partition is given is made zero, durably, before the table says so, because another may
 * have used it before; a crash in between leaves a table that knows nothing of it.
 */
final class PartitionFile extends FileExtents {
  private final Path name;
  private Label label;
  private OpenTable creating;

  private PartitionFile(Path name, MappedFile carrier, OpenTable table, Label label) {
    super(carrier, label.extents(), table.table().unit());
    this.name = name;
    this.label = label;
  }

  /** A partition that becomes one with {@link #finishCreation}; until then the table is locked. */
  static PartitionFile create(Path path, long bytes) {
    String name = PartitionTable.checkName(path.getFileName().toString());
    OpenTable table = OpenTable.toChange(path.getParent());
    try {
      PartitionFile made = attach(path, table, table.plan(name, bytes), Sharing.OWNED);
      made.creating = table;
      return made;
    } catch (RuntimeException | Error e) {
      table.close();
      throw e;
    }
  }

  static PartitionFile open(Path path, Sharing sharing) {
    try (OpenTable table = OpenTable.toRead(path.getParent())) {
      return attach(path, table, table.existing(path.getFileName().toString()), sharing);
    }
  }

  private static PartitionFile attach(Path path, OpenTable table, Label label, Sharing sharing) {
    MappedFile carrier = openUnlocked(path.getParent(), sharing);
    try {
      PartitionFile file = new PartitionFile(path, carrier, table, label);
      file.lockFirstUnit(sharing);
      return file;
    } catch (RuntimeException | Error e) {
      carrier.close();
      throw e;
    }
  }

  private void lockFirstUnit(Sharing sharing) {
    try {
      if (!tryLock(label.extents().getFirst().first() * unit(), unit(), sharing)) {
        throw inUse(name);
      }
    } catch (Libc.Errno e) {
      throw unusable(name, e);
    }
  }

  static HoldfastException inUse(Path name) {
    return new HoldfastException.RegionInUse(
        name
            + " is in use: this or another process has it open, or all of the device;"
            + " one opener may write, several may read");
  }

  @Override
  String title() {
    return super.title() + ", partition " + label.name();
  }

  /** One that is there says nothing of how large it may become: as large as there is room. */
  @Override
  long reservation(long maxBytes) {
    return creating != null
        ? super.reservation(maxBytes)
        : super.reservation(Math.max(maxBytes, carrier().size()));
  }

  @Override
  long grow(FileMedium medium, long from, long to) {
    try (OpenTable table = OpenTable.toChange(carrier().path())) {
      Label old = table.existing(label.name());
      List<Extent> more = table.planGrowth(old, to);
      mapMore(medium.range(), more, from);
      List<Extent> all = new ArrayList<>(old.extents());
      more.forEach(extent -> append(all, extent));
      label = old.with(all, unit());
      medium.zeroDurably(from, label.partition().bytes() - from);
      table.store(table.table().withChanged(label));
      return label.partition().bytes();
    } catch (Libc.Errno e) {
      throw new HoldfastException.FileUnusable(
          "%s cannot be mapped any further: %s: open it again".formatted(name, e.getMessage()));
    }
  }

  /** One extent that continues the last one becomes a part of it. */
  private static void append(List<Extent> all, Extent extent) {
    Extent last = all.getLast();
    if (last.end() == extent.first()) {
      all.set(all.size() - 1, new Extent(last.first(), last.units() + extent.units()));
    } else {
      all.add(extent);
    }
  }

  @Override
  void finishCreation(FileMedium medium) {
    medium.zeroDurably(0, size());
    creating.store(creating.table().with(label));
    creating.close();
    creating = null;
  }

  @Override
  void close() {
    super.close();
    if (creating != null) {
      creating.close();
      creating = null;
    }
  }
}
