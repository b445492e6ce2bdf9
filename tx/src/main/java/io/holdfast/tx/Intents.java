// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import java.util.Arrays;

/**
 * The allocations and frees of a transaction, in order. A block that is freed by the transaction
 * that allocated it cancels its allocation, and neither reaches the log.
 */
final class Intents {
  private static final int STRIDE = 3;
  private static final int CANCEL = 0;

  // Triplets: {kind | bit | word, block, bytes}, or {CANCEL, index of the allocation, 0}.
  private long[] items = new long[16 * STRIDE];
  private int count;
  private int net;

  int count() {
    return count;
  }

  /** Whether all that was allocated was taken back, and nothing was freed. */
  boolean isVoid() {
    return net == 0;
  }

  /** Adds an allocation or a free; returns its index. */
  int add(int kind, long word, int bit, long block, long bytes) {
    push(LogLayout.entry(kind, bit, word), block, bytes);
    net++;
    return count - 1;
  }

  /** Takes an allocation back. */
  void cancel(int index) {
    push(CANCEL, index, 0);
    net--;
  }

  private void push(long first, long second, long third) {
    if (count * STRIDE == items.length) {
      items = Arrays.copyOf(items, 2 * items.length);
    }
    items[count * STRIDE] = first;
    items[count * STRIDE + 1] = second;
    items[count * STRIDE + 2] = third;
    count++;
  }

  /** Forgets all after the first {@code size}. */
  void truncate(int size) {
    for (int i = size; i < count; i++) {
      net += items[i * STRIDE] == CANCEL ? 1 : -1;
    }
    count = size;
  }

  void clear() {
    if (count > 0) {
      count = 0;
      net = 0;
    }
  }

  /**
   * Marks cancelled allocations, so that {@link #isDead} knows them. To be called once, at the end.
   */
  void settle() {
    for (int i = 0; i < count; i++) {
      if (items[i * STRIDE] == CANCEL) {
        items[(int) items[i * STRIDE + 1] * STRIDE] = CANCEL;
      }
    }
  }

  /** Whether an item is a cancellation or was cancelled; after {@link #settle}. */
  boolean isDead(int index) {
    return items[index * STRIDE] == CANCEL;
  }

  /** The first word of the log entry. */
  long entry(int index) {
    return items[index * STRIDE];
  }

  long block(int index) {
    return items[index * STRIDE + 1];
  }

  long bytes(int index) {
    return items[index * STRIDE + 2];
  }
}
