// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static io.holdfast.tx.spi.KeyedHash.WORD;

import java.lang.foreign.MemorySegment;
import java.util.Map;

/** How a map keeps its values: in its records, or as references to objects. */
abstract class MapValues<V> {
  abstract long sizeOf(V value);

  /** Writes a value to where it is going to be; the size is that of {@link #sizeOf}. */
  abstract void write(Pool pool, V value, MemorySegment into);

  /** Reads a value; the bytes may be any, if whoever asks has been overtaken. */
  abstract V read(Pool pool, MemorySegment from);

  abstract String signature();

  abstract void define(Map<String, String> definitions);

  static <V> MapValues<V> inlined(Codec<V> codec) {
    return new MapValues<>() {
      @Override
      long sizeOf(V value) {
        return codec.sizeOf(value);
      }

      @Override
      void write(Pool pool, V value, MemorySegment into) {
        codec.write(value, into);
      }

      @Override
      V read(Pool pool, MemorySegment from) {
        return codec.read(from);
      }

      @Override
      String signature() {
        return TypeText.checkCodec(codec.signature());
      }

      @Override
      void define(Map<String, String> definitions) {}
    };
  }

  static <V> MapValues<V> referred(Type<V> type) {
    if (!(type instanceof ObjectType<V> objects)) {
      throw new IllegalArgumentException(
          "a map refers to objects with an interface, not to " + type);
    }
    return new MapValues<>() {
      @Override
      long sizeOf(V value) {
        return Long.BYTES;
      }

      @Override
      void write(Pool pool, V value, MemorySegment into) {
        into.set(WORD, 0, objects.offsetOf(pool, value));
      }

      @Override
      V read(Pool pool, MemorySegment from) {
        return objects.open(pool, from.get(WORD, 0));
      }

      @Override
      String signature() {
        return objects.reference();
      }

      @Override
      void define(Map<String, String> definitions) {
        objects.define(definitions);
      }
    };
  }
}
