// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bytes;

import io.holdfast.heap.Codec;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;
import net.openhft.chronicle.bytes.BytesMarshallable;

/**
 * Keeps {@link BytesMarshallable} objects in persistent maps, as the bytes that they write. A map
 * copies on the way in and out: to change a value, put it again.
 *
 * <p><b>What the class has to keep to.</b> It reads exactly what it wrote. As a key, equal objects
 * write equal bytes. {@code readMarshallable} changes nothing but its object: it may be called for
 * bytes that are not used in the end, and with any bytes at all, when another thread puts while
 * this one gets. It is never given more than belongs to the value, but what it allocates on the
 * word of a length that it has read, it should compare with {@code bytes.readRemaining()} before;
 * Chronicle's own readers of arrays, collections and big numbers do not.
 *
 * <p><b>When the class changes.</b> The pool remembers its name and nothing else of it. Objects of
 * a new form are told from old ones by the class itself, by a version number written first, say; a
 * class that shares no form with the old one gets a new name.
 *
 * <p><b>Flags.</b> Classes that write and read themselves need none. Those that leave it to
 * Chronicle, which then reads their fields by reflection, need {@code
 * --add-opens=java.base/java.lang.reflect=ALL-UNNAMED} on the command line of the program.
 *
 * <p>Safe for many threads, if the supplier is.
 *
 * @param <T> the objects
 */
public final class ChronicleCodec<T extends BytesMarshallable> implements Codec<T> {
  private final Supplier<? extends T> maker;
  private final Class<?> type;

  private ChronicleCodec(Supplier<? extends T> maker) {
    this.maker = maker;
    this.type = maker.get().getClass();
  }

  /**
   * The codec of a class.
   *
   * @param <T> the objects
   * @param maker makes an empty object, each time another one of the same class; is called at once,
   *     and then for each object that is read
   * @return the codec
   * @throws NullPointerException if there is no supplier, or it makes nothing
   */
  public static <T extends BytesMarshallable> Codec<T> of(Supplier<? extends T> maker) {
    return new ChronicleCodec<>(maker);
  }

  /**
   * {@inheritDoc}
   *
   * <p>Lets the object write itself to memory of this thread, from which {@link #write} then copies
   * it.
   *
   * @throws MarshallingException if the object throws
   * @throws ClassCastException if it is of a class other than the supplier's
   */
  @Override
  public long sizeOf(T value) {
    checkType(value);
    Encoder encoder = Encoder.get();
    encoder.encode(value);
    return encoder.size();
  }

  /**
   * {@inheritDoc}
   *
   * @throws MarshallingException if the object throws, or has written itself in another size than
   *     before
   * @throws ClassCastException if it is of a class other than the supplier's
   */
  @Override
  public void write(T value, MemorySegment into) {
    Encoder encoder = Encoder.get();
    if (!encoder.holds(value)) {
      checkType(value);
      encoder.encode(value);
    }
    if (encoder.size() != into.byteSize()) {
      throw new MarshallingException(
          "%s writes itself in different sizes: first=%d, now=%d: do not change it while it is put"
              .formatted(type.getName(), into.byteSize(), encoder.size()));
    }
    encoder.moveTo(into);
  }

  /**
   * {@inheritDoc}
   *
   * @throws MarshallingException if the object throws, reads past the end, or leaves bytes unread
   */
  @Override
  public T read(MemorySegment from) {
    T value = maker.get();
    checkType(value);
    Decoder.get().decode(value, from);
    return value;
  }

  /** What was of another class would come back as this one. */
  private void checkType(Object value) {
    if (value.getClass() != type) {
      throw new ClassCastException(
          "a codec of %s is given a %s: a class has a codec of its own"
              .formatted(type.getName(), value.getClass().getName()));
    }
  }

  /**
   * {@inheritDoc}
   *
   * @return the name of the class
   */
  @Override
  public String signature() {
    return "marshallable(" + type.getName() + ")";
  }
}
