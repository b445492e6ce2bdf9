// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import io.holdfast.flush.Granularity;
import java.nio.file.Path;

/** The maps that are measured. */
enum MapKind {
  HOLDFAST_PROCESS("holdfast, PROCESS"),
  HOLDFAST_LINES("holdfast, cache lines"),
  PLAIN("ConcurrentHashMap, copying"),
  CHRONICLE("Chronicle Map"),
  LMDB("LMDB"),
  ROCKSDB("RocksDB"),
  MAPDB("MapDB"),
  H2_EACH("H2 MVStore, commit each"),
  H2_LATER("H2 MVStore, auto-commit");

  private final String title;

  MapKind(String title) {
    this.title = title;
  }

  String title() {
    return title;
  }

  boolean isOurs() {
    return this == HOLDFAST_PROCESS || this == HOLDFAST_LINES;
  }

  Store open(Path folder, int entries) throws Exception {
    return switch (this) {
      case HOLDFAST_PROCESS -> new HoldfastStore(folder, entries, Granularity.NONE);
      case HOLDFAST_LINES -> new HoldfastStore(folder, entries, Granularity.LINE);
      case PLAIN -> new PlainStore(entries);
      case CHRONICLE -> new ChronicleStore(folder, entries, MapWorker.VALUE_BYTES);
      case LMDB -> new LmdbStore(folder, entries, MapWorker.VALUE_BYTES);
      case ROCKSDB -> new RocksStore(folder, entries);
      case MAPDB -> new MapDbStore(folder, entries);
      case H2_EACH -> new H2Store(folder, entries, H2Store.Commit.EACH);
      case H2_LATER -> new H2Store(folder, entries, H2Store.Commit.LATER);
    };
  }
}
