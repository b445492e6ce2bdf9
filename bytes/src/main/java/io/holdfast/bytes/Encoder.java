// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bytes;

import io.holdfast.flush.HoldfastException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.bytes.BytesMarshallable;
import net.openhft.chronicle.bytes.OnHeapBytes;

/**
 * Writes a value to memory of the thread, and keeps that until it was copied to where it goes: a
 * codec is asked for the size first and for the bytes next, and the value is to write itself once.
 */
final class Encoder {
  private static final ThreadLocal<Encoder> OF_THREAD = ThreadLocal.withInitial(Encoder::new);
  private static final int FIRST_BYTES = 256;

  /** A buffer that has grown beyond this is not kept. */
  private static final int KEPT_BYTES = 64 << 10;

  private OnHeapBytes buffer = Bytes.allocateElasticOnHeap(FIRST_BYTES);
  private BytesMarshallable encoded;
  private boolean isBusy;

  private Encoder() {}

  /** The thread's own, or another one where a value that writes itself makes others be written. */
  static Encoder get() {
    Encoder own = OF_THREAD.get();
    return own.isBusy ? new Encoder() : own;
  }

  boolean holds(BytesMarshallable value) {
    return encoded == value;
  }

  /** How many bytes the value took that was written last. */
  long size() {
    return buffer.writePosition();
  }

  void encode(BytesMarshallable value) {
    forget();
    isBusy = true;
    try {
      buffer.clear();
      value.writeMarshallable(buffer);
      encoded = value;
    } catch (HoldfastException e) {
      throw e; // of what it did besides: a conflict, say, which is to be tried again
    } catch (RuntimeException | AssertionError e) { // Chronicle's own reflection throws such errors
      throw new MarshallingException(
          value.getClass().getName() + " could not be written: writeMarshallable threw " + e, e);
    } finally {
      isBusy = false;
    }
  }

  /** Copies what was written, and keeps it no longer. */
  void moveTo(MemorySegment into) {
    byte[] bytes = buffer.bytesStore().underlyingObject();
    MemorySegment.copy(bytes, 0, into, ValueLayout.JAVA_BYTE, 0, Math.toIntExact(size()));
    forget();
  }

  private void forget() {
    encoded = null;
    if (buffer.realCapacity() > KEPT_BYTES) {
      buffer = Bytes.allocateElasticOnHeap(FIRST_BYTES);
    }
  }
}
