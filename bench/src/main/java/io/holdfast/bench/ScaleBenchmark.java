// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import io.holdfast.flush.Granularity;
import io.holdfast.flush.Lines;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.heap.Block;
import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What a transaction costs in pools of any size, among any number of live blocks, and by several
 * threads at once: it should always be the same.
 *
 * <p>Pools of all sizes are open at once and take turns; little of each is used, so that a large
 * one is no larger in memory. So do pools with few and with many live blocks; there the caches of
 * the processor have a part in it, as the same with libpmemobj shows. With threads, the time is
 * that on the wall for all that they do together, and a loop that shares nothing shows what two
 * threads of this machine reach at best.
 */
final class ScaleBenchmark implements Benchmark {
  static final String REPLACE = "holdfast, free and allocate";
  static final String PMEMOBJ = "libpmemobj (C), free and allocate";
  static final String LIVE = " live blocks";

  private static final String HELD_BACK = "holdfast, held back, k = 1";
  private static final String LIBRARY = "libpmemobj (C)";
  private static final String ONE = "1 thread";
  private static final String TWO = "2 threads";
  private static final String VIRTUAL = "%d virtual threads".formatted(ScaleBenchmark.MANY);
  private static final int MANY = 1000;
  private static final double FLAT = 1.1;
  private static final double TWICE = 1.8;

  /** What a live block takes in a pool, generously: theirs have headers. */
  private static final long BLOCK_BYTES = 192;

  private static final long POOL_BYTES = 64L << 20;
  private static final long MAP_ENTRY_BYTES = 512;

  /** Takes every result, so that none can be left out. */
  private volatile long sink;

  @Override
  public String name() {
    return "scale";
  }

  @Override
  public String title() {
    return "transactions in large pools, among many live blocks, and by many threads";
  }

  @Override
  public void run(Setting setting) throws IOException {
    poolSizes(setting.withLongTurns());
    liveBlocks(setting.withLongTurns().withLongTurns());
    threads(setting.withLongTurns().withLongTurns());
  }

  // ---- the size of the pool

  /** A region over a file with holes, of which only what is used takes memory. */
  private static PersistentRegion sparse(Path file, long bytes) throws IOException {
    try (RandomAccessFile empty = new RandomAccessFile(file.toFile(), "rw")) {
      empty.setLength(bytes);
    }
    return PersistentRegion.over(Medium.assuming(file, Granularity.LINE));
  }

  private static void poolSizes(Setting setting) throws IOException {
    List<Open> open = new ArrayList<>();
    try {
      List<Contestant> contestants = new ArrayList<>();
      for (long bytes : setting.effort().sparseBytes()) {
        Open one = Open.of(setting.folder().resolve("sparse" + bytes), bytes);
        open.add(one);
        long area = TransactionBenchmark.area(one.pool);
        contestants.add(Contestant.timed(TransactionBenchmark.heldBack(one.pool, area, 1)));
        contestants.add(
            Contestant.timed(TransactionBenchmark.replacing(one.pool, TransactionBenchmark.LIVE)));
      }
      setting.describe(open.getFirst().region);
      List<Series> series = Rounds.measure(setting.effort(), contestants);
      for (int i = 0; i < open.size(); i++) {
        int megabytes = (int) (setting.effort().sparseBytes()[i] >> 20);
        List<Figure> figures =
            List.of(
                Figure.of(HELD_BACK, series.get(2 * i), List.of()),
                Figure.of(REPLACE, series.get(2 * i + 1), List.of()));
        List<Goal> goals = new ArrayList<>();
        if (i > 0) {
          String over = " / in the smallest pool";
          goals.add(flat(HELD_BACK + over, series.get(2 * i).over(series.get(0))));
          goals.add(flat(REPLACE + over, series.get(2 * i + 1).over(series.get(1))));
        }
        String what = "pool of " + megabytes + " MB";
        setting.journal().row(new Row(what, megabytes, Unit.NANOS, figures, goals));
      }
    } finally {
      for (Open one : open) {
        one.close();
      }
    }
  }

  private static Goal flat(String what, Series ratio) {
    return Goal.of(what, Unit.NANOS, FLAT, Figure.rounded(ratio.median()));
  }

  /** A pool that is open, over a file of its own that goes with it. */
  private record Open(Path file, PersistentRegion region, Pool pool) implements AutoCloseable {
    static Open of(Path file, long bytes) throws IOException {
      PersistentRegion region = sparse(file, bytes);
      return new Open(file, region, Pool.create(region, "bench"));
    }

    @Override
    public void close() throws IOException {
      pool.close();
      region.close();
      Files.delete(file);
    }
  }

  // ---- live blocks

  private static void liveBlocks(Setting setting) throws IOException {
    int[] counts = setting.effort().liveBlocks();
    List<Open> open = new ArrayList<>();
    List<Rivals> rivals = new ArrayList<>();
    try {
      List<Contestant> contestants = new ArrayList<>();
      for (int count : counts) {
        long bytes = POOL_BYTES + BLOCK_BYTES * count;
        open.add(Open.of(setting.folder().resolve("live" + count), bytes));
        contestants.add(
            Contestant.timed(TransactionBenchmark.replacing(open.getLast().pool, count)));
        rivals.add(library(setting, count, bytes));
      }
      int[] theirs = new int[counts.length]; // 0 is none: the first contestant is ours
      for (int i = 0; i < counts.length; i++) {
        if (rivals.get(i).has(LIBRARY)) {
          theirs[i] = contestants.size();
          contestants.add(rivals.get(i).command(LIBRARY, "alloc", counts[i]));
        }
      }
      List<Series> series = Rounds.measure(setting.effort(), contestants);
      for (int i = 0; i < counts.length; i++) {
        Series other = theirs[i] == 0 ? null : series.get(theirs[i]);
        setting.journal().row(liveBlocks(counts[i], series.get(i), other));
      }
    } finally {
      for (Rivals one : rivals) {
        one.close();
      }
      for (Open one : open) {
        one.close();
      }
    }
  }

  private static Row liveBlocks(int count, Series ours, Series theirs) {
    List<Figure> figures = new ArrayList<>(List.of(Figure.of(REPLACE, ours, List.of())));
    List<Goal> goals = new ArrayList<>();
    if (theirs != null) {
      Figure.Ratio ratio = Figure.Ratio.of(REPLACE, ours.over(theirs));
      figures.add(Figure.of(PMEMOBJ, theirs, List.of(ratio)));
      String over = REPLACE + " / " + PMEMOBJ;
      goals.add(Goal.of(over, Unit.NANOS, TransactionBenchmark.ALLOCATION_GOAL, ratio.median()));
    }
    return new Row(count + LIVE, count, Unit.NANOS, figures, goals);
  }

  /** A pool of libpmemobj's, if there is room for it: it takes all of its file at once. */
  private static Rivals library(Setting setting, int count, long bytes) throws IOException {
    Rivals rivals = new Rivals(setting.journal());
    rivals.start(
        LIBRARY,
        () -> {
          long room = Files.getFileStore(setting.folder()).getUsableSpace();
          if (room < bytes + POOL_BYTES) {
            throw new Unavailable(
                "its pool with %d%s takes %d bytes, and %d are free in %s"
                    .formatted(count, LIVE, bytes, room, setting.folder()));
          }
          return TransactionBenchmark.library(
              setting, "theirs" + count, bytes, TransactionBenchmark.FLUSHING);
        });
    rivals.awaitReady();
    return rivals;
  }

  // ---- threads

  private void threads(Setting setting) throws IOException {
    int entries = setting.effort().mapEntries();
    Path file = setting.folder().resolve("threads");
    try (ExecutorService two = Executors.newFixedThreadPool(2);
        ExecutorService many = Executors.newVirtualThreadPerTaskExecutor();
        Open one = Open.of(file, POOL_BYTES + MAP_ENTRY_BYTES * entries)) {
      setting.note(VIRTUAL + " have " + Runtime.getRuntime().availableProcessors() + " processors");
      Work counting = (worker, operations) -> sink = sum(worker, operations);
      compare(setting, "nothing shared, no transaction", counting, two, many);
      compare(setting, "a line, no transaction", new LinesOnly(one, null), two, many);
      AtomicLong counter = new AtomicLong();
      String shared = "a line, and a counter that is shared";
      compare(setting, shared, new LinesOnly(one, counter), two, many);
      compare(setting, "held back, k = 1, blocks apart", new Words(one.pool), two, many);
      compare(setting, "map put, random keys", new Puts(one.pool, entries), two, many);
    }
  }

  /** What one of several threads does. */
  private interface Work {
    void run(int worker, long operations);
  }

  private static long sum(int worker, long operations) {
    Random random = new Random(worker + 1L);
    long sum = 0;
    for (long i = 0; i < 50 * operations; i++) {
      sum += random.below(1000);
    }
    return sum;
  }

  /**
   * Each thread stores to a line of its own and awaits it: what a transaction takes at least. With
   * a counter that all of them count up, as they would have to if they counted their commits.
   */
  private record LinesOnly(PersistentRegion region, long area, AtomicLong counter) implements Work {
    private static final long APART = 8L * Lines.LINE_BYTES;

    LinesOnly(Open one, AtomicLong counter) {
      this(one.region, TransactionBenchmark.area(one.pool), counter);
    }

    @Override
    public void run(int worker, long operations) {
      long word = area + worker * APART;
      for (long i = 0; i < operations; i++) {
        region.putLong(word, counter == null ? i : counter.incrementAndGet());
        region.persist(word, Long.BYTES);
      }
    }
  }

  /** Each thread writes to a block of its own, since a block is what a transaction claims. */
  private static final class Words implements Work {
    private static final int LINES_EACH = 16;

    private final Pool pool;
    private final long[] areas = new long[MANY];

    Words(Pool pool) {
      this.pool = pool;
      for (int i = 0; i < MANY; i++) {
        Block block = pool.call(tx -> pool.allocate(tx, (LINES_EACH + 1) * Lines.LINE_BYTES));
        areas[i] = block.offset() + Lines.LINE_BYTES - 1 & -Lines.LINE_BYTES;
      }
    }

    @Override
    public void run(int worker, long operations) {
      for (long i = 0; i < operations; i++) {
        long word = areas[worker] + i % LINES_EACH * Lines.LINE_BYTES;
        long value = i;
        pool.run(tx -> tx.setLong(word, value));
      }
    }
  }

  /** All threads put values into one map. */
  private static final class Puts implements Work {
    private final PersistentMap<String, byte[]> map;
    private final String[] keys;
    private final byte[] value = new byte[MapWorker.VALUE_BYTES];

    Puts(Pool pool, int entries) {
      this.map = pool.root("map", Type.map(Codec.STRING, Codec.BYTES));
      this.keys = Keys.texts(entries);
      for (String key : keys) {
        map.set(key, value);
      }
    }

    @Override
    public void run(int worker, long operations) {
      Random random = new Random(System.nanoTime() + worker);
      for (long i = 0; i < operations; i++) {
        map.set(keys[random.below(keys.length)], value);
      }
    }
  }

  private static void compare(
      Setting setting, String what, Work work, ExecutorService two, ExecutorService many)
      throws IOException {
    Race race = new Race(what, 0, Unit.PER_SECOND);
    race.ours(TWO, by(2, two, work));
    race.ours(VIRTUAL, by(MANY, many, work));
    race.theirs(ONE, by(1, two, work));
    race.goal(TWO, ONE, TWICE);
    setting.run(race);
  }

  private static Contestant by(int workers, ExecutorService threads, Work work) {
    return operations -> {
      long begin = System.nanoTime();
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < workers; i++) {
        int worker = i;
        all.add(threads.submit(() -> work.run(worker, Math.max(1, operations / workers))));
      }
      try {
        for (Future<?> one : all) {
          one.get();
        }
      } catch (InterruptedException | ExecutionException e) {
        throw new IOException(e);
      }
      return System.nanoTime() - begin;
    };
  }
}
