// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.Participant;
import io.holdfast.tx.spi.Space;
import io.holdfast.tx.spi.TransactionAccess;
import java.lang.foreign.MemorySegment;
import java.util.function.LongFunction;

/** The heap's way to lanes and transactions. */
final class HeapAccess extends TransactionAccess {
  static void install() {
    set(new HeapAccess());
  }

  @Override
  public Lanes format(
      PersistentRegion region,
      long offset,
      int count,
      int reserved,
      int ringBytes,
      long key,
      Space space) {
    LogLayout layout = Lanes.layout(region, offset, count + reserved, ringBytes);
    return Lanes.format(region, layout, key, reserved, space);
  }

  @Override
  public Lanes open(
      PersistentRegion region,
      long offset,
      int reserved,
      Acceptance acceptance,
      LongFunction<Space> space) {
    return Lanes.open(
        region, offset, reserved, acceptance, (r, layout) -> space.apply(layout.end()));
  }

  @Override
  public Geometry geometry(Lanes lanes) {
    return new Geometry(lanes.userLanes(), lanes.log().layout().ringBytes());
  }

  @Override
  public int era(Lanes lanes) {
    return lanes.log().era();
  }

  @Override
  public Transaction beginReserved(Lanes lanes, int which) {
    return lanes.beginReserved(which);
  }

  @Override
  public Lanes lanes(Transaction tx) {
    return tx.workspace().lanes();
  }

  @Override
  public void upkeep(Transaction tx) {
    tx.workspace().upkeep();
  }

  @Override
  public void breakOff(Transaction tx, Error cause) {
    tx.workspace().breakOff(cause);
  }

  @Override
  public void claim(Transaction tx, long unit) {
    Workspace mine = tx.workspace();
    mine.lanes().claim(unit, mine.lane());
  }

  @Override
  public void claimRange(Transaction tx, long offset, long length) {
    tx.workspace().claims().claim(offset, length);
  }

  @Override
  public void follow(Transaction tx, long number) {
    tx.workspace().follow(number);
  }

  @Override
  public void followAll(Transaction tx) {
    tx.workspace().followAll();
  }

  @Override
  public long read(Transaction tx, long offset) {
    return tx.workspace().getLong(offset);
  }

  @Override
  public void read(Transaction tx, long offset, MemorySegment into) {
    tx.workspace().get(offset, into);
  }

  @Override
  public void write(Transaction tx, long offset, long value) {
    tx.workspace().hold(offset, value);
  }

  @Override
  public void write(Transaction tx, long offset, MemorySegment from) {
    tx.workspace().hold(offset, from);
  }

  @Override
  public MemorySegment overwrite(Transaction tx, long offset, int length) {
    return tx.workspace().overwrite(offset, length);
  }

  @Override
  public int mostOverwritten(Lanes lanes) {
    return Workspace.mostOverwritten(lanes.log().layout());
  }

  @Override
  public int allocate(Transaction tx, long word, int bit, long block, long length) {
    return tx.workspace().intend(LogLayout.ALLOCATE, word, bit, block, length);
  }

  @Override
  public void free(Transaction tx, long word, int bit, long block, long length) {
    tx.workspace().intend(LogLayout.FREE, word, bit, block, length);
  }

  @Override
  public void cancel(Transaction tx, int number) {
    tx.workspace().cancel(number);
  }

  @Override
  public void filled(Transaction tx, long offset, long length) {
    tx.workspace().filled(offset, length);
  }

  @Override
  public Participant participant(Transaction tx) {
    return tx.workspace().participant();
  }

  @Override
  public Participant idleParticipant(Transaction tx) {
    return tx.workspace().idleParticipant();
  }

  @Override
  public void join(Transaction tx, Participant participant) {
    tx.workspace().join(participant);
  }
}
