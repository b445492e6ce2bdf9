// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.PersistentRegion;
import io.holdfast.flush.StackRoom;
import io.holdfast.tx.Lanes;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.Latch;
import io.holdfast.tx.spi.RoomFor;
import io.holdfast.tx.spi.TransactionAccess;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * Gives out blocks and takes them back.
 *
 * <p>Two phases. {@link #reserve} takes a block in memory, where nothing of it is persistent, and
 * adds the allocation to the transaction as an intent: it becomes true with the commit, by a bit
 * that costs no fence. {@link #giveBack} is for blocks whose allocation never became true, or whose
 * free did. A free is an intent too; its block can be reserved again only after its bit was
 * cleared.
 *
 * <p>Runs are read when they are first needed, so that opening a pool does not depend on how much
 * is in it. An empty run is kept for each class and kind, others are returned to the free chunks.
 *
 * <p>Lock order: one {@link Shelf} at a time, then {@link Chunks}, then {@link Growth}. No lock is
 * held while a transaction commits, but by Chunks for its own. To add here: never take a shelf's
 * lock from a participant's {@code applying} or {@code applied}, when an order number is in flight.
 */
final class Allocator {
  private static final int COPIED_UNASKED = 4096;
  private static final int MOST_RECENT = 64;

  private final TransactionAccess access = TransactionAccess.get();
  private final PersistentRegion region;
  private final PoolLayout layout;
  private final Chunks chunks;
  private final Growth growth;
  private final Shelf[] raw = shelves();
  private final Shelf[] typed = shelves();
  private final Shelf huge = new Shelf();

  private final SpanMap spans;

  /** The runs of one class and kind that have free blocks, and those that were not read yet. */
  private static final class Shelf {
    private final Latch lock = new Latch();
    private final ArrayDeque<Run> available = new ArrayDeque<>();
    private final LinkedHashSet<Integer> unread = new LinkedHashSet<>();

    /** Blocks that were given back last, whose lines are in a cache; some are taken again since. */
    private final ArrayDeque<Place> recent = new ArrayDeque<>();

    private int emptyRuns;

    /** The first run that has a free block, or null; runs that are full by now are put aside. */
    Run firstFree() {
      while (!available.isEmpty() && available.peekFirst().free() == 0) {
        available.removeFirst().setAvailable(false);
      }
      return available.peekFirst();
    }

    /** The block that was given back last and is free; null if that is not known. */
    Place pollRecent() {
      Place place = recent.pollFirst();
      while (place != null && !(place.run.isAvailable() && !place.run.isTaken(place.index))) {
        place = recent.pollFirst();
      }
      return place;
    }

    void noteRecent(Place place) {
      recent.addFirst(place);
      if (recent.size() > MOST_RECENT) {
        recent.removeLast();
      }
    }
  }

  Allocator(PersistentRegion region, PoolLayout layout, Chunks chunks, Growth growth) {
    this.region = region;
    this.layout = layout;
    this.chunks = chunks;
    this.growth = growth;
    this.spans = new SpanMap(layout.capacity());
  }

  private static Shelf[] shelves() {
    Shelf[] shelves = new Shelf[SizeClasses.COUNT];
    Arrays.setAll(shelves, i -> new Shelf());
    return shelves;
  }

  /** Reads the chunk table, and no run. */
  void load(Lanes lanes) {
    for (Chunks.Placed placed : chunks.load(lanes)) {
      spans.cover(placed.chunk(), placed.span().chunks());
      shelf(placed.span()).unread.add(placed.chunk());
    }
  }

  private Shelf shelf(Span span) {
    if (span.sizeClass() == SizeClasses.HUGE) {
      return huge;
    }
    return (span.kind() == Span.Kind.TYPED ? typed : raw)[span.sizeClass()];
  }

  /** A block, and how to find it in its run. */
  record Place(Run run, int index) {
    long offset() {
      return run.block(index);
    }
  }

  /** Takes a block of at least so many bytes for a transaction. */
  Place reserve(Transaction tx, long bytes, Span.Kind kind) {
    boolean fits = bytes <= layout.end() - layout.chunks() || bytes <= growth.mostBytes();
    if (bytes < 1 || !fits) {
      throw new PoolException.OutOfPoolSpace(bytes, chunks.largestFree(), region.describe(), null);
    }
    int sizeClass = SizeClasses.of(bytes);
    Place place = tryReserve(bytes, sizeClass, kind);
    if (place == null) {
      // What waits for a log to let go of it, and the runs that are kept empty, come first.
      access.upkeep(tx);
      releaseEmptyRuns();
      place = reserveAndGrow(bytes, sizeClass, kind);
    }
    if (place == null && sizeClass != SizeClasses.HUGE) {
      // No range is long enough for a run of its class, but one may be for the block alone.
      place = reserveAndGrow(bytes, SizeClasses.HUGE, kind);
    }
    if (place == null) {
      throw new PoolException.OutOfPoolSpace(
          bytes, chunks.largestFree(), region.describe(), growth.refusal());
    }
    return place;
  }

  private Place reserveAndGrow(long bytes, int sizeClass, Span.Kind kind) {
    long wanted =
        sizeClass == SizeClasses.HUGE
            ? SizeClasses.hugeChunks(bytes)
            : SizeClasses.runChunks(sizeClass);
    Place place = tryReserve(bytes, sizeClass, kind);
    while (place == null && growth.makeRoom(wanted)) {
      place = tryReserve(bytes, sizeClass, kind);
    }
    return place;
  }

  private Place tryReserve(long bytes, int sizeClass, Span.Kind kind) {
    if (sizeClass == SizeClasses.HUGE) {
      return reserveHuge(bytes, kind);
    }
    Shelf shelf = (kind == Span.Kind.TYPED ? typed : raw)[sizeClass];
    Place place = takeFrom(shelf);
    if (place != null) {
      return place;
    }
    Span span = new Span(kind, sizeClass, SizeClasses.runChunks(sizeClass));
    int chunk = chunks.make(span);
    if (chunk < 0) {
      return null;
    }
    Run run = Run.empty(layout, chunk, span);
    shelf.lock.lock();
    try {
      spans.cover(chunk, span.chunks());
      spans.setRun(chunk, span.chunks(), run);
      shelf.emptyRuns++;
      offer(shelf, run);
      return take(shelf);
    } finally {
      shelf.lock.unlock();
    }
  }

  private Place takeFrom(Shelf shelf) {
    shelf.lock.lock();
    try {
      while (shelf.firstFree() == null && !shelf.unread.isEmpty()) {
        read(shelf, shelf.unread.getFirst());
      }
      return shelf.firstFree() == null ? null : take(shelf);
    } finally {
      shelf.lock.unlock();
    }
  }

  private void read(Shelf shelf, int chunk) {
    shelf.unread.remove(chunk);
    Span span = Span.decode(chunk, region.getLong(layout.entry(chunk)));
    Run run = Run.load(region, layout, chunk, span);
    spans.setRun(chunk, span.chunks(), run);
    if (run.isEmpty()) {
      shelf.emptyRuns++;
    }
    if (run.free() > 0) {
      offer(shelf, run);
    }
  }

  private static void offer(Shelf shelf, Run run) {
    if (!run.isAvailable()) {
      run.setAvailable(true);
      shelf.available.addLast(run);
    }
  }

  /** Takes a free block, of which there must be one. */
  private static Place take(Shelf shelf) {
    Place recent = shelf.pollRecent();
    Run run = recent != null ? recent.run : shelf.firstFree();
    if (run.isEmpty()) {
      shelf.emptyRuns--;
    }
    if (recent != null) {
      run.take(recent.index);
      return recent;
    }
    return new Place(run, run.takeFirst());
  }

  private Place reserveHuge(long bytes, Span.Kind kind) {
    Span span = new Span(kind, SizeClasses.HUGE, (int) SizeClasses.hugeChunks(bytes));
    int chunk = chunks.make(span);
    if (chunk < 0) {
      return null;
    }
    huge.lock.lock();
    try {
      Run run = Run.empty(layout, chunk, span);
      spans.cover(chunk, span.chunks());
      spans.setRun(chunk, span.chunks(), run);
      return new Place(run, run.takeFirst());
    } finally {
      huge.lock.unlock();
    }
  }

  /** Makes a block available whose bit is clear and which nobody refers to. */
  void giveBack(Place place) {
    Run run = place.run();
    if (run.span().sizeClass() == SizeClasses.HUGE) {
      huge.lock.lock();
      try {
        forget(run);
      } finally {
        huge.lock.unlock();
      }
      chunks.release(run.chunk(), run.span().chunks());
      return;
    }
    Shelf shelf = shelf(run.span());
    boolean surplus = false;
    shelf.lock.lock();
    try {
      run.giveBack(place.index());
      offer(shelf, run);
      shelf.noteRecent(place);
      if (run.isEmpty()) {
        surplus = ++shelf.emptyRuns > 1;
        if (surplus) {
          withdraw(shelf, run);
        }
      }
    } finally {
      shelf.lock.unlock();
    }
    if (surplus) {
      chunks.release(run.chunk(), run.span().chunks());
    }
  }

  private void withdraw(Shelf shelf, Run run) {
    shelf.emptyRuns--;
    shelf.available.remove(run);
    run.setAvailable(false);
    forget(run);
  }

  private void forget(Run run) {
    spans.forget(run.chunk(), run.span().chunks());
  }

  /**
   * Returns all empty runs to the free chunks; among them huge ones that a crash has left, recorded
   * and not allocated.
   */
  private void releaseEmptyRuns() {
    for (Shelf shelf : raw) {
      releaseEmptyRuns(shelf);
    }
    for (Shelf shelf : typed) {
      releaseEmptyRuns(shelf);
    }
    releaseEmptyRuns(huge);
  }

  private void releaseEmptyRuns(Shelf shelf) {
    List<Run> empty = new ArrayList<>();
    shelf.lock.lock();
    try {
      while (!shelf.unread.isEmpty()) {
        read(shelf, shelf.unread.getFirst());
      }
      for (Run run : shelf.available) {
        if (run.isEmpty()) {
          empty.add(run);
        }
      }
      empty.forEach(run -> withdraw(shelf, run));
    } finally {
      shelf.lock.unlock();
    }
    empty.forEach(run -> chunks.release(run.chunk(), run.span().chunks()));
  }

  /** The taken block that an offset is in, or null. */
  Place find(long offset) {
    Run run = runAt(offset);
    int index = run == null ? -1 : run.takenAt(offset);
    return index < 0 ? null : new Place(run, index);
  }

  /** The run that an offset is in, or null. */
  Run runAt(long offset) {
    if (!layout.hasInChunks(offset, 1)) {
      return null;
    }
    int chunk = layout.chunkOf(offset);
    Run run = spans.run(chunk);
    if (run != null) {
      return run;
    }
    int first = spans.spanOf(chunk);
    return first < 0 ? null : run(first);
  }

  /**
   * Whether so many bytes could be the block's at an offset, as a length read from the medium says:
   * few may be read anywhere, but many, that are going to be copied, must be in one block.
   */
  boolean couldHold(long offset, long bytes) {
    if (bytes <= COPIED_UNASKED) {
      return layout.hasInChunks(offset, bytes);
    }
    Place place = find(offset);
    return place != null && bytes <= place.offset() + place.run().blockBytes() - offset;
  }

  private Run run(int chunk) {
    Run run = spans.run(chunk);
    if (run != null) {
      return run;
    }
    Span span = Span.decode(chunk, region.getLong(layout.entry(chunk)));
    if (span == null || span.kind() == Span.Kind.FREE) {
      return null;
    }
    Shelf shelf = shelf(span);
    StackRoom.require(RoomFor.A_LOOK);
    shelf.lock.lock();
    try {
      if (shelf.unread.contains(chunk)) {
        read(shelf, chunk);
      }
      return spans.run(chunk);
    } finally {
      shelf.lock.unlock();
    }
  }

  /**
   * How much is allocated.
   *
   * @param usedBytes in blocks that are taken
   * @param freeBytes in blocks of runs that are not, and in free chunks
   */
  record Usage(long usedBytes, long freeBytes) {}

  /** Reads every run that was not needed yet. */
  Usage usage() {
    long used = 0;
    long free = chunks.freeBytes();
    int count = layout.chunkCount();
    for (int chunk = 0; chunk < count; chunk++) {
      if (spans.spanOf(chunk) == chunk) {
        Run run = run(chunk);
        if (run != null) {
          used += (run.count() - run.free()) * run.blockBytes();
          free += run.free() * run.blockBytes();
        }
      }
    }
    return new Usage(used, free);
  }

  Chunks chunks() {
    return chunks;
  }
}
