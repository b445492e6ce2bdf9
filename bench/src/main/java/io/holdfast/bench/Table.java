// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.PrintStream;

/**
 * The table that a benchmark prints: for each line what was done, how long it took here and there,
 * the ratio, what it should be at most, and by how much it varied.
 */
final class Table {
  private final PrintStream out;

  Table(PrintStream out, String theirs) {
    this.out = out;
    line("", "holdfast", theirs, "ratio", "goal", "noise", "");
  }

  /** A line without a goal. */
  void row(String what, Series ours, Series theirs) {
    row(what, ours, theirs, "", "");
  }

  /** A line with the highest ratio that is good enough. */
  void row(String what, Series ours, Series theirs, double goal) {
    String verdict = ours.over(theirs).median() <= goal ? "met" : "missed";
    row(what, ours, theirs, "<= %.2f".formatted(goal), verdict);
  }

  private void row(String what, Series ours, Series theirs, String goal, String verdict) {
    Series ratio = ours.over(theirs);
    line(
        what,
        time(ours.median()),
        time(theirs.median()),
        "%.2f".formatted(ratio.median()),
        goal,
        percent(ratio.noise()),
        verdict);
  }

  /** A line whose contestant is missing. */
  void rowAlone(String what, Series ours) {
    line(what, time(ours.median()), "-", "-", "", percent(ours.noise()), "");
  }

  private void line(
      String what,
      String ours,
      String theirs,
      String ratio,
      String goal,
      String noise,
      String verdict) {
    String line =
        "  %-32s %12s %12s %7s %8s %6s  %s"
            .formatted(what, ours, theirs, ratio, goal, noise, verdict);
    out.println(line.stripTrailing());
  }

  static String percent(double value) {
    return "%.0f%%".formatted(value);
  }

  /** A time, to three figures. */
  static String time(double nanos) {
    if (nanos < 1e5) {
      return nanos < 100 ? "%.1f ns".formatted(nanos) : "%.0f ns".formatted(nanos);
    }
    return nanos < 1e8 ? "%.2f ms".formatted(nanos / 1e6) : "%.2f s".formatted(nanos / 1e9);
  }
}
