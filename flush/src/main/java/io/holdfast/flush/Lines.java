// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

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

  private static final int FILTER_SHIFT = Integer.numberOfTrailingZeros(FILTER_LINES);
  private static final int LINE_SHIFT = Integer.numberOfTrailingZeros(LINE_BYTES);

  private static final long NONE = -1;
  private static final int RANGE_WORDS = 2;
  private static final int COPY_WORDS = 3;
  private static final int FIRST_RANGES = 64;
  private static final int FIRST_COPIES = 4;

  private final PersistentRegion region;
  private final long base;
  private final boolean recorded;

  // Native memory from the first use on.
  private final WordBuffer ranges = new WordBuffer();
  private final WordBuffer copies = new WordBuffer();
  private int rangeCount;
  private int copyCount;

  // Lines beside the first one of each range.
  private long furtherLines;

  private long copiedBytes;

  // Of the last range, as in native memory.
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
    long last = (base + offset + length - 1) & -LINE_BYTES;
    if (first == last) {
      addLine(first);
    } else {
      addSeveral(first, last);
    }
    return this;
  }

  private void addSeveral(long first, long last) {
    long further = (last - first) / LINE_BYTES;
    if (further >= DEDUPLICATED_LINES) {
      append(first, last + LINE_BYTES);
      furtherLines += further;
      return;
    }
    for (long line = first; line <= last; line += LINE_BYTES) {
      addLine(line);
    }
  }

  private void addLine(long line) {
    long[] known = filter;
    if (known.length == 0) {
      known = new long[FILTER_LINES];
      filter = known;
    }
    // What is 64 KiB apart is often used together: the upper bits are mixed in.
    long number = line - base >>> LINE_SHIFT;
    int place = (int) (number ^ (number >>> FILTER_SHIFT) * 37) & FILTER_LINES - 1;
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
    int at = COPY_WORDS * copyCount;
    if (at == copies.capacity()) {
      copies.reserve(Math.max(2 * at, COPY_WORDS * FIRST_COPIES));
    }
    copies.put(at, base + offset);
    copies.put(at + 1, from);
    copies.put(at + 2, bytes);
    copyCount++;
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
    for (int i = 0; i < other.rangeCount; i++) {
      long first = other.ranges.get(RANGE_WORDS * i);
      add(first - base, other.ranges.get(RANGE_WORDS * i + 1) - first);
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
    for (int i = 0; i < copyCount; i++) {
      int at = COPY_WORDS * i;
      MemorySegment from = Memory.segment(copies.get(at + 1), copies.get(at + 2), Arena.global());
      visitor.copy(copies.get(at) - base, from);
    }
    for (int i = 0; i < rangeCount; i++) {
      long first = ranges.get(RANGE_WORDS * i);
      visitor.writeback(first - base, ranges.get(RANGE_WORDS * i + 1) - first);
    }
  }

  /** Makes the copies by ordinary stores. */
  void copyPlainly() {
    for (int i = 0; i < copyCount; i++) {
      int at = COPY_WORDS * i;
      Memory.copy(copies.get(at + 1), copies.get(at), copies.get(at + 2));
    }
  }

  PersistentRegion region() {
    return region;
  }

  long copiesAddress() {
    return copies.address(0);
  }

  long copyCount() {
    return copyCount;
  }

  long rangesAddress() {
    return ranges.address(0);
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
      int at = RANGE_WORDS * rangeCount;
      if (at == ranges.capacity()) {
        ranges.reserve(Math.max(2 * at, RANGE_WORDS * FIRST_RANGES));
      }
      ranges.put(at, first);
      rangeCount++;
    }
    ranges.put(RANGE_WORDS * rangeCount - 1, end);
    lastEnd = end;
  }
}
