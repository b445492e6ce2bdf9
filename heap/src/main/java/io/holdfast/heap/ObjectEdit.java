// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.TransactionAccess;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Locale;

/**
 * What an edit view works on: an object that a transaction has claimed. An object that the
 * transaction made itself is written in place; of any other, words are held back.
 */
final class ObjectEdit {
  private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();

  private final TransactionAccess access = TransactionAccess.get();
  private final Pool pool;
  private final PersistentRegion region;
  private final Transaction tx;
  private final long offset;
  private final long header;

  ObjectEdit(Pool pool, Transaction tx, long offset, long header) {
    this.pool = pool;
    this.region = pool.region();
    this.tx = tx;
    this.offset = offset;
    this.header = header;
  }

  Pool pool() {
    return pool;
  }

  long offset() {
    return offset;
  }

  /** The method that reads a field: (ObjectEdit, field offset) to its type. */
  static MethodHandle getter(ObjectType<?> type, ObjectField field) {
    return field.isReference()
        ? MethodHandles.insertArguments(
            find("getReference", Object.class, ObjectType.class, Class.class, int.class),
            1,
            type,
            field.type())
        : find("get" + suffix(field), field.type(), int.class);
  }

  /** The method that writes a field: (ObjectEdit, field offset, value). */
  static MethodHandle setter(ObjectType<?> type, ObjectField field) {
    return field.isReference()
        ? MethodHandles.insertArguments(
            find(
                "setReference", void.class, ObjectType.class, Class.class, int.class, Object.class),
            1,
            type,
            field.type())
        : find("set" + suffix(field), void.class, int.class, field.type());
  }

  private static String suffix(ObjectField field) {
    String name = field.type().getSimpleName();
    return name.substring(0, 1).toUpperCase(Locale.ROOT) + name.substring(1);
  }

  private static MethodHandle find(String name, Class<?> result, Class<?>... parameters) {
    try {
      return LOOKUP.findVirtual(ObjectEdit.class, name, MethodType.methodType(result, parameters));
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(name, e);
    }
  }

  // ---- words

  private long word(int at) {
    return isInPlace() ? region.getLong(offset + at) : access.read(tx, offset + at);
  }

  private void setWord(int at, long value) {
    if (isInPlace()) {
      region.putLong(offset + at, value);
    } else {
      requireAlive();
      access.write(tx, offset + at, value);
    }
  }

  /** It may have been freed since, or made after a savepoint that was gone back to. */
  private void requireAlive() {
    if (pool.participant(tx).isFreed(offset) || region.getLong(offset) != header) {
      throw new PoolException.ObjectFreed(offset);
    }
  }

  private boolean isInPlace() {
    return pool.participant(tx).isFresh(offset);
  }

  private long part(int field, int bits) {
    return word(field & -8) >>> (8 * (field & 7)) & (-1L >>> (64 - bits));
  }

  private void setPart(int field, int bits, long value) {
    int shift = 8 * (field & 7);
    long mask = -1L >>> (64 - bits) << shift;
    setWord(field & -8, word(field & -8) & ~mask | value << shift & mask);
  }

  // ---- by type, found by name

  long getLong(int field) {
    return word(field);
  }

  void setLong(int field, long value) {
    setWord(field, value);
  }

  int getInt(int field) {
    return (int) part(field, 32);
  }

  void setInt(int field, int value) {
    setPart(field, 32, value);
  }

  short getShort(int field) {
    return (short) part(field, 16);
  }

  void setShort(int field, short value) {
    setPart(field, 16, value);
  }

  char getChar(int field) {
    return (char) part(field, 16);
  }

  void setChar(int field, char value) {
    setPart(field, 16, value);
  }

  byte getByte(int field) {
    return (byte) part(field, 8);
  }

  void setByte(int field, byte value) {
    setPart(field, 8, value);
  }

  boolean getBoolean(int field) {
    return part(field, 8) != 0;
  }

  void setBoolean(int field, boolean value) {
    setPart(field, 8, value ? 1 : 0);
  }

  float getFloat(int field) {
    return Float.intBitsToFloat(getInt(field));
  }

  void setFloat(int field, float value) {
    setInt(field, Float.floatToRawIntBits(value));
  }

  double getDouble(int field) {
    return Double.longBitsToDouble(word(field));
  }

  void setDouble(int field, double value) {
    setWord(field, Double.doubleToRawLongBits(value));
  }

  /**
   * The text is this transaction's, or was committed before it claimed the object: nobody changes
   * it.
   */
  String getString(int field) {
    long text = word(field);
    if (text == 0) {
      return null;
    }
    String value = Texts.tryRead(pool, text);
    if (value == null) {
      throw Texts.damaged(text);
    }
    return value;
  }

  /** A string belongs to its object: the one before is freed. */
  void setString(int field, String value) {
    requireAlive();
    long before = word(field);
    setWord(field, value == null ? 0 : Texts.create(pool, tx, value));
    if (before != 0) {
      pool.participant(tx).free(before, Span.Kind.RAW);
    }
  }

  Block getBlock(int field) {
    long block = word(field);
    return block == 0 ? null : Block.at(pool, block);
  }

  void setBlock(int field, Block value) {
    setWord(field, value == null ? 0 : value.offsetIn(pool));
  }

  Object getReference(ObjectType<?> owner, Class<?> referred, int field) {
    long target = word(field);
    return target == 0 ? null : owner.referred(referred).open(pool, target);
  }

  void setReference(ObjectType<?> owner, Class<?> referred, int field, Object value) {
    setWord(field, value == null ? 0 : owner.referred(referred).offsetOf(pool, value));
  }
}
