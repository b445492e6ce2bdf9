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

  // Words in order of first write; slots hold 1 + index into them, and count with the stamp of this
  // filling only, so that clear() costs nothing.
  private long[] offsets = new long[FIRST_CAPACITY];
  private long[] values = new long[FIRST_CAPACITY];
  private int count;
  private int[] slots = new int[2 * FIRST_CAPACITY];
  private int[] stamps = new int[2 * FIRST_CAPACITY];
  private int stamp = 1;

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
      grow();
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
      reindex(slots.length);
    }
  }

  void clear() {
    if (count == 0 && !journaling) {
      return;
    }
    count = 0;
    journaling = false;
    journaled = 0;
    if (offsets.length > SHRINK_ABOVE) {
      offsets = new long[FIRST_CAPACITY];
      values = new long[FIRST_CAPACITY];
      journal = new long[0];
      reindex(2 * FIRST_CAPACITY);
    } else if (++stamp == 0) {
      Arrays.fill(stamps, 0);
      stamp = 1;
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

  private void grow() {
    offsets = Arrays.copyOf(offsets, 2 * count);
    values = Arrays.copyOf(values, 2 * count);
    reindex(4 * count);
  }

  private void reindex(int capacity) {
    slots = new int[capacity];
    stamps = new int[capacity];
    stamp = 1;
    int mask = capacity - 1;
    for (int index = 0; index < count; index++) {
      int slot = slot(offsets[index], mask);
      while (stamps[slot] == stamp) {
        slot = (slot + 1) & mask;
      }
      slots[slot] = index + 1;
      stamps[slot] = stamp;
    }
  }

  private static int slot(long offset, int mask) {
    return (int) ((offset * 0x9E3779B97F4A7C15L) >>> 32) & mask;
  }
}
