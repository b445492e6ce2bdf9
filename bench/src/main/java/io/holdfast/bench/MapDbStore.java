// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.nio.file.Path;
import org.mapdb.DB;
import org.mapdb.DBMaker;
import org.mapdb.HTreeMap;
import org.mapdb.Serializer;

/**
 * MapDB in a file, with its write-ahead log. Through a channel: a mapped file takes ten times as
 * long for a commit, which makes and maps a new log each time.
 */
final class MapDbStore implements Store, Store.Session {
  private final DB db;
  private final HTreeMap<byte[], byte[]> map;
  private final byte[][] keys;

  MapDbStore(Path folder, int entries) {
    db =
        DBMaker.fileDB(folder.resolve("mapdb").toFile())
            .fileChannelEnable()
            .transactionEnable()
            .make();
    map = db.hashMap("map", Serializer.BYTE_ARRAY, Serializer.BYTE_ARRAY).create();
    keys = Keys.bytes(entries);
  }

  @Override
  public String description() {
    return "a file through a channel and a write-ahead log, a commit for each put; one writer at a time, since a"
        + " commit takes along what others have half done";
  }

  @Override
  public void load(int key, byte[] value) {
    map.put(keys[key], value);
  }

  @Override
  public void loaded() {
    db.commit();
  }

  @Override
  public Session session() {
    return this;
  }

  @Override
  public void put(int key, byte[] value) {
    synchronized (db) {
      map.put(keys[key], value);
      db.commit();
    }
  }

  @Override
  public byte[] get(int key, byte[] own) {
    return map.get(keys[key]);
  }

  @Override
  public void close() {
    db.close();
  }
}
