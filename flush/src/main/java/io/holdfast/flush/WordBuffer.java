// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.util.Objects;

/**
 * Words in ordinary memory, little-endian, which {@link Lines} can copy from: what a log is made up
 * in before it is written. A segment does the same, and takes longer for each word: it asks more
 * than whether the word is inside, by calls so deep that the compiler does not inline the last of
 * them where a commit ends.
 *
 * <p>Not thread-safe.
 */
public final class WordBuffer {
  private static final LongBuffer NONE = Memory.allocate(0).asLongBuffer();

  private LongBuffer words = NONE;
  private MemorySegment memory = MemorySegment.NULL;
  private long address;

  /** A buffer without room. */
  public WordBuffer() {}

  /**
   * How many words it has room for.
   *
   * @return the number of words
   */
  public int capacity() {
    return words.capacity();
  }

  /**
   * Makes room. What is in the buffer stays, and may move: copies of it that were added to {@link
   * Lines} before are of no use then.
   *
   * @param count how many are wanted
   * @return whether the contents have moved
   */
  public boolean reserve(int count) {
    if (count <= capacity()) {
      return false;
    }
    ByteBuffer larger = Memory.allocate((long) count * Long.BYTES);
    MemorySegment moved = MemorySegment.ofBuffer(larger);
    moved.copyFrom(memory);
    memory = moved;
    address = moved.address();
    words = larger.asLongBuffer();
    return true;
  }

  /**
   * Reads a word.
   *
   * @param index which
   * @return its value
   * @throws IndexOutOfBoundsException if there is no room for it
   */
  public long get(int index) {
    return words.get(index);
  }

  /**
   * Writes a word.
   *
   * @param index which
   * @param value its value
   * @throws IndexOutOfBoundsException if there is no room for it
   */
  public void put(int index, long value) {
    words.put(index, value);
  }

  /**
   * Some of the words, as long as they do not move.
   *
   * @param index the first
   * @param count how many
   * @return their memory
   * @throws IndexOutOfBoundsException if there is no room for them
   */
  public MemorySegment segment(int index, int count) {
    Objects.checkFromIndexSize(index, count, capacity());
    return memory.asSlice(Long.BYTES * (long) index, Long.BYTES * (long) count);
  }

  /** Where a word is; the buffer must stay reachable while that is used. */
  long address(int index) {
    return address + Long.BYTES * (long) index;
  }
}
