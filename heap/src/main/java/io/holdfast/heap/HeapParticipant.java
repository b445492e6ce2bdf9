// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.Declaration;
import io.holdfast.flush.HoldfastException;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.Participant;
import io.holdfast.tx.spi.TransactionAccess;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What one transaction has of a heap: blocks that it took and freed, and edits of collections.
 *
 * <p>A block that it took is its own from {@link #reserve} on; it becomes anyone's by the commit,
 * and nobody's again by an abort. A block that it freed stays taken until the commit has cleared
 * its bit.
 */
final class HeapParticipant implements Participant {
  private static final Logger LOG = LoggerFactory.getLogger(HeapParticipant.class);

  private final TransactionAccess access = TransactionAccess.get();
  private final Pool pool;
  private final Allocator allocator;
  private final Incarnations.Share incarnations;
  private Transaction tx;
  private final List<Reserved> reserved = new ArrayList<>();
  private final List<Freed> freed = new ArrayList<>();
  private final List<Reserved> cancelled = new ArrayList<>();

  // Taken after a savepoint that was gone back to. Kept until the end: snapshots of them may be in
  // the log, and an abort or a recovery puts their old contents back.
  private final List<Reserved> undoneBlocks = new ArrayList<>();

  private final Map<Long, Reserved> reservedAt = new HashMap<>();
  private final Set<Long> freedAt = new HashSet<>();
  private int freshFrom;
  private final Map<HashIndex, IndexEdit> edits = new LinkedHashMap<>();

  /** A block that was taken; cancelled if it was freed again. */
  private static final class Reserved {
    private final Allocator.Place place;
    private final long offset;
    private final int number;
    private final int index;
    private boolean cancelled;

    Reserved(Allocator.Place place, int number, int index) {
      this.place = place;
      this.offset = place.offset();
      this.number = number;
      this.index = index;
    }
  }

  private record Freed(Allocator.Place place, long offset) {}

  private record Mark(
      int reserved, int freed, int cancelled, int fresh, Map<HashIndex, IndexEdit> edits) {}

  HeapParticipant(Pool pool) {
    this.pool = pool;
    this.allocator = pool.allocator();
    this.incarnations = pool.incarnations().share();
  }

  void begin(Transaction next) {
    tx = next;
  }

  /** This, if it is a part in that pool. */
  HeapParticipant of(Pool owner) {
    if (pool != owner) {
      throw new IllegalArgumentException("the transaction is another pool's");
    }
    return this;
  }

  // ---- blocks

  /** Takes a block, whose contents are not defined. */
  long reserve(long bytes, Span.Kind kind) {
    Allocator.Place place = allocator.reserve(tx, bytes, kind);
    int number =
        access.allocate(
            tx,
            place.run().bitmapWord(place.index()),
            place.run().bit(place.index()),
            place.offset(),
            place.run().blockBytes());
    Reserved mine = new Reserved(place, number, reserved.size());
    reserved.add(mine);
    reservedAt.put(mine.offset, mine);
    return mine.offset;
  }

  int newIncarnation() {
    return incarnations.take();
  }

  void filled(long offset, long length) {
    access.filled(tx, offset, length);
  }

  /** Whether the transaction has taken the block since its last savepoint, and may store to it. */
  boolean isFresh(long offset) {
    Reserved mine = reservedAt.get(offset);
    return mine != null && mine.index >= freshFrom && !mine.cancelled;
  }

  /** Frees a block, which must be one of the kind. */
  void free(long offset, Span.Kind kind) {
    Reserved mine = reservedAt.get(offset);
    if (mine != null && !mine.cancelled) {
      mine.cancelled = true;
      cancelled.add(mine);
      access.cancel(tx, mine.number);
      return;
    }
    Allocator.Place place = allocator.find(offset);
    if (place == null
        || place.offset() != offset
        || place.run().isTyped() != (kind == Span.Kind.TYPED)
        || mine != null
        || freedAt.contains(offset)) {
      throw new PoolException.ObjectFreed(offset);
    }
    claimRange(offset, place.run().blockBytes());
    access.free(
        tx,
        place.run().bitmapWord(place.index()),
        place.run().bit(place.index()),
        offset,
        place.run().blockBytes());
    freed.add(new Freed(place, offset));
    freedAt.add(offset);
  }

  // ---- claims

  void claim(long unit) {
    access.claim(tx, unit);
  }

  void claimRange(long offset, long length) {
    access.claimRange(tx, offset, length);
  }

  // ---- collections

  IndexEdit edit(HashIndex index) {
    return edits.computeIfAbsent(index, i -> new IndexEdit(i, tx, this));
  }

  // ---- the transaction's course

  @Override
  public void prepare() {
    for (IndexEdit edit : edits.values()) {
      edit.makeRoom();
    }
    HashIndex.prepareAll(edits.values());
  }

  @Override
  public void applying() {
    edits.values().forEach(IndexEdit::applying);
  }

  /** Freed objects lose their identity before their blocks can be had by others. */
  @Override
  public void applied() {
    for (Freed one : freed) {
      if (one.place.run().isTyped()) {
        invalidate(one.offset);
      }
    }
    edits.values().forEach(IndexEdit::applied);
  }

  private void invalidate(long offset) {
    long header = pool.region().getLong(offset);
    pool.region().declare(Declaration.SCRATCH, offset, Long.BYTES);
    pool.region().putLongRelease(offset, header & 0xFFFFFFFFL);
  }

  @Override
  public void committed() {
    edits.values().forEach(edit -> edit.ended());
    finish(() -> {
      for (Reserved mine : cancelled) {
        giveBack(mine);
      }
      for (Freed one : freed) {
        pool.forgetIndex(one.offset);
        allocator.giveBack(one.place);
      }
      undoneBlocks.forEach(this::giveBack);
    });
  }

  @Override
  public void aborted() {
    edits.values().forEach(edit -> edit.ended());
    finish(() -> {
      reserved.forEach(this::giveBack);
      undoneBlocks.forEach(this::giveBack);
    });
  }

  private void giveBack(Reserved mine) {
    invalidate(mine);
    allocator.giveBack(mine.place);
  }

  private void invalidate(Reserved mine) {
    if (mine.place.run().isTyped()) {
      invalidate(mine.offset);
    }
  }

  /** If the medium failed, what was to be given back is found again at the next open. */
  private void finish(Runnable work) {
    try {
      work.run();
    } catch (HoldfastException e) {
      LOG.debug("blocks are not given back: {}", e.getMessage());
    } finally {
      reserved.clear();
      freed.clear();
      cancelled.clear();
      undoneBlocks.clear();
      reservedAt.clear();
      freedAt.clear();
      edits.clear();
      freshFrom = 0;
    }
  }

  @Override
  public Object savepoint() {
    Map<HashIndex, IndexEdit> copies = new LinkedHashMap<>();
    edits.forEach((index, edit) -> copies.put(index, edit.copy()));
    Mark mark = new Mark(reserved.size(), freed.size(), cancelled.size(), freshFrom, copies);
    freshFrom = reserved.size();
    return mark;
  }

  @Override
  public void rollbackTo(Object savepoint) {
    Mark mark = savepoint == null ? new Mark(0, 0, 0, 0, Map.of()) : (Mark) savepoint;
    List<Reserved> uncancelled = cancelled.subList(mark.cancelled, cancelled.size());
    uncancelled.forEach(mine -> mine.cancelled = false);
    uncancelled.clear();
    List<Freed> kept = freed.subList(mark.freed, freed.size());
    kept.forEach(one -> freedAt.remove(one.offset));
    kept.clear();
    List<Reserved> undone = reserved.subList(mark.reserved, reserved.size());
    List<Reserved> back = List.copyOf(undone);
    undone.clear();
    back.forEach(one -> reservedAt.remove(one.offset));
    back.forEach(this::invalidate);
    undoneBlocks.addAll(back);
    freshFrom = reserved.size();
    edits.forEach((index, edit) -> edit.restore(mark.edits.get(index)));
  }
}
