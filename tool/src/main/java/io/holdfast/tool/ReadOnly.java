// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import io.holdfast.flush.HoldfastException;
import io.holdfast.heap.Pool;
import io.holdfast.heap.PoolBuilder;
import java.nio.file.Path;

/**
 * A pool that is looked at, and not changed. Pages of different ages are accepted, because this is
 * how one finds out what is left.
 *
 * @param pool the pool
 * @param powerLost whether its pages may be of different ages
 */
record ReadOnly(Pool pool, boolean powerLost) implements AutoCloseable {
  static ReadOnly open(Path file, String layout) {
    PoolBuilder builder = Pool.at(file);
    builder = layout == null ? builder.anyLayout() : builder.layout(layout);
    try {
      return new ReadOnly(builder.openReadOnly(), false);
    } catch (HoldfastException.PowerLost e) {
      return new ReadOnly(builder.acceptPowerLoss().openReadOnly(), true);
    }
  }

  /** How the last opener left the pool. */
  String lastClose() {
    if (powerLost) {
      return "power was lost while it was open with durability process:"
          + " pages may be of different ages, and opening it needs an explicit acceptance";
    }
    if (pool.recovery().clean()) {
      return "in order";
    }
    return "not in order: the next opening carries out %d transactions and rolls back %d"
        .formatted(pool.recovery().rolledForward(), pool.recovery().rolledBack());
  }

  @Override
  public void close() {
    pool.close();
  }
}
