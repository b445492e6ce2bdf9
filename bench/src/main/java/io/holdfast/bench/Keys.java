// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.nio.charset.StandardCharsets;

/** The keys of a map, made before anything counts. */
final class Keys {
  private Keys() {}

  static String[] texts(int count) {
    String[] keys = new String[count];
    for (int i = 0; i < count; i++) {
      keys[i] = "key-%012d".formatted(i);
    }
    return keys;
  }

  static byte[][] bytes(int count) {
    byte[][] keys = new byte[count][];
    for (int i = 0; i < count; i++) {
      keys[i] = "key-%012d".formatted(i).getBytes(StandardCharsets.US_ASCII);
    }
    return keys;
  }
}
