// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.Partitions;
import io.holdfast.flush.PersistentRegion;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pools side by side in one file. */
class PoolInPartitionTest {
  private static final Type<PersistentMap<Long, Long>> MAP = Type.map(Codec.LONG, Codec.LONG);

  @TempDir Path folder;

  private Path file;

  @BeforeEach
  void divide() {
    file = folder.resolve("divided");
    Partitions.create(file, 32 << 20);
  }

  private static PoolBuilder at(Path path) {
    return Pool.at(path).size(4 << 20);
  }

  @Test
  void pools_sideBySide_keepWhatTheyHave() {
    try (Pool one = at(file.resolve("one")).create();
        Pool two = at(file.resolve("two")).openOrCreate()) {
      for (long i = 0; i < 1000; i++) {
        one.root("map", MAP).put(i, i);
        two.root("map", MAP).put(i, -i);
      }
    }
    try (Pool one = at(file.resolve("one")).openOrCreate();
        Pool two = at(file.resolve("two")).openReadOnly()) {
      assertEquals(7, one.root("map", MAP).get(7L));
      assertEquals(-7, two.root("map", MAP).get(7L));
      assertEquals(1000, two.root("map", MAP).size());
      assertTrue(one.check().isClean());
    }
  }

  @Test
  void pool_growsIntoWhatIsFree() {
    try (Pool pool = at(file.resolve("wall")).create();
        Pool growing = at(file.resolve("growing")).maxSize(16 << 20).create();
        Pool beside = at(file.resolve("beside")).create()) {
      assertEquals(4 << 20, pool.info().size());
      growing.run(tx -> growing.allocate(tx, 9 << 20));
      assertTrue(growing.info().size() > 9 << 20);
      assertEquals(4 << 20, beside.info().size());
      assertThrows(
          PoolException.OutOfPoolSpace.class,
          () -> growing.run(tx -> growing.allocate(tx, 9 << 20)));
    }
    try (Pool growing = at(file.resolve("growing")).open()) {
      assertTrue(growing.info().size() > 9 << 20);
      assertEquals(List.of(), growing.check().problems());
    }
  }

  @Test
  void creationThatFails_leavesNoPartition() {
    Path tooSmall = file.resolve("small");
    PoolBuilder builder = Pool.at(tooSmall).size(4 << 20).maxSize(1L << 40);
    assertThrows(IllegalArgumentException.class, builder::create);
    assertFalse(PersistentRegion.exists(tooSmall));
    HoldfastException e =
        assertThrows(HoldfastException.NoSpace.class, () -> at(tooSmall).size(64 << 20).create());
    assertTrue(e.getMessage().contains("no space in " + file), e.getMessage());
    assertFalse(PersistentRegion.exists(tooSmall));
  }

  @Test
  void allOfADividedFile_isNotOverwritten() {
    at(file.resolve("a")).create().close();
    try (PersistentRegion whole = PersistentRegion.open(file)) {
      assertThrows(IllegalArgumentException.class, () -> Pool.create(whole, "test"));
      assertThrows(IllegalArgumentException.class, () -> VolatileMemory.over(whole));
    }
    at(file.resolve("a")).open().close();
  }

  @Test
  void partitionWithoutAPool_refused() {
    Partitions.of(file).create("empty", 4 << 20);
    assertThrows(PoolException.NotAPool.class, at(file.resolve("empty"))::open);
    assertThrows(HoldfastException.FileUnusable.class, at(file.resolve("none"))::open);
  }
}
