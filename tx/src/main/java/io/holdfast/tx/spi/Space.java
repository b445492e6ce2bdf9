// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx.spi;

import io.holdfast.tx.Editable;
import io.holdfast.tx.Transaction;
import java.util.function.LongUnaryOperator;

/**
 * What lanes ask of those who lay out the region beside the log: units to claim, room for a long
 * log, and a judgement on what a log found at open wants to write.
 */
public interface Space {
  /**
   * The units that are claimed when a byte, and what is around it, is written.
   *
   * @param offset a byte
   * @param into is set to a part of the region in which the byte is. What it says must stay true as
   *     long as one of its units is claimed by a transaction that frees nothing.
   */
  void units(long offset, Units into);

  /**
   * Throws unless a user may name a range by its offset.
   *
   * @param tx the transaction in which
   * @param offset the first byte
   * @param length how many
   */
  void checkUserRange(Transaction tx, long offset, long length);

  /**
   * Whether an entry of a log may store to a range of whole words.
   *
   * @param offset the first byte
   * @param length how many bytes
   * @return false if the log cannot be sound
   */
  boolean mayStore(long offset, long length);

  /**
   * Whether an entry of a log may allocate or free a block.
   *
   * @param word the bitmap word
   * @param bit its bit
   * @param block the block
   * @param length its bytes
   * @return false if the log cannot be sound
   */
  boolean mayAllocate(long word, int bit, long block, long length);

  /**
   * Whether {@link #validate} may ask for a word.
   *
   * @param offset the word
   * @return true if it may
   */
  boolean isJudged(long offset);

  /**
   * Judges everything but user data, as it will be once the log is carried out. Called before the
   * first store of an open; throws to have the open refused with nothing changed.
   *
   * @param word reads an aligned word as recovery will leave it
   */
  void validate(LongUnaryOperator word);

  /**
   * Room for a log that outgrows its ring: memory that is marked free and stays so. It is given
   * back when nothing in it is needed, or forgotten in a crash.
   *
   * @param bytes how much is wanted
   * @return the room, perhaps less than was wanted, or null if there is none
   */
  Extension takeExtension(long bytes);

  /**
   * Makes more room for {@link #takeExtension}, when there is none and nothing waits to be given
   * back. Called with a lane's latch held: must not wait for any lane.
   *
   * @param bytes how much is wanted
   * @return whether it is worth trying again
   */
  default boolean grow(long bytes) {
    return false;
  }

  /**
   * Takes room back.
   *
   * @param extension what {@link #takeExtension} gave
   */
  void giveExtension(Extension extension);

  /**
   * The view through which a transaction edits something.
   *
   * @param tx the transaction
   * @param target what to edit
   * @return the view
   */
  Object edit(Transaction tx, Editable<?> target);

  /**
   * Room for a log.
   *
   * @param offset where, a multiple of 64
   * @param bytes how much, a multiple of 64
   */
  record Extension(long offset, long bytes) {}
}
