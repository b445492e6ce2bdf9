// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.PersistentRegion;
import io.holdfast.heap.LogSegments.Copied;
import io.holdfast.heap.LogSegments.Segment;
import java.util.List;

/** Goes through all of a log. Nobody may be changing it. */
final class LogCheck {
  private final PersistentRegion region;
  private final LogSegments segments;
  private final CheckOwner owner;
  private final long log;
  private boolean beginFound;

  LogCheck(Pool pool, long log, CheckOwner owner) {
    this.region = pool.region();
    this.segments = new LogSegments(pool, log);
    this.owner = owner;
    this.log = log;
  }

  private long word(int at) {
    return region.getLong(log + at);
  }

  void run() {
    if (word(AppendLogLayout.MAGIC_AT) != AppendLogLayout.MAGIC) {
      owner.problem("offset=%d is no log".formatted(log));
      return;
    }
    long pointer = log + AppendLogLayout.FIRST_AT;
    long last = 0;
    while (region.getLong(pointer) != 0) {
      last = region.getLong(pointer);
      if (!owner.block(last, AppendLogLayout.RECORDS_AT, "a segment")) {
        return;
      }
      Segment segment = segments.segment(region::getLong, pointer);
      checkRecords(segment);
      pointer = last + AppendLogLayout.NEXT_AT;
    }
    long begin = word(AppendLogLayout.BEGIN_AT);
    if (last != word(AppendLogLayout.LAST_AT)) {
      owner.problem("its last segment is not the one at offset " + last);
    } else if (last == 0 ? begin != word(AppendLogLayout.END_AT) : !beginFound) {
      owner.problem("no record is at its beginning: position=" + begin);
    }
  }

  private void checkRecords(Segment segment) {
    long begin = word(AppendLogLayout.BEGIN_AT);
    boolean first = segment.offset() == word(AppendLogLayout.FIRST_AT);
    long position = segment.start();
    while (position < segment.end()) {
      List<Copied> records = segments.copy(segment, position, segment.end());
      for (Copied record : records) {
        beginFound |= first && record.position() == begin;
      }
      position = records.getLast().next();
    }
    beginFound |= first && segment.next() == 0 && begin == segment.end();
  }
}
