// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.Declaration;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.Lines;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.flush.StackRoom;
import io.holdfast.tx.spi.KeyedHash;
import io.holdfast.tx.spi.Participant;
import io.holdfast.tx.spi.RoomFor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * The working state of the transaction that has a lane: what it wrote, allocated, freed,
 * snapshotted. Pooled with the lane; {@link Transaction} is the handle, and checks who calls.
 */
final class Workspace {
  private static final long WORD = 8;

  private final Lanes lanes;
  private final PersistentRegion region;
  private final Lane lane;
  private final CommitOrder order;
  private final OverlapCheck overlaps;
  private final LaneTransaction logged;
  private final WriteSet writes = new WriteSet();
  private final Intents intents = new Intents();
  private final Frees frees = new Frees();
  private final CoverSet snapshots = new CoverSet();
  private final CoverSet.Uncovered stagingOld = this::stageOldContents;
  private final LongConsumer ordering = this::ordered;
  private final Lines inPlace;
  private long[] fresh = new long[16];
  private int freshCount;
  private boolean freshIsLogged;
  private long overwrittenFrom;
  private int overwrittenWords;
  private int overwrittenAt;
  private boolean storedInPlace;
  private boolean followsAll;
  private final List<Savepoint> savepoints = new ArrayList<>();
  private final Hooks hooks = new Hooks();
  private final ClaimedUnits claims;
  private Participant participant;
  private boolean joined;

  /** What broke an operation off, so that what was gathered may be a part of it. */
  private Error brokenOff;

  // Nothing where the heap begins and ends it within another, which has asked for more.
  private final long roomToCommit;
  private final long roomToAbort;

  Workspace(Lanes lanes, Log log, Lane lane, Lane[] all) {
    this.lanes = lanes;
    this.region = log.region();
    this.lane = lane;
    this.order = log.order();
    this.overlaps = log.overlaps();
    this.logged = new LaneTransaction(log, all, lane, lanes::patienceNanos);
    this.inPlace = region.lines();
    this.claims = new ClaimedUnits(lanes, lane, log);
    this.roomToCommit = lanes.isReserved(lane) ? 0 : RoomFor.A_COMMIT;
    this.roomToAbort = lanes.isReserved(lane) ? 0 : RoomFor.A_STEP;
  }

  Lanes lanes() {
    return lanes;
  }

  boolean isLogged() {
    return logged.isLogged();
  }

  Lane lane() {
    return lane;
  }

  ClaimedUnits claims() {
    return claims;
  }

  // ---- held-back words

  long getLong(long offset) {
    int index = writes.find(offset);
    return index < 0 ? region.getLong(offset) : writes.value(index);
  }

  void get(long offset, MemorySegment into) {
    region.copyOut(offset, into);
    if (writes.count() == 0) {
      return;
    }
    long end = offset + into.byteSize();
    for (long word = offset & -WORD; word < end; word += WORD) {
      int index = writes.find(word);
      if (index >= 0) {
        long from = Math.max(word, offset);
        long to = Math.min(word + WORD, end);
        MemorySegment value = MemorySegment.ofArray(new long[1]);
        value.set(KeyedHash.WORD, 0, writes.value(index));
        MemorySegment.copy(value, from - word, into, from - offset, to - from);
      }
    }
  }

  /** Holds a word back; a word under a snapshot can be stored at once, since it can be undone. */
  void hold(long offset, long value) {
    if (!snapshots.isEmpty() && !snapshots.isDisjoint(offset, offset + WORD)) {
      region.putLong(offset, value);
    } else {
      writes.put(offset, value);
    }
  }

  void hold(long offset, MemorySegment from) {
    try {
      holdWords(offset, from);
    } catch (Error e) {
      brokenOff = e; // not by a call, for which there may be no room
      throw e;
    }
  }

  private void holdWords(long offset, MemorySegment from) {
    long end = offset + from.byteSize();
    for (long word = offset & -WORD; word < end; word += WORD) {
      long first = Math.max(word, offset);
      long last = Math.min(word + WORD, end);
      MemorySegment value = MemorySegment.ofArray(new long[1]);
      if (last - first < WORD) {
        value.set(KeyedHash.WORD, 0, getLong(word));
      }
      MemorySegment.copy(from, first - offset, value, first - word, last - first);
      hold(word, value.get(KeyedHash.WORD, 0));
    }
  }

  /** An operation ended in the middle: the transaction can only be aborted. */
  void breakOff(Error cause) {
    brokenOff = cause;
  }

  // ---- a range that is overwritten, and nothing else

  /** What is kept in the log until commit, without a set of words, is little. */
  static int mostOverwritten(LogLayout layout) {
    int words = layout.maxContentWords();
    return (int) Math.min(LaneTransaction.LOGGED_FRESH_BYTES, WORD * words);
  }

  /**
   * Stages new contents of a range, which the caller fills. It is the transaction's only change, so
   * nothing has to be looked for in it, and the staging is where it is kept.
   */
  MemorySegment overwrite(long offset, int length) {
    Staging staging = logged.staging();
    if (!staging.isEmpty() || writes.count() > 0 || !intents.isVoid() || logged.isLogged()) {
      throw new IllegalStateException("not the only change: offset=" + offset);
    }
    overwrittenFrom = offset;
    overwrittenWords = Math.ceilDiv(length, (int) WORD);
    overwrittenAt = staging.contents(LogLayout.SET_RANGE, offset, overwrittenWords);
    int last = overwrittenWords - 1;
    staging.put(overwrittenAt + last, region.getLong(offset + WORD * last));
    return staging.segment(overwrittenAt, overwrittenWords).asSlice(0, length);
  }

  // ---- snapshots

  /** Logs what whole words hold, where this was not done yet. One fence, or none. */
  void snapshot(Ranges ranges) {
    StackRoom.require(RoomFor.A_STEP);
    for (int i = 0; i < ranges.count(); i++) {
      requireNothingHeld(wordStart(ranges, i), wordEnd(ranges, i));
    }
    try {
      lane.latch();
      try {
        lanes.checkOpen();
        logOldContents(ranges);
      } finally {
        lane.unlatch();
      }
    } catch (Throwable e) {
      // What is marked as logged may not be: the transaction cannot go on.
      abortAfter(e);
      throw e;
    }
  }

  private static long wordStart(Ranges ranges, int index) {
    return ranges.offset(index) & -WORD;
  }

  private static long wordEnd(Ranges ranges, int index) {
    return (ranges.offset(index) + ranges.length(index) + WORD - 1) & -WORD;
  }

  private void logOldContents(Ranges ranges) {
    storedInPlace = true;
    for (int i = 0; i < ranges.count(); i++) {
      long from = wordStart(ranges, i);
      long to = wordEnd(ranges, i);
      snapshots.cover(from, to, stagingOld);
      inPlace.add(from, to - from);
    }
    if (!logged.staging().isEmpty()) {
      logged.writeData();
    }
  }

  private void requireNothingHeld(long from, long to) {
    if (writes.count() == 0) {
      return;
    }
    for (long word = from; word < to; word += WORD) {
      if (writes.find(word) >= 0) {
        throw new IllegalStateException(
            "a word was written before its snapshot was taken: offset=" + word);
      }
    }
  }

  private void stageOldContents(long from, long to) {
    region.declare(Declaration.SNAPSHOT, from, to - from);
    if (to - from == WORD) {
      logged.staging().entry(LogLayout.entry(LogLayout.SNAP_WORD, 0, from), region.getLong(from));
    } else {
      stageContents(LogLayout.SNAP_RANGE, from, to);
    }
    logged.spill();
  }

  private void stageContents(int kind, long from, long to) {
    long most = WORD * logged.staging().maxContentWords();
    for (long at = from; at < to; at += most) {
      logged.staging().contents(kind, at, Math.min(most, to - at));
      logged.spill();
    }
  }

  // ---- allocation

  int intend(int kind, long word, int bit, long block, long bytes) {
    if (kind == LogLayout.FREE) {
      claims.forget();
    }
    if (kind == LogLayout.ALLOCATE) {
      region.declare(Declaration.ALLOCATED, block, bytes);
    }
    return intents.add(kind, word, bit, block, bytes);
  }

  void cancel(int index) {
    claims.forget();
    declareFree(index, index + 1);
    intents.cancel(index);
  }

  /** For whoever checks: blocks that were allocated are nobody's again. */
  private void declareFree(int from, int to) {
    for (int i = from; i < to; i++) {
      if (!intents.isDead(i) && LogLayout.entryKind(intents.entry(i)) == LogLayout.ALLOCATE) {
        region.declare(Declaration.FREED, intents.block(i), intents.bytes(i));
      }
    }
  }

  /** A range of a block of this transaction was filled in place. */
  void filled(long offset, long length) {
    if (2 * freshCount == fresh.length) {
      fresh = Arrays.copyOf(fresh, 2 * fresh.length);
    }
    fresh[2 * freshCount] = offset & -WORD;
    fresh[2 * freshCount + 1] = offset + length + WORD - 1 & -WORD;
    freshCount++;
  }

  void join(Participant heap) {
    participant = heap;
    joined = true;
  }

  Participant participant() {
    return joined ? participant : null;
  }

  /** The participant of an earlier transaction on this lane, to be used again. */
  Participant idleParticipant() {
    return participant;
  }

  /** The transaction's order number will be above another one. */
  void follow(long number) {
    order.follow(lane.index(), number);
  }

  /** It will be above all, and all that come after it above it. */
  void followAll() {
    followsAll = true;
  }

  /** Frees log space and extensions, with two fences of its own. */
  void upkeep() {
    StackRoom.require(RoomFor.A_STEP);
    lane.latch();
    try {
      lanes.checkOpen();
      logged.upkeep();
    } finally {
      lane.unlatch();
    }
  }

  // ---- savepoints and hooks

  Savepoint savepoint() {
    StackRoom.require(RoomFor.A_STEP);
    snapshots.clear();
    region.declare(Declaration.SAVEPOINT, 0, 0);
    Savepoint savepoint =
        new Savepoint(
            writes.savepoint(),
            intents.count(),
            freshCount,
            logged.loggedFrames(),
            hooks.commitCount(),
            hooks.abortCount(),
            joined ? participant.savepoint() : null);
    savepoints.add(savepoint);
    return savepoint;
  }

  void rollbackTo(Savepoint savepoint) {
    int index = savepoints.lastIndexOf(savepoint);
    if (index < 0) {
      throw new IllegalArgumentException(
          "the savepoint is another transaction's, or this one has gone back beyond it");
    }
    StackRoom.require(RoomFor.A_STEP);
    savepoints.subList(index + 1, savepoints.size()).clear();
    claims.forget();
    if (logged.loggedFrames() > savepoint.frames()) {
      logged.undo(savepoint.frames(), inPlace);
    }
    snapshots.clear();
    writes.rollbackTo(savepoint.writes());
    declareFree(savepoint.intents(), intents.count());
    intents.truncate(savepoint.intents());
    freshCount = savepoint.freshRanges();
    if (joined) {
      participant.rollbackTo(savepoint.attached());
    }
    hooks.rollbackTo(savepoint);
  }

  Hooks hooks() {
    return hooks;
  }

  // ---- the end

  /**
   * Commits.
   *
   * @return the hooks that are to be run now; the lane may be another transaction's already
   */
  List<Runnable> commit() {
    long number;
    StackRoom.require(roomToCommit);
    try {
      requireWhole();
      if (joined) {
        participant.prepare();
      }
      if (isReadOnly()) {
        logged.forget();
        return end(Outcome.COMMITTED);
      }
      lane.latch();
    } catch (Throwable e) {
      abortAfter(e);
      throw e;
    }
    try {
      lanes.checkOpen();
      number = decide();
    } catch (Throwable e) {
      lane.unlatch();
      abortAfter(e);
      throw e;
    }
    try {
      apply(number);
    } catch (Throwable e) {
      // It is committed, and the next open completes it; until then nobody may see a part of it.
      region.poison(e);
      lane.unlatch();
      endAfter(e);
      throw e;
    }
    lane.unlatch();
    return end(Outcome.COMMITTED);
  }

  private void requireWhole() {
    if (brokenOff != null) {
      throw new TransactionException.BrokenOff(
          "an operation of the transaction ended in the middle ("
              + brokenOff
              + "): what it gathered is aborted; run it again",
          brokenOff);
    }
  }

  private boolean isReadOnly() {
    return writes.count() == 0 && intents.isVoid() && overwrittenWords == 0 && !logged.isLogged();
  }

  /** Makes it durable with its record; returns its order number. */
  private long decide() {
    stage();
    if (storedInPlace) {
      logged.writeBack(inPlace);
    }
    return logged.commit(followsAll || lanes.isReserved(lane), ordering);
  }

  /** Others can follow it as soon as they can see anything of it. */
  private void ordered(long number) {
    if (joined) {
      participant.ordered(number);
    }
    assert isAboveAllThatItOverlaps(number);
  }

  private boolean isAboveAllThatItOverlaps(long number) {
    int index = lane.index();
    for (int i = 0; i < intents.count(); i++) {
      if (!intents.isDead(i)) {
        long entry = intents.entry(i);
        overlaps.block(
            LogLayout.entryOffset(entry),
            LogLayout.entryDetail(entry),
            intents.block(i),
            intents.bytes(i),
            number,
            index);
      }
    }
    for (int i = 0; i < writes.count(); i++) {
      overlaps.word(writes.offset(i), number, index);
    }
    for (int i = 0; freshIsLogged && i < freshCount; i++) {
      overlaps.range(fresh[2 * i], fresh[2 * i + 1] - fresh[2 * i], number, index);
    }
    overlaps.range(overwrittenFrom, WORD * overwrittenWords, number, index);
    return true;
  }

  private long freshBytes() {
    long bytes = 0;
    for (int i = 0; i < freshCount; i++) {
      bytes += fresh[2 * i + 1] - fresh[2 * i];
    }
    return bytes;
  }

  /**
   * Allocations and frees come first: in a replay, which goes backwards, contents decide before.
   */
  private void stage() {
    if (intents.count() > 0) {
      stageIntents();
    }
    freshIsLogged = logged.writesBack() && freshBytes() <= LaneTransaction.LOGGED_FRESH_BYTES;
    for (int i = 0; i < freshCount; i++) {
      long from = fresh[2 * i];
      long to = fresh[2 * i + 1];
      if (freshIsLogged) {
        stageContents(LogLayout.SET_RANGE, from, to);
      } else if (logged.writesBack()) {
        inPlace.add(from, to - from);
        storedInPlace = true;
      }
    }
    stageWords();
  }

  private void stageIntents() {
    intents.settle();
    boolean gathered = intents.count() > Frees.FEW;
    for (int i = 0; i < intents.count(); i++) {
      if (intents.isDead(i)) {
        continue;
      }
      boolean free = LogLayout.entryKind(intents.entry(i)) == LogLayout.FREE;
      if (!gathered || !free || !frees.add(intents.entry(i), intents.block(i), intents.bytes(i))) {
        logged.staging().entry(intents.entry(i), intents.block(i), intents.bytes(i));
        logged.spill();
      }
    }
    frees.stage(logged);
  }

  /** Words that follow each other become one entry from the third on, which is shorter then. */
  private void stageWords() {
    Staging staging = logged.staging();
    int most = staging.maxContentWords();
    for (int i = 0; i < writes.count(); ) {
      int run = 1;
      while (run < most
          && i + run < writes.count()
          && writes.offset(i + run) == writes.offset(i) + WORD * run) {
        run++;
      }
      if (run > 2) {
        int at = staging.contents(LogLayout.SET_RANGE, writes.offset(i), run);
        for (int k = 0; k < run; k++) {
          staging.put(at + k, writes.value(i + k));
        }
      } else {
        run = 1;
        staging.entry(LogLayout.entry(LogLayout.SET_WORD, 0, writes.offset(i)), writes.value(i));
      }
      logged.spill();
      i += run;
    }
  }

  /**
   * The transaction is durable; now it becomes visible. Who sees a word that leads to a block may
   * free the block at once: so bits are set before the words, and cleared after them.
   */
  private void apply(long number) {
    Lines pending = lane.pending();
    if (joined) {
      participant.applying();
    }
    applyBits(LogLayout.ALLOCATE, pending);
    for (int i = 0; i < writes.count(); i++) {
      region.declare(Declaration.INTENT, writes.offset(i), WORD);
      region.putLongRelease(writes.offset(i), writes.value(i));
      pending.add(writes.offset(i), WORD);
    }
    if (overwrittenWords > 0) {
      applyOverwritten(pending);
    }
    for (int i = 0; freshIsLogged && i < freshCount; i++) {
      region.declare(Declaration.INTENT, fresh[2 * i], fresh[2 * i + 1] - fresh[2 * i]);
      pending.add(fresh[2 * i], fresh[2 * i + 1] - fresh[2 * i]);
    }
    applyBits(LogLayout.FREE, pending);
    if (joined) {
      participant.applied();
    }
    logged.applied(number);
  }

  /** The staging is done with, and has the new contents until something else is staged. */
  private void applyOverwritten(Lines pending) {
    long length = WORD * overwrittenWords;
    region.declare(Declaration.INTENT, overwrittenFrom, length);
    region.copyIn(overwrittenFrom, logged.staging().segment(overwrittenAt, overwrittenWords));
    pending.add(overwrittenFrom, length);
  }

  /** The bits of those that are of a kind. */
  private void applyBits(int kind, Lines pending) {
    for (int i = 0; i < intents.count(); i++) {
      if (!intents.isDead(i) && LogLayout.entryKind(intents.entry(i)) == kind) {
        applyBit(i, kind, pending);
      }
    }
  }

  private void applyBit(int index, int kind, Lines pending) {
    long word = LogLayout.entryOffset(intents.entry(index));
    long mask = 1L << LogLayout.entryDetail(intents.entry(index));
    region.declare(Declaration.INTENT, word, WORD);
    if (kind == LogLayout.ALLOCATE) {
      region.getAndOrLong(word, mask);
    } else {
      region.getAndAndLong(word, ~mask);
      region.declare(Declaration.FREED, intents.block(index), intents.bytes(index));
    }
    pending.add(word, WORD);
  }

  void abort() {
    StackRoom.require(roomToAbort);
    Hooks.run(undo());
  }

  private List<Runnable> undo() {
    if (logged.isUndecidable()) {
      return end(Outcome.UNKNOWN);
    }
    try {
      if (logged.isLogged()) {
        abortLogged();
      } else {
        logged.forget();
      }
      declareFree(0, intents.count());
    } catch (Throwable e) {
      endAfter(e);
      throw e;
    }
    return end(Outcome.ABORTED);
  }

  private void abortLogged() {
    lane.latch();
    try {
      lanes.checkOpen();
      abortInLog();
    } finally {
      lane.unlatch();
    }
  }

  /** What was stored in place and not undone must not be seen, and its claims are going to end. */
  private void abortInLog() {
    try {
      logged.abort(inPlace);
    } catch (HoldfastException.RegionClosed e) {
      throw e;
    } catch (Throwable e) {
      region.poison(e);
      throw e;
    }
  }

  private void endAfter(Throwable cause) {
    try {
      end(Outcome.UNKNOWN);
    } catch (Throwable e) {
      Failures.add(cause, e);
    }
  }

  private void abortAfter(Throwable cause) {
    try {
      Hooks.run(undo());
    } catch (Throwable e) {
      Failures.add(cause, e);
    }
  }

  /** Gives up claims, then tells the heap, then frees the lane; returns what is to be run then. */
  private List<Runnable> end(Outcome outcome) {
    lane.endTransaction();
    region.declare(Declaration.END, 0, 0);
    try {
      tellHeap(outcome);
      return hooks.of(outcome);
    } finally {
      clear();
      lane.free();
    }
  }

  private void tellHeap(Outcome outcome) {
    if (joined) {
      joined = false;
      if (outcome == Outcome.COMMITTED) {
        participant.committed();
      } else {
        participant.aborted();
      }
    }
  }

  /**
   * Lists that are empty are not cleared, here and by those who are called: what is stored after a
   * fence waits in the processor until the fence is done, and once there is no more room for that
   * the processor waits as well.
   */
  private void clear() {
    claims.forget();
    hooks.clear();
    if (!savepoints.isEmpty()) {
      savepoints.clear();
    }
    writes.clear();
    intents.clear();
    frees.clear();
    snapshots.clear();
    inPlace.clear();
    freshCount = 0;
    overwrittenWords = 0;
    storedInPlace = false;
    followsAll = false;
    if (brokenOff != null) {
      brokenOff = null;
    }
  }
}
