// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bytes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.Explorer;
import io.holdfast.crash.TracingMedium;
import io.holdfast.heap.Block;
import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import io.holdfast.tx.Editable;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.Function;
import net.openhft.chronicle.bytes.Bytes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is written through Bytes goes through the door, and is whole or not there at all. */
@Timeout(120)
class BytesCrashTest {
  private static final Type<PersistentMap<String, Order>> ORDERS =
      Type.map(Codec.STRING, ChronicleCodec.of(Order::new));
  private static final Type<Block> PAGE = Type.block(16);

  /** What refers to a block. */
  interface Letter extends Editable<Letter.Edit> {
    Block text();

    /** What is changed. */
    interface Edit extends Letter {
      Edit text(Block text);
    }
  }

  private static final Type<Letter> LETTER = Type.of(Letter.class, MethodHandles.lookup());

  private static void explore(Consumer<Pool> program, Function<Pool, Integer> read) {
    TracingMedium start = TracingMedium.ofSize(1 << 20);
    Pool fresh = Pool.create(start.region(), "test", new SplittableRandom(1));
    fresh.root("orders", ORDERS).put("key", Order.of(3));
    fresh.root("page", PAGE);
    fresh.root("letter", LETTER);
    Explorer.Report report =
        Explorer.of(start.image())
            .limit(100_000)
            .run(
                medium -> {
                  program.accept(Pool.open(medium.region(), "test"));
                  medium.mark("acknowledged");
                },
                (region, marks) -> {
                  Pool pool = Pool.open(region, "test");
                  int found = read.apply(pool);
                  assertTrue(found == 1 || found == 0 && marks.isEmpty(), marks + " " + found);
                  return String.valueOf(found);
                });
    assertEquals(0, report.cappedPoints());
    assertTrue(report.states() > report.points());
  }

  @Test
  void valuePut_crashedAnywhere_isWholeOrAsBefore() {
    explore(
        pool -> pool.root("orders", ORDERS).put("key", Order.of(4)),
        pool -> {
          Order order = pool.root("orders", ORDERS).get("key");
          assertEquals(Order.of(order.number), order);
          return (int) order.number - 3;
        });
  }

  @Test
  void blockFilled_crashedAnywhere_isWholeOrNotThere() {
    explore(
        pool ->
            pool.run(tx -> {
              Block made = pool.make(tx, PAGE);
              PoolBytes.fill(tx, made).writeUtf8("a text").writeDouble(1.5);
              tx.edit(pool.root("letter", LETTER)).text(made);
            }),
        pool -> {
          Block text = pool.root("letter", LETTER).text();
          if (text == null) {
            return 0;
          }
          Bytes<MemorySegment> bytes = PoolBytes.view(text);
          assertEquals("a text", bytes.readUtf8());
          assertEquals(1.5, bytes.readDouble());
          return 1;
        });
  }

  @Test
  void blockChangedInPlace_crashedAnywhere_isWholeOrAsBefore() {
    explore(
        pool ->
            pool.run(tx ->
                PoolBytes.snapshot(tx, pool.root("page", PAGE))
                    .clear()
                    .writeLong(1)
                    .writeUtf8("whole")),
        pool -> {
          Bytes<MemorySegment> page = PoolBytes.view(pool.root("page", PAGE));
          int found = (int) page.readLong();
          assertEquals(found == 0 ? "" : "whole", page.readUtf8());
          return found;
        });
  }
}
