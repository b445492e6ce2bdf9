// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.PersistentRegion;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;

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
  /** The seed of whoever does not ask for one. */
  static final long FIRST_SEED = 1;

  private static final long DEFAULT_LIMIT = 20_000;

  private final long[] start;
  private CrashModel model = CrashModel.WORD;
  private int depth;
  private long limit = DEFAULT_LIMIT;
  private long seed = FIRST_SEED;
  private Consumer<String> progress = text -> {};

  private Explorer(long[] start) {
    this.start = start;
  }

  /**
   * Describes an exploration under {@link CrashModel#WORD}, of crashes that are not nested, with at
   * most 20,000 states of each point.
   *
   * @param start the image on which the program starts, in little-endian words; not changed
   * @return the explorer
   */
  public static Explorer of(long[] start) {
    return new Explorer(start);
  }

  /**
   * Describes an exploration of a case, from what it starts with.
   *
   * @param crashed the case
   * @return the explorer
   */
  public static Explorer of(CrashCase<?, ?> crashed) {
    return new Explorer(new CaseRun<>(crashed, FIRST_SEED).start());
  }

  /**
   * Which images a crash may leave.
   *
   * @param images the model
   * @return this
   */
  public Explorer model(CrashModel images) {
    model = Objects.requireNonNull(images, "images");
    return this;
  }

  /**
   * How often a recovery is crashed in its turn.
   *
   * @param times at least 0
   * @return this
   * @throws IllegalArgumentException if it is less
   */
  public Explorer nested(int times) {
    if (times < 0) {
      throw new IllegalArgumentException("a recovery is crashed 0 times or more: times=" + times);
    }
    depth = times;
    return this;
  }

  /**
   * How many states of one point are tried at most. A point that has more is counted in the report.
   *
   * @param states at least 1
   * @return this
   * @throws IllegalArgumentException if it is less
   */
  public Explorer limit(long states) {
    if (states < 1) {
      throw new IllegalArgumentException("at least one state is tried: states=" + states);
    }
    limit = states;
    return this;
  }

  /**
   * What the workload of a case draws its operations from.
   *
   * @param value the seed; 1 unless it is set
   * @return this
   */
  public Explorer seed(long value) {
    seed = value;
    return this;
  }

  /**
   * Is told of each operation that was explored, in a line.
   *
   * @param listener called on the thread that explores
   * @return this
   */
  public Explorer progress(Consumer<String> listener) {
    progress = Objects.requireNonNull(listener, "listener");
    return this;
  }

  /**
   * Runs the workload of a case without a crash, and looks for rules that it breaks. Takes as long
   * as the workload.
   *
   * @param crashed the structure and its workload
   * @return what was found, in order
   */
  public List<LintFinding> lint(CrashCase<?, ?> crashed) {
    CaseRun<?, ?> run = new CaseRun<>(crashed, seed);
    return Lint.of(trace(run::run, TracingMedium::recordCalls));
  }

  /**
   * What was tried.
   *
   * @param points crash points of the program
   * @param states runs of its recovery that differ in what they read, at each point
   * @param nestedStates the same, inside recoveries that were crashed
   * @param remembered how many of the latter were not carried out, because one had been before that
   *     reads the same
   * @param cappedPoints points, nested ones included, with more states than the limit
   * @param groupedReads reads of more than eight uncertain words at once: they are tried all old,
   *     all new, and with each word alone deviating from these, instead of in all combinations
   * @param findings rules that the program broke, crash or no crash
   */
  public record Report(
      long points,
      long states,
      long nestedStates,
      long remembered,
      long cappedPoints,
      long groupedReads,
      List<LintFinding> findings) {
    static final Report NOTHING = new Report(0, 0, 0, 0, 0, 0, List.of());

    private Report since(Report before) {
      return new Report(
          points - before.points,
          states - before.states,
          nestedStates - before.nestedStates,
          remembered - before.remembered,
          cappedPoints - before.cappedPoints,
          groupedReads - before.groupedReads,
          List.of());
    }

    /**
     * For people: how much was tried.
     *
     * @return a line
     */
    public String summary() {
      return "%,d points, %,d states, %,d nested, %,d capped"
          .formatted(points, states, nestedStates, cappedPoints);
    }

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
          remembered + other.remembered,
          cappedPoints + other.cappedPoints,
          groupedReads + other.groupedReads,
          Stream.concat(findings.stream(), other.findings.stream()).distinct().toList());
    }
  }

  /**
   * Runs a program on a traced medium and tries all its crashes.
   *
   * @param program what to run; it marks the medium when it begins and acknowledges something
   * @param recovery opens what a crash left and judges it
   * @return what was tried
   * @throws CrashFailure if a recovery fails, or a recovery that was crashed ends otherwise than
   *     the one that was not; it has a token for {@link #replay}
   */
  public Report run(Consumer<TracingMedium> program, BruteForce.Recovery recovery) {
    return run(program, recovery, new HashSet<>());
  }

  /**
   * Runs the workload of a case and tries all its crashes.
   *
   * @param crashed the structure, its workload and its model
   * @return what was tried
   * @throws CrashFailure if the structure is found as it must not be, or cannot be opened; it has a
   *     token for {@link #replay(String, CrashCase)}
   */
  public Report run(CrashCase<?, ?> crashed) {
    CaseRun<?, ?> run = new CaseRun<>(crashed, seed);
    return run(run::run, run);
  }

  /**
   * Tries the crashes in one operation of a case.
   *
   * @param operation which, from 1; 0 for the opening
   */
  Report run(CaseRun<?, ?> run, int operation) {
    return run(
        run::run, run, new HashSet<>(), (marks, last) -> operation == Math.min(marks, last - 1));
  }

  /** Says which crashes are tried. */
  interface Choice {
    /**
     * Whether those are that come after so many marks.
     *
     * @param marks how many
     * @param last how many there are at the end
     */
    boolean includes(int marks, int last);
  }

  /**
   * Tries one crash of a case again.
   *
   * @param token what a {@link CrashFailure} said
   * @param crashed the same case
   * @throws CrashFailure if it fails again
   * @throws IllegalArgumentException if the token is none, or is not of this case
   */
  public void replay(String token, CrashCase<?, ?> crashed) {
    CaseRun<?, ?> run = new CaseRun<>(crashed, CrashToken.parse(token).seed());
    replay(token, run::run, run);
  }

  /** The same, and all outcomes of uncrashed recoveries are added to a set. */
  Report run(Consumer<TracingMedium> program, BruteForce.Recovery recovery, Set<Object> outcomes) {
    return run(program, recovery, outcomes, (marks, last) -> true);
  }

  /** The same, of some crashes. */
  Report run(
      Consumer<TracingMedium> program,
      BruteForce.Recovery recovery,
      Set<Object> outcomes,
      Choice choice) {
    Trace trace = trace(program, TracingMedium::recordCalls);
    Exploration exploration = new Exploration(recovery, outcomes);
    String head = CrashToken.head(model, seed) + ":";
    List<Trace.Point> points = trace.points();
    int last = points.getLast().marks().size();
    try {
      Report before = exploration.report(List.of());
      for (int i = 0; i < points.size(); i++) {
        Trace.Point point = points.get(i);
        if (choice.includes(point.marks().size(), last)) {
          exploration.points++;
          exploration.explore(
              trace.images(point, model), point, point.marks(), 0, null, head + point.event());
          if (i + 1 < points.size() && points.get(i + 1).marks().size() > point.marks().size()) {
            Report now = exploration.report(List.of());
            progress.accept(
                "%s: %s"
                    .formatted(points.get(i + 1).marks().getLast(), now.since(before).summary()));
            before = now;
          }
        }
      }
    } catch (CrashFailure e) {
      throw e.explained(explain(e.token(), trace, recovery));
    }
    return exploration.report(model == CrashModel.PROCESS ? List.of() : Lint.of(trace));
  }

  /** Which stores were missing: of the program, when the crash was not one of a recovery. */
  private String explain(String token, Trace trace, BruteForce.Recovery recovery) {
    CrashToken crash = CrashToken.parse(token);
    if (crash.crashes().size() > 1) {
      return "";
    }
    Trace.Point point = crash.point(trace, 0);
    return new Shrinker(trace, point, model, recovery)
        .explain(new Path(crash.crashes().getFirst().decisions()));
  }

  private Trace trace(Consumer<TracingMedium> program, Consumer<TracingMedium> prepare) {
    TracingMedium medium = new TracingMedium(start, model.granularity());
    prepare.accept(medium);
    program.accept(medium);
    return medium.trace();
  }

  /**
   * Tries one crash again, under the model that it failed under.
   *
   * @param token what a {@link CrashFailure} said
   * @param program the same program, which must be deterministic
   * @param recovery opens what the crash left and judges it
   * @throws CrashFailure if it fails again
   * @throws IllegalArgumentException if the token is none, or is not of this program
   */
  public void replay(String token, Consumer<TracingMedium> program, BruteForce.Recovery recovery) {
    CrashToken crash = CrashToken.parse(token);
    Exploration exploration = new Exploration(recovery, new HashSet<>());
    // As it was explored: declarations are recorded with calls only, and events are counted.
    Trace trace = trace(program, TracingMedium::recordCalls);
    List<String> marks = null;
    Object expected = null;
    Images start = null;
    for (int level = 0; level < crash.crashes().size(); level++) {
      CrashToken.Crash one = crash.crashes().get(level);
      Trace.Point point = crash.point(trace, level);
      marks = marks == null ? point.marks() : marks;
      start = trace.images(point, crash.model());
      TracingMedium medium =
          new TracingMedium(start, new Path(one.decisions()), crash.model().granularity());
      Object outcome = exploration.recover(medium.region(), point, marks, level, crash.upTo(level));
      exploration.compare(expected, outcome, point, crash.upTo(level));
      expected = outcome;
      trace = medium.trace();
    }
  }

  /** The decisions of one run, and the next run's, in depth-first order. */
  private static final class Path implements Slate.Chooser {
    private final List<int[]> decisions = new ArrayList<>();
    private int next;

    /** A path that begins with some decisions. */
    Path(List<Integer> begun) {
      begun.forEach(decision -> decisions.add(new int[] {decision, Integer.MAX_VALUE}));
    }

    @Override
    public int choose(int count) {
      if (next == decisions.size()) {
        decisions.add(new int[] {0, count});
      }
      return decisions.get(next++)[0];
    }

    /** Begins the same run again. */
    void rewind() {
      next = 0;
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
      return decisions.stream().map(decision -> "" + decision[0]).collect(Collectors.joining("."));
    }
  }

  /** One run of this explorer: what it has tried so far. */
  private final class Exploration {
    private final BruteForce.Recovery recovery;
    private final Set<Object> outcomes;
    private final List<Slate> slates = new ArrayList<>();
    private long points;
    private long states;
    private long nestedStates;
    private long remembered;
    private Memo memo;
    private long cappedPoints;
    private long groupedReads;

    Exploration(BruteForce.Recovery recovery, Set<Object> outcomes) {
      this.recovery = recovery;
      this.outcomes = outcomes;
    }

    Report report(List<LintFinding> findings) {
      return new Report(
          points, states, nestedStates, remembered, cappedPoints, groupedReads, findings);
    }

    void explore(
        Images images,
        Trace.Point point,
        List<String> marks,
        int level,
        Object expected,
        String token) {
      Path path = new Path(List.of());
      long runs = 0;
      if (slates.size() == level) {
        slates.add(new Slate(images.base()));
      }
      do {
        if (runs++ == limit) {
          cappedPoints++;
          return;
        }
        // What is not crashed again is known by what it reads; without nesting, that rarely
        // repeats.
        boolean isLast = level > 0 && level == depth;
        Object outcome = isLast ? remembered(images, marks, path) : null;
        TracingMedium medium = null;
        if (outcome == null) {
          medium =
              new TracingMedium(
                  images, path, model.granularity(), slates.get(level), isLast ? memo : null);
          outcome = recover(medium.region(), point, marks, level, token + ":" + path);
          groupedReads += medium.groupedReads();
          if (isLast) {
            memo.end(outcome);
          }
        }
        compare(expected, outcome, point, token + ":" + path);
        if (level == 0) {
          states++;
          outcomes.add(outcome);
        } else {
          nestedStates++;
        }
        if (level < depth) {
          Trace trace = medium.trace();
          for (Trace.Point inside : trace.points()) {
            explore(
                trace.images(inside, model),
                inside,
                marks,
                level + 1,
                outcome,
                token + ":" + path + ":" + inside.event());
          }
        }
      } while (path.advance());
    }

    /** How a run ended that read the same as the one on this path will. */
    private Object remembered(Images images, List<String> marks, Path path) {
      if (memo == null) {
        memo = new Memo(images.base().length);
      }
      Slate slate = slates.get(depth);
      slate.begin(images);
      Object outcome = memo.find(marks, slate, path);
      path.rewind();
      if (outcome == null) {
        memo.begin();
      } else {
        remembered++;
      }
      return outcome;
    }

    void compare(Object expected, Object outcome, Trace.Point point, String token) {
      if (expected != null && !Objects.equals(expected, outcome)) {
        throw new CrashFailure(
            "a recovery that was crashed %s ends with %s, one that was not with %s"
                .formatted(point.cause(), outcome, expected),
            token,
            null);
      }
    }

    Object recover(
        PersistentRegion region, Trace.Point point, List<String> marks, int level, String token) {
      try {
        return recovery.recover(region, marks);
      } catch (RuntimeException | Error e) {
        throw new CrashFailure(
            "a crash %s%s, after %s, is not recovered: %s"
                .formatted(level == 0 ? "" : "in recovery ", point.cause(), marks, e),
            token,
            e);
      }
    }
  }
}
