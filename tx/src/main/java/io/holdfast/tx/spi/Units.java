// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx.spi;

/**
 * A part of the region that is divided into units: what is claimed when a byte is written. Units
 * are of one size, but for the last one, which ends with the part. Empty until it is set.
 */
public final class Units {
  /** So long that a part is one unit. */
  public static final int WHOLE = Long.SIZE - 1;

  private long start;
  private long end;
  private int shift;
  private boolean named;
  private long follows;

  /** Of nothing. */
  public Units() {}

  /**
   * Takes a part.
   *
   * @param from its first byte
   * @param to the first byte after it
   * @param unitShift units have {@code 1 << unitShift} bytes; {@link #WHOLE} for one unit
   * @param forUsers whether a user may name any range in it by its offset
   */
  public void set(long from, long to, int unitShift, boolean forUsers) {
    start = from;
    end = to;
    shift = unitShift;
    named = forUsers;
    follows = 0;
  }

  /**
   * Says whom a transaction follows that claims one of the units: it need not have claimed any.
   *
   * @param number the order number of the last commit that allocated or freed in this part
   */
  public void follows(long number) {
    follows = number;
  }

  /**
   * Whom a transaction follows that claims one of the units.
   *
   * @return an order number, or 0
   */
  public long follows() {
    return follows;
  }

  /** Takes nothing. */
  public void clear() {
    set(0, 0, 0, false);
  }

  /**
   * Whether another one is the same part, divided in the same way.
   *
   * @param other the other one
   * @return whether it is
   */
  public boolean isAs(Units other) {
    return start == other.start && end == other.end && shift == other.shift && named == other.named;
  }

  /**
   * Whether a byte is in the part.
   *
   * @param offset the byte
   * @return whether it is
   */
  public boolean has(long offset) {
    return offset >= start && offset < end;
  }

  /**
   * Whether a range is in the part, and a user may name it.
   *
   * @param offset the first byte
   * @param length how many, not negative
   * @return whether he may; if not, he still may for other reasons
   */
  public boolean mayName(long offset, long length) {
    return named && has(offset) && length <= end - offset;
  }

  /**
   * The unit of a byte, which is named by its first byte.
   *
   * @param offset a byte of the part
   * @return the first byte of its unit
   */
  public long unit(long offset) {
    return start + (offset - start >> shift << shift);
  }

  /**
   * Where a unit ends.
   *
   * @param unit its first byte
   * @return the first byte after it
   */
  public long end(long unit) {
    return shift == WHOLE ? end : Math.min(end, unit + (1L << shift));
  }
}
