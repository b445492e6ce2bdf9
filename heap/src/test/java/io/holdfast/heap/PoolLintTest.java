// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.PersistLint;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Transaction;
import java.lang.foreign.MemorySegment;
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
  @PersistLint(size = SIZE)
  void logsAndBlocks_breakNoRule(PersistentRegion region) {
    try (Pool pool = Pool.create(region, SamplePool.LAYOUT)) {
      PersistentLog log = pool.root("log", Type.log());
      PersistentBlocks blocks = pool.root("blocks", Type.blocks(512, 3000));
      for (int i = 0; i < 20; i++) {
        log.append(new byte[500 * i]);
        blocks.write(i % 3, new byte[512]);
      }
      try (Transaction tx = pool.begin()) {
        tx.edit(log).append(MemorySegment.ofArray(new byte[100]));
        tx.edit(log).append(MemorySegment.ofArray(new byte[66_000]));
        tx.edit(blocks).write(0, MemorySegment.ofArray(new byte[512])).trim(1);
      }
      log.append(new byte[50]);
      log.truncate(log.walk(0, (position, record) -> record.byteSize() < 4000));
      assertThrows(
          PoolException.OutOfPoolSpace.class,
          () -> {
            for (int i = 0; ; i++) {
              blocks.write(i, new byte[512]);
            }
          });
      blocks.write(0, new byte[512]);
      blocks.write(1, new byte[512]);
      blocks.trim(2);
      log.clear();
    }
    try (Pool pool = Pool.open(region, SamplePool.LAYOUT)) {
      pool.root("log", Type.log()).append(new byte[10]);
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
