// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bytes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.PoolException;
import io.holdfast.heap.Type;
import java.lang.foreign.MemorySegment;
import java.nio.BufferUnderflowException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.bytes.BytesIn;
import net.openhft.chronicle.bytes.BytesMarshallable;
import net.openhft.chronicle.bytes.BytesOut;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ChronicleCodecTest {
  private static final Codec<Order> ORDERS = ChronicleCodec.of(Order::new);
  private static final Type<PersistentMap<Long, Order>> BOOK = Type.map(Codec.LONG, ORDERS);

  @TempDir Path folder;

  private Pool pool;
  private PersistentMap<Long, Order> book;

  @BeforeEach
  void open() {
    pool = Pool.at(folder.resolve("pool")).size(16 << 20).openOrCreate();
    book = pool.root("book", BOOK);
  }

  @AfterEach
  void close() {
    pool.close();
  }

  private static <T> byte[] bytes(Codec<T> codec, T value) {
    byte[] bytes = new byte[Math.toIntExact(codec.sizeOf(value))];
    codec.write(value, MemorySegment.ofArray(bytes));
    return bytes;
  }

  private static <T> T value(Codec<T> codec, byte[] bytes) {
    return codec.read(MemorySegment.ofArray(bytes));
  }

  // ---- in a map

  @Test
  void map_putAndGet_inAndOutOfTransactions_andAfterReopen() {
    for (long i = 0; i < 100; i++) {
      assertNull(book.put(i, Order.of(i)));
    }
    assertEquals(Order.of(7), book.put(7L, Order.of(8)));
    pool.run(tx -> {
      Map<Long, Order> edit = tx.edit(book);
      Order order = edit.get(7L);
      order.owner = "ann";
      edit.put(7L, order);
      assertEquals("ann", edit.get(7L).owner);
      edit.merge(9L, Order.of(10), (before, added) -> added);
      edit.remove(11L);
    });
    close();
    open();
    assertEquals(99, book.size());
    assertEquals("ann", book.get(7L).owner);
    assertEquals(Order.of(10), book.get(9L));
    assertNull(book.get(11L));
    assertEquals(Order.of(99), book.get(99L));
    assertTrue(pool.check().isClean(), () -> pool.check().toString());
  }

  @Test
  void map_aborted_isAsBefore() {
    book.put(1L, Order.of(1));
    assertThrows(
        ArithmeticException.class,
        () ->
            pool.run(tx -> {
              tx.edit(book).put(1L, Order.of(2));
              throw new ArithmeticException();
            }));
    assertEquals(Order.of(1), book.get(1L));
  }

  @Test
  void map_changedValueOfAGet_isNotStored() {
    book.put(1L, Order.of(1));
    book.get(1L).owner = "nobody";
    assertEquals(Order.of(1), book.get(1L));
  }

  static final class Other extends Order {}

  @Test
  void map_openedWithAnotherClass_refused() {
    Type<PersistentMap<Long, Other>> others =
        Type.map(Codec.LONG, ChronicleCodec.<Other>of(Other::new));
    PoolException.TypeChanged refused =
        assertThrows(PoolException.TypeChanged.class, () -> pool.root("book", others));
    assertTrue(refused.getMessage().contains(Order.class.getName()), refused.getMessage());
    assertTrue(refused.getMessage().contains(Other.class.getName()), refused.getMessage());
  }

  @Test
  void map_valueOfASubclass_refused() {
    Other other = new Other();
    ClassCastException refused = assertThrows(ClassCastException.class, () -> book.put(1L, other));
    assertTrue(refused.getMessage().contains(Other.class.getName()), refused.getMessage());
    assertTrue(book.isEmpty());
  }

  @Test
  void keys_areComparedAsBytes() {
    PersistentMap<Order, Long> numbers =
        pool.root("numbers", Type.map(ChronicleCodec.<Order>of(Order::new), Codec.LONG));
    numbers.put(Order.of(3), 3L);
    assertEquals(3, numbers.get(Order.of(3)));
    assertNull(numbers.get(Order.of(4)));
    Map<?, Long> untyped = numbers;
    Object text = "a text";
    assertNull(untyped.get(text));
    assertNull(numbers.get(new Other()));
    assertEquals(List.of(Order.of(3)), List.copyOf(numbers.keySet()));
  }

  @Test
  void map_manyThreads_seeWholeValuesOnly() throws Exception {
    int keys = 4;
    for (long key = 0; key < keys; key++) {
      book.put(key, Order.of(key));
    }
    long end = System.nanoTime() + 400_000_000;
    try (ExecutorService workers = Executors.newFixedThreadPool(3)) {
      List<Future<?>> done = new ArrayList<>();
      for (int worker = 0; worker < 3; worker++) {
        SplittableRandom random = new SplittableRandom(worker);
        done.add(
            workers.submit(() -> {
              while (System.nanoTime() < end) {
                long key = random.nextInt(keys);
                if (random.nextInt(3) == 0) {
                  book.put(key, Order.of(key + keys * random.nextLong(100)));
                }
                Order order = book.get(key);
                assertEquals(Order.of(order.number), order);
                assertEquals(key, order.number % keys);
              }
            }));
      }
      for (Future<?> one : done) {
        one.get();
      }
    }
  }

  // ---- by itself

  @Test
  void largeValue_roundTrips_andSmallOnesAfterIt() {
    Order large = Order.of(1);
    large.owner = "x".repeat(100_000);
    assertEquals(large, value(ORDERS, bytes(ORDERS, large)));
    book.put(1L, large);
    book.put(2L, Order.of(2));
    assertEquals(large, book.get(1L));
    assertEquals(Order.of(2), book.get(2L));
  }

  @Test
  void write_ofAnotherValueThanWasSized_encodesItAnew() {
    assertEquals(bytes(ORDERS, Order.of(4)).length, ORDERS.sizeOf(Order.of(4)));
    byte[] bytes = new byte[bytes(ORDERS, Order.of(4)).length];
    ORDERS.sizeOf(Order.of(5));
    ORDERS.write(Order.of(4), MemorySegment.ofArray(bytes));
    assertEquals(Order.of(4), value(ORDERS, bytes));
  }

  /** Fields that Chronicle reads and writes by reflection. */
  static final class Plain implements BytesMarshallable {
    private long number;
    private double price;
    private String owner;
    private byte[] data;
  }

  @Test
  void classWithoutMethodsOfItsOwn_roundTrips() {
    Plain plain = new Plain();
    plain.number = 4;
    plain.price = 1.5;
    plain.owner = "jürgen";
    plain.data = new byte[] {1, 2};
    Codec<Plain> codec = ChronicleCodec.of(Plain::new);
    Plain read = value(codec, bytes(codec, plain));
    assertEquals(4, read.number);
    assertEquals(1.5, read.price);
    assertEquals("jürgen", read.owner);
    assertEquals("[1, 2]", Arrays.toString(read.data));
  }

  /** A value that holds a map's value while it is written and read. */
  private static final class Nested implements BytesMarshallable {
    private Order inner = Order.of(3);

    @Override
    public void writeMarshallable(BytesOut<?> out) {
      out.writeLong(1).writeInt(bytes(ORDERS, inner).length).write(bytes(ORDERS, inner));
    }

    @Override
    public void readMarshallable(BytesIn<?> in) {
      in.readLong();
      byte[] bytes = new byte[in.readInt()];
      in.read(bytes);
      inner = value(ORDERS, bytes);
    }
  }

  @Test
  void codecInsideACodec_roundTrips() {
    Codec<Nested> codec = ChronicleCodec.of(Nested::new);
    Nested nested = new Nested();
    nested.inner = Order.of(9);
    assertEquals(Order.of(9), value(codec, bytes(codec, nested)).inner);
  }

  @Test
  void signature_namesTheClass() {
    assertEquals("marshallable(io.holdfast.bytes.Order)", ORDERS.signature());
  }

  // ---- values that do not keep to it

  /** Does what it is told. */
  static final class Odd implements BytesMarshallable {
    private static int written;
    private static boolean grows;
    private static boolean fails;
    private static int bytesRead = 8;
    private static BytesIn<?> kept;

    static Odd reset() {
      written = 0;
      grows = false;
      fails = false;
      bytesRead = 8;
      return new Odd();
    }

    @Override
    public void writeMarshallable(BytesOut<?> out) {
      out.writeLong(5);
      for (int i = 0; grows && i < written; i++) {
        out.writeByte((byte) i);
      }
      written++;
      if (fails) {
        throw new IllegalStateException("no");
      }
    }

    @Override
    public void readMarshallable(BytesIn<?> in) {
      kept = in;
      in.readPosition(bytesRead == 0 ? 0 : bytesRead - 1);
      if (bytesRead > 0) {
        in.readByte();
      }
    }
  }

  private static final Codec<Odd> ODD = ChronicleCodec.of(Odd::new);

  private PersistentMap<Long, Odd> oddities() {
    return pool.root("odd", Type.map(Codec.LONG, ODD));
  }

  @Test
  void valueThatWritesItselfDifferentlyTwice_isWrittenOnce() {
    Odd odd = Odd.reset();
    Odd.grows = true;
    oddities().put(1L, odd);
    assertEquals(1, Odd.written);
    oddities().get(1L);

    MemorySegment small = MemorySegment.ofArray(new byte[8]);
    MarshallingException refused =
        assertThrows(MarshallingException.class, () -> ODD.write(odd, small));
    assertTrue(refused.getMessage().contains("first=8, now=9"), refused.getMessage());
  }

  @Test
  void valueThatThrowsWhenWritten_changesNothing() {
    Odd odd = Odd.reset();
    oddities().put(1L, odd);
    Odd.fails = true;
    assertThrows(MarshallingException.class, () -> oddities().put(1L, odd));
    MarshallingException refused =
        assertThrows(
            MarshallingException.class, () -> pool.run(tx -> tx.edit(oddities()).put(2L, odd)));
    assertEquals("no", refused.getCause().getMessage());
    assertTrue(refused.getMessage().contains(Odd.class.getName()), refused.getMessage());
    Odd.reset();
    assertEquals(1, oddities().size());
    oddities().put(2L, odd);
    assertEquals(2, oddities().size());
    assertTrue(pool.check().isClean());
  }

  @Test
  void valueThatReadsPastItsEnd_refused() {
    oddities().put(1L, Odd.reset());
    Odd.bytesRead = 9;
    MarshallingException refused =
        assertThrows(MarshallingException.class, () -> oddities().get(1L));
    assertInstanceOf(BufferUnderflowException.class, refused.getCause());
    assertTrue(refused.getMessage().contains("bytes=8"), refused.getMessage());
    Odd.reset();
    oddities().get(1L);
  }

  @Test
  void valueThatLeavesBytesUnread_refused() {
    oddities().put(1L, Odd.reset());
    Odd.bytesRead = 7;
    MarshallingException refused =
        assertThrows(MarshallingException.class, () -> oddities().get(1L));
    assertTrue(refused.getMessage().contains("bytes=8, read=7"), refused.getMessage());
    Odd.reset();
  }

  @Test
  void bytesThatAValueKeeps_areOverWhenItIsRead() {
    oddities().put(1L, Odd.reset());
    oddities().get(1L);
    assertThrows(IllegalStateException.class, () -> ((Bytes<?>) Odd.kept).readLong(0));
  }

  @Test
  void supplier_thatMakesNothing_refused() {
    Supplier<Order> none = () -> null;
    assertThrows(NullPointerException.class, () -> ChronicleCodec.of(none));
    assertThrows(NullPointerException.class, () -> ChronicleCodec.of(null));
  }

  // ---- bytes that nobody wrote

  @Test
  void hostileBytes_valueOrMarshallingException_nothingElse() {
    SplittableRandom random = new SplittableRandom(5);
    int refused = 0;
    for (int round = 0; round < 3_000; round++) {
      byte[] bytes = bytes(ORDERS, Order.of(random.nextInt(1000)));
      switch (round % 3) {
        case 0 -> bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
        case 1 -> bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
        default -> random.nextBytes(bytes);
      }
      try {
        value(ORDERS, bytes);
      } catch (MarshallingException e) {
        refused++;
      }
    }
    assertTrue(refused > 1_500, "refused: " + refused);
  }

  /** Chronicle takes memory for the length of such a text before it looks whether it is there. */
  @Test
  void hostileLength_ofAText_takesNoMemory() {
    byte[] bytes = Arrays.copyOf(bytes(ORDERS, new Order()), 40);
    int symbol = 8 + 8 + 4 + 1 + 1;
    Arrays.fill(bytes, symbol, symbol + 4, (byte) 0xFF);
    bytes[symbol + 4] = 7; // 2^31 - 1
    MarshallingException refused =
        assertThrows(MarshallingException.class, () -> value(ORDERS, bytes));
    assertInstanceOf(BufferUnderflowException.class, refused.getCause());
  }
}
