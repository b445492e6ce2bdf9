// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.PersistentRegion;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Tries every crash of a program that makes a difference.
 *
 * <p>Two images that give a recovery and its check the same values for every word that these read
 * cannot be told apart. So an image is not chosen beforehand: recovery runs on all images of a
 * point at once, and only when it reads a word that differs between them does it branch, into one
 * run for each value. A point with 2^40 images has perhaps twenty runs (the idea of Jaaru, Gorjiara
 * et al., ASPLOS 2021). Each run's own stores are traced in turn, on what it left undecided, and
 * crashed.
 *
 * <p>Recovery and check must be deterministic, run in one thread, and read through the region only.
 */
public final class Explorer {
  private final int depth;
  private final long limit;
  private final BruteForce.Recovery recovery;
  private final Set<Object> outcomes;
  private final List<Slate> slates = new ArrayList<>();
  private long points;
  private long states;
  private long nestedStates;
  private long cappedPoints;
  private long groupedReads;

  /**
   * What was tried.
   *
   * @param points crash points of the program
   * @param states runs of its recovery that differ in what they read
   * @param nestedStates the same, inside recoveries that were crashed
   * @param cappedPoints points, nested ones included, with more states than the limit
   * @param groupedReads reads of more than eight uncertain words at once: they are tried all old,
   *     all new, and with each word alone deviating from these, instead of in all combinations
   */
  public record Report(
      long points, long states, long nestedStates, long cappedPoints, long groupedReads) {
    /**
     * The sum of two reports.
     *
     * @param other another one
     * @return both together
     */
    public Report plus(Report other) {
      return new Report(
          points + other.points,
          states + other.states,
          nestedStates + other.nestedStates,
          cappedPoints + other.cappedPoints,
          groupedReads + other.groupedReads);
    }
  }

  private Explorer(int depth, long limit, BruteForce.Recovery recovery, Set<Object> outcomes) {
    this.depth = depth;
    this.limit = limit;
    this.recovery = recovery;
    this.outcomes = outcomes;
  }

  /**
   * Runs a program on a traced medium and tries all its crashes.
   *
   * @param start the image on which the program starts
   * @param depth how often a recovery may be crashed in its turn
   * @param limit how many states of one point are tried at most
   * @param program what to run; it marks the medium when it begins and acknowledges something
   * @param recovery opens what a crash left and judges it
   * @return what was tried
   * @throws AssertionError if a recovery fails, or a recovery that was crashed ends otherwise than
   *     the one that was not
   */
  public static Report run(
      long[] start,
      int depth,
      long limit,
      Consumer<TracingMedium> program,
      BruteForce.Recovery recovery) {
    return run(start, depth, limit, program, recovery, new HashSet<>());
  }

  /** The same, and all outcomes of uncrashed recoveries are added to a set. */
  static Report run(
      long[] start,
      int depth,
      long limit,
      Consumer<TracingMedium> program,
      BruteForce.Recovery recovery,
      Set<Object> outcomes) {
    TracingMedium medium = new TracingMedium(start);
    program.accept(medium);
    Explorer explorer = new Explorer(depth, limit, recovery, outcomes);
    Trace trace = medium.trace();
    for (Trace.Point point : trace.points()) {
      explorer.points++;
      explorer.explore(trace.images(point), point, point.marks(), 0, null);
    }
    return new Report(
        explorer.points,
        explorer.states,
        explorer.nestedStates,
        explorer.cappedPoints,
        explorer.groupedReads);
  }

  /** The decisions of one run, and the next run's, in depth-first order. */
  private static final class Path implements TracingMedium.Chooser {
    private final List<int[]> decisions = new ArrayList<>();
    private int next;

    @Override
    public int choose(int count) {
      if (next == decisions.size()) {
        decisions.add(new int[] {0, count});
      }
      return decisions.get(next++)[0];
    }

    /** Goes on to the next run; false if there is none. */
    boolean advance() {
      next = 0;
      while (!decisions.isEmpty()) {
        int[] last = decisions.getLast();
        if (++last[0] < last[1]) {
          return true;
        }
        decisions.removeLast();
      }
      return false;
    }

    @Override
    public String toString() {
      StringBuilder text = new StringBuilder();
      decisions.forEach(decision -> text.append(decision[0]).append(','));
      return text.toString();
    }
  }

  private void explore(
      Trace.Images images, Trace.Point point, List<String> marks, int level, Object expected) {
    Path path = new Path();
    long runs = 0;
    if (slates.size() == level) {
      slates.add(new Slate(images.base()));
    }
    do {
      if (runs++ == limit) {
        cappedPoints++;
        return;
      }
      TracingMedium medium = new TracingMedium(images, path, slates.get(level));
      Object outcome = recover(medium.region(), point, marks, level, path);
      if (expected != null && !Objects.equals(expected, outcome)) {
        throw new AssertionError(
            "a recovery that was crashed %s ends with %s, one that was not with %s"
                .formatted(point.cause(), outcome, expected));
      }
      groupedReads += medium.groupedReads();
      if (level == 0) {
        states++;
        outcomes.add(outcome);
      } else {
        nestedStates++;
      }
      if (level < depth) {
        Trace trace = medium.trace();
        for (Trace.Point inside : trace.points()) {
          explore(trace.images(inside), inside, marks, level + 1, outcome);
        }
      }
    } while (path.advance());
  }

  private Object recover(
      PersistentRegion region, Trace.Point point, List<String> marks, int level, Path path) {
    try {
      return recovery.recover(region, marks);
    } catch (RuntimeException | Error e) {
      throw new AssertionError(
          "a crash %s%s, after %s, is not recovered (decisions %s): %s"
              .formatted(level == 0 ? "" : "in recovery ", point.cause(), marks, path, e),
          e);
    }
  }
}
