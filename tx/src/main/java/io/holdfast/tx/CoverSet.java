// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import java.util.Arrays;

/**
 * A set of bytes, as disjoint ranges in order, that tells of every range that is added which parts
 * of it are new. A transaction uses it to log nothing twice; recovery, which goes from the newest
 * entry to the oldest, to let the newest one decide.
 *
 * <p>Ranges are in leaves of an array each, so that to add one moves the rest of a leaf and not
 * more; leaves are in an array by themselves. Ranges that touch are one.
 */
final class CoverSet {
  private static final int LEAF_RANGES = 256;
  private static final int FIRST_RANGES = 8;

  /** Of each leaf {from, to} pairs; none is empty, but for the first of an empty set. */
  private long[][] leaves = {new long[2 * FIRST_RANGES]};

  private int[] counts = new int[1];
  private int leafCount = 1;

  /** Is told of the parts of an added range that were not covered yet. */
  interface Uncovered {
    void range(long from, long to);
  }

  boolean isEmpty() {
    return counts[0] == 0;
  }

  void clear() {
    counts[0] = 0;
    if (leafCount > 1) {
      Arrays.fill(leaves, 1, leafCount, null);
      leafCount = 1;
      shrink();
    }
  }

  private void shrink() {
    try {
      long[][] one = {leaves[0]};
      counts = new int[1];
      leaves = one;
    } catch (OutOfMemoryError _) {
      // It is empty, and stays as large as it is.
    }
  }

  /** Whether no byte of a range is covered. */
  boolean isDisjoint(long from, long to) {
    int leaf = leafOf(from);
    int at = after(leaf, from);
    if (at == counts[leaf]) {
      if (leaf + 1 == leafCount) {
        return true;
      }
      leaf++;
      at = 0;
    }
    return leaves[leaf][2 * at] >= to;
  }

  /** Adds a range; its parts that are new are reported in order. */
  void cover(long from, long to, Uncovered uncovered) {
    if (from >= to) {
      return;
    }
    int leaf = leafOf(from);
    int index = touching(leaf, from);
    if (index == counts[leaf] && leaf + 1 < leafCount && leaves[leaf + 1][0] <= to) {
      leaf++;
      index = 0;
    }
    if (index == counts[leaf] || leaves[leaf][2 * index] > to) {
      uncovered.range(from, to);
      insert(leaf, index, from, to);
      return;
    }
    long at = from;
    long start = Math.min(from, leaves[leaf][2 * index]);
    long end = to;
    while (index < counts[leaf] && leaves[leaf][2 * index] <= to) {
      if (at < leaves[leaf][2 * index]) {
        uncovered.range(at, leaves[leaf][2 * index]);
      }
      at = Math.max(at, leaves[leaf][2 * index + 1]);
      end = Math.max(end, at);
      remove(leaf, index);
      if (index == counts[leaf] && leaf + 1 < leafCount) {
        if (counts[leaf] == 0) {
          removeLeaf(leaf);
        } else {
          leaf++;
        }
        index = 0;
      }
    }
    if (at < to) {
      uncovered.range(at, to);
    }
    insert(leaf, index, start, end);
  }

  /** The last leaf that begins at or before an offset, or the first one. */
  private int leafOf(long offset) {
    int low = 0;
    int high = leafCount - 1;
    while (low < high) {
      int middle = (low + high + 1) >>> 1;
      if (leaves[middle][0] <= offset) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    return low;
  }

  /** The first range of a leaf that ends after an offset; their number if there is none. */
  private int after(int leaf, long offset) {
    long[] ranges = leaves[leaf];
    int low = 0;
    int high = counts[leaf];
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (ranges[2 * middle + 1] > offset) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }

  /** The first range of a leaf that ends at an offset or after it. */
  private int touching(int leaf, long offset) {
    return after(leaf, offset - 1);
  }

  private void insert(int leaf, int index, long from, long to) {
    if (2 * counts[leaf] == leaves[leaf].length && counts[leaf] < LEAF_RANGES) {
      leaves[leaf] = Arrays.copyOf(leaves[leaf], 2 * leaves[leaf].length);
    }
    if (counts[leaf] == LEAF_RANGES) {
      split(leaf);
      if (index > counts[leaf]) {
        insert(leaf + 1, index - counts[leaf], from, to);
        return;
      }
    }
    long[] ranges = leaves[leaf];
    System.arraycopy(ranges, 2 * index, ranges, 2 * index + 2, 2 * (counts[leaf] - index));
    ranges[2 * index] = from;
    ranges[2 * index + 1] = to;
    counts[leaf]++;
  }

  private void remove(int leaf, int index) {
    long[] ranges = leaves[leaf];
    counts[leaf]--;
    System.arraycopy(ranges, 2 * index + 2, ranges, 2 * index, 2 * (counts[leaf] - index));
  }

  /** Moves the second half of a full leaf to a new one. */
  private void split(int leaf) {
    long[] second = new long[2 * LEAF_RANGES];
    if (leafCount == leaves.length) {
      long[][] moreLeaves = Arrays.copyOf(leaves, 2 * leafCount);
      counts = Arrays.copyOf(counts, 2 * leafCount);
      leaves = moreLeaves;
    }
    System.arraycopy(leaves, leaf + 1, leaves, leaf + 2, leafCount - leaf - 1);
    System.arraycopy(counts, leaf + 1, counts, leaf + 2, leafCount - leaf - 1);
    leafCount++;
    int half = LEAF_RANGES / 2;
    leaves[leaf + 1] = second;
    System.arraycopy(leaves[leaf], 2 * half, leaves[leaf + 1], 0, 2 * (LEAF_RANGES - half));
    counts[leaf + 1] = LEAF_RANGES - half;
    counts[leaf] = half;
  }

  private void removeLeaf(int leaf) {
    leafCount--;
    System.arraycopy(leaves, leaf + 1, leaves, leaf, leafCount - leaf);
    System.arraycopy(counts, leaf + 1, counts, leaf, leafCount - leaf);
    leaves[leafCount] = null;
  }
}
