// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.util.Locale;

/**
 * What was tried of one structure, from one start.
 *
 * @param structure the name of the alphabet
 * @param shape the name of the start
 * @param which sequences
 * @param sequences how many
 * @param report all of them together
 * @param nanos how long it took
 */
public record Explored(
    String structure,
    String shape,
    String which,
    long sequences,
    Explorer.Report report,
    long nanos) {
  /** A line of a table; the same each time, if all images were tried. */
  public String line() {
    return String.format(
        Locale.ROOT,
        "%s, %s: %,d sequences, %,d points, %,d states, %,d nested, %d capped",
        structure,
        shape,
        sequences,
        report.points(),
        report.states(),
        report.nestedStates(),
        report.cappedPoints());
  }

  /** The same for programs, as lines of a properties file. */
  String properties() {
    String key = String.join(".", structure, shape, which).replace(' ', '-') + ".";
    return """
    %1$ssequences=%2$d
    %1$spoints=%3$d
    %1$sstates=%4$d
    %1$snested=%5$d
    %1$scapped=%6$d
    %1$smilliseconds=%7$d
    """
        .formatted(
            key,
            sequences,
            report.points(),
            report.states(),
            report.nestedStates(),
            report.cappedPoints(),
            nanos / 1_000_000);
  }
}
