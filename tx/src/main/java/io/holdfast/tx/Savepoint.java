// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

/**
 * A moment inside a transaction to which it can go back, as often as need be. Of use to the
 * transaction that made it, until that goes back beyond it.
 */
public final class Savepoint {
  private final long writes;
  private final int intents;
  private final int freshRanges;
  private final int frames;
  private final int commitHooks;
  private final int abortHooks;
  private final Object attached;

  Savepoint(
      long writes,
      int intents,
      int freshRanges,
      int frames,
      int commitHooks,
      int abortHooks,
      Object attached) {
    this.writes = writes;
    this.intents = intents;
    this.freshRanges = freshRanges;
    this.frames = frames;
    this.commitHooks = commitHooks;
    this.abortHooks = abortHooks;
    this.attached = attached;
  }

  long writes() {
    return writes;
  }

  int intents() {
    return intents;
  }

  int freshRanges() {
    return freshRanges;
  }

  int frames() {
    return frames;
  }

  int commitHooks() {
    return commitHooks;
  }

  int abortHooks() {
    return abortHooks;
  }

  Object attached() {
    return attached;
  }
}
