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
 * @param mapEntries how many entries a map has
 * @param poolBytes how large the pools are that are opened
 * @param opens how often each is opened
 */
record Effort(
    long warmupNanos, long roundNanos, int rounds, int mapEntries, long[] poolBytes, int opens) {
  static final Effort FULL =
      new Effort(
          TimeUnit.MILLISECONDS.toNanos(800),
          TimeUnit.MICROSECONDS.toNanos(700),
          251,
          200_000,
          new long[] {100L << 20, 4L << 30},
          7);

  static final Effort QUICK =
      new Effort(
          TimeUnit.MILLISECONDS.toNanos(150),
          TimeUnit.MICROSECONDS.toNanos(400),
          51,
          100_000,
          new long[] {100L << 20},
          3);
}
