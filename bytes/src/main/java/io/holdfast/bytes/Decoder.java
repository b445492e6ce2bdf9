// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bytes;

import io.holdfast.flush.HoldfastException;
import java.lang.foreign.MemorySegment;
import net.openhft.chronicle.bytes.BytesMarshallable;

/**
 * Lets values read themselves. Its bytes are made once for a thread, since Chronicle counts each
 * that is made in one place, and are taken away when a value has been read.
 */
final class Decoder {
  private static final ThreadLocal<Decoder> OF_THREAD = ThreadLocal.withInitial(Decoder::new);

  private final SegmentBytes bytes = SegmentBytes.of(MemorySegment.ofArray(new byte[0]));
  private boolean isBusy;

  private Decoder() {}

  /** The thread's own, or another one where a value that reads itself makes others be read. */
  static Decoder get() {
    Decoder own = OF_THREAD.get();
    return own.isBusy ? new Decoder() : own;
  }

  void decode(BytesMarshallable value, MemorySegment from) {
    isBusy = true;
    try {
      bytes.show(from);
      value.readMarshallable(bytes);
      check(value, from.byteSize());
    } catch (HoldfastException e) {
      throw e;
    } catch (RuntimeException | AssertionError e) { // Chronicle's own reflection throws such errors
      throw new MarshallingException(
          "%s could not be read: bytes=%d, readMarshallable threw %s: %s"
              .formatted(value.getClass().getName(), from.byteSize(), e, REMEDY),
          e);
    } finally {
      bytes.end();
      isBusy = false;
    }
  }

  private static final String REMEDY =
      "the class has changed since it was written, or the value is damaged";

  private void check(BytesMarshallable value, long size) {
    long read = bytes.readPosition();
    if (read != size) {
      throw new MarshallingException(
          "%s did not read all that was written: bytes=%d, read=%d: %s"
              .formatted(value.getClass().getName(), size, read, REMEDY));
    }
  }
}
