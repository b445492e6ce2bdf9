// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.util.Locale;

/**
 * A picture. It has a plate behind it and follows the reader's choice of light or dark, so that it
 * can be read on any page.
 */
final class Svg {
  private static final String STYLE =
      """
        text { font-family: 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', Arial, sans-serif; fill: #24292f; }
        .plate { fill: #ffffff; stroke: #d0d7de; }
        .title { font-size: 17px; font-weight: 600; }
        .head { font-size: 13px; font-weight: 600; }
        .label { font-size: 12px; }
        .soft { font-size: 11px; fill: #57606a; }
        .grid { stroke: #d8dee4; stroke-width: 1; }
        .line { fill: none; stroke-width: 2; }
        .ours { stroke-width: 3; }
        .dashed { stroke-dasharray: 2 4; }
        .c0 { stroke: #0f766e; } .f0 { fill: #0f766e; }
        .c1 { stroke: #14a098; } .f1 { fill: #14a098; }
        .c2 { stroke: #5bb8b0; } .f2 { fill: #5bb8b0; }
        .c3 { stroke: #c2410c; } .f3 { fill: #c2410c; }
        .c4 { stroke: #7c3aed; } .f4 { fill: #7c3aed; }
        .c5 { stroke: #6e7781; } .f5 { fill: #6e7781; }
        .f6 { fill: #b6bec7; }
        @media (prefers-color-scheme: dark) {
          text { fill: #e6edf3; }
          .plate { fill: #0d1117; stroke: #30363d; }
          .soft { fill: #9aa4ae; }
          .grid { stroke: #2b323a; }
          .c0 { stroke: #2dd4bf; } .f0 { fill: #2dd4bf; }
          .c1 { stroke: #1fa597; } .f1 { fill: #1fa597; }
          .c2 { stroke: #28958a; } .f2 { fill: #28958a; }
          .c3 { stroke: #fb923c; } .f3 { fill: #fb923c; }
          .c4 { stroke: #a78bfa; } .f4 { fill: #a78bfa; }
          .c5 { stroke: #8b949e; } .f5 { fill: #8b949e; }
          .f6 { fill: #565f69; }
        }
      """;

  private final StringBuilder text = new StringBuilder();

  Svg(double width, double height, String title) {
    text.append(
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" width="%s" height="%s" role="img">
        <title>%s</title>
        <style>
        %s</style>
        """
            .formatted(
                number(width), number(height), number(width), number(height), safe(title), STYLE));
    add(
        "<rect class=\"plate\" x=\"0.5\" y=\"0.5\" width=\"%s\" height=\"%s\" rx=\"8\"/>"
            .formatted(number(width - 1), number(height - 1)));
  }

  /** Where a text begins, or ends. */
  enum Anchor {
    START,
    MIDDLE,
    END
  }

  void text(double x, double y, String style, Anchor anchor, String words) {
    add(
        "<text class=\"%s\" x=\"%s\" y=\"%s\" text-anchor=\"%s\">%s</text>"
            .formatted(
                style, number(x), number(y), anchor.name().toLowerCase(Locale.ROOT), safe(words)));
  }

  void line(double x1, double y1, double x2, double y2, String style) {
    add(
        "<line class=\"%s\" x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\"/>"
            .formatted(style, number(x1), number(y1), number(x2), number(y2)));
  }

  void path(String points, String style) {
    add("<polyline class=\"%s\" points=\"%s\"/>".formatted(style, points));
  }

  void dot(double x, double y, String style) {
    add(
        "<circle class=\"%s\" cx=\"%s\" cy=\"%s\" r=\"3.5\"/>"
            .formatted(style, number(x), number(y)));
  }

  void bar(double x, double y, double width, double height, String style) {
    add(
        "<rect class=\"%s\" x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" rx=\"2\"/>"
            .formatted(style, number(x), number(y), number(Math.max(1, width)), number(height)));
  }

  /** The whole document. */
  String document() {
    return text + "</svg>\n";
  }

  private void add(String element) {
    text.append(element).append('\n');
  }

  /** With one decimal at most. */
  static String number(double value) {
    String number = String.format(Locale.ROOT, "%.1f", value); // with a point, wherever we are
    return number.endsWith(".0") ? number.substring(0, number.length() - 2) : number;
  }

  private static String safe(String words) {
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
