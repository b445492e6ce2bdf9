// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bytes;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.heap.Block;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import io.holdfast.tx.Savepoint;
import io.holdfast.tx.Transaction;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.BufferOverflowException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.bytes.VanillaBytes;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class PoolBytesTest {
  private static final Type<Block> BLOCK = Type.block(64);

  @TempDir Path folder;

  private Pool pool;
  private Block block;

  @BeforeEach
  void open() {
    pool = Pool.at(folder.resolve("pool")).size(4 << 20).create();
    block = pool.root("block", BLOCK);
    assertEquals(64, block.size());
  }

  @AfterEach
  void close() {
    pool.close();
  }

  private static byte[] contents(Block block) {
    return block.view().toArray(ValueLayout.JAVA_BYTE);
  }

  private void write(Consumer<Bytes<MemorySegment>> change) {
    pool.run(tx -> change.accept(PoolBytes.snapshot(tx, block)));
  }

  // ---- reading

  @Test
  void view_showsWhatIsCommitted_withoutACopy() {
    Bytes<MemorySegment> view = PoolBytes.view(block);
    assertEquals(0, view.readPosition());
    assertEquals(64, view.readLimit());
    assertEquals(0, view.writeRemaining());
    assertEquals(64, view.capacity());
    assertEquals(0, view.readLong(8));
    pool.run(tx -> {
      tx.edit(block).setLong(8, 77);
      assertEquals(0, view.readLong(8));
    });
    assertEquals(77, view.readLong(8));
    view.readSkip(8);
    assertEquals(77, view.readLong());
    assertEquals(48, view.readRemaining());
    assertEquals(block.view(), view.underlyingObject());
  }

  @Test
  void view_readPastTheEnd_throws() {
    Bytes<MemorySegment> view = PoolBytes.view(block);
    assertThrows(BufferUnderflowException.class, () -> view.readLong(57));
    assertThrows(BufferUnderflowException.class, () -> view.readByte(64));
    view.readPosition(60);
    assertThrows(BufferUnderflowException.class, view::readLong);
    assertThrows(BufferOverflowException.class, () -> view.writeLimit(65));
    assertThrows(RuntimeException.class, () -> view.readLong(-1));
  }

  @Test
  void view_eachWayToWrite_refused() {
    Bytes<MemorySegment> view = PoolBytes.view(block);
    List<Executable> ways = new ArrayList<>();
    ways.add(() -> view.writeByte((byte) 1));
    ways.add(() -> view.writeByte(0, (byte) 1));
    ways.add(() -> view.writeShort(0, (short) 1));
    ways.add(() -> view.writeInt(0, 1));
    ways.add(() -> view.writeLong(0, 1));
    ways.add(() -> view.writeFloat(0, 1));
    ways.add(() -> view.writeDouble(0, 1));
    ways.add(() -> view.writeVolatileLong(0, 1));
    ways.add(() -> view.writeOrderedInt(0, 1));
    ways.add(() -> view.compareAndSwapInt(0, 0, 1));
    ways.add(() -> view.compareAndSwapLong(0, 0, 1));
    ways.add(() -> view.addAndGetLong(0, 1));
    ways.add(() -> view.testAndSetInt(0, 0, 1));
    ways.add(() -> view.write(0, new byte[] {1}));
    ways.add(() -> view.write(0, ByteBuffer.allocate(1), 0, 1));
    ways.add(() -> view.move(0, 8, 8));
    ways.add(() -> view.clear().writeLong(1));
    ways.add(() -> view.clear().append(1234));
    ways.add(() -> view.clear().writeUtf8("x"));
    ways.add(() -> ((VanillaBytes<?>) view).write(0, "x", 0, 1));
    ways.add(() -> view.bytesStore().writeLong(0, 1));
    ways.add(() -> view.addressForWrite(0));
    ways.add(() -> view.nativeWrite(1 << 20, 0, 8));
    for (int way = 0; way < ways.size(); way++) {
      assertThrows(RuntimeException.class, ways.get(way), "way " + way);
    }
    assertArrayEquals(new byte[64], contents(block));
    String message =
        assertThrows(UnsupportedOperationException.class, () -> view.writeLong(0, 1)).getMessage();
    assertTrue(message.contains("bytes=64"), message);
  }

  @Test
  void view_afterClose_refused() {
    Bytes<MemorySegment> view = PoolBytes.view(block);
    pool.close();
    assertThrows(IllegalStateException.class, () -> view.readLong(0));
    assertThrows(IllegalStateException.class, view::readByte);
  }

  @Test
  void view_released_isOverAndThePoolIsNot() {
    Bytes<MemorySegment> view = PoolBytes.view(block);
    view.releaseLast();
    assertThrows(IllegalStateException.class, () -> view.readLong(0));
    assertEquals(0, PoolBytes.view(block).readLong(0));
  }

  // ---- filling

  @Test
  void fill_onePastTheEnd_throwsAndNeighboursAreUnharmed() {
    List<Block> blocks = new ArrayList<>();
    pool.run(tx -> {
      blocks.clear();
      for (int i = 0; i < 3; i++) {
        blocks.add(pool.make(tx, BLOCK));
      }
      Bytes<MemorySegment> bytes = PoolBytes.fill(tx, blocks.get(1));
      assertEquals(0, bytes.readRemaining());
      assertEquals(64, bytes.writeLimit());
      while (bytes.writeRemaining() > 0) {
        bytes.writeByte((byte) -1);
      }
      assertThrows(BufferOverflowException.class, () -> bytes.writeByte((byte) -1));
      assertThrows(BufferOverflowException.class, () -> bytes.writeLong(60, -1));
      assertThrows(BufferOverflowException.class, () -> bytes.clear().write(new byte[65]));
      assertThrows(RuntimeException.class, () -> bytes.clear().writeUtf8("x".repeat(64)));
      assertThrows(RuntimeException.class, () -> bytes.append("x".repeat(65)));
      assertThrows(RuntimeException.class, () -> bytes.writeLong(-8, -1));
      // Chronicle checks no limit here; its own store for foreign memory would write.
      VanillaBytes<?> unchecked = (VanillaBytes<?>) bytes.clear();
      assertThrows(IndexOutOfBoundsException.class, () -> unchecked.write(64, "x", 0, 1));
      assertThrows(IndexOutOfBoundsException.class, () -> bytes.bytesStore().writeLong(60, -1));
    });
    assertEquals(64, blocks.get(1).offset() - blocks.get(0).offset());
    assertEquals(64, blocks.get(2).offset() - blocks.get(1).offset());
    assertArrayEquals(new byte[64], contents(blocks.get(0)));
    assertArrayEquals(new byte[64], contents(blocks.get(2)));
  }

  @Test
  void fill_committed_isThereAfterReopen() {
    long[] offset = new long[1];
    pool.run(tx -> {
      Block made = pool.make(tx, BLOCK);
      PoolBytes.fill(tx, made).writeUtf8("held").writeLong(5);
      tx.edit(block).setLong(0, made.offset());
      offset[0] = made.offset();
    });
    pool.close();
    pool = Pool.at(folder.resolve("pool")).open();
    assertEquals(offset[0], PoolBytes.view(pool.root("block", BLOCK)).readLong());
  }

  @Test
  void fill_ofABlockThatIsOld_refused() {
    pool.run(tx -> {
      IllegalStateException refused =
          assertThrows(IllegalStateException.class, () -> PoolBytes.fill(tx, block));
      assertTrue(refused.getMessage().contains("allocated"), refused.getMessage());
    });
  }

  @Test
  void bytesOfATransaction_afterItsEnd_refuseEverything() {
    List<Bytes<MemorySegment>> late = new ArrayList<>();
    pool.run(tx -> {
      late.clear();
      late.add(PoolBytes.fill(tx, pool.make(tx, BLOCK)));
      late.add(PoolBytes.snapshot(tx, block));
    });
    try (Transaction tx = pool.begin()) {
      late.add(PoolBytes.fill(tx, pool.make(tx, BLOCK)));
      late.add(PoolBytes.snapshot(tx, block));
    }
    try (Transaction tx = pool.begin()) {
      Savepoint before = tx.savepoint();
      late.add(PoolBytes.snapshot(tx, block));
      tx.rollbackTo(before);
      assertThrows(IllegalStateException.class, () -> late.getLast().writeLong(0, 1));
    }
    for (Bytes<MemorySegment> bytes : late) {
      assertThrows(IllegalStateException.class, () -> bytes.writeLong(0, 1));
      assertThrows(IllegalStateException.class, () -> bytes.clear().writeByte((byte) 1));
      assertThrows(IllegalStateException.class, () -> bytes.readLong(0));
    }
    assertArrayEquals(new byte[64], contents(block));
  }

  // ---- changing in place

  @Test
  void snapshot_committed_isChanged() {
    write(bytes -> {
      assertEquals(64, bytes.readRemaining());
      bytes.writeLong(56, 9);
      bytes.writePosition(0).writeInt(7);
      assertThrows(BufferOverflowException.class, () -> bytes.writeLong(57, 9));
    });
    assertEquals(9, PoolBytes.view(block).readLong(56));
    assertEquals(7, PoolBytes.view(block).readInt());
  }

  @Test
  void snapshot_aborted_isAsBefore() {
    try (Transaction tx = pool.begin()) {
      PoolBytes.snapshot(tx, block).clear().writeLong(1).writeLong(2);
      assertEquals(2, PoolBytes.view(block).readLong(8));
    }
    assertArrayEquals(new byte[64], contents(block));
  }

  @Test
  void blockOfAnotherPool_refused() {
    try (Pool other = Pool.at(folder.resolve("other")).size(4 << 20).create()) {
      assertEquals(block.offset(), other.root("block", BLOCK).offset());
      other.run(tx -> {
        assertThrows(IllegalArgumentException.class, () -> PoolBytes.snapshot(tx, block));
        assertThrows(IllegalArgumentException.class, () -> PoolBytes.fill(tx, block));
      });
    }
  }

  @Test
  void of_partOfABlock_hasTheLimitsOfThePart() {
    pool.run(tx -> {
      Bytes<MemorySegment> part = PoolBytes.of(tx.snapshot(block.offset() + 16, 8));
      part.writeLong(0, -1);
      assertThrows(BufferOverflowException.class, () -> part.writeByte(8, (byte) 1));
      assertEquals(8, part.readRemaining());
    });
    byte[] expected = new byte[64];
    Arrays.fill(expected, 16, 24, (byte) -1);
    assertArrayEquals(expected, contents(block));
  }

  // ---- the same as Chronicle's own

  private enum Side {
    BUY,
    SELL
  }

  private static void writeEverything(Bytes<?> out) {
    out.writeByte((byte) 1).writeShort((short) 2).writeInt(3).writeLong(4).writeFloat(5);
    out.writeDouble(6.5).writeBoolean(true).writeUnsignedInt(7).writeInt24(8).writeChar('é');
    out.writeUtf8("grün €").write8bit("plain").write8bit("grün", 1, 3).writeUtf8(null);
    out.writeStopBit(-300).writeStopBit(1L << 40).writeStopBit(2.25).writeStopBit('x');
    out.append(0).append(-1234567890123L).append(Long.MIN_VALUE).append(1.25).append(1e-9);
    out.append(1e12).append(-0.5f).append(3.14159, 2).append("text é").append('c').append(true);
    out.append8bit("eight").appendUtf8("ütf").writeEnum(Side.SELL);
    out.write(new byte[] {1, 2, 3}).write(new byte[] {1, 2, 3}, 1, 1);
    out.write(Bytes.from("other bytes")).write(Bytes.from("other bytes"), 2L, 5L);
    out.writeSome(ByteBuffer.wrap(new byte[] {9, 8, 7}));
    out.write8bit(Bytes.from("bytes with a length"));
    out.writeBigDecimal(new java.math.BigDecimal("-12.5"));
    out.writeOrderedInt(1).writeOrderedLong(2);
    out.writeLong(8, 99).writeVolatileInt(16, 98).writeVolatileByte(20, (byte) 97);
    out.writeVolatileShort(22, (short) 5).writeUnsignedByte(24, 200).append(32, 123, 5);
    out.write(40, new byte[] {5, 5}).writeInt24(44, 70000).addAndGetInt(48, 5);
    out.move(0, 64, 30);
    assertTrue(out.compareAndSwapLong(72, out.readLong(72), 3));
    assertFalse(out.compareAndSwapInt(48, out.readInt(48) + 1, 3));
    out.testAndSetInt(48, out.readInt(48), 4);
    out.prewriteByte((byte) 3);
  }

  private static List<Object> readEverything(Bytes<?> in) {
    List<Object> all = new ArrayList<>();
    all.addAll(List.of(in.readByte(), in.readByte(), in.readShort(), in.readInt()));
    all.addAll(List.of(in.readVolatileLong(8), in.readVolatileInt(16), in.peekUnsignedByte(20)));
    all.addAll(List.of(in.readVolatileShort(22), in.readVolatileByte(24), in.readFloat(26)));
    all.addAll(List.of(in.readDouble(30), in.readUnsignedInt(34), in.readLong(), in.hashCode()));
    all.addAll(List.of(in.byteCheckSum(), in.toString(), in.toDebugString(), in.toHexString()));
    all.addAll(List.of(in.copy().toString(), in.subBytes(70, 40).toString(), in.isEqual("x")));
    byte[] bytes = new byte[50];
    all.add(in.read(60, bytes, 3, 40));
    all.add(Arrays.toString(bytes));
    all.add(in.toTemporaryDirectByteBuffer());
    all.add(in.findByte((byte) 'e'));
    all.add(in.fastHash(3, 21));
    return all;
  }

  @Test
  void everyKindOfAccess_isAsOnChroniclesOwnMemory() {
    Bytes<byte[]> theirs = Bytes.wrapForWrite(new byte[512]);
    Bytes<MemorySegment> ours = PoolBytes.of(MemorySegment.ofArray(new long[64]));
    ours.clear();
    for (Bytes<?> bytes : List.of(theirs, ours)) {
      bytes.writePosition(8).readPosition(8);
      writeEverything(bytes);
    }
    assertEquals(theirs.readPosition(), ours.readPosition());
    assertEquals(theirs.writePosition(), ours.writePosition());
    assertArrayEquals(theirs.toByteArray(), ours.toByteArray());
    assertEquals(theirs, ours);
    assertTrue(ours.contentEquals(theirs));
    assertEquals(readEverything(theirs), readEverything(ours));
    Bytes<?> direct = Bytes.allocateElasticDirect();
    direct.write(ours);
    assertArrayEquals(ours.toByteArray(), direct.toByteArray());
    direct.releaseLast();
  }
}
