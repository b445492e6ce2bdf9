// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import io.holdfast.flush.PartitionTable.Extent;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Pieces of a file or device, mapped one behind the other so that they look like one. What is asked
 * of the memory is answered by the file that carries them.
 */
class FileExtents extends MappedFile {
  private final MappedFile carrier;
  private final List<Extent> extents;
  private final long unit;

  /**
   * Takes over a file, which is closed with this.
   *
   * @param carrier the file or device, open
   * @param extents in the order in which they are mapped
   * @param unit what they are counted in, bytes
   */
  FileExtents(MappedFile carrier, List<Extent> extents, long unit) {
    super(carrier.path(), carrier.fd());
    this.carrier = carrier;
    this.extents = List.copyOf(extents);
    this.unit = unit;
  }

  final MappedFile carrier() {
    return carrier;
  }

  @Override
  final long size() {
    return extents.stream().mapToLong(Extent::units).sum() * unit;
  }

  final long unit() {
    return unit;
  }

  @Override
  long reservation(long maxBytes) {
    return Math.max(size(), Math.ceilDiv(maxBytes, unit) * unit);
  }

  @Override
  String title() {
    return carrier.title();
  }

  @Override
  final boolean powerByPages() {
    return carrier.powerByPages();
  }

  @Override
  final boolean isMemory() {
    return carrier.isMemory();
  }

  @Override
  final long alignment() {
    return carrier.alignment();
  }

  @Override
  final Optional<Path> device() {
    return carrier.device();
  }

  @Override
  final Optional<ByteRange> badBytes() {
    return carrier.badBytes().filter(bad -> extents.stream().anyMatch(e -> bad.overlaps(range(e))));
  }

  private ByteRange range(Extent extent) {
    return new ByteRange(extent.first() * unit, extent.units() * unit);
  }

  @Override
  final boolean hasSharedExtents() {
    return carrier.hasSharedExtents();
  }

  @Override
  final void reserveMissingBlocks() {
    carrier.reserveMissingBlocks();
  }

  @Override
  final void map(AddressRange range, int protection, int flags) throws Libc.Errno {
    range.map(protection, flags);
    mapMore(range, extents, 0);
  }

  /** Maps extents behind what is mapped. */
  final void mapMore(AddressRange range, List<Extent> more, long mapped) throws Libc.Errno {
    long length = mapped;
    for (Extent extent : more) {
      length += extent.units() * unit;
      range.extend(fd(), extent.first() * unit, length);
    }
  }

  @Override
  long grow(FileMedium medium, long from, long to) {
    throw new HoldfastException.NoSpace(
        "%s: this part of it does not grow: size=%d, asked=%d".formatted(path(), from, to));
  }

  @Override
  void finishCreation(FileMedium medium) {
    throw new AssertionError("is there already: " + path());
  }

  @Override
  final void fsync() throws Libc.Errno {
    carrier.fsync();
  }

  @Override
  final void fdatasync() throws Libc.Errno {
    carrier.fdatasync();
  }

  @Override
  void close() {
    carrier.close();
  }

  @Override
  void discard() {
    close();
  }
}
