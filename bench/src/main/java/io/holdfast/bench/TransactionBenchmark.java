// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import io.holdfast.flush.Granularity;
import io.holdfast.flush.Lines;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.heap.Block;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import io.holdfast.tx.Ranges;
import io.holdfast.tx.Transaction;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Transactions of 1, 10, 32 writes of 8 bytes, each to another line of one block, beside libpmemobj
 * in C; and those that free a block and allocate another.
 *
 * <p>Equal on both sides: the lines and their order, a pool of the same size in the same folder,
 * whose allocator made the block; one thread; all is durable when the commit returns. libpmemobj is
 * told by {@code PMEM_IS_PMEM_FORCE} to write cache lines back, as ours does under {@code LINE};
 * for durability PROCESS it is told by {@code PMEM_NO_FLUSH} not to.
 *
 * <p>Not equal, and the point: how many fences a transaction takes. <em>Held back</em>: ours logs
 * new values, with one fence, and the lines that it stores afterwards are written back with the
 * next transaction's fence. <em>Snapshots</em>: ours logs old contents as libpmemobj does, all in
 * one call, with three fences in all. <em>One by one</em>: a call for each, the same program as in
 * C; k + 2 fences. libpmemobj takes 2k + 3. Ours also claims what it writes, so that two
 * transactions can never undo each other's bytes; libpmemobj leaves that to locks of the caller's,
 * of which there is none here.
 *
 * <p>The loop in C has our fences and lines and nothing else: the same bytes logged past the cache,
 * the same lines written back. What is above it is what Java and the bookkeeping cost.
 */
final class TransactionBenchmark implements Benchmark {
  private static final long POOL_BYTES = 32 << 20;
  private static final int LIVE = 4096;
  private static final int BLOCK_BYTES = 64;

  /** A number of writes, and what to reach with it, by held-back writes and by snapshots. */
  private record Size(int words, double heldBack, double snapshots) {}

  private static final List<Size> SIZES =
      List.of(new Size(1, 0.30, 0.72), new Size(10, 0.10, 0.20), new Size(32, 0.08, 0.10));
  private static final double ALLOCATION_GOAL = 0.5;
  private static final double PROCESS_GOAL = 0.2;
  private static final double FLOOR_GOAL = 1.15;

  @Override
  public String name() {
    return "tx";
  }

  @Override
  public String title() {
    return "transactions of k writes of 8 bytes, beside libpmemobj and a loop in C";
  }

  @Override
  public void run(Setting setting) throws IOException {
    try (PersistentRegion region = setting.region("tx", POOL_BYTES, Granularity.LINE);
        Pool pool = Pool.create(region, "bench")) {
      setting.describe(region);
      besideLibrary(setting, region, pool);
      besideLoop(setting, region, pool);
    }
    try (PersistentRegion region = setting.region("process", POOL_BYTES, Granularity.NONE);
        Pool pool = Pool.create(region, "bench")) {
      setting.describe(region);
      withoutFlushing(setting, pool);
    }
  }

  // ---- beside libpmemobj

  private static NativeProgram library(
      Setting setting, String file, Map<String, String> environment)
      throws IOException, NativeProgram.Unavailable {
    Path program = NativeProgram.compile("pmemobj.c", setting.folder(), "-lpmemobj");
    return NativeProgram.start(
        environment,
        List.of(
            program.toString(),
            setting.folder().resolve(file).toString(),
            "" + POOL_BYTES,
            "" + (Walk.BYTES + Lines.LINE_BYTES)));
  }

  private static void besideLibrary(Setting setting, PersistentRegion region, Pool pool)
      throws IOException {
    Map<String, String> flushing = Map.of("PMEM_IS_PMEM_FORCE", "1");
    Table table = new Table(setting.out(), "libpmemobj");
    try (NativeProgram library = library(setting, "flushed.pool", flushing)) {
      for (Size size : SIZES) {
        List<Contestant> contestants = ours(region, pool, size.words);
        contestants.add(library.command("tx", size.words));
        List<Series> times = Rounds.measure(setting.effort(), contestants);
        Series theirs = times.get(3);
        String k = "k = " + size.words + ", ";
        table.row(k + "held back", times.get(0), theirs, size.heldBack);
        table.row(k + "snapshots in one call", times.get(1), theirs, size.snapshots);
        table.row(k + "snapshots one by one", times.get(2), theirs);
      }
      List<Contestant> both = List.of(replacing(pool), library.command("alloc", LIVE));
      List<Series> times = Rounds.measure(setting.effort(), both);
      table.row("free and allocate 64 bytes", times.get(0), times.get(1), ALLOCATION_GOAL);
    } catch (NativeProgram.Unavailable e) {
      setting.note("no libpmemobj (Debian: libpmemobj-dev): " + e.getMessage());
      for (Size size : SIZES) {
        List<Series> times = Rounds.measure(setting.effort(), ours(region, pool, size.words));
        String k = "k = " + size.words + ", ";
        table.rowAlone(k + "held back", times.get(0));
        table.rowAlone(k + "snapshots in one call", times.get(1));
        table.rowAlone(k + "snapshots one by one", times.get(2));
      }
      List<Series> times = Rounds.measure(setting.effort(), List.of(replacing(pool)));
      table.rowAlone("free and allocate 64 bytes", times.get(0));
    }
  }

  private static void withoutFlushing(Setting setting, Pool pool) throws IOException {
    Map<String, String> settled = Map.of("PMEM_IS_PMEM_FORCE", "1", "PMEM_NO_FLUSH", "1");
    Contestant ours = heldBack(pool, area(pool), 1);
    Table table = new Table(setting.out(), "libpmemobj");
    try (NativeProgram library = library(setting, "unflushed.pool", settled)) {
      List<Series> times =
          Rounds.measure(setting.effort(), List.of(ours, library.command("tx", 1)));
      table.row("k = 1, held back, no flushing", times.get(0), times.get(1), PROCESS_GOAL);
    } catch (NativeProgram.Unavailable e) {
      List<Series> times = Rounds.measure(setting.effort(), List.of(ours));
      table.rowAlone("k = 1, held back, no flushing", times.get(0));
    }
  }

  // ---- beside a loop

  private static void besideLoop(Setting setting, PersistentRegion region, Pool pool)
      throws IOException {
    try (NativeProgram loop = PersistBenchmark.floor(setting, region)) {
      Table table = new Table(setting.out(), "C loop");
      long area = area(pool);
      for (Size size : SIZES) {
        int words = size.words;
        List<Contestant> contestants =
            List.of(
                heldBack(pool, area, words),
                loop.command("one", words),
                snapshots(pool, region, area, words),
                loop.command("three", words));
        List<Series> times = Rounds.measure(setting.effort(), contestants);
        String k = "k = " + words + ", ";
        table.row(k + "held back, one fence", times.get(0), times.get(1), FLOOR_GOAL);
        table.row(k + "snapshots, three fences", times.get(2), times.get(3), FLOOR_GOAL);
      }
    } catch (NativeProgram.Unavailable e) {
      setting.note("no loop in C: " + e.getMessage());
    }
  }

  // ---- ours

  /** The first line of a block in which there is room for the walk. */
  static long area(Pool pool) {
    Block block = pool.root("area", Type.block(Walk.BYTES + Lines.LINE_BYTES));
    return (block.offset() + Lines.LINE_BYTES - 1) & -Lines.LINE_BYTES;
  }

  private static List<Contestant> ours(PersistentRegion region, Pool pool, int words) {
    long area = area(pool);
    List<Contestant> ours = new ArrayList<>();
    ours.add(heldBack(pool, area, words));
    ours.add(snapshots(pool, region, area, words));
    ours.add(snapshotsOneByOne(pool, area, words));
    return ours;
  }

  static Contestant heldBack(Pool pool, long area, int words) {
    Walk walk = new Walk();
    return Contestant.timed(operations -> {
      for (long value = 0; value < operations; value++) {
        try (Transaction tx = pool.begin()) {
          for (int i = 0; i < words; i++) {
            tx.setLong(area + walk.offset(i), value);
          }
          tx.commit();
        }
        walk.next();
      }
    });
  }

  private static Contestant snapshots(Pool pool, PersistentRegion region, long area, int words) {
    Walk walk = new Walk();
    Ranges ranges = new Ranges();
    return Contestant.timed(operations -> {
      for (long value = 0; value < operations; value++) {
        try (Transaction tx = pool.begin()) {
          ranges.clear();
          for (int i = 0; i < words; i++) {
            ranges.add(area + walk.offset(i), Long.BYTES);
          }
          tx.snapshot(ranges);
          for (int i = 0; i < words; i++) {
            region.putLong(area + walk.offset(i), value);
          }
          tx.commit();
        }
        walk.next();
      }
    });
  }

  private static Contestant snapshotsOneByOne(Pool pool, long area, int words) {
    Walk walk = new Walk();
    return Contestant.timed(operations -> {
      for (long value = 0; value < operations; value++) {
        try (Transaction tx = pool.begin()) {
          for (int i = 0; i < words; i++) {
            MemorySegment word = tx.snapshot(area + walk.offset(i), Long.BYTES);
            word.set(ValueLayout.JAVA_LONG, 0, value);
          }
          tx.commit();
        }
        walk.next();
      }
    });
  }

  private static Contestant replacing(Pool pool) {
    Block[] live = new Block[LIVE];
    for (int i = 0; i < LIVE; i++) {
      live[i] = pool.call(tx -> pool.allocate(tx, BLOCK_BYTES));
    }
    Random random = new Random(1);
    return Contestant.timed(operations -> {
      for (long value = 0; value < operations; value++) {
        int which = random.below(LIVE);
        Block block;
        try (Transaction tx = pool.begin()) {
          pool.free(tx, live[which]);
          block = pool.allocate(tx, BLOCK_BYTES);
          tx.edit(block).fill().fill((byte) value);
          tx.commit();
        }
        live[which] = block;
      }
    });
  }
}
