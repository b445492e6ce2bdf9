// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.util.List;

/** A panel for each row of a report, a bar for each contestant. */
final class BarChart {
  private static final double WIDTH = 872;
  private static final double LABELS = 208;
  private static final double PANEL = 240;
  private static final double GAP = 84;
  private static final double HEAD = 92;
  private static final double PANEL_HEAD = 34;
  private static final double PANEL_FOOT = 44;
  private static final double STEP = 22;
  private static final double BAR = 15;
  private static final double FOOT = 52;
  private static final int PANELS_ACROSS = 2;
  private static final double WIDE = 20;

  private final Report report;
  private final List<String> names;
  private final Svg svg;

  private BarChart(Report report, String title) {
    this.report = report;
    this.names =
        report.rows().stream()
            .flatMap(row -> row.figures().stream())
            .map(Figure::name)
            .distinct()
            .toList();
    this.svg = new Svg(WIDTH, HEAD + lines() * panelHeight() + FOOT, title);
  }

  private int lines() {
    return (report.rows().size() + PANELS_ACROSS - 1) / PANELS_ACROSS;
  }

  private double panelHeight() {
    return PANEL_HEAD + names.size() * STEP + PANEL_FOOT;
  }

  /**
   * Draws.
   *
   * @param title what is measured
   * @param subtitles how to read it
   */
  static String draw(Report report, String title, List<String> subtitles) {
    BarChart chart = new BarChart(report, title);
    Pictures.heading(chart.svg, title, subtitles);
    for (int i = 0; i < report.rows().size(); i++) {
      int line = i / PANELS_ACROSS;
      double top = HEAD + line * chart.panelHeight();
      if (i == line * PANELS_ACROSS) {
        chart.names(top + PANEL_HEAD);
      }
      chart.panel(report.rows().get(i), LABELS + (i - line * PANELS_ACROSS) * (PANEL + GAP), top);
    }
    double bottom = HEAD + chart.lines() * chart.panelHeight() + FOOT;
    Pictures.footer(chart.svg, 24, bottom - 34, report);
    return chart.svg.document();
  }

  private void names(double top) {
    for (int i = 0; i < names.size(); i++) {
      svg.text(LABELS - 10, top + i * STEP + BAR - 3, "label", Svg.Anchor.END, names.get(i));
    }
  }

  private void panel(Row row, double left, double top) {
    svg.text(left, top + 20, "head", Svg.Anchor.START, row.what());
    Scale scale = scale(row, left);
    double first = top + PANEL_HEAD;
    double bottom = first + names.size() * STEP;
    for (double tick : scale.ticks()) {
      double x = scale.at(tick);
      svg.line(x, first - 4, x, bottom, "grid");
      svg.text(x, bottom + 14, "soft", Svg.Anchor.MIDDLE, Pictures.brief(row.unit(), tick));
    }
    String how = scale.kind() == Scale.Kind.LINEAR ? "" : ", logarithmic";
    svg.text(
        left + PANEL / 2, bottom + 30, "soft", Svg.Anchor.MIDDLE, Pictures.axis(row.unit()) + how);
    for (int i = 0; i < names.size(); i++) {
      bar(row, scale, names.get(i), first + i * STEP);
    }
  }

  private Scale scale(Row row, double left) {
    return isWide()
        ? Scale.logarithmic(least(row) / 2, most(row), left, left + PANEL)
        : new Scale(Scale.Kind.LINEAR, 0, most(row), left, left + PANEL);
  }

  /** Whether the shortest bars could not be told apart on linear axes: then none is linear. */
  private boolean isWide() {
    return report.rows().stream().anyMatch(row -> most(row) / least(row) > WIDE);
  }

  private static double least(Row row) {
    return row.figures().stream().mapToDouble(Figure::median).min().orElseThrow();
  }

  private static double most(Row row) {
    return row.figures().stream().mapToDouble(Figure::median).max().orElseThrow();
  }

  private void bar(Row row, Scale scale, String name, double y) {
    Figure figure = row.figure(name);
    if (figure == null) {
      svg.text(scale.begin() + 6, y + BAR - 3, "soft", Svg.Anchor.START, "not measured");
      return;
    }
    double end = scale.at(figure.median());
    svg.bar(scale.begin(), y, end - scale.begin(), BAR, figure.ratios().isEmpty() ? "f0" : "f6");
    String value = Pictures.label(row.unit(), figure.median());
    svg.text(end + 6, y + BAR - 3, "label", Svg.Anchor.START, value);
  }
}
