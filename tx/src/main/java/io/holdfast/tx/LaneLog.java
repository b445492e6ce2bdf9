// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.Lines;
import io.holdfast.tx.spi.KeyedHash;
import io.holdfast.tx.spi.Space;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Where one lane's frames go: to its ring, and what outgrows that to extensions. It adds copies to
 * a set of lines, and whoever persists that set has written the log.
 *
 * <p>Positions count lines since the era began and are never used twice, so that a frame's position
 * tells it from a sound frame of an earlier lap. A transaction's frames lie at consecutive
 * positions from its start to its record. Nothing is zeroed and there is no tail pointer: a frame
 * counts when its checksum does.
 *
 * <p>Space. A line may be overwritten when its transaction is covered by a durable watermark (rule
 * W1 of the design document) or was aborted; but the newest decided record never, until a newer one
 * is durable (W14), because recovery learns from it where an undecided transaction may begin. Two
 * lines are kept for the end of every transaction: a link to an extension, and the record.
 */
final class LaneLog {
  private static final int KEPT_LINES = LogLayout.LINK_LINES + LogLayout.RECORD_LINES;
  private static final int LINK_WORDS = LogLayout.FRAME_PAYLOAD + 2;
  private static final long LINE = LogLayout.LINE;
  private static final int LINE_WORDS = LogLayout.LINE_WORDS;
  private static final long NONE = -1;

  private final Log log;
  private final int lane;
  private final long ring;
  private final int ringLines;
  private final Staging staging;

  // The ring: the next position, the newest decided record, what must stay.
  private long tail;
  private long record = NONE;
  private final Retained retained = new Retained();
  private long lastNumber;

  // The present transaction: its first position, its frames in the log, its extensions.
  private long start;
  private int placed;
  private int placedOfStaging;
  private long recordPosition;
  private final List<Space.Extension> extensions = new ArrayList<>();
  private int extensionsUsed;
  private long extensionAt;
  private long extensionEnd;
  // Frames of links, kept until they are written.
  private final List<MemorySegment> links = new ArrayList<>();

  LaneLog(Log log, int lane) {
    this.log = log;
    this.lane = lane;
    this.ring = log.layout().ring(lane);
    this.ringLines = log.layout().ringLines();
    this.staging = new Staging(log.region(), log.layout());
  }

  Staging staging() {
    return staging;
  }

  long tail() {
    return tail;
  }

  long start() {
    return start;
  }

  /** How many frames of the present transaction are in the log. */
  int placed() {
    return placed;
  }

  /** Lines that can be written without touching what must stay. */
  private int room() {
    long keep = record == NONE ? 0 : record;
    if (!retained.isEmpty()) {
      keep = Math.min(keep, retained.firstStart());
    }
    return (int) (ringLines - (tail - keep));
  }

  /** The line of the ring that a position is in; rings have a power of two of them. */
  private int slot(long position) {
    return (int) position & ringLines - 1;
  }

  /** Lets go of what a durable watermark covers. */
  void release() {
    long durable = log.order().durable();
    while (!retained.isEmpty() && retained.firstNumber() <= durable) {
      retained.removeFirst();
    }
  }

  /** Whether a transaction can be decided, and linked to an extension. */
  boolean hasRoomToDecide() {
    return room() >= KEPT_LINES;
  }

  /** Whether what is staged and a record fit into the ring, and what is kept for the end. */
  boolean fitsRing() {
    return extensionsUsed == 0 && staging.lines() + LogLayout.RECORD_LINES + KEPT_LINES <= room();
  }

  /** Whether they would, with nothing in the ring but the newest record and this transaction. */
  boolean fitsEmptyRing() {
    long mine = placed == 0 ? 0 : tail - start;
    return extensionsUsed == 0
        && mine + staging.lines() + 2 * LogLayout.RECORD_LINES + KEPT_LINES
            <= ringLines - log.layout().maxFrameLines();
  }

  /** Takes extensions for all that is staged; false if there is not enough room in the pool. */
  boolean reserveExtensions() {
    staging.close(LogLayout.DATA);
    long at = extensionAt;
    long end = extensionEnd;
    int used = extensionsUsed;
    for (int i = placedOfStaging; i < staging.frameCount(); i++) {
      long bytes = staging.frameLines(i) * LINE;
      if (at + bytes + LINE > end) {
        if (used == extensions.size()) {
          long wanted = (long) staging.lines() * LINE - 8L * staging.frame(i) + LINE;
          Space.Extension extension = log.space().takeExtension(wanted);
          if (extension == null) {
            return false;
          }
          extensions.add(extension);
        }
        at = extensions.get(used).offset();
        end = at + extensions.get(used).bytes();
        used++;
        if (at + bytes + LINE > end) {
          return false;
        }
      }
      at += bytes;
    }
    return true;
  }

  /** Adds the copies that put what is staged into the ring, undecided. */
  void placeInRing(Lines copies) {
    staging.close(LogLayout.DATA);
    placeFrames(copies);
  }

  /** Adds the copies that put what is staged into the extensions reserved, undecided. */
  void placeInExtensions(Lines copies) {
    for (int i = placedOfStaging; i < staging.frameCount(); i++) {
      int frame = staging.frame(i);
      long bytes = staging.frameLines(i) * LINE;
      if (extensionAt + bytes + LINE > extensionEnd) {
        link(copies, extensions.get(extensionsUsed));
      }
      staging.seal(frame, log.checksum(), log.extensionSeed(lane, start, extensionAt));
      copies.copy(extensionAt, staging.buffer(), frame, (int) bytes / Long.BYTES);
      extensionAt += bytes;
      placed++;
    }
    placedOfStaging = staging.frameCount();
  }

  /** Adds a frame that says where the transaction goes on. */
  private void link(Lines copies, Space.Extension extension) {
    MemorySegment frame = Arena.ofAuto().allocate(LINE, LINE);
    links.add(frame);
    long head = LogLayout.head(LogLayout.DATA, 2);
    frame.set(KeyedHash.WORD, 8L * LogLayout.FRAME_HEAD, head);
    long entry = LogLayout.entry(LogLayout.LINK, 0, extension.offset());
    frame.set(KeyedHash.WORD, 8L * LogLayout.FRAME_PAYLOAD, entry);
    frame.set(KeyedHash.WORD, 8L * LogLayout.FRAME_PAYLOAD + 8, extension.bytes());
    boolean first = extensionsUsed == 0;
    if (first && placed == 0) {
      start = tail;
    }
    long seed = first ? log.ringSeed(lane, tail) : log.extensionSeed(lane, start, extensionAt);
    long sum = log.checksum().ofWords(seed, frame, 8L * LogLayout.FRAME_HEAD, LINK_WORDS - 1);
    frame.set(KeyedHash.WORD, 8L * LogLayout.FRAME_CHECKSUM, sum);
    copies.copy(first ? ring + slot(tail++) * LINE : extensionAt, frame);
    placed++;
    extensionsUsed++;
    extensionAt = extension.offset();
    extensionEnd = extensionAt + extension.bytes();
  }

  /**
   * Adds the copies that put what is staged and a record into the ring, by which the transaction is
   * committed.
   *
   * @param number its order number
   * @param watermark what the record says is durable in place, below that number
   */
  void placeCommit(Lines copies, long number, long watermark) {
    placeRecord(copies, LogLayout.COMMIT, number, LogLayout.deltas(number, lastNumber, watermark));
  }

  /** Adds the copies of a record by which the transaction never was. */
  void placeAbort(Lines copies) {
    placeRecord(copies, LogLayout.ABORT, lastNumber, 0);
  }

  private void placeRecord(Lines copies, int kind, long number, long deltas) {
    int at = staging.record(kind);
    int begin = staging.frame(placedOfStaging);
    int last = staging.frameCount() - 1;
    if (placed == 0) {
      start = tail;
    }
    recordPosition = tail + (staging.frame(last) - begin >> LogLayout.LINE_SHIFT);
    long total = placed + last + 1L - placedOfStaging;
    staging.put(at + LogLayout.RECORD_POSITION, recordPosition);
    staging.put(at + LogLayout.RECORD_EXTENT, total << 32 | recordPosition - start);
    staging.put(at + LogLayout.RECORD_ORDER, number);
    staging.put(at + LogLayout.RECORD_DELTAS, deltas);
    placeFrames(copies);
  }

  /** Frames that are consecutive in the staging become consecutive in the ring. */
  private void placeFrames(Lines copies) {
    if (placed == 0) {
      start = tail;
    }
    int begin = staging.frame(placedOfStaging);
    for (int i = placedOfStaging; i < staging.frameCount(); i++) {
      int frame = staging.frame(i);
      long position = tail + (frame - begin >> LogLayout.LINE_SHIFT);
      staging.seal(frame, log.checksum(), log.ringSeed(lane, position));
      placed++;
    }
    placedOfStaging = staging.frameCount();
    int lines = staging.lines() - (begin >> LogLayout.LINE_SHIFT);
    int slot = slot(tail);
    int straight = Math.min(lines, ringLines - slot);
    copies.copy(ring + slot * LINE, staging.buffer(), begin, straight * LINE_WORDS);
    if (straight < lines) {
      int rest = begin + straight * LINE_WORDS;
      copies.copy(ring, staging.buffer(), rest, (lines - straight) * LINE_WORDS);
    }
    tail += lines;
  }

  /** What was staged and placed is in the log: the staging can be filled anew. */
  void written() {
    staging.clear();
    placedOfStaging = 0;
    if (!links.isEmpty()) {
      links.clear();
    }
  }

  /** The transaction's commit record is durable. */
  void committed(long number) {
    record = recordPosition;
    retained.add(start, number);
    lastNumber = number;
    for (int i = 0; i < extensions.size(); i++) {
      log.spend(extensions.get(i), number);
    }
    end();
  }

  /** The transaction's abort record is durable, or nothing of it was placed. */
  void aborted() {
    if (placed > 0) {
      record = recordPosition;
    }
    for (int i = 0; i < extensions.size(); i++) {
      log.space().giveExtension(extensions.get(i));
    }
    end();
  }

  private void end() {
    written();
    placed = 0;
    if (!extensions.isEmpty()) {
      extensions.clear();
      extensionsUsed = 0;
      extensionAt = 0;
      extensionEnd = 0;
    }
  }
}
