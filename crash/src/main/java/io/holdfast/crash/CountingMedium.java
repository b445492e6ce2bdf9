// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.Lines;
import io.holdfast.flush.Medium;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A medium that counts what is asked of another one: fences, lines, log bytes. The counts of a
 * single-threaded program do not depend on the machine, so they can be tables in a test.
 */
public final class CountingMedium extends ForwardingMedium {
  private final AtomicLong fences = new AtomicLong();
  private final AtomicLong lines = new AtomicLong();
  private final AtomicLong logBytes = new AtomicLong();

  /**
   * Counts over another medium, which is closed with this one.
   *
   * @param inner the medium that does the work
   */
  public CountingMedium(Medium inner) {
    super(inner);
  }

  /**
   * The counts so far.
   *
   * @return the counts since this medium was made
   */
  public PersistCounts counts() {
    return new PersistCounts(fences.get(), lines.get(), logBytes.get());
  }

  @Override
  public String describe() {
    return inner().describe() + ", counted";
  }

  @Override
  public void persist(Lines set) {
    count(set);
    super.persist(set);
  }

  private void count(Lines set) {
    fences.incrementAndGet();
    lines.addAndGet(set.lineCount());
    set.visit(
        new Lines.Visitor() {
          @Override
          public void writeback(long offset, long bytes) {}

          @Override
          public void copy(long offset, MemorySegment from) {
            lines.addAndGet(linesOf(offset, from.byteSize()));
            logBytes.addAndGet(from.byteSize());
          }
        });
  }

  private static long linesOf(long offset, long bytes) {
    return bytes == 0 ? 0 : (offset + bytes - 1) / Lines.LINE_BYTES - offset / Lines.LINE_BYTES + 1;
  }

  @Override
  public void persist(long offset, long bytes) {
    fences.incrementAndGet();
    lines.addAndGet(linesOf(offset, bytes));
    super.persist(offset, bytes);
  }
}
