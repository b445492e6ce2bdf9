// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.CrashModel;
import io.holdfast.crash.Explorer;
import io.holdfast.crash.TracingMedium;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Editable;
import io.holdfast.tx.Savepoint;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.Space;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Every operation of the heap, crashed at every point, with every image that recovery can tell
 * apart; of some, every recovery crashed again. What is found must be sound, without a leaked
 * block, and as it was before or after the operation that was under way.
 */
@Timeout(300)
class HeapCrashTest {
  private static final long LIMIT = 70_000;
  private static final long FEW = 20;

  /** How much of a large block is given contents. */
  private static final int FILLED = 2048;

  /** So many that rings are as small as they may be. */
  private static final int LANES_WITH_SMALL_RINGS = 14;

  private static final Type<PersistentMap<Long, String>> MAP = Type.map(Codec.LONG, Codec.STRING);
  private static final Type<PersistentBlocks> ARRAY = Type.blocks(512, 4);

  interface Node extends Editable<Node.Edit> {
    Type<Node> TYPE = Type.of(Node.class, MethodHandles.lookup());

    long number();

    String name();

    Node next();

    Block data();

    interface Edit extends Node {
      Edit number(long value);

      Edit name(String value);

      Edit next(Node value);

      Edit data(Block value);
    }
  }

  /** Something that a program does to a pool, acknowledged when it returns. */
  interface Step {
    void run(Pool pool);
  }

  // ---- the harness

  /** A pool as a program left it that was not crashed, nor closed it. */
  static long[] pool(Step... before) {
    TracingMedium medium = TracingMedium.ofSize(1 << 20);
    Pool pool = Pool.create(medium.region(), PoolBuilder.Mode.ON_A_REGION, "test", 1);
    for (Step step : before) {
      step.run(pool);
    }
    pool.close();
    return medium.image();
  }

  /** The same of a pool that can grow, and that has no free chunk. */
  private static long[] fullPool(int moreChunks, Step... before) {
    int most = (1 << 20) + moreChunks * PoolLayout.CHUNK_BYTES;
    TracingMedium medium = TracingMedium.ofSize(most);
    Pool.Extent extent = new Pool.Extent(1 << 20, LANES_WITH_SMALL_RINGS);
    Pool pool =
        Pool.create(
            medium.region(), PoolBuilder.Mode.ON_A_REGION, "test", extent, new SecureRandom());
    for (Step step : before) {
      step.run(pool);
    }
    in("n", (tx, node) -> tx.edit(node).number(1)).run(pool);
    allocateData(3000).run(pool);
    while (pool.info().largestFree() > 0) {
      boolean huge = pool.info().largestFree() > 600_000;
      pool.root("filler" + pool.roots().size(), Type.block(huge ? 530_000 : 60_000));
    }
    assertEquals(1 << 20, pool.info().size());
    pool.close();
    return medium.image();
  }

  /** Tries all crashes; see {@link #exhaustNested} for those of recoveries. */
  static void exhaust(long[] start, Step... steps) {
    exhaust(0, start, steps);
  }

  static void exhaustNested(long[] start, Step... steps) {
    exhaust(1, start, steps);
  }

  /** Also with a process that dies alone, under which less is logged. */
  private static void exhaust(int depth, long[] start, Step... steps) {
    for (CrashModel model : List.of(CrashModel.PROCESS, CrashModel.WORD)) {
      Explorer.Report report = explore(model, depth, LIMIT, start, steps);
      assertEquals(0, report.cappedPoints(), report::toString);
      assertEquals(List.of(), report.findings());
      assertTrue(report.states() > report.points(), report::toString);
    }
  }

  private static Explorer.Report explore(int depth, long limit, long[] start, Step... steps) {
    return explore(CrashModel.WORD, depth, limit, start, steps);
  }

  private static Explorer.Report explore(
      CrashModel model, int depth, long limit, long[] start, Step... steps) {
    List<String> states = new ArrayList<>();
    return Explorer.of(start)
        .model(model)
        .nested(depth)
        .limit(limit)
        .run(
            medium -> program(medium, states, steps),
            (region, marks) -> observe(region, marks, states));
  }

  private static void program(TracingMedium medium, List<String> states, Step... steps) {
    Pool pool = Pool.open(medium.region(), "test");
    states.add(contents(pool, pool.check()));
    medium.mark("open");
    for (Step step : steps) {
      step.run(pool);
      states.add(contents(pool, pool.check()));
      medium.mark("done");
    }
  }

  private static String observe(PersistentRegion region, List<String> marks, List<String> states) {
    Pool pool = Pool.open(region, "test");
    CheckReport check = pool.check();
    if (!check.problems().isEmpty() || !check.leaked().isEmpty()) {
      throw new AssertionError(check);
    }
    String seen = contents(pool, check);
    int done = Math.max(0, marks.size() - 1);
    List<String> allowed = states.subList(done, Math.min(done + 2, states.size()));
    if (!allowed.contains(seen)) {
      throw new AssertionError("found " + seen + ", allowed " + allowed);
    }
    return seen;
  }

  /** All that can be read of a pool, and how much is allocated. */
  static String contents(Pool pool, CheckReport check) {
    Map<String, String> roots = new TreeMap<>();
    for (RootInfo root : pool.roots()) {
      String text =
          switch (root.name().charAt(0)) {
            case 'm' -> new TreeMap<>(pool.root(root.name(), MAP)).toString();
            case 'n' -> node(pool.root(root.name(), Node.TYPE));
            case 'a' -> CollectionCrashTest.array(pool, root.name());
            case 'f' -> "full";
            case 'l' -> CollectionCrashTest.log(pool, root.name());
            default -> block(pool.root(root.name(), Type.block(64)));
          };
      roots.put(root.name(), text);
    }
    return roots + (roots.containsKey("mapThatSplits") ? "" : ", used=" + check.bytes());
  }

  private static String node(Node node) {
    StringBuilder text = new StringBuilder();
    for (Node at = node; at != null; at = at.next()) {
      text.append(at.number()).append(' ').append(at.name()).append(' ');
      text.append(at.data() == null ? "-" : block(at.data())).append("; ");
    }
    return text.toString();
  }

  private static String block(Block block) {
    MemorySegment view = block.view();
    long sum = 0;
    for (long at = 0; at < Math.min(block.size(), FILLED); at += 8) {
      sum = sum * 31 + view.get(JAVA_LONG_UNALIGNED, at);
    }
    return block.size() + ":" + Long.toHexString(sum);
  }

  private static Step in(String root, BiConsumer<Transaction, Node> body) {
    return pool -> {
      Node node = pool.root(root, Node.TYPE);
      pool.run(tx -> body.accept(tx, node));
    };
  }

  private static Step onMap(BiConsumer<Pool, PersistentMap<Long, String>> body) {
    return pool -> body.accept(pool, pool.root("map", MAP));
  }

  /** Its splits are transactions of their own, so that what is allocated may change before. */
  private static Step onSplittingMap(BiConsumer<Pool, PersistentMap<Long, String>> body) {
    return pool -> body.accept(pool, pool.root("mapThatSplits", MAP));
  }

  // ---- pools and roots

  /**
   * It is not enough that all can be read after a crash: it must be of use, and go away whole. So
   * many images as the limit says are tried of each point.
   */
  @Test
  void afterEachCrash_everythingIsOfUse_andNothingIsLeftWhenItIsDropped() {
    Explorer.Report report =
        Explorer.of(pool(HeapCrashTest::useAll))
            .limit(FEW)
            .run(
                medium -> {
                  Pool pool = Pool.open(medium.region(), "test");
                  PersistentMap<Long, String> map = pool.root("map", MAP);
                  Node node = pool.root("n", Node.TYPE);
                  pool.run(tx -> {
                    tx.edit(map).put(1L, "one");
                    tx.edit(map).put(3L, "three");
                    replaceNext(pool, tx, node);
                  });
                },
                (region, marks) -> {
                  Pool pool = Pool.open(region, "test");
                  useAll(pool);
                  assertTrue(pool.check().isClean(), pool.check()::toString);
                  dropAll(pool);
                  assertEquals(0, pool.check().bytes());
                  pool.close();
                  assertTrue(Pool.open(region, "test").check().isClean());
                  return "of use";
                });
    assertEquals(List.of(), report.findings());
    assertTrue(report.states() > report.points(), report::toString);
  }

  private static void useAll(Pool pool) {
    PersistentMap<Long, String> map = pool.root("map", MAP);
    map.put(1L, map.size() + " entries");
    map.merge(2L, "two", String::concat);
    assertEquals(map.size(), new TreeMap<>(map).size());
    map.remove(2L);
    PersistentLog log = pool.root("log", Type.log());
    log.append(new byte[20]);
    log.truncate(log.end());
    PersistentBlocks array = pool.root("array", ARRAY);
    array.write(0, new byte[array.blockBytes()]);
    array.write(1, new byte[array.blockBytes()]);
    array.trim(0);
    Node node = pool.root("n", Node.TYPE);
    pool.run(tx -> replaceNext(pool, tx, node));
    allocateData(3000).run(pool);
  }

  private static void replaceNext(Pool pool, Transaction tx, Node node) {
    Node next = node.next();
    tx.edit(node).next(pool.make(tx, Node.TYPE)).name("n" + node.number()).number(7);
    free(pool, tx, next);
  }

  private static void free(Pool pool, Transaction tx, Editable<?> target) {
    if (target != null) {
      pool.free(tx, target);
    }
  }

  private static void dropAll(Pool pool) {
    Node node = pool.root("n", Node.TYPE);
    pool.run(tx -> {
      free(pool, tx, node.next());
      free(pool, tx, node.data());
      pool.drop(tx, "n", Node.TYPE);
      pool.drop(tx, "map", MAP);
    });
    pool.run(tx -> pool.drop(tx, "log", Type.log()));
    pool.run(tx -> pool.drop(tx, "array", ARRAY));
  }

  @Test
  void creation_crashed_noPoolOrAnEmptyOne() {
    long[] garbage = new long[1 << 17];
    Arrays.setAll(garbage, i -> i * 0x9E3779B97F4A7C15L);
    List<String> kinds = new ArrayList<>();
    Explorer.Report report =
        Explorer.of(garbage)
            .nested(1)
            .limit(LIMIT)
            .run(
                medium -> {
                  Pool ignored =
                      Pool.create(medium.region(), PoolBuilder.Mode.ON_A_REGION, "test", 1);
                  medium.mark("created");
                },
                (region, marks) -> {
                  try {
                    Pool pool = Pool.open(region, "test");
                    assertEquals(List.of(), pool.check().problems());
                    assertEquals(0, pool.check().bytes());
                    kinds.add("pool");
                    return "pool";
                  } catch (PoolException.NotAPool | HoldfastException.Corrupt e) {
                    assertTrue(marks.isEmpty(), e::toString);
                    kinds.add("none");
                    return "none";
                  }
                });
    assertEquals(0, report.cappedPoints(), report::toString);
    assertEquals(List.of(), report.findings());
    assertTrue(kinds.contains("pool") && kinds.contains("none"));
  }

  @Test
  void roots_madeAndDropped() {
    exhaust(
        pool(),
        pool -> pool.root("map", MAP),
        pool -> pool.root("node", Node.TYPE),
        pool -> pool.root("block", Type.block(64)),
        pool -> pool.run(tx -> pool.drop(tx, "node", Node.TYPE)),
        pool ->
            pool.run(tx -> {
              pool.drop(tx, "map", MAP);
              pool.drop(tx, "block", Type.block(64));
            }));
  }

  /**
   * What was in memory before is taken for nothing, whatever of the new contents is durable. New
   * runs have too many words that differ; of these images so many as the limit says are tried.
   */
  @Test
  void roots_madeOverMemoryThatWasUsed() {
    long[] used = new long[1 << 17];
    Arrays.setAll(used, i -> i * 0x9E3779B97F4A7C15L);
    TracingMedium medium = new TracingMedium(used);
    Pool.create(medium.region(), PoolBuilder.Mode.ON_A_REGION, "test", 1).close();
    Explorer.Report report =
        explore(
            0,
            500,
            medium.image(),
            pool -> pool.root("block", Type.block(64)),
            pool -> pool.root("node", Node.TYPE),
            pool -> pool.root("map", MAP),
            onMap((pool, map) -> map.put(1L, "one")));
    assertEquals(List.of(), report.findings());
    assertTrue(report.states() > 5 * report.points(), report::toString);
  }

  // ---- objects

  @Test
  void objects_madeChangedAndFreed() {
    exhaust(
        pool(in("n", (tx, node) -> tx.edit(node).number(1))),
        pool -> {
          Node node = pool.root("n", Node.TYPE);
          pool.run(tx -> {
            Node next = pool.make(tx, Node.TYPE);
            tx.edit(next).number(7).name("seven");
            tx.edit(node).next(next).number(2);
          });
        },
        in("n", (tx, node) -> tx.edit(node.next()).number(8).name("eight, and longer than before")),
        pool -> {
          Node node = pool.root("n", Node.TYPE);
          pool.run(tx -> {
            pool.free(tx, node.next());
            tx.edit(node).next(null).number(3);
          });
        });
  }

  @Test
  void strings_setReplacedAndTakenAway() {
    exhaust(
        pool(in("n", (tx, node) -> tx.edit(node).name("one"))),
        in("n", (tx, node) -> tx.edit(node).name("two")),
        in("n", (tx, node) -> tx.edit(node).name("x".repeat(1500))),
        in("n", (tx, node) -> tx.edit(node).name(null)),
        in("n", (tx, node) -> tx.edit(node).name("")));
  }

  @Test
  void strings_recoveryCrashedToo() {
    exhaustNested(
        pool(in("n", (tx, node) -> tx.edit(node).name("one"))),
        in("n", (tx, node) -> tx.edit(node).name("two")));
  }

  @Test
  void savepointsAndAborts_leaveNothing() {
    exhaust(
        pool(in("n", (tx, node) -> tx.edit(node).name("one"))),
        pool -> {
          try (Transaction tx = pool.begin()) {
            tx.edit(pool.root("n", Node.TYPE)).name("two");
            tx.edit(pool.make(tx, Node.TYPE)).name("nobody's");
          }
        },
        in(
            "n",
            (tx, node) -> {
              Savepoint before = tx.savepoint();
              tx.edit(node).name("three").number(3);
              tx.rollbackTo(before);
              tx.edit(node).number(4);
            }));
  }

  // ---- blocks

  @Test
  void blocks_filledWrittenAndSnapshot() {
    exhaust(
        pool(in("n", (tx, node) -> tx.edit(node).number(1))),
        pool -> {
          Node node = pool.root("n", Node.TYPE);
          pool.run(tx -> {
            Block block = pool.allocate(tx, 200);
            tx.edit(block).fill().fill((byte) 5);
            tx.edit(node).data(block);
          });
        },
        in("n", (tx, node) -> tx.edit(node.data()).setLong(64, 99)),
        pool -> {
          Node node = pool.root("n", Node.TYPE);
          pool.run(tx -> {
            tx.snapshot(node.data().offset(), 16);
            pool.region().putLong(node.data().offset(), 1);
            pool.region().putLong(node.data().offset() + 8, 2);
          });
        });
  }

  /**
   * What is written back before the record must not go by what was given back meanwhile. What is
   * missing then may be lost at every later point, so that few images of each tell.
   */
  @Test
  void blocks_filledBesideOnesThatAreGivenBack() {
    Explorer.Report report =
        explore(
            0,
            FEW,
            pool(in("n", (tx, node) -> tx.edit(node).number(1)), allocateData(FILLED)),
            pool -> {
              Node node = pool.root("n", Node.TYPE);
              pool.run(tx -> {
                Block block = filled(pool, tx, 5);
                Savepoint before = tx.savepoint();
                filled(pool, tx, 6);
                tx.rollbackTo(before);
                pool.free(tx, node.data());
                tx.edit(node).data(block);
              });
            },
            pool -> {
              Node node = pool.root("n", Node.TYPE);
              pool.run(tx -> {
                Block first = filled(pool, tx, 7);
                Block block = filled(pool, tx, 8);
                Block last = filled(pool, tx, 9);
                pool.free(tx, last);
                pool.free(tx, first);
                pool.free(tx, node.data());
                tx.edit(node).data(block);
              });
            });
    assertEquals(List.of(), report.findings());
    assertTrue(report.states() > report.points(), report::toString);
  }

  private static Block filled(Pool pool, Transaction tx, int value) {
    Block block = pool.allocate(tx, FILLED);
    tx.edit(block).fill().fill((byte) value);
    return block;
  }

  @Test
  void hugeBlocks_allocatedAndFreed() {
    exhaust(
        pool(in("n", (tx, node) -> tx.edit(node).number(1))),
        allocateData(300_000),
        pool -> {
          Node node = pool.root("n", Node.TYPE);
          pool.run(tx -> {
            pool.free(tx, node.data());
            tx.edit(node).data(null);
          });
        },
        allocateData(400_000));
  }

  private static Step allocateData(long bytes) {
    return pool -> {
      Node node = pool.root("n", Node.TYPE);
      pool.run(tx -> {
        Block block = pool.allocate(tx, bytes);
        tx.edit(block).fill().asSlice(0, FILLED).fill((byte) 7);
        if (node.data() != null) {
          pool.free(tx, node.data());
        }
        tx.edit(node).data(block);
      });
    };
  }

  /** The crash falls between the record of the span and the commit, too: the span is found free. */
  @Test
  void hugeBlock_ofWhichACrashLeftTheSpan_canBeHadAgain() {
    Step fill = allocateData(500_000);
    long[] start = pool(in("n", (tx, node) -> tx.edit(node).number(1)));
    List<String> states = new ArrayList<>();
    Explorer.Report report =
        Explorer.of(start)
            .limit(LIMIT)
            .run(
                medium -> program(medium, states, fill),
                (region, marks) -> {
                  Pool pool = Pool.open(region, "test");
                  if (pool.root("n", Node.TYPE).data() == null) {
                    fill.run(pool);
                  }
                  assertEquals(List.of(), pool.check().problems());
                  return contents(pool, pool.check());
                });
    assertEquals(0, report.cappedPoints(), report::toString);
    assertEquals(List.of(), report.findings());
  }

  /** The blocks are so large that a few fill a run. */
  @Test
  void runs_madeAndReturned() {
    Step fill =
        pool -> {
          Node node = pool.root("n", Node.TYPE);
          for (int i = 0; i < 3; i++) {
            pool.run(tx -> {
              Node next = pool.make(tx, Node.TYPE);
              Block block = pool.allocate(tx, 30_000);
              tx.edit(block).fill().asSlice(0, FILLED).fill((byte) 1);
              tx.edit(next).data(block).next(node.next());
              tx.edit(node).next(next);
            });
          }
        };
    exhaust(
        pool(fill),
        allocateData(30_000),
        pool -> {
          Node node = pool.root("n", Node.TYPE);
          pool.run(tx -> {
            for (Node at = node.next(); at != null; at = at.next()) {
              pool.free(tx, at.data());
              pool.free(tx, at);
            }
            tx.edit(node).next(null);
          });
        },
        allocateData(200_000));
  }

  /** The frees of one run are one entry of the log, the single one of another run is its own. */
  @Test
  void objects_manyFreedAtOnce() {
    exhaust(
        pool(pool -> {
          Node node = pool.root("n", Node.TYPE);
          for (int i = 0; i < 8; i++) {
            pool.run(tx -> {
              Node next = pool.make(tx, Node.TYPE);
              tx.edit(next).next(node.next());
              tx.edit(node).next(next);
            });
          }
          allocateData(3000).run(pool);
        }),
        pool -> {
          Node node = pool.root("n", Node.TYPE);
          pool.run(tx -> {
            for (Node at = node.next(); at != null; at = at.next()) {
              pool.free(tx, at);
            }
            pool.free(tx, node.data());
            tx.edit(node).next(null).data(null);
          });
        },
        in("n", (tx, node) -> tx.edit(node).number(9)));
  }

  @Test
  void fullPool_freesAndAllocatesAgain() {
    exhaust(
        pool(
            in("n", (tx, node) -> tx.edit(node).number(1)),
            pool -> {
              long largest = pool.info().largestFree();
              allocateData(largest - 64).run(pool);
            }),
        pool -> {
          Node node = pool.root("n", Node.TYPE);
          pool.run(tx -> {
            pool.free(tx, node.data());
            tx.edit(node).data(null);
          });
        },
        allocateData(100_000));
  }

  /**
   * The frames are too large for all of their images: the first so many of each point are tried. On
   * frames of a few lines, in rings and in extensions, tx tries all.
   */
  @Test
  void transaction_largerThanItsRing() {
    Explorer.Report report =
        explore(
            0,
            5_000,
            pool(allocateData(9000)),
            in(
                "n",
                (tx, node) -> {
                  Block.Edit edit = tx.edit(node.data());
                  for (long at = 0; at < FILLED + 512; at += 8) {
                    edit.setLong(at, at + 3);
                  }
                }),
            in("n", (tx, node) -> tx.edit(node).number(5)));
    assertTrue(report.states() > 5_000, report::toString);
  }

  // ---- growth

  @Test
  void growth_byAllocation() {
    exhaustNested(fullPool(4), allocateData(70_000), allocateData(3000));
  }

  /** Once for a block, and once more, up to the maximum. */
  @Test
  void growth_twiceInALife() {
    exhaust(
        fullPool(7),
        allocateData(120_000),
        pool -> pool.root("block", Type.block(245_000)),
        pool -> assertEquals(pool.layout().maxSize(), pool.info().size()),
        in("n", (tx, node) -> tx.edit(node).number(2)));
  }

  /** Of frames of one line, as snapshots of words are, all images can be tried. */
  @Test
  void growth_byALogExtension() {
    Step snapshots =
        pool -> {
          Node node = pool.root("n", Node.TYPE);
          long start = node.data().offset();
          // The chunk that is kept for logs is in another transaction's use.
          Space.Extension kept = pool.space().takeExtension(PoolLayout.CHUNK_BYTES);
          pool.run(tx -> {
            for (long at = start; at < start + 8 * 64; at += 8) {
              tx.snapshot(at, 8);
              pool.region().putLong(at, at);
            }
          });
          assertTrue(pool.info().size() > 1 << 20);
          pool.space().giveExtension(kept);
        };
    exhaustNested(fullPool(4), snapshots, in("n", (tx, node) -> tx.edit(node).number(2)));
  }

  /** What the crash leaves grows on, and is crashed in that, too: the end is the same. */
  @Test
  void growth_cutOff_goesOnAndIsCutOffAgain() {
    int most = 7;
    List<String> states = new ArrayList<>();
    Explorer.Report report =
        Explorer.of(fullPool(most))
            .nested(1)
            .limit(LIMIT)
            .run(
                medium -> program(medium, states, pool -> assertTrue(pool.growth().makeRoom(1))),
                (region, marks) -> {
                  Pool pool = Pool.open(region, "test");
                  assertTrue(pool.growth().makeRoom(most));
                  assertEquals(pool.layout().maxSize(), pool.info().size());
                  CheckReport check = pool.check();
                  assertTrue(check.isClean(), check::toString);
                  return contents(pool, check);
                });
    assertEquals(0, report.cappedPoints(), report::toString);
    assertEquals(List.of(), report.findings());
  }

  // ---- maps

  @Test
  void map_putReplacedRemoved() {
    exhaustNested(
        pool(onMap((pool, map) -> map.put(1L, "one"))),
        onMap((pool, map) -> map.put(1L, "two, and longer")),
        onMap((pool, map) -> map.remove(1L)));
  }

  /** In place: within a word, over several lines, and beside what takes another block. */
  @Test
  void map_valueOfTheSameSize_overwritten() {
    exhaustNested(
        pool(onMap((pool, map) -> map.putAll(Map.of(1L, "one", 2L, "x".repeat(100))))),
        onMap((pool, map) -> map.put(1L, "two")),
        onMap((pool, map) -> map.put(2L, "y".repeat(100))));
    exhaust(
        pool(onMap((pool, map) -> map.put(1L, "one"))),
        onMap((pool, map) -> map.put(1L, "two")),
        onMap((pool, map) -> map.put(1L, "three")),
        onMap((pool, map) -> map.put(1L, "seven")),
        onMap((pool, map) -> map.remove(1L)),
        onMap((pool, map) -> map.put(2L, "eight")));
  }

  @Test
  void map_severalKeysInOneTransaction() {
    exhaust(
        pool(onMap((pool, map) -> map.putAll(Map.of(1L, "one", 2L, "two")))),
        onMap((pool, map) -> map.put(3L, "three")),
        onMap((pool, map) ->
            pool.run(tx -> {
              tx.edit(map).put(4L, "four");
              tx.edit(map).remove(1L);
              tx.edit(map).put(2L, "again");
            })));
  }

  @Test
  void map_largeValues() {
    exhaust(
        pool(onMap((pool, map) -> map.put(1L, "one"))),
        onMap((pool, map) -> map.put(1L, "x".repeat(3000))),
        onMap((pool, map) -> map.put(1L, "y".repeat(3000))));
  }

  /** A bucket and the next one are filled; the key after that needs a split. */
  @Test
  void map_split() {
    exhaust(
        pool(
            onSplittingMap(
                (pool, map) -> keys(map, 0, 16).forEach(key -> map.put(key, "v" + key)))),
        onSplittingMap((pool, map) -> keys(map, 16, 17).forEach(key -> map.put(key, "split"))),
        onSplittingMap((pool, map) -> keys(map, 0, 1).forEach(map::remove)));
  }

  /** Some of the keys that have one home. */
  private static List<Long> keys(PersistentMap<Long, String> map, int from, int to) {
    HashIndex index = ((StoredMap<Long, String>) map).index();
    byte[] bytes = new byte[8];
    List<Long> found = new ArrayList<>();
    for (long key = 0; found.size() < to; key++) {
      Codec.LONG.write(key, MemorySegment.ofArray(bytes));
      if ((index.hash(bytes) & 63) == 5) {
        found.add(key);
      }
    }
    return found.subList(from, to);
  }

  @Test
  void map_ofObjects_removedAndFreedTogether() {
    Consumer<Pool> put =
        pool -> {
          PersistentMap<Long, String> map = pool.root("map", MAP);
          Node node = pool.root("n", Node.TYPE);
          pool.run(tx -> {
            tx.edit(map).merge(1L, "x", String::concat);
            tx.edit(node).name(map.get(1L)).number(node.number() + 1);
          });
        };
    exhaust(
        pool(
            onMap((pool, map) -> map.put(1L, "one")),
            in("n", (tx, node) -> tx.edit(node).number(1))),
        put::accept);
  }
}
