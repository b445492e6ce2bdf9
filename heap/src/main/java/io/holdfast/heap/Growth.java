// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.Declaration;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.PersistentRegion;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes an open pool larger, up to its maximum: free chunks behind those that there are.
 *
 * <p>Each step is durable before the next, and a crash after any of them leaves a sound pool:
 *
 * <ol>
 *   <li>the region is made long enough: a file that is longer than its pool says is a pool of that
 *       size, and the rest waits for the next growth;
 *   <li>the chunk table's entry behind the last one says that the new chunks are one free span; no
 *       header speaks of it yet, and it may hold anything;
 *   <li>one copy of the header says the new size, and from here on the pool has it: torn, the copy
 *       is not sound, and the other one is; sound, it is the larger one, which is believed;
 *   <li>so does the other copy;
 *   <li>in memory, the layout has the new size, and the chunks can be had.
 * </ol>
 *
 * <p>Why this is no transaction. The rule is that a word is managed by the region or by
 * transactions, and by one of them at a time. The entry's first word is stored here, by the region,
 * while nothing may name it in a log: an entry counts as one of the pool's from step 3 on, and the
 * first transaction to write it can only come after step 5. So no log of this life or an earlier
 * one has anything to replay over it. It is stored by every growth that was cut off before step 3,
 * and never again after that. A copy of the header is never under transactions.
 *
 * <p>Locks: who comes here may hold the latch of a lane, for the extension of a log. So nothing is
 * waited for that a latch could hold up: no lane, nor {@link Chunks}' lock for changes of the
 * table, whose holder commits. {@link #lock} is the only one that is held; what is done under it
 * are the region's own calls, and a look at the free chunks under their monitor.
 */
final class Growth {
  private static final Logger LOG = LoggerFactory.getLogger(Growth.class);
  private static final int SHARE = 4;

  private final PersistentRegion region;
  private final PoolHeader header;
  private final PoolLayout layout;
  private final Chunks chunks;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile HoldfastException refusal;
  private boolean ended;

  Growth(PersistentRegion region, PoolHeader header, Chunks chunks) {
    this.region = region;
    this.header = header;
    this.layout = header.layout();
    this.chunks = chunks;
  }

  /** The bytes of the chunks that there can be. */
  long mostBytes() {
    return (long) mostChunks() * PoolLayout.CHUNK_BYTES;
  }

  /** Why the last growth failed, if there was room for it by the pool's maximum; else null. */
  HoldfastException refusal() {
    return refusal;
  }

  private int mostChunks() {
    return layout.chunkCount(limit());
  }

  /** A region that was not opened for growth, or is a fixed one, may end before the pool does. */
  private long limit() {
    long limit = Math.min(layout.maxSize(), region.maxSize());
    return limit / PersistentRegion.PAGE_BYTES * PersistentRegion.PAGE_BYTES;
  }

  /**
   * Makes the pool larger unless it has a range of so many free chunks for a block.
   *
   * @return whether there was such a range just now, so that it is worth trying again; false if the
   *     pool cannot become so large, or there is no room for that
   */
  boolean makeRoom(long wanted) {
    lock.lock();
    try {
      boolean had = wanted <= mostChunks() && chunks.hasRange((int) wanted);
      return had || growBy(wanted, wanted + chunks.keptForLogs() - chunks.free());
    } finally {
      lock.unlock();
    }
  }

  /** Makes room for the rest of a log, if there is any to be had. */
  boolean makeAnyRoom(long wanted) {
    lock.lock();
    try {
      long most = Math.clamp(mostChunks() - layout.chunkCount(), 1, wanted);
      return chunks.longest() >= most || growBy(most, 0);
    } finally {
      lock.unlock();
    }
  }

  /** Grows for a range of so many chunks, and by so many at least. */
  private boolean growBy(long wanted, long least) {
    if (ended) {
      return false;
    }
    int count = layout.chunkCount();
    int left = mostChunks() - count;
    long needed = Math.max(wanted - chunks.freeAtEnd(count), least);
    if (needed > left) {
      refusal = null;
      return false;
    }
    return grow(count, (int) needed, Math.min(left, Math.ceilDiv(count, SHARE)));
  }

  /** The pool is being closed, and from here on nobody but its closer writes the header. */
  void end() {
    lock.lock();
    try {
      ended = true;
    } finally {
      lock.unlock();
    }
  }

  /** By much if there is room for it, else by what is needed. */
  private boolean grow(int count, int needed, int share) {
    return share > needed && grow(count, share) || grow(count, needed);
  }

  private boolean grow(int count, int more) {
    long newSize = sizeOf(count + more);
    try {
      region.grow(newSize);
    } catch (HoldfastException.NoSpace | HoldfastException.FileUnusable e) {
      refused(e);
      return false;
    }
    recordSpan(count, more);
    header.storeSize(region, newSize);
    LOG.info("{}: has grown from {} to {} bytes", header.identity(), layout.size(), newSize);
    layout.grow(newSize);
    chunks.added(count, more);
    refusal = null;
    return true;
  }

  /** What is left behind the last chunk that there can be is less than two. */
  private long sizeOf(int count) {
    return count == mostChunks() ? Math.min(limit(), layout.chunk(count + 2)) : layout.chunk(count);
  }

  /** Whoever asks for room is told; the log is told of the first in a row. */
  private void refused(HoldfastException why) {
    if (refusal == null) {
      LOG.warn("{}: does not grow: {}", header.identity(), why.getMessage());
    }
    refusal = why;
  }

  private void recordSpan(int chunk, int count) {
    long entry = layout.entry(chunk);
    region.declare(Declaration.SCRATCH, entry, Long.BYTES);
    region.putLong(entry, Span.free(count).encode(chunk));
    region.persist(entry, Long.BYTES);
  }
}
