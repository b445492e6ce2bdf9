// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.Durability;
import java.time.Duration;

/**
 * What an open found, and what it did about it.
 *
 * @param clean whether the last opener closed in order, so that there was nothing to recover
 * @param lastDurability what that opener's commits survived
 * @param rolledForward committed transactions that were carried out again, whether that was needed
 *     or not; they cannot be told apart
 * @param bytesForward how many bytes that stored; of what several of them wrote, the last only
 * @param rolledBack transactions that were under way, and whose stores in place were undone
 * @param bytesBack how many bytes that put back
 * @param phases the time that each step took
 * @param headerMended whether one of the two copies of the log's header was found damaged; it is
 *     rewritten when the lanes are closed
 */
public record RecoveryReport(
    boolean clean,
    Durability lastDurability,
    int rolledForward,
    long bytesForward,
    int rolledBack,
    long bytesBack,
    Phases phases,
    boolean headerMended) {

  /**
   * The steps of an open, in their order, and how long each took.
   *
   * @param read the log was read, and its frames compared with their checksums
   * @param judged what they want to store was looked at, and what lies beside the log as it will be
   * @param marked the log was marked as open, durably; before that all of the region was
   *     synchronised, if the last opener's commits did not survive a loss of power and the next
   *     ones are to
   * @param stored transactions were carried out and rolled back, durably
   * @param sealed all of the old log was made void, durably
   */
  public record Phases(
      Duration read, Duration judged, Duration marked, Duration stored, Duration sealed) {

    /** Of a log that was just made. */
    static final Phases NONE =
        new Phases(Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO);

    /**
     * All of them.
     *
     * @return their sum
     */
    public Duration total() {
      return read.plus(judged).plus(marked).plus(stored).plus(sealed);
    }

    /** In a line, in microseconds. */
    @Override
    public String toString() {
      return "read %d us, judged %d us, marked %d us, stored %d us, sealed %d us"
          .formatted(micros(read), micros(judged), micros(marked), micros(stored), micros(sealed));
    }

    private static long micros(Duration duration) {
      return duration.toNanos() / 1000;
    }
  }

  /** In a line, for a log. */
  @Override
  public String toString() {
    String found =
        clean
            ? "closed in order"
            : "carried out %d transactions (%d bytes), rolled back %d (%d bytes)"
                .formatted(rolledForward, bytesForward, rolledBack, bytesBack);
    String header = headerMended ? "; one copy of the log's header is damaged" : "";
    return found + "; " + phases + header;
  }
}
