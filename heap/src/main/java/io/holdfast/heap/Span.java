// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.tx.spi.KeyedHash;

/**
 * What a chunk table entry says of the chunks from its own on.
 *
 * @param kind free, or what is in it
 * @param sizeClass of a run; {@link SizeClasses#HUGE} for a huge object
 * @param chunks how many chunks, at least 1
 */
record Span(Kind kind, int sizeClass, int chunks) {
  private static final KeyedHash CHECK = new KeyedHash(PoolLayout.MAGIC);

  /** What a span is for. Objects with a header word and blocks without share no run. */
  enum Kind {
    FREE(1),
    RAW(2),
    TYPED(3);

    private final int code;

    Kind(int code) {
      this.code = code;
    }
  }

  static Span free(int chunks) {
    return new Span(Kind.FREE, 0, chunks);
  }

  /** The entry's first word. */
  long encode(int chunk) {
    long body = (long) kind.code << 40 | (long) sizeClass << 32 | chunks;
    return check(chunk, body) << 48 | body;
  }

  private static long check(int chunk, long body) {
    return CHECK.ofWord(chunk, body) >>> 48;
  }

  /** The span that a word is, or null if it is none. */
  static Span decode(int chunk, long word) {
    long body = word & 0xFFFF_FFFFFFFFL;
    if (check(chunk, body) != word >>> 48) {
      return null;
    }
    for (Kind kind : Kind.values()) {
      if (kind.code == (int) (body >>> 40)) {
        Span span = new Span(kind, (int) (body >>> 32 & 0xFF), (int) body);
        return span.isSound() ? span : null;
      }
    }
    return null;
  }

  private boolean isSound() {
    if (chunks < 1) {
      return false;
    }
    return switch (kind) {
      case FREE -> sizeClass == 0;
      case RAW, TYPED ->
          sizeClass == SizeClasses.HUGE
              || sizeClass < SizeClasses.COUNT && chunks == SizeClasses.runChunks(sizeClass);
    };
  }
}
