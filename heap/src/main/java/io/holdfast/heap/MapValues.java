// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static io.holdfast.tx.spi.KeyedHash.WORD;

import java.lang.foreign.MemorySegment;
import java.util.Map;

/** How a map keeps its values: in its records, or as references to objects. */
abstract class MapValues<V> {
  /** A value as bytes, if it is kept so, which nobody changes meanwhile; else null. */
  byte[] plainBytes(V value) {
    return null;
  }

  abstract long sizeOf(V value);

  /** Writes a value to where it is going to be; the size is that of {@link #sizeOf}. */
  abstract void write(Pool pool, V value, MemorySegment into);

  /**
   * Reads a value of bytes that are given away; they may be any, if whoever asks has been
   * overtaken.
   */
  abstract V read(Pool pool, byte[] from);

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
      byte[] plainBytes(V value) {
        return Codecs.plainBytes(codec, value);
      }

      @Override
      V read(Pool pool, byte[] from) {
        return Codecs.decoded(codec, from);
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
      V read(Pool pool, byte[] from) {
        return objects.open(pool, MemorySegment.ofArray(from).get(WORD, 0));
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
