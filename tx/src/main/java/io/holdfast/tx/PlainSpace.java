// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.Space;
import io.holdfast.tx.spi.Units;
import java.util.function.LongUnaryOperator;

/**
 * A region with a log in it and no heap: all of the rest is the user's, and is claimed by lines.
 */
final class PlainSpace implements Space {
  private static final int LINE_SHIFT = Integer.numberOfTrailingZeros(LogLayout.LINE);

  private final PersistentRegion region;
  private final LogLayout layout;

  PlainSpace(PersistentRegion region, LogLayout layout) {
    this.region = region;
    this.layout = layout;
  }

  @Override
  public void units(long offset, Units into) {
    if (offset < layout.area()) {
      into.set(0, layout.area(), LINE_SHIFT, true);
    } else if (offset >= layout.end()) {
      into.set(layout.end(), region.size(), LINE_SHIFT, true);
    } else {
      into.set(layout.area(), layout.end(), LINE_SHIFT, false);
    }
  }

  @Override
  public void checkUserRange(Transaction tx, long offset, long length) {
    if (offset < 0 || length < 0 || offset > region.size() - length) {
      throw new IndexOutOfBoundsException(
          "not inside the region: offset=%d, length=%d, size=%d"
              .formatted(offset, length, region.size()));
    }
    if (offset < layout.end() && offset + length > layout.area()) {
      throw new IllegalArgumentException(
          "inside the log: offset=%d, length=%d, log=%d to %d"
              .formatted(offset, length, layout.area(), layout.end()));
    }
  }

  @Override
  public boolean mayStore(long offset, long length) {
    return true;
  }

  @Override
  public boolean mayAllocate(long word, int bit, long block, long length) {
    return false;
  }

  @Override
  public boolean isJudged(long offset) {
    return false;
  }

  @Override
  public void validate(LongUnaryOperator word) {}

  @Override
  public Extension takeExtension(long bytes) {
    return null;
  }

  @Override
  public void giveExtension(Extension extension) {
    throw new AssertionError("nothing was taken");
  }

  @Override
  public Object edit(Transaction tx, Editable<?> target) {
    throw new IllegalArgumentException("there is no pool whose object this could be: " + target);
  }
}
