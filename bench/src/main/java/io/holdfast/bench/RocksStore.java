// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.nio.file.Path;
import org.rocksdb.CompressionType;
import org.rocksdb.Options;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteOptions;

/** RocksDB with its log, which is written and never synced. */
final class RocksStore implements Store, Store.Session {
  private static final long CACHE_MEGABYTES = 128;

  private final Options options;
  private final WriteOptions unsynced;
  private final ReadOptions unchecked;
  private final RocksDB map;
  private final byte[][] keys;

  RocksStore(Path folder, int entries) throws RocksDBException {
    RocksDB.loadLibrary();
    options =
        new Options()
            .setCreateIfMissing(true)
            .setCompressionType(CompressionType.NO_COMPRESSION)
            .optimizeForPointLookup(CACHE_MEGABYTES);
    unsynced = new WriteOptions().setSync(false);
    unchecked = new ReadOptions().setVerifyChecksums(false);
    map = RocksDB.open(options, folder.resolve("rocksdb").toString());
    keys = Keys.bytes(entries);
  }

  @Override
  public String description() {
    return "write-ahead log without sync: survives the process, not a power failure; set for point"
        + " look-ups, no compression; threads of its own compact";
  }

  @Override
  public void load(int key, byte[] value) throws RocksDBException {
    put(key, value);
  }

  @Override
  public Session session() {
    return this;
  }

  @Override
  public void put(int key, byte[] value) throws RocksDBException {
    map.put(unsynced, keys[key], value);
  }

  @Override
  public byte[] get(int key, byte[] own) throws RocksDBException {
    map.get(unchecked, keys[key], own);
    return own;
  }

  @Override
  public void close() {
    map.close();
    unchecked.close();
    unsynced.close();
    options.close();
  }
}
