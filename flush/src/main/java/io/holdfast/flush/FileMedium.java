// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A medium that is mapped from a file, which grows as far as there are addresses reserved behind
 * it.
 *
 * <p>A crash while it grows leaves a file that is longer than whoever grew it has noted, and
 * nothing else. So does a process that was killed before the length was durable, to whom the next
 * one owes it: {@link #grow} to a length that is there synchronises it once.
 */
abstract class FileMedium extends DirectMedium {
  private static final Logger LOG = LoggerFactory.getLogger(FileMedium.class);

  private static final long ZERO_CHUNK = 64 << 20;

  private final MappedFile file;
  private long durableLength;

  FileMedium(Durability durability, Granularity granularity, MappedFile file, AddressRange range) {
    super(durability, granularity, range, file.size());
    this.file = file;
  }

  final MappedFile file() {
    return file;
  }

  @Override
  public final long maxSize() {
    long size = size();
    long capacity = range().capacity();
    return capacity - size < PersistentRegion.PAGE_BYTES ? size : capacity;
  }

  @Override
  public final void grow(long bytes) {
    long before = size();
    if (bytes <= durableLength) {
      return;
    }
    if (bytes > before) {
      setSize(file.grow(this, before, bytes));
      LOG.debug("{}: grown from {} to {} bytes", file.path(), before, size());
    } else {
      synchroniseLength();
    }
    durableLength = size();
  }

  /** Makes a range zero, durably, a piece after the other. */
  final void zeroDurably(long from, long bytes) {
    long end = from + bytes;
    for (long at = from; at < end; at += ZERO_CHUNK) {
      long chunk = Math.min(ZERO_CHUNK, end - at);
      Memory.fill(address() + at, chunk, (byte) 0);
      persist(at, chunk);
    }
    if (granularity() == Granularity.NONE) {
      sync();
    }
  }

  /** Of a file that has just been made and synchronised. */
  final void lengthIsDurable() {
    durableLength = size();
  }

  /** Makes the file's length durable, with whatever else is. */
  void synchroniseLength() {
    GroupSync.fsync(file);
  }

  @Override
  public final void close() {
    super.close();
    file.close();
  }
}
