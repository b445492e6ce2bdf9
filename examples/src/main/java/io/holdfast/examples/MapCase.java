// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;

/** A map with a few keys, put and removed alone and in pairs. */
public final class MapCase extends PoolCase<Map<Long, String>> {
  private static final Type<PersistentMap<Long, String>> MAP = Type.map(Codec.LONG, Codec.STRING);
  private static final int KEYS = 6;

  /**
   * A case.
   *
   * @param operations how many
   */
  public MapCase(int operations) {
    super(operations);
  }

  private static PersistentMap<Long, String> map(Pool pool) {
    return pool.root("map", MAP);
  }

  @Override
  void roots(Pool pool) {
    map(pool);
  }

  @Override
  public void workload(Pool pool, Ops<Map<Long, String>> ops) {
    SplittableRandom random = ops.random();
    PersistentMap<Long, String> map = map(pool);
    for (int i = 0; i < operations; i++) {
      long key = random.nextLong(KEYS);
      long other = random.nextLong(KEYS);
      String value = "x".repeat(random.nextInt(60)) + i;
      switch (random.nextInt(4)) {
        case 0 -> ops.op("remove " + key, model -> model.remove(key), () -> map.remove(key));
        case 1 ->
            ops.op(
                "put %d and remove %d".formatted(key, other),
                model -> {
                  model.put(key, value);
                  model.remove(other);
                },
                () ->
                    pool.run(tx -> {
                      Map<Long, String> edit = tx.edit(map);
                      edit.put(key, value);
                      edit.remove(other);
                    }));
        default -> ops.op("put " + key, model -> model.put(key, value), () -> map.put(key, value));
      }
    }
  }

  @Override
  public Map<Long, String> model() {
    return new TreeMap<>();
  }

  @Override
  public Map<Long, String> observe(Pool pool) {
    return new TreeMap<>(map(pool));
  }
}
