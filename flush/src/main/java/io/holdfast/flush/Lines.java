// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Objects;

/**
 * What one fence is to make durable: ranges of a region to write back, and copies to make past the
 * cache. Filled once or many times over, handed to {@link PersistentRegion#persist(Lines)},
 * cleared, and used again; a line added twice is written back once.
 *
 * <p>Not thread-safe; belongs to the region that made it.
 */
public final class Lines {
  /** The cache line, in bytes. */
  public static final int LINE_BYTES = 64;

  /** A longer range is not looked at line by line for lines that are there already. */
  private static final int DEDUPLICATED_LINES = 64;

  private static final long RANGE_BYTES = 16;
  private static final long COPY_BYTES = 24;
  private static final int FIRST_CAPACITY = 64;

  private final PersistentRegion region;
  private final long base;
  private final boolean recorded;

  // Native memory from the first use on.
  private MemorySegment ranges = MemorySegment.NULL;
  private MemorySegment copies = MemorySegment.NULL;
  private long rangeCount;
  private long copyCount;
  private long lineCount;
  private long copiedBytes;

  // An open-addressing set of line addresses. A slot counts only with the stamp of this filling, so
  // that clear() costs nothing.
  private long[] seen = new long[0];
  private int[] stamps = new int[0];
  private int stamp = 1;
  private int seenCount;

  Lines(PersistentRegion region, long base) {
    this.region = region;
    this.base = base;
    this.recorded = region.granularity() != Granularity.NONE || base == 0;
  }

  /** What a medium is told when it goes through the contents. Offsets are the region's. */
  public interface Visitor {
    /**
     * A range to write back.
     *
     * @param offset the first byte, a multiple of 64
     * @param bytes its length, a multiple of 64
     */
    void writeback(long offset, long bytes);

    /**
     * A copy to make into the region; durable like a range once the fence returns.
     *
     * @param offset the first byte to write, a multiple of 8
     * @param from what to write, its length a multiple of 8
     */
    void copy(long offset, MemorySegment from);
  }

  /**
   * Adds every line that a range touches.
   *
   * @param offset the first byte
   * @param length the length in bytes; 0 adds nothing
   * @return this
   * @throws IndexOutOfBoundsException if the range is not inside the region
   */
  public Lines add(long offset, long length) {
    region.checkRange(offset, length);
    if (length == 0 || !recorded) {
      return this;
    }
    long first = (base + offset) & -LINE_BYTES;
    long end = (base + offset + length + LINE_BYTES - 1) & -LINE_BYTES;
    if (end - first > (long) DEDUPLICATED_LINES * LINE_BYTES) {
      append(first, end);
      return this;
    }
    for (long line = first; line < end; line += LINE_BYTES) {
      if (remember(line)) {
        append(line, line + LINE_BYTES);
      }
    }
    return this;
  }

  /**
   * Adds a copy into the region. The bytes are taken when the region is persisted, not now.
   *
   * @param offset where to write, a multiple of 8
   * @param from native memory, its length a multiple of 8; must stay unchanged until then
   * @return this
   * @throws IllegalArgumentException if offset or length is not a multiple of 8, or the source is
   *     on the Java heap
   * @throws IndexOutOfBoundsException if the target is not inside the region
   */
  public Lines copy(long offset, MemorySegment from) {
    return copy(offset, from, 0, from.byteSize());
  }

  /**
   * Adds a copy of a part of a segment into the region; see {@link #copy(long, MemorySegment)}.
   *
   * @param offset where to write, a multiple of 8
   * @param from native memory
   * @param fromOffset the first byte to take
   * @param bytes how many, a multiple of 8
   * @return this
   * @throws IllegalArgumentException if offset or length is not a multiple of 8, or the source is
   *     on the Java heap
   * @throws IndexOutOfBoundsException if the target is not inside the region, or the part not
   *     inside the segment
   */
  public Lines copy(long offset, MemorySegment from, long fromOffset, long bytes) {
    region.checkRange(offset, bytes);
    if (((offset | bytes) & 7) != 0 || !from.isNative()) {
      throw new IllegalArgumentException(
          "a copy takes native memory in multiples of 8 bytes: offset=%d, bytes=%d, native=%b"
              .formatted(offset, bytes, from.isNative()));
    }
    Objects.checkFromIndexSize(fromOffset, bytes, from.byteSize());
    if (bytes == 0) {
      return this;
    }
    if (copyCount == copies.byteSize() / COPY_BYTES) {
      copies = doubled(copies, 4 * COPY_BYTES);
    }
    long at = copyCount++ * COPY_BYTES;
    copies.set(JAVA_LONG, at, base + offset);
    copies.set(JAVA_LONG, at + 8, from.address() + fromOffset);
    copies.set(JAVA_LONG, at + 16, bytes);
    copiedBytes += bytes;
    return this;
  }

  /**
   * Adds the lines of another set, its copies not included.
   *
   * @param other a set of the same region
   * @return this
   * @throws IllegalArgumentException if it is another region's
   */
  public Lines addLines(Lines other) {
    if (other.region != region) {
      throw new IllegalArgumentException("these lines are another region's");
    }
    for (long i = 0; i < other.rangeCount; i++) {
      long first = other.ranges.get(JAVA_LONG, i * RANGE_BYTES);
      add(first - base, other.ranges.get(JAVA_LONG, i * RANGE_BYTES + 8) - first);
    }
    return this;
  }

  /**
   * How many lines are written back, lines that copies write not included.
   *
   * @return the number of lines
   */
  public long lineCount() {
    return lineCount;
  }

  /**
   * How many bytes are copied.
   *
   * @return the number of bytes
   */
  public long copiedBytes() {
    return copiedBytes;
  }

  /** Forgets all contents. */
  public void clear() {
    seenCount = 0;
    rangeCount = 0;
    copyCount = 0;
    lineCount = 0;
    copiedBytes = 0;
    if (++stamp == 0) {
      Arrays.fill(stamps, 0);
      stamp = 1;
    }
  }

  /**
   * Goes through the contents in the order in which they were added, copies first.
   *
   * @param visitor is told of each copy and range
   */
  public void visit(Visitor visitor) {
    for (long i = 0; i < copyCount; i++) {
      long at = i * COPY_BYTES;
      long bytes = copies.get(JAVA_LONG, at + 16);
      MemorySegment from = Memory.segment(copies.get(JAVA_LONG, at + 8), bytes, Arena.global());
      visitor.copy(copies.get(JAVA_LONG, at) - base, from);
    }
    for (long i = 0; i < rangeCount; i++) {
      long first = ranges.get(JAVA_LONG, i * RANGE_BYTES);
      visitor.writeback(first - base, ranges.get(JAVA_LONG, i * RANGE_BYTES + 8) - first);
    }
  }

  /** Makes the copies by ordinary stores. */
  void copyPlainly() {
    for (long at = 0; at < copyCount * COPY_BYTES; at += COPY_BYTES) {
      Memory.copy(
          copies.get(JAVA_LONG, at + 8), copies.get(JAVA_LONG, at), copies.get(JAVA_LONG, at + 16));
    }
  }

  PersistentRegion region() {
    return region;
  }

  long copiesAddress() {
    return copies.address();
  }

  long copyCount() {
    return copyCount;
  }

  long rangesAddress() {
    return ranges.address();
  }

  long rangeCount() {
    return rangeCount;
  }

  long workBytes() {
    return copiedBytes + lineCount * LINE_BYTES;
  }

  /** Adds a line to the set; false if it was there. */
  private boolean remember(long line) {
    if (2 * seenCount >= seen.length) {
      rehash();
    }
    int mask = seen.length - 1;
    int slot = slot(line, mask);
    while (stamps[slot] == stamp) {
      if (seen[slot] == line) {
        return false;
      }
      slot = (slot + 1) & mask;
    }
    seen[slot] = line;
    stamps[slot] = stamp;
    seenCount++;
    return true;
  }

  private void rehash() {
    long[] old = seen;
    int[] oldStamps = stamps;
    seen = new long[Math.max(old.length * 2, 2 * FIRST_CAPACITY)];
    stamps = new int[seen.length];
    int mask = seen.length - 1;
    for (int i = 0; i < old.length; i++) {
      if (oldStamps[i] == stamp) {
        int slot = slot(old[i], mask);
        while (stamps[slot] == stamp) {
          slot = (slot + 1) & mask;
        }
        seen[slot] = old[i];
        stamps[slot] = stamp;
      }
    }
  }

  private static int slot(long line, int mask) {
    return (int) ((line / LINE_BYTES * 0x9E3779B97F4A7C15L) >>> 32) & mask;
  }

  private void append(long first, long end) {
    lineCount += (end - first) / LINE_BYTES;
    if (rangeCount > 0) {
      long last = (rangeCount - 1) * RANGE_BYTES;
      if (ranges.get(JAVA_LONG, last + 8) == first) {
        ranges.set(JAVA_LONG, last + 8, end);
        return;
      }
    }
    if (rangeCount == ranges.byteSize() / RANGE_BYTES) {
      ranges = doubled(ranges, FIRST_CAPACITY * RANGE_BYTES);
    }
    long at = rangeCount++ * RANGE_BYTES;
    ranges.set(JAVA_LONG, at, first);
    ranges.set(JAVA_LONG, at + 8, end);
  }

  private static MemorySegment doubled(MemorySegment full, long least) {
    MemorySegment larger = Arena.ofAuto().allocate(Math.max(full.byteSize() * 2, least), 8);
    larger.copyFrom(full);
    return larger;
  }
}
