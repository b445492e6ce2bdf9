// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * A device for reading. Stores are possible, so that a reader can recover a pool that needs it; a
 * page that is stored to is copied to memory first, since a device cannot be mapped privately
 * ({@code CopyOnWriteMedium} is what files have). What was not stored to is read from the device.
 *
 * <p>Whether a page is in the copy is a bit, set after the page was copied; who reads it clear
 * reads what was there before the first store, and takes no lock.
 */
final class OverlayMedium extends Medium {
  private static final int PAGE_SHIFT = 12;

  private final MappedFile file;
  private final AddressRange device;
  private final AddressRange copy;
  private final AtomicLongArray copied;

  OverlayMedium(MappedFile file, AddressRange device) {
    super(Durability.PROCESS, Granularity.NONE);
    this.file = file;
    this.device = device;
    this.copy = AddressRange.anonymous(file.size());
    this.copied = new AtomicLongArray(Math.toIntExact((file.size() >> PAGE_SHIFT + 6) + 1));
  }

  @Override
  public String describe() {
    return "read-only (changes in memory), " + file.title();
  }

  @Override
  public long size() {
    return file.size();
  }

  private boolean isCopied(long page) {
    return (copied.get((int) (page >> 6)) & 1L << page) != 0;
  }

  private boolean isAnyCopied(long offset, long bytes) {
    for (long page = offset >> PAGE_SHIFT; page <= offset + bytes - 1 >> PAGE_SHIFT; page++) {
      if (isCopied(page)) {
        return true;
      }
    }
    return false;
  }

  private synchronized void copy(long offset, long bytes) {
    for (long page = offset >> PAGE_SHIFT; page <= offset + bytes - 1 >> PAGE_SHIFT; page++) {
      if (!isCopied(page)) {
        long at = page << PAGE_SHIFT;
        Memory.copy(device.start() + at, copy.start() + at, 1L << PAGE_SHIFT);
        int word = (int) (page >> 6);
        copied.set(word, copied.get(word) | 1L << page);
      }
    }
  }

  /** Where to read a range: in one place, which it is copied to if a part of it is there. */
  private long readable(long offset, long bytes) {
    if (!isAnyCopied(offset, bytes)) {
      return device.start() + offset;
    }
    return stored(offset, bytes);
  }

  private long stored(long offset, long bytes) {
    copy(offset, bytes);
    return copy.start() + offset;
  }

  @Override
  public long load(long offset, int bytes) {
    long address = readable(offset, bytes);
    return switch (bytes) {
      case 1 -> Memory.getByte(address) & 0xFFL;
      case 4 -> Memory.getInt(address) & 0xFFFFFFFFL;
      default -> offset % 8 == 0 ? Memory.getLongAcquire(address) : Memory.getLong(address);
    };
  }

  @Override
  public void store(long offset, int bytes, long value) {
    long address = stored(offset, bytes);
    switch (bytes) {
      case 1 -> Memory.putByte(address, (byte) value);
      case 4 -> Memory.putInt(address, (int) value);
      default -> {
        if (offset % 8 == 0) {
          Memory.putLongRelease(address, value);
        } else {
          Memory.putLong(address, value);
        }
      }
    }
  }

  @Override
  public boolean compareAndSet(long offset, long expected, long value) {
    return Memory.compareAndSetLong(stored(offset, Long.BYTES), expected, value);
  }

  @Override
  public void copyOut(long offset, MemorySegment into) {
    if (into.byteSize() > 0) {
      Memory.copyOut(readable(offset, into.byteSize()), into);
    }
  }

  @Override
  public void copyIn(MemorySegment from, long offset) {
    if (from.byteSize() > 0) {
      Memory.copyIn(from, stored(offset, from.byteSize()));
    }
  }

  @Override
  public MemorySegment view(long offset, long bytes, Arena arena) {
    long address = bytes > 0 ? readable(offset, bytes) : device.start() + offset;
    return Memory.segment(address, bytes, arena).asReadOnly();
  }

  @Override
  public MemorySegment writable(long offset, long bytes, Arena arena) {
    long address = bytes > 0 ? stored(offset, bytes) : copy.start() + offset;
    return Memory.segment(address, bytes, arena);
  }

  @Override
  public void persist(Lines lines) {
    lines.visit(
        new Lines.Visitor() {
          @Override
          public void writeback(long offset, long bytes) {}

          @Override
          public void copy(long offset, MemorySegment from) {
            copyIn(from, offset);
          }
        });
  }

  @Override
  public void persist(long offset, long bytes) {}

  @Override
  public void sync() {}

  @Override
  public void close() {
    copy.retire();
    device.retire();
    file.close();
  }
}
