// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import java.util.Arrays;

/** A small hash table from offsets, which are not 0, to numbers, which are not 0 either. */
final class OffsetMap {
  private static final int FIRST_CAPACITY = 16;
  private static final int SHRINK_ABOVE = 1 << 12;

  private long[] offsets = new long[FIRST_CAPACITY];
  private int[] values = new int[FIRST_CAPACITY];
  private int count;

  /** The number of an offset, or 0. */
  int get(long offset) {
    return values[place(offsets, offset)];
  }

  /** Gives an offset a number; or takes it away, with 0. */
  void put(long offset, int value) {
    if (2 * count == offsets.length) {
      resize(2 * offsets.length);
    }
    int at = place(offsets, offset);
    if (offsets[at] == 0) {
      offsets[at] = offset;
      count++;
    }
    values[at] = value;
  }

  void clear() {
    if (count == 0) {
      return;
    }
    count = 0;
    Arrays.fill(offsets, 0);
    Arrays.fill(values, 0);
    if (offsets.length > SHRINK_ABOVE) {
      shrink();
    }
  }

  private void shrink() {
    try {
      resize(FIRST_CAPACITY);
    } catch (OutOfMemoryError _) {
      // It is empty, and stays as large as it is.
    }
  }

  private static int place(long[] table, long offset) {
    int at = (int) (offset * 0x9E3779B97F4A7C15L >>> 32) & table.length - 1;
    while (table[at] != 0 && table[at] != offset) {
      at = at + 1 & table.length - 1;
    }
    return at;
  }

  /** Offsets whose number was taken away are left out. Whatever fails here, nothing has changed. */
  private void resize(int capacity) {
    long[] newOffsets = new long[capacity];
    int[] newValues = new int[capacity];
    int kept = 0;
    for (int i = 0; i < offsets.length; i++) {
      if (values[i] != 0) {
        int at = place(newOffsets, offsets[i]);
        newOffsets[at] = offsets[i];
        newValues[at] = values[i];
        kept++;
      }
    }
    offsets = newOffsets;
    values = newValues;
    count = kept;
  }
}
