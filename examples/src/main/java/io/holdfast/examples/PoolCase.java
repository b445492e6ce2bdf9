// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.crash.CrashCase;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.heap.CheckReport;
import io.holdfast.heap.Pool;
import java.util.SplittableRandom;

/**
 * What cases on a pool have in common. The pool is made from fixed random numbers, so that a token
 * of today tells the same crash tomorrow.
 *
 * @param <M> what the pool holds
 */
abstract class PoolCase<M> implements CrashCase<Pool, M> {
  private static final String LAYOUT = "case";

  /** How many operations the workload has. */
  final int operations;

  PoolCase(int operations) {
    this.operations = operations;
  }

  @Override
  public int size() {
    return 1 << 20;
  }

  @Override
  public void prepare(PersistentRegion region) {
    try (Pool pool = Pool.create(region, LAYOUT, new SplittableRandom(1))) {
      roots(pool);
    }
  }

  /** Makes what operations start from. */
  abstract void roots(Pool pool);

  @Override
  public Pool open(PersistentRegion region) {
    return Pool.open(region, LAYOUT);
  }

  @Override
  public void invariants(Pool pool) {
    CheckReport found = pool.check();
    if (!found.isClean() || !found.leaked().isEmpty()) {
      throw new AssertionError("not sound: " + found);
    }
  }
}
