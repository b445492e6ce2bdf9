// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Lets contestants take turns. Each turn is short, and the next contestant's follows at once, so
 * that whatever else the machine does (another program, a slower clock) meets all of them; each
 * round begins with another one, so that none always comes after the same.
 */
final class Rounds {
  private static final int WARM_UPS = 3;

  private Rounds() {}

  /**
   * Measures.
   *
   * @return nanoseconds per operation, a series for each contestant
   */
  static List<Series> measure(Effort effort, List<Contestant> contestants) throws IOException {
    int count = contestants.size();
    long[] operations = new long[count];
    // Again and again: what one contestant does can make the compiler think anew about another's.
    for (int pass = 0; pass < WARM_UPS; pass++) {
      for (int i = 0; i < count; i++) {
        operations[i] = warmUp(effort, contestants.get(i));
      }
    }
    return measure(effort.rounds(), operations, contestants);
  }

  /**
   * Measures without warming up.
   *
   * @param rounds how many turns each has
   * @param operations how many operations there are in a turn
   */
  static List<Series> measure(int rounds, long operations, List<Contestant> contestants)
      throws IOException {
    long[] each = new long[contestants.size()];
    Arrays.fill(each, operations);
    return measure(rounds, each, contestants);
  }

  private static List<Series> measure(int rounds, long[] operations, List<Contestant> contestants)
      throws IOException {
    int count = contestants.size();
    double[][] values = new double[count][rounds];
    for (int round = 0; round < rounds; round++) {
      for (int turn = 0; turn < count; turn++) {
        int i = (round + turn) % count;
        values[i][round] = (double) contestants.get(i).run(operations[i]) / operations[i];
      }
    }
    List<Series> result = new ArrayList<>();
    for (double[] one : values) {
      result.add(new Series(one));
    }
    return result;
  }

  /** Runs a contestant until it is warm; returns how many operations fill a turn. */
  private static long warmUp(Effort effort, Contestant contestant) throws IOException {
    long operations = 1;
    long spent = 0;
    while (true) {
      long nanos = Math.max(1, contestant.run(operations));
      spent += nanos;
      if (nanos < effort.roundNanos() / 2) {
        operations *= 2;
      } else {
        operations = Math.max(1, operations * effort.roundNanos() / nanos);
        if (spent >= effort.warmupNanos()) {
          return operations;
        }
      }
    }
  }
}
