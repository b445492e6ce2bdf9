// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.PrintStream;
import java.util.List;

/** Prints what was measured: a line for each contestant, with a column for each of ours. */
final class Table {
  private Table() {}

  static void print(PrintStream out, Row row) {
    List<String> ours = ours(row);
    StringBuilder head =
        new StringBuilder("  %-36s %10s %6s".formatted(row.what(), "median", "spread"));
    for (String name : ours) {
      head.append("  %18s".formatted(shortName(name) + " / it"));
    }
    out.println(head);
    for (Figure figure : row.figures()) {
      out.println(line(row.unit(), figure));
    }
    for (Goal goal : row.goals()) {
      out.println("    goal: " + goal.line());
    }
  }

  private static List<String> ours(Row row) {
    return row.figures().stream()
        .flatMap(figure -> figure.ratios().stream())
        .map(Figure.Ratio::ours)
        .distinct()
        .toList();
  }

  private static String line(Unit unit, Figure figure) {
    StringBuilder line =
        new StringBuilder(
            "    %-34s %10s %6s"
                .formatted(figure.name(), unit.format(figure.median()), percent(figure.spread())));
    for (Figure.Ratio ratio : figure.ratios()) {
      line.append("  %11.2f %6s".formatted(ratio.median(), percent(ratio.spread())));
    }
    return line.toString();
  }

  /** All of ours begin alike. */
  private static String shortName(String ours) {
    return ours.replace("holdfast, ", "");
  }

  static String percent(double value) {
    return "%.0f%%".formatted(value);
  }
}
