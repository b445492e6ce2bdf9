// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.Collectors;

/**
 * When a child is to be killed.
 *
 * @param moment what is waited for
 * @param event which events are counted, if it is not by time
 * @param amount microseconds, or the number of the event
 */
record KillPlan(Moment moment, Event event, long amount) {
  /** How many kills a storm has. */
  static final int STORM_KILLS = 10;

  /** How many kills at most come in the recovery from one at work. */
  static final int LONGEST_CHAIN = 5;

  /** Of so many rounds one is a storm. */
  private static final int STORM_ROUNDS = 12;

  /** Of so many kills at work one is followed by some in its recovery. */
  private static final int CHAIN_ROUNDS = 4;

  private static final int LEAST_MICROS = 500;
  private static final int MOST_MICROS = 1_000_000;
  private static final long LEAST_STORM_MICROS = 5_000;
  private static final long MOST_STORM_MICROS = 50_000;

  /** What the amount counts. */
  enum Moment {
    /** Time, from the first acknowledgement. */
    TIME,
    /** Events, from the first acknowledgement. */
    EVENT,
    /** Events, from the opening, which recovers. */
    RECOVERY,
    /** Time, from when the child has its region, for one kill of a storm. */
    STORM
  }

  /** What is counted, and how far at most. */
  enum Event {
    /** Any of them. */
    ANY(100_000, 300),
    /** A change of the region. */
    STORE(100_000, 300),
    /** A persist, before it has carried out anything. */
    FENCE(10_000, 30),
    /** A copy that a persist makes, as of what goes to the log. */
    COPY(10_000, 30);

    private final int lastAtWork;
    private final int lastInRecovery;

    Event(int lastAtWork, int lastInRecovery) {
      this.lastAtWork = lastAtWork;
      this.lastInRecovery = lastInRecovery;
    }

    private static Event any(SplittableRandom random) {
      return values()[random.nextInt(values().length)];
    }
  }

  /**
   * The kills that come before the next check: one at work, perhaps with more in its recovery, or a
   * storm.
   */
  static List<KillPlan> round(SplittableRandom random) {
    if (random.nextInt(STORM_ROUNDS) == 0) {
      return storm(random);
    }
    List<KillPlan> plans = new ArrayList<>(List.of(atWork(random)));
    int chain = random.nextInt(CHAIN_ROUNDS) == 0 ? 1 + random.nextInt(LONGEST_CHAIN) : 0;
    for (int i = 0; i < chain; i++) {
      Event event = Event.any(random);
      plans.add(new KillPlan(Moment.RECOVERY, event, logUniform(random, 1, event.lastInRecovery)));
    }
    return plans;
  }

  /** Kills in close succession. */
  static List<KillPlan> storm(SplittableRandom random) {
    List<KillPlan> plans = new ArrayList<>();
    for (int i = 0; i < STORM_KILLS; i++) {
      long micros = random.nextLong(LEAST_STORM_MICROS, MOST_STORM_MICROS + 1);
      plans.add(new KillPlan(Moment.STORM, Event.ANY, micros));
    }
    return plans;
  }

  private static KillPlan atWork(SplittableRandom random) {
    if (random.nextBoolean()) {
      return new KillPlan(Moment.TIME, Event.ANY, logUniform(random, LEAST_MICROS, MOST_MICROS));
    }
    Event event = Event.any(random);
    return new KillPlan(Moment.EVENT, event, logUniform(random, 1, event.lastAtWork));
  }

  private static long logUniform(SplittableRandom random, double least, double most) {
    return (long) (least * Math.exp(random.nextDouble() * Math.log(most / least)));
  }

  /** Whether the parent's clock says when, and not an event in the child. */
  boolean isByTime() {
    return moment == Moment.TIME || moment == Moment.STORM;
  }

  /** A round in a few words. */
  static String describe(List<KillPlan> plans) {
    if (plans.getFirst().moment == Moment.STORM) {
      return plans.stream()
          .map(plan -> Long.toString(plan.amount))
          .collect(Collectors.joining(", ", "in a storm, after ", " us"));
    }
    return plans.stream().map(KillPlan::toString).collect(Collectors.joining(", "));
  }

  @Override
  public String toString() {
    String counted = event == Event.ANY ? "event" : event.name().toLowerCase(Locale.ROOT);
    return switch (moment) {
      case TIME -> "after " + amount + " us";
      case EVENT -> "at " + counted + " " + amount;
      case RECOVERY -> "at " + counted + " " + amount + " from its opening";
      case STORM -> "in a storm, after " + amount + " us";
    };
  }
}
