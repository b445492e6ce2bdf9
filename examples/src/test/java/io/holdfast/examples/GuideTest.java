// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.bytes.ChronicleCodec;
import io.holdfast.bytes.PoolBytes;
import io.holdfast.crash.Explorer;
import io.holdfast.crash.TracingMedium;
import io.holdfast.flush.Partitions;
import io.holdfast.heap.Block;
import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentBlocks;
import io.holdfast.heap.PersistentLog;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import io.holdfast.heap.VolatileMemory;
import io.holdfast.tx.Editable;
import io.holdfast.tx.Savepoint;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.bytes.BytesIn;
import net.openhft.chronicle.bytes.BytesMarshallable;
import net.openhft.chronicle.bytes.BytesOut;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The code of the guide, run; {@link DocumentsTest} sees to it that the guide has no other. */
@Timeout(60)
class GuideTest {
  @TempDir Path folder;

  private static final Type<Order> ORDER = Order.TYPE;

  private static final Type<PersistentMap<String, Long>> COUNTERS =
      Type.map(Codec.STRING, Codec.LONG);

  interface Order extends Editable<Order.Edit> {
    Type<Order> TYPE = Type.of(Order.class, MethodHandles.lookup());

    String customer();

    long cents();

    Order next();

    interface Edit extends Order {
      Edit customer(String name);

      Edit cents(long amount);

      Edit next(Order order);
    }
  }

  @Test
  void pool() {
    Path file = folder.resolve("shop.pool");
    try (Pool pool = Pool.at(file).size(64 << 20).layout("shop").openOrCreate()) {
      System.out.println(pool.info());
    }
    assertEquals(64 << 20, file.toFile().length());
  }

  @Test
  void growth() {
    Path file = folder.resolve("shop.pool");
    try (Pool pool = Pool.at(file).size(64 << 20).maxSize(4L << 30).openOrCreate()) {
      pool.root("photos", Type.block(100 << 20));
      System.out.println(pool.info().size());
    }
    assertTrue(file.toFile().length() > 100 << 20);
  }

  @Test
  void partitions() {
    Path device = folder.resolve("device");
    Partitions partitions = Partitions.create(device, 64 << 20); // initialise, if it is there
    Path path = partitions.path("cache"); // device.resolve("cache")
    try (Pool orders = Pool.at(partitions.path("orders")).size(8 << 20).openOrCreate();
        Pool cache = Pool.at(path).size(4 << 20).maxSize(32 << 20).openOrCreate()) {
      orders.root("orders", Type.map(Codec.LONG, Codec.STRING)).put(1L, "kelp");
      cache.root("cache", Type.map(Codec.STRING, Codec.BYTES));
    }
    partitions.rename("cache", "old");
    partitions.delete("old");
    System.out.println(partitions.list() + ", free: " + partitions.free());
    assertEquals(1, partitions.list().size());
  }

  @Test
  void rootsTransactionsAndSavepoints() {
    try (Pool pool = Pool.at(folder.resolve("pool")).size(8 << 20).create()) {
      PersistentMap<String, Long> stock = pool.root("stock", Type.map(Codec.STRING, Codec.LONG));
      Order first = pool.root("first order", ORDER);

      pool.run(tx -> {
        Order.Edit order = tx.edit(first);
        order.customer("ann").cents(order.cents() + 250);
        tx.edit(stock).merge("apples", -5L, Long::sum);
      });
      assertEquals("ann", first.customer());
      assertEquals(-5, stock.get("apples"));

      pool.run(tx -> {
        tx.edit(first).cents(100);
        Savepoint before = tx.savepoint();
        tx.edit(first).cents(999).customer("nobody");
        tx.rollbackTo(before);
      });
      assertEquals(100, first.cents());
      assertEquals("ann", first.customer());
    }
  }

  @Test
  void recordsAndBlocks() {
    try (Pool pool = Pool.at(folder.resolve("pool")).size(8 << 20).create()) {
      record Place(String street, int number) {}

      Codec<Place> places = Codec.of(Place.class, MethodHandles.lookup());
      PersistentMap<String, Place> homes = pool.root("homes", Type.map(Codec.STRING, places));
      homes.put("ann", new Place("harbour street", 7));
      assertEquals(7, homes.get("ann").number());

      Block block = pool.root("page", Type.block(4096));
      pool.run(tx -> {
        MemorySegment page = tx.snapshot(block.offset(), block.size());
        page.fill((byte) 1);
      });
      assertEquals(
          1,
          pool.root("page", Type.block(4096))
              .view()
              .toArray(java.lang.foreign.ValueLayout.JAVA_BYTE)[4095]);
    }
  }

  @Test
  void blocksAndLogs() {
    try (Pool pool = Pool.at(folder.resolve("pool")).size(32 << 20).create()) {
      PersistentBlocks pages = pool.root("pages", Type.blocks(4096, 1_000_000));
      byte[] page = new byte[4096];
      page[0] = 1;
      pages.write(17, page);
      pages.read(17, page);
      pages.trim(17);
      assertEquals(1, page[0]);
      pages.read(17, page);
      assertEquals(0, page[0]);

      PersistentMap<String, Long> done = pool.root("done", Type.map(Codec.STRING, Codec.LONG));
      PersistentLog events = pool.root("events", Type.log());
      long opened = events.append("opened".getBytes(StandardCharsets.UTF_8));
      events.append("closed".getBytes(StandardCharsets.UTF_8));
      long next =
          events.walk(
              opened,
              (position, event) -> {
                System.out.println(position + ": " + event.byteSize() + " bytes");
                return true;
              });
      events.truncate(next);
      assertEquals(32, next);

      pool.run(tx -> {
        tx.edit(done).put("events", next);
        tx.edit(events).append(MemorySegment.ofArray(new byte[] {1, 2, 3}));
      });
      assertEquals(32, done.get("events"));
      assertEquals(32, events.first());
      assertEquals(48, events.end());
    }
  }

  @Test
  void volatileMemory() {
    try (VolatileMemory memory = VolatileMemory.create(folder.resolve("cache"), 64 << 20)) {
      MemorySegment picture = memory.allocate(100_000, 64);
      MemorySegment name = memory.allocateFrom("harbour");
      System.out.println(name.getString(0) + " takes " + memory.used());
      memory.free(picture);
    }
    assertFalse(folder.resolve("cache").toFile().exists());
  }

  static final class Trade implements BytesMarshallable {
    String symbol;
    double price;

    @Override
    public void writeMarshallable(BytesOut<?> out) {
      out.writeUtf8(symbol).writeDouble(price);
    }

    @Override
    public void readMarshallable(BytesIn<?> in) {
      symbol = in.readUtf8();
      price = in.readDouble();
    }
  }

  @Test
  void chronicleBytes() {
    try (Pool pool = Pool.at(folder.resolve("pool")).size(8 << 20).create()) {
      Trade trade = new Trade();
      trade.symbol = "HOLD";
      trade.price = 12.5;

      PersistentMap<Long, Trade> trades =
          pool.root("trades", Type.map(Codec.LONG, ChronicleCodec.of(Trade::new)));
      trades.put(1L, trade);
      assertEquals("HOLD", trades.get(1L).symbol);
      assertEquals(12.5, trades.get(1L).price);

      Block page = pool.root("page", Type.block(256));
      pool.run(tx -> PoolBytes.snapshot(tx, page).clear().writeUtf8("closed").writeDouble(99.5));
      Bytes<MemorySegment> view = PoolBytes.view(page);
      System.out.println(view.readUtf8() + " at " + view.readDouble());
      assertEquals(0, view.readLong());
    }
  }

  @Test
  void explorer() {
    TracingMedium start = TracingMedium.ofSize(1 << 20);
    Pool.create(start.region(), "test").root("counters", COUNTERS);
    Explorer.Report report =
        Explorer.of(start.image())
            .limit(100_000)
            .run(
                medium -> {
                  Pool pool = Pool.open(medium.region(), "test");
                  pool.root("counters", COUNTERS).put("a", 1L);
                  medium.mark("acknowledged");
                },
                (region, marks) -> {
                  Long found = Pool.open(region, "test").root("counters", COUNTERS).get("a");
                  if (marks.contains("acknowledged") && found == null) {
                    throw new AssertionError("lost");
                  }
                  return String.valueOf(found);
                });
    assertEquals(0, report.cappedPoints());
    assertTrue(report.states() > report.points());
  }
}
