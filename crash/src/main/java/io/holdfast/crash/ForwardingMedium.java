// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.Declaration;
import io.holdfast.flush.Lines;
import io.holdfast.flush.Medium;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.OptionalInt;

/**
 * A medium that leaves everything to another one, which is closed with it: to be extended by media
 * that watch, or that fail.
 */
public abstract class ForwardingMedium extends Medium {
  private final Medium inner;

  /**
   * Of the other medium's durability and granularity.
   *
   * @param inner the other medium
   */
  protected ForwardingMedium(Medium inner) {
    super(inner.durability(), inner.granularity());
    this.inner = inner;
  }

  /**
   * The medium that does the work.
   *
   * @return the other medium
   */
  protected final Medium inner() {
    return inner;
  }

  @Override
  public long size() {
    return inner.size();
  }

  @Override
  public long maxSize() {
    return inner.maxSize();
  }

  @Override
  public OptionalInt unsafeShutdowns() {
    return inner.unsafeShutdowns();
  }

  @Override
  public void grow(long bytes) {
    inner.grow(bytes);
  }

  @Override
  public long load(long offset, int bytes) {
    return inner.load(offset, bytes);
  }

  @Override
  public void store(long offset, int bytes, long value) {
    inner.store(offset, bytes, value);
  }

  @Override
  public boolean compareAndSet(long offset, long expected, long value) {
    return inner.compareAndSet(offset, expected, value);
  }

  @Override
  public void copyOut(long offset, MemorySegment into) {
    inner.copyOut(offset, into);
  }

  @Override
  public void copyIn(MemorySegment from, long offset) {
    inner.copyIn(from, offset);
  }

  @Override
  public MemorySegment view(long offset, long bytes, Arena arena) {
    return inner.view(offset, bytes, arena);
  }

  @Override
  public MemorySegment writable(long offset, long bytes, Arena arena) {
    return inner.writable(offset, bytes, arena);
  }

  /** Carried out one by one, since a set of lines belongs to the region that made it. */
  @Override
  public void persist(Lines lines) {
    lines.visit(
        new Lines.Visitor() {
          @Override
          public void writeback(long offset, long bytes) {
            inner.persist(offset, bytes);
          }

          @Override
          public void copy(long offset, MemorySegment from) {
            inner.copyIn(from, offset);
            inner.persist(offset, from.byteSize());
          }
        });
  }

  @Override
  public void persist(long offset, long bytes) {
    inner.persist(offset, bytes);
  }

  @Override
  public void sync() {
    inner.sync();
  }

  @Override
  public void declare(Declaration what, long offset, long bytes) {
    inner.declare(what, offset, bytes);
  }

  @Override
  public void close() {
    inner.close();
  }
}
