// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

/**
 * The committed transactions whose lines in a ring must stay: a queue of {start, order number}. Its
 * capacity is a power of two.
 */
final class Retained {
  private long[] pairs = new long[32];
  private int head;
  private int size;

  boolean isEmpty() {
    return size == 0;
  }

  /** Where the oldest one begins. */
  long firstStart() {
    return pairs[2 * head];
  }

  /** The order number of the oldest one. */
  long firstNumber() {
    return pairs[2 * head + 1];
  }

  void add(long start, long number) {
    int capacity = pairs.length / 2;
    if (size == capacity) {
      long[] larger = new long[2 * pairs.length];
      int straight = pairs.length - 2 * head;
      System.arraycopy(pairs, 2 * head, larger, 0, straight);
      System.arraycopy(pairs, 0, larger, straight, 2 * head);
      pairs = larger;
      head = 0;
      capacity *= 2;
    }
    int tail = head + size++ & capacity - 1;
    pairs[2 * tail] = start;
    pairs[2 * tail + 1] = number;
  }

  void removeFirst() {
    head = head + 1 & pairs.length / 2 - 1;
    size--;
  }
}
