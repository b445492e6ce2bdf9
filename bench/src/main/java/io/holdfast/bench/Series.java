// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.util.Arrays;

/**
 * What was measured, one value for each round.
 *
 * @param values the values, in the order of the rounds
 */
record Series(double... values) {
  double median() {
    return quantile(0.5);
  }

  /** The range that half of the values are in, in percent of the median. */
  double noise() {
    return 100 * (quantile(0.75) - quantile(0.25)) / median();
  }

  /** This divided by another one, round by round: what disturbs both in a round cancels out. */
  Series over(Series other) {
    double[] ratios = new double[values.length];
    Arrays.setAll(ratios, i -> values[i] / other.values[i]);
    return new Series(ratios);
  }

  /** So many over each of these. */
  Series inverse(double dividend) {
    double[] inverse = new double[values.length];
    Arrays.setAll(inverse, i -> dividend / values[i]);
    return new Series(inverse);
  }

  /** Interpolated between the two values that are next to it. */
  private double quantile(double part) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double at = part * (sorted.length - 1);
    int below = (int) at;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }
}
