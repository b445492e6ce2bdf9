// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import java.util.Map;
import java.util.TreeMap;

/**
 * A set of bytes, as disjoint ranges, that tells of every range that is added which parts of it are
 * new. A transaction uses it to log nothing twice; recovery, which goes from the newest entry to
 * the oldest, to let the newest one decide.
 */
final class CoverSet {
  private final TreeMap<Long, Long> ranges = new TreeMap<>();

  /** Is told of the parts of an added range that were not covered yet. */
  interface Uncovered {
    void range(long from, long to);
  }

  boolean isEmpty() {
    return ranges.isEmpty();
  }

  void clear() {
    ranges.clear();
  }

  /** Whether no byte of a range is covered. */
  boolean isDisjoint(long from, long to) {
    Map.Entry<Long, Long> before = ranges.lowerEntry(to);
    return before == null || before.getValue() <= from;
  }

  /** Adds a range; its parts that are new are reported in order. */
  void cover(long from, long to, Uncovered uncovered) {
    if (from >= to) {
      return;
    }
    long start = from;
    long end = to;
    long at = from;
    Map.Entry<Long, Long> before = ranges.floorEntry(from);
    if (before != null && before.getValue() >= from) {
      start = before.getKey();
      end = Math.max(end, before.getValue());
      at = Math.max(at, before.getValue());
      ranges.remove(start);
    }
    Map.Entry<Long, Long> next = ranges.ceilingEntry(from);
    while (next != null && next.getKey() <= to) {
      if (at < next.getKey()) {
        uncovered.range(at, next.getKey());
      }
      at = Math.max(at, next.getValue());
      end = Math.max(end, next.getValue());
      ranges.remove(next.getKey());
      next = ranges.ceilingEntry(from);
    }
    if (at < to) {
      uncovered.range(at, to);
    }
    ranges.put(start, end);
  }
}
