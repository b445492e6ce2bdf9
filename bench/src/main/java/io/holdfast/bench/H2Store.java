// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.nio.file.Path;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;
import org.h2.mvstore.type.ByteArrayDataType;
import org.h2.mvstore.type.StringDataType;

/** MVStore, the storage of the database H2. */
final class H2Store implements Store, Store.Session {
  /** When a put gets into the file. */
  enum Commit {
    EACH("each put is committed, which writes a chunk of the file, without sync"),
    LATER("written about once in a second, which is what a kill loses");

    private final String description;

    Commit(String description) {
      this.description = description;
    }
  }

  private final Commit commit;
  private final MVStore store;
  private final MVMap<String, byte[]> map;
  private final String[] keys;

  H2Store(Path folder, int entries, Commit commit) {
    this.commit = commit;
    MVStore.Builder builder =
        new MVStore.Builder().fileName(folder.resolve("h2-" + commit).toString());
    store = (commit == Commit.EACH ? builder.autoCommitDisabled() : builder).open();
    store.setRetentionTime(0); // else the file grows by all that was written in 45 s
    map =
        store.openMap(
            "map",
            new MVMap.Builder<String, byte[]>()
                .keyType(StringDataType.INSTANCE)
                .valueType(ByteArrayDataType.INSTANCE));
    keys = Keys.texts(entries);
  }

  @Override
  public String description() {
    return commit.description;
  }

  @Override
  public void load(int key, byte[] value) {
    map.put(keys[key], value.clone());
  }

  @Override
  public void loaded() {
    store.commit();
  }

  @Override
  public Session session() {
    return this;
  }

  @Override
  public void put(int key, byte[] value) {
    map.put(keys[key], value.clone());
    if (commit == Commit.EACH) {
      store.commit();
    }
  }

  @Override
  public byte[] get(int key, byte[] own) {
    byte[] shared = map.get(keys[key]);
    System.arraycopy(shared, 0, own, 0, own.length);
    return own;
  }

  @Override
  public void close() {
    store.close();
  }
}
