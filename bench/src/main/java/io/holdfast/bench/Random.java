// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

/** Random numbers at the cost of three shifts, so that they do not count (Marsaglia's xorshift). */
final class Random {
  private long state;

  Random(long seed) {
    state = seed * 0x9E3779B97F4A7C15L | 1;
  }

  int below(int bound) {
    state ^= state << 13;
    state ^= state >>> 7;
    state ^= state << 17;
    return (int) (((state >>> 32) * bound) >>> 32);
  }
}
