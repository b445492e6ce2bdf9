// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.SequenceTests;
import io.holdfast.crash.Sequences;
import io.holdfast.crash.Sequences.Letter;
import io.holdfast.crash.TracingMedium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.TransactionAccess.Acceptance;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * All sequences of two transactions on the log alone, from six starts, crashed everywhere, and in
 * nearly all recoveries; {@link SequenceTests} says how it is told otherwise.
 *
 * <p>A log begins anew at each opening, so that nothing of what makes up a start is in its image
 * but words and blocks. The starts are:
 *
 * <ul>
 *   <li>empty: nothing was written;
 *   <li>one: a transaction was committed;
 *   <li>full: all blocks are taken;
 *   <li>just before resize: the transaction before had an extension, which is not given back yet;
 *   <li>after delete: a transaction was aborted, and blocks were freed;
 *   <li>log nearly full: the next transaction has to make room in the ring.
 * </ul>
 */
class SequencesTest {
  private static final LogLayout LAYOUT = new LogLayout(0, 2, 1024);
  private static final long KEY = 0x5EED_5EED_5EEDL;
  private static final int KEYS = 3;

  /** Those of the first key, and one of the second. */
  private static final int LETTERS_OF_LONG = 6;

  /** The last word: what a log is filled with. */
  private static final int FILLED = TestSpace.WORDS - 2;

  /** The lanes, and what is beside the log. */
  private record Opened(Lanes lanes, TestSpace space) {
    static Opened of(PersistentRegion region) {
      TestSpace[] space = new TestSpace[1];
      Lanes lanes =
          Lanes.open(
              region,
              0,
              0,
              Acceptance.NOTHING_LOST,
              (r, layout) -> {
                space[0] = new TestSpace(r, layout);
                return space[0];
              });
      return new Opened(lanes, space[0]);
    }

    boolean isTaken(int block) {
      return (lanes.region().getLong(space.bitmap()) >> block & 1) == 1;
    }

    void set(int word, long value) {
      lanes.run(tx -> tx.setLong(space.word(word), value));
    }

    void snapshot(int word, long value, boolean commit) {
      try (Transaction tx = lanes.begin()) {
        tx.snapshot(space.word(word), 8);
        lanes.region().putLong(space.word(word), value);
        if (commit) {
          tx.commit();
        }
      }
    }

    void allocate(int block, long value) {
      if (!isTaken(block)) {
        lanes.run(tx -> {
          space.allocate(tx, block, value);
          tx.setLong(space.word(block), space.block(block));
        });
      }
    }

    void free(int block) {
      if (isTaken(block)) {
        lanes.run(tx -> {
          space.free(tx, block);
          tx.setLong(space.word(block), 0);
        });
      }
    }

    /** A transaction that leaves so few lines that the next one has to make room. */
    void fillRing() {
      lanes.run(tx -> {
        for (int i = 0; i < 8; i++) {
          tx.snapshot(space.word(FILLED - i), 8);
          lanes.region().putLong(space.word(FILLED - i), 1);
        }
        for (int i = 0; i < 14; i++) {
          tx.setLong(space.word(KEYS + i / 4) + 16L * (i % 4), 1);
        }
      });
    }

    /** Snapshots, one by one, until they outgrow the ring and go on in an extension. */
    void outgrow() {
      lanes.run(tx -> {
        for (int word = 0; word < TestSpace.WORDS - 2; word++) {
          tx.snapshot(space.word(word), 8);
          lanes.region().putLong(space.word(word), 1);
        }
        assertTrue(space.freeExtensions() < TestSpace.EXTENSIONS, "the ring was large enough");
      });
    }
  }

  private static long[] image(Consumer<Opened> before) {
    TracingMedium medium = TracingMedium.ofSize((int) TestSpace.bytes(LAYOUT));
    PersistentRegion region = medium.region();
    Lanes.format(region, LAYOUT, KEY, 0, new TestSpace(region, LAYOUT)).close();
    Opened opened = Opened.of(region);
    before.accept(opened);
    opened.lanes().close();
    return medium.image();
  }

  private static Sequences<Opened> sequences(String shape, Consumer<Opened> before) {
    List<Letter<Opened>> letters = new ArrayList<>();
    for (int i = 0; i < KEYS; i++) {
      int key = i;
      letters.add(new Letter<>("set " + i, (opened, step) -> opened.set(key, step)));
      letters.add(
          new Letter<>("snapshot " + i, (opened, step) -> opened.snapshot(key, step, true)));
      letters.add(new Letter<>("abort " + i, (opened, step) -> opened.snapshot(key, step, false)));
      letters.add(new Letter<>("allocate " + i, (opened, step) -> opened.allocate(key, step)));
      letters.add(new Letter<>("free " + i, (opened, step) -> opened.free(key)));
    }
    Sequences<Opened> sequences =
        new Sequences<>(
            "log", shape, image(before), Opened::of, opened -> opened.space().observe(), letters);
    sequences.lettersOfLong(LETTERS_OF_LONG);
    return shape.equals("log nearly full") ? sequences.heavy() : sequences;
  }

  @TestFactory
  Stream<DynamicNode> sequences() {
    return new SequenceTests(SequencesTest.class)
        .of(
            List.of(
                sequences("empty", opened -> {}),
                sequences("one", opened -> opened.set(0, 1)),
                sequences(
                    "full",
                    opened -> {
                      for (int block = 0; block < TestSpace.BLOCKS; block++) {
                        opened.allocate(block, 1);
                      }
                    }),
                sequences("just before resize", opened -> {}).after(Opened::outgrow),
                sequences(
                        "after delete",
                        opened -> {
                          opened.allocate(0, 1);
                          opened.allocate(1, 1);
                        })
                    .after(opened -> {
                      opened.free(0);
                      opened.snapshot(1, 1, false);
                    }),
                sequences("log nearly full", opened -> {}).after(Opened::fillRing)));
  }

  /** What comes after a full ring has to make room, which takes fences. */
  @Test
  void logNearlyFull_nextTransactionMakesRoom() {
    assertTrue(fences(Opened::fillRing) > fences(opened -> {}));
  }

  private static int fences(Consumer<Opened> before) {
    TracingMedium medium = new TracingMedium(image(opened -> {}));
    Opened opened = Opened.of(medium.region());
    before.accept(opened);
    int fences = medium.trace().fences();
    opened.set(0, 1);
    return medium.trace().fences() - fences;
  }
}
