// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.crash.History.Kind;
import io.holdfast.crash.History.Operation;
import io.holdfast.flush.Declaration;
import io.holdfast.flush.Lines;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;

/**
 * Two operations at the same time, in two threads, of which one is stopped before one of its calls
 * of the medium until the other has done its own, or waits for it: at each of its calls in turn, so
 * that every switch between "visible" and "durable" is made. Of each such run all crashes are
 * tried; what is found must be explained by an order of the operations, with what they returned:
 * see {@link History}.
 */
public final class Schedules {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  /** One that is seen to wait so many times in a row waits for the other. */
  private static final int SEEN_WAITING = 5;

  private static final long LOOK_NANOS = 100_000;
  private static final long LIMIT = 50_000;

  /** Marks of a run in which the first operation is stopped, until then. */
  private static final int MARKS_UNTIL_STOPPED = 3;

  private final long[] start;
  private final List<Long> keys;
  private final Function<PersistentRegion, Structure> opening;
  private final CrashModel model;
  private long schedules;
  private long waits;
  private long states;

  /** Something with entries. */
  public interface Structure {
    /** Does something, and returns what was there before. */
    long apply(Kind kind, long key, long argument);

    /** Throws if it is not sound. */
    void check();
  }

  /** Something to do. */
  public record Step(Kind kind, long key, long argument) {}

  /**
   * Schedules on a structure.
   *
   * @param model which images a crash may leave
   * @param start the image on which it is there
   * @param keys its entries
   * @param opening opens it
   */
  public Schedules(
      CrashModel model,
      long[] start,
      List<Long> keys,
      Function<PersistentRegion, Structure> opening) {
    this.model = model;
    this.start = start;
    this.keys = keys;
    this.opening = opening;
  }

  /** Tries all schedules of two operations in which the first is stopped once. */
  public void exhaust(Step first, Step second) {
    long[] before = contents(opening.apply(new TracingMedium(start).region()));
    boolean stopped = true;
    for (int call = 0; stopped; call++) {
      Run run = new Run(first, second, call);
      Explorer.Report report =
          Explorer.of(start)
              .model(model)
              .limit(LIMIT)
              .run(
                  run::run,
                  (region, marks) -> judge(region, marks, run, before),
                  new HashSet<>(),
                  (marks, last) -> marks >= Math.min(MARKS_UNTIL_STOPPED, last - 1));
      if (report.cappedPoints() > 0) {
        throw new AssertionError(run + ": " + report);
      }
      stopped = run.isStopped;
      schedules++;
      waits += run.hasWaited ? 1 : 0;
      states += report.states();
    }
  }

  /** What was tried. */
  public String report() {
    return "%d schedules, in %d of which one waited, %d states".formatted(schedules, waits, states);
  }

  /** How many schedules were tried. */
  public long schedules() {
    return schedules;
  }

  private long[] contents(Structure structure) {
    return keys.stream().mapToLong(key -> structure.apply(Kind.GET, key, 0)).toArray();
  }

  private Object judge(PersistentRegion region, List<String> marks, Run run, long[] before) {
    Structure structure = opening.apply(region);
    structure.check();
    long[] after = contents(structure);
    List<String> violations =
        run.history(marks)
            .violations(key -> before[keys.indexOf(key)], key -> after[keys.indexOf(key)]);
    if (!violations.isEmpty()) {
      throw new AssertionError(run + ", with " + marks + ": " + violations);
    }
    return Arrays.toString(after);
  }

  /** Whether a thread ends, without what it is seen to wait for. */
  public static boolean endsAlone(Thread thread) throws InterruptedException {
    int waiting = 0;
    while (thread.isAlive() && waiting < SEEN_WAITING) {
      Thread.sleep(Duration.ofNanos(LOOK_NANOS));
      waiting = thread.getState() == Thread.State.TIMED_WAITING ? waiting + 1 : 0;
    }
    return !thread.isAlive();
  }

  /** One schedule. */
  private final class Run {
    private final Step[] steps;
    private final int stopAt;
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final CountDownLatch goOn = new CountDownLatch(1);
    private final long[] results = new long[2];
    private volatile Throwable failure;
    private TracingMedium medium;
    private Thread first;
    private int calls;
    private boolean isStopped;
    private boolean hasWaited;

    Run(Step first, Step second, int stopAt) {
      this.steps = new Step[] {first, second};
      this.stopAt = stopAt;
    }

    void run(TracingMedium traced) {
      medium = traced;
      Structure structure = opening.apply(PersistentRegion.over(new Stopping(traced)));
      medium.mark("opened");
      try {
        first = thread(structure, 0);
        first.start();
        while (stopped.getCount() > 0 && first.isAlive()) {
          Thread.onSpinWait();
        }
        isStopped = stopped.getCount() == 0;
        if (isStopped) {
          medium.mark("stopped");
        }
        Thread second = thread(structure, 1);
        second.start();
        hasWaited = isStopped && !endsAlone(second);
        goOn.countDown();
        join(first);
        join(second);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      if (failure != null) {
        throw new AssertionError(this + " failed", failure);
      }
      structure.check();
    }

    private Thread thread(Structure structure, int which) {
      return Thread.ofPlatform()
          .daemon()
          .unstarted(() -> {
            try {
              Step step = steps[which];
              medium.mark("begin " + which);
              results[which] = structure.apply(step.kind, step.key, step.argument);
              medium.mark("end " + which);
            } catch (Throwable e) {
              failure = e;
            }
          });
    }

    private void join(Thread thread) throws InterruptedException {
      if (!thread.join(PATIENCE)) {
        AssertionError error = new AssertionError(this + " does not end");
        error.setStackTrace(thread.getStackTrace());
        throw error;
      }
    }

    /** What is known of the operations at a time by which so many marks were made. */
    History history(List<String> marks) {
      History history = new History();
      for (int which = 0; which < 2; which++) {
        int begin = marks.indexOf("begin " + which);
        int end = marks.indexOf("end " + which);
        if (begin >= 0) {
          Step step = steps[which];
          history.add(
              step.key,
              new Operation(
                  step.kind, step.argument, results[which], begin, end < 0 ? History.NEVER : end));
        }
      }
      return history;
    }

    @Override
    public String toString() {
      return "%s stopped at call %d, %s meanwhile".formatted(steps[0], stopAt, steps[1]);
    }

    /** Stops the first thread once. */
    private final class Stopping extends ForwardingMedium {
      Stopping(Medium inner) {
        super(inner);
      }

      private void call() {
        if (Thread.currentThread().equals(first) && calls++ == stopAt) {
          stopped.countDown();
          try {
            goOn.await();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        }
      }

      @Override
      public String describe() {
        return inner().describe();
      }

      @Override
      public long load(long offset, int bytes) {
        if (steps[0].kind == Kind.GET) {
          call();
        }
        return super.load(offset, bytes);
      }

      @Override
      public void store(long offset, int bytes, long value) {
        call();
        super.store(offset, bytes, value);
      }

      @Override
      public boolean compareAndSet(long offset, long expected, long value) {
        call();
        return super.compareAndSet(offset, expected, value);
      }

      @Override
      public void copyIn(MemorySegment from, long offset) {
        call();
        super.copyIn(from, offset);
      }

      @Override
      public MemorySegment writable(long offset, long bytes, Arena arena) {
        call();
        return super.writable(offset, bytes, arena);
      }

      @Override
      public void persist(Lines lines) {
        call();
        inner().persist(lines);
      }

      @Override
      public void persistAndSurface(Lines lines) {
        call();
        inner().persistAndSurface(lines);
      }

      @Override
      public void persist(long offset, long bytes) {
        call();
        super.persist(offset, bytes);
      }

      @Override
      public void declare(Declaration what, long offset, long bytes) {
        super.declare(what, offset, bytes);
      }
    }
  }
}
