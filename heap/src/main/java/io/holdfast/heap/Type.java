// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.tx.Editable;
import io.holdfast.tx.Transaction;
import java.lang.invoke.MethodHandles;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What a root or a reference holds: an object with an interface of the user's, a map, a log, an
 * array of blocks, or a block of bytes. A type is immutable, has no pool, and may be kept in a
 * static field.
 *
 * @param <T> what a program sees of it
 */
public abstract sealed class Type<T>
    permits ObjectType, MapType, BlocksType, LogType, Block.BlockType {
  Type() {}

  /**
   * Objects with an interface. The interface declares a field by each abstract method without
   * parameters, of a primitive type, {@code String}, {@link Block}, or another such interface. Its
   * {@code Editable} parameter is a second interface, which extends the first and declares for each
   * field a setter of the same name with one parameter, that returns it or nothing.
   *
   * <p>{@code String}s and the object itself take a block each. What an object refers to is not
   * freed with it; its strings are.
   *
   * @param <T> the interface
   * @param type the interface's class
   * @param lookup {@link MethodHandles#lookup()}, called in the interface's package
   * @return the type, the same one at every call
   * @throws IllegalArgumentException if the interface is not of this form; the message says where
   */
  public static <T extends Editable<?>> Type<T> of(Class<T> type, MethodHandles.Lookup lookup) {
    return ObjectType.forInterface(type, lookup);
  }

  /**
   * Hash maps that hold their values.
   *
   * @param <K> the keys
   * @param <V> the values
   * @param keys how keys are written
   * @param values how values are written
   * @return the type
   */
  public static <K, V> Type<PersistentMap<K, V>> map(Codec<K> keys, Codec<V> values) {
    return new MapType<>(keys, MapValues.inlined(values));
  }

  /**
   * Hash maps that refer to objects, which are not freed with the map or the entry.
   *
   * @param <K> the keys
   * @param <V> the objects' interface
   * @param keys how keys are written
   * @param values the objects' type
   * @return the type
   */
  public static <K, V extends Editable<?>> Type<PersistentMap<K, V>> map(
      Codec<K> keys, Type<V> values) {
    return new MapType<>(keys, MapValues.referred(values));
  }

  /**
   * Blocks of bytes.
   *
   * @param bytes how many at least; a root that has less is refused with {@code TypeChanged}
   * @return the type
   * @throws IllegalArgumentException if it is less than 1
   */
  public static Type<Block> block(long bytes) {
    return new Block.BlockType(bytes);
  }

  /**
   * Arrays of blocks of bytes, each written whole or not at all. The table of an array has 8 bytes
   * for each block; blocks take room when they are written.
   *
   * @param blockBytes the size of each, 512 to 65536, a multiple of 8
   * @param count how many, 1 to 2<sup>40</sup>
   * @return the type; arrays of another size or count are of another type
   * @throws IllegalArgumentException if it is another size or count
   */
  public static Type<PersistentBlocks> blocks(int blockBytes, long count) {
    return new BlocksType(blockBytes, count);
  }

  /**
   * Logs of records.
   *
   * @return the type
   */
  public static Type<PersistentLog> log() {
    return LogType.INSTANCE;
  }

  /** Makes a new one in a transaction, and returns where it is. */
  abstract long create(Pool pool, Transaction tx);

  /** What is at an offset. */
  abstract T open(Pool pool, long offset);

  /** Frees what is at an offset, and what belongs to it. */
  abstract void free(Pool pool, Transaction tx, long offset);

  /** How a reference to it reads in a signature. */
  abstract String reference();

  /** Adds the definitions of the interfaces that it may lead to, by name. */
  abstract void define(Map<String, String> definitions);

  /** The full text by which the pool recognises the type: the reference, then all definitions. */
  final String signature() {
    Map<String, String> definitions = new LinkedHashMap<>();
    define(definitions);
    StringBuilder text = new StringBuilder(reference());
    definitions.values().forEach(definition -> text.append("; ").append(definition));
    return text.toString();
  }

  @Override
  public final String toString() {
    return signature();
  }
}
