// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.TransactionAccess;
import java.lang.foreign.MemorySegment;

/**
 * A transaction that does nothing but give one key of an index another value of the same size: it
 * is written over the old one, in its record. No block is taken or freed, and no slot changes, so
 * that it is one entry in the log, and what it stores is where it has just read.
 *
 * <p>Why that is sound. Until the entry is durable nothing is in place, and a crash after that
 * stores it again. Who writes the key in a transaction has claimed it; who frees the record, too. A
 * split moves the slot and not the record. A reader holds nothing, and could see a part of both
 * values; but the version of the key's stripe is odd while the value is stored, and he reads again.
 * And since it is the first store to a record that a slot read from the medium points to, that must
 * be a block that is taken, and long enough.
 */
final class Overwrite {
  private static final int NONE = -1;

  private final TransactionAccess access = TransactionAccess.get();
  private HashIndex index;
  private long keyHash;
  private int latched = NONE;
  private boolean changing;

  /** Whether it is what the transaction does. */
  boolean isUsed() {
    return index != null;
  }

  /** Makes it what the transaction does, and returns the memory for the new value. */
  MemorySegment begin(Transaction tx, HashIndex in, IndexChange change, int valueBytes) {
    in.checkRecord(change, valueBytes);
    MemorySegment value = access.overwrite(tx, in.valueOf(change), valueBytes);
    index = in;
    keyHash = change.key().hash();
    return value;
  }

  void prepare() {
    latched = index.latchFor(keyHash);
  }

  void applying() {
    changing = true;
    index.stripes().beginChange(1L << latched);
  }

  void applied() {
    index.stripes().endChange(1L << latched);
    changing = false;
  }

  void ended() {
    if (changing) {
      applied();
    }
    if (latched != NONE) {
      index.unlatch(latched);
      latched = NONE;
    }
    index = null;
  }
}
