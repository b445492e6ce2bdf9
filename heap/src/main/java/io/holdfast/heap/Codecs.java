// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static io.holdfast.tx.spi.KeyedHash.WORD;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** The codecs of simple values. */
final class Codecs {
  private Codecs() {}

  /** A value's bytes, which are nobody else's. */
  static <T> byte[] encoded(Codec<T> codec, T value) {
    byte[] plain = plainBytes(codec, value);
    if (plain != null) {
      return plain == (Object) value ? plain.clone() : plain;
    }
    byte[] bytes = new byte[Math.toIntExact(codec.sizeOf(value))];
    codec.write(value, MemorySegment.ofArray(bytes));
    return bytes;
  }

  /** A value as bytes without asking the codec, perhaps the value itself; null if it must be. */
  static <T> byte[] plainBytes(Codec<T> codec, T value) {
    if (codec == (Object) Codec.BYTES) {
      return (byte[]) value;
    }
    return codec == (Object) Codec.STRING
        ? ((String) value).getBytes(StandardCharsets.UTF_8)
        : null;
  }

  /** The value of bytes that are given away. */
  @SuppressWarnings("unchecked") // a codec's values are what it says
  static <T> T decoded(Codec<T> codec, byte[] bytes) {
    if (codec == (Object) Codec.BYTES) {
      return (T) bytes;
    }
    if (codec == (Object) Codec.STRING) {
      return (T) new String(bytes, StandardCharsets.UTF_8);
    }
    return codec.read(MemorySegment.ofArray(bytes));
  }

  static final class LongCodec implements Codec<Long> {
    @Override
    public long sizeOf(Long value) {
      return Long.BYTES;
    }

    @Override
    public void write(Long value, MemorySegment into) {
      into.set(WORD, 0, value);
    }

    @Override
    public Long read(MemorySegment from) {
      return from.get(WORD, 0);
    }

    @Override
    public String signature() {
      return "long";
    }
  }

  static final class StringCodec implements Codec<String> {
    @Override
    public long sizeOf(String value) {
      return utf8Length(value);
    }

    @Override
    public void write(String value, MemorySegment into) {
      into.copyFrom(MemorySegment.ofArray(value.getBytes(StandardCharsets.UTF_8)));
    }

    @Override
    public String read(MemorySegment from) {
      return new String(from.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    }

    @Override
    public String signature() {
      return "string";
    }

    /** The bytes of a string in UTF-8; an unpaired surrogate becomes a question mark. */
    static long utf8Length(String value) {
      long bytes = 0;
      for (int i = 0; i < value.length(); i++) {
        char c = value.charAt(i);
        if (c < 0x80) {
          bytes += 1;
        } else if (c < 0x800) {
          bytes += 2;
        } else if (!Character.isSurrogate(c)) {
          bytes += 3;
        } else if (Character.isHighSurrogate(c)
            && i + 1 < value.length()
            && Character.isLowSurrogate(value.charAt(i + 1))) {
          bytes += 4;
          i++;
        } else {
          bytes += 1;
        }
      }
      return bytes;
    }
  }

  static final class BytesCodec implements Codec<byte[]> {
    @Override
    public long sizeOf(byte[] value) {
      return value.length;
    }

    @Override
    public void write(byte[] value, MemorySegment into) {
      into.copyFrom(MemorySegment.ofArray(value));
    }

    @Override
    public byte[] read(MemorySegment from) {
      return from.toArray(ValueLayout.JAVA_BYTE);
    }

    @Override
    public String signature() {
      return "bytes";
    }
  }
}
