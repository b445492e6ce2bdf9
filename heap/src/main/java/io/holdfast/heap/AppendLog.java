// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.Declaration;
import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.flush.StackRoom;
import io.holdfast.heap.LogSegments.Copied;
import io.holdfast.heap.LogSegments.Segment;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.Latch;
import io.holdfast.tx.spi.RoomFor;
import io.holdfast.tx.spi.TransactionAccess;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongUnaryOperator;

/**
 * A chain of segments with records. {@link AppendLogLayout} has its parts.
 *
 * <p><b>Appending.</b> A record is stored behind the last one, where nothing counts yet, and the
 * end is moved as an intent. The bytes are fresh content to the transaction, though their block is
 * not new: a byte of a segment is given content once while the segment lives, unless nobody
 * committed what was there before; so no older transaction has anything in the log for it. A new
 * segment is linked by words that are intents, too. A crash finds the old end or the new one, and
 * all of what is before it.
 *
 * <p><b>Claims.</b> Who appends claims the end, who truncates the beginning, who clears both. They
 * do not meet: the last segment is never truncated, and only that is written to. But who truncates
 * frees what was appended, and follows all (see {@code TransactionAccess.followAll}).
 *
 * <p><b>Reading</b> takes no lock. What was appended never changes, so a reader goes wrong in two
 * ways only: a truncation has taken away a segment from under him, which the version tells; or the
 * words of an append become visible one by one while he reads them, and do not fit. Both are tried
 * again. A failure counts if neither version has moved.
 */
final class AppendLog {
  private final Pool pool;
  private final PersistentRegion region;
  private final TransactionAccess access = TransactionAccess.get();
  private final LogSegments segments;
  private final Bounds bounds;
  private final LongUnaryOperator committed;
  private final long offset;
  private final SequenceLock appending = new SequenceLock();
  private final SequenceLock truncating = new SequenceLock();

  /** The thread whose open transaction has the end. */
  private final AtomicReference<Thread> appender = new AtomicReference<>();

  /**
   * Segments that readers have come across, by their starts. Those before the first segment are
   * gone; all others are what they were, since a start is never used again.
   */
  private final ConcurrentSkipListMap<Long, Long> known = new ConcurrentSkipListMap<>();

  private final AppendQueue queue;

  AppendLog(Pool pool, long offset) {
    this.pool = pool;
    this.region = pool.region();
    this.segments = new LogSegments(pool, offset);
    this.bounds = new Bounds(pool);
    this.committed = region::getLongAcquire;
    this.offset = offset;
    this.queue = new AppendQueue(pool, this);
    bounds.checkBlock(offset, offset, AppendLogLayout.LOG_BYTES, "log.offset");
    long magic = region.getLong(offset + AppendLogLayout.MAGIC_AT);
    if (magic != AppendLogLayout.MAGIC) {
      throw new Corrupt(
          offset,
          "log.magic",
          "0x%016X".formatted(AppendLogLayout.MAGIC),
          "0x%016X".formatted(magic));
    }
  }

  /** Makes a log without records in a new block of the transaction. */
  static long create(Pool pool, Transaction tx) {
    HeapParticipant participant = pool.participant(tx);
    long log = participant.reserve(AppendLogLayout.LOG_BYTES, Span.Kind.RAW);
    pool.region().zero(log, AppendLogLayout.LOG_BYTES);
    pool.region().putLong(log + AppendLogLayout.MAGIC_AT, AppendLogLayout.MAGIC);
    participant.filled(log, AppendLogLayout.LOG_BYTES);
    return log;
  }

  AppendQueue queue() {
    return queue;
  }

  /** Whether an open transaction of this thread has appended. */
  boolean isAppendedToByThisThread() {
    return appender.get() == Thread.currentThread();
  }

  private long firstWord() {
    return offset + AppendLogLayout.FIRST_AT;
  }

  private long beginWord() {
    return offset + AppendLogLayout.BEGIN_AT;
  }

  private long lastWord() {
    return offset + AppendLogLayout.LAST_AT;
  }

  private long endWord() {
    return offset + AppendLogLayout.END_AT;
  }

  long first() {
    return begin(committed);
  }

  long end() {
    return end(committed);
  }

  private long begin(LongUnaryOperator word) {
    return position(word, beginWord(), "log.begin");
  }

  private long end(LongUnaryOperator word) {
    return position(word, endWord(), "log.end");
  }

  private static long position(LongUnaryOperator word, long at, String field) {
    long position = word.applyAsLong(at);
    if (position < 0 || position % 8 != 0) {
      throw new Corrupt(at, field, "a position", Long.toString(position));
    }
    return position;
  }

  // ---- claims

  private Part part(Transaction tx) {
    StackRoom.require(RoomFor.A_CHANGE);
    HeapParticipant participant = pool.participant(tx);
    Part part = (Part) participant.part(this);
    if (part == null) {
      part = new Part();
      participant.add(part);
    }
    return part;
  }

  private void claimEnd(Transaction tx) {
    Part part = part(tx);
    access.claim(tx, endWord());
    part.appends = true;
    appender.set(Thread.currentThread());
  }

  private void claimBegin(Transaction tx) {
    Part part = part(tx);
    access.claim(tx, beginWord());
    access.followAll(tx);
    part.truncates = true;
  }

  /** What a transaction does to the log. */
  private final class Part implements CollectionPart {
    private boolean appends;
    private boolean truncates;

    @Override
    public Object collection() {
      return AppendLog.this;
    }

    @Override
    public void applying() {
      if (appends) {
        appending.beginChange();
      }
      if (truncates) {
        truncating.beginChange();
      }
    }

    @Override
    public void applied() {
      if (appends) {
        appending.endChange();
      }
      if (truncates) {
        truncating.endChange();
      }
    }

    /** Another one may have the end by now. */
    @Override
    public void ended() {
      if (appends) {
        appender.compareAndSet(Thread.currentThread(), null);
      }
    }
  }

  // ---- appending

  /** Appends in a transaction; returns the position of the first record. */
  long append(Transaction tx, List<MemorySegment> records) {
    for (MemorySegment record : records) {
      checkLength(record);
    }
    claimEnd(tx);
    Tail tail = new Tail(tx);
    long first = tail.end;
    for (MemorySegment record : records) {
      tail.append(record);
    }
    tail.finish();
    return first;
  }

  private static void checkLength(MemorySegment record) {
    if (record.byteSize() > AppendLogLayout.MOST_CONTENT) {
      throw new IllegalArgumentException(
          "a record has at most %d bytes: bytes=%d"
              .formatted(AppendLogLayout.MOST_CONTENT, record.byteSize()));
    }
  }

  /** The end of the log while a transaction appends to it. */
  private final class Tail {
    private final Transaction tx;
    private final HeapParticipant participant;
    private long end;
    private long segment;

    // In that segment: where the next record goes, where it ends, from where on it was filled.
    private long at;
    private long limit;
    private long filledFrom;

    Tail(Transaction tx) {
      this.tx = tx;
      this.participant = pool.participant(tx);
      this.end = access.read(tx, endWord());
      this.segment = access.read(tx, lastWord());
      if (segment != 0) {
        bounds.checkBlock(lastWord(), segment, AppendLogLayout.RECORDS_AT, "log.last");
        long used = end - region.getLong(segment + AppendLogLayout.START_AT);
        limit = segment + pool.allocator().find(segment).run().blockBytes();
        at = segment + AppendLogLayout.RECORDS_AT + used;
        if (used < 0 || used % 8 != 0 || at > limit) {
          throw new Corrupt(
              endWord(), "log.end", "a position in the last segment", Long.toString(end));
        }
      }
      filledFrom = at;
    }

    void append(MemorySegment record) {
      long bytes = AppendLogLayout.recordBytes(record.byteSize());
      if (bytes > limit - at) {
        finishSegment();
        beginSegment(bytes);
      }
      store(record, bytes);
      at += bytes;
      end += bytes;
    }

    /** The hash is that of the copy: what the caller has may change meanwhile. */
    private void store(MemorySegment record, long bytes) {
      region.declare(Declaration.ALLOCATED, at, bytes);
      long content = at + AppendLogLayout.CONTENT_AT;
      if (record.byteSize() % 8 != 0) {
        region.putLong(at + bytes - 8, 0);
      }
      region.copyIn(content, record);
      long hash = segments.hash(end, region.view(content, record.byteSize()));
      region.putLong(at, AppendLogLayout.header(record.byteSize(), hash));
    }

    private void beginSegment(long recordBytes) {
      long next =
          participant.reserve(
              Math.max(AppendLogLayout.SEGMENT_BYTES, AppendLogLayout.RECORDS_AT + recordBytes),
              Span.Kind.RAW);
      region.putLong(next + AppendLogLayout.NEXT_AT, 0);
      region.putLong(next + AppendLogLayout.START_AT, end);
      access.write(tx, segment == 0 ? firstWord() : segment + AppendLogLayout.NEXT_AT, next);
      access.write(tx, lastWord(), next);
      segment = next;
      filledFrom = next;
      at = next + AppendLogLayout.RECORDS_AT;
      limit = next + pool.allocator().find(next).run().blockBytes();
    }

    private void finishSegment() {
      if (at > filledFrom) {
        participant.filled(filledFrom, at - filledFrom);
      }
    }

    void finish() {
      if (end > access.read(tx, endWord())) {
        finishSegment();
        access.write(tx, endWord(), end);
      }
    }
  }

  // ---- truncating

  void truncate(Transaction tx, long before) {
    claimBegin(tx);
    LongUnaryOperator word = at -> access.read(tx, at);
    long begin = begin(word);
    if (before <= begin) {
      return;
    }
    checkPosition(before, end(word));
    List<Segment> passed = passed(word, begin, before);
    Segment first = passed.removeLast();
    if (!segments.isBoundary(first, before)) {
      throw noRecordAt(before);
    }
    HeapParticipant participant = pool.participant(tx);
    for (Segment segment : passed) {
      free(participant, firstWord(), segment.offset());
    }
    if (!passed.isEmpty()) {
      access.write(tx, firstWord(), first.offset());
    }
    access.write(tx, beginWord(), before);
  }

  /**
   * The segments up to the one with a position. The words of an append may become visible one by
   * one while they are read.
   */
  private List<Segment> passed(LongUnaryOperator word, long begin, long position) {
    for (int round = 0; ; round++) {
      long appends = appending.version();
      try {
        List<Segment> passed = new ArrayList<>();
        passed.add(segments.first(word, begin));
        segments.find(word, passed.getFirst(), position, passed);
        return passed;
      } catch (Corrupt e) {
        if (SequenceLock.isStable(appends) && appending.isStill(appends)) {
          throw e;
        }
      }
      Latch.pause(round);
    }
  }

  private void free(HeapParticipant participant, long pointer, long segment) {
    bounds.checkBlock(pointer, segment, AppendLogLayout.RECORDS_AT, "log.segment");
    participant.freeOwned(segment);
  }

  void clear(Transaction tx) {
    claimBegin(tx);
    claimEnd(tx);
    if (access.read(tx, firstWord()) == 0) {
      return;
    }
    freeSegments(tx);
    access.write(tx, firstWord(), 0);
    access.write(tx, lastWord(), 0);
    access.write(tx, beginWord(), access.read(tx, endWord()));
  }

  private void freeSegments(Transaction tx) {
    LongUnaryOperator word = at -> access.read(tx, at);
    HeapParticipant participant = pool.participant(tx);
    long pointer = firstWord();
    while (word.applyAsLong(pointer) != 0) {
      Segment segment = segments.segment(word, pointer);
      free(participant, pointer, segment.offset());
      pointer = segment.offset() + AppendLogLayout.NEXT_AT;
    }
  }

  /** Frees all blocks of the log in a transaction. Nobody else may be using it. */
  void free(Transaction tx) {
    claimBegin(tx);
    claimEnd(tx);
    freeSegments(tx);
    pool.participant(tx).freeCollection(offset);
  }

  // ---- reading

  private static void checkPosition(long position, long end) {
    if (position < 0 || position > end) {
      throw new IllegalArgumentException(
          "a position of this log is 0 to %d: position=%d".formatted(end, position));
    }
  }

  private static IllegalArgumentException noRecordAt(long position) {
    return new IllegalArgumentException("no record is at this position: position=" + position);
  }

  long walk(long from, PersistentLog.Visitor visitor) {
    return walk(from, end(), visitor, this::recordsAt);
  }

  /** As a transaction sees it; nobody else changes it meanwhile. */
  long walk(Transaction tx, long from, PersistentLog.Visitor visitor) {
    claimBegin(tx);
    claimEnd(tx);
    LongUnaryOperator word = at -> access.read(tx, at);
    return walk(
        from,
        end(word),
        visitor,
        (position, end) -> {
          long begin = Math.max(position, begin(word));
          return begin >= end ? Records.none(begin) : records(word, begin, end, new ArrayList<>());
        });
  }

  /** Where a walk has its records from. */
  private interface Source {
    Records records(long position, long end);
  }

  /** Some records, and the position after them. */
  private record Records(List<Copied> copied, long next) {
    static Records none(long next) {
      return new Records(List.of(), next);
    }
  }

  private static long walk(long from, long end, PersistentLog.Visitor visitor, Source source) {
    checkPosition(from, end);
    long position = from;
    while (position < end) {
      Records records = source.records(position, end);
      for (Copied record : records.copied) {
        if (!visitor.visit(record.position(), record.content())) {
          return record.next();
        }
      }
      position = records.next;
    }
    return position;
  }

  /** Records from a position on, or from the first one that is there. */
  private Records recordsAt(long position, long end) {
    for (int round = 0; ; round++) {
      long truncations = truncating.version();
      long appends = appending.version();
      if (SequenceLock.isStable(truncations)) {
        List<Segment> passed = new ArrayList<>();
        Records records = null;
        RuntimeException failure = null;
        try {
          long begin = Math.max(position, first());
          records = begin >= end ? Records.none(begin) : records(committed, begin, end, passed);
        } catch (Corrupt | IllegalArgumentException e) {
          failure = e;
        }
        boolean still = truncating.isStill(truncations);
        if (still && failure == null) {
          remember(passed);
          return records;
        }
        if (still && SequenceLock.isStable(appends) && appending.isStill(appends)) {
          throw failure;
        }
      }
      Latch.pause(round);
    }
  }

  private Records records(LongUnaryOperator word, long begin, long end, List<Segment> passed) {
    Segment first = segments.first(word, begin);
    Segment from = word == committed ? nearest(first, begin) : first;
    passed.add(first);
    Segment segment = segments.find(word, from, begin, passed);
    try {
      List<Copied> copied = segments.copy(segment, begin, end);
      return new Records(copied, copied.getLast().next());
    } catch (Corrupt e) {
      if (!segments.isBoundary(segment, begin)) {
        throw begin == begin(word)
            ? new Corrupt(beginWord(), "log.begin", "the position of a record", "" + begin)
            : noRecordAt(begin);
      }
      throw e;
    }
  }

  /** The last segment that is known to begin at a position or before it. */
  private Segment nearest(Segment first, long position) {
    Map.Entry<Long, Long> entry = known.floorEntry(position);
    if (entry == null || entry.getKey() <= first.start()) {
      return first;
    }
    return segments.segmentAt(committed, firstWord(), entry.getValue());
  }

  /** What was passed was there, so what comes before the first of it is gone. */
  private void remember(List<Segment> passed) {
    for (int i = 1; i < passed.size(); i++) {
      known.put(passed.get(i).start(), passed.get(i).offset());
    }
    if (!passed.isEmpty()) {
      known.headMap(passed.getFirst().start()).clear();
    }
  }
}
