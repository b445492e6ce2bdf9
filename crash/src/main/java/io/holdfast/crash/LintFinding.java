// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

/**
 * A rule that was broken.
 *
 * @param rule which one
 * @param operation how many marks had been made, which are operations of a {@link CrashCase} and
 *     its opening
 * @param text where, and by what line of code
 */
public record LintFinding(LintRule rule, int operation, String text) {
  @Override
  public String toString() {
    return rule.code() + " " + text;
  }
}
