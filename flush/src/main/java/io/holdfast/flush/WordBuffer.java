// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.Reference;
import java.util.Objects;

/**
 * Words in ordinary memory, little-endian, which {@link Lines} can copy from: what a log is made up
 * in before it is written. A segment does the same, and takes longer for each word, since it asks
 * more than whether the word is inside.
 *
 * <p>Not thread-safe.
 */
public final class WordBuffer {
  private MemorySegment memory = MemorySegment.NULL;
  private long address;
  private int capacity;

  /** A buffer without room. */
  public WordBuffer() {}

  /**
   * How many words it has room for.
   *
   * @return the number of words
   */
  public int capacity() {
    return capacity;
  }

  /**
   * Makes room. What is in the buffer stays, and may move: copies of it that were added to {@link
   * Lines} before are of no use then.
   *
   * @param words how many are wanted
   * @return whether the contents have moved
   */
  public boolean reserve(int words) {
    if (words <= capacity) {
      return false;
    }
    MemorySegment larger = Arena.ofAuto().allocate((long) words * Long.BYTES, Lines.LINE_BYTES);
    larger.copyFrom(memory);
    memory = larger;
    address = larger.address();
    capacity = words;
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
    try {
      return Memory.getLong(address + Long.BYTES * (long) Objects.checkIndex(index, capacity));
    } finally {
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Writes a word.
   *
   * @param index which
   * @param value its value
   * @throws IndexOutOfBoundsException if there is no room for it
   */
  public void put(int index, long value) {
    try {
      Memory.putLong(address + Long.BYTES * (long) Objects.checkIndex(index, capacity), value);
    } finally {
      Reference.reachabilityFence(this);
    }
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
    Objects.checkFromIndexSize(index, count, capacity);
    return memory.asSlice(Long.BYTES * (long) index, Long.BYTES * (long) count);
  }

  /** Where a word is; the buffer must stay reachable while that is used. */
  long address(int index) {
    return address + Long.BYTES * (long) index;
  }
}
