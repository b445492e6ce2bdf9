// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.Lines;
import io.holdfast.flush.PersistentRegion;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Carries a log out, in earnest or as a rehearsal that notes words instead of storing them.
 *
 * <p>Recovery step R3: committed transactions from the newest to the oldest, their entries from the
 * last to the first; a byte or bit is decided by the first entry met that names it. A new value is
 * stored unless decided. An old value, of a committed snapshot, only decides: the stores that it
 * guarded were durable before the commit was, and no older entry may undo them (M2). An allocation
 * or free decides its bit and all of its block, whose former owner's entries are void (A3).
 *
 * <p>Step R4: what undecided transactions stored in place is undone, their entries from the last to
 * the first, so that of several old values the oldest stays.
 */
final class Replay {
  private final Frame frame;
  private final LogEntries entries;
  private final CoverSet bytes = new CoverSet();
  private final Set<Long> bits = new HashSet<>();
  private final Sink sink;

  /** Where stores go. */
  private interface Sink {
    void word(long offset, long value);

    void range(long offset, MemorySegment contents);

    void bit(long word, long mask, boolean set);
  }

  private Replay(Log log, Sink sink) {
    this.frame = new Frame(log);
    this.entries = new LogEntries(log);
    this.sink = sink;
  }

  /** Stores what the log wants, and adds the lines that were stored to. */
  static void store(Log log, LogScan scan, Lines lines) {
    new Replay(log, new Storing(log.region(), lines)).run(scan);
  }

  /** Puts back the old contents that are in some frames, and adds the lines that were stored to. */
  static void undo(Log log, List<LogScan.Place> frames, Lines lines) {
    Replay replay = new Replay(log, new Storing(log.region(), lines));
    replay.backwards(new LogScan.Entry(0, frames), replay.new Undo());
  }

  private record Storing(PersistentRegion region, Lines lines) implements Sink {
    @Override
    public void word(long offset, long value) {
      region.putLong(offset, value);
      lines.add(offset, 8);
    }

    @Override
    public void range(long offset, MemorySegment contents) {
      region.copyIn(offset, contents);
      lines.add(offset, contents.byteSize());
    }

    @Override
    public void bit(long word, long mask, boolean set) {
      long value = region.getLong(word);
      word(word, set ? value | mask : value & ~mask);
    }
  }

  /** The words that the log wants to store one by one, as they will be. */
  static Map<Long, Long> rehearse(Log log, LogScan scan) {
    Map<Long, Long> words = new HashMap<>();
    new Replay(
            log,
            new Sink() {
              @Override
              public void word(long offset, long value) {
                words.put(offset, value);
              }

              @Override
              public void range(long offset, MemorySegment contents) {}

              @Override
              public void bit(long word, long mask, boolean set) {
                long value = words.computeIfAbsent(word, log.region()::getLong);
                words.put(word, set ? value | mask : value & ~mask);
              }
            })
        .run(scan);
    return words;
  }

  private void run(LogScan scan) {
    for (LogScan.Entry entry : scan.committed()) {
      backwards(entry, new Redo());
    }
    for (LogScan.Entry entry : scan.undecided()) {
      backwards(entry, new Undo());
    }
  }

  private void backwards(LogScan.Entry entry, LogEntries.Visitor visitor) {
    for (LogScan.Place place : entry.frames().reversed()) {
      if (!place.load(frame)) {
        throw new AssertionError("a frame that was sound is no longer: " + place);
      }
      entries.visitBackwards(frame, place.at(), visitor);
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
              sink.word(offset, value);
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
              sink.range(from, contents.asSlice(from - offset, to - from));
            }
          });
    }

    @Override
    public void bit(int kind, long word, int bit, long block, long length) {
      if (bits.add(word * 8 + bit)) {
        sink.bit(word, 1L << bit, kind == LogLayout.ALLOCATE);
      }
      bytes.cover(block, block + length, (from, to) -> {});
    }

    @Override
    public void link(long offset, long length) {}
  }

  private final class Undo implements LogEntries.Visitor {
    @Override
    public void word(int kind, long offset, long value) {
      if (kind == LogLayout.SNAP_WORD) {
        sink.word(offset, value);
      }
    }

    @Override
    public void range(int kind, long offset, MemorySegment contents) {
      if (kind == LogLayout.SNAP_RANGE) {
        sink.range(offset, contents);
      }
    }

    @Override
    public void bit(int kind, long word, int bit, long block, long length) {}

    @Override
    public void link(long offset, long length) {}
  }
}
