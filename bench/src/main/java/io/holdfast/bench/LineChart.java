// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** Figures against the size of what was done, both on logarithmic axes: a line per contestant. */
final class LineChart {
  private static final double WIDTH = 860;
  private static final double HEIGHT = 536;
  private static final double LEFT = 72;
  private static final double RIGHT = 670;
  private static final double TOP = 104;
  private static final double BOTTOM = 436;
  private static final double LABEL_GAP = 16;

  /** A contestant, and how its line looks. */
  record Line(String name, String colour, String shape) {}

  private record Point(int size, double value) {}

  private record Label(Line line, double x, double y) {}

  private final Report report;
  private final List<Row> rows;
  private final Scale across;
  private final Scale up;
  private final Svg svg;

  private LineChart(Report report, String title, List<Row> rows) {
    this.report = report;
    this.rows = rows;
    double[] values =
        rows.stream().flatMap(row -> row.figures().stream()).mapToDouble(Figure::median).toArray();
    double least = Arrays.stream(values).min().orElseThrow();
    double most = Arrays.stream(values).max().orElseThrow();
    this.across =
        new Scale(
            Scale.Kind.LOGARITHMIC, rows.getFirst().size(), rows.getLast().size(), LEFT, RIGHT);
    this.up = Scale.logarithmic(least, most, BOTTOM, TOP);
    this.svg = new Svg(WIDTH, HEIGHT, title);
  }

  /**
   * Draws.
   *
   * @param title what is measured
   * @param subtitles how to read it
   * @param axis what the size is
   * @param rows one for each size, in their order
   * @param lines in the order in which they are drawn
   */
  static String draw(
      Report report,
      String title,
      List<String> subtitles,
      String axis,
      List<Row> rows,
      List<Line> lines) {
    LineChart chart = new LineChart(report, title, rows);
    chart.frame(title, subtitles, axis);
    List<Label> labels = new ArrayList<>();
    for (Line line : lines) {
      chart.line(line, labels);
    }
    chart.labels(labels);
    return chart.svg.document();
  }

  private void frame(String title, List<String> subtitles, String axis) {
    Pictures.heading(svg, title, subtitles);
    for (double tick : up.ticks()) {
      double y = up.at(tick);
      svg.line(LEFT, y, RIGHT, y, "grid");
      svg.text(LEFT - 8, y + 4, "label", Svg.Anchor.END, Pictures.brief(Unit.NANOS, tick));
    }
    for (Row row : rows) {
      double x = across.at(row.size());
      svg.line(x, TOP, x, BOTTOM, "grid");
      svg.text(x, BOTTOM + 20, "label", Svg.Anchor.MIDDLE, "" + row.size());
    }
    svg.text((LEFT + RIGHT) / 2, BOTTOM + 42, "label", Svg.Anchor.MIDDLE, axis);
    Pictures.footer(svg, 24, HEIGHT - 34, report);
  }

  private void line(Line line, List<Label> labels) {
    List<Point> points = new ArrayList<>();
    for (Row row : rows) {
      Figure figure = row.figure(line.name);
      if (figure != null) {
        points.add(new Point(row.size(), figure.median()));
      }
    }
    if (points.isEmpty()) {
      return;
    }
    StringBuilder path = new StringBuilder();
    for (Point point : points) {
      path.append(x(point)).append(',').append(y(point)).append(' ');
    }
    svg.path(path.toString().strip(), "line c" + line.colour + " " + line.shape);
    for (Point point : points) {
      svg.dot(across.at(point.size), up.at(point.value), "f" + line.colour);
    }
    Point last = points.getLast();
    labels.add(new Label(line, across.at(last.size) + 12, up.at(last.value) + 4));
  }

  private String x(Point point) {
    return Svg.number(across.at(point.size));
  }

  private String y(Point point) {
    return Svg.number(up.at(point.value));
  }

  /** Beside the lines' ends, moved apart where they would cover each other. */
  private void labels(List<Label> labels) {
    List<Label> sorted = new ArrayList<>(labels);
    sorted.sort(Comparator.comparingDouble(Label::y));
    double[] places = apart(sorted.stream().mapToDouble(Label::y).toArray());
    for (int i = 0; i < sorted.size(); i++) {
      Label label = sorted.get(i);
      svg.text(
          label.x, places[i], "label f" + label.line.colour, Svg.Anchor.START, label.line.name);
    }
  }

  /** Heights in ascending order, moved as little as leaves a gap between each two. */
  static double[] apart(double[] wanted) {
    double[] places = wanted.clone();
    for (int pass = 0; pass < 200; pass++) {
      for (int i = 1; i < places.length; i++) {
        double lacking = LABEL_GAP - (places[i] - places[i - 1]);
        if (lacking > 0) {
          places[i - 1] -= lacking / 2;
          places[i] += lacking / 2;
        }
      }
    }
    return places;
  }
}
