// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bytes;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import net.openhft.chronicle.bytes.BytesStore;
import net.openhft.chronicle.bytes.BytesUtil;
import net.openhft.chronicle.bytes.RandomDataInput;
import net.openhft.chronicle.bytes.algo.BytesStoreHash;
import net.openhft.chronicle.core.io.AbstractReferenceCounted;
import net.openhft.chronicle.core.io.ClosedIllegalStateException;

/**
 * A segment, as Chronicle's {@code Bytes} want their memory.
 *
 * <p>Chronicle's own store for foreign memory takes an address, and some ways through it check
 * neither limits nor whether the memory may be written. Here each access goes through the segment,
 * which always checks bounds, refuses writes to what is for reading, and ends with its pool. For
 * Chronicle this is no direct memory, so that it never asks for an address.
 *
 * <p>Little-endian, as Chronicle is on all that runs this. Volatile access is plain access with
 * fences, because it has to work on unaligned memory as well; aligned words do not tear.
 */
final class SegmentStore extends AbstractReferenceCounted
    implements BytesStore<SegmentStore, MemorySegment> {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle SWAPPED_INT =
      ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
  private static final VarHandle SWAPPED_LONG =
      ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

  /** Null when there is nothing to be read or written: not yet, or no more. */
  private MemorySegment segment;

  private long size;

  SegmentStore(MemorySegment segment) {
    super(false); // there is nothing to be freed that a tracer could miss
    show(segment);
  }

  /** Shows another segment from now on. */
  void show(MemorySegment other) {
    segment = other;
    size = other.byteSize();
  }

  /** From now on every access is refused. */
  void end() {
    segment = null;
  }

  private MemorySegment readable() {
    if (segment == null) {
      throw new ClosedIllegalStateException(
          "what these bytes showed is theirs no more: the transaction, or the reading, has ended");
    }
    return segment;
  }

  private MemorySegment writable() {
    MemorySegment open = readable();
    if (open.isReadOnly()) {
      throw new UnsupportedOperationException(
          "committed contents are for reading: bytes="
              + size
              + "; to change them, take PoolBytes.snapshot in a transaction");
    }
    return open;
  }

  // ---- what it is

  @Override
  public boolean isDirectMemory() {
    return false;
  }

  @Override
  public boolean sharedMemory() {
    return false;
  }

  @Override
  public long capacity() {
    return size;
  }

  @Override
  public long start() {
    return 0;
  }

  @Override
  public boolean readWrite() {
    return segment != null && !segment.isReadOnly();
  }

  @Override
  public MemorySegment underlyingObject() {
    return readable();
  }

  @Override
  public SegmentStore copy() {
    return new SegmentStore(MemorySegment.ofArray(readable().toArray(JAVA_BYTE)));
  }

  @Override
  protected void performRelease() {
    end();
  }

  // ---- reading

  @Override
  public int peekUnsignedByte(long offset) {
    return offset < 0 || offset >= size ? -1 : readByte(offset) & 0xFF;
  }

  @Override
  public byte readByte(long offset) {
    return readable().get(JAVA_BYTE, offset);
  }

  @Override
  public short readShort(long offset) {
    return readable().get(SHORT, offset);
  }

  @Override
  public int readInt(long offset) {
    return readable().get(INT, offset);
  }

  @Override
  public long readLong(long offset) {
    return readable().get(LONG, offset);
  }

  @Override
  public float readFloat(long offset) {
    return readable().get(FLOAT, offset);
  }

  @Override
  public double readDouble(long offset) {
    return readable().get(DOUBLE, offset);
  }

  @Override
  public byte readVolatileByte(long offset) {
    byte value = readByte(offset);
    VarHandle.acquireFence();
    return value;
  }

  @Override
  public short readVolatileShort(long offset) {
    short value = readShort(offset);
    VarHandle.acquireFence();
    return value;
  }

  @Override
  public int readVolatileInt(long offset) {
    int value = readInt(offset);
    VarHandle.acquireFence();
    return value;
  }

  @Override
  public long readVolatileLong(long offset) {
    long value = readLong(offset);
    VarHandle.acquireFence();
    return value;
  }

  @Override
  public long read(long from, byte[] bytes, int offset, int length) {
    int count = (int) Math.max(0, Math.min(length, size - from));
    MemorySegment.copy(readable(), JAVA_BYTE, from, bytes, offset, count);
    return count;
  }

  // ---- writing

  @Override
  public SegmentStore writeByte(long offset, byte value) {
    writable().set(JAVA_BYTE, offset, value);
    return this;
  }

  @Override
  public SegmentStore writeShort(long offset, short value) {
    writable().set(SHORT, offset, value);
    return this;
  }

  @Override
  public SegmentStore writeInt(long offset, int value) {
    writable().set(INT, offset, value);
    return this;
  }

  @Override
  public SegmentStore writeLong(long offset, long value) {
    writable().set(LONG, offset, value);
    return this;
  }

  @Override
  public SegmentStore writeFloat(long offset, float value) {
    writable().set(FLOAT, offset, value);
    return this;
  }

  @Override
  public SegmentStore writeDouble(long offset, double value) {
    writable().set(DOUBLE, offset, value);
    return this;
  }

  @Override
  public SegmentStore writeOrderedInt(long offset, int value) {
    VarHandle.releaseFence();
    return writeInt(offset, value);
  }

  @Override
  public SegmentStore writeOrderedLong(long offset, long value) {
    VarHandle.releaseFence();
    return writeLong(offset, value);
  }

  @Override
  public SegmentStore writeVolatileByte(long offset, byte value) {
    VarHandle.releaseFence();
    writeByte(offset, value);
    VarHandle.fullFence();
    return this;
  }

  @Override
  public SegmentStore writeVolatileShort(long offset, short value) {
    VarHandle.releaseFence();
    writeShort(offset, value);
    VarHandle.fullFence();
    return this;
  }

  @Override
  public SegmentStore writeVolatileInt(long offset, int value) {
    writeOrderedInt(offset, value);
    VarHandle.fullFence();
    return this;
  }

  @Override
  public SegmentStore writeVolatileLong(long offset, long value) {
    writeOrderedLong(offset, value);
    VarHandle.fullFence();
    return this;
  }

  @Override
  public SegmentStore write(long at, byte[] bytes, int offset, int length) {
    MemorySegment.copy(bytes, offset, writable(), JAVA_BYTE, at, length);
    return this;
  }

  @Override
  public void write(long at, ByteBuffer bytes, int offset, int length) {
    MemorySegment from = MemorySegment.ofBuffer(bytes.duplicate().clear());
    MemorySegment.copy(from, offset, writable(), at, length);
  }

  @Override
  public SegmentStore write(long at, RandomDataInput bytes, long offset, long length) {
    long done = 0;
    for (; done <= length - Long.BYTES; done += Long.BYTES) {
      writeLong(at + done, bytes.readLong(offset + done));
    }
    for (; done < length; done++) {
      writeByte(at + done, bytes.readByte(offset + done));
    }
    return this;
  }

  @Override
  public void move(long from, long to, long length) {
    MemorySegment memory = writable();
    MemorySegment.copy(memory, from, memory, to, length);
  }

  // ---- text

  @Override
  public long write8bit(long at, BytesStore<?, ?> text) {
    long length = text.readRemaining();
    long start = BytesUtil.writeStopBit(this, at, length);
    write(start, text, text.readPosition(), length);
    return start + length;
  }

  @Override
  public long write8bit(long at, String text, int from, int length) {
    byte[] bytes = text.substring(from, from + length).getBytes(StandardCharsets.ISO_8859_1);
    long start = BytesUtil.writeStopBit(this, at, length);
    write(start, bytes, 0, length);
    return start + length;
  }

  @Override
  public long appendAndReturnLength(
      long at, boolean negative, long mantissa, int exponent, boolean append0) {
    String digits = BigDecimal.valueOf(mantissa, exponent).toPlainString();
    String text = (negative ? "-" : "") + digits + (append0 && exponent <= 0 ? ".0" : "");
    write(at, text.getBytes(StandardCharsets.ISO_8859_1), 0, text.length());
    return text.length();
  }

  // ---- comparing and swapping

  @Override
  public boolean compareAndSwapInt(long offset, int expected, int value) {
    return SWAPPED_INT.compareAndSet(writable(), offset, expected, value);
  }

  @Override
  public boolean compareAndSwapLong(long offset, long expected, long value) {
    return SWAPPED_LONG.compareAndSet(writable(), offset, expected, value);
  }

  @Override
  public void testAndSetInt(long offset, int expected, int value) {
    if (!compareAndSwapInt(offset, expected, value)) {
      throw new IllegalStateException(
          "not set: offset=%d, expected=%d, actual=%d"
              .formatted(offset, expected, readVolatileInt(offset)));
    }
  }

  // ---- addresses, which nobody gets

  private static UnsupportedOperationException noAddress() {
    return new UnsupportedOperationException(
        "the memory of a pool is reached through its segment, not by address");
  }

  @Override
  public long addressForRead(long offset) {
    throw noAddress();
  }

  @Override
  public long addressForWrite(long offset) {
    throw noAddress();
  }

  @Override
  public long addressForWritePosition() {
    throw noAddress();
  }

  @Override
  public void nativeRead(long position, long address, long length) {
    throw noAddress();
  }

  @Override
  public void nativeWrite(long address, long position, long length) {
    throw noAddress();
  }

  // ---- by content, as all stores are compared

  @Override
  public boolean equals(Object other) {
    return other instanceof BytesStore<?, ?> that && contentEquals(that);
  }

  @Override
  public int hashCode() {
    return BytesStoreHash.hash32(this);
  }

  @Override
  public String toString() {
    return to8bitString();
  }
}
