// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A medium whose memory the region touches by itself. What is left to subclasses is durability. */
abstract class DirectMedium extends Medium {
  private final AddressRange range;
  private volatile long size;

  DirectMedium(Durability durability, Granularity granularity, AddressRange range, long size) {
    super(durability, granularity);
    this.range = range;
    this.size = size;
  }

  @Override
  final long address() {
    return range.start();
  }

  @Override
  public final long size() {
    return size;
  }

  final AddressRange range() {
    return range;
  }

  final void setSize(long bytes) {
    size = bytes;
  }

  @Override
  public final long load(long offset, int bytes) {
    long address = range.start() + offset;
    return switch (bytes) {
      case 1 -> Memory.getByte(address) & 0xFFL;
      case 4 -> Memory.getInt(address) & 0xFFFFFFFFL;
      default -> offset % 8 == 0 ? Memory.getLongAcquire(address) : Memory.getLong(address);
    };
  }

  @Override
  public final void store(long offset, int bytes, long value) {
    long address = range.start() + offset;
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
  public final boolean compareAndSet(long offset, long expected, long value) {
    return Memory.compareAndSetLong(range.start() + offset, expected, value);
  }

  @Override
  public final void copyOut(long offset, MemorySegment into) {
    Memory.copyOut(range.start() + offset, into);
  }

  @Override
  public final void copyIn(MemorySegment from, long offset) {
    Memory.copyIn(from, range.start() + offset);
  }

  @Override
  public final MemorySegment view(long offset, long bytes, Arena arena) {
    return writable(offset, bytes, arena).asReadOnly();
  }

  @Override
  public final MemorySegment writable(long offset, long bytes, Arena arena) {
    return Memory.segment(range.start() + offset, bytes, arena);
  }

  /** Makes the copies with ordinary stores, for media that do not go past a cache. */
  final void copyPlainly(Lines lines) {
    if (lines.copyCount() > 0) {
      lines.copyPlainly();
    }
  }

  @Override
  public void close() {
    range.retire();
  }
}
