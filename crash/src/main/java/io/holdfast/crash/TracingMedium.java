// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.holdfast.flush.Declaration;
import io.holdfast.flush.Durability;
import io.holdfast.flush.Granularity;
import io.holdfast.flush.Lines;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/**
 * A medium in memory that records every store and every fence, so that the images which a crash
 * could leave can be made afterwards: see {@link Trace}. It starts from zeros or from any image, so
 * that a recovery can be traced in its turn.
 *
 * <p>Thread-safe; the order of events is the order in which the medium was called.
 */
public final class TracingMedium extends Medium {
  private static final JavaLayouts LE = new JavaLayouts();

  private final Slate.Chooser chooser;
  private final Slate slate;
  private final Memo memo;
  private final MemorySegment memory;
  private final List<RawRange> raw = new ArrayList<>();
  private final Trace.Recorder recorder = new Trace.Recorder();

  private final boolean isCertain;
  private long groupedReads;

  /** Little-endian layouts over the word array, which is the platform's own order here. */
  private static final class JavaLayouts {
    JavaLayouts() {
      if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
        throw new AssertionError("traces are made on little-endian machines");
      }
    }

    long load(MemorySegment memory, long offset, int bytes) {
      return switch (bytes) {
        case 1 -> memory.get(JAVA_BYTE, offset) & 0xFFL;
        case 4 -> memory.get(JAVA_INT_UNALIGNED, offset) & 0xFFFFFFFFL;
        default -> memory.get(JAVA_LONG_UNALIGNED, offset);
      };
    }

    void store(MemorySegment memory, long offset, int bytes, long value) {
      switch (bytes) {
        case 1 -> memory.set(JAVA_BYTE, offset, (byte) value);
        case 4 -> memory.set(JAVA_INT_UNALIGNED, offset, (int) value);
        default -> memory.set(JAVA_LONG_UNALIGNED, offset, value);
      }
    }
  }

  /** Memory that was handed out to be written in place, and how it looked when last compared. */
  private record RawRange(int firstWord, long[] seen) {
    boolean meets(int from, int to) {
      return firstWord < to && from < firstWord + seen.length;
    }
  }

  /**
   * A medium that starts from an image.
   *
   * @param image the words, little-endian; copied
   */
  public TracingMedium(long[] image) {
    this(image, Granularity.LINE);
  }

  TracingMedium(long[] image, Granularity granularity) {
    this(Images.of(image.clone()), count -> 0, granularity);
  }

  /**
   * A medium that starts from one of many images; which one is decided word by word, by reading.
   */
  TracingMedium(Images start, Slate.Chooser chooser, Granularity granularity) {
    this(start, chooser, granularity, new Slate(start.base()), null);
  }

  /**
   * The same, on a slate that is used again when this medium is not any more. What is read is told
   * to a memo, if there is one, which has looked at the images.
   */
  TracingMedium(
      Images start, Slate.Chooser chooser, Granularity granularity, Slate slate, Memo memo) {
    super(granularity == Granularity.NONE ? Durability.PROCESS : Durability.POWER, granularity);
    this.chooser = chooser;
    this.slate = slate;
    this.memo = memo;
    this.memory = slate.memory();
    this.isCertain = start.isCertain();
    slate.begin(start);
  }

  /**
   * A medium of zeros.
   *
   * @param bytes its size, a multiple of 8
   * @return the medium
   */
  public static TracingMedium ofSize(int bytes) {
    return new TracingMedium(new long[bytes / 8]);
  }

  /** From now on, each call is recorded with its thread and the line that made it. Slow. */
  void recordCalls() {
    recorder.recordCalls();
  }

  /**
   * Notes that something was done, for whoever reads the trace: an operation acknowledged, say.
   *
   * @param name what
   */
  public synchronized void mark(String name) {
    compareRaw(0, size());
    recorder.mark(name);
  }

  /**
   * What was recorded so far.
   *
   * @return the trace, which later events do not change
   */
  public synchronized Trace trace() {
    compareRaw(0, size());
    return recorder.trace(slate.narrowed());
  }

  /**
   * The present contents, durable or not.
   *
   * @return a copy of the words
   */
  public synchronized long[] image() {
    return slate.copy(0, slate.size());
  }

  /**
   * A region over this medium.
   *
   * @return the region
   */
  public PersistentRegion region() {
    return PersistentRegion.over(this);
  }

  @Override
  public String describe() {
    return "traced memory";
  }

  @Override
  public long size() {
    return slate.size() * 8L;
  }

  @Override
  public synchronized long load(long offset, int bytes) {
    compareRaw(offset, bytes);
    decide(offset, bytes);
    return LE.load(memory, offset, bytes);
  }

  @Override
  public synchronized void store(long offset, int bytes, long value) {
    compareRaw(offset, bytes);
    settle(offset, bytes);
    LE.store(memory, offset, bytes, value);
    record(offset, bytes, Trace.Kind.STORE);
  }

  @Override
  public synchronized boolean compareAndSet(long offset, long expected, long value) {
    compareRaw(offset, 8);
    decide(offset, 8);
    if (LE.load(memory, offset, 8) != expected) {
      return false;
    }
    settle(offset, 8);
    LE.store(memory, offset, 8, value);
    record(offset, 8, Trace.Kind.COMPARE_AND_SET);
    return true;
  }

  @Override
  public synchronized void copyOut(long offset, MemorySegment into) {
    compareRaw(offset, into.byteSize());
    decide(offset, into.byteSize());
    MemorySegment.copy(memory, offset, into, 0, into.byteSize());
  }

  @Override
  public synchronized void copyIn(MemorySegment from, long offset) {
    compareRaw(offset, from.byteSize());
    settle(offset, from.byteSize());
    MemorySegment.copy(from, 0, memory, offset, from.byteSize());
    record(offset, from.byteSize(), Trace.Kind.COPY);
  }

  @Override
  public synchronized MemorySegment view(long offset, long bytes, Arena arena) {
    compareRaw(offset, bytes);
    decide(offset, bytes);
    return memory.asSlice(offset, bytes).asReadOnly();
  }

  @Override
  public synchronized MemorySegment writable(long offset, long bytes, Arena arena) {
    compareRaw(offset, bytes);
    decide(offset, bytes);
    if (bytes > 0) {
      int first = (int) (offset / 8);
      int end = (int) ((offset + bytes + 7) / 8);
      for (int word = first; word < end; word++) {
        slate.touch(word);
      }
      raw.add(new RawRange(first, slate.copy(first, end)));
      recorder.lend(first, end);
    }
    return memory.asSlice(offset, bytes);
  }

  @Override
  public synchronized void persist(Lines lines) {
    persist(Trace.Kind.FENCE, lines);
  }

  @Override
  public synchronized void persistAndSurface(Lines lines) {
    persist(Trace.Kind.SURFACE, lines);
  }

  private void persist(Trace.Kind kind, Lines lines) {
    compareRaw(0, size());
    List<long[]> written = new ArrayList<>();
    List<long[]> copied = new ArrayList<>();
    lines.visit(
        new Lines.Visitor() {
          @Override
          public void writeback(long offset, long bytes) {
            written.add(new long[] {offset, bytes});
          }

          @Override
          public void copy(long offset, MemorySegment from) {
            if (granularity() == Granularity.NONE && copied.isEmpty()) {
              // What was stored before is ordered before what is copied.
              recorder.fence(kind, List.of(), List.of());
            }
            settle(offset, from.byteSize());
            MemorySegment.copy(from, 0, memory, offset, from.byteSize());
            record(offset, from.byteSize(), Trace.Kind.PAST_THE_CACHE);
            copied.add(new long[] {offset, from.byteSize()});
          }
        });
    recorder.fence(kind, written, copied);
  }

  @Override
  public synchronized void persist(long offset, long bytes) {
    compareRaw(0, size());
    recorder.fence(Trace.Kind.FENCE, List.of(new long[] {offset, bytes}), List.of());
  }

  @Override
  public synchronized void sync() {
    compareRaw(0, size());
    recorder.fence(Trace.Kind.SYNC, List.of(new long[] {0, size()}), List.of());
  }

  @Override
  public synchronized void declare(Declaration what, long offset, long bytes) {
    if (recorder.recordsCalls()) {
      compareRaw(0, size());
      recorder.declare(what, offset, bytes);
    }
  }

  @Override
  public void close() {}

  /** Decides every word that a range touches. */
  private void decide(long offset, long bytes) {
    recorder.load((int) (offset / 8), (int) ((offset + bytes + 7) / 8));
    if (isCertain && memo == null || bytes == 0) {
      return;
    }
    int first = (int) (offset / 8);
    int end = (int) ((offset + bytes + 7) / 8);
    int[] read = memo == null ? slate.open(first, end) : memo.unknown(first, end, slate);
    if (read.length > 0 && slate.decideAll(read, chooser)) {
      groupedReads++;
    }
    if (memo != null) {
      memo.read(read, slate);
    }
  }

  /** How many reads were decided together instead of word by word. */
  synchronized long groupedReads() {
    return groupedReads;
  }

  /**
   * Before a store: a word that it does not fill counts as read; one that it fills, as certain now.
   */
  private void settle(long offset, long bytes) {
    if (bytes == 0) {
      return;
    }
    if (offset % 8 != 0) {
      decide(offset, 1);
    }
    if ((offset + bytes) % 8 != 0) {
      decide(offset + bytes - 1, 1);
    }
    for (int word = (int) (offset / 8); word * 8L < offset + bytes; word++) {
      slate.touch(word);
      slate.settle(word);
      slate.learn(word);
    }
  }

  private void record(long offset, long bytes, Trace.Kind kind) {
    Trace.Call call = recorder.call(kind);
    for (int word = (int) (offset / 8); word * 8L < offset + bytes; word++) {
      recorder.store(word, slate.word(word), call);
    }
  }

  /** Records what was written through segments to the words of a range. */
  private void compareRaw(long offset, long bytes) {
    if (raw.isEmpty()) {
      return;
    }
    int from = (int) (offset / 8);
    int to = (int) ((offset + bytes + 7) / 8);
    for (RawRange range : raw) {
      if (range.meets(from, to)) {
        for (int i = 0; i < range.seen.length; i++) {
          int word = range.firstWord + i;
          if (range.seen[i] != slate.word(word)) {
            range.seen[i] = slate.word(word);
            recorder.store(word, slate.word(word), recorder.call(Trace.Kind.SEGMENT));
          }
        }
      }
    }
  }
}
