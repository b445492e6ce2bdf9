// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import java.util.Arrays;

/**
 * The words that a transaction has written and holds back: a hash table from offset to value that
 * remembers the order of first writes, and, while a savepoint stands, what to go back to.
 */
final class WriteSet {
  private static final int FIRST_CAPACITY = 64;
  private static final int SHRINK_ABOVE = 1 << 16;
  private static final int FIRST_STAMP = 1;

  // Words in order of first write; slots hold 1 + index into them, and count with the stamp of this
  // filling only, so that clear() costs nothing.
  private long[] offsets = new long[FIRST_CAPACITY];
  private long[] values = new long[FIRST_CAPACITY];
  private int count;
  private int[] slots = new int[2 * FIRST_CAPACITY];
  private int[] stamps = new int[2 * FIRST_CAPACITY];
  private int stamp = FIRST_STAMP;

  // Overwritten values since the first savepoint, as {index, value}.
  private boolean journaling;
  private long[] journal = new long[0];
  private int journaled;

  int count() {
    return count;
  }

  long offset(int index) {
    return offsets[index];
  }

  long value(int index) {
    return values[index];
  }

  /** The index of a word, or -1. */
  int find(long offset) {
    if (count == 0) {
      return -1;
    }
    int mask = slots.length - 1;
    int slot = slot(offset, mask);
    while (stamps[slot] == stamp) {
      int index = slots[slot] - 1;
      if (offsets[index] == offset) {
        return index;
      }
      slot = (slot + 1) & mask;
    }
    return -1;
  }

  void put(long offset, long value) {
    int mask = slots.length - 1;
    int slot = slot(offset, mask);
    while (stamps[slot] == stamp) {
      int index = slots[slot] - 1;
      if (offsets[index] == offset) {
        if (journaling) {
          note(index);
        }
        values[index] = value;
        return;
      }
      slot = (slot + 1) & mask;
    }
    if (count == offsets.length) {
      resize(2 * count);
      put(offset, value);
      return;
    }
    offsets[count] = offset;
    values[count] = value;
    slots[slot] = ++count;
    stamps[slot] = stamp;
  }

  /**
   * Where a savepoint stands: {words, journal entries}, packed. Journaling begins with the first.
   */
  long savepoint() {
    journaling = true;
    return (long) count << 32 | journaled;
  }

  void rollbackTo(long savepoint) {
    int words = (int) (savepoint >>> 32);
    int entries = (int) savepoint;
    while (journaled > entries) {
      journaled--;
      values[(int) journal[2 * journaled]] = journal[2 * journaled + 1];
    }
    if (count > words) {
      count = words;
      Arrays.fill(stamps, 0);
      stamp = FIRST_STAMP;
      index(offsets, slots, stamps);
    }
  }

  void clear() {
    if (count == 0 && !journaling) {
      return;
    }
    count = 0;
    journaling = false;
    journaled = 0;
    if (++stamp == 0) {
      Arrays.fill(stamps, 0);
      stamp = FIRST_STAMP;
    }
    if (offsets.length > SHRINK_ABOVE) {
      shrink();
    }
  }

  private void shrink() {
    try {
      resize(FIRST_CAPACITY);
      journal = new long[0];
    } catch (OutOfMemoryError _) {
      // It is empty, and stays as large as it is.
    }
  }

  private void note(int index) {
    if (2 * journaled == journal.length) {
      journal = Arrays.copyOf(journal, Math.max(FIRST_CAPACITY, 2 * journal.length));
    }
    journal[2 * journaled] = index;
    journal[2 * journaled + 1] = values[index];
    journaled++;
  }

  /** Whatever fails here, nothing has changed. */
  private void resize(int capacity) {
    long[] newOffsets = Arrays.copyOf(offsets, capacity);
    long[] newValues = Arrays.copyOf(values, capacity);
    int[] newSlots = new int[2 * capacity];
    int[] newStamps = new int[2 * capacity];
    index(newOffsets, newSlots, newStamps);
    offsets = newOffsets;
    values = newValues;
    slots = newSlots;
    stamps = newStamps;
    stamp = FIRST_STAMP;
  }

  /** Enters all words into slots that are empty. */
  private void index(long[] words, int[] into, int[] marks) {
    int mask = into.length - 1;
    for (int index = 0; index < count; index++) {
      int slot = slot(words[index], mask);
      while (marks[slot] == FIRST_STAMP) {
        slot = (slot + 1) & mask;
      }
      into[slot] = index + 1;
      marks[slot] = FIRST_STAMP;
    }
  }

  private static int slot(long offset, int mask) {
    return (int) ((offset * 0x9E3779B97F4A7C15L) >>> 32) & mask;
  }
}
