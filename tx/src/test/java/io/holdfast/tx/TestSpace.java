// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.Space;
import io.holdfast.tx.spi.Units;
import java.util.ArrayDeque;
import java.util.function.LongUnaryOperator;

/**
 * A heap in miniature, so that the log can be tested without one. After the log come words, each on
 * a line of its own, the last of them a bitmap; then small blocks; then room for extensions of
 * logs.
 */
final class TestSpace implements Space {
  static final int WORDS = 16;
  static final int BLOCKS = 4;
  static final int BLOCK_BYTES = 64;
  static final int EXTENSION_BYTES = 2048;

  /** At the end, that no log may speak of. */
  static final int FORBIDDEN_BYTES = 8;

  static final int EXTENSIONS = 2;

  private final PersistentRegion region;
  private final LogLayout layout;
  private final ArrayDeque<Extension> free = new ArrayDeque<>();

  TestSpace(PersistentRegion region, LogLayout layout) {
    this(region, layout, EXTENSION_BYTES);
  }

  /** One that gives so little for a log. */
  TestSpace(PersistentRegion region, LogLayout layout, int extensionBytes) {
    this.region = region;
    this.layout = layout;
    for (int i = 0; i < EXTENSIONS; i++) {
      free.add(new Extension(block(BLOCKS) + (long) i * EXTENSION_BYTES, extensionBytes));
    }
  }

  static long bytes(LogLayout layout) {
    return layout.end() + WORDS * 64L + BLOCKS * BLOCK_BYTES + (long) EXTENSIONS * EXTENSION_BYTES;
  }

  /** A word to be set. */
  long word(int index) {
    return layout.end() + 64L * index;
  }

  long bitmap() {
    return word(WORDS - 1);
  }

  long block(int index) {
    return layout.end() + 64L * WORDS + (long) index * BLOCK_BYTES;
  }

  /** How many extensions nobody has. */
  int freeExtensions() {
    return free.size();
  }

  /** Takes a block in a transaction, and fills it in place. */
  void allocate(Transaction tx, int block, long content) {
    tx.workspace().intend(LogLayout.ALLOCATE, bitmap(), block, block(block), BLOCK_BYTES);
    region.putLong(block(block), content);
    tx.workspace().filled(block(block), 8);
  }

  void free(Transaction tx, int block) {
    tx.workspace().intend(LogLayout.FREE, bitmap(), block, block(block), BLOCK_BYTES);
  }

  /** The first word of the last block, which may serve as a bitmap while the block is free. */
  long bitmapInBlock() {
    return block(BLOCKS - 1);
  }

  /** Takes or frees a block by a bit of the bitmap in a block. */
  void intendInBlock(Transaction tx, int kind, int block) {
    tx.workspace().intend(kind, bitmapInBlock(), block, block(block), BLOCK_BYTES);
  }

  /** All words, and the content of each block that is taken. */
  String observe() {
    StringBuilder all = new StringBuilder();
    for (int w = 0; w < WORDS - 1; w++) {
      all.append(region.getLong(word(w))).append(' ');
    }
    long bits = region.getLong(bitmap());
    for (int b = 0; b < BLOCKS; b++) {
      if ((bits >> b & 1) == 1) {
        all.append('[').append(region.getLong(block(b))).append(']');
      } else {
        all.append("[]");
      }
    }
    return all.toString();
  }

  @Override
  public void units(long offset, Units into) {
    into.set(0, region.size(), 6, true);
  }

  @Override
  public void checkUserRange(Transaction tx, long offset, long length) {}

  @Override
  public boolean mayStore(long offset, long length) {
    return offset + length <= region.size() - FORBIDDEN_BYTES;
  }

  @Override
  public boolean mayAllocate(long word, int bit, long block, long length) {
    return (word == bitmap() || word == bitmapInBlock())
        && bit < BLOCKS
        && block == block(bit)
        && length == BLOCK_BYTES;
  }

  @Override
  public boolean isJudged(long offset) {
    return offset == bitmap();
  }

  @Override
  public void validate(LongUnaryOperator word) {
    if (word.applyAsLong(bitmap()) >>> BLOCKS != 0) {
      throw new AssertionError("bits that no block has");
    }
  }

  @Override
  public Extension takeExtension(long bytes) {
    return free.poll();
  }

  @Override
  public void giveExtension(Extension extension) {
    free.push(extension);
  }

  @Override
  public Object edit(Transaction tx, Editable<?> target) {
    throw new IllegalArgumentException();
  }
}
