// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.util.concurrent.TimeUnit;

/**
 * How long to measure.
 *
 * @param warmupNanos each contestant runs for so long before anything counts
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
          TimeUnit.MILLISECONDS.toNanos(1500),
          TimeUnit.MILLISECONDS.toNanos(10),
          41,
          200_000,
          new long[] {100L << 20, 4L << 30},
          7);

  static final Effort QUICK =
      new Effort(
          TimeUnit.MILLISECONDS.toNanos(300),
          TimeUnit.MILLISECONDS.toNanos(4),
          15,
          100_000,
          new long[] {100L << 20},
          3);
}
