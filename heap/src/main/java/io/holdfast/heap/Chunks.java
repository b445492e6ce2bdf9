// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Lanes;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.Space.Extension;
import io.holdfast.tx.spi.TransactionAccess;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The chunks that nobody has, and the spans into which the chunk table divides all of them.
 *
 * <p>Two views are kept. The table's, of free spans as they are recorded; and the present one, of
 * ranges that can be had: neighbouring free spans are one range, and what serves as the extension
 * of a log is in none, although the table calls it free. Making a span out of a range rewrites the
 * entries at the borders of what the table has there, at most three words, as a transaction of its
 * own on a lane that only this class uses. So a span is recorded, durably, before its first block
 * is given out; a crash leaves it with nothing allocated in it. An extension needs no record: after
 * a crash its chunks are free as the table says.
 *
 * <p>Locks: {@link #changes} is held while the table changes, which takes a fence; this object's
 * monitor for a look at the ranges. Who holds a lane's latch may come for an extension, or for
 * chunks that {@link Growth} adds, and must not wait for a fence there that may be waiting for him:
 * so these two take the monitor only, and the recorded spans are a map that takes more of them
 * without a lock.
 */
final class Chunks {
  /** The lane for changes of the table. */
  private static final int LANE = 0;

  /** One chunk of so many is for logs alone, and at least one. */
  private static final int KEPT_SHARE = 256;

  private final TransactionAccess access = TransactionAccess.get();
  private final PersistentRegion region;
  private final PoolLayout layout;
  private final ReentrantLock changes = new ReentrantLock();
  private Lanes lanes;

  /**
   * Free spans as the table has them, by their first chunk. Changed under {@link #changes}, but for
   * spans that are added behind all others.
   */
  private final ConcurrentSkipListMap<Integer, Integer> recorded = new ConcurrentSkipListMap<>();

  /** Ranges that can be had, by their first chunk and by their length. */
  private final TreeMap<Integer, Integer> ranges = new TreeMap<>();

  private final TreeMap<Integer, TreeSet<Integer>> byLength = new TreeMap<>();
  private int freeChunks;

  Chunks(PersistentRegion region, PoolLayout layout) {
    this.region = region;
    this.layout = layout;
  }

  /** A span and its first chunk. */
  record Placed(int chunk, Span span) {}

  /** Reads the table; free spans are kept here, the others returned. */
  synchronized List<Placed> load(Lanes open) {
    lanes = open;
    List<Placed> used = new ArrayList<>();
    for (int chunk = 0; chunk < layout.chunkCount(); ) {
      Span span = Span.decode(chunk, region.getLong(layout.entry(chunk)));
      if (span.kind() == Span.Kind.FREE) {
        recorded.put(chunk, span.chunks());
        addRange(chunk, span.chunks());
      } else {
        used.add(new Placed(chunk, span));
      }
      chunk += span.chunks();
    }
    return used;
  }

  /** Records a span of a kind, and returns its first chunk; -1 if there is no range that long. */
  int make(Span span) {
    changes.lock();
    try {
      int start = takeRange(span.chunks());
      if (start >= 0) {
        record(start, span);
      }
      return start;
    } finally {
      changes.unlock();
    }
  }

  private synchronized int takeRange(int count) {
    if (!hasRange(count)) {
      return -1;
    }
    Map.Entry<Integer, TreeSet<Integer>> fitting = byLength.ceilingEntry(count);
    int start = fitting.getValue().first();
    removeFromRange(start, count);
    return start;
  }

  private void record(int start, Span span) {
    int end = start + span.chunks();
    int from = recorded.floorKey(start);
    int last = recorded.floorKey(end - 1);
    int to = last + recorded.get(last);
    try (Transaction tx = access.beginReserved(lanes, LANE)) {
      if (from < start) {
        write(tx, from, Span.free(start - from));
      }
      write(tx, start, span);
      clearBitmap(tx, start, span);
      if (end < to) {
        write(tx, end, Span.free(to - end));
      }
      tx.commit();
    }
    try {
      recorded.subMap(from, true, last, true).clear();
      if (from < start) {
        recorded.put(from, start - from);
      }
      if (end < to) {
        recorded.put(end, to - end);
      }
    } catch (Throwable e) {
      throw unknown(e);
    }
  }

  /** What the table has is committed, and not known here any more: the next opening reads it. */
  private Error unknown(Throwable cause) {
    region.poison(cause);
    return cause instanceof Error error ? error : new AssertionError(cause);
  }

  private void write(Transaction tx, int chunk, Span span) {
    access.write(tx, layout.entry(chunk), span.encode(chunk));
  }

  /** What the chunks held before is not to be taken for bits. */
  private void clearBitmap(Transaction tx, int chunk, Span span) {
    access.write(tx, layout.entry(chunk) + PoolLayout.ENTRY_BITMAP, 0);
    if (span.sizeClass() != SizeClasses.HUGE) {
      for (int at = 0; at < SizeClasses.bitmapBytes(span.sizeClass()); at += 8) {
        access.write(tx, layout.chunk(chunk) + at, 0);
      }
    }
  }

  /** Records an empty run as free. */
  void release(int chunk, int count) {
    changes.lock();
    try {
      try (Transaction tx = access.beginReserved(lanes, LANE)) {
        write(tx, chunk, Span.free(count));
        tx.commit();
      }
      try {
        recorded.put(chunk, count);
      } catch (Throwable e) {
        throw unknown(e);
      }
    } finally {
      changes.unlock();
    }
    synchronized (this) {
      addRange(chunk, count);
    }
  }

  /** The table has a free span more, behind all others: recorded first, then to be had. */
  void added(int chunk, int count) {
    recorded.put(chunk, count);
    synchronized (this) {
      addRange(chunk, count);
    }
  }

  /** Takes chunks without a record: as many as are wanted, or what the longest range has. */
  synchronized Extension takeExtension(long bytes) {
    if (ranges.isEmpty()) {
      return null;
    }
    int wanted = (int) Math.min(Integer.MAX_VALUE, Math.ceilDiv(bytes, PoolLayout.CHUNK_BYTES));
    Map.Entry<Integer, TreeSet<Integer>> fitting = byLength.ceilingEntry(wanted);
    Map.Entry<Integer, TreeSet<Integer>> best = fitting != null ? fitting : byLength.lastEntry();
    int start = best.getValue().first();
    int count = Math.min(wanted, best.getKey());
    removeFromRange(start, count);
    return new Extension(layout.chunk(start), (long) count * PoolLayout.CHUNK_BYTES);
  }

  synchronized void giveExtension(Extension extension) {
    addRange(
        layout.chunkOf(extension.offset()), (int) (extension.bytes() / PoolLayout.CHUNK_BYTES));
  }

  /** The bytes of all ranges. */
  synchronized long freeBytes() {
    return (long) freeChunks * PoolLayout.CHUNK_BYTES;
  }

  /** Whether there is a range of so many chunks, and after it is taken still what logs need. */
  synchronized boolean hasRange(int count) {
    return count <= longest() && freeChunks - count >= keptForLogs();
  }

  /**
   * How many chunks are not given to blocks: a transaction that frees more than its ring has room
   * for must find room elsewhere, above all when blocks have taken everything.
   */
  int keptForLogs() {
    return Math.max(1, layout.chunkCount() / KEPT_SHARE);
  }

  /** The bytes of the longest range that blocks can have. */
  synchronized long largestFree() {
    int most = Math.min(longest(), freeChunks - keptForLogs());
    return (long) Math.max(0, most) * PoolLayout.CHUNK_BYTES;
  }

  synchronized int free() {
    return freeChunks;
  }

  /** The chunks of the longest range. */
  synchronized int longest() {
    return byLength.isEmpty() ? 0 : byLength.lastKey();
  }

  /** The chunks of the range that ends before a chunk. */
  synchronized int freeAtEnd(int end) {
    Map.Entry<Integer, Integer> last = ranges.lowerEntry(end);
    return last != null && last.getKey() + last.getValue() == end ? last.getValue() : 0;
  }

  private void addRange(int chunk, int count) {
    int start = chunk;
    int length = count;
    Map.Entry<Integer, Integer> before = ranges.lowerEntry(chunk);
    if (before != null && before.getKey() + before.getValue() == chunk) {
      start = before.getKey();
      length += before.getValue();
      remove(start, before.getValue());
    }
    Integer after = ranges.get(chunk + count);
    if (after != null) {
      length += after;
      remove(chunk + count, after);
    }
    put(start, length);
    freeChunks += count;
  }

  /** Takes chunks from the beginning of a range. */
  private void removeFromRange(int start, int count) {
    int length = ranges.get(start);
    remove(start, length);
    if (length > count) {
      put(start + count, length - count);
    }
    freeChunks -= count;
  }

  private void put(int start, int length) {
    ranges.put(start, length);
    byLength.computeIfAbsent(length, _ -> new TreeSet<>()).add(start);
  }

  private void remove(int start, int length) {
    ranges.remove(start);
    TreeSet<Integer> starts = byLength.get(length);
    starts.remove(start);
    if (starts.isEmpty()) {
      byLength.remove(length);
    }
  }
}
