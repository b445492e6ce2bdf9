// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import io.holdfast.flush.Granularity;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import java.nio.file.Path;

/** Ours. Puts do not ask for the old value; a get makes a new array. */
final class HoldfastStore implements Store, Store.Session {
  /** What a map takes for each entry, generously. */
  private static final long ENTRY_BYTES = 512;

  private static final long LEAST_BYTES = 32L << 20;

  private final PersistentRegion region;
  private final Pool pool;
  private final PersistentMap<String, byte[]> map;
  private final String[] keys;

  HoldfastStore(Path folder, int entries, Granularity granularity) {
    long bytes = Math.max(LEAST_BYTES, entries * ENTRY_BYTES);
    this.region = Setting.region(folder.resolve("map" + granularity), bytes, granularity);
    this.pool = Pool.create(region, "bench");
    this.map = pool.root("map", Type.map(Codec.STRING, Codec.BYTES));
    this.keys = Keys.texts(entries);
  }

  @Override
  public String description() {
    return "each put a transaction; " + Setting.medium(region);
  }

  @Override
  public void load(int key, byte[] value) {
    map.put(keys[key], value);
  }

  @Override
  public Session session() {
    return this;
  }

  @Override
  public void put(int key, byte[] value) {
    map.set(keys[key], value);
  }

  @Override
  public byte[] get(int key, byte[] own) {
    return map.get(keys[key]);
  }

  @Override
  public void close() {
    pool.close();
    region.close();
  }
}
