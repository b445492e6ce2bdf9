// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * Where a value is on an axis.
 *
 * @param kind how values are spread
 * @param least the value at the axis's beginning
 * @param most the value at its end
 * @param begin the beginning, in pixels
 * @param end the end, in pixels
 */
record Scale(Kind kind, double least, double most, double begin, double end) {
  /** How values are spread. */
  enum Kind {
    LINEAR,
    LOGARITHMIC
  }

  private static final int[] STEPS = {1, 2, 5};
  private static final int MOST_TICKS = 5;

  /** From a round number to a round number. */
  static Scale logarithmic(double least, double most, double begin, double end) {
    return new Scale(Kind.LOGARITHMIC, below(least), above(most), begin, end);
  }

  double at(double value) {
    double part =
        kind == Kind.LINEAR
            ? (value - least) / (most - least)
            : Math.log(value / least) / Math.log(most / least);
    return begin + part * (end - begin);
  }

  /** Round numbers, not too many. */
  List<Double> ticks() {
    return kind == Kind.LINEAR ? linearTicks() : logarithmicTicks();
  }

  private List<Double> linearTicks() {
    double step = above(most / MOST_TICKS);
    List<Double> ticks = new ArrayList<>();
    for (int i = 0; i * step <= most; i++) {
      ticks.add(i * step);
    }
    return ticks;
  }

  /** All of 1, 2, 5 if there is room, else powers of ten. */
  private List<Double> logarithmicTicks() {
    List<Double> ticks = new ArrayList<>();
    for (double tick = least; tick <= most * (1 + 1e-9); tick = above(tick * 1.01)) {
      ticks.add(tick);
    }
    if (Math.abs(end - begin) / ticks.size() < 45 && begin < end) {
      ticks.removeIf(tick -> Math.abs(Math.log10(tick) - Math.rint(Math.log10(tick))) > 1e-9);
    }
    return ticks;
  }

  /** The next number of 1, 2, 5, 10, 20 ... that is not less. */
  private static double above(double value) {
    double power = Math.pow(10, Math.floor(Math.log10(value)));
    for (int step : STEPS) {
      if (step * power >= value * (1 - 1e-9)) {
        return step * power;
      }
    }
    return 10 * power;
  }

  private static double below(double value) {
    return 1 / above(1 / value);
  }
}
