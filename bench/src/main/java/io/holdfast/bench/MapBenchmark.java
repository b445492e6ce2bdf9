// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import io.holdfast.flush.Granularity;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.LongAdder;

/**
 * A persistent map from keys of 16 bytes to values of 100, beside a {@link ConcurrentHashMap} that
 * copies its values on the way in and out, as a map that is not to share memory with its caller
 * must.
 *
 * <p>Equal on both sides: keys, values, the random order, the threads. Not equal: ours writes the
 * key into each record, allocates and frees a block in a transaction, and can be killed at any
 * moment; theirs keeps the key object that it has, and is lost. {@code put} also hands out the old
 * value: ours reads and copies it, theirs hands out what it has. The goal for {@code put} is for
 * durability PROCESS; no map in memory pays for cache lines.
 */
final class MapBenchmark implements Benchmark {
  private static final int VALUE_BYTES = 100;
  private static final int VALUES = 256;

  /** What a map takes for each entry, generously. */
  private static final long ENTRY_BYTES = 512;

  private static final double PUT_GOAL = 1.5;
  private static final double GET_GOAL = 1.2;

  /** Takes every result, so that none can be left out. */
  private final LongAdder sink = new LongAdder();

  @Override
  public String name() {
    return "map";
  }

  @Override
  public String title() {
    return "hash map, 16-byte key to 100-byte value, beside a ConcurrentHashMap that copies values";
  }

  @Override
  public void run(Setting setting) throws IOException {
    int entries = setting.effort().mapEntries();
    String[] keys = new String[entries];
    for (int i = 0; i < entries; i++) {
      keys[i] = "key-%012d".formatted(i);
    }
    byte[][] values = new byte[VALUES][VALUE_BYTES];
    for (int i = 0; i < VALUES; i++) {
      values[i][0] = (byte) i;
    }
    ConcurrentHashMap<String, byte[]> plain = new ConcurrentHashMap<>(2 * entries);
    for (int i = 0; i < entries; i++) {
      plain.put(keys[i], values[i % VALUES].clone());
    }
    setting.note(entries + " entries");
    for (Granularity granularity : List.of(Granularity.NONE, Granularity.LINE)) {
      long bytes = Math.max(32L << 20, entries * ENTRY_BYTES);
      try (PersistentRegion region = setting.region("map" + granularity, bytes, granularity);
          Pool pool = Pool.create(region, "bench")) {
        setting.describe(region);
        PersistentMap<String, byte[]> map = pool.root("map", Type.map(Codec.STRING, Codec.BYTES));
        for (int i = 0; i < entries; i++) {
          map.put(keys[i], values[i % VALUES]);
        }
        compare(setting, new Maps(map, plain, keys, values), granularity);
      }
    }
  }

  /** Two maps with the same contents. */
  private record Maps(
      PersistentMap<String, byte[]> ours,
      ConcurrentHashMap<String, byte[]> theirs,
      String[] keys,
      byte[][] values) {
    String key(Random random) {
      return keys[random.below(keys.length)];
    }

    byte[] value(Random random) {
      return values[random.below(VALUES)];
    }
  }

  /** What one thread does once; returns something that depends on the result. */
  private interface Operation {
    long run(Random random);
  }

  private void compare(Setting setting, Maps maps, Granularity granularity) throws IOException {
    Operation ourPut = random -> length(maps.ours.put(maps.key(random), maps.value(random)));
    Operation theirPut =
        random -> length(maps.theirs.put(maps.key(random), maps.value(random).clone()));
    Operation ourGet = random -> maps.ours.get(maps.key(random))[0];
    Operation theirGet = random -> maps.theirs.get(maps.key(random)).clone()[0];
    Table table = new Table(setting.out(), "CHM, copied");
    for (int threads = 1; threads <= 2; threads++) {
      String by = threads == 1 ? "1 thread" : threads + " threads";
      try (ExecutorService workers = Executors.newFixedThreadPool(threads)) {
        Crew crew = new Crew(workers, threads);
        List<Series> puts =
            Rounds.measure(setting.effort(), List.of(crew.doing(ourPut), crew.doing(theirPut)));
        if (granularity == Granularity.NONE) {
          table.row("put, " + by, puts.get(0), puts.get(1), PUT_GOAL);
        } else {
          table.row("put, " + by, puts.get(0), puts.get(1));
        }
        List<Series> gets =
            Rounds.measure(setting.effort(), List.of(crew.doing(ourGet), crew.doing(theirGet)));
        table.row("get, " + by, gets.get(0), gets.get(1), GET_GOAL);
      }
    }
  }

  private static long length(byte[] value) {
    return value.length;
  }

  /** Threads that do an operation together, each with random numbers of its own. */
  private final class Crew {
    private final ExecutorService workers;
    private final int threads;

    Crew(ExecutorService workers, int threads) {
      this.workers = workers;
      this.threads = threads;
    }

    /** Time on the wall for all operations of all threads. */
    Contestant doing(Operation operation) {
      List<Random> randoms = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        randoms.add(new Random(i + 1));
      }
      return Contestant.timed(operations -> {
        List<Callable<Long>> shares = new ArrayList<>();
        for (Random random : randoms) {
          shares.add(() -> share(operation, random, Math.max(1, operations / threads)));
        }
        await(shares);
      });
    }

    private static long share(Operation operation, Random random, long operations) {
      long sum = 0;
      for (long i = 0; i < operations; i++) {
        sum += operation.run(random);
      }
      return sum;
    }

    private void await(List<Callable<Long>> shares) {
      try {
        for (Future<Long> done : workers.invokeAll(shares)) {
          sink.add(done.get());
        }
      } catch (ExecutionException e) {
        throw new IllegalStateException(e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }
  }
}
