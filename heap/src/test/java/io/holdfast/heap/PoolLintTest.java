// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.PersistLint;
import io.holdfast.flush.PersistentRegion;
import org.junit.jupiter.api.Test;

/** Pools that live through everything, watched for broken rules of persistent memory. */
class PoolLintTest {
  private static final int SIZE = SamplePool.SIZE;

  @Test
  @PersistLint(size = SIZE)
  void life_ofAPool_breaksNoRule(PersistentRegion region) {
    try (Pool pool = Pool.create(region, SamplePool.LAYOUT)) {
      SamplePool.fill(pool);
    }
    for (int i = 0; i < 2; i++) {
      try (Pool pool = Pool.open(region, SamplePool.LAYOUT)) {
        SamplePool.useAll(pool);
      }
    }
  }

  @Test
  @PersistLint(size = 2 * SIZE)
  void growth_breaksNoRule(PersistentRegion region) {
    try (Pool pool = Pool.create(region, SamplePool.LAYOUT, SIZE / 2)) {
      SamplePool.fill(pool);
      pool.root("large", Type.block(SIZE));
      assertTrue(pool.info().size() > SIZE);
      SamplePool.useAll(pool);
    }
    try (Pool pool = Pool.open(region, SamplePool.LAYOUT)) {
      assertTrue(pool.info().size() > SIZE);
    }
  }

  /** Without a close, the next opening has something to recover. */
  @Test
  @PersistLint(size = SIZE)
  void recovery_breaksNoRule(PersistentRegion region) {
    Pool left = Pool.create(region, SamplePool.LAYOUT);
    SamplePool.fill(left);
    try (Pool pool = Pool.open(region, SamplePool.LAYOUT)) {
      SamplePool.assertWhole(pool);
      assertFalse(pool.recovery().clean());
      pool.root("names", SamplePool.NAMES).put(1L, "other");
    }
  }
}
