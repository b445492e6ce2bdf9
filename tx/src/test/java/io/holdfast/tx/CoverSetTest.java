// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Ranges in all ways to meet each other, beside a set of bits. */
class CoverSetTest {
  private final CoverSet set = new CoverSet();
  private final BitSet bits = new BitSet();

  private void cover(int from, int to) {
    List<String> expected = new ArrayList<>();
    for (int at = bits.nextClearBit(from); at < to; at = bits.nextClearBit(at)) {
      int covered = bits.nextSetBit(at);
      int end = covered < 0 ? to : Math.min(covered, to);
      expected.add(at + " to " + end);
      bits.set(at, end);
    }
    List<String> reported = new ArrayList<>();
    set.cover(from, to, (start, end) -> reported.add(start + " to " + end));
    assertEquals(expected, reported, from + " to " + to);
    assertEquals(bits.isEmpty(), set.isEmpty());
  }

  private void askAround(Random random, int most) {
    for (int i = 0; i < 5; i++) {
      int from = random.nextInt(most);
      int to = from + 1 + random.nextInt(20);
      int next = bits.nextSetBit(from);
      assertEquals(next < 0 || next >= to, set.isDisjoint(from, to), from + " to " + to);
    }
  }

  @Test
  void cover_randomRanges_reportsWhatIsNew() {
    for (int round = 0; round < 300; round++) {
      Random random = new Random(round);
      int most = 50 << random.nextInt(8);
      int longest = 1 << random.nextInt(8);
      for (int i = 0; i < 400; i++) {
        int from = random.nextInt(most);
        cover(from, from + random.nextInt(longest));
        askAround(random, most);
      }
      set.clear();
      bits.clear();
      assertTrue(set.isEmpty() && set.isDisjoint(0, Long.MAX_VALUE));
    }
  }

  /** So many that they are in several leaves; then ranges that swallow some of these. */
  @Test
  void cover_manyRanges_andThenLongOnes() {
    for (int round = 0; round < 20; round++) {
      Random random = new Random(round);
      int most = 40_000;
      for (int i = 0; i < 6000; i++) {
        int from = random.nextInt(most) & ~3;
        cover(from, from + 2);
      }
      for (int i = 0; i < 60; i++) {
        int from = random.nextInt(most);
        cover(from, from + random.nextInt(3000));
        askAround(random, most);
      }
      cover(0, most + 10);
      cover(5, most);
      set.clear();
      bits.clear();
    }
  }

  /** A set that serves the next transaction knows nothing of the last one. */
  @Test
  void clear_ofRangesInSeveralLeaves_leavesNoneOfThem() {
    for (int round = 0; round < 3; round++) {
      for (int i = 0; i < 3000; i++) {
        cover(4 * i, 4 * i + 2);
      }
      set.clear();
      bits.clear();
      assertTrue(set.isEmpty() && set.isDisjoint(0, Long.MAX_VALUE));
    }
    cover(5, 9000);
    cover(0, 12_000);
  }

  @Test
  void cover_inOrder_andBackwards() {
    for (int i = 0; i < 3000; i++) {
      cover(4 * i, 4 * i + 2);
    }
    for (int i = 2999; i >= 0; i--) {
      cover(4 * i + 3, 4 * i + 4);
    }
    cover(0, 12_001);
  }
}
