// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.tx.Editable;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.Space;
import io.holdfast.tx.spi.Units;
import java.util.function.LongUnaryOperator;

/** What the log of a pool needs to know of the heap beside it. */
final class HeapSpace implements Space {
  private static final long PAGE = 4096;
  private static final long MOST_UNITS = 1024;

  private final PoolLayout layout;
  private final Chunks chunks;
  private Pool pool;

  HeapSpace(PoolLayout layout, Chunks chunks) {
    this.layout = layout;
    this.chunks = chunks;
  }

  void attach(Pool owner) {
    pool = owner;
  }

  /**
   * An object or a block is one unit. Of a large block, so that many can work on it, a page is; of
   * a very large one so much that it has a thousand units, so that one can claim it whole.
   */
  @Override
  public void units(long offset, Units into) {
    Run run = pool.allocator().runAt(offset);
    int index = run == null ? -1 : run.takenAt(offset);
    if (index < 0) {
      into.set(offset & -8, (offset & -8) + 8, Units.WHOLE, false);
      return;
    }
    long start = run.block(index);
    long bytes = run.blockBytes();
    int shift =
        bytes <= PAGE
            ? Units.WHOLE
            : Long.numberOfTrailingZeros(Math.max(PAGE, Long.highestOneBit(bytes / MOST_UNITS)));
    into.set(start, start + bytes, shift, !run.isTyped());
    into.follows(run.number());
  }

  /** By offset a user may name the bytes of one block; objects have their types. */
  @Override
  public void checkUserRange(Transaction tx, long offset, long length) {
    Allocator.Place place = pool.allocator().find(offset);
    boolean inside =
        place != null
            && !place.run().isTyped()
            && length >= 0
            && length <= place.offset() + place.run().blockBytes() - offset;
    if (!inside) {
      throw new IllegalArgumentException(
          "not inside a block of the pool: offset=%d, length=%d".formatted(offset, length));
    }
  }

  @Override
  public boolean mayStore(long offset, long length) {
    if (offset >= layout.chunks()) {
      return offset + length <= layout.end();
    }
    return offset >= layout.anchor() && offset + length <= layout.entry(layout.chunkCount());
  }

  @Override
  public boolean mayAllocate(long word, int bit, long block, long length) {
    boolean inTable = word >= layout.table() && word < layout.entry(layout.chunkCount());
    boolean inChunk = word >= layout.chunks() && word < layout.end();
    return (inTable || inChunk)
        && block >= layout.chunks()
        && length > 0
        && length <= layout.end() - block
        && block % SizeClasses.GRAIN == 0;
  }

  @Override
  public boolean isJudged(long offset) {
    return offset < layout.chunks();
  }

  /** Goes from span to span through the whole chunk table. */
  @Override
  public void validate(LongUnaryOperator word) {
    int count = layout.chunkCount();
    for (int chunk = 0; chunk < count; ) {
      long entry = layout.entry(chunk);
      Span span = Span.decode(chunk, word.applyAsLong(entry));
      if (span == null || span.chunks() > count - chunk) {
        throw new Corrupt(
            entry,
            "pool.span",
            "a span of at most " + (count - chunk) + " chunks",
            "0x%016X".formatted(word.applyAsLong(entry)));
      }
      validateBitmap(word, chunk, span);
      chunk += span.chunks();
    }
  }

  private void validateBitmap(LongUnaryOperator word, int chunk, Span span) {
    if (span.kind() == Span.Kind.FREE) {
      return;
    }
    boolean huge = span.sizeClass() == SizeClasses.HUGE;
    int blocks = huge ? 1 : SizeClasses.blocks(span.sizeClass());
    if (blocks < 64) {
      long at = layout.entry(chunk) + PoolLayout.ENTRY_BITMAP;
      long bits = word.applyAsLong(at);
      if (bits >>> blocks != 0) {
        throw new Corrupt(
            at, "pool.bitmap", "at most " + blocks + " bits", "0x%016X".formatted(bits));
      }
    }
  }

  @Override
  public Extension takeExtension(long bytes) {
    return chunks.takeExtension(bytes);
  }

  @Override
  public boolean grow(long bytes) {
    return pool.growth().makeAnyRoom(Math.ceilDiv(bytes, PoolLayout.CHUNK_BYTES));
  }

  @Override
  public void giveExtension(Extension extension) {
    chunks.giveExtension(extension);
  }

  @Override
  public Object edit(Transaction tx, Editable<?> target) {
    return pool.edit(tx, target);
  }
}
