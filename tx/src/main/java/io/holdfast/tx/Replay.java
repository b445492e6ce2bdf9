// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.Declaration;
import io.holdfast.flush.Lines;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.KeyedHash;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Carries a log out, in earnest or as a rehearsal that notes words instead of storing them.
 *
 * <p>Recovery step R3: committed transactions from the newest to the oldest, their entries from the
 * last to the first; a byte or bit is decided by the first entry met that names it. A new value is
 * stored unless decided. An old value, of a committed snapshot, only decides: the stores that it
 * guarded were durable before the commit was, and no older entry may undo them (M2). An allocation
 * or free decides its bit and all of its block, whose former owner's entries are void (A3). A word
 * may have been a bitmap before it was given a value, and become one again: a bit in a word that is
 * decided is void, and a word that is stored keeps the bits in it that are decided.
 *
 * <p>A link decides all of its extension, and those of undecided transactions do so before anything
 * is stored: what the chunks held before they served the log was written by older transactions, and
 * their entries would destroy frames that are still to be read, now or by a second recovery (W16).
 * A free in the log does not cover enough, since a transaction may write to a block and free it,
 * and since bitmaps lie in chunks too.
 *
 * <p>Step R4: what undecided transactions stored in place is undone, their entries from the last to
 * the first, so that of several old values the oldest stays.
 */
final class Replay {
  private final Frame frame;
  private final LogEntries entries;
  private final CoverSet bytes = new CoverSet();
  private final TreeMap<Long, Long> bits = new TreeMap<>();
  private final Sink sink;
  private long bytesStored;

  /**
   * What was stored.
   *
   * @param forward bytes of new contents
   * @param back bytes of old contents
   */
  record Stored(long forward, long back) {}

  /** Where stores go. */
  private interface Sink {
    /** A word as it is after the stores so far. */
    long word(long offset);

    void word(long offset, long value);

    void range(long offset, MemorySegment contents);
  }

  private Replay(Log log, Sink sink) {
    this.frame = new Frame(log);
    this.entries = new LogEntries(log);
    this.sink = sink;
  }

  /** Stores what the log wants, and adds the lines that were stored to. */
  static Stored store(Log log, LogScan scan, Lines lines) {
    return new Replay(log, new Storing(log.region(), lines)).run(scan);
  }

  /** Puts back the old contents that are in some frames, and adds the lines that were stored to. */
  static void undo(Log log, List<LogScan.Place> frames, Lines lines) {
    Replay replay = new Replay(log, new Storing(log.region(), lines));
    replay.backwards(new LogScan.Entry(0, frames), replay.new Undo());
  }

  private record Storing(PersistentRegion region, Lines lines) implements Sink {
    @Override
    public long word(long offset) {
      return region.getLong(offset);
    }

    @Override
    public void word(long offset, long value) {
      region.declare(Declaration.INTENT, offset, 8);
      region.putLong(offset, value);
      lines.add(offset, 8);
    }

    @Override
    public void range(long offset, MemorySegment contents) {
      region.declare(Declaration.INTENT, offset, contents.byteSize());
      region.copyIn(offset, contents);
      lines.add(offset, contents.byteSize());
    }
  }

  /**
   * The words that the log wants to store and that the space is going to judge, as they will be.
   */
  static Map<Long, Long> rehearse(Log log, LogScan scan) {
    Map<Long, Long> words = new HashMap<>();
    new Replay(log, new Noting(log, words)).run(scan);
    return words;
  }

  private record Noting(Log log, Map<Long, Long> words) implements Sink {
    @Override
    public long word(long offset) {
      Long noted = words.get(offset);
      return noted != null ? noted : log.region().getLong(offset);
    }

    @Override
    public void word(long offset, long value) {
      if (log.space().isJudged(offset)) {
        words.put(offset, value);
      }
    }

    @Override
    public void range(long offset, MemorySegment contents) {
      for (long at = 0; at < contents.byteSize(); at += 8) {
        word(offset + at, contents.get(KeyedHash.WORD, at));
      }
    }
  }

  private Stored run(LogScan scan) {
    // Before the first store: an older entry must not destroy what is still to be undone.
    for (LogScan.Entry entry : scan.undecided()) {
      backwards(entry, new Shield());
    }
    for (LogScan.Entry entry : scan.committed()) {
      backwards(entry, new Redo());
    }
    long forward = bytesStored;
    for (LogScan.Entry entry : scan.undecided()) {
      backwards(entry, new Undo());
    }
    return new Stored(forward, bytesStored - forward);
  }

  private void backwards(LogScan.Entry entry, LogEntries.Visitor visitor) {
    for (LogScan.Place place : entry.frames().reversed()) {
      if (!place.load(frame)) {
        throw new AssertionError("a frame that was sound is no longer: " + place);
      }
      entries.visitBackwards(frame, place.at(), visitor);
    }
  }

  private void storeWord(long offset, long value) {
    long decided = bits.getOrDefault(offset, 0L);
    put(offset, decided == 0 ? value : value & ~decided | sink.word(offset) & decided);
  }

  private void put(long offset, long value) {
    sink.word(offset, value);
    bytesStored += Long.BYTES;
  }

  private void put(long offset, MemorySegment contents) {
    sink.range(offset, contents);
    bytesStored += contents.byteSize();
  }

  private void storeRange(long offset, MemorySegment contents) {
    long end = offset + contents.byteSize();
    if (bits.subMap(offset, end).isEmpty()) {
      put(offset, contents);
      return;
    }
    for (long at = offset; at < end; at += 8) {
      storeWord(at, contents.get(KeyedHash.WORD, at - offset));
    }
  }

  private final class Redo implements LogEntries.Visitor {
    @Override
    public void word(int kind, long offset, long value) {
      boolean store = kind == LogLayout.SET_WORD;
      bytes.cover(
          offset,
          offset + 8,
          (from, to) -> {
            if (store) {
              storeWord(offset, value);
            }
          });
    }

    @Override
    public void range(int kind, long offset, MemorySegment contents) {
      boolean store = kind == LogLayout.SET_RANGE;
      bytes.cover(
          offset,
          offset + contents.byteSize(),
          (from, to) -> {
            if (store) {
              storeRange(from, contents.asSlice(from - offset, to - from));
            }
          });
    }

    @Override
    public void bit(int kind, long word, int bit, long block, long length) {
      long mask = 1L << bit;
      long decided = bits.getOrDefault(word, 0L);
      if ((decided & mask) == 0 && bytes.isDisjoint(word, word + 8)) {
        bits.put(word, decided | mask);
        long value = sink.word(word);
        put(word, kind == LogLayout.ALLOCATE ? value | mask : value & ~mask);
      }
      bytes.cover(block, block + length, (from, to) -> {});
    }

    @Override
    public void link(long offset, long length) {
      bytes.cover(offset, offset + length, (from, to) -> {});
    }
  }

  /** Covers extensions, and does nothing else. */
  private final class Shield implements LogEntries.Visitor {
    @Override
    public void word(int kind, long offset, long value) {}

    @Override
    public void range(int kind, long offset, MemorySegment contents) {}

    @Override
    public void bit(int kind, long word, int bit, long block, long length) {}

    @Override
    public void link(long offset, long length) {
      bytes.cover(offset, offset + length, (from, to) -> {});
    }
  }

  private final class Undo implements LogEntries.Visitor {
    @Override
    public void word(int kind, long offset, long value) {
      if (kind == LogLayout.SNAP_WORD) {
        put(offset, value);
      }
    }

    @Override
    public void range(int kind, long offset, MemorySegment contents) {
      if (kind == LogLayout.SNAP_RANGE) {
        put(offset, contents);
      }
    }

    @Override
    public void bit(int kind, long word, int bit, long block, long length) {}

    @Override
    public void link(long offset, long length) {}
  }
}
