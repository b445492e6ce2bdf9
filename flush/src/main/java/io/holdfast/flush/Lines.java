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
 * cleared, and used again. A line that is added again is written back once, as a rule; to do it
 * twice would be harmless.
 *
 * <p>Not thread-safe; belongs to the region that made it.
 */
public final class Lines {
  /** The cache line, in bytes. */
  public static final int LINE_BYTES = 64;

  /** A longer range is not looked at line by line for lines that are there already. */
  private static final int DEDUPLICATED_LINES = 64;

  /** Lines of so many different places are known by. */
  private static final int FILTER_LINES = 1024;

  private static final long NONE = -1;
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

  // Lines beside the first one of each range.
  private long furtherLines;

  private long copiedBytes;
  private long copiesAddress;
  private long copyCapacity;

  // The last range, whose end is in native memory as well.
  private long rangesAddress;
  private long rangeCapacity;
  private long lastEnd = NONE;

  // Which line was added last of those that have a place, by the line's number. Its low bits, which
  // an address of a line has not, say in which filling: so clear() costs next to nothing. Two lines
  // of one place forget each other, which is why a line may be written back twice.
  private long[] filter = new long[0];
  private int filling = 1;

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
      furtherLines += (end - first) / LINE_BYTES - 1;
      return this;
    }
    for (long line = first; line < end; line += LINE_BYTES) {
      addLine(line);
    }
    return this;
  }

  private void addLine(long line) {
    long[] known = filter;
    if (known.length == 0) {
      known = new long[FILTER_LINES];
      filter = known;
    }
    // What is 64 KiB apart is often used together: the upper bits are mixed in.
    long number = (line - base) / LINE_BYTES;
    int place = (int) (number ^ number / FILTER_LINES * 37) & FILTER_LINES - 1;
    if (known[place] != (line | filling)) {
      known[place] = line | filling;
      append(line, line + LINE_BYTES);
    }
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
    long bytes = from.byteSize();
    if (((offset | bytes) & 7) != 0 || !from.isNative()) {
      throw new IllegalArgumentException(
          "a copy takes native memory in multiples of 8 bytes: offset=%d, bytes=%d, native=%b"
              .formatted(offset, bytes, from.isNative()));
    }
    return copy(offset, from.address(), bytes);
  }

  /**
   * Adds a copy of some words into the region; see {@link #copy(long, MemorySegment)}.
   *
   * @param offset where to write, a multiple of 8
   * @param from words that must not move until then
   * @param index the first to take
   * @param count how many
   * @return this
   * @throws IllegalArgumentException if the offset is not a multiple of 8
   * @throws IndexOutOfBoundsException if the target is not inside the region, or the words not
   *     inside the buffer
   */
  public Lines copy(long offset, WordBuffer from, int index, int count) {
    if ((offset & 7) != 0) {
      throw new IllegalArgumentException("a copy goes to a multiple of 8: offset=" + offset);
    }
    Objects.checkFromIndexSize(index, count, from.capacity());
    return copy(offset, from.address(index), (long) Long.BYTES * count);
  }

  private Lines copy(long offset, long from, long bytes) {
    region.checkRange(offset, bytes);
    if (bytes == 0) {
      return this;
    }
    if (copyCount == copyCapacity) {
      copies = doubled(copies, 4 * COPY_BYTES);
      copiesAddress = copies.address();
      copyCapacity = copies.byteSize() / COPY_BYTES;
    }
    long at = copiesAddress + copyCount++ * COPY_BYTES;
    Memory.putLong(at, base + offset);
    Memory.putLong(at + 8, from);
    Memory.putLong(at + 16, bytes);
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
    return rangeCount + furtherLines;
  }

  /**
   * How many bytes are copied.
   *
   * @return the number of bytes
   */
  public long copiedBytes() {
    return copiedBytes;
  }

  /**
   * Whether there is nothing to wait for.
   *
   * @return whether no range was added, nor copy
   */
  public boolean isEmpty() {
    return lineCount() == 0 && copiedBytes() == 0;
  }

  /** Forgets all contents. */
  public void clear() {
    if (copyCount > 0) {
      copyCount = 0;
      copiedBytes = 0;
    }
    if (rangeCount > 0) {
      rangeCount = 0;
      furtherLines = 0;
      lastEnd = NONE;
      forgetLines();
    }
  }

  private void forgetLines() {
    if (++filling == LINE_BYTES) {
      Arrays.fill(filter, 0);
      filling = 1;
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
    for (long i = 0; i < copyCount; i++) {
      long at = copiesAddress + i * COPY_BYTES;
      Memory.copy(Memory.getLong(at + 8), Memory.getLong(at), Memory.getLong(at + 16));
    }
  }

  PersistentRegion region() {
    return region;
  }

  long copiesAddress() {
    return copiesAddress;
  }

  long copyCount() {
    return copyCount;
  }

  long rangesAddress() {
    return rangesAddress;
  }

  long rangeCount() {
    return rangeCount;
  }

  long workBytes() {
    return copiedBytes + lineCount() * LINE_BYTES;
  }

  private void append(long first, long end) {
    if (lastEnd == first) {
      furtherLines++;
    } else {
      if (rangeCount == rangeCapacity) {
        ranges = doubled(ranges, FIRST_CAPACITY * RANGE_BYTES);
        rangesAddress = ranges.address();
        rangeCapacity = ranges.byteSize() / RANGE_BYTES;
      }
      Memory.putLong(rangesAddress + rangeCount++ * RANGE_BYTES, first);
    }
    Memory.putLong(rangesAddress + rangeCount * RANGE_BYTES - Long.BYTES, end);
    lastEnd = end;
  }

  private static MemorySegment doubled(MemorySegment full, long least) {
    MemorySegment larger = Arena.ofAuto().allocate(Math.max(full.byteSize() * 2, least), 8);
    larger.copyFrom(full);
    return larger;
  }
}
