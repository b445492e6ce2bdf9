// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

/**
 * Where the parts of a log of records are.
 *
 * <pre>
 * log      +0   "RECDLOGS"
 *          +8   first segment   offset, 0 if there is none
 *          +16  begin           position of the first record that is there
 *          +24  last segment    offset, 0 if there is none
 *          +32  end             position behind the last record
 * segment  +0   next segment    offset, 0 in the last one
 *          +8   start           position of its first record
 *          +16  records         one after the other
 * record   +0   hash 4 | bytes 4
 *          +8   content         to a multiple of 8, with zeros
 * </pre>
 *
 * <p>A position counts the bytes of all records that were ever appended before, so positions go up
 * through all segments without a gap, and none comes again.
 */
final class AppendLogLayout {
  static final long MAGIC = 0x53474F4C_44434552L;
  static final int MAGIC_AT = 0;
  static final int FIRST_AT = MAGIC_AT + 8;
  static final int BEGIN_AT = FIRST_AT + 8;
  static final int LAST_AT = BEGIN_AT + 8;
  static final int END_AT = LAST_AT + 8;
  static final int LOG_BYTES = END_AT + 8;

  static final int NEXT_AT = 0;
  static final int START_AT = NEXT_AT + 8;
  static final int RECORDS_AT = START_AT + 8;

  /** The size of a segment; one whose first record is larger is as large as that needs. */
  static final int SEGMENT_BYTES = 64 << 10;

  static final int CONTENT_AT = 8;
  static final int MOST_CONTENT = 1 << 30;

  private AppendLogLayout() {}

  static long recordBytes(long content) {
    return CONTENT_AT + (content + 7 & -8);
  }

  static long header(long content, long hash) {
    return hash << 32 | content;
  }

  static int content(long header) {
    return (int) header;
  }

  static boolean isContent(int bytes) {
    return bytes >= 0 && bytes <= MOST_CONTENT;
  }
}
