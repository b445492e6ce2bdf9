// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.KeyedHash;
import java.lang.foreign.MemorySegment;

/**
 * One frame, read back from the medium and believed only after its checksum. Reused: what it holds
 * is that of the last {@code read} that returned true.
 */
final class Frame {
  private final Log log;
  private final PersistentRegion region;
  private final LogLayout layout;
  private final MemorySegment memory;
  private long head;

  Frame(Log log) {
    this.log = log;
    this.region = log.region();
    this.layout = log.layout();
    this.memory = MemorySegment.ofArray(new long[layout.maxFrameLines() * LogLayout.LINE_WORDS]);
  }

  /** Reads the frame of a lane's ring at a position; false if none was completed there. */
  boolean readRing(int lane, long position) {
    int slot = (int) (position % layout.ringLines());
    long ring = layout.ring(lane);
    head = region.getLong(ring + (long) slot * LogLayout.LINE + 8L * LogLayout.FRAME_HEAD);
    if (!plausible()) {
      return false;
    }
    int straight = Math.min(lines(), layout.ringLines() - slot);
    region.copyOut(
        ring + (long) slot * LogLayout.LINE, memory.asSlice(0, (long) straight * LogLayout.LINE));
    region.copyOut(
        ring,
        memory.asSlice(
            (long) straight * LogLayout.LINE, (long) (lines() - straight) * LogLayout.LINE));
    return sound(log.ringSeed(lane, position));
  }

  /** Reads the frame of an extension at an address, which must not reach beyond its end. */
  boolean readExtension(int lane, long start, long address, long end) {
    if (address + LogLayout.LINE > end) {
      return false;
    }
    head = region.getLong(address + 8L * LogLayout.FRAME_HEAD);
    if (!plausible() || address + (long) lines() * LogLayout.LINE > end) {
      return false;
    }
    region.copyOut(address, memory.asSlice(0, (long) lines() * LogLayout.LINE));
    return sound(log.extensionSeed(lane, start, address));
  }

  private boolean plausible() {
    int kind = kind();
    int words = payloadWords();
    return LogLayout.plainHead(head)
        && kind >= LogLayout.DATA
        && kind <= LogLayout.ABORT
        && words >= (isRecord() ? LogLayout.RECORD_WORDS : 1)
        && words <= layout.maxFrameLines() * LogLayout.LINE_WORDS - LogLayout.FRAME_PAYLOAD;
  }

  private boolean sound(long seed) {
    return memory.get(KeyedHash.WORD, 8L * LogLayout.FRAME_HEAD) == head
        && memory.get(KeyedHash.WORD, 8L * LogLayout.FRAME_CHECKSUM)
            == log.checksum().ofWords(seed, memory, 8L * LogLayout.FRAME_HEAD, 1 + payloadWords());
  }

  int kind() {
    return LogLayout.frameKind(head);
  }

  boolean isRecord() {
    return kind() == LogLayout.COMMIT || kind() == LogLayout.ABORT;
  }

  private int payloadWords() {
    return LogLayout.payloadWords(head);
  }

  int lines() {
    return LogLayout.frameLines(payloadWords());
  }

  /** How many words of entries there are; a record's own words come after them. */
  int entryWords() {
    return payloadWords() - (isRecord() ? LogLayout.RECORD_WORDS : 0);
  }

  /** A word of the entries. */
  long word(int index) {
    return memory.get(KeyedHash.WORD, 8L * (LogLayout.FRAME_PAYLOAD + index));
  }

  /** A word of the record. */
  long record(int index) {
    return word(entryWords() + index);
  }

  /** The contents of a range entry. */
  MemorySegment contents(int index, long bytes) {
    return memory.asSlice(8L * (LogLayout.FRAME_PAYLOAD + index), bytes);
  }
}
