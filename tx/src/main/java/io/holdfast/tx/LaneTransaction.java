// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.Granularity;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.Lines;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.KeyedHash;
import io.holdfast.tx.spi.Latch;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * How one lane's transaction becomes durable: the log side of it. What was written where is
 * gathered by {@link Transaction}'s working state and handed in here.
 *
 * <p>Steps and rules are those of the design document. What a crash leaves at each step:
 *
 * <ul>
 *   <li><b>Intents.</b> Nothing is in place before commit. Frames of new values, allocations and
 *       frees, the last with a record in it, go to the ring past the cache under one fence, F1,
 *       together with the lines that the lane's previous transaction stored in place. A crash
 *       before F1 has returned finds a record that does not validate, or that names a frame that
 *       does not, and ignores them; or finds all, and the transaction is committed. After F1 values
 *       and bits are stored in place, without a fence. A crash after F1 finds the record, and
 *       stores them again.
 *   <li><b>Fresh content.</b> What is filled into newly allocated blocks is stored in place at
 *       once. If it is little, frames hold it as well. If it is much, it is written back and
 *       awaited, F0, before the record is made, so that no record is durable without it (rule A1).
 *       Where stores are durable in their order, which only compilers must be kept from changing,
 *       it is never logged.
 *   <li><b>Snapshots.</b> Frames of the old contents are durable, F1, before the caller may store.
 *       At commit what he stored is written back and awaited, F2, then the record, F3, with what
 *       intents there are. A crash before F3 finds frames after the newest record, and undoes.
 *   <li><b>Abort</b> with frames in the log: old contents are put back and awaited; an abort record
 *       is awaited; then the claims end. A crash in between undoes once more, or finds it decided.
 * </ul>
 *
 * <p>The order number is taken after everything that could make the commit wait or fail, for while
 * one is inflight nobody's watermark can pass it.
 */
final class LaneTransaction {
  /** Fresh content up to this many bytes is logged, which costs lines; more costs a fence. */
  static final long LOGGED_FRESH_BYTES = 1024;

  private final Log log;
  private final PersistentRegion region;
  private final CommitOrder order;
  private final Lane lane;
  private final Lane[] lanes;
  private final LaneLog laneLog;
  private final Staging staging;
  private final Lines pending;
  private final LongSupplier patience;
  private final boolean writesBack;
  private final List<Lane> helped = new ArrayList<>();
  private MemorySegment watermarkFrame;
  private int watermarkLine;
  private long watermark;
  private long quarter;
  private boolean undecidable;

  /** With the nanoseconds that it waits for room in the log. */
  LaneTransaction(Log log, Lane[] lanes, Lane lane, LongSupplier patience) {
    this.log = log;
    this.region = log.region();
    this.order = log.order();
    this.lane = lane;
    this.lanes = lanes;
    this.laneLog = new LaneLog(log, lane.index());
    this.staging = laneLog.staging();
    this.pending = lane.pending();
    this.patience = patience;
    this.writesBack = region.granularity() != Granularity.NONE;
  }

  /** Where entries are put, to be written by the next call of one of the following. */
  Staging staging() {
    return staging;
  }

  /** Whether stores have to be written back; else they are durable in their order. */
  boolean writesBack() {
    return writesBack;
  }

  /** Whether frames of the present transaction are in the log. */
  boolean isLogged() {
    return laneLog.placed() > 0;
  }

  /** How many of them. */
  int loggedFrames() {
    return laneLog.placed();
  }

  /** Writes what is staged if it is so much that it should not grow. The latch must be held. */
  void spill() {
    if (staging.isFull()) {
      writeData();
    }
  }

  /** Makes what is staged durable, undecided: F1 of snapshots. The latch must be held. */
  void writeData() {
    if (makeRoom()) {
      laneLog.placeInRing(pending);
    } else {
      laneLog.placeInExtensions(pending);
    }
    fence();
    laneLog.written();
  }

  /**
   * Makes lines durable that were stored in place by the present transaction: F2, or F0. A memory
   * fault of these stores is thrown here, and no record is written then.
   */
  void writeBack(Lines lines) {
    pending.addLines(lines);
    boolean fenced = false;
    try {
      region.persistAndSurface(pending);
      fenced = true;
    } catch (Throwable e) {
      brokenOff(e);
      throw e;
    } finally {
      letGo(fenced);
    }
  }

  /**
   * Commits: makes what is staged durable with a record. When this returns, the transaction is.
   *
   * @param followsAll whether it follows all commits before it, and all after it follow it
   * @param ordered is told the order number before anything is durable
   * @return its order number, which is inflight until {@link #applied}
   */
  long commit(boolean followsAll, LongConsumer ordered) {
    if (!makeRoom()) {
      laneLog.placeInExtensions(pending);
    }
    boolean upkeep = laneLog.tail() - quarter >= log.layout().ringLines() / 4;
    try {
      if (upkeep) {
        help();
      }
      return decide(upkeep, followsAll, ordered);
    } finally {
      letGoOfHelped();
    }
  }

  private long decide(boolean upkeep, boolean followsAll, LongConsumer ordered) {
    long number = followsAll ? order.nextOfAll(lane.index()) : order.next(lane.index());
    long carried = Math.max(watermark, order.durable());
    try {
      ordered.accept(number);
      laneLog.placeCommit(pending, number, carried);
      fence();
      order.proven(carried);
      if (upkeep) {
        watermark = order.watermark();
        quarter = laneLog.tail();
      }
      laneLog.committed(number);
    } catch (Throwable e) {
      // A number that was taken and cannot be used would stop every watermark below it; and what
      // may be durable must not be undone.
      undecidable = true;
      region.poison(e);
      throw e;
    }
    return number;
  }

  /** Whether a commit failed after its number was taken: then only the next open can tell. */
  boolean isUndecidable() {
    return undecidable;
  }

  /** What was committed is in place: its lines are among the pending ones, or durable. */
  void applied(long number) {
    order.applied(lane.index(), writesBack && !pending.isEmpty() ? number : 0);
  }

  /** Forgets what is staged; nothing of the transaction is in the log. */
  void forget() {
    laneLog.aborted();
  }

  /** Undoes what the log has of the present transaction, durably. The latch must be held. */
  void abort(Lines inPlace) {
    laneLog.written();
    undo(0, inPlace);
    writeBack(inPlace);
    laneLog.placeAbort(pending);
    fence();
    laneLog.aborted();
  }

  /** Puts back, in place, the old contents that are in all logged frames but the first ones. */
  void undo(int framesToKeep, Lines inPlace) {
    List<LogScan.Place> frames =
        LogScan.present(log, lane.index(), laneLog.start(), laneLog.placed());
    Replay.undo(log, frames.subList(framesToKeep, frames.size()), inPlace);
  }

  // ---- fences

  private void fence() {
    boolean fenced = false;
    try {
      region.persist(pending);
      fenced = true;
    } catch (Throwable e) {
      brokenOff(e);
      throw e;
    } finally {
      letGo(fenced);
    }
  }

  /**
   * Of a fence that was broken off otherwise than by the medium, nobody knows what it did; and the
   * copies that it was to make may be stale when the next one makes them.
   */
  private void brokenOff(Throwable cause) {
    if (!(cause instanceof HoldfastException)) {
      region.poison(cause);
    }
  }

  /**
   * U1: takes the lines of lanes that have stored in place and not fenced since. Who calls this
   * lets go of them, whatever happens.
   */
  private void help() {
    for (Lane other : lanes) {
      if (other != lane && order.isUnfenced(other.index())) {
        helped.add(other);
        if (other.tryLatch()) {
          pending.addLines(other.pending());
        } else {
          helped.removeLast();
        }
      }
    }
  }

  /** To be called at the end of what began with {@link #help}; the fence has done it, as a rule. */
  private void letGoOfHelped() {
    if (!helped.isEmpty()) {
      letGo(false);
    }
  }

  /** U2: what was written back for this lane and for others is durable, or the region is dead. */
  private void letGo(boolean fenced) {
    for (int i = 0; i < helped.size(); i++) {
      Lane other = helped.get(i);
      if (fenced) {
        other.pending().clear();
        order.fenced(other.index());
      }
      other.unlatch();
    }
    if (!helped.isEmpty()) {
      helped.clear();
    }
    if (fenced) {
      pending.clear();
      order.fenced(lane.index());
    }
  }

  // ---- space

  /** Makes room for what is staged and a record; returns whether in the ring, or in extensions. */
  private boolean makeRoom() {
    laneLog.release();
    if (laneLog.fitsRing()) {
      return true;
    }
    makeMoreRoom();
    return laneLog.fitsRing();
  }

  private void makeMoreRoom() {
    if (laneLog.fitsEmptyRing()) {
      upkeepUntilRoom();
      return;
    }
    if (!laneLog.hasRoomToDecide()) {
      upkeepUntilRoom();
    }
    if (!laneLog.reserveExtensions()) {
      upkeep();
      growUntilRoom();
    }
  }

  private void growUntilRoom() {
    long bytes = (long) staging.lines() * LogLayout.LINE;
    while (!laneLog.reserveExtensions()) {
      if (!log.space().grow(bytes)) {
        throw new TransactionException.LogFull(
            ("the transaction does not fit into its ring, and the pool has no room for the rest:"
                    + " staged=%d bytes, ring=%d bytes: free something, or write less at once")
                .formatted(bytes, log.layout().ringBytes()));
      }
    }
  }

  private void upkeepUntilRoom() {
    long since = System.nanoTime();
    for (int round = 0; ; round++) {
      upkeep();
      if (laneLog.fitsEmptyRing() ? laneLog.fitsRing() : laneLog.hasRoomToDecide()) {
        return;
      }
      if (System.nanoTime() - since > patience.getAsLong()) {
        throw new TransactionException.LogFull(
            "the log stays full: held by %s: end that transaction, or wait longer (setPatience)"
                .formatted(holder()));
      }
      Latch.pause(round);
    }
  }

  /** Who keeps the watermark from rising, for a message. */
  private String holder() {
    for (Lane other : lanes) {
      if (order.isInflight(other.index()) || order.isUnfenced(other.index())) {
        return "lane " + other.index() + ", thread " + other.owner();
      }
    }
    return "nobody";
  }

  /** U1 to U5 on their own: two fences and a watermark line. */
  void upkeep() {
    try {
      help();
      if (!pending.isEmpty()) {
        fence();
      }
    } finally {
      letGoOfHelped();
    }
    long reached = order.watermark();
    if (reached > order.durable()) {
      storeWatermark(reached);
      fence();
      order.proven(reached);
    }
    laneLog.release();
    log.reclaim();
  }

  /** To the two lines in turn (W10): the older one is written while the other is durable. */
  private void storeWatermark(long value) {
    if (watermarkFrame == null) {
      watermarkFrame = Arena.ofAuto().allocate(LogLayout.LINE, LogLayout.LINE);
    }
    watermarkFrame.set(
        KeyedHash.WORD, 0, log.watermarkChecksum(lane.index(), watermarkLine, value));
    watermarkFrame.set(KeyedHash.WORD, 8, value);
    pending.copy(log.layout().watermarkLine(lane.index(), watermarkLine), watermarkFrame);
    watermarkLine ^= 1;
  }
}
