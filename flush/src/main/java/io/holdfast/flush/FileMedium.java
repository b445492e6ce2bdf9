// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A medium that is a mapped file, which grows as far as there are addresses reserved behind it.
 *
 * <p>Growing takes these steps: the file's blocks, written once where a store must not wait for the
 * file system to initialise one; the length, made durable; the mapping. A crash leaves a file that
 * is longer than whoever grew it has noted, and nothing else. So does a process that was killed
 * before the length was durable, to whom the next one owes it: {@link #grow} to a length that is
 * there synchronises it once.
 */
abstract class FileMedium extends DirectMedium {
  private static final Logger LOG = LoggerFactory.getLogger(FileMedium.class);

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
      extend(before, bytes);
      setSize(bytes);
      LOG.debug("{}: grown from {} to {} bytes", file.path(), before, bytes);
    } else {
      synchroniseLength();
    }
    durableLength = size();
  }

  private void extend(long from, long to) {
    file.extend(from, to);
    try {
      if (granularity() == Granularity.LINE) {
        file.writeZeros(from, to);
      }
      synchroniseLength();
      range().extend(file.fd(), to);
    } catch (Libc.Errno e) {
      file.cutBack(from);
      throw new HoldfastException.FileUnusable(
          "%s cannot be mapped any further: %s: open it again"
              .formatted(file.path(), e.getMessage()));
    } catch (HoldfastException.NoSpace | HoldfastException.FileUnusable e) {
      file.cutBack(from);
      throw e;
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
