// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.lmdbjava.Dbi;
import org.lmdbjava.DbiFlags;
import org.lmdbjava.Env;
import org.lmdbjava.EnvFlags;
import org.lmdbjava.Txn;

/** LMDB, which writes into its mapped file and never syncs. */
final class LmdbStore implements Store {
  private static final long ENTRY_BYTES = 1024;
  private static final long LEAST_BYTES = 64L << 20;

  private final Env<ByteBuffer> env;
  private final Dbi<ByteBuffer> map;
  private final byte[][] keys;
  private final int valueBytes;
  private final LmdbSession loader;

  LmdbStore(Path folder, int entries, int valueBytes) throws IOException {
    Path home = Files.createDirectory(folder.resolve("lmdb"));
    env =
        Env.create()
            .setMapSize(Math.max(LEAST_BYTES, entries * ENTRY_BYTES))
            .open(
                home.toFile(),
                EnvFlags.MDB_NOSYNC,
                EnvFlags.MDB_WRITEMAP,
                EnvFlags.MDB_NOTLS,
                EnvFlags.MDB_NORDAHEAD);
    map = env.openDbi("map".getBytes(StandardCharsets.US_ASCII), DbiFlags.MDB_CREATE);
    keys = Keys.bytes(entries);
    this.valueBytes = valueBytes;
    loader = new LmdbSession();
  }

  @Override
  public String description() {
    return "MDB_WRITEMAP and MDB_NOSYNC: survives the process, not a power failure; each put a"
        + " transaction; one writer at a time";
  }

  @Override
  public void load(int key, byte[] value) {
    loader.put(key, value);
  }

  @Override
  public Session session() {
    return new LmdbSession();
  }

  @Override
  public void close() {
    env.close();
  }

  /** Buffers, and a reader that is renewed rather than begun, which is cheaper. */
  private final class LmdbSession implements Session {
    private final ByteBuffer keyBuffer = ByteBuffer.allocateDirect(keys[0].length);
    private final ByteBuffer valueBuffer = ByteBuffer.allocateDirect(valueBytes);
    private final Txn<ByteBuffer> reader = env.txnRead();

    LmdbSession() {
      reader.reset();
    }

    @Override
    public void put(int key, byte[] value) {
      keyBuffer.clear().put(keys[key]).flip();
      valueBuffer.clear().put(value).flip();
      try (Txn<ByteBuffer> writer = env.txnWrite()) {
        map.put(writer, keyBuffer, valueBuffer);
        writer.commit();
      }
    }

    @Override
    public byte[] get(int key, byte[] own) {
      keyBuffer.clear().put(keys[key]).flip();
      reader.renew();
      map.get(reader, keyBuffer).get(own);
      reader.reset();
      return own;
    }
  }
}
