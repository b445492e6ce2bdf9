// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.util.SplittableRandom;

/**
 * When a child is to be killed.
 *
 * @param moment what is waited for
 * @param amount microseconds, or the number of the event
 */
record KillPlan(Moment moment, long amount) {
  private static final long LONGEST_MICROS = 250_000;
  private static final long LAST_EVENT = 20_000;
  private static final long LAST_RECOVERY_EVENT = 100;

  /** What the amount counts. */
  enum Moment {
    /** Time, from the first acknowledgement. */
    TIME,
    /** Changes and fences, from the first acknowledgement. */
    EVENT,
    /** Changes and fences, from the opening, which recovers. */
    RECOVERY
  }

  /** Half of the kills are by time, of the others two thirds at an event of normal work. */
  static KillPlan draw(SplittableRandom random) {
    return switch (random.nextInt(6)) {
      case 0, 1, 2 -> new KillPlan(Moment.TIME, logUniform(random, LONGEST_MICROS));
      case 3, 4 -> new KillPlan(Moment.EVENT, logUniform(random, LAST_EVENT));
      default -> new KillPlan(Moment.RECOVERY, logUniform(random, LAST_RECOVERY_EVENT));
    };
  }

  private static long logUniform(SplittableRandom random, long last) {
    return (long) Math.exp(random.nextDouble() * Math.log((double) last));
  }

  @Override
  public String toString() {
    return switch (moment) {
      case TIME -> "after " + amount + " us";
      case EVENT -> "at event " + amount;
      case RECOVERY -> "at event " + amount + " from its opening";
    };
  }
}
