// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import com.sun.management.ThreadMXBean;
import io.holdfast.flush.Granularity;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;

/**
 * How long single transactions take, up to the worst of ten million, beside libpmemobj; and what
 * each leaves on the Java heap.
 *
 * <p>Equal on all sides: what is done, as in {@link TransactionBenchmark}, and turns; the clock is
 * read once for each operation, whose time has one reading in it. Not equal: the times of ours are
 * in an {@code HdrHistogram}, exact to a thousandth, those of libpmemobj in a smaller one of its
 * program, exact to a hundredth; and ours run in a JVM, which stops threads to collect garbage, of
 * which the longest times tell.
 */
final class LatencyBenchmark implements Benchmark {
  static final String HELD_BACK = "holdfast, held back, k = 1";
  static final String SNAPSHOT = "holdfast, snapshot, k = 1";
  static final String PUT = "holdfast, map put";
  static final String REPLACE = "holdfast, free and allocate";
  static final String PMEMOBJ = "libpmemobj (C), k = 1";
  static final String PMEMOBJ_REPLACE = "libpmemobj (C), free and allocate";

  private static final String LIBRARY = "libpmemobj (C)";
  private static final long POOL_BYTES = 256L << 20;
  private static final int TURNS = 200;
  private static final int CLOCK_READINGS = 1_000_000;

  /** A handle that the caller keeps: an object of two references and a number. */
  private static final double HANDLE_BYTES = 32;

  /** How often a time is at least so long: once in so many. */
  private static final int[] ONE_IN = {2, 100, 1000};

  private static final List<String> NAMES = List.of("p50", "p99", "p99.9", "longest");

  @Override
  public String name() {
    return "latency";
  }

  @Override
  public String title() {
    return "the time of each single transaction, to the longest, and its garbage";
  }

  /** Somebody who times operations one by one. */
  private interface Timed {
    void run(int operations) throws IOException;

    /** Percentiles and the longest of what was timed since this was asked for last. */
    double[] times() throws IOException;
  }

  @Override
  public void run(Setting setting) throws IOException {
    setting.note("each time has one reading of the clock in it: " + clock());
    setting.note("%,d operations each, in %d turns".formatted(setting.effort().samples(), TURNS));
    setting.note("no spread: each figure is of all operations of all turns");
    setting.note("k = 1: a write of 8 bytes; a put gives one of the keys a value of 100 bytes");
    try (PersistentRegion region = setting.region("latency", POOL_BYTES, Granularity.LINE);
        Pool pool = Pool.create(region, "bench");
        Rivals rivals = new Rivals(setting.journal())) {
      setting.describe(region);
      rivals.start(
          LIBRARY,
          () ->
              TransactionBenchmark.library(
                  setting, "latency.pool", POOL_BYTES, TransactionBenchmark.FLUSHING));
      rivals.awaitReady();
      Map<String, Contestant.Loop> ours = new LinkedHashMap<>();
      long area = TransactionBenchmark.area(pool);
      ours.put(HELD_BACK, TransactionBenchmark.heldBack(pool, area, 1));
      ours.put(SNAPSHOT, TransactionBenchmark.snapshots(pool, region, area, 1));
      ours.put(PUT, puts(pool, setting.effort().mapEntries()));
      ours.put(REPLACE, TransactionBenchmark.replacing(pool, TransactionBenchmark.LIVE));
      Map<String, Timed> all = new LinkedHashMap<>();
      ours.forEach((name, loop) -> all.put(name, timed(loop)));
      if (rivals.has(LIBRARY)) {
        all.put(PMEMOBJ, theirs(rivals, "tx-each", 1, 0));
        all.put(PMEMOBJ_REPLACE, theirs(rivals, "alloc-each", TransactionBenchmark.LIVE, 1));
      }
      rows(setting, measure(setting.effort(), all));
      setting.journal().row(garbage(ours, setting.effort().samples()));
    }
  }

  private static String clock() {
    long last = 0;
    for (int pass = 0; pass < 2; pass++) {
      long begin = System.nanoTime();
      for (int i = 0; i < CLOCK_READINGS; i++) {
        last = System.nanoTime();
      }
      last -= begin;
    }
    return Unit.time((double) last / CLOCK_READINGS);
  }

  static Contestant.Loop puts(Pool pool, int entries) {
    PersistentMap<String, byte[]> map = pool.root("map", Type.map(Codec.STRING, Codec.BYTES));
    String[] keys = Keys.texts(entries);
    byte[] value = new byte[MapWorker.VALUE_BYTES];
    for (String key : keys) {
      map.set(key, value);
    }
    Random random = new Random(1);
    return operations -> {
      for (long i = 0; i < operations; i++) {
        map.set(keys[random.below(entries)], value);
      }
    };
  }

  private static Timed timed(Contestant.Loop loop) {
    Histogram histogram = new Histogram(3);
    return new Timed() {
      @Override
      public void run(int operations) {
        long last = System.nanoTime();
        for (int i = 0; i < operations; i++) {
          loop.run(1);
          long now = System.nanoTime();
          histogram.recordValue(now - last);
          last = now;
        }
      }

      @Override
      public double[] times() {
        double[] times = new double[NAMES.size()];
        for (int i = 0; i < ONE_IN.length; i++) {
          times[i] = histogram.getValueAtPercentile(100 - 100.0 / ONE_IN[i]);
        }
        times[ONE_IN.length] = histogram.getMaxValue();
        histogram.reset();
        return times;
      }
    };
  }

  private static Timed theirs(Rivals rivals, String command, int count, int kind) {
    return new Timed() {
      @Override
      public void run(int operations) throws IOException {
        rivals.ask(LIBRARY, command, count, operations);
      }

      @Override
      public double[] times() throws IOException {
        String[] words = rivals.ask(LIBRARY, "times", kind, 0).split(" ", -1);
        double[] times = new double[NAMES.size()];
        for (int i = 0; i < times.length; i++) {
          times[i] = Double.parseDouble(words[i]);
        }
        return times;
      }
    };
  }

  /** Warms all up with a tenth of the operations, forgets these, and lets all take turns. */
  private static Map<String, double[]> measure(Effort effort, Map<String, Timed> all)
      throws IOException {
    List<String> names = List.copyOf(all.keySet());
    for (Timed one : all.values()) {
      one.run(effort.samples() / 10);
    }
    Map<String, double[]> times = new LinkedHashMap<>();
    for (Timed one : all.values()) {
      one.times();
    }
    int turn = Math.max(1, effort.samples() / TURNS);
    for (int round = 0; round < effort.samples() / turn; round++) {
      for (int i = 0; i < names.size(); i++) {
        all.get(names.get((round + i) % names.size())).run(turn);
      }
    }
    for (String name : names) {
      times.put(name, all.get(name).times());
    }
    return times;
  }

  private static void rows(Setting setting, Map<String, double[]> times) {
    for (int i = 0; i < NAMES.size(); i++) {
      int which = i;
      List<Figure> figures = new ArrayList<>();
      times.forEach((name, all) -> figures.add(figure(name, which, times)));
      int oneIn = i < ONE_IN.length ? ONE_IN[i] : setting.effort().samples();
      setting.journal().row(new Row(NAMES.get(i), oneIn, Unit.NANOS, figures, List.of()));
    }
  }

  private static Figure figure(String name, int which, Map<String, double[]> times) {
    double time = times.get(name)[which];
    List<Figure.Ratio> ratios = new ArrayList<>();
    for (String ours : beside(name)) {
      ratios.add(new Figure.Ratio(ours, Figure.rounded(times.get(ours)[which] / time), 0));
    }
    return new Figure(name, Figure.rounded(time), 0, ratios);
  }

  /** Ours that do the same as one of theirs. */
  private static List<String> beside(String name) {
    return switch (name) {
      case PMEMOBJ -> List.of(HELD_BACK, SNAPSHOT);
      case PMEMOBJ_REPLACE -> List.of(REPLACE);
      default -> List.of();
    };
  }

  /** All are warm by now. */
  private static Row garbage(Map<String, Contestant.Loop> ours, int samples) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    int operations = samples / 10;
    List<Figure> figures = new ArrayList<>();
    List<Goal> goals = new ArrayList<>();
    ours.forEach((name, loop) -> {
      long before = threads.getCurrentThreadAllocatedBytes();
      loop.run(operations);
      double bytes = threads.getCurrentThreadAllocatedBytes() - before;
      double each = Figure.rounded(bytes / operations);
      figures.add(new Figure(name, each, 0, List.of()));
      if (name.equals(HELD_BACK) || name.equals(SNAPSHOT)) {
        goals.add(Goal.of(name + ", B", Unit.BYTES, HANDLE_BYTES, each));
      }
    });
    return new Row("Java heap, for each", 0, Unit.BYTES, figures, goals);
  }
}
