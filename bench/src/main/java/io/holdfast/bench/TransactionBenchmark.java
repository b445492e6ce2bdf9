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
import java.util.List;
import java.util.Map;

/**
 * Transactions of k writes of 8 bytes, each to another line of one block, beside libpmemobj in C
 * and LLPL, which is libpmemobj for Java; and those that free a block and allocate another.
 *
 * <p>Equal on all sides: the lines and their order, a pool of the same size in the same folder,
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
  static final int LIVE = 4096;

  /** The same number is in pmemobj.c. */
  private static final int MOST_THAT_GO = 10_000_000;

  private static final int BLOCK_BYTES = 64;

  /** What to reach with a number of writes, by held-back writes and by snapshots. */
  private record Aim(int words, double heldBack, double snapshots) {}

  private static final List<Aim> AIMS =
      List.of(new Aim(1, 0.30, 0.72), new Aim(10, 0.10, 0.20), new Aim(32, 0.08, 0.10));
  static final double ALLOCATION_GOAL = 0.5;
  private static final double PROCESS_GOAL = 0.2;
  private static final double FLOOR_GOAL = 1.15;

  static final String HELD_BACK = "holdfast, held back";
  static final String SNAPSHOTS = "holdfast, snapshots";
  static final String ONE_BY_ONE = "holdfast, one by one";
  static final String PMEMOBJ = "libpmemobj (C)";
  static final String LLPL = "LLPL (Java)";
  static final String ONE_FENCE = "loop in C, one fence";
  static final String THREE_FENCES = "loop in C, three fences";

  private static final String LOOP = "the loop in C";
  static final Map<String, String> FLUSHING = Map.of("PMEM_IS_PMEM_FORCE", "1");
  private static final Map<String, String> SETTLED =
      Map.of("PMEM_IS_PMEM_FORCE", "1", "PMEM_NO_FLUSH", "1");

  @Override
  public String name() {
    return "tx";
  }

  @Override
  public String title() {
    return "transactions of k writes of 8 bytes, beside libpmemobj, LLPL and a loop in C";
  }

  @Override
  public void run(Setting setting) throws IOException {
    withFlushing(setting.withLongTurns());
    withoutFlushing(setting.withLongTurns());
  }

  private static void withFlushing(Setting setting) throws IOException {
    try (PersistentRegion region = setting.region("tx", POOL_BYTES, Granularity.LINE);
        Pool pool = Pool.create(region, "bench");
        Rivals rivals = new Rivals(setting.journal())) {
      setting.describe(region);
      setting.note(
          "fences: held back 1, snapshots in one call 3, one by one k + 2; libpmemobj, and LLPL which"
              + " is libpmemobj through JNI, 2k + 3");
      setting.note(
          "unlike: ours also claim what they write, so that no lock is needed beside them");
      rivals.start(PMEMOBJ, () -> library(setting, "flushed.pool", POOL_BYTES, FLUSHING));
      rivals.start(LLPL, () -> llpl(setting));
      rivals.start(LOOP, () -> PersistBenchmark.floor(setting, region));
      rivals.awaitReady();
      for (int words : setting.effort().words()) {
        setting.run(writes(region, pool, rivals, words));
      }
      setting.run(allocations(pool, rivals));
    }
  }

  private static void withoutFlushing(Setting setting) throws IOException {
    try (PersistentRegion region = setting.region("process", POOL_BYTES, Granularity.NONE);
        Pool pool = Pool.create(region, "bench");
        Rivals rivals = new Rivals(setting.journal())) {
      setting.describe(region);
      rivals.start(PMEMOBJ, () -> library(setting, "unflushed.pool", POOL_BYTES, SETTLED));
      rivals.awaitReady();
      Race race = new Race("k = 1, no flushing", 1);
      race.ours(HELD_BACK, Contestant.timed(heldBack(pool, area(pool), 1)));
      rivals.enter(race, PMEMOBJ, "tx", 1);
      setting.run(race.goal(HELD_BACK, PMEMOBJ, PROCESS_GOAL));
    }
  }

  private static Race writes(PersistentRegion region, Pool pool, Rivals rivals, int words) {
    long area = area(pool);
    Race race = new Race("k = " + words, words);
    race.ours(HELD_BACK, Contestant.timed(heldBack(pool, area, words)));
    race.ours(SNAPSHOTS, Contestant.timed(snapshots(pool, region, area, words)));
    race.ours(ONE_BY_ONE, snapshotsOneByOne(pool, area, words));
    rivals.enter(race, PMEMOBJ, "tx", words);
    rivals.enter(race, LLPL, "tx", words);
    rivals.enter(race, LOOP, ONE_FENCE, "one", words);
    rivals.enter(race, LOOP, THREE_FENCES, "three", words);
    for (Aim aim : AIMS) {
      if (aim.words == words) {
        race.goal(HELD_BACK, PMEMOBJ, aim.heldBack).goal(SNAPSHOTS, PMEMOBJ, aim.snapshots);
        race.goal(HELD_BACK, ONE_FENCE, FLOOR_GOAL).goal(SNAPSHOTS, THREE_FENCES, FLOOR_GOAL);
      }
    }
    return race;
  }

  private static Race allocations(Pool pool, Rivals rivals) {
    Race race = new Race("free and allocate 64 bytes", 1);
    race.ours(HELD_BACK, Contestant.timed(replacing(pool, LIVE)));
    rivals.enter(race, PMEMOBJ, "alloc", LIVE);
    rivals.enter(race, LLPL, "alloc", LIVE);
    return race.goal(HELD_BACK, PMEMOBJ, ALLOCATION_GOAL);
  }

  // ---- theirs

  static Program library(
      Setting setting, String file, long poolBytes, Map<String, String> environment)
      throws IOException, Unavailable {
    Path program = Gcc.compile("pmemobj.c", "pmemobj", setting.folder(), "-lpmemobj");
    return Program.start(
        environment,
        List.of(
            program.toString(),
            setting.folder().resolve(file).toString(),
            "" + poolBytes,
            "" + (Walk.BYTES + Lines.LINE_BYTES)));
  }

  private static Program llpl(Setting setting) throws IOException, Unavailable {
    if (TransactionBenchmark.class.getResource("/com/intel/pmem/llpl/AnyHeap.class") == null) {
      throw new Unavailable("it is not on the class path");
    }
    String file = setting.folder().resolve("llpl.pool").toString();
    return Program.start(
        FLUSHING,
        JavaCommand.of(
            LlplWorker.class.getName(),
            List.of("-Xmx256m", "--sun-misc-unsafe-memory-access=allow"),
            List.of(file, "" + POOL_BYTES)));
  }

  // ---- ours

  /** The first line of a block in which there is room for the walk. */
  static long area(Pool pool) {
    Block block = pool.root("area", Type.block(Walk.BYTES + Lines.LINE_BYTES));
    return (block.offset() + Lines.LINE_BYTES - 1) & -Lines.LINE_BYTES;
  }

  static Contestant.Loop heldBack(Pool pool, long area, int words) {
    Walk walk = new Walk();
    return operations -> {
      for (long value = 0; value < operations; value++) {
        try (Transaction tx = pool.begin()) {
          for (int i = 0; i < words; i++) {
            tx.setLong(area + walk.offset(i), value);
          }
          tx.commit();
        }
        walk.next();
      }
    };
  }

  static Contestant.Loop snapshots(Pool pool, PersistentRegion region, long area, int words) {
    Walk walk = new Walk();
    Ranges ranges = new Ranges();
    return operations -> {
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
    };
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

  /**
   * All blocks are written once before, because the first touch of a page is the kernel's work.
   * Those that come and go are spread over all of them, ten million at most.
   */
  static Contestant.Loop replacing(Pool pool, int count) {
    return replacing(pool, count, Math.ceilDiv(count, MOST_THAT_GO));
  }

  /** Of each so many blocks, one comes and goes. */
  static Contestant.Loop replacing(Pool pool, int count, int step) {
    Block[] live = new Block[Math.ceilDiv(count, step)];
    for (int i = 0; i < count; i++) {
      Block block = pool.call(tx -> filled(pool, tx, (byte) 1));
      if (i % step == 0) {
        live[i / step] = block;
      }
    }
    Random random = new Random(1);
    return operations -> {
      for (long value = 0; value < operations; value++) {
        int which = random.below(live.length);
        Block block;
        try (Transaction tx = pool.begin()) {
          pool.free(tx, live[which]);
          block = filled(pool, tx, (byte) value);
          tx.commit();
        }
        live[which] = block;
      }
    };
  }

  private static Block filled(Pool pool, Transaction tx, byte value) {
    Block block = pool.allocate(tx, BLOCK_BYTES);
    tx.edit(block).fill().fill(value);
    return block;
  }
}
