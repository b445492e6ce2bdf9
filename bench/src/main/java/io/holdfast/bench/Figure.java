// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.List;

/**
 * What one contestant reached.
 *
 * @param name the contestant
 * @param median the median of its rounds
 * @param spread the range that half of its rounds are in, in percent of the median
 * @param ratios ours over this one, for each of ours; none if this is ours
 */
record Figure(String name, double median, double spread, List<Ratio> ratios) {
  /**
   * One of ours over somebody else, round by round, so that what disturbs both cancels out.
   *
   * @param ours the name of ours
   * @param median the median of the rounds' ratios
   * @param spread the range that half of them are in, in percent of the median
   */
  record Ratio(String ours, double median, double spread) {
    static Ratio of(String ours, Series series) {
      return new Ratio(ours, rounded(series.median()), rounded(series.noise()));
    }
  }

  static Figure of(String name, Series series, List<Ratio> ratios) {
    return new Figure(name, rounded(series.median()), rounded(series.noise()), ratios);
  }

  /** To four figures: more are noise, and make files longer. */
  static double rounded(double value) {
    return BigDecimal.valueOf(value).round(new MathContext(4)).doubleValue();
  }
}
