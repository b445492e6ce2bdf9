// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A {@link ConcurrentHashMap} that shares no array with its caller. Its keys are equal to those
 * that it is asked for, and not the same objects, as where they come with requests.
 */
final class PlainStore implements Store, Store.Session {
  private final ConcurrentHashMap<String, byte[]> map;
  private final String[] keys;

  PlainStore(int entries) {
    map = new ConcurrentHashMap<>(2 * entries);
    keys = Keys.texts(entries);
  }

  @Override
  public String description() {
    return "in memory, lost with the process; values are copied on the way in and out";
  }

  @Override
  public void load(int key, byte[] value) {
    byte[] copy = keys[key].getBytes(StandardCharsets.US_ASCII);
    map.put(new String(copy, StandardCharsets.US_ASCII), value.clone());
  }

  @Override
  public Session session() {
    return this;
  }

  @Override
  public void put(int key, byte[] value) {
    map.put(keys[key], value.clone());
  }

  @Override
  public byte[] get(int key, byte[] own) {
    return map.get(keys[key]).clone();
  }

  @Override
  public void close() {}
}
