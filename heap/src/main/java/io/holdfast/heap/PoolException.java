// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.HoldfastException;

/** What can go wrong with a pool. Nothing that was committed is lost by any of these. */
public class PoolException extends HoldfastException {
  private static final long serialVersionUID = 1L;

  PoolException(String message) {
    super(message);
  }

  PoolException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The file holds no pool: it is another program's, or a creation that did not finish. */
  public static final class NotAPool extends PoolException {
    private static final long serialVersionUID = 1L;

    NotAPool(String message) {
      super(message);
    }
  }

  /** The pool was created for another layout, that is, by another application. */
  public static final class OtherLayout extends PoolException {
    private static final long serialVersionUID = 1L;

    OtherLayout(String asked, String actual, String medium) {
      super(
          "the pool (%s) has layout \"%s\", and \"%s\" was asked for: open it with its own, or take another file"
              .formatted(medium, actual, asked));
    }
  }

  /** A root, or an object behind a reference, has another type than the program thinks. */
  public static final class TypeChanged extends PoolException {
    private static final long serialVersionUID = 1L;

    TypeChanged(String what, String stored, String asked) {
      super(
          "%s has another type:\n  in the pool: %s\n  asked for:   %s\n%s"
              .formatted(
                  what, stored, asked, "use the type that it was made with, or another name"));
    }
  }

  /**
   * There is no room for what was asked, and the pool cannot grow, because it is as large as it may
   * become, or because of the cause. The transaction can go on, and can free.
   */
  public static final class OutOfPoolSpace extends PoolException {
    private static final long serialVersionUID = 1L;
    private final long asked;
    private final long largestFree;

    OutOfPoolSpace(long asked, long largestFree, String medium, HoldfastException refusal) {
      super(
          "the pool is full (%s): asked=%d bytes, largest free=%d bytes: free something, or %s"
              .formatted(
                  medium,
                  asked,
                  largestFree,
                  refusal == null ? "make a larger pool" : "let it grow: " + refusal.getMessage()),
          refusal);
      this.asked = asked;
      this.largestFree = largestFree;
    }

    /**
     * What was wanted.
     *
     * @return bytes
     */
    public long asked() {
      return asked;
    }

    /**
     * The longest range that nobody has.
     *
     * @return bytes
     */
    public long largestFree() {
      return largestFree;
    }
  }

  /** The object was freed, and perhaps its block was given to another since. */
  public static final class ObjectFreed extends PoolException {
    private static final long serialVersionUID = 1L;

    ObjectFreed(long offset) {
      super("the object at offset " + offset + " was freed: get it again from where it is kept");
    }
  }

  /** The pool was opened for reading only. */
  public static final class PoolReadOnly extends PoolException {
    private static final long serialVersionUID = 1L;

    PoolReadOnly(String medium) {
      super("the pool (%s) was opened for reading only: open it to write".formatted(medium));
    }
  }
}
