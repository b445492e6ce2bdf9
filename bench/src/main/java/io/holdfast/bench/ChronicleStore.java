// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.IOException;
import java.nio.file.Path;
import net.openhft.chronicle.map.ChronicleMap;

/** Chronicle Map in a file, which is mapped as ours is. */
final class ChronicleStore implements Store, Store.Session {
  private final ChronicleMap<byte[], byte[]> map;
  private final byte[][] keys;

  ChronicleStore(Path folder, int entries, int valueBytes) throws IOException {
    keys = Keys.bytes(entries);
    map =
        ChronicleMap.of(byte[].class, byte[].class)
            .entries(entries)
            .constantKeySizeBySample(keys[0])
            .constantValueSizeBySample(new byte[valueBytes])
            .putReturnsNull(true)
            .createPersistedTo(folder.resolve("chronicle").toFile());
  }

  @Override
  public String description() {
    return "persisted to a file, with the checksums that its recovery needs; no transactions: a kill"
        + " can leave locks taken and an entry torn, and the recovery has to be asked for";
  }

  @Override
  public void load(int key, byte[] value) {
    put(key, value);
  }

  @Override
  public Session session() {
    return this;
  }

  @Override
  public void put(int key, byte[] value) {
    map.put(keys[key], value);
  }

  @Override
  public byte[] get(int key, byte[] own) {
    return map.getUsing(keys[key], own);
  }

  @Override
  public void close() {
    map.close();
  }
}
