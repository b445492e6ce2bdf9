// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;

/**
 * Turns values into bytes and back: keys and inlined values of maps.
 *
 * <p>Equal values must give equal bytes, since keys are compared as bytes. A codec is called by
 * many threads at a time. What it reads was written by it, but may be of any age: it must not trust
 * lengths beyond the segment that it is given.
 *
 * @param <T> the values
 */
@SuppressWarnings(
    "ClassInitializationDeadlock") // nobody gets at the constants' classes but through them
public interface Codec<T> {
  /** Longs, as 8 bytes. */
  Codec<Long> LONG = new Codecs.LongCodec();

  /** Strings, in UTF-8. */
  Codec<String> STRING = new Codecs.StringCodec();

  /** Byte arrays. As keys they are compared by content. */
  Codec<byte[]> BYTES = new Codecs.BytesCodec();

  /**
   * Records of primitives, strings, byte arrays, enums and further such records, component by
   * component. None may be null.
   *
   * @param <R> the record
   * @param type the record's class
   * @param lookup {@link MethodHandles#lookup()}, called where the record can be seen
   * @return the codec
   * @throws IllegalArgumentException if a component is of another type, or the lookup cannot see it
   */
  static <R extends Record> Codec<R> of(Class<R> type, MethodHandles.Lookup lookup) {
    return new RecordCodec<>(type, lookup);
  }

  /**
   * How many bytes a value takes.
   *
   * @param value the value
   * @return the number, at least 0
   */
  long sizeOf(T value);

  /**
   * Writes a value.
   *
   * @param value the value
   * @param into as many bytes as {@link #sizeOf} said
   */
  void write(T value, MemorySegment into);

  /**
   * Reads a value.
   *
   * @param from all the bytes that were written for it
   * @return the value
   */
  T read(MemorySegment from);

  /**
   * What the pool remembers of the codec: a root is refused when this has changed, or cannot be
   * remembered.
   *
   * @return a name, not empty, without line breaks and {@code , ; < > & { }}; the class's, unless
   *     overridden
   */
  default String signature() {
    return getClass().getName();
  }
}
