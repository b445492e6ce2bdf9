// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.PersistentRegion;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;

/**
 * All short sequences of some operations, from one start, crashed everywhere, and their recoveries
 * crashed again: what is found must be as before or after the operation that was under way. Also
 * random long sequences, of which so many states are tried as there is time for.
 *
 * <p>Sequences that begin alike are the same program up to where they part. Each crash of a common
 * beginning is tried once, with the first of them.
 *
 * @param <S> the structure
 */
public final class Sequences<S> {
  private static final int SHORT = 2;

  /** More states than any point has. */
  private static final long LIMIT = 1_000_000;

  /** Of points in random sequences, and in those of which recoveries are crashed too. */
  private static final long RANDOM_LIMIT = 100;

  private static final long RANDOM_NESTED_LIMIT = 5;
  private static final int RANDOM_NESTED_EACH = 8;

  private final String structure;
  private final String shape;
  private final long[] start;
  private final Function<PersistentRegion, S> opener;
  private final Function<S, String> observer;
  private final List<Letter<S>> letters;
  private Consumer<S> prelude;
  private int lettersOfLong;
  private boolean isHeavy;

  /**
   * One operation of the alphabet.
   *
   * @param name what to call it
   * @param op what it does; it gets a number that no other operation of the sequence has, from 1
   */
  public record Letter<S>(String name, Op<S> op) {}

  /** Does something to a structure that is atomic, and acknowledged when it returns. */
  public interface Op<S> {
    /**
     * Does it.
     *
     * @param structure the structure
     * @param step which operation of its sequence this is
     */
    void run(S structure, int step);
  }

  /**
   * Describes what is explored.
   *
   * @param structure the name of the alphabet
   * @param shape the name of the start
   * @param start the start
   * @param opener opens the structure, which recovers it
   * @param observer tells all that can be seen of it, and throws if that is not sound
   * @param letters the operations
   */
  public Sequences(
      String structure,
      String shape,
      long[] start,
      Function<PersistentRegion, S> opener,
      Function<S, String> observer,
      List<Letter<S>> letters) {
    this.structure = structure;
    this.shape = shape;
    this.start = start;
    this.opener = opener;
    this.observer = observer;
    this.letters = letters;
    this.lettersOfLong = letters.size();
  }

  /** Begins each sequence after something that no image holds, as a full log is. */
  public Sequences<S> after(Consumer<S> something) {
    prelude = something;
    return this;
  }

  /** Makes sequences of three and more of the first letters only. */
  public Sequences<S> lettersOfLong(int count) {
    lettersOfLong = count;
    return this;
  }

  /** Has so many images that recoveries are crashed in longer searches only, of two operations. */
  public Sequences<S> heavy() {
    isHeavy = true;
    return this;
  }

  boolean isHeavy() {
    return isHeavy;
  }

  /** What it is called. */
  public String name() {
    return structure + ", " + shape;
  }

  /** Tries all sequences of a length; recoveries of two are crashed in their turn, as a rule. */
  Explored exhaust(int length) {
    return exhaust(length, isHeavy || length > SHORT ? 0 : 1);
  }

  /** Tries all sequences of a length, and crashes recoveries so often in their turn. */
  Explored exhaust(int length, int depth) {
    long begin = System.nanoTime();
    Explorer.Report sum = Explorer.Report.NOTHING;
    int[] sequence = new int[length];
    int letterCount = length > SHORT ? lettersOfLong : letters.size();
    long count = 0;
    do {
      sum = sum.plus(new Run(sequence, true).explore(depth, LIMIT));
      count++;
    } while (advance(sequence, letterCount));
    return new Explored(
        structure,
        shape,
        "all of " + length + (depth > 0 ? ", nested" : ""),
        count,
        sum,
        System.nanoTime() - begin);
  }

  private boolean advance(int[] sequence, int letterCount) {
    for (int i = sequence.length - 1; i >= 0; i--) {
      if (++sequence[i] < letterCount) {
        return true;
      }
      sequence[i] = 0;
    }
    return false;
  }

  /** Tries random sequences of 50 to 200 operations until a time has passed. */
  Explored sample(RandomGenerator random, long nanos) {
    long begin = System.nanoTime();
    Explorer.Report sum = Explorer.Report.NOTHING;
    long count = 0;
    do {
      int[] sequence = random.ints(random.nextInt(50, 201), 0, letters.size()).toArray();
      boolean nested = count % RANDOM_NESTED_EACH == 0;
      sum =
          sum.plus(
              new Run(sequence, false)
                  .explore(nested ? 1 : 0, nested ? RANDOM_NESTED_LIMIT : RANDOM_LIMIT));
      count++;
    } while (System.nanoTime() - begin < nanos);
    return new Explored(structure, shape, "random", count, sum, System.nanoTime() - begin);
  }

  /** One sequence. */
  private final class Run {
    private final int[] sequence;

    /** So many marks a crash must come after, for it not to have been tried by another sequence. */
    private final int tried;

    private final List<String> states = new ArrayList<>();

    Run(int[] sequence, boolean ofAll) {
      this.sequence = sequence;
      int parted = sequence.length;
      while (ofAll && parted > 0 && sequence[parted - 1] == 0) {
        parted--;
      }
      this.tried = ofAll ? parted : 0;
    }

    Explorer.Report explore(int depth, long limit) {
      try {
        return Explorer.of(start)
            .nested(depth)
            .limit(limit)
            .run(this::program, this::recover, new HashSet<>(), this::isToBeTried);
      } catch (CrashFailure e) {
        throw new AssertionError(
            name()
                + ": "
                + Arrays.stream(sequence).mapToObj(this::letter).collect(Collectors.joining("; ")),
            e);
      }
    }

    private String letter(int index) {
      return letters.get(index).name();
    }

    private void program(TracingMedium medium) {
      states.clear();
      S structure = opener.apply(medium.region());
      if (prelude != null) {
        prelude.accept(structure);
      }
      states.add(observer.apply(structure));
      medium.mark("begun");
      for (int step = 0; step < sequence.length; step++) {
        letters.get(sequence[step]).op().run(structure, step + 1);
        states.add(observer.apply(structure));
        medium.mark(letter(sequence[step]));
      }
    }

    private boolean isToBeTried(int marks, int last) {
      return marks >= tried && (marks > 0 || prelude == null);
    }

    private String recover(PersistentRegion region, List<String> marks) {
      String seen = observer.apply(opener.apply(region));
      List<String> allowed =
          states.subList(Math.max(0, marks.size() - 1), Math.min(marks.size() + 1, states.size()));
      if (!allowed.contains(seen)) {
        throw new AssertionError("found " + seen + ", allowed " + allowed);
      }
      return seen;
    }
  }
}
