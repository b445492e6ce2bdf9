// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.PersistentRegion;
import io.holdfast.flush.WordBuffer;
import io.holdfast.tx.spi.KeyedHash;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Log entries in ordinary memory, made up into frames as they come: a frame is closed when the next
 * entry does not fit. Indexes count words from the start of the staging.
 */
final class Staging {
  /** As much as is gathered before it should be written out: 1 MiB. */
  private static final int FULL_WORDS = (1 << 20) / 8;

  private static final int LINE_WORDS = LogLayout.LINE_WORDS;
  private static final int NO_FRAME = -1;
  private static final int FIRST_WORDS = 512;

  /** What is kept behind the words: the rest of their line, and a line for the record. */
  private static final int KEPT_WORDS = 2 * LINE_WORDS - 1;

  private final PersistentRegion region;
  private final int maxFrameWords;
  private final int maxContentWords;
  private final WordBuffer buffer = new WordBuffer();
  private int words;

  /** How many words there may be until there has to be more room. */
  private int limit = -KEPT_WORDS;

  private int open = NO_FRAME;
  private int[] frames = new int[16];
  private int frameCount;

  Staging(PersistentRegion region, LogLayout layout) {
    this.region = region;
    this.maxFrameWords = layout.maxFrameLines() * LINE_WORDS;
    this.maxContentWords = layout.maxContentWords();
  }

  /** Some of the words. They move when more is staged, and stay when the staging is cleared. */
  MemorySegment segment(int index, int count) {
    return buffer.segment(index, count);
  }

  WordBuffer buffer() {
    return buffer;
  }

  boolean isEmpty() {
    return words == 0;
  }

  boolean isFull() {
    return words > FULL_WORDS;
  }

  /** How many lines there are once the open frame is closed. */
  int lines() {
    return words + LINE_WORDS - 1 >> LogLayout.LINE_SHIFT;
  }

  /** How many words a range entry may carry. */
  int maxContentWords() {
    return maxContentWords;
  }

  int frameCount() {
    return frameCount;
  }

  /** The word at which a frame begins. */
  int frame(int index) {
    return frames[index];
  }

  /** How many lines a closed frame has. */
  int frameLines(int index) {
    return LogLayout.frameLines(LogLayout.payloadWords(get(frames[index] + LogLayout.FRAME_HEAD)));
  }

  void clear() {
    words = 0;
    open = NO_FRAME;
    frameCount = 0;
  }

  long get(int index) {
    return buffer.get(index);
  }

  void put(int index, long value) {
    buffer.put(index, value);
  }

  void entry(long first, long second) {
    int at = reserve(2);
    put(at, first);
    put(at + 1, second);
  }

  void entry(long first, long second, long third) {
    int at = reserve(3);
    put(at, first);
    put(at + 1, second);
    put(at + 2, third);
  }

  void entry(long first, long second, long third, long fourth) {
    int at = reserve(4);
    put(at, first);
    put(at + 1, second);
    put(at + 2, third);
    put(at + 3, fourth);
  }

  /** An entry with what the region now holds in a range of whole words, as many as fit at most. */
  void contents(int kind, long offset, long bytes) {
    int count = (int) (bytes / 8);
    int at = contents(kind, offset, count);
    region.copyOut(offset, buffer.segment(at, count));
  }

  /** An entry with words that the caller puts afterwards, from the index returned. */
  int contents(int kind, long offset, int count) {
    int at = reserve(2 + count);
    put(at, LogLayout.entry(kind, 0, offset));
    put(at + 1, 8L * count);
    return at + 2;
  }

  /**
   * Ends the staging with a record, in the open frame if it fits there. What was staged before
   * stays where it is in memory, since copies of it may have been prepared.
   *
   * @return the index of the record's words
   */
  int record(int kind) {
    int at = advance(LogLayout.RECORD_WORDS);
    assert words <= buffer.capacity() : "a line is always kept for the record";
    close(kind);
    return at;
  }

  /** Closes the open frame, if one is open. */
  void close(int kind) {
    if (open == NO_FRAME) {
      return;
    }
    int payload = words - open - LogLayout.FRAME_PAYLOAD;
    put(open + LogLayout.FRAME_HEAD, LogLayout.head(kind, payload));
    while ((words & LINE_WORDS - 1) != 0) {
      put(words++, 0);
    }
    open = NO_FRAME;
  }

  /** Gives a closed frame its checksum. */
  void seal(int frameWord, KeyedHash checksum, long seed) {
    int payload = LogLayout.payloadWords(get(frameWord + LogLayout.FRAME_HEAD));
    int head = frameWord + LogLayout.FRAME_HEAD;
    put(frameWord + LogLayout.FRAME_CHECKSUM, checksum.ofWords(seed, buffer, head, 1 + payload));
  }

  private int reserve(int count) {
    int at = advance(count);
    if (words > limit) {
      grow();
    }
    return at;
  }

  private void grow() {
    int wanted = words + KEPT_WORDS;
    buffer.reserve(Math.max(wanted, Math.max(2 * buffer.capacity(), FIRST_WORDS)));
    limit = buffer.capacity() - KEPT_WORDS;
  }

  private int advance(int count) {
    if (open == NO_FRAME) {
      openFrame();
    } else if (words - open + count > maxFrameWords) {
      close(LogLayout.DATA);
      openFrame();
    }
    int at = words;
    words = at + count;
    return at;
  }

  private void openFrame() {
    if (frameCount == frames.length) {
      frames = Arrays.copyOf(frames, 2 * frameCount);
    }
    frames[frameCount++] = words;
    open = words;
    words += LogLayout.FRAME_PAYLOAD;
  }
}
