// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx.spi;

import io.holdfast.flush.StackRoom;

/**
 * How much of the stack is {@linkplain StackRoom#require asked for}, and by what. Each asks for
 * more than what may follow or be a part of it, so that this is not refused in its midst: who could
 * begin can commit at the same depth, and a commit that fails can be aborted.
 */
public final class RoomFor {
  /** A look at what was not needed yet, under a lock; it may be a part of anything. */
  public static final long A_LOOK = 32 << 10;

  /** One step of a change, or an abort. */
  public static final long A_STEP = 48 << 10;

  /** A change of several steps that belong together. */
  public static final long A_CHANGE = 64 << 10;

  /** A commit, which changes several things at its end. */
  public static final long A_COMMIT = 80 << 10;

  /** What has a commit or an abort at its end; and opening and closing lanes. */
  public static final long A_TRANSACTION = 96 << 10;

  /** What has whole transactions in it, or closes lanes, and more to do when they have ended. */
  public static final long TRANSACTIONS = 128 << 10;

  private RoomFor() {}
}
