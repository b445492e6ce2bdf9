// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import io.holdfast.flush.Granularity;
import io.holdfast.flush.Lines;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.heap.Pool;
import io.holdfast.tx.Transaction;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Single operations under JMH, for its profilers ({@code -prof gc}, {@code -prof perfasm}). Its
 * figures stand alone: on a machine that is shared, compare only what took turns.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 1, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class SingleOperations {
  private static final long POOL_BYTES = 32 << 20;

  /** How many writes a transaction has. */
  @Param({"1", "10"})
  public int words;

  private final Walk walk = new Walk();
  private Path file;
  private PersistentRegion region;
  private Pool pool;
  private long area;
  private long value;

  /** Makes a pool in a file. */
  @Setup(Level.Trial)
  public void open() throws IOException {
    file = Files.createTempFile(Bench.defaultFolder(), "holdfast-jmh-", ".pool");
    try (RandomAccessFile empty = new RandomAccessFile(file.toFile(), "rw")) {
      empty.setLength(POOL_BYTES);
    }
    region = PersistentRegion.over(Medium.assuming(file, Granularity.LINE));
    pool = Pool.create(region, "jmh");
    area = TransactionBenchmark.area(pool);
  }

  /** Removes it. */
  @TearDown(Level.Trial)
  public void close() throws IOException {
    pool.close();
    region.close();
    Files.delete(file);
  }

  /** A store and its persist. */
  @Benchmark
  public void persist() {
    long offset = area + walk.offset(0);
    region.putLong(offset, value++);
    region.persist(offset, Lines.LINE_BYTES);
    walk.next();
  }

  /** A transaction of held-back writes. */
  @Benchmark
  public void heldBack() {
    try (Transaction tx = pool.begin()) {
      for (int i = 0; i < words; i++) {
        tx.setLong(area + walk.offset(i), value);
      }
      tx.commit();
    }
    value++;
    walk.next();
  }

  /** A transaction that does nothing. */
  @Benchmark
  public void empty() {
    try (Transaction tx = pool.begin()) {
      tx.commit();
    }
  }
}
