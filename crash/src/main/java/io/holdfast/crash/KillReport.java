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
 * @param byTime how many kills came some time after the first acknowledgement
 * @param byEvent how many came at the n-th store, fence or copy
 * @param inRecovery how many came while the previous one was being recovered from
 * @param inStorms how many came in storms: in close succession, with no check in between
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
    int byTime,
    int byEvent,
    int inRecovery,
    int inStorms,
    long acknowledged,
    long rolledBack,
    Duration median,
    Duration longest,
    List<String> losses) {

  /**
   * How many kills there were, of all kinds.
   *
   * @return their number
   */
  public int kills() {
    return byTime + byEvent + inRecovery + inStorms;
  }

  /**
   * The report in one line, with the seed.
   *
   * @return the line
   */
  public String summary() {
    return "%s: %d kills (%d by time, %d by event, %d in recovery, %d in storms), %d acknowledged, %d rolled back, opened in %.1f ms median, %.1f ms at most, %d lost; seed %d"
        .formatted(
            medium.name().toLowerCase(Locale.ROOT).replace('_', ' '),
            kills(),
            byTime,
            byEvent,
            inRecovery,
            inStorms,
            acknowledged,
            rolledBack,
            median.toNanos() / 1e6,
            longest.toNanos() / 1e6,
            losses.size(),
            seed);
  }
}
