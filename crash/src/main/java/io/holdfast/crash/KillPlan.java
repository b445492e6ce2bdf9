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
  private static final long LEAST_MICROS = 500;
  private static final long MOST_MICROS = 1_000_000;
  private static final long LAST_EVENT = 100_000;
  private static final long LAST_RECOVERY_EVENT = 300;

  /** What the amount counts. */
  enum Moment {
    /** Time, from the first acknowledgement. */
    TIME,
    /** Changes and fences, from the first acknowledgement. */
    EVENT,
    /** Changes and fences, from the opening, which recovers. */
    RECOVERY
  }

  /** A kill of a child at work. */
  static KillPlan atWork(SplittableRandom random) {
    return random.nextBoolean()
        ? new KillPlan(Moment.TIME, logUniform(random, LEAST_MICROS, MOST_MICROS))
        : new KillPlan(Moment.EVENT, logUniform(random, 1, LAST_EVENT));
  }

  /** A kill of a child that recovers from the kill before; null if none is to be. */
  static KillPlan inRecovery(SplittableRandom random) {
    return random.nextInt(3) > 0
        ? null
        : new KillPlan(Moment.RECOVERY, logUniform(random, 1, LAST_RECOVERY_EVENT));
  }

  private static long logUniform(SplittableRandom random, double least, double most) {
    return (long) (least * Math.exp(random.nextDouble() * Math.log(most / least)));
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
