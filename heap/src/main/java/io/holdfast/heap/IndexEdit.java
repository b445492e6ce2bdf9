// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.StackRoom;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.RoomFor;
import io.holdfast.tx.spi.TransactionAccess;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What one transaction wants to do to one index: for each key that it named, the record that it
 * shall have, or none. Slots are chosen at the end, when the latches are held.
 */
final class IndexEdit {
  private static final int FIRST_CAPACITY = 16;
  private static final int KEPT_CAPACITY = 1024;
  private static final long NO_LATCH = 0;

  private final TransactionAccess access = TransactionAccess.get();
  private final HashIndex index;
  private final HeapParticipant participant;
  private Transaction tx;

  // Keys in order of their first use; and the same, to be found by their hashes.
  private final List<IndexChange> changes = new ArrayList<>();
  private IndexChange[] table = new IndexChange[FIRST_CAPACITY];

  /** Slots that were free and are chosen now. */
  private final OffsetMap taken = new OffsetMap();

  private final long[] chosen = new long[1];
  private long[] slots = chosen;
  private long latched = NO_LATCH;
  private IndexChange misfit;
  private boolean changing;
  private int growth;

  /** What {@link #restore} goes back to. */
  record Kept(long[] records, boolean[] wanted) {}

  IndexEdit(HashIndex index, HeapParticipant participant) {
    this.index = index;
    this.participant = participant;
  }

  void begin(Transaction next) {
    tx = next;
  }

  /** Forgets everything, for the next transaction. */
  void clear() {
    changes.clear();
    Arrays.fill(table, null);
    if (table.length > KEPT_CAPACITY) {
      shrink();
    }
    taken.clear();
    slots = chosen;
    misfit = null;
    growth = 0;
    tx = null;
  }

  private void shrink() {
    try {
      table = new IndexChange[FIRST_CAPACITY];
    } catch (OutOfMemoryError _) {
      // It is empty, and stays as large as it is.
    }
  }

  Kept keep() {
    Kept kept = new Kept(new long[changes.size()], new boolean[changes.size()]);
    for (int i = 0; i < changes.size(); i++) {
      kept.records[i] = changes.get(i).after();
      kept.wanted[i] = changes.get(i).isWanted();
    }
    return kept;
  }

  /** Goes back to what was kept; to nothing if it is null. Views of this stay valid. */
  void restore(Kept kept) {
    for (int i = 0; i < changes.size(); i++) {
      if (kept != null && i < kept.wanted.length && kept.wanted[i]) {
        changes.get(i).want(kept.records[i]);
      } else {
        changes.get(i).unwant();
      }
    }
  }

  HashIndex index() {
    return index;
  }

  /**
   * Claims a key, and looks where it is.
   *
   * @param user the transaction of whoever asks: refused if it has ended, while this may serve the
   *     next one by now
   */
  IndexChange of(Transaction user, IndexKey key) {
    StackRoom.require(RoomFor.A_CHANGE);
    access.claim(user, index.claim(key.hash()));
    IndexChange known = find(key);
    if (known != null) {
      return known;
    }
    IndexChange change = new IndexChange(key);
    index.locate(change);
    add(change);
    return change;
  }

  /** Takes up a key that the transaction has claimed, and that it has not named before. */
  void add(IndexChange change) {
    changes.add(change);
    if (2 * changes.size() > table.length) {
      table = new IndexChange[2 * table.length];
      changes.forEach(this::enter);
    } else {
      enter(change);
    }
  }

  /** What is known of a key; null if this transaction has not named it. */
  IndexChange find(IndexKey key) {
    int at = place(key);
    while (table[at] != null) {
      if (table[at].key().equals(key)) {
        return table[at];
      }
      at = at + 1 & table.length - 1;
    }
    return null;
  }

  private void enter(IndexChange change) {
    int at = place(change.key());
    while (table[at] != null) {
      at = at + 1 & table.length - 1;
    }
    table[at] = change;
  }

  private int place(IndexKey key) {
    return (int) (key.hash() >>> 32) & table.length - 1;
  }

  /** All keys that this transaction has named, in order. */
  List<IndexChange> changes() {
    return changes;
  }

  /** Makes a record for a key. Its value is the caller's to fill; then the key can have it. */
  long newRecord(IndexChange change, long valueBytes) {
    return index.newRecord(participant, change.key(), valueBytes);
  }

  /** Gives a new record up that no key has. */
  void discard(long record) {
    participant.freeOwned(record);
  }

  void remove(IndexChange change) {
    replace(change, 0);
  }

  /** Gives a key another record, or with 0 none. */
  void replace(IndexChange change, long record) {
    long dropped = change.isWanted() ? change.after() : 0;
    change.want(record);
    if (dropped != 0) {
      participant.freeOwned(dropped);
    }
  }

  // ---- at commit

  void latchAll() {
    latched = index.latchAll(changes);
    access.follow(tx, index.stripes().number(latched));
  }

  void unlatchAll() {
    index.unlatchAll(latched);
    latched = NO_LATCH;
  }

  /** Chooses all slots; false if one key has none. */
  boolean chooseSlots() {
    slots = changes.size() == 1 ? chosen : new long[changes.size()];
    taken.clear();
    for (int i = 0; i < slots.length; i++) {
      IndexChange change = changes.get(i);
      slots[i] = 0;
      if (change.isWanted()) {
        index.relocate(change);
        slots[i] = change.slot();
        if (slots[i] == 0 && change.after() != 0) {
          slots[i] = index.freeSlot(change.key().hash(), taken);
          if (slots[i] == 0) {
            misfit = change;
            return false;
          }
          taken.put(slots[i], 1);
        }
      }
    }
    return true;
  }

  /** Splits the segment in which a key had no slot. No latch may be held. */
  void makeRoom() {
    index.split(tx, misfit.key().hash());
  }

  void writeSlots() {
    for (int i = 0; i < slots.length; i++) {
      if (slots[i] != 0) {
        IndexChange change = changes.get(i);
        index.writeSlot(tx, slots[i], change.key().hash(), change.after());
        if (change.before() != 0) {
          participant.freeOwned(change.before());
        }
        growth += (change.after() == 0 ? 0 : 1) - (change.before() == 0 ? 0 : 1);
      }
    }
  }

  void ordered(long number) {
    index.stripes().ordered(latched, number);
  }

  void applying() {
    changing = true;
    index.stripes().beginChange(latched);
  }

  void applied() {
    index.stripes().endChange(latched);
    index.changeCount(growth);
    changing = false;
  }

  void ended() {
    if (changing) {
      applied();
    }
    unlatchAll();
  }
}
