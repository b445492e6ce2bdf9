// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The pictures that documents show, drawn from reports. */
final class Pictures {
  private static final List<LineChart.Line> TRANSACTIONS =
      List.of(
          new LineChart.Line(TransactionBenchmark.ONE_FENCE, "5", "dashed"),
          new LineChart.Line(TransactionBenchmark.THREE_FENCES, "5", "dashed"),
          new LineChart.Line(TransactionBenchmark.PMEMOBJ, "3", ""),
          new LineChart.Line(TransactionBenchmark.LLPL, "4", ""),
          new LineChart.Line(TransactionBenchmark.ONE_BY_ONE, "2", ""),
          new LineChart.Line(TransactionBenchmark.SNAPSHOTS, "1", "ours"),
          new LineChart.Line(TransactionBenchmark.HELD_BACK, "0", "ours"));

  private static final List<LineChart.Line> LATENCIES =
      List.of(
          new LineChart.Line(LatencyBenchmark.PMEMOBJ, "3", ""),
          new LineChart.Line(LatencyBenchmark.PMEMOBJ_REPLACE, "3", "dashed"),
          new LineChart.Line(LatencyBenchmark.PUT, "2", ""),
          new LineChart.Line(LatencyBenchmark.REPLACE, "4", ""),
          new LineChart.Line(LatencyBenchmark.SNAPSHOT, "1", "ours"),
          new LineChart.Line(LatencyBenchmark.HELD_BACK, "0", "ours"));

  private static final List<LineChart.Line> AMONG_LIVE_BLOCKS =
      List.of(
          new LineChart.Line(ScaleBenchmark.PMEMOBJ, "3", ""),
          new LineChart.Line(ScaleBenchmark.REPLACE, "0", "ours"));

  private Pictures() {}

  /** Draws what there is to draw from the reports in a folder; returns the files. */
  static List<Path> draw(Path results, Path folder) throws IOException {
    List<Path> files = new ArrayList<>();
    for (Report report : Results.readAll(results)) {
      String picture = draw(report);
      if (picture != null) {
        Files.createDirectories(folder);
        Path file = folder.resolve(report.benchmark() + ".svg");
        files.add(Files.writeString(file, picture));
      }
    }
    return files;
  }

  /** A report's picture; null if it has none. */
  static String draw(Report report) {
    return switch (report.benchmark()) {
      case "tx" ->
          LineChart.draw(
              report,
              "A durable transaction of k writes",
              List.of(
                  "time of one, median; both axes logarithmic; lower is better",
                  "fences: libpmemobj and LLPL 2k + 3; holdfast 1 held back, 3 with snapshots in one"
                      + " call, k + 2 one by one"),
              "k: writes of 8 bytes, each to another cache line",
              report.rows().stream().filter(row -> row.what().equals("k = " + row.size())).toList(),
              TRANSACTIONS);
      case "latency" ->
          LineChart.draw(
              report,
              "Durable transactions: how long the slowest take",
              List.of(
                  "both axes logarithmic; lower is better; at 2 the median, at the right the longest"
                      + " of all",
                  "libpmemobj beside them does the same; each time has one reading of the clock in"
                      + " it"),
              "one in so many takes at least so long",
              report.rows().stream().filter(row -> row.unit() == Unit.NANOS).toList(),
              LATENCIES);
      case "scale" ->
          LineChart.draw(
              report,
              "A transaction that frees one of many live blocks, and allocates another",
              List.of(
                  "time of one, median; both axes logarithmic; lower is better",
                  "64 bytes each; with more blocks than a cache holds, both sides wait for memory"),
              "live blocks",
              report.rows().stream()
                  .filter(row -> row.what().endsWith(ScaleBenchmark.LIVE))
                  .toList(),
              AMONG_LIVE_BLOCKS);
      case "map" ->
          BarChart.draw(
              report,
              "Maps of 200,000 entries, 16 bytes to 100: time of a put and of a get",
              List.of(
                  "median; 2 threads: time on the wall for each operation of either; shorter is"
                      + " better",
                  "a kill loses all of ConcurrentHashMap, a second of auto-commit, and can leave"
                      + " Chronicle Map locked or torn; the others lose nothing"));
      case "kv" ->
          BarChart.draw(
              report,
              "Key-value servers: requests per second, 50 connections",
              List.of(
                  "median; 16-byte keys, 100-byte values; redis-benchmark on the same machine; longer"
                      + " is better",
                  "a kill loses all of Redis without AOF, and a second with everysec"));
      default -> null;
    };
  }

  /** A number beside what it belongs to. */
  static String label(Unit unit, double value) {
    return unit.format(value).replace(" us", " µs");
  }

  /** A number on an axis. */
  static String brief(Unit unit, double value) {
    if (value == 0) {
      return "0";
    }
    if (unit == Unit.PER_SECOND) {
      return value < 1e6
          ? "%.0f k".formatted(value / 1e3)
          : "%s M".formatted(Svg.number(value / 1e6));
    }
    if (value < 1e3) {
      return Svg.number(value) + " ns";
    }
    return value < 1e6 ? Svg.number(value / 1e3) + " µs" : Svg.number(value / 1e6) + " ms";
  }

  static String axis(Unit unit) {
    return unit == Unit.NANOS ? "time for each" : "requests per second";
  }

  static void heading(Svg svg, String title, List<String> subtitles) {
    svg.text(24, 34, "title", Svg.Anchor.START, title);
    for (int i = 0; i < subtitles.size(); i++) {
      svg.text(24, 57 + 17 * i, "soft", Svg.Anchor.START, subtitles.get(i));
    }
  }

  /** Where figures come from belongs to them. */
  static void footer(Svg svg, double x, double y, Report report) {
    svg.text(x, y, "soft", Svg.Anchor.START, report.machine());
    String when =
        "%s, commit %s; all figures: bench/results/%s.json"
            .formatted(report.date().substring(0, 10), report.commit(), report.benchmark());
    svg.text(x, y + 16, "soft", Svg.Anchor.START, when);
  }
}
