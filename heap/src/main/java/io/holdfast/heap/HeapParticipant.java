// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.Declaration;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.StackRoom;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.Participant;
import io.holdfast.tx.spi.RoomFor;
import io.holdfast.tx.spi.TransactionAccess;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
  private static final int FREED = -1;

  private final TransactionAccess access = TransactionAccess.get();
  private final Pool pool;
  private final Allocator allocator;
  private final Incarnations.Share incarnations;
  private Transaction tx;
  private final List<Reserved> reserved = new ArrayList<>();
  private final List<Allocator.Place> freed = new ArrayList<>();
  private final List<Reserved> cancelled = new ArrayList<>();

  // Taken after a savepoint that was gone back to. Kept until the end: snapshots of them may be in
  // the log, and an abort or a recovery puts their old contents back.
  private final List<Reserved> undoneBlocks = new ArrayList<>();

  /** By offset: 1 and the place among what is reserved, or FREED. */
  private final OffsetMap touched = new OffsetMap();

  /** Collections that are freed. */
  private final List<Long> dropped = new ArrayList<>();

  private int freshFrom;

  // Seldom more than a few, so that to look through them is the fastest way to find one.
  private final List<IndexEdit> edits = new ArrayList<>();

  /** An edit of an earlier transaction, to be used again. */
  private IndexEdit idle;

  private final List<CollectionPart> parts = new ArrayList<>();
  private boolean applying;

  /** If it is used, the transaction does nothing else. */
  private final Overwrite overwrite = new Overwrite();

  /** A block that was taken; cancelled if it was freed again. */
  private static final class Reserved {
    private final Allocator.Place place;
    private final long offset;
    private final int number;
    private boolean cancelled;

    Reserved(Allocator.Place place, int number) {
      this.place = place;
      this.offset = place.offset();
      this.number = number;
    }
  }

  private record Mark(
      int reserved, int freed, int cancelled, int fresh, Map<HashIndex, IndexEdit.Kept> edits) {}

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
    StackRoom.require(RoomFor.A_STEP);
    Allocator.Place place = allocator.reserve(tx, bytes, kind);
    try {
      return enter(place);
    } catch (Error e) {
      access.breakOff(tx, e);
      throw e;
    }
  }

  private long enter(Allocator.Place place) {
    access.follow(tx, place.run().number());
    int number =
        access.allocate(
            tx,
            place.run().bitmapWord(place.index()),
            place.run().bit(place.index()),
            place.offset(),
            place.run().blockBytes());
    Reserved mine = new Reserved(place, number);
    reserved.add(mine);
    touched.put(mine.offset, reserved.size());
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
    int number = touched.get(offset);
    return number > freshFrom && !reserved.get(number - 1).cancelled;
  }

  /** Whether the transaction has freed a block, which stays taken until it ends. */
  boolean isFreed(long offset) {
    int number = touched.get(offset);
    return number == FREED || number > 0 && reserved.get(number - 1).cancelled;
  }

  /** Frees a block, which must be one of the kind. */
  void free(long offset, Span.Kind kind) {
    StackRoom.require(RoomFor.A_STEP);
    if (!cancelMine(offset)) {
      Allocator.Place place = allocated(offset, kind);
      claimRange(offset, place.run().blockBytes());
      requireCommitted(place);
      free(place);
    }
  }

  /** Whoever had it claimed before may have freed it: the bit is cleared before the claim ends. */
  private void requireCommitted(Allocator.Place place) {
    if (!place.run().isCommitted(pool.region(), place.index())) {
      throw new PoolException.ObjectFreed(place.offset());
    }
  }

  /** Frees a block of a collection, which has no claims but those of its keys. */
  void freeOwned(long offset) {
    StackRoom.require(RoomFor.A_STEP);
    if (!cancelMine(offset)) {
      free(allocated(offset, Span.Kind.RAW));
    }
  }

  /** Frees the block by which a collection is known. */
  void freeCollection(long offset) {
    access.followAll(tx);
    free(offset, Span.Kind.RAW);
    dropped.add(offset);
  }

  /** Takes the allocation of a block back that is this transaction's. */
  private boolean cancelMine(long offset) {
    int number = touched.get(offset);
    if (number <= 0 || reserved.get(number - 1).cancelled) {
      return false;
    }
    try {
      cancel(reserved.get(number - 1));
    } catch (Error e) {
      access.breakOff(tx, e);
      throw e;
    }
    return true;
  }

  private void cancel(Reserved mine) {
    mine.cancelled = true;
    cancelled.add(mine);
    access.cancel(tx, mine.number);
  }

  private Allocator.Place allocated(long offset, Span.Kind kind) {
    Allocator.Place place = allocator.find(offset);
    if (place == null
        || place.offset() != offset
        || place.run().isTyped() != (kind == Span.Kind.TYPED)
        || touched.get(offset) != 0) {
      throw new PoolException.ObjectFreed(offset);
    }
    return place;
  }

  private void free(Allocator.Place place) {
    try {
      access.free(
          tx,
          place.run().bitmapWord(place.index()),
          place.run().bit(place.index()),
          place.offset(),
          place.run().blockBytes());
      freed.add(place);
      touched.put(place.offset(), FREED);
    } catch (Error e) {
      access.breakOff(tx, e);
      throw e;
    }
  }

  // ---- claims

  void claim(long unit) {
    access.claim(tx, unit);
  }

  /** Claims a typed object, which may have been freed and be another one until it is claimed. */
  void claimObject(long offset) {
    access.claim(tx, offset);
    Run run = allocator.runAt(offset);
    if (run != null) {
      access.follow(tx, run.number());
    }
  }

  void claimRange(long offset, long length) {
    access.claimRange(tx, offset, length);
  }

  // ---- collections

  IndexEdit edit(HashIndex index) {
    for (int i = 0; i < edits.size(); i++) {
      if (edits.get(i).index() == index) {
        return edits.get(i);
      }
    }
    IndexEdit edit = idle != null && idle.index() == index ? idle : new IndexEdit(index, this);
    edit.begin(tx);
    edits.add(edit);
    return edit;
  }

  /** The transaction's part in a collection; null if it has none. */
  CollectionPart part(Object collection) {
    for (int i = 0; i < parts.size(); i++) {
      if (parts.get(i).collection() == collection) {
        return parts.get(i);
      }
    }
    return null;
  }

  void add(CollectionPart part) {
    parts.add(part);
  }

  Overwrite overwrite() {
    return overwrite;
  }

  // ---- the transaction's course

  @Override
  public void prepare() {
    if (overwrite.isUsed()) {
      overwrite.prepare();
    } else {
      HashIndex.prepareAll(edits);
    }
  }

  /** Of blocks that are given back, too, the log may have something: they were written to. */
  @Override
  public void ordered(long number) {
    for (int i = 0; i < reserved.size(); i++) {
      reserved.get(i).place.run().ordered(number);
    }
    for (int i = 0; i < freed.size(); i++) {
      freed.get(i).run().ordered(number);
    }
    for (int i = 0; i < undoneBlocks.size(); i++) {
      undoneBlocks.get(i).place.run().ordered(number);
    }
    for (int i = 0; i < edits.size(); i++) {
      edits.get(i).ordered(number);
    }
  }

  @Override
  public void applying() {
    if (overwrite.isUsed()) {
      overwrite.applying();
      return;
    }
    edits.forEach(IndexEdit::applying);
    applying = true;
    parts.forEach(CollectionPart::applying);
  }

  /** Freed objects lose their identity before their blocks can be had by others. */
  @Override
  public void applied() {
    if (overwrite.isUsed()) {
      overwrite.applied();
      return;
    }
    for (Allocator.Place one : freed) {
      if (one.run().isTyped()) {
        invalidate(one.offset());
      }
    }
    edits.forEach(IndexEdit::applied);
    partsApplied();
  }

  private void partsApplied() {
    applying = false;
    parts.forEach(CollectionPart::applied);
  }

  /** Readers must not wait for what was broken off. */
  private void collectionsEnded() {
    edits.forEach(edit -> edit.ended());
    if (applying) {
      partsApplied();
    }
    parts.forEach(CollectionPart::ended);
  }

  private void invalidate(long offset) {
    long header = pool.region().getLong(offset);
    pool.region().declare(Declaration.SCRATCH, offset, Long.BYTES);
    pool.region().putLongRelease(offset, header & 0xFFFFFFFFL);
  }

  @Override
  public void committed() {
    if (overwrite.isUsed()) {
      overwrite.ended();
      return;
    }
    collectionsEnded();
    finish(() -> {
      for (long collection : dropped) {
        if (touched.get(collection) == FREED) {
          pool.forgetCollection(collection);
        }
      }
      for (Reserved mine : cancelled) {
        giveBack(mine);
      }
      for (Allocator.Place one : freed) {
        allocator.giveBack(one);
      }
      undoneBlocks.forEach(this::giveBack);
    });
  }

  @Override
  public void aborted() {
    if (overwrite.isUsed()) {
      overwrite.ended();
      return;
    }
    collectionsEnded();
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
      touched.clear();
      dropped.clear();
      parts.clear();
      for (int i = 0; i < edits.size(); i++) {
        idle = edits.get(i);
        idle.clear();
      }
      edits.clear();
      freshFrom = 0;
    }
  }

  @Override
  public Object savepoint() {
    Map<HashIndex, IndexEdit.Kept> copies = new HashMap<>();
    edits.forEach(edit -> copies.put(edit.index(), edit.keep()));
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
    List<Allocator.Place> kept = freed.subList(mark.freed, freed.size());
    kept.forEach(one -> touched.put(one.offset(), 0));
    kept.clear();
    List<Reserved> undone = reserved.subList(mark.reserved, reserved.size());
    List<Reserved> back = List.copyOf(undone);
    undone.clear();
    back.forEach(one -> touched.put(one.offset, 0));
    back.forEach(this::invalidate);
    undoneBlocks.addAll(back);
    freshFrom = reserved.size();
    edits.forEach(edit -> edit.restore(mark.edits.get(edit.index())));
  }
}
