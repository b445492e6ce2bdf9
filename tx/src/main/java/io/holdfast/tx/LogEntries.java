// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.tx.spi.Space;
import java.lang.foreign.MemorySegment;

/** Takes a frame's entries apart, and refuses those that no transaction can have written. */
final class LogEntries {
  /** The words of a range entry of one word. */
  private static final int SHORTEST_RANGE = 3;

  private final Log log;

  /** Is told of each entry. The frame holds the next one's words when a call has returned. */
  interface Visitor {
    /** SNAP_WORD or SET_WORD. */
    void word(int kind, long offset, long value);

    /** SNAP_RANGE or SET_RANGE. */
    void range(int kind, long offset, MemorySegment contents);

    /** ALLOCATE or FREE; a FREE_MANY is told of as a FREE of each block. */
    void bit(int kind, long word, int bit, long block, long bytes);

    /** LINK. */
    void link(long offset, long bytes);
  }

  LogEntries(Log log) {
    this.log = log;
  }

  /**
   * Visits a frame's entries in the order in which they were written.
   *
   * @param at where the frame is, for messages
   */
  void visit(Frame frame, long at, Visitor visitor) {
    int words = frame.entryWords();
    int index = 0;
    while (index < words) {
      index += visitOne(frame, index, words, at, visitor);
    }
  }

  /** Visits them from the last to the first. */
  void visitBackwards(Frame frame, long at, Visitor visitor) {
    int words = frame.entryWords();
    int[] starts = new int[words];
    int count = 0;
    for (int index = 0; index < words; index += length(frame, index, words, at)) {
      starts[count++] = index;
    }
    while (count > 0) {
      visitOne(frame, starts[--count], words, at, visitor);
    }
  }

  private int visitOne(Frame frame, int index, int words, long at, Visitor visitor) {
    int length = length(frame, index, words, at);
    long first = frame.word(index);
    int kind = LogLayout.entryKind(first);
    long offset = LogLayout.entryOffset(first);
    switch (kind) {
      case LogLayout.SNAP_WORD, LogLayout.SET_WORD -> {
        checkStore(offset, 8, at);
        visitor.word(kind, offset, frame.word(index + 1));
      }
      case LogLayout.SNAP_RANGE, LogLayout.SET_RANGE -> {
        long bytes = frame.word(index + 1);
        checkStore(offset, bytes, at);
        visitor.range(kind, offset, frame.contents(index + 2, bytes));
      }
      case LogLayout.ALLOCATE, LogLayout.FREE -> {
        int bit = LogLayout.entryDetail(first);
        long block = frame.word(index + 1);
        long bytes = frame.word(index + 2);
        checkAllocate(offset, bit, block, bytes, at);
        visitor.bit(kind, offset, bit, block, bytes);
      }
      case LogLayout.FREE_MANY -> {
        long mask = frame.word(index + 1);
        long firstBlock = frame.word(index + 2);
        long bytes = frame.word(index + 3);
        for (long left = mask; left != 0; left &= left - 1) {
          int bit = Long.numberOfTrailingZeros(left);
          checkAllocate(offset, bit, firstBlock + bit * bytes, bytes, at);
          visitor.bit(LogLayout.FREE, offset, bit, firstBlock + bit * bytes, bytes);
        }
      }
      default -> {
        long bytes = frame.word(index + 1);
        checkLink(offset, bytes, at);
        visitor.link(offset, bytes);
      }
    }
    return length;
  }

  /** The words of an entry. */
  private static int length(Frame frame, int index, int words, long at) {
    int kind = LogLayout.entryKind(frame.word(index));
    long length =
        switch (kind) {
          case LogLayout.SNAP_WORD, LogLayout.SET_WORD, LogLayout.LINK -> 2;
          case LogLayout.ALLOCATE, LogLayout.FREE -> 3;
          case LogLayout.FREE_MANY -> 4;
          case LogLayout.SNAP_RANGE, LogLayout.SET_RANGE ->
              index + 1 < words ? rangeWords(frame.word(index + 1), at) : SHORTEST_RANGE;
          default -> throw corrupt(at, "log.entry.kind", "1 to 8", kind);
        };
    if (length > words - index) {
      throw corrupt(at, "log.entry.words", "at most " + (words - index), length);
    }
    return (int) length;
  }

  private static long rangeWords(long bytes, long at) {
    if (bytes <= 0 || bytes % 8 != 0) {
      throw corrupt(at, "log.entry.bytes", "a positive multiple of 8", bytes);
    }
    return 2 + bytes / 8;
  }

  private void checkStore(long offset, long bytes, long at) {
    if (offset % 8 != 0 || !inside(offset, bytes) || !log.space().mayStore(offset, bytes)) {
      throw corrupt(at, "log.entry.offset", "whole words outside log and headers", offset);
    }
  }

  private void checkAllocate(long word, int bit, long block, long bytes, long at) {
    Space space = log.space();
    if (word % 8 != 0
        || bit > 63
        || !inside(word, 8)
        || !inside(block, bytes)
        || !space.mayAllocate(word, bit, block, bytes)) {
      throw corrupt(at, "log.entry.bit", "the bit of a block", word);
    }
  }

  private void checkLink(long offset, long bytes, long at) {
    if (offset % LogLayout.LINE != 0 || bytes % LogLayout.LINE != 0 || !inside(offset, bytes)) {
      throw corrupt(at, "log.entry.link", "lines outside the log", offset);
    }
  }

  /** Whether a range is inside the region and outside the log. */
  private boolean inside(long offset, long bytes) {
    return bytes > 0
        && offset >= 0
        && bytes <= log.region().size()
        && offset <= log.region().size() - bytes
        && (offset >= log.layout().end() || offset + bytes <= log.layout().area());
  }

  private static Corrupt corrupt(long at, String field, String expected, long actual) {
    return new Corrupt(at, field, expected, Long.toString(actual));
  }
}
