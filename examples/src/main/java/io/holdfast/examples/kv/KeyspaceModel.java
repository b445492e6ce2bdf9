// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * What the keys of one client should hold, by the requests that it sent in order. Requests are
 * drawn so that each leaves the same, whenever it is carried out; times of expiry are either past
 * or far.
 */
final class KeyspaceModel {
  private static final int KEYS = 12;
  private static final int MOST_BYTES = 300;
  private static final long FAR_MILLIS = 3_600_000;

  private final String prefix;
  private final Map<String, Entry> entries = new HashMap<>();

  /** A value and when it expires, 0 for never. */
  private record Entry(String value, long expiry) {
    Entry with(String other) {
      return new Entry(other, expiry);
    }
  }

  KeyspaceModel(String prefix) {
    this.prefix = prefix;
  }

  KeyspaceModel copy() {
    KeyspaceModel copy = new KeyspaceModel(prefix);
    copy.entries.putAll(entries);
    return copy;
  }

  // ---- requests

  List<String> draw(SplittableRandom random) {
    String key = key(random);
    return switch (random.nextInt(12)) {
      case 0, 1, 2 -> List.of("SET", key, value(random));
      case 3 -> List.of("SET", key, value(random), "PX", "" + FAR_MILLIS);
      case 4 -> List.of("SET", key, value(random), "PXAT", "" + (1 + random.nextInt(1000)));
      case 5 -> List.of("INCRBY", prefix + "count", "" + random.nextInt(1, 10));
      case 6 -> List.of("DEL", key, key(random));
      case 7 -> List.of("APPEND", key, "+");
      case 8 -> List.of("MSET", key, value(random), key(random), value(random));
      case 9 -> List.of("PEXPIRE", key, "" + FAR_MILLIS);
      case 10 -> List.of("PERSIST", key);
      default -> List.of("GETDEL", key);
    };
  }

  private String key(SplittableRandom random) {
    return prefix + random.nextInt(KEYS);
  }

  private static String value(SplittableRandom random) {
    return Long.toString(random.nextLong(), 36).repeat(1 + random.nextInt(MOST_BYTES / 13));
  }

  /** Does to the model what a request does to the server. */
  void apply(List<String> request) {
    String key = request.get(1);
    Entry entry = entries.get(key);
    switch (request.getFirst()) {
      case "SET" -> set(request);
      case "INCRBY" -> {
        long before = entry == null ? 0 : Long.parseLong(entry.value);
        entries.put(key, new Entry("" + (before + Long.parseLong(request.get(2))), 0));
      }
      case "DEL", "GETDEL" -> request.subList(1, request.size()).forEach(entries::remove);
      case "APPEND" ->
          entries.put(key, entry == null ? new Entry("+", 0) : entry.with(entry.value + "+"));
      case "MSET" -> {
        entries.put(key, new Entry(request.get(2), 0));
        entries.put(request.get(3), new Entry(request.get(4), 0));
      }
      case "PEXPIRE" -> entries.computeIfPresent(key, (k, e) -> new Entry(e.value, FAR_MILLIS));
      case "PERSIST" -> entries.computeIfPresent(key, (k, e) -> new Entry(e.value, 0));
      default -> throw new AssertionError(request);
    }
  }

  private void set(List<String> request) {
    String key = request.get(1);
    switch (request.size() == 3 ? "" : request.get(3)) {
      case "" -> entries.put(key, new Entry(request.get(2), 0));
      case "PX" -> entries.put(key, new Entry(request.get(2), FAR_MILLIS));
      default -> entries.remove(key);
    }
  }

  // ---- comparing

  /** The requests that tell everything of this client's keys. */
  List<List<String>> questions() {
    List<List<String>> questions = new ArrayList<>();
    for (String key : keys()) {
      questions.add(List.of("GET", key));
      questions.add(List.of("PTTL", key));
    }
    return questions;
  }

  private List<String> keys() {
    List<String> keys = new ArrayList<>();
    for (int i = 0; i < KEYS; i++) {
      keys.add(prefix + i);
    }
    keys.add(prefix + "count");
    return keys;
  }

  /** The first thing in which replies differ from what they should be; null if they do not. */
  String difference(List<Object> replies) {
    int at = 0;
    for (String key : keys()) {
      Entry entry = entries.get(key);
      Object value = replies.get(at++);
      long ttl = (Long) replies.get(at++);
      String found =
          value instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : null;
      String wanted = entry == null ? null : entry.value;
      if (wanted == null ? found != null : !wanted.equals(found)) {
        return "%s is %s, not %s".formatted(key, found, wanted);
      }
      boolean fits =
          entry == null
              ? ttl == -2
              : entry.expiry == 0 ? ttl == -1 : 0 < ttl && ttl <= entry.expiry;
      if (!fits) {
        return "%s expires in %d, not %s".formatted(key, ttl, entry);
      }
    }
    return null;
  }
}
