// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

/**
 * Asked in every round of every loop of a mutant, so that its threads can be ended: a mutant may
 * loop for ever, and the ones after it should have the processor for themselves. Each {@link
 * MutantLoader} has one of its own.
 */
public final class MutantEnd {
  private static volatile boolean reached;

  private MutantEnd() {}

  /** Throws once the end is reached. */
  public static void check() {
    if (reached) {
      throw new Reached();
    }
  }

  /** Ends all loops, also those that are to begin. */
  public static void reach() {
    reached = true;
  }

  /** What ends a thread, which nothing should catch. */
  private static final class Reached extends Error {
    private static final long serialVersionUID = 1;
  }
}
