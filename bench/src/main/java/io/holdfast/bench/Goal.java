// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

/**
 * What is to be reached, and what was.
 *
 * @param what the quantity: {@code ours / theirs}, or the name of a figure
 * @param bound "at most" or "at least"
 * @param goal the number to reach
 * @param reached the number that was measured
 * @param met whether that is good enough
 */
record Goal(String what, String bound, double goal, double reached, boolean met) {
  static Goal of(String what, Unit unit, double goal, double reached) {
    return new Goal(what, unit.bound(), goal, reached, unit.isMet(reached, goal));
  }

  /** In a line. The number is written as the goal is. */
  String line() {
    return "%s: %s %.2f, is %.2f: %s".formatted(what, bound, goal, reached, met ? "met" : "missed");
  }
}
