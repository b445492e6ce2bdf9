// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx.spi;

import io.holdfast.flush.WordBuffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * A keyed hash of whole words, two per multiplication: wyhash (Wang Yi, "wyhash final version 4")
 * with secrets that are derived from a random key instead of being constants. Bytes that a user
 * chose cannot be made to look like a frame of a pool whose key he does not choose; a torn frame
 * passes with probability 2^-64.
 *
 * <p>What the place of a frame is goes into the seed, so that a sound frame in another place, of
 * another lane or of an earlier era does not pass either.
 */
public final class KeyedHash {
  /** A word as all media have it. */
  public static final ValueLayout.OfLong WORD =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final VarHandle IN_ARRAY =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN)
          .withInvokeExactBehavior();

  private final long first;
  private final long second;
  private final long third;

  /**
   * The hash of a key.
   *
   * @param key any number; hashes under different keys have nothing to do with each other
   */
  public KeyedHash(long key) {
    this.first = mix(key ^ 0xA0761D6478BD642FL, 0xE7037ED1A0B428DBL) | 1;
    this.second = mix(key ^ 0x8EBC6AF09C88C6E3L, first ^ 0x589965CC75374CC3L) | 1;
    this.third = mix(key ^ 0x1D8E4E27C47D124FL, second ^ 0xEB44ACCAB455D165L) | 1;
  }

  private static long mix(long a, long b) {
    return Math.unsignedMultiplyHigh(a, b) ^ a * b;
  }

  /**
   * A seed from two values; seeds can be made of seeds.
   *
   * @param a the first value
   * @param b the second value
   * @return the seed
   */
  public long seed(long a, long b) {
    return mix(a ^ first, b ^ second) ^ third;
  }

  /**
   * The hash of some words of a segment.
   *
   * @param seed where they belong
   * @param segment where they are
   * @param offset the first byte
   * @param words how many
   * @return the hash
   */
  public long ofWords(long seed, MemorySegment segment, long offset, int words) {
    long hash = seed;
    long end = offset + 8L * (words & ~1);
    for (long at = offset; at < end; at += 16) {
      hash = mix(segment.get(WORD, at) ^ first, segment.get(WORD, at + 8) ^ hash);
    }
    long last = (words & 1) == 0 ? 0 : segment.get(WORD, end);
    return finish(hash, last, words);
  }

  /**
   * The hash of some words of a buffer: that of the same words in a segment.
   *
   * @param seed where they belong
   * @param buffer where they are
   * @param index the first
   * @param words how many
   * @return the hash
   */
  public long ofWords(long seed, WordBuffer buffer, int index, int words) {
    long hash = seed;
    int end = index + (words & ~1);
    for (int at = index; at < end; at += 2) {
      hash = mix(buffer.get(at) ^ first, buffer.get(at + 1) ^ hash);
    }
    long last = (words & 1) == 0 ? 0 : buffer.get(end);
    return finish(hash, last, words);
  }

  /**
   * The hash of some bytes of a segment. It differs from that of the same bytes as words, also in
   * that no word of the bytes, whatever the seed, can make a factor of the products zero but by
   * chance: keys of maps may be anything.
   *
   * @param seed where they belong
   * @param segment where they are
   * @param offset the first byte
   * @param bytes how many
   * @return the hash
   */
  public long ofBytes(long seed, MemorySegment segment, long offset, long bytes) {
    long hash = seed;
    long at = offset;
    long end = offset + bytes;
    for (; at + 16 <= end; at += 16) {
      hash = mix(segment.get(WORD, at) ^ first, segment.get(WORD, at + 8) ^ hash ^ second);
    }
    if (at + 8 <= end) {
      hash = mix(segment.get(WORD, at) ^ second, hash ^ first);
      at += 8;
    }
    long last = 0;
    for (int shift = 0; at < end; at++, shift += 8) {
      last |= (segment.get(ValueLayout.JAVA_BYTE, at) & 0xFFL) << shift;
    }
    return finish(hash, last, ~bytes);
  }

  /**
   * The hash of the bytes of an array: that of the same bytes in a segment.
   *
   * @param seed where they belong
   * @param bytes the bytes
   * @return the hash
   */
  public long ofBytes(long seed, byte[] bytes) {
    long hash = seed;
    int at = 0;
    int end = bytes.length;
    for (; at + 16 <= end; at += 16) {
      hash =
          mix(
              (long) IN_ARRAY.get(bytes, at) ^ first,
              (long) IN_ARRAY.get(bytes, at + 8) ^ hash ^ second);
    }
    if (at + 8 <= end) {
      hash = mix((long) IN_ARRAY.get(bytes, at) ^ second, hash ^ first);
      at += 8;
    }
    long last = 0;
    for (int shift = 0; at < end; at++, shift += 8) {
      last |= (bytes[at] & 0xFFL) << shift;
    }
    return finish(hash, last, ~(long) end);
  }

  /**
   * The hash of one word.
   *
   * @param seed where it belongs
   * @param word the word
   * @return the hash
   */
  public long ofWord(long seed, long word) {
    return mix(mix(word ^ second, seed ^ third), first);
  }

  private long finish(long hash, long last, long length) {
    return mix(mix(last ^ second, hash ^ third), length ^ first);
  }
}
