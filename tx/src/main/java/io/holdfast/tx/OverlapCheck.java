// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import java.util.Map;
import java.util.TreeMap;

/**
 * Asserts what replay rests on: of two commits that store to one word, or allocate or free one
 * block, or one of which stores in a block that the other one allocates or frees, the later one has
 * the higher order number. It remembers who came last to a word or block, for as many as there is
 * room for, so that it may fail to see an error, but never sees one where there is none. What a
 * commit has stored in place before, in new blocks or under snapshots, it is not told of.
 *
 * <p>Only where assertions are enabled. Thread-safe.
 */
final class OverlapCheck {
  private static final int PLACES = 1 << 12;

  /** Of a long range, the first words stand for all. */
  private static final int MOST_WORDS = 64;

  private static final int MOST_BLOCKS = 1 << 14;

  private static final int LANE_BITS = 10;
  private static final long BIT_KEYS = Long.MIN_VALUE;

  // By place: {key, order number and lane}. Made when it is first needed.
  private long[] known = new long[0];

  /** By its start, who allocated or freed a block last. */
  private final TreeMap<Long, Block> blocks = new TreeMap<>();

  private record Block(long end, long number, int lane) {}

  /** A word is stored to by a commit. */
  synchronized void word(long offset, long number, int lane) {
    refuseBeforeBlock(offset, number, lane);
    note(offset >>> 3, number, lane);
  }

  /** A range of whole words is stored to. */
  synchronized void range(long offset, long bytes, long number, int lane) {
    if (bytes == 0) {
      return;
    }
    refuseBeforeBlock(offset, number, lane);
    long end = offset + Math.min(bytes, 8 * MOST_WORDS) >>> 3;
    for (long word = offset >>> 3; word < end; word++) {
      note(word, number, lane);
    }
  }

  /** A block is allocated or freed by the bit of a word. */
  synchronized void block(long word, int bit, long block, long bytes, long number, int lane) {
    note(BIT_KEYS | word << 3 | bit, number, lane);
    range(block, bytes, number, lane);
    blocks.subMap(block, block + bytes).clear();
    if (blocks.size() == MOST_BLOCKS) {
      blocks.clear();
    }
    blocks.put(block, new Block(block + bytes, number, lane));
  }

  private void refuseBeforeBlock(long offset, long number, int lane) {
    Map.Entry<Long, Block> before = blocks.isEmpty() ? null : blocks.floorEntry(offset);
    if (before != null && offset < before.getValue().end) {
      Block block = before.getValue();
      refuse(number, lane, block.number, block.lane, "block", before.getKey());
    }
  }

  private void note(long key, long number, int lane) {
    if (known.length == 0) {
      known = new long[2 * PLACES];
    }
    long hash = (key + 1) * 0x9E3779B97F4A7C15L;
    int place = 2 * (int) (hash >>> 40 & PLACES - 1);
    long last = known[place + 1];
    if (known[place] == key) {
      refuse(
          number,
          lane,
          last >>> LANE_BITS,
          (int) last & (1 << LANE_BITS) - 1,
          key < 0 ? "bit" : "word",
          key & Long.MAX_VALUE);
    }
    known[place] = key;
    known[place + 1] = number << LANE_BITS | lane;
  }

  private static void refuse(
      long number, int lane, long before, int laneBefore, String what, long which) {
    if (lane == laneBefore ? before > number : before >= number) {
      throw new AssertionError(
          "order number %d of lane %d where %d of lane %d was before: %s %d"
              .formatted(number, lane, before, laneBefore, what, which));
    }
  }
}
