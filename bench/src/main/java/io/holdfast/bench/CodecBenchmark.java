// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import io.holdfast.bytes.ChronicleCodec;
import io.holdfast.flush.Granularity;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.ToLongFunction;
import net.openhft.chronicle.bytes.BytesIn;
import net.openhft.chronicle.bytes.BytesMarshallable;
import net.openhft.chronicle.bytes.BytesOut;

/**
 * The same record of an order, as the value of three maps: through the codec of records, through
 * Chronicle, and through a codec that somebody wrote by hand. {@code put} makes a record, encodes
 * it and commits it; {@code get} decodes it and looks at two of its fields. The codecs by
 * themselves do the same to an array.
 *
 * <p>Equal on all sides: keys, records, the random order, the map. Not equal: bytes for a record,
 * 65 of which each writes in its own way; Chronicle's is a mutable class, the others are records.
 */
final class CodecBenchmark implements Benchmark {
  private static final int ENTRIES = 10_000;

  /** Takes every result, so that none can be left out. */
  private volatile long sink;

  @Override
  public String name() {
    return "codec";
  }

  @Override
  public String title() {
    return "a record of 8 fields as a map's value: codec of records, and by hand, beside Chronicle";
  }

  // ---- the record, three times

  private record Order(
      long number,
      long account,
      long time,
      long quantity,
      double price,
      double limit,
      double fee,
      String symbol) {
    static Order of(long i) {
      return new Order(i, i * 7, i << 20, 100, i / 4.0, i / 3.0, 0.25, "HOLD" + i % 10);
    }
  }

  private static final class ChronicleOrder implements BytesMarshallable {
    private long number;
    private long account;
    private long time;
    private long quantity;
    private double price;
    private double limit;
    private double fee;
    private String symbol = "";

    static ChronicleOrder of(long i) {
      ChronicleOrder order = new ChronicleOrder();
      order.number = i;
      order.account = i * 7;
      order.time = i << 20;
      order.quantity = 100;
      order.price = i / 4.0;
      order.limit = i / 3.0;
      order.fee = 0.25;
      order.symbol = "HOLD" + i % 10;
      return order;
    }

    @Override
    public void writeMarshallable(BytesOut<?> out) {
      out.writeLong(number).writeLong(account).writeLong(time).writeLong(quantity);
      out.writeDouble(price).writeDouble(limit).writeDouble(fee).writeUtf8(symbol);
    }

    @Override
    public void readMarshallable(BytesIn<?> in) {
      number = in.readLong();
      account = in.readLong();
      time = in.readLong();
      quantity = in.readLong();
      price = in.readDouble();
      limit = in.readDouble();
      fee = in.readDouble();
      symbol = in.readUtf8();
    }
  }

  /** Seven words and the text, which is what is left of the segment. */
  private static final class HandWritten implements Codec<Order> {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final ValueLayout.OfDouble DOUBLE = ValueLayout.JAVA_DOUBLE_UNALIGNED;
    private static final long SYMBOL = 7L * Long.BYTES;

    @Override
    public long sizeOf(Order order) {
      return SYMBOL + order.symbol.length();
    }

    @Override
    public void write(Order order, MemorySegment into) {
      into.set(LONG, 0, order.number);
      into.set(LONG, 8, order.account);
      into.set(LONG, 16, order.time);
      into.set(LONG, 24, order.quantity);
      into.set(DOUBLE, 32, order.price);
      into.set(DOUBLE, 40, order.limit);
      into.set(DOUBLE, 48, order.fee);
      byte[] symbol = order.symbol.getBytes(StandardCharsets.ISO_8859_1);
      MemorySegment.copy(symbol, 0, into, ValueLayout.JAVA_BYTE, SYMBOL, symbol.length);
    }

    @Override
    public Order read(MemorySegment from) {
      byte[] symbol = from.asSlice(SYMBOL).toArray(ValueLayout.JAVA_BYTE);
      return new Order(
          from.get(LONG, 0),
          from.get(LONG, 8),
          from.get(LONG, 16),
          from.get(LONG, 24),
          from.get(DOUBLE, 32),
          from.get(DOUBLE, 40),
          from.get(DOUBLE, 48),
          new String(symbol, StandardCharsets.ISO_8859_1));
    }
  }

  // ---- what is measured

  /** One way to keep an order. */
  private record Way<T>(Codec<T> codec, LongFunction<T> maker, ToLongFunction<T> look) {
    PersistentMap<Long, T> map(Pool pool, String name) {
      PersistentMap<Long, T> map = pool.root(name, Type.map(Codec.LONG, codec));
      for (long i = 0; i < ENTRIES; i++) {
        map.put(i, maker.apply(i));
      }
      return map;
    }
  }

  /** Made when they are needed, so that the other benchmarks run without Chronicle. */
  private static final class Ways {
    static final Way<Order> RECORD =
        new Way<>(
            Codec.of(Order.class, MethodHandles.lookup()), Order::of, CodecBenchmark::twoFields);
    static final Way<Order> BY_HAND =
        new Way<>(new HandWritten(), Order::of, CodecBenchmark::twoFields);
    static final Way<ChronicleOrder> CHRONICLE =
        new Way<>(
            ChronicleCodec.of(ChronicleOrder::new),
            ChronicleOrder::of,
            order -> order.number + order.symbol.length());

    private Ways() {}
  }

  private static long twoFields(Order order) {
    return order.number + order.symbol.length();
  }

  @Override
  public void run(Setting setting) throws IOException {
    setting.note(ENTRIES + " entries");
    try (PersistentRegion region = setting.region("codec", 32L << 20, Granularity.NONE);
        Pool pool = Pool.create(region, "bench")) {
      setting.describe(region);
      PersistentMap<Long, Order> record = Ways.RECORD.map(pool, "record");
      PersistentMap<Long, Order> byHand = Ways.BY_HAND.map(pool, "by hand");
      PersistentMap<Long, ChronicleOrder> chronicle = Ways.CHRONICLE.map(pool, "chronicle");
      compare(
          setting,
          "encode",
          List.of(encoding(Ways.RECORD), encoding(Ways.BY_HAND), encoding(Ways.CHRONICLE)));
      compare(
          setting,
          "decode",
          List.of(decoding(Ways.RECORD), decoding(Ways.BY_HAND), decoding(Ways.CHRONICLE)));
      compare(
          setting,
          "encode and put",
          List.of(
              putting(Ways.RECORD, record),
              putting(Ways.BY_HAND, byHand),
              putting(Ways.CHRONICLE, chronicle)));
      compare(
          setting,
          "get and decode",
          List.of(
              getting(Ways.RECORD, record),
              getting(Ways.BY_HAND, byHand),
              getting(Ways.CHRONICLE, chronicle)));
    }
  }

  private static void compare(Setting setting, String what, List<Contestant> ways)
      throws IOException {
    setting.run(
        new Race(what, 0)
            .ours("codec of records", ways.get(0))
            .ours("written by hand", ways.get(1))
            .theirs("Chronicle", ways.get(2)));
  }

  private Contestant doing(ToLongFunction<Random> operation) {
    Random random = new Random(1);
    return Contestant.timed(operations -> {
      long sum = 0;
      for (long i = 0; i < operations; i++) {
        sum += operation.applyAsLong(random);
      }
      sink = sum;
    });
  }

  private <T> Contestant putting(Way<T> way, PersistentMap<Long, T> map) {
    return doing(random -> {
      long i = random.below(ENTRIES);
      return way.look.applyAsLong(map.put(i, way.maker.apply(i)));
    });
  }

  private <T> Contestant getting(Way<T> way, PersistentMap<Long, T> map) {
    return doing(random -> way.look.applyAsLong(map.get((long) random.below(ENTRIES))));
  }

  private <T> Contestant encoding(Way<T> way) {
    return doing(random -> encoded(way, random.below(ENTRIES))[0]);
  }

  private static <T> byte[] encoded(Way<T> way, long i) {
    T order = way.maker.apply(i);
    byte[] bytes = new byte[(int) way.codec.sizeOf(order)];
    way.codec.write(order, MemorySegment.ofArray(bytes));
    return bytes;
  }

  private <T> Contestant decoding(Way<T> way) {
    byte[] bytes = encoded(way, 12345);
    Function<byte[], T> decode = from -> way.codec.read(MemorySegment.ofArray(from));
    return doing(random -> way.look.applyAsLong(decode.apply(bytes)));
  }
}
