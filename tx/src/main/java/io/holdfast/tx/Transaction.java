// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A set of changes that happens whole or not at all, whatever ends the process.
 *
 * <p><b>Use.</b> A transaction belongs to the thread that began it, platform or virtual; a thread
 * may have several. It ends by {@link #commit} or {@link #abort}; {@link #close} aborts what was
 * not committed. {@link Lanes#run} does all this, and tries again after a conflict.
 *
 * <p><b>Writing.</b> {@link #setLong}, {@link #set} and the views of {@link #edit} hold back what
 * they write: this transaction's own reads see it, nobody else does before it is committed and
 * durable. {@link #snapshot} is for work in place: the old contents are durable in the log when it
 * returns, and stores to the range are then the caller's, and visible to anyone who looks.
 *
 * <p><b>Isolation.</b> What a transaction writes it claims until it ends, so that two can never
 * roll back each other's bytes: an object at {@code edit}, a line at {@code setLong}. On a conflict
 * the older transaction waits, up to the lanes' patience, and the younger one gets {@link
 * TransactionException.Conflict}; so none waits in a circle, and the oldest always gets through. A
 * transaction's age counts from its beginning, or from the commit just before it on the same lane.
 * What is read through {@code edit} is claimed too; other reads claim nothing.
 *
 * <p><b>Durability.</b> When {@code commit} returns, the changes survive what the region's {@link
 * io.holdfast.flush.Durability} says. Every method may throw {@link TransactionException.Ended}
 * after the end, {@link TransactionException.WrongThread} in another thread, and {@link
 * io.holdfast.flush.HoldfastException.MediumFailed} if the medium fails; then the next open
 * decides, and no hook is run. A method that finds too little left of the stack throws {@link
 * StackOverflowError} before it has done anything.
 */
public final class Transaction implements AutoCloseable {
  private static final long WORD = 8;

  private final Workspace workspace;
  private final Lane lane;
  private final long generation;
  private boolean committed;

  Transaction(Workspace workspace) {
    this.workspace = workspace;
    this.lane = workspace.lane();
    this.generation = lane.generation();
  }

  /** When it was begun for the first time, by the clock that all lanes go by. */
  long age() {
    return lane.age();
  }

  /** Whether it was committed, by whomever; then what is thrown later changes nothing of that. */
  boolean isCommitted() {
    return committed;
  }

  /** The working state, if this transaction is under way and the caller's. */
  Workspace workspace() {
    if (lane.generation() != generation) {
      throw new TransactionException.Ended(
          "the transaction has ended: it was committed, aborted or closed; begin another");
    }
    if (!Thread.currentThread().equals(lane.owner())) {
      throw new TransactionException.WrongThread(
          "the transaction belongs to %s, and is used by %s: begin one in each thread"
              .formatted(lane.owner(), Thread.currentThread()));
    }
    return workspace;
  }

  /**
   * The view through which this transaction changes something persistent. An object is claimed
   * here; a collection claims keys as they are named.
   *
   * @param <E> the view's type
   * @param target an object, block or collection of the pool whose transaction this is
   * @return its view, of use until the transaction ends
   * @throws TransactionException.Conflict if another open transaction has claimed it
   */
  @SuppressWarnings("unchecked") // an Editable<E> is edited by an E
  public <E> E edit(Editable<E> target) {
    return (E) workspace().lanes().log().space().edit(this, target);
  }

  /**
   * Reads a word as this transaction sees it.
   *
   * @param offset the word, a multiple of 8
   * @return what this transaction wrote there, else what is there
   * @throws IllegalArgumentException if it is no multiple of 8, or in no block of the pool
   * @throws IndexOutOfBoundsException if it is outside a region that has no pool
   */
  public long getLong(long offset) {
    Workspace mine = workspace();
    checkRange(mine, offset, WORD);
    checkAligned(offset);
    return mine.getLong(offset);
  }

  /**
   * Reads bytes as this transaction sees them.
   *
   * @param offset the first byte
   * @param into where to, and how many
   * @throws IllegalArgumentException if they are not all in one block of the pool
   * @throws IndexOutOfBoundsException if they are outside a region that has no pool
   */
  public void get(long offset, MemorySegment into) {
    Workspace mine = workspace();
    checkRange(mine, offset, into.byteSize());
    mine.get(offset, into);
  }

  /**
   * Writes a word at commit, and claims its unit now.
   *
   * @param offset the word, a multiple of 8
   * @param value its value
   * @throws IllegalArgumentException if the offset is no multiple of 8, or in no block of the pool
   * @throws IndexOutOfBoundsException if it is outside a region that has no pool
   * @throws TransactionException.Conflict if another open transaction has claimed the unit
   */
  public void setLong(long offset, long value) {
    Workspace mine = workspace();
    checkAligned(offset);
    mine.claims().claimForUser(this, offset, WORD);
    mine.hold(offset, value);
  }

  /**
   * Writes bytes at commit, and claims their units now.
   *
   * @param offset the first byte
   * @param from what to write
   * @throws IllegalArgumentException if they are not all in one block of the pool
   * @throws IndexOutOfBoundsException if they are outside a region that has no pool
   * @throws TransactionException.Conflict if another open transaction has claimed one of the units
   */
  public void set(long offset, MemorySegment from) {
    Workspace mine = workspace();
    mine.claims().claimForUser(this, offset, from.byteSize());
    mine.hold(offset, from);
  }

  /**
   * Makes a range undoable and hands it out to be written in place. One fence, or none if the range
   * was snapshotted before. A range that is to be written after a savepoint is snapshotted again.
   *
   * @param offset the first byte
   * @param length how many
   * @return the memory; of use until the transaction ends
   * @throws TransactionException.Conflict if another open transaction has claimed a part of it
   * @throws TransactionException.LogFull if the old contents do not fit; the transaction is aborted
   * @throws IllegalStateException if this transaction holds back a write to the range
   */
  public MemorySegment snapshot(long offset, long length) {
    snapshot(new Ranges().add(offset, length));
    return workspace().lanes().log().region().writable(offset, length);
  }

  /**
   * Makes many ranges undoable, with one fence for all. What is written in them is written through
   * the region, or through what {@link #snapshot(long, long)} then hands out without another fence.
   *
   * @param ranges what is going to be written in place
   * @throws TransactionException.Conflict if another open transaction has claimed a part of them
   * @throws TransactionException.LogFull if the old contents do not fit; the transaction is aborted
   * @throws IllegalStateException if this transaction holds back a write to one of them
   */
  public void snapshot(Ranges ranges) {
    Workspace mine = workspace();
    for (int i = 0; i < ranges.count(); i++) {
      mine.claims().claimForUser(this, ranges.offset(i), ranges.length(i));
    }
    mine.snapshot(ranges);
  }

  /**
   * A moment to go back to.
   *
   * @return the savepoint
   */
  public Savepoint savepoint() {
    return workspace().savepoint();
  }

  /**
   * Undoes what was done since a savepoint. Claims stay. Hooks that were asked for since are
   * forgotten, but for those after an abort, which run now.
   *
   * @param savepoint one of this transaction's
   * @throws IllegalArgumentException if it is not, or if the transaction has gone back beyond it
   */
  public void rollbackTo(Savepoint savepoint) {
    workspace().rollbackTo(savepoint);
  }

  /**
   * Runs something when the transaction has been committed and its claims are gone.
   *
   * @param hook what; runs in this thread, and may begin transactions. What it throws comes out of
   *     the commit, when the other hooks have run, and the commit stands; it is not tried again
   */
  public void afterCommit(Runnable hook) {
    workspace().hooks().afterCommit(hook);
  }

  /**
   * Runs something when the transaction has been aborted and its claims are gone.
   *
   * @param hook what; runs in this thread, and may begin transactions. What it throws comes out of
   *     what aborted, or is added to its failure, when the other hooks have run
   */
  public void afterAbort(Runnable hook) {
    workspace().hooks().afterAbort(hook);
  }

  /**
   * Makes all changes durable and visible at once. One fence; two if much was filled into new
   * blocks; with snapshots two more than they took.
   *
   * @throws TransactionException.LogFull if the changes do not fit into the log; they are aborted
   * @throws TransactionException.Conflict if a collection finds one only now; the changes are
   *     aborted
   * @throws TransactionException.BrokenOff if an operation had ended in the middle, by an error
   *     that was caught; the changes are aborted
   */
  public void commit() {
    List<Runnable> due = workspace().commit();
    committed = true;
    Hooks.run(due);
  }

  /** Makes all changes not have happened. */
  public void abort() {
    workspace().abort();
  }

  /** Aborts, unless the transaction has ended. */
  @Override
  public void close() {
    if (isActive()) {
      abort();
    }
  }

  /**
   * Whether the transaction is under way.
   *
   * @return false after commit, abort or close
   */
  public boolean isActive() {
    return lane.generation() == generation;
  }

  private void checkRange(Workspace mine, long offset, long length) {
    if (!mine.claims().mayName(offset, length)) {
      mine.lanes().log().space().checkUserRange(this, offset, length);
    }
  }

  private static void checkAligned(long offset) {
    if ((offset & (WORD - 1)) != 0) {
      throw new IllegalArgumentException("a word is a multiple of 8: offset=" + offset);
    }
  }
}
