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
    return values[place(offset)];
  }

  /** Gives an offset a number; or takes it away, with 0. */
  void put(long offset, int value) {
    int at = place(offset);
    if (offsets[at] == 0) {
      offsets[at] = offset;
      count++;
    }
    values[at] = value;
    if (2 * count > offsets.length) {
      grow();
    }
  }

  void clear() {
    if (count == 0) {
      return;
    }
    count = 0;
    if (offsets.length > SHRINK_ABOVE) {
      offsets = new long[FIRST_CAPACITY];
      values = new int[FIRST_CAPACITY];
    } else {
      Arrays.fill(offsets, 0);
      Arrays.fill(values, 0);
    }
  }

  private int place(long offset) {
    int at = (int) (offset * 0x9E3779B97F4A7C15L >>> 32) & offsets.length - 1;
    while (offsets[at] != 0 && offsets[at] != offset) {
      at = at + 1 & offsets.length - 1;
    }
    return at;
  }

  private void grow() {
    long[] oldOffsets = offsets;
    int[] oldValues = values;
    offsets = new long[2 * oldOffsets.length];
    values = new int[offsets.length];
    count = 0;
    for (int i = 0; i < oldOffsets.length; i++) {
      if (oldValues[i] != 0) {
        put(oldOffsets[i], oldValues[i]);
      }
    }
  }
}
