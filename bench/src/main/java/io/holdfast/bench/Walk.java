// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import io.holdfast.flush.Lines;

/**
 * Which lines an operation touches: the programs in C go the same way. Lines of one operation are
 * 17 apart, so that none is next to another; operations begin 641 apart, so that none soon meets
 * the lines of the one before.
 */
final class Walk {
  /** The bytes that are walked through: 1 MiB. */
  static final long BYTES = 1 << 20;

  private static final long STRIDE = 17;
  private static final long STEP = 641;
  private static final long LINE_MASK = BYTES / Lines.LINE_BYTES - 1;

  private long cursor;

  /** The offset of one of the operation's lines. */
  long offset(int line) {
    return ((cursor + line * STRIDE) & LINE_MASK) * Lines.LINE_BYTES;
  }

  void next() {
    cursor = (cursor + STEP) & LINE_MASK;
  }

  /** The offset of the operation's first line, where all lines are in a row. */
  long row() {
    return cursor * Lines.LINE_BYTES;
  }

  void nextRow(int lines) {
    cursor = (cursor + lines) & LINE_MASK;
  }
}
