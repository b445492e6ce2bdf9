// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.TransactionAccess;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * What one transaction wants to do to one index: for each key that it named, the record that it
 * shall have, or none. Slots are chosen at the end, when the latches are held.
 */
final class IndexEdit {
  private final TransactionAccess access = TransactionAccess.get();
  private final HashIndex index;
  private final Transaction tx;
  private final HeapParticipant participant;
  private final Map<IndexKey, Long> wanted = new LinkedHashMap<>();
  private final List<Chosen> chosen = new ArrayList<>();
  private SortedSet<Integer> latched = new TreeSet<>();
  private boolean changing;
  private int growth;

  /** A slot, and what goes there instead of what. */
  private record Chosen(long slot, long keyHash, long before, long after) {}

  IndexEdit(HashIndex index, Transaction tx, HeapParticipant participant) {
    this.index = index;
    this.tx = tx;
    this.participant = participant;
  }

  IndexEdit copy() {
    IndexEdit copy = new IndexEdit(index, tx, participant);
    copy.wanted.putAll(wanted);
    return copy;
  }

  /** Goes back to what a copy has kept; to nothing if there is none. Views of this stay valid. */
  void restore(IndexEdit kept) {
    wanted.clear();
    if (kept != null) {
      wanted.putAll(kept.wanted);
    }
  }

  HashIndex index() {
    return index;
  }

  /** Refuses the use after the transaction's end, or in another thread. */
  void checkActive() {
    access.participant(tx);
  }

  void claim(IndexKey key) {
    access.claim(tx, index.claim(key.hash()));
  }

  /** The record that a key shall have: 0 for none, null if this transaction has not changed it. */
  Long wanted(IndexKey key) {
    return wanted.get(key);
  }

  /** All keys that this transaction has changed, with their records. */
  Collection<Map.Entry<IndexKey, Long>> allWanted() {
    return wanted.entrySet();
  }

  /** Makes a record for a key; the value is filled by the caller, at once. */
  long put(IndexKey key, long valueBytes) {
    long record = index.newRecord(participant, key.segment(), key.hash(), valueBytes);
    replace(key, record);
    return record;
  }

  void remove(IndexKey key) {
    replace(key, 0);
  }

  private void replace(IndexKey key, long record) {
    Long before = wanted.put(key, record);
    if (before != null && before != 0) {
      participant.free(before, Span.Kind.RAW);
    }
  }

  // ---- at commit

  /** Splits segments until each key has room by itself. No latch is held before or after. */
  void makeRoom() {
    wanted.forEach((key, record) -> {
      while (record != 0 && !hasRoom(key)) {
        index.split(tx, key.hash());
      }
    });
    // Keys may stand in each other's way, which is seen only when all latches are held.
    if (!chosen.isEmpty()) {
      index.split(tx, chosen.getLast().keyHash);
      chosen.clear();
    }
  }

  private boolean hasRoom(IndexKey key) {
    int stripe = index.latchFor(key.hash());
    try {
      return index.slotOf(tx, key.segment(), key.hash()) != 0
          || index.freeSlot(tx, key.hash(), Set.of()) != 0;
    } finally {
      index.unlatch(stripe);
    }
  }

  void latchAll() {
    latched = index.latchAll(wanted.keySet().stream().map(IndexKey::hash).toList());
  }

  void unlatchAll() {
    latched.forEach(index::unlatch);
    latched = new TreeSet<>();
  }

  /** Chooses all slots; false if one key has none. The last choice then names it. */
  boolean chooseSlots() {
    chosen.clear();
    Set<Long> taken = new HashSet<>();
    for (Map.Entry<IndexKey, Long> entry : wanted.entrySet()) {
      IndexKey key = entry.getKey();
      long slot = index.slotOf(tx, key.segment(), key.hash());
      long before = slot == 0 ? 0 : index.recordAt(tx, slot);
      if (slot == 0 && entry.getValue() != 0) {
        slot = index.freeSlot(tx, key.hash(), taken);
        if (slot == 0) {
          chosen.add(new Chosen(0, key.hash(), 0, 0));
          return false;
        }
        taken.add(slot);
      }
      if (slot != 0) {
        chosen.add(new Chosen(slot, key.hash(), before, entry.getValue()));
      }
    }
    return true;
  }

  void writeSlots() {
    for (Chosen one : chosen) {
      index.writeSlot(tx, one.slot, one.keyHash, one.after);
      if (one.before != 0) {
        participant.free(one.before, Span.Kind.RAW);
      }
      growth += (one.after == 0 ? 0 : 1) - (one.before == 0 ? 0 : 1);
    }
    chosen.clear();
  }

  void applying() {
    changing = true;
    latched.forEach(index.stripes()::beginChange);
  }

  void applied() {
    latched.forEach(index.stripes()::endChange);
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
