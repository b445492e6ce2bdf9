// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The frees of a transaction that has many, gathered by bitmap word. A transaction that drops all
 * that is in a full pool must find room in its ring, since no other room may be left: a word of
 * blocks takes four words of log and not three for each block.
 */
final class Frees {
  /** So few are logged one by one, which is shorter if they are far from each other. */
  static final int FEW = 8;

  private final Map<Long, long[]> words = new LinkedHashMap<>();

  /** Adds a free, given as its entry would be; false if it must be logged by itself. */
  boolean add(long entry, long block, long bytes) {
    int bit = LogLayout.entryDetail(entry);
    long first = block - bit * bytes;
    long[] word =
        words.computeIfAbsent(LogLayout.entryOffset(entry), _ -> new long[] {0, first, bytes});
    if (word[1] != first || word[2] != bytes) {
      return false;
    }
    word[0] |= 1L << bit;
    return true;
  }

  void stage(LaneTransaction logged) {
    words.forEach((word, free) -> {
      int bit = Long.numberOfTrailingZeros(free[0]);
      if (Long.bitCount(free[0]) == 1) {
        long entry = LogLayout.entry(LogLayout.FREE, bit, word);
        logged.staging().entry(entry, free[1] + bit * free[2], free[2]);
      } else {
        long entry = LogLayout.entry(LogLayout.FREE_MANY, 0, word);
        logged.staging().entry(entry, free[0], free[1], free[2]);
      }
      logged.spill();
    });
  }
}
