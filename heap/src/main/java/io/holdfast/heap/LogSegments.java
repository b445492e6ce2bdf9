// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.KeyedHash;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongUnaryOperator;

/**
 * Reads the segments and records of a log, through words as they are committed or as a transaction
 * sees them. What it reads may be anything, if whoever asks is overtaken: every offset is checked,
 * and what cannot be is refused.
 */
final class LogSegments {
  private static final int COPIED_AT_ONCE = 16 << 10;

  private final PersistentRegion region;
  private final Allocator allocator;
  private final Bounds bounds;
  private final KeyedHash hash;
  private final long log;

  LogSegments(Pool pool, long log) {
    this.region = pool.region();
    this.allocator = pool.allocator();
    this.bounds = new Bounds(pool);
    this.hash = new KeyedHash(pool.hashSeed());
    this.log = log;
  }

  /**
   * A segment.
   *
   * @param offset where it is
   * @param start the position of its first record
   * @param end the position after its last record
   * @param next the next segment, or 0
   */
  record Segment(long offset, long start, long end, long next) {
    long address(long position) {
      return offset + AppendLogLayout.RECORDS_AT + (position - start);
    }
  }

  /** A record that was copied. */
  record Copied(long position, MemorySegment content) {
    long next() {
      return position + AppendLogLayout.recordBytes(content.byteSize());
    }
  }

  /** The segment that a word points to. */
  Segment segment(LongUnaryOperator word, long pointer) {
    return segmentAt(word, pointer, word.applyAsLong(pointer));
  }

  /** A segment of which is known where it is. */
  Segment segmentAt(LongUnaryOperator word, long pointer, long offset) {
    long start = start(pointer, offset);
    long next = word.applyAsLong(offset + AppendLogLayout.NEXT_AT);
    boolean last = next == 0;
    long endPointer = last ? log + AppendLogLayout.END_AT : offset + AppendLogLayout.NEXT_AT;
    long end = last ? word.applyAsLong(endPointer) : start(endPointer, next);
    long most = room(pointer, offset);
    if (end < start || end - start > most || !last && end == start) {
      throw new Corrupt(
          endPointer,
          last ? "log.end" : "log.next",
          "a position from %d to %d".formatted(start, start + most),
          Long.toString(end));
    }
    return new Segment(offset, start, end, next);
  }

  /** How many bytes of records there is room for. */
  private long room(long pointer, long segment) {
    bounds.checkBlock(pointer, segment, AppendLogLayout.RECORDS_AT, "log.segment");
    // Who only reads claims nothing: the segment may be freed at any time.
    Allocator.Place place = allocator.find(segment);
    if (place == null) {
      throw new Corrupt(pointer, "log.segment", "the offset of a segment", "" + segment);
    }
    return place.run().blockBytes() - AppendLogLayout.RECORDS_AT;
  }

  /** A segment is written whole before anything leads to it, so its start needs no transaction. */
  private long start(long pointer, long segment) {
    if (!bounds.couldBe(segment, AppendLogLayout.RECORDS_AT)) {
      throw new Corrupt(pointer, "log.segment", "the offset of a segment", "" + segment);
    }
    return region.getLong(segment + AppendLogLayout.START_AT);
  }

  /** The segment with a position, looked for from another one on, which begins before. */
  Segment find(LongUnaryOperator word, Segment from, long position, List<Segment> passed) {
    Segment at = from;
    while (at.next != 0 && at.end <= position) {
      at = segment(word, at.offset + AppendLogLayout.NEXT_AT);
      passed.add(at);
    }
    long end = word.applyAsLong(log + AppendLogLayout.END_AT);
    if (at.end > end) {
      throw new Corrupt(
          at.offset + AppendLogLayout.NEXT_AT,
          "log.next",
          "a segment that begins at " + end + " or before",
          "one from " + at.end);
    }
    return at;
  }

  /** The first segment, which begins at a position or before it. */
  Segment first(LongUnaryOperator word, long position) {
    long pointer = log + AppendLogLayout.FIRST_AT;
    Segment first = segment(word, pointer);
    if (first.start > position) {
      throw new Corrupt(
          pointer, "log.first", "a segment from " + position + " on", "one from " + first.start);
    }
    return first;
  }

  /** The hash of a record, which is of its log and its place there as well. */
  long hash(long position, MemorySegment content) {
    return hash.ofBytes(hash.seed(log, position), content, 0, content.byteSize());
  }

  /**
   * Copies records of a segment, from a position to an end, as many as it does at once: at least
   * one, and up to one that is not sound, if that is not the first.
   */
  List<Copied> copy(Segment segment, long position, long end) {
    long address = segment.address(position);
    long left = Math.min(end, segment.end) - position;
    MemorySegment bytes = copyOut(address, Math.min(left, COPIED_AT_ONCE));
    long needed = AppendLogLayout.recordBytes(contentBytes(bytes, 0, left, address));
    if (needed > bytes.byteSize()) {
      bytes = copyOut(address, needed);
    }
    List<Copied> copied = new ArrayList<>();
    long at = 0;
    while (at + AppendLogLayout.CONTENT_AT <= bytes.byteSize()) {
      Copied record = record(bytes, at, position + at);
      if (record == null) {
        break;
      }
      copied.add(record);
      at += AppendLogLayout.recordBytes(record.content.byteSize());
    }
    if (copied.isEmpty()) {
      throw new Corrupt(address, "log.hash", "that of the record", "another");
    }
    return copied;
  }

  private MemorySegment copyOut(long address, long bytes) {
    if (bytes < AppendLogLayout.CONTENT_AT) {
      throw new Corrupt(address, "log.record", "inside a segment", bytes + " bytes");
    }
    MemorySegment copy = MemorySegment.ofArray(new byte[(int) bytes]);
    region.copyOut(address, copy);
    return copy;
  }

  private static int contentBytes(MemorySegment bytes, long at, long left, long address) {
    int content = AppendLogLayout.content(bytes.get(KeyedHash.WORD, at));
    if (!AppendLogLayout.isContent(content) || AppendLogLayout.recordBytes(content) > left) {
      throw new Corrupt(address, "log.bytes", left + " at most, with the header", "" + content);
    }
    return content;
  }

  /** A record among bytes, or null if it is not all there, or not sound. */
  private Copied record(MemorySegment bytes, long at, long position) {
    long header = bytes.get(KeyedHash.WORD, at);
    int content = AppendLogLayout.content(header);
    if (!AppendLogLayout.isContent(content)
        || AppendLogLayout.recordBytes(content) > bytes.byteSize() - at) {
      return null;
    }
    MemorySegment slice = bytes.asSlice(at + AppendLogLayout.CONTENT_AT, content).asReadOnly();
    return header == AppendLogLayout.header(content, hash(position, slice))
        ? new Copied(position, slice)
        : null;
  }

  /** Whether a record begins at a position of a segment, or the segment ends there. */
  boolean isBoundary(Segment segment, long position) {
    long at = segment.start;
    while (at != position && at < segment.end) {
      long address = segment.address(at);
      int content = AppendLogLayout.content(region.getLong(address));
      if (!AppendLogLayout.isContent(content)
          || AppendLogLayout.recordBytes(content) > segment.end - at) {
        throw new Corrupt(
            address, "log.bytes", segment.end - at + " at most, with the header", "" + content);
      }
      at += AppendLogLayout.recordBytes(content);
    }
    return at == position;
  }
}
