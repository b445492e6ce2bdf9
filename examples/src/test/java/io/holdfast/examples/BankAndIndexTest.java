// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.examples.BankAndIndex.Hoard;
import io.holdfast.flush.Durability;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class BankAndIndexTest {
  private static final long SEED = 4;
  private static final int HOARDER = 4;

  private final BankAndIndex program = new BankAndIndex();
  private final Map<Integer, Long> acknowledged = new ConcurrentHashMap<>();
  private PersistentRegion region;

  @BeforeEach
  void create() {
    region = PersistentRegion.over(Medium.inMemory(program.leastSize()));
    program.create(region, SEED);
  }

  @AfterEach
  void close() {
    region.close();
  }

  /** Works until the hoarder has done so many operations more. */
  private void work(long operations) throws InterruptedException {
    long end = acknowledged.getOrDefault(HOARDER, 0L) + operations;
    BankAndIndex.workWhile(
        () -> acknowledged.getOrDefault(HOARDER, 0L) < end, region, SEED, acknowledged::put);
  }

  private void check() {
    program.check(region, SEED, acknowledged::get);
  }

  private void inPool(Consumer<Pool> body) {
    try (Pool pool = Pool.open(region, "bank and index")) {
      body.accept(pool);
    }
  }

  @Test
  void work_inASmallPool_fillsItAndGoesOn() throws Exception {
    for (int round = 0; round < 4; round++) {
      work(1500);
      check();
    }
    inPool(pool -> {
      Hoard hoard = pool.root("hoard", Hoard.TYPE);
      long full = hoard.done() - hoard.kept();
      assertTrue(full >= 3, "found full: " + full);
      assertTrue(hoard.thrown() > 0, "thrown away up to: " + hoard.thrown());
    });
    for (int worker = 0; worker < HOARDER; worker++) {
      assertTrue(acknowledged.get(worker) > 10, acknowledged::toString);
    }
  }

  /** Everything that can be checked of a full pool holds of one that has grown, too. */
  @Test
  void work_inAPoolThatBeginsSmall_growsToItsRegion() throws Exception {
    long seed =
        LongStream.range(0, 100)
            .filter(some -> BankAndIndex.firstSize(some, region.size()) < region.size())
            .findFirst()
            .getAsLong();
    program.create(region, seed);
    for (int round = 0; round < 3; round++) {
      long end = acknowledged.getOrDefault(HOARDER, 0L) + 1500;
      BankAndIndex.workWhile(
          () -> acknowledged.getOrDefault(HOARDER, 0L) < end, region, seed, acknowledged::put);
      program.check(region, seed, acknowledged::get);
    }
    inPool(pool -> assertEquals(region.size(), pool.info().size()));
  }

  /**
   * As in a partition, which may become as large as its device: what is kept does not go by that.
   */
  @Test
  void check_aRegionThatGrewWhileItWasFilled_sound(@TempDir Path folder) throws Exception {
    long seed = 312_515_094; // keeps nearly a region of values from the start
    long size = program.size(seed);
    try (PersistentRegion growing =
        PersistentRegion.create(folder.resolve("growing"), size, 4 * size, Durability.PROCESS)) {
      program.create(growing, seed);
      assertTrue(growing.size() > size, "not grown: " + growing.describe());
      BankAndIndex.workWhile(
          () -> acknowledged.getOrDefault(HOARDER, 0L) < 200, growing, seed, acknowledged::put);
      program.check(growing, seed, acknowledged::get);
    }
  }

  @Test
  void firstSize_ofManySeeds_isAllOrAPart() {
    long[] sizes =
        LongStream.range(0, 200).map(seed -> BankAndIndex.firstSize(seed, 1000)).toArray();
    long parts = LongStream.of(sizes).filter(size -> size >= 250 && size < 500).count();
    long whole = LongStream.of(sizes).filter(size -> size == 1000).count();
    assertEquals(200, parts + whole);
    assertTrue(parts > 60 && whole > 60, parts + " and " + whole);
  }

  @Test
  void check_aValueMissingOrAnother_found() throws Exception {
    work(100);
    check();
    inPool(pool -> {
      PersistentMap<Long, byte[]> values = pool.root("values", Type.map(Codec.LONG, Codec.BYTES));
      byte[] value = values.remove(7L);
      assertThrows(AssertionError.class, this::check);
      value[0]++;
      values.put(7L, value);
      assertThrows(AssertionError.class, this::check);
      value[0]--;
      values.put(7L, value);
    });
    check();
  }

  @Test
  void check_valuesThrownAwayThoughThePoolWasNotFull_found() throws Exception {
    work(100);
    check();
    inPool(pool -> {
      PersistentMap<Long, byte[]> values = pool.root("values", Type.map(Codec.LONG, Codec.BYTES));
      Hoard hoard = pool.root("hoard", Hoard.TYPE);
      pool.run(tx -> {
        long first = hoard.thrown() + 1;
        tx.edit(values).remove(first);
        tx.edit(hoard).thrown(first);
      });
    });
    assertThrows(AssertionError.class, this::check);
  }

  @Test
  void size_ofManySeeds_isFromTheLeastTo32MiB() {
    long least = program.leastSize();
    long[] sizes = LongStream.range(0, 200).map(program::size).sorted().toArray();
    assertTrue(sizes[0] >= least && sizes[0] < least * 5 / 4, "least: " + sizes[0]);
    assertTrue(sizes[199] <= 32 << 20 && sizes[199] > 25 << 20, "largest: " + sizes[199]);
    assertEquals(program.size(3), program.size(3));
  }
}
