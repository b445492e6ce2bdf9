// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.Lines;
import io.holdfast.flush.PersistentRegion;

/**
 * Where everything lies in a log area, and how a frame is made up. All values are little-endian.
 *
 * <pre>
 * area   +0      header, first copy      one line, written at format
 *        +64     era word, opening mark  one line, one aligned word each
 *        +4096   header, second copy     one line, written at format
 *        +8192   watermark lines         two lines for each lane
 *        then    rings                   from the next page, one for each lane
 *
 * header +0  magic                 "HOLDFLOG"
 *        +8  format version 4 | lanes 4
 *        +16 ring bytes 4 | zero 4
 *        +24 pool key              random; seeds every other checksum of the area
 *        +32 area offset           where the area lies in its region
 *        +40 zero                  16 bytes
 *        +56 checksum              of the seven words before
 *
 * era    +0  check 4 | era 4       valid when the check is the keyed hash of the era
 * mark   +8  check 2 | durability 1 | state 1 | boot 4
 *
 * watermark line
 *        +0  checksum              keyed by era, lane and which of the two lines
 *        +8  watermark             every transaction up to it is durable in place
 *
 * frame  +0  checksum              keyed by era, lane, position; in an extension also by its address
 *        +8  payload words 4 | zero 3 | kind 1
 *        +16 payload               entries; the last four words of a record frame are the record
 *            zeros                 up to the end of the line
 *
 * record +0  position              of the frame, in lines since the era began
 *        +8  frames 4 | lines 4    of the transaction; lines count from its first to this frame
 *        +16 order number          abort: that of the lane's last commit
 *        +24 order number less that of the lane's last commit 4 | order number less watermark 4
 *
 * entry  one word {kind 1 | detail 1 | offset 6}, then
 *        SNAP_WORD   old value             SET_WORD   new value
 *        SNAP_RANGE  bytes, old contents   SET_RANGE  bytes, new contents    whole words
 *        ALLOCATE    block, its bytes      FREE       block, its bytes       detail: bit of the word
 *        LINK        bytes of the extension at the offset
 * </pre>
 *
 * <p>A field is written most significant part first in the tables and lies in one word: {@code
 * check 4 | era 4} is a word whose upper half is the check.
 */
final class LogLayout {
  static final int VERSION = 1;
  static final long MAGIC = 0x474F4C46_444C4F48L;

  static final int LINE = Lines.LINE_BYTES;
  static final int LINE_WORDS = LINE / 8;

  /** Words by this are lines. */
  static final int LINE_SHIFT = Integer.numberOfTrailingZeros(LINE_WORDS);

  static final long HEADER = 0;
  static final long HEADER_MAGIC = 0;
  static final long HEADER_VERSION_LANES = HEADER_MAGIC + 8;
  static final long HEADER_RING = HEADER_VERSION_LANES + 8;
  static final long HEADER_KEY = HEADER_RING + 8;
  static final long HEADER_AREA = HEADER_KEY + 8;
  static final long HEADER_ZERO = HEADER_AREA + 8;
  static final long HEADER_CHECKSUM = HEADER_ZERO + 16;
  static final long HEADER_BYTES = HEADER_CHECKSUM + 8;

  static final long ERA = HEADER + HEADER_BYTES;
  static final long MARK = ERA + 8;
  static final long SECOND_HEADER = PersistentRegion.PAGE_BYTES;
  static final long WATERMARKS = SECOND_HEADER + PersistentRegion.PAGE_BYTES;

  static final int MIN_LANES = 1;
  static final int MAX_LANES = 1024;
  static final int MIN_RING = 1 << 10;
  static final int MAX_RING = 1 << 24;

  static final int FRAME_CHECKSUM = 0;
  static final int FRAME_HEAD = 1;
  static final int FRAME_PAYLOAD = 2;

  static final int DATA = 1;
  static final int COMMIT = 2;
  static final int ABORT = 3;

  static final int RECORD_WORDS = 4;
  static final int RECORD_POSITION = 0;
  static final int RECORD_EXTENT = 1;
  static final int RECORD_ORDER = 2;
  static final int RECORD_DELTAS = 3;

  /** What a delta is at most; this value says "this or more". */
  private static final long MAX_DELTA = 0xFFFFFFFFL;

  /** What {@link #previous} says of a record that does not know. */
  static final long UNKNOWN = -1;

  static final int SNAP_WORD = 1;
  static final int SNAP_RANGE = 2;
  static final int SET_WORD = 3;
  static final int SET_RANGE = 4;
  static final int ALLOCATE = 5;
  static final int FREE = 6;
  static final int LINK = 7;
  static final int FREE_MANY = 8;

  private static final int OFFSET_BITS = 48;
  static final long MAX_OFFSET = 1L << OFFSET_BITS;

  /** A record with no entries, and a frame that holds one link: a line each. */
  static final int RECORD_LINES = 1;

  static final int LINK_LINES = 1;

  private final long area;
  private final int lanes;
  private final int ringBytes;

  LogLayout(long area, int lanes, int ringBytes) {
    this.area = area;
    this.lanes = lanes;
    this.ringBytes = ringBytes;
  }

  static boolean validRing(long bytes) {
    return bytes >= MIN_RING && bytes <= MAX_RING && Long.bitCount(bytes) == 1;
  }

  static boolean validLanes(long count) {
    return count >= MIN_LANES && count <= MAX_LANES;
  }

  long area() {
    return area;
  }

  int lanes() {
    return lanes;
  }

  int ringBytes() {
    return ringBytes;
  }

  int ringLines() {
    return ringBytes / LINE;
  }

  /** The longest frame: a quarter of a ring, so that several fit, and at most 16 KiB. */
  int maxFrameLines() {
    return Math.min(ringLines() / 4, 256);
  }

  /** How many words an entry of a range may carry. */
  int maxContentWords() {
    return maxFrameLines() * LINE_WORDS - FRAME_PAYLOAD - 2;
  }

  long era() {
    return area + ERA;
  }

  long mark() {
    return area + MARK;
  }

  long watermarkLine(int lane, int which) {
    return area + WATERMARKS + (2L * lane + which) * LINE;
  }

  long ring(int lane) {
    return area + ringsStart(lanes) + (long) lane * ringBytes;
  }

  /** The end of the area, where whatever is logged may begin. */
  long end() {
    return area + bytes(lanes, ringBytes);
  }

  static long bytes(int lanes, int ringBytes) {
    return pages(ringsStart(lanes) + (long) lanes * ringBytes);
  }

  private static long ringsStart(int lanes) {
    return pages(WATERMARKS + 2L * lanes * LINE);
  }

  private static long pages(long bytes) {
    return Math.ceilDiv(bytes, PersistentRegion.PAGE_BYTES) * PersistentRegion.PAGE_BYTES;
  }

  static long head(int kind, int payloadWords) {
    return (long) payloadWords << 32 | kind;
  }

  static int frameKind(long head) {
    return (int) (head & 0xFF);
  }

  static int payloadWords(long head) {
    return (int) (head >>> 32);
  }

  /** Whether the bits of a head that must be zero are. */
  static boolean plainHead(long head) {
    return (head & 0xFFFFFF00L) == 0;
  }

  static int frameLines(int payloadWords) {
    return Math.ceilDiv(FRAME_PAYLOAD + payloadWords, LINE_WORDS);
  }

  static long entry(int kind, int detail, long offset) {
    return (long) kind << 56 | (long) detail << OFFSET_BITS | offset;
  }

  static int entryKind(long entry) {
    return (int) (entry >>> 56);
  }

  static int entryDetail(long entry) {
    return (int) (entry >>> OFFSET_BITS & 0xFF);
  }

  static long entryOffset(long entry) {
    return entry & (MAX_OFFSET - 1);
  }

  /** How far before a commit its lane's previous one, or none, and its watermark are. */
  static long deltas(long number, long previous, long watermark) {
    long back = previous == 0 ? 0 : Math.min(number - previous, MAX_DELTA);
    return back << 32 | Math.min(number - watermark, MAX_DELTA);
  }

  /** What a record says is durable in place; 0 if it was too far back to be said. */
  static long watermark(long number, long deltas) {
    long back = deltas & MAX_DELTA;
    return back == MAX_DELTA ? 0 : number - back;
  }

  /** A lane's commit before this one: 0 for none, or {@link #UNKNOWN}. */
  static long previous(long number, long deltas) {
    long back = deltas >>> 32;
    return back == 0 ? 0 : back == MAX_DELTA ? UNKNOWN : number - back;
  }
}
