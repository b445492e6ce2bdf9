// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.LongAdder;

/**
 * The process that has one of the maps: fills it, then puts and gets when it is told to. The time
 * is that on the wall, for all operations of all threads.
 */
final class MapWorker {
  static final int VALUE_BYTES = 100;
  static final int MOST_THREADS = 2;

  private static final int VALUES = 256;

  private final int entries;
  private final byte[][] values = new byte[VALUES][VALUE_BYTES];
  private final List<Hand> hands = new ArrayList<>();
  private final ExecutorService threads;

  /** Takes every result, so that none can be left out. */
  private final LongAdder sink = new LongAdder();

  private MapWorker(Store store, int entries, ExecutorService threads) throws Exception {
    this.entries = entries;
    this.threads = threads;
    for (int i = 0; i < VALUES; i++) {
      values[i][0] = (byte) i;
    }
    for (int i = 0; i < entries; i++) {
      store.load(i, values[i % VALUES]);
    }
    store.loaded();
    for (int i = 0; i < MOST_THREADS; i++) {
      hands.add(new Hand(store.session(), new Random(i + 1)));
    }
  }

  /** Begun by {@link MapBenchmark}: KIND FOLDER ENTRIES. */
  public static void main(String[] args) throws Exception {
    MapKind kind = MapKind.valueOf(args[0]);
    int entries = Integer.parseInt(args[2]);
    Store store = open(kind, Path.of(args[1]), entries);
    if (store == null) {
      return;
    }
    try (store;
        ExecutorService threads = Executors.newFixedThreadPool(MOST_THREADS)) {
      MapWorker worker = new MapWorker(store, entries, threads);
      Turns.take(store.description(), Map.of("put", worker::put, "get", worker::get));
    }
  }

  /** Others may be missing here; ours may not. */
  private static Store open(MapKind kind, Path folder, int entries) throws Exception {
    try {
      return kind.open(folder, entries);
    } catch (Exception | LinkageError e) {
      if (kind.isOurs()) {
        throw e;
      }
      Turns.missing(e);
      return null;
    }
  }

  private long put(int count, long operations) throws Exception {
    return all(count, hand -> hand.put(share(operations, count)));
  }

  private long get(int count, long operations) throws Exception {
    return all(count, hand -> hand.get(share(operations, count)));
  }

  private static long share(long operations, int threads) {
    return Math.max(1, operations / threads);
  }

  private interface Work {
    long run(Hand hand) throws Exception;
  }

  private long all(int count, Work work) throws Exception {
    long begin = System.nanoTime();
    if (count == 1) {
      sink.add(work.run(hands.getFirst()));
    } else {
      List<Callable<Long>> shares = new ArrayList<>();
      for (Hand hand : hands.subList(0, count)) {
        shares.add(() -> work.run(hand));
      }
      for (Future<Long> done : threads.invokeAll(shares)) {
        sink.add(done.get());
      }
    }
    return System.nanoTime() - begin;
  }

  /** What one thread works with. */
  private final class Hand {
    private final Store.Session session;
    private final Random random;
    private final byte[] own = new byte[VALUE_BYTES];

    Hand(Store.Session session, Random random) {
      this.session = session;
      this.random = random;
    }

    long put(long operations) throws Exception {
      for (long i = 0; i < operations; i++) {
        session.put(random.below(entries), values[random.below(VALUES)]);
      }
      return operations;
    }

    long get(long operations) throws Exception {
      long sum = 0;
      for (long i = 0; i < operations; i++) {
        sum += session.get(random.below(entries), own)[0];
      }
      return sum;
    }
  }
}
