// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.PrintStream;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;

/** What a benchmark says while it runs: printed at once, and kept for the report. */
final class Journal {
  private final PrintStream out;
  private final double load = Machine.load();
  private final String commit = Machine.commit(); // now: it may be another one at the end
  private final List<String> notes = new ArrayList<>();
  private final List<Row> rows = new ArrayList<>();

  Journal(PrintStream out) {
    this.out = out;
  }

  /** What the figures need to be understood. */
  void note(String text) {
    out.println("  " + text);
    notes.add(text);
  }

  void row(Row row) {
    Table.print(out, row);
    rows.add(row);
  }

  Report report(Benchmark benchmark) {
    return new Report(
        benchmark.name(),
        benchmark.title(),
        Instant.now().truncatedTo(ChronoUnit.MINUTES).toString(),
        commit,
        Machine.describe(),
        load,
        Report.SPREAD,
        List.copyOf(notes),
        List.copyOf(rows));
  }
}
