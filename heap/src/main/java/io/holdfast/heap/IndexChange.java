// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

/**
 * What a transaction knows of a key that it has claimed, and what it wants of it. Until the claim
 * ends nobody else changes what the key has, so that it is looked for once; but the slot moves when
 * its segment is split, which the directory word tells.
 */
final class IndexChange {
  private final IndexKey key;
  private long entry;
  private long slot;
  private long before;
  private long after;
  private boolean wanted;

  IndexChange(IndexKey key) {
    this.key = key;
  }

  IndexKey key() {
    return key;
  }

  /** Takes note of where the key is: in which segment, in which slot, with which record; or not. */
  void found(long inEntry, long atSlot, long record) {
    entry = inEntry;
    slot = atSlot;
    before = record;
  }

  /** The directory word of the segment that was looked at. */
  long entry() {
    return entry;
  }

  /** The key's slot in that segment, or 0. */
  long slot() {
    return slot;
  }

  /** The record that is committed, or 0. */
  long before() {
    return before;
  }

  /** The record that the transaction sees, or 0. */
  long record() {
    return wanted ? after : before;
  }

  /** Whether the transaction changes the key. */
  boolean isWanted() {
    return wanted;
  }

  /** The record that the key shall have, or 0. */
  long after() {
    return after;
  }

  void want(long record) {
    wanted = true;
    after = record;
  }

  void unwant() {
    wanted = false;
    after = 0;
  }
}
