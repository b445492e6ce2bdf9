// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.holdfast.crash.CrashCase;
import io.holdfast.crash.CrashCheck;
import io.holdfast.crash.CrashFailure;
import io.holdfast.crash.CrashTest;
import io.holdfast.crash.Explorer;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import io.holdfast.tx.Editable;
import io.holdfast.tx.Transaction;
import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An order book in a pool, and one that takes two transactions where one is needed. */
@Timeout(120)
class OrderBookTest {
  interface Order extends Editable<Order.Edit> {
    Type<Order> TYPE = Type.of(Order.class, MethodHandles.lookup());

    long price();

    long quantity();

    interface Edit extends Order {
      Edit price(long cents);

      Edit quantity(long pieces);
    }
  }

  /** Orders by their numbers, and how much is asked for at each price. */
  static class OrderBook {
    final Pool pool;
    final PersistentMap<Long, Order> orders;
    final PersistentMap<Long, Long> depth;

    OrderBook(Pool pool) {
      this.pool = pool;
      orders = pool.root("orders", Type.map(Codec.LONG, Order.TYPE));
      depth = pool.root("depth", Type.map(Codec.LONG, Codec.LONG));
    }

    void place(long number, long price, long quantity) {
      pool.run(tx -> {
        add(tx, number, price, quantity);
        tx.edit(depth).merge(price, quantity, Long::sum);
      });
    }

    void cancel(long number) {
      pool.run(tx -> {
        Order order = tx.edit(orders).remove(number);
        long left = depth.get(order.price()) - order.quantity();
        if (left == 0) {
          tx.edit(depth).remove(order.price());
        } else {
          tx.edit(depth).put(order.price(), left);
        }
        pool.free(tx, order);
      });
    }

    void add(Transaction tx, long number, long price, long quantity) {
      Order order = pool.make(tx, Order.TYPE);
      tx.edit(order).price(price).quantity(quantity);
      tx.edit(orders).put(number, order);
    }
  }

  /** Counts the depth when the order is safe: in a transaction of its own. */
  static class HastyOrderBook extends OrderBook {
    HastyOrderBook(Pool pool) {
      super(pool);
    }

    @Override
    void place(long number, long price, long quantity) {
      pool.run(tx -> add(tx, number, price, quantity));
      pool.run(tx -> tx.edit(depth).merge(price, quantity, Long::sum));
    }
  }

  record Placed(long price, long quantity) {}

  record BookCase(Function<Pool, OrderBook> maker)
      implements CrashCase<OrderBook, Map<Long, Placed>> {
    @Override
    public int size() {
      return 1 << 20;
    }

    @Override
    public void prepare(PersistentRegion region) {
      new OrderBook(Pool.create(region, "book", new SplittableRandom(1))).pool.close();
    }

    @Override
    public OrderBook open(PersistentRegion region) {
      return maker.apply(Pool.open(region, "book"));
    }

    @Override
    public void workload(OrderBook book, Ops<Map<Long, Placed>> ops) {
      SplittableRandom random = ops.random();
      List<Long> open = new ArrayList<>();
      for (long i = 1; i <= 3; i++) {
        long number = i;
        if (!open.isEmpty() && random.nextInt(3) == 0) {
          long old = open.remove(random.nextInt(open.size()));
          ops.op("cancel " + old, model -> model.remove(old), () -> book.cancel(old));
        } else {
          Placed order = new Placed(100 + random.nextInt(2), 1 + random.nextInt(9));
          open.add(number);
          ops.op(
              "place " + number,
              model -> model.put(number, order),
              () -> book.place(number, order.price(), order.quantity()));
        }
      }
    }

    @Override
    public Map<Long, Placed> model() {
      return new TreeMap<>();
    }

    @Override
    public Map<Long, Placed> observe(OrderBook book) {
      Map<Long, Placed> found = new TreeMap<>();
      book.orders.forEach(
          (number, order) -> found.put(number, new Placed(order.price(), order.quantity())));
      return found;
    }

    @Override
    public void invariants(OrderBook book) {
      Map<Long, Long> sums = new TreeMap<>();
      book.orders.values().forEach(order -> sums.merge(order.price(), order.quantity(), Long::sum));
      assertEquals(sums, new TreeMap<>(book.depth), "depth");
    }
  }

  @CrashTest(nested = 1)
  void book(CrashCheck check) {
    check.run(new BookCase(OrderBook::new));
  }

  /** What is run below, and fails. */
  static class Failing {
    @CrashTest
    void hasty(CrashCheck check) {
      check.run(new BookCase(HastyOrderBook::new));
    }
  }

  @Test
  void hastyBook_isFound_andAgainByItsToken() {
    String message = Crashed.message(Crashed.run(Failing.class, "hasty", CrashCheck.class));
    String token = Crashed.token(message, "OrderBookTest.java");
    BookCase hasty = new BookCase(HastyOrderBook::new);
    CrashFailure again =
        assertThrows(CrashFailure.class, () -> Explorer.of(hasty).replay(token, hasty));
    assertEquals(token, again.token());
  }
}
