// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.tx.Transaction;
import java.util.Map;
import java.util.Objects;

/** Hash maps. */
final class MapType<K, V> extends Type<PersistentMap<K, V>> {
  private final Codec<K> keys;
  private final MapValues<V> values;

  MapType(Codec<K> keys, MapValues<V> values) {
    this.keys = Objects.requireNonNull(keys, "keys");
    this.values = values;
  }

  Codec<K> keys() {
    return keys;
  }

  MapValues<V> values() {
    return values;
  }

  @Override
  long create(Pool pool, Transaction tx) {
    return HashIndex.create(pool, tx);
  }

  @Override
  PersistentMap<K, V> open(Pool pool, long offset) {
    return new StoredMap<>(pool, this, pool.index(offset));
  }

  @Override
  void free(Pool pool, Transaction tx, long offset) {
    pool.index(offset).free(pool.participant(tx));
  }

  @Override
  String reference() {
    return "map<" + TypeText.checkCodec(keys.signature()) + ", " + values.signature() + ">";
  }

  @Override
  void define(Map<String, String> definitions) {
    values.define(definitions);
  }
}
