// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.PersistentRegion;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.BitSet;

/**
 * A run as the allocator sees it: which of its blocks are taken, by anyone, for good or for the
 * time of a transaction. The persistent bitmap says the same of committed transactions only.
 *
 * <p>Guarded by the allocator's lock for its class and kind.
 */
final class Run {
  private static final VarHandle NUMBER;

  static {
    try {
      NUMBER = MethodHandles.lookup().findVarHandle(Run.class, "number", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final int chunk;
  private final Span span;
  private final long bitmap;
  private final long blocks;
  private final long blockBytes;
  private final int count;
  private final BitSet taken;
  private int free;

  /** No block before this one is free. */
  private int firstFree;

  private boolean available;

  @SuppressWarnings("unused") // by its handle
  private long number;

  private Run(PoolLayout layout, int chunk, Span span) {
    this.chunk = chunk;
    this.span = span;
    boolean huge = span.sizeClass() == SizeClasses.HUGE;
    int bitmapBytes = huge ? 0 : SizeClasses.bitmapBytes(span.sizeClass());
    this.bitmap =
        bitmapBytes == 0 ? layout.entry(chunk) + PoolLayout.ENTRY_BITMAP : layout.chunk(chunk);
    this.blocks = layout.chunk(chunk) + bitmapBytes;
    this.blockBytes =
        huge ? (long) span.chunks() * PoolLayout.CHUNK_BYTES : SizeClasses.size(span.sizeClass());
    this.count = huge ? 1 : SizeClasses.blocks(span.sizeClass());
    this.taken = new BitSet(count);
    this.free = count;
  }

  /** A run that was just made. */
  static Run empty(PoolLayout layout, int chunk, Span span) {
    return new Run(layout, chunk, span);
  }

  /** A run that is there, with the blocks that are allocated in it. */
  static Run load(PersistentRegion region, PoolLayout layout, int chunk, Span span) {
    Run run = new Run(layout, chunk, span);
    for (int word = 0; word * 64 < run.count; word++) {
      long bits = region.getLong(run.bitmap + 8L * word);
      for (long left = bits; left != 0; left &= left - 1) {
        int index = word * 64 + Long.numberOfTrailingZeros(left);
        if (index < run.count) {
          run.taken.set(index);
          run.free--;
        }
      }
    }
    return run;
  }

  int chunk() {
    return chunk;
  }

  Span span() {
    return span;
  }

  boolean isTyped() {
    return span.kind() == Span.Kind.TYPED;
  }

  long blockBytes() {
    return blockBytes;
  }

  int count() {
    return count;
  }

  int free() {
    return free;
  }

  boolean isEmpty() {
    return free == count;
  }

  /**
   * The highest order number of a commit that allocated or freed here: whoever takes a block, or
   * writes to one, follows it. Needs no lock.
   */
  long number() {
    return (long) NUMBER.getAcquire(this);
  }

  /** A commit of an order number allocates or frees here. */
  void ordered(long commit) {
    for (long known = number(); known < commit; known = number()) {
      NUMBER.compareAndSet(this, known, commit);
    }
  }

  /** Whether the run is among those of which blocks are taken. */
  boolean isAvailable() {
    return available;
  }

  void setAvailable(boolean value) {
    available = value;
  }

  long block(int index) {
    return blocks + index * blockBytes;
  }

  /** The block that an offset is in, or -1 if it is in none. */
  int indexOf(long offset) {
    long from = offset - blocks;
    if (from < 0 || from >= count * blockBytes) {
      return -1;
    }
    // Only a block that is alone can be so large that it takes the longer division.
    return count == 1 ? 0 : (int) from / (int) blockBytes;
  }

  /** The taken block that an offset is in, or -1 if it is in none. */
  int takenAt(long offset) {
    int index = indexOf(offset);
    return index >= 0 && taken.get(index) ? index : -1;
  }

  long bitmapWord(int index) {
    return bitmap + 8L * (index / 64);
  }

  int bit(int index) {
    return index % 64;
  }

  /** Whether the bit of a block is set, as a commit leaves it. */
  boolean isCommitted(PersistentRegion region, int index) {
    return (region.getLong(bitmapWord(index)) >>> bit(index) & 1) == 1;
  }

  boolean isTaken(int index) {
    return taken.get(index);
  }

  /** Takes the first free block; there must be one. */
  int takeFirst() {
    int index = taken.nextClearBit(firstFree);
    assert index < count : "the run is full";
    firstFree = index + 1;
    take(index);
    return index;
  }

  /** Takes a block that is free. */
  void take(int index) {
    taken.set(index);
    free--;
  }

  void giveBack(int index) {
    taken.clear(index);
    firstFree = Math.min(firstFree, index);
    free++;
  }
}
