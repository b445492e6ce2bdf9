// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import java.util.Arrays;

/**
 * A list of byte ranges, for taking many snapshots with one fence. Can be cleared and used again.
 * Not thread-safe.
 */
public final class Ranges {
  private long[] pairs = new long[16];
  private int count;

  /** An empty list. */
  public Ranges() {}

  /**
   * Adds a range.
   *
   * @param offset the first byte
   * @param length how many bytes
   * @return this
   */
  public Ranges add(long offset, long length) {
    if (2 * count == pairs.length) {
      pairs = Arrays.copyOf(pairs, 2 * pairs.length);
    }
    pairs[2 * count] = offset;
    pairs[2 * count + 1] = length;
    count++;
    return this;
  }

  /** Removes all ranges. */
  public void clear() {
    count = 0;
  }

  /**
   * How many ranges there are.
   *
   * @return the number
   */
  public int count() {
    return count;
  }

  long offset(int index) {
    return pairs[2 * index];
  }

  long length(int index) {
    return pairs[2 * index + 1];
  }
}
