// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.HoldfastException;

/** What can go wrong with a transaction. None of these leaves it half done. */
public class TransactionException extends HoldfastException {
  private static final long serialVersionUID = 1L;

  TransactionException(String message) {
    super(message);
  }

  TransactionException(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * An {@link Error} came out of an operation of the transaction, was caught by its body, and the
   * transaction was to be committed all the same. What it had gathered may be a part of something:
   * it was aborted. The cause is that error.
   */
  public static final class BrokenOff extends TransactionException {
    private static final long serialVersionUID = 1L;

    BrokenOff(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /**
   * Another open transaction has claimed what this one wants to write. Abort and try again, as
   * {@link Lanes#run} does by itself.
   */
  public static final class Conflict extends TransactionException {
    private static final long serialVersionUID = 1L;
    private final boolean retryable;

    Conflict(String message, boolean retryable) {
      super(message);
      this.retryable = retryable;
    }

    /**
     * Whether trying again can help: not if the holder is a transaction of the same thread, which
     * could never end meanwhile.
     *
     * @return true if the holder will go on without this thread
     */
    public boolean retryable() {
      return retryable;
    }
  }

  /** The transaction was committed or aborted, or its lanes were closed. */
  public static final class Ended extends TransactionException {
    private static final long serialVersionUID = 1L;

    Ended(String message) {
      super(message);
    }
  }

  /** Another thread than the one that began it uses the transaction. */
  public static final class WrongThread extends TransactionException {
    private static final long serialVersionUID = 1L;

    WrongThread(String message) {
      super(message);
    }
  }

  /**
   * The transaction needs more log than there is, or than others let go of; the message says which.
   */
  public static final class LogFull extends TransactionException {
    private static final long serialVersionUID = 1L;

    LogFull(String message) {
      super(message);
    }
  }

  /** Every lane is taken, and stayed so. */
  public static final class LaneTimeout extends TransactionException {
    private static final long serialVersionUID = 1L;

    LaneTimeout(String message) {
      super(message);
    }
  }
}
