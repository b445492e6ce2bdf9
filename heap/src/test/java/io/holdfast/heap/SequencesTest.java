// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.SequenceTests;
import io.holdfast.crash.Sequences;
import io.holdfast.crash.Sequences.Letter;
import io.holdfast.crash.TracingMedium;
import io.holdfast.tx.Editable;
import io.holdfast.tx.Transaction;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * All sequences of two operations on maps, objects, blocks and roots, from six starts each and one
 * more, crashed everywhere, and in nearly all recoveries; see {@link SequenceTests} for what a run
 * with other lengths is told by, and for the time that it may take.
 *
 * <p>What the starts are:
 *
 * <pre>
 *                      map                      objects            blocks                     roots
 * empty                no entry                 no child           no block                   none
 * one                  one entry                one child          the small one              one
 * full                 its bucket               three children     the run of the middle one  all three
 * just before resize   the next put splits      a string that      chunks for one run are     -
 *                                               fills its block    left
 * after delete         three put, two removed   the same           the same                   the same
 * log nearly full      one entry                one child          the small one              one
 * just before growth   -                        -                  no chunk is left, and the  -
 *                                                                  pool can grow
 * </pre>
 *
 * <p>Roots are a list, of which nothing is ever resized. When the log is nearly full, two of them
 * are made and dropped; a third one has half a million images.
 */
class SequencesTest {
  /** So many that rings are as small as they may be. */
  private static final int LANES = 14;

  private static final int SIZE = 1 << 20;
  private static final int GROWN_SIZE = SIZE + 15 * PoolLayout.CHUNK_BYTES;
  private static final int KEYS = 3;
  private static final List<String> HEAVY =
      List.of("map, just before resize", "map, values of one size", "blocks, log nearly full");
  private static final int LETTERS_OF_LONG = 6;
  private static final int LONGEST_NAME = 24;

  /** In one transaction, they leave a few lines of a ring. */
  private static final int WORDS_THAT_FILL_A_RING = 440;

  private static final Type<PersistentMap<Long, String>> MAP = Type.map(Codec.LONG, Codec.STRING);
  private static final Type<Block> SCRATCH = Type.block(8L * WORDS_THAT_FILL_A_RING);

  /** One of which many fill a run, one of which two do, and one that is a span of its own. */
  private static final long[] BLOCK_BYTES = {2_000, 30_000, 530_000};

  interface Node extends Editable<Node.Edit> {
    Type<Node> TYPE = Type.of(Node.class, MethodHandles.lookup());

    long number();

    String name();

    Node first();

    Node second();

    Node third();

    interface Edit extends Node {
      Edit number(long value);

      Edit name(String value);

      Edit first(Node value);

      Edit second(Node value);

      Edit third(Node value);
    }
  }

  interface Shelf extends Editable<Shelf.Edit> {
    Type<Shelf> TYPE = Type.of(Shelf.class, MethodHandles.lookup());

    Block first();

    Block second();

    Block third();

    interface Edit extends Shelf {
      Edit first(Block value);

      Edit second(Block value);

      Edit third(Block value);
    }
  }

  // ---- pools

  /** A pool in which something was done; nothing in it is random. */
  private static long[] pool(Consumer<Pool> before) {
    return pool(before, SIZE);
  }

  private static long[] pool(Consumer<Pool> before, int maxSize) {
    TracingMedium medium = TracingMedium.ofSize(maxSize);
    Pool pool = SamplePool.createEmpty(medium.region(), new Pool.Extent(SIZE, LANES));
    before.accept(pool);
    pool.close();
    return medium.image();
  }

  private static Sequences<Pool> sequences(
      String structure, String shape, List<Letter<Pool>> letters, Consumer<Pool> before) {
    boolean logFull = shape.equals("log nearly full");
    long[] start =
        pool(
            logFull ? before.andThen(SequencesTest::scratch) : before,
            shape.equals("just before growth") ? GROWN_SIZE : SIZE);
    Sequences<Pool> sequences =
        new Sequences<>(
            structure,
            shape,
            start,
            region -> Pool.open(region, SamplePool.LAYOUT),
            SequencesTest::contents,
            letters);
    sequences.lettersOfLong(Math.min(letters.size(), LETTERS_OF_LONG));
    if (HEAVY.contains(sequences.name())) {
      sequences.heavy();
    }
    return logFull ? sequences.after(SequencesTest::fillLog) : sequences;
  }

  private static Block scratch(Pool pool) {
    return pool.root("log", SCRATCH);
  }

  private static void fillLog(Pool pool) {
    Block scratch = scratch(pool);
    pool.run(tx -> {
      for (int i = 0; i < WORDS_THAT_FILL_A_RING; i++) {
        tx.edit(scratch).setLong(8L * i, i + 1);
      }
    });
  }

  /** All that can be read, and how much is allocated; splits are transactions of their own. */
  private static String contents(Pool pool) {
    CheckReport check = pool.check();
    if (!check.isClean()) {
      throw new AssertionError(check);
    }
    Map<String, String> roots = new TreeMap<>();
    boolean splits = false;
    for (RootInfo root : pool.roots()) {
      String text =
          switch (root.name()) {
            case "map", "mapThatSplits" -> new TreeMap<>(pool.root(root.name(), MAP)).toString();
            case "node" -> node(pool.root(root.name(), Node.TYPE));
            case "shelf" -> shelf(pool.root(root.name(), Shelf.TYPE));
            default -> root.type();
          };
      splits |= root.name().equals("mapThatSplits");
      roots.put(root.name(), text);
    }
    return splits ? roots.toString() : roots + ", used=" + check.bytes();
  }

  private static String node(Node node) {
    return node == null
        ? "-"
        : "%d %s (%s, %s, %s)"
            .formatted(
                node.number(),
                node.name(),
                node(node.first()),
                node(node.second()),
                node(node.third()));
  }

  private static String shelf(Shelf shelf) {
    return block(shelf.first()) + ", " + block(shelf.second()) + ", " + block(shelf.third());
  }

  /** The first words, which is as much as the operations write. */
  private static String block(Block block) {
    return block == null
        ? "-"
        : "%d: %d %d"
            .formatted(
                block.size(), block.view().get(JAVA_LONG, 0), block.view().get(JAVA_LONG, 8));
  }

  // ---- maps

  private static Letter<Pool> onMap(String name, MapOp op) {
    return new Letter<>(name, (pool, step) -> op.run(pool, map(pool), step));
  }

  private interface MapOp {
    void run(Pool pool, PersistentMap<Long, String> map, int step);
  }

  private static PersistentMap<Long, String> map(Pool pool) {
    return pool.root(
        pool.roots().stream()
            .map(RootInfo::name)
            .filter(name -> name.startsWith("map"))
            .findFirst()
            .orElse("map"),
        MAP);
  }

  /** Of another length than the one before, in a record of another size. */
  private static String text(int step) {
    return "" + (step % 2 == 0 ? step : step + 1_000_000_000);
  }

  /** Keys that have one home. */
  private static List<Long> keys(Pool pool, int count) {
    HashIndex index = ((StoredMap<Long, String>) map(pool)).index();
    byte[] bytes = new byte[8];
    List<Long> found = new ArrayList<>();
    for (long key = 0; found.size() < count; key++) {
      Codec.LONG.write(key, MemorySegment.ofArray(bytes));
      if ((index.hash(bytes) & IndexLayout.BUCKETS - 1) == 5) {
        found.add(key);
      }
    }
    return found;
  }

  private static List<Letter<Pool>> mapLetters() {
    List<Long> keys = new ArrayList<>();
    pool(pool -> keys.addAll(keys(pool, KEYS)));
    List<Letter<Pool>> letters = new ArrayList<>();
    for (Long key : keys) {
      letters.add(onMap("put " + key, (pool, map, step) -> map.put(key, text(step))));
      letters.add(remove(key));
    }
    Long one = keys.get(0);
    Long two = keys.get(1);
    letters.add(
        onMap(
            "merge " + one,
            (pool, map, step) ->
                map.merge(one, text(step), (a, b) -> a.length() > 10 ? b : a + b)));
    letters.add(
        onMap("put if absent " + two, (pool, map, step) -> map.putIfAbsent(two, text(step))));
    letters.add(onMap("replace " + two, (pool, map, step) -> map.replace(two, text(step))));
    letters.add(onMap("clear", (pool, map, step) -> pool.run(tx -> tx.edit(map).clear())));
    letters.add(
        onMap(
            "put %d and remove %d".formatted(one, two),
            (pool, map, step) ->
                pool.run(tx -> {
                  tx.edit(map).put(one, text(step));
                  tx.edit(map).remove(two);
                })));
    return letters;
  }

  /** Values are as long as those of {@link #put}, and so written over them, in their records. */
  private static List<Letter<Pool>> sizedLetters() {
    List<Long> keys = new ArrayList<>();
    pool(pool -> keys.addAll(keys(pool, KEYS)));
    Long one = keys.get(0);
    Long two = keys.get(1);
    return List.of(overwrite(one), overwrite(two), remove(one));
  }

  private static Letter<Pool> overwrite(Long key) {
    return onMap("overwrite " + key, (pool, map, step) -> map.put(key, "%03d".formatted(step)));
  }

  private static Letter<Pool> remove(Long key) {
    return onMap("remove " + key, (pool, map, step) -> map.remove(key));
  }

  /** Takes care that there are runs for the records of all lengths. */
  private static void warm(PersistentMap<Long, String> map) {
    for (int step = 0; step < 2; step++) {
      map.put(-1L, text(step));
    }
    map.remove(-1L);
  }

  /** Puts some keys of one home, beginning with those of the letters. */
  private static Consumer<Pool> put(int count) {
    return pool -> {
      warm(map(pool));
      keys(pool, count).forEach(key -> map(pool).put(key, "one"));
    };
  }

  /** Puts the first key of the letters, and others of their home. */
  private static Consumer<Pool> putOneAndOthers(String root, int others) {
    return pool -> {
      PersistentMap<Long, String> map = pool.root(root, MAP);
      warm(map);
      List<Long> keys = keys(pool, KEYS + others);
      map.put(keys.getFirst(), "one");
      keys.subList(KEYS, KEYS + others).forEach(key -> map.put(key, "other"));
    };
  }

  /**
   * Puts and removals from all starts, everything else from the empty one: from the others, frames
   * of several records have too many images for the time that there is.
   */
  private static Stream<Sequences<?>> maps() {
    List<Letter<Pool>> letters = mapLetters();
    List<Letter<Pool>> few = letters.subList(0, 2 * KEYS);
    int slots = IndexLayout.BUCKET_SLOTS;
    return Stream.of(
        sequences("map", "empty", letters, put(0)),
        sequences("map", "one", few, put(1)),
        sequences("map", "full", few, putOneAndOthers("map", slots - 1)),
        sequences(
            "map",
            "just before resize",
            few,
            putOneAndOthers("mapThatSplits", IndexLayout.PROBES * slots - 1)),
        sequences(
            "map",
            "after delete",
            few,
            pool -> {
              put(KEYS).accept(pool);
              keys(pool, KEYS - 1).forEach(map(pool)::remove);
            }),
        sequences("map", "values of one size", sizedLetters(), put(2)),
        sequences("map", "log nearly full", few, put(1)));
  }

  // ---- objects

  private static Letter<Pool> onNode(String name, NodeOp op) {
    return new Letter<>(
        name,
        (pool, step) -> {
          Node node = pool.root("node", Node.TYPE);
          pool.run(tx -> op.run(pool, tx, node, step));
        });
  }

  private interface NodeOp {
    void run(Pool pool, Transaction tx, Node node, int step);
  }

  private static Node child(Node node, int which) {
    return which == 0 ? node.first() : which == 1 ? node.second() : node.third();
  }

  private static void link(Transaction tx, Node node, int which, Node child) {
    Node.Edit edit = tx.edit(node);
    Node.Edit ignored =
        which == 0 ? edit.first(child) : which == 1 ? edit.second(child) : edit.third(child);
  }

  private static void makeChild(Pool pool, Transaction tx, Node node, int which, int step) {
    Node old = child(node, which);
    Node child = pool.make(tx, Node.TYPE);
    tx.edit(child).number(step);
    link(tx, node, which, child);
    if (old != null) {
      pool.free(tx, old);
    }
  }

  private static void freeChild(Pool pool, Transaction tx, Node node, int which) {
    Node old = child(node, which);
    if (old != null) {
      link(tx, node, which, null);
      pool.free(tx, old);
    }
  }

  private static Consumer<Pool> family(BiConsumer<Transaction, Node> more, int... children) {
    return pool -> {
      Node node = pool.root("node", Node.TYPE);
      for (String name : new String[] {"x".repeat(LONGEST_NAME), "x", null}) {
        pool.run(tx -> tx.edit(node).name(name));
      }
      for (int which : children) {
        pool.run(tx -> makeChild(pool, tx, node, which, 0));
      }
      pool.run(tx -> more.accept(tx, node));
    };
  }

  private static Stream<Sequences<?>> objects() {
    List<Letter<Pool>> letters = new ArrayList<>();
    letters.add(onNode("set the number", (pool, tx, node, step) -> tx.edit(node).number(step)));
    letters.add(
        onNode(
            "let the name grow",
            (pool, tx, node, step) -> {
              String name = node.name();
              tx.edit(node)
                  .name(name == null || name.length() + 3 > LONGEST_NAME ? "" + step : name + step);
            }));
    for (int i = 0; i < KEYS; i++) {
      int which = i;
      letters.add(
          onNode(
              "make child " + i, (pool, tx, node, step) -> makeChild(pool, tx, node, which, step)));
      letters.add(
          onNode("free child " + i, (pool, tx, node, step) -> freeChild(pool, tx, node, which)));
    }
    BiConsumer<Transaction, Node> plain = (tx, node) -> tx.edit(node).number(1).name("one");
    // A text of 16 bytes less its length fills a block of the least size.
    return Stream.of(
        sequences("objects", "empty", letters, family((tx, node) -> {})),
        sequences("objects", "one", letters, family(plain, 0)),
        sequences("objects", "full", letters, family(plain, 0, 1, 2)),
        sequences(
            "objects",
            "just before resize",
            letters,
            family((tx, node) -> tx.edit(node).name("x".repeat(8)), 0)),
        sequences(
            "objects",
            "after delete",
            letters,
            pool -> {
              family(plain, 0, 1, 2).accept(pool);
              Node node = pool.root("node", Node.TYPE);
              pool.run(tx -> freeChild(pool, tx, node, 0));
              pool.run(tx -> freeChild(pool, tx, node, 1));
            }),
        sequences("objects", "log nearly full", letters, family(plain, 0)));
  }

  // ---- blocks

  private static Block block(Shelf shelf, int which) {
    return which == 0 ? shelf.first() : which == 1 ? shelf.second() : shelf.third();
  }

  private static void place(Transaction tx, Shelf shelf, int which, Block block) {
    Shelf.Edit edit = tx.edit(shelf);
    Shelf.Edit ignored =
        which == 0 ? edit.first(block) : which == 1 ? edit.second(block) : edit.third(block);
  }

  private static Letter<Pool> onShelf(String name, ShelfOp op) {
    return new Letter<>(name, (pool, step) -> op.run(pool, pool.root("shelf", Shelf.TYPE), step));
  }

  private interface ShelfOp {
    void run(Pool pool, Shelf shelf, int step);
  }

  /**
   * Where there is no room, nothing happens; of the content, so much is written as is looked at.
   */
  private static void allocate(Pool pool, Shelf shelf, int which, int step) {
    try {
      pool.run(tx -> {
        Block old = block(shelf, which);
        Block block = pool.allocate(tx, BLOCK_BYTES[which]);
        tx.edit(block).fill().asSlice(0, 16).fill((byte) step);
        place(tx, shelf, which, block);
        if (old != null) {
          pool.free(tx, old);
        }
      });
    } catch (PoolException.OutOfPoolSpace e) {
      boolean largerTaken = shelf.second() != null || shelf.third() != null;
      assertTrue(BLOCK_BYTES[which] > BLOCK_BYTES[0] || largerTaken, e.getMessage());
    }
  }

  private static void free(Pool pool, Shelf shelf, int which) {
    if (block(shelf, which) != null) {
      pool.run(tx -> {
        pool.free(tx, block(shelf, which));
        place(tx, shelf, which, null);
      });
    }
  }

  private static void write(Pool pool, Shelf shelf, int which, int step) {
    if (block(shelf, which) != null) {
      pool.run(tx -> tx.edit(block(shelf, which)).setLong(0, step));
    }
  }

  private static void writeInPlace(Pool pool, Shelf shelf, int which, int step) {
    Block block = block(shelf, which);
    if (block != null) {
      pool.run(tx -> {
        tx.snapshot(block.offset(), 16);
        pool.region().putLong(block.offset(), step);
        pool.region().putLong(block.offset() + 8, step);
      });
    }
  }

  private static Stream<Sequences<?>> blocks() {
    List<Letter<Pool>> letters = new ArrayList<>();
    for (int i = 0; i < KEYS; i++) {
      int which = i;
      letters.add(
          onShelf("allocate " + i, (pool, shelf, step) -> allocate(pool, shelf, which, step)));
      letters.add(onShelf("free " + i, (pool, shelf, step) -> free(pool, shelf, which)));
      letters.add(onShelf("write " + i, (pool, shelf, step) -> write(pool, shelf, which, step)));
      letters.add(
          onShelf(
              "write in place " + i,
              (pool, shelf, step) -> writeInPlace(pool, shelf, which, step)));
    }
    return Stream.of(
        sequences("blocks", "empty", letters, shelf()),
        sequences("blocks", "one", letters, shelf(0)),
        sequences(
            "blocks",
            "full",
            letters,
            pool -> {
              shelf(0, 1).accept(pool);
              pool.root("block", Type.block(BLOCK_BYTES[1]));
            }),
        sequences(
            "blocks",
            "just before resize",
            letters,
            pool -> {
              shelf(0).accept(pool);
              pool.root(
                  "block", Type.block(pool.info().largestFree() - 2 * PoolLayout.CHUNK_BYTES));
            }),
        sequences(
            "blocks",
            "after delete",
            letters,
            pool -> {
              shelf(0, 1, 2).accept(pool);
              Shelf shelf = pool.root("shelf", Shelf.TYPE);
              free(pool, shelf, 1);
              free(pool, shelf, 2);
            }),
        sequences("blocks", "log nearly full", letters, shelf(0)),
        sequences(
            "blocks",
            "just before growth",
            letters.subList(letters.size() / KEYS, letters.size()),
            shelf(0).andThen(SequencesTest::takeAll)));
  }

  private static void takeAll(Pool pool) {
    while (pool.info().largestFree() > 0) {
      boolean huge = pool.info().largestFree() > BLOCK_BYTES[2] + PoolLayout.CHUNK_BYTES;
      pool.root(
          "all" + pool.roots().size(), Type.block(huge ? BLOCK_BYTES[2] : 2 * BLOCK_BYTES[1]));
    }
  }

  private static Consumer<Pool> shelf(int... blocks) {
    return pool -> {
      Shelf shelf = pool.root("shelf", Shelf.TYPE);
      for (int which : blocks) {
        allocate(pool, shelf, which, 0);
      }
    };
  }

  // ---- roots

  /** Of a type with a short name, since frames with long texts have too many images. */
  private static final Type<Block> ROOT = Type.block(64);

  private static final List<String> ROOTS = List.of("x", "y", "z");

  private static void drop(Pool pool, String name) {
    if (pool.roots().stream().anyMatch(root -> root.name().equals(name))) {
      pool.run(tx -> pool.drop(tx, name, ROOT));
    }
  }

  private static Stream<Sequences<?>> roots() {
    List<Letter<Pool>> letters = new ArrayList<>();
    ROOTS.forEach(name -> {
      letters.add(new Letter<>("make " + name, (pool, step) -> pool.root(name, ROOT)));
      letters.add(new Letter<>("drop " + name, (pool, step) -> drop(pool, name)));
    });
    Consumer<Pool> all = pool -> ROOTS.forEach(name -> pool.root(name, ROOT));
    return Stream.of(
        sequences("roots", "empty", letters, pool -> {}),
        sequences("roots", "one", letters, pool -> pool.root("x", ROOT)),
        sequences("roots", "full", letters, all),
        sequences(
            "roots",
            "after delete",
            letters,
            pool -> {
              all.accept(pool);
              drop(pool, "x");
              drop(pool, "y");
            }),
        sequences("roots", "log nearly full", letters.subList(0, 4), pool -> pool.root("x", ROOT)));
  }

  // ---- the tests

  @TestFactory
  Stream<DynamicNode> sequences() {
    return new SequenceTests(SequencesTest.class)
        .of(Stream.of(maps(), objects(), blocks(), roots()).flatMap(all -> all).toList());
  }

  /** What comes after a full log has to make room, which takes fences. */
  @Test
  void logNearlyFull_nextTransactionMakesRoom() {
    assertTrue(fences(SequencesTest::fillLog) > fences(pool -> {}));
  }

  private static int fences(Consumer<Pool> before) {
    TracingMedium medium = new TracingMedium(pool(put(1).andThen(SequencesTest::scratch)));
    Pool pool = Pool.open(medium.region(), SamplePool.LAYOUT);
    before.accept(pool);
    int fences = medium.trace().fences();
    put(1).accept(pool);
    return medium.trace().fences() - fences;
  }
}
