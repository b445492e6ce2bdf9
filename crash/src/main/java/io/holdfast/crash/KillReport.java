// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * What a {@link KillLoop} found.
 *
 * @param seed the seed, with which it can be run again
 * @param medium what the kills meant
 * @param kills how many there were
 * @param inRecovery how many of them came while the previous one was being recovered from
 * @param acknowledged how many operations were acknowledged
 * @param rolledBack how many transactions were rolled back
 * @param median the median time of an opening after a kill
 * @param longest the longest
 * @param losses what was not as it had been acknowledged, or could not be opened at all; empty if
 *     all is well
 */
public record KillReport(
    long seed,
    KillMedium medium,
    int kills,
    int inRecovery,
    long acknowledged,
    long rolledBack,
    Duration median,
    Duration longest,
    List<String> losses) {

  /**
   * The report in one line, with the seed.
   *
   * @return the line
   */
  public String summary() {
    return "%s: %d kills (%d in recovery), %d acknowledged, %d rolled back, opened in %.1f ms median, %.1f ms at most, %d lost; seed %d"
        .formatted(
            medium.name().toLowerCase(Locale.ROOT).replace('_', ' '),
            kills,
            inRecovery,
            acknowledged,
            rolledBack,
            median.toNanos() / 1e6,
            longest.toNanos() / 1e6,
            losses.size(),
            seed);
  }
}
