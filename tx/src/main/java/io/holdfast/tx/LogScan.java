// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.PersistentRegion;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Reads the log of a life that ended: which transactions are to be carried out again, which undone.
 *
 * <p>Recovery step R1. Of each lane all records that validate are taken; the highest watermark in
 * any of them, or in a watermark line, says which are dead. A record counts as a commit only if
 * each of the frames that it names validates (rule C1). That can fail for a lane's newest record
 * alone, whose fence may not have returned; for an older one above the watermark it is damage, as
 * is a commit that the next one names and that is missing: the log is refused.
 *
 * <p>Step R2. What a lane may have left undecided lies at the position after its newest decided
 * record (M3). Of that the frames count that validate without a gap.
 */
final class LogScan {
  private final Log log;
  private final PersistentRegion region;
  private final LogLayout layout;
  private final Frame frame;
  private final LogEntries entries;
  private final List<Entry> committed = new ArrayList<>();
  private final List<Entry> undecided = new ArrayList<>();
  private long watermark;

  /** A transaction: its order number, 0 while undecided, and its frames in the order of writing. */
  record Entry(long number, List<Place> frames) {}

  /**
   * Where a frame is.
   *
   * @param lane whose it is
   * @param at its position in the ring; in an extension its address
   * @param start the transaction's first position
   * @param end the extension's end, 0 for the ring
   */
  record Place(int lane, long at, long start, long end) {
    boolean load(Frame frame) {
      return end == 0 ? frame.readRing(lane, at) : frame.readExtension(lane, start, at, end);
    }
  }

  /**
   * A record that validates.
   *
   * @param lane whose it is
   * @param kind commit or abort
   * @param position of its frame
   * @param end the position after its frame
   * @param start the transaction's first position
   * @param frames how many frames the transaction has, the record's included
   * @param number its order number
   * @param previous the lane's commit before it, 0 for none, {@link LogLayout#UNKNOWN}
   */
  private record Decided(
      int lane,
      int kind,
      long position,
      long end,
      long start,
      long frames,
      long number,
      long previous) {

    boolean isCommit() {
      return kind == LogLayout.COMMIT;
    }
  }

  LogScan(Log log) {
    this.log = log;
    this.region = log.region();
    this.layout = log.layout();
    this.frame = new Frame(log);
    this.entries = new LogEntries(log);
  }

  /** The frames that the present transaction of a lane has in the log. */
  static List<Place> present(Log log, int lane, long start, int count) {
    LogScan scan = new LogScan(log);
    List<Place> places = new ArrayList<>();
    Walk walk = scan.new Walk(lane, start);
    long position = start;
    while (places.size() < count) {
      boolean found =
          walk.isLinked()
              ? walk.stepInExtension(places)
              : walk.step(places, new Place(lane, position, start, 0));
      if (!found) {
        throw new AssertionError("frame " + places.size() + " of " + count + " is gone");
      }
      position += scan.frame.lines();
    }
    return places;
  }

  /** The transactions to carry out again, newest first. */
  List<Entry> committed() {
    return committed;
  }

  /** The transactions to undo. */
  List<Entry> undecided() {
    return undecided;
  }

  void run() {
    List<List<Decided>> records = new ArrayList<>();
    for (int lane = 0; lane < layout.lanes(); lane++) {
      readWatermarkLines(lane);
      records.add(readRecords(lane));
    }
    for (int lane = 0; lane < layout.lanes(); lane++) {
      collect(lane, records.get(lane));
    }
    committed.sort(Comparator.comparingLong(Entry::number).reversed());
  }

  private void readWatermarkLines(int lane) {
    for (int which = 0; which < 2; which++) {
      long line = layout.watermarkLine(lane, which);
      long value = region.getLong(line + 8);
      if (region.getLong(line) == log.watermarkChecksum(lane, which, value)) {
        watermark = Math.max(watermark, value);
      }
    }
  }

  /** A lane's records in order of position; their watermarks are taken. */
  private List<Decided> readRecords(int lane) {
    List<Decided> records = new ArrayList<>();
    for (int slot = 0; slot < layout.ringLines(); slot++) {
      long position = recordPosition(lane, slot);
      if (position >= 0 && frame.readRing(lane, position)) {
        records.add(decided(lane, position));
      }
    }
    records.sort(Comparator.comparingLong(Decided::position));
    return records;
  }

  /** The position that a record which begins in a slot says it has, or -1. */
  private long recordPosition(int lane, int slot) {
    long ring = layout.ring(lane);
    long head = region.getLong(ring + (long) slot * LogLayout.LINE + 8L * LogLayout.FRAME_HEAD);
    int kind = LogLayout.frameKind(head);
    long words = LogLayout.payloadWords(head);
    if ((kind != LogLayout.COMMIT && kind != LogLayout.ABORT)
        || words < LogLayout.RECORD_WORDS
        || words > (long) layout.ringLines() * LogLayout.LINE_WORDS) {
      return -1;
    }
    long word = (long) slot * LogLayout.LINE_WORDS + LogLayout.FRAME_PAYLOAD + words;
    long at = 8 * (word - LogLayout.RECORD_WORDS + LogLayout.RECORD_POSITION);
    long position = region.getLong(ring + at % layout.ringBytes());
    return position % layout.ringLines() == slot ? position : -1;
  }

  private Decided decided(int lane, long position) {
    long extent = frame.record(LogLayout.RECORD_EXTENT);
    long number = frame.record(LogLayout.RECORD_ORDER);
    long previous = number;
    if (frame.kind() == LogLayout.COMMIT) {
      long deltas = frame.record(LogLayout.RECORD_DELTAS);
      watermark = Math.max(watermark, LogLayout.watermark(number, deltas));
      previous = LogLayout.previous(number, deltas);
    }
    return new Decided(
        lane,
        frame.kind(),
        position,
        position + frame.lines(),
        position - (extent & 0xFFFFFFFFL),
        extent >>> 32,
        number,
        previous);
  }

  private void collect(int lane, List<Decided> records) {
    List<Decided> live = new ArrayList<>();
    long end = 0;
    for (int i = 0; i < records.size(); i++) {
      Decided record = records.get(i);
      if (record.isCommit() && record.number > watermark) {
        List<Place> frames = frames(record);
        if (frames == null) {
          if (i < records.size() - 1) {
            throw corrupt(record, "log.frames", "all frames of a commit", "a damaged one");
          }
          break;
        }
        live.add(record);
        committed.add(new Entry(record.number, frames));
      }
      end = record.end;
    }
    checkNoneIsMissing(live);
    List<Place> places = undecidedFrames(lane, end);
    if (!places.isEmpty()) {
      undecided.add(new Entry(0, places));
    }
  }

  private void checkNoneIsMissing(List<Decided> live) {
    long before = 0;
    for (Decided record : live) {
      boolean known = record.previous != LogLayout.UNKNOWN && record.previous > watermark;
      if (known && record.previous != before) {
        throw corrupt(
            record,
            "log.previous",
            "commit " + record.previous,
            before == 0 ? "none" : "" + before);
      }
      before = record.number;
    }
  }

  /** All frames of a commit, or null if one of them does not validate. */
  private List<Place> frames(Decided record) {
    List<Place> places = new ArrayList<>();
    Walk walk = new Walk(record.lane, record.start);
    if (record.start < 0 || record.position - record.start >= layout.ringLines()) {
      return null;
    }
    long ringFrames = 0;
    for (long position = record.start; position <= record.position; ) {
      if (!walk.step(places, new Place(record.lane, position, record.start, 0))) {
        return null;
      }
      position += frame.lines();
      ringFrames++;
      if (frame.isRecord() && position != record.end) {
        return null;
      }
    }
    for (long left = record.frames - ringFrames; left > 0; left--) {
      if (!walk.stepInExtension(places)) {
        return null;
      }
    }
    return places;
  }

  /** The frames that validate without a gap from a position on, no record among them. */
  private List<Place> undecidedFrames(int lane, long start) {
    List<Place> places = new ArrayList<>();
    Walk walk = new Walk(lane, start);
    long position = start;
    while (position - start < layout.ringLines() && !walk.isLinked()) {
      Place place = new Place(lane, position, start, 0);
      if (!place.load(frame) || frame.isRecord()) {
        break;
      }
      walk.take(places, place);
      position += frame.lines();
    }
    boolean more = walk.isLinked();
    while (more) {
      more = walk.stepInExtension(places);
    }
    return places;
  }

  /** Goes from frame to frame of one transaction, along its links. */
  private final class Walk implements LogEntries.Visitor {
    private final int lane;
    private final long start;
    private final Set<Long> visited = new HashSet<>();
    private long at;
    private long end;

    Walk(int lane, long start) {
      this.lane = lane;
      this.start = start;
    }

    boolean isLinked() {
      return end != 0;
    }

    /** Takes a frame if it validates. */
    boolean step(List<Place> places, Place place) {
      boolean sound = place.load(frame);
      if (sound) {
        take(places, place);
      }
      return sound;
    }

    /** Takes a frame that is read: its entries are judged, its link is followed from then on. */
    void take(List<Place> places, Place place) {
      places.add(place);
      entries.visit(frame, place.end == 0 ? ringOffset(place) : place.at, this);
    }

    boolean stepInExtension(List<Place> places) {
      long here = at;
      if (end == 0 || !step(places, new Place(lane, at, start, end))) {
        return false;
      }
      if (at == here) {
        at += (long) frame.lines() * LogLayout.LINE;
      }
      return true;
    }

    private long ringOffset(Place place) {
      return layout.ring(lane) + place.at % layout.ringLines() * LogLayout.LINE;
    }

    @Override
    public void word(int kind, long offset, long value) {}

    @Override
    public void range(int kind, long offset, MemorySegment contents) {}

    @Override
    public void bit(int kind, long word, int bit, long block, long bytes) {}

    @Override
    public void link(long offset, long bytes) {
      if (!visited.add(offset)) {
        throw new Corrupt(at, "log.entry.link", "an extension once", offset + " again");
      }
      at = offset;
      end = offset + bytes;
    }
  }

  private Corrupt corrupt(Decided record, String field, String expected, String actual) {
    long offset = layout.ring(record.lane) + record.position % layout.ringLines() * LogLayout.LINE;
    return new Corrupt(offset, field, expected, actual);
  }
}
