// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import java.util.Arrays;

/**
 * The frees of a transaction that has many, gathered by bitmap word. A transaction that drops all
 * that is in a full pool must find room in its ring, since no other room may be left: a word of
 * blocks takes four words of log and not three for each block.
 */
final class Frees {
  /** So few are logged one by one, which is shorter if they are far from each other. */
  static final int FEW = 8;

  /** By bitmap word, the bits to clear; and in the same order, the first block and its bytes. */
  private final WriteSet words = new WriteSet();

  private long[] blocks = new long[2 * FEW];

  /** Adds a free, given as its entry would be; false if it must be logged by itself. */
  boolean add(long entry, long block, long bytes) {
    int bit = LogLayout.entryDetail(entry);
    long word = LogLayout.entryOffset(entry);
    long first = block - bit * bytes;
    int index = words.find(word);
    if (index < 0) {
      index = words.count();
      words.put(word, 1L << bit);
      if (2 * index == blocks.length) {
        blocks = Arrays.copyOf(blocks, 2 * blocks.length);
      }
      blocks[2 * index] = first;
      blocks[2 * index + 1] = bytes;
      return true;
    }
    if (blocks[2 * index] != first || blocks[2 * index + 1] != bytes) {
      return false;
    }
    words.put(word, words.value(index) | 1L << bit);
    return true;
  }

  /** Stages what was added, and forgets it. */
  void stage(LaneTransaction logged) {
    for (int i = 0; i < words.count(); i++) {
      long bits = words.value(i);
      long first = blocks[2 * i];
      long bytes = blocks[2 * i + 1];
      if (Long.bitCount(bits) == 1) {
        int bit = Long.numberOfTrailingZeros(bits);
        long entry = LogLayout.entry(LogLayout.FREE, bit, words.offset(i));
        logged.staging().entry(entry, first + bit * bytes, bytes);
      } else {
        long entry = LogLayout.entry(LogLayout.FREE_MANY, 0, words.offset(i));
        logged.staging().entry(entry, bits, first, bytes);
      }
      logged.spill();
    }
    clear();
  }

  void clear() {
    words.clear();
  }
}
