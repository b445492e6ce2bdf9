// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

/**
 * What a failure-atomic layer is about to do with memory, said to whoever watches it: a checker can
 * then tell a store that a log covers from one that nothing does.
 */
public enum Declaration {
  /** The thread begins a transaction; no range. */
  BEGIN,
  /** What was said of old contents and allocations does not hold from here on; no range. */
  SAVEPOINT,
  /** The range's old contents are in a log: it may be stored to until the end. */
  SNAPSHOT,
  /** The range's new contents are in a log, decided: they are about to be stored. */
  INTENT,
  /** The range was allocated: it may be stored to until the end, and is durable by then. */
  ALLOCATED,
  /** The range is free: nobody stores to it. */
  FREED,
  /** The range may hold anything after a crash. */
  SCRATCH,
  /** A transaction of the thread has ended; no range. */
  END
}
