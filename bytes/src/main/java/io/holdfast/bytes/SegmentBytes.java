// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bytes;

import java.lang.foreign.MemorySegment;
import java.nio.BufferUnderflowException;
import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.bytes.VanillaBytes;

/** Bytes over a segment. They cannot grow. */
final class SegmentBytes extends VanillaBytes<MemorySegment> {
  private final SegmentStore store;

  private SegmentBytes(SegmentStore store) {
    super(store);
    this.store = store;
  }

  /** Bytes with all of a segment before them, to be read. */
  static SegmentBytes of(MemorySegment segment) {
    SegmentStore store = new SegmentStore(segment);
    SegmentBytes bytes = new SegmentBytes(store);
    store.release(INIT); // the bytes hold it now, and it ends with them
    bytes.readLimit(segment.byteSize());
    return bytes;
  }

  /** Shows another segment from now on, all of it to be read. */
  void show(MemorySegment segment) {
    store.show(segment);
    clear();
    lenient(false);
    readLimit(segment.byteSize());
  }

  /** From now on every access is refused. */
  void end() {
    store.end();
  }

  /**
   * As inherited, but that a length which is not there is refused before memory of that size is
   * taken for it.
   */
  @Override
  public boolean read8bit(Bytes<?> into) {
    long start = readPosition();
    if (readRemaining() > 0) {
      long length = readStopBit();
      if (length > readRemaining()) {
        throw new BufferUnderflowException();
      }
      readPosition(start);
    }
    return super.read8bit(into);
  }
}
