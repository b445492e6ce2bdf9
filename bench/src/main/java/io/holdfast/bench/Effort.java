// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.util.concurrent.TimeUnit;

/**
 * How long to measure. Turns are shorter than what a scheduler gives a process at a time, so that
 * on a busy machine most of them are not interrupted, and the median is of those.
 *
 * @param warmupNanos each contestant runs three times for so long before anything counts
 * @param roundNanos how long one contestant's turn is
 * @param rounds how many turns each has
 * @param words how many words transactions write
 * @param mapEntries how many entries a map has
 * @param poolBytes how large the pools are that are opened
 * @param opens how often each is opened
 * @param requests how many requests a server gets in a turn
 * @param samples how many operations are timed one by one
 * @param sparseBytes how large pools are of which little is used
 * @param liveBlocks how many blocks there are beside those that come and go
 */
record Effort(
    long warmupNanos,
    long roundNanos,
    int rounds,
    int[] words,
    int mapEntries,
    long[] poolBytes,
    int opens,
    int requests,
    int samples,
    long[] sparseBytes,
    int[] liveBlocks) {
  private static final int LONGER = 7;
  private static final int FEWER = 3;

  static final Effort FULL =
      new Effort(
          TimeUnit.MILLISECONDS.toNanos(800),
          TimeUnit.MICROSECONDS.toNanos(700),
          251,
          new int[] {1, 2, 4, 10, 20, 32},
          200_000,
          new long[] {100L << 20, 4L << 30},
          7,
          200_000,
          10_000_000,
          new long[] {100L << 20, 1L << 30, 4L << 30, 16L << 30},
          new int[] {1_000, 10_000, 100_000, 1_000_000, 10_000_000});

  static final Effort QUICK =
      new Effort(
          TimeUnit.MILLISECONDS.toNanos(150),
          TimeUnit.MICROSECONDS.toNanos(400),
          51,
          new int[] {1, 10, 32},
          100_000,
          new long[] {100L << 20},
          3,
          20_000,
          500_000,
          new long[] {100L << 20, 4L << 30},
          new int[] {1_000, 100_000});

  /** {@link #FULL}, but among up to a hundred million blocks, which take minutes, and 7 GB. */
  static final Effort LARGE = FULL.among(1_000, 100_000, 10_000_000, 100_000_000);

  private Effort among(int... live) {
    return new Effort(
        warmupNanos,
        roundNanos,
        rounds,
        words,
        mapEntries,
        poolBytes,
        opens,
        requests,
        samples,
        sparseBytes,
        live);
  }

  /**
   * Fewer turns, and longer: for contestants who find the caches full of the others' data whenever
   * it is their turn, and whose JVMs have nothing compiled yet.
   */
  Effort withLongTurns() {
    return new Effort(
        2 * warmupNanos,
        LONGER * roundNanos,
        Math.max(3, rounds / FEWER),
        words,
        mapEntries,
        poolBytes,
        opens,
        requests,
        samples,
        sparseBytes,
        liveBlocks);
  }
}
