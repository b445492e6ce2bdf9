// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static io.holdfast.heap.HeapCrashTest.exhaust;
import static io.holdfast.heap.HeapCrashTest.exhaustNested;
import static io.holdfast.heap.HeapCrashTest.pool;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.holdfast.crash.Explorer;
import io.holdfast.crash.TracingMedium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.heap.HeapCrashTest.Step;
import io.holdfast.tx.Savepoint;
import io.holdfast.tx.Transaction;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The operations of logs and of arrays of blocks, as {@link HeapCrashTest} has those of the rest.
 */
@Timeout(300)
class CollectionCrashTest {
  private static final int COUNT = 4;

  /** Set in the profile {@code nightly}. */
  private static final boolean LONGER = Boolean.getBoolean("holdfast.collections.longer");

  /** With the crashes of recoveries where there is time for them. */
  private static void exhaustDeeply(long[] start, Step... steps) {
    if (LONGER) {
      exhaustNested(start, steps);
    } else {
      exhaust(start, steps);
    }
  }

  // ---- what is found

  /** The first letter of an array's name is a; the rest is the size of its blocks. */
  private static Type<PersistentBlocks> typeOf(String name) {
    return Type.blocks(Integer.parseInt(name.substring(1)), COUNT);
  }

  static String array(Pool pool, String name) {
    PersistentBlocks blocks = pool.root(name, typeOf(name));
    StringBuilder text = new StringBuilder();
    byte[] content = new byte[blocks.blockBytes()];
    for (int i = 0; i < COUNT; i++) {
      blocks.read(i, content);
      text.append(Arrays.hashCode(content)).append(' ');
    }
    return text.toString();
  }

  static String log(Pool pool, String name) {
    PersistentLog log = pool.root(name, Type.log());
    StringBuilder text = new StringBuilder();
    text.append(log.first()).append(" to ").append(log.end()).append(": ");
    log.walk(
        0,
        (position, record) -> {
          text.append(position).append('=').append(record.byteSize()).append(':');
          text.append(Arrays.hashCode(record.toArray(JAVA_BYTE))).append(' ');
          return true;
        });
    return text.toString();
  }

  // ---- steps

  /**
   * Something at the beginning and at the end: each word that is new doubles what there is to try.
   */
  private static MemorySegment bytes(int count, int value) {
    byte[] bytes = new byte[count];
    if (count > 0) {
      bytes[0] = (byte) value;
      bytes[count - 1] = (byte) value;
    }
    return MemorySegment.ofArray(bytes);
  }

  private static Step write(String name, int index, int value) {
    return pool -> {
      PersistentBlocks blocks = pool.root(name, typeOf(name));
      blocks.write(index, bytes(blocks.blockBytes(), value));
    };
  }

  private static Step trim(String name, int index) {
    return pool -> pool.root(name, typeOf(name)).trim(index);
  }

  private static Step editBlocks(String name, BiConsumer<Transaction, PersistentBlocks.Edit> body) {
    return pool -> {
      PersistentBlocks blocks = pool.root(name, typeOf(name));
      pool.run(tx -> body.accept(tx, tx.edit(blocks)));
    };
  }

  private static Step onLog(Consumer<PersistentLog> body) {
    return pool -> body.accept(pool.root("log", Type.log()));
  }

  private static Step append(int count, int value) {
    return onLog(log -> log.append(bytes(count, value)));
  }

  private static Step editLog(BiConsumer<Transaction, PersistentLog.Edit> body) {
    return pool -> {
      PersistentLog log = pool.root("log", Type.log());
      pool.run(tx -> body.accept(tx, tx.edit(log)));
    };
  }

  /** Leaves no block of a size, and no chunk. */
  private static Step fill(int bytes) {
    return pool -> {
      PersistentBlocks filler = pool.root("f", Type.blocks(bytes, 2000));
      assertThrows(
          PoolException.OutOfPoolSpace.class,
          () -> {
            for (int i = 0; ; i++) {
              filler.write(i, new byte[bytes]);
            }
          });
    };
  }

  // ---- arrays of blocks

  @Test
  void blocks_madeAndDropped() {
    exhaust(pool(), pool -> pool.root("a512", typeOf("a512")));
    exhaust(
        pool(write("a512", 1, 1)), pool -> pool.run(tx -> pool.drop(tx, "a512", typeOf("a512"))));
  }

  @Test
  void smallBlocks_writtenReplacedAndTrimmed() {
    exhaust(
        pool(write("a512", 0, 1)),
        write("a512", 0, 2),
        write("a512", 1, 3),
        trim("a512", 0),
        write("a512", 0, 4));
  }

  @Test
  void largeBlocks_writtenReplacedAndTrimmed() {
    exhaustNested(
        pool(write("a2048", 0, 1)),
        write("a2048", 0, 2),
        write("a2048", 1, 3),
        trim("a2048", 0),
        write("a2048", 0, 4));
  }

  /** Each of them is alone in a run, which is made for it. */
  @Test
  void largestBlocks_writtenReplacedAndTrimmed() {
    exhaust(
        pool(write("a65536", 0, 1)),
        write("a65536", 0, 2),
        write("a65536", 1, 3),
        trim("a65536", 0));
  }

  /** Three small ones are too much for the log, and go where others were logged before. */
  @Test
  void blocks_ofWhichSomeContentsAreLogged_andSomeNot() {
    exhaust(
        pool(write("a512", 0, 1), write("a512", 1, 2)),
        write("a512", 0, 3),
        editBlocks(
            "a512",
            (tx, edit) ->
                edit.write(0, bytes(512, 4)).write(1, bytes(512, 5)).write(2, bytes(512, 6))),
        write("a512", 0, 7));
  }

  @Test
  void blocks_ofTransactionsWithSavepointsAndAborts() {
    exhaust(
        pool(write("a512", 0, 1), write("a512", 1, 2)),
        pool -> {
          try (Transaction tx = pool.begin()) {
            tx.edit(pool.root("a512", typeOf("a512"))).write(0, bytes(512, 9)).trim(1);
          }
        },
        editBlocks(
            "a512",
            (tx, edit) -> {
              edit.write(0, bytes(512, 3));
              Savepoint before = tx.savepoint();
              edit.write(0, bytes(512, 4)).write(1, bytes(512, 5));
              tx.rollbackTo(before);
              edit.write(2, bytes(512, 6)).write(2, bytes(512, 7)).trim(1);
            }));
  }

  @Test
  void fullPool_blocksAreWrittenToTheSpare() {
    for (String name : LONGER ? List.of("a512", "a2048") : List.of("a2048")) {
      int bytes = Integer.parseInt(name.substring(1));
      long[] start = pool(write(name, 0, 1), write(name, 1, 2), fill(bytes));
      exhaust(start, write(name, 0, 3), write(name, 1, 4));
      if (LONGER) {
        exhaust(start, write(name, 0, 3), write(name, 1, 4), write(name, 0, 5));
        exhaustNested(start, write(name, 0, 3));
      }
    }
  }

  /** What was the spare, and logged, is a block that any transaction may take. */
  @Test
  void fullPool_thatHasRoomAgain() {
    long[] start = pool(write("a512", 0, 1), write("a512", 1, 2), fill(512));
    Step spare = write("a512", 0, 3);
    Step more = editBlocks("a512", (tx, edit) -> edit.trim(1).write(0, bytes(512, 4)));
    exhaust(start, spare, trim("a512", 0), more);
    if (LONGER) {
      exhaust(start, spare, trim("a512", 0), more, write("a512", 0, 6));
    }
  }

  // ---- logs

  @Test
  void log_madeAppendedToAndDropped() {
    exhaust(
        pool(),
        pool -> pool.root("log", Type.log()),
        append(20, 1),
        pool -> pool.run(tx -> pool.drop(tx, "log", Type.log())));
  }

  @Test
  void log_smallRecords() {
    exhaust(pool(append(20, 1)), append(13, 2), append(0, 0), append(300, 3), append(8, 4));
    exhaustNested(pool(append(20, 1)), append(13, 2));
  }

  @Test
  void log_largeRecords() {
    exhaustNested(pool(append(2000, 1)), append(1100, 2), append(3000, 3));
  }

  @Test
  void log_severalRecordsAtOnce() {
    exhaust(
        pool(append(20, 1)),
        onLog(log -> log.appendAll(List.of(bytes(20, 2), bytes(0, 0), bytes(100, 3)))),
        onLog(log -> log.appendAll(List.of(bytes(700, 4), bytes(700, 5)))));
  }

  @Test
  void log_newSegments() {
    exhaustNested(pool(append(65_000, 1)), append(600, 2), append(100, 3));
    exhaust(
        pool(append(65_000, 1)),
        onLog(log -> log.appendAll(List.of(bytes(100, 2), bytes(600, 3), bytes(8, 4)))),
        append(66_000, 5),
        append(100, 6));
  }

  @Test
  void log_truncated() {
    exhaustDeeply(
        pool(append(65_000, 1), append(100, 2), append(600, 3), append(65_000, 4), append(600, 5)),
        onLog(log -> log.truncate(65_008)),
        onLog(log -> log.truncate(65_008 + 112)),
        onLog(log -> log.truncate(log.end())),
        append(100, 6));
  }

  @Test
  void log_cleared() {
    exhaustNested(pool(append(65_000, 1), append(600, 2)), onLog(PersistentLog::clear));
    exhaust(
        pool(append(65_000, 1), append(600, 2), onLog(PersistentLog::clear)),
        append(100, 3),
        onLog(PersistentLog::clear));
  }

  @Test
  void log_inTransactions() {
    exhaust(
        pool(append(65_000, 1), append(100, 2)),
        pool -> {
          try (Transaction tx = pool.begin()) {
            tx.edit(pool.root("log", Type.log())).append(bytes(1000, 9));
          }
        },
        editLog((tx, edit) -> {
          edit.append(bytes(50, 3));
          Savepoint before = tx.savepoint();
          edit.append(bytes(900, 4));
          edit.truncate(65_008);
          tx.rollbackTo(before);
          edit.append(bytes(30, 5));
        }),
        editLog((tx, edit) -> {
          edit.append(bytes(700, 6));
          edit.truncate(65_008 + 112);
        }),
        editLog((tx, edit) -> {
          edit.append(bytes(10, 7));
          edit.clear();
          edit.append(bytes(20, 8));
        }));
  }

  /** What a crash left behind the end is overwritten by the next append. */
  @Test
  void log_appendedToAfterACrash() {
    long[] start = pool(append(20, 1));
    List<String> seen = new ArrayList<>();
    Explorer.Report report =
        Explorer.of(start)
            .limit(70_000)
            .run(medium -> appendTwice(medium), (region, marks) -> appendAgain(region, seen));
    assertEquals(0, report.cappedPoints(), report::toString);
    assertEquals(List.of(), report.findings());
    assertEquals(List.of("[20, 40]", "[20, 300, 40]", "[20, 300, 2000, 40]"), seen);
  }

  private static void appendTwice(TracingMedium medium) {
    PersistentLog log = Pool.open(medium.region(), "test").root("log", Type.log());
    medium.mark("open");
    log.append(bytes(300, 2));
    medium.mark("one");
    log.append(bytes(2000, 3));
    medium.mark("two");
  }

  private static String appendAgain(PersistentRegion region, List<String> seen) {
    Pool pool = Pool.open(region, "test");
    PersistentLog log = pool.root("log", Type.log());
    log.append(bytes(40, 4));
    List<Long> sizes = new ArrayList<>();
    log.walk(0, (position, record) -> sizes.add(record.byteSize()));
    assertEquals(List.of(), pool.check().problems());
    if (!seen.contains(sizes.toString())) {
      seen.add(sizes.toString());
    }
    return sizes.toString();
  }
}
