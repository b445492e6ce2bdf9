// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

/**
 * A range of bytes.
 *
 * @param from the first one
 * @param bytes how many
 */
record ByteRange(long from, long bytes) {
  long end() {
    return from + bytes;
  }

  boolean overlaps(ByteRange other) {
    return from < other.end() && other.from() < end();
  }
}
