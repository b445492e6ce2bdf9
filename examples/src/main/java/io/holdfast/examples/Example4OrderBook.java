// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.bytes.ChronicleCodec;
import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import java.nio.file.Path;
import java.util.Map;
import net.openhft.chronicle.bytes.BytesIn;
import net.openhft.chronicle.bytes.BytesMarshallable;
import net.openhft.chronicle.bytes.BytesOut;

/**
 * An order book for those who have their records in Chronicle Bytes: a record writes and reads
 * itself, and a codec keeps it as the value of a map. Each run adds an order on either side,
 * together with what is wanted at its price. Beside the module holdfast-bytes this needs
 * chronicle-bytes on the class path, and no flags but --enable-native-access=ALL-UNNAMED.
 */
public final class Example4OrderBook {
  /** A record; it reads what it wrote, in the same order. */
  static final class Order implements BytesMarshallable {
    private boolean isBid;
    private double price;
    private long quantity;
    private String owner;

    static Order of(boolean isBid, double price, long quantity, String owner) {
      Order order = new Order();
      order.isBid = isBid;
      order.price = price;
      order.quantity = quantity;
      order.owner = owner;
      return order;
    }

    @Override
    public void writeMarshallable(BytesOut<?> out) {
      out.writeBoolean(isBid).writeDouble(price).writeStopBit(quantity).writeUtf8(owner);
    }

    @Override
    public void readMarshallable(BytesIn<?> in) {
      isBid = in.readBoolean();
      price = in.readDouble();
      quantity = in.readStopBit();
      owner = in.readUtf8();
    }

    @Override
    public String toString() {
      return "%s %s %d at %.2f".formatted(owner, isBid ? "buys" : "sells", quantity, price);
    }
  }

  static final Type<PersistentMap<Long, Order>> BOOK =
      Type.map(Codec.LONG, ChronicleCodec.of(Order::new));

  static final Type<PersistentMap<String, Long>> DEPTH = Type.map(Codec.STRING, Codec.LONG);

  public static void main(String[] arguments) {
    Path file = Path.of(arguments.length > 0 ? arguments[0] : "orders.pool");
    try (Pool pool = Pool.at(file).size(8 << 20).openOrCreate()) {
      PersistentMap<Long, Order> book = pool.root("book", BOOK);
      PersistentMap<String, Long> depth = pool.root("depth", DEPTH);

      long first = book.size() + 1L;
      pool.run(tx -> {
        Map<Long, Order> orders = tx.edit(book);
        orders.put(first, Order.of(true, 99.5, 100 * first, "ann"));
        orders.put(first + 1, Order.of(false, 100.25, 50, "jürgen"));
        tx.edit(depth).merge("99.50", 100 * first, Long::sum);
      });

      System.out.println("order " + first + ": " + book.get(first));
      System.out.println(book.size() + " orders; " + depth.get("99.50") + " are wanted at 99.50");
    }
  }

  private Example4OrderBook() {}
}
