// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.RecordComponent;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Records, component by component in order of declaration: primitives in their own size,
 * little-endian; strings and byte arrays as a length of four bytes and the bytes; enums as their
 * name; records inside.
 */
final class RecordCodec<R extends Record> implements Codec<R> {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Class<R> type;
  private final MethodHandle constructor;
  private final List<Component> components = new ArrayList<>();

  /** One component: how to get it, and how it is written. */
  private record Component(String name, MethodHandle accessor, Form form) {}

  /** How a component's values are written. */
  private interface Form {
    String name();

    long sizeOf(Object value);

    /** Returns the offset after it. */
    long write(Object value, MemorySegment into, long at);

    Object read(Cursor from);
  }

  /** Where in the bytes a reader is. */
  private static final class Cursor {
    private final MemorySegment bytes;
    private long at;

    Cursor(MemorySegment bytes) {
      this.bytes = bytes;
    }

    MemorySegment next(long count) {
      if (count < 0 || count > bytes.byteSize() - at) {
        throw new IllegalStateException(
            "a record is cut short: at=%d, wanted=%d, bytes=%d"
                .formatted(at, count, bytes.byteSize()));
      }
      at += count;
      return bytes.asSlice(at - count, count);
    }
  }

  RecordCodec(Class<R> type, MethodHandles.Lookup lookup) {
    this.type = type;
    List<Class<?>> types = new ArrayList<>();
    try {
      for (RecordComponent component : type.getRecordComponents()) {
        types.add(component.getType());
        components.add(
            new Component(
                component.getName(),
                lookup
                    .unreflect(component.getAccessor())
                    .asType(MethodType.methodType(Object.class, Object.class)),
                form(component.getType(), lookup)));
      }
      constructor =
          lookup
              .findConstructor(type, MethodType.methodType(void.class, types))
              .asSpreader(Object[].class, types.size())
              .asType(MethodType.methodType(Object.class, Object[].class));
    } catch (ReflectiveOperationException e) {
      throw new IllegalArgumentException(
          "%s cannot be seen by %s: pass MethodHandles.lookup() from where it can be"
              .formatted(type.getName(), lookup),
          e);
    }
  }

  @Override
  public long sizeOf(R value) {
    long bytes = 0;
    for (Component component : components) {
      bytes += component.form.sizeOf(get(component, value));
    }
    return bytes;
  }

  @Override
  public void write(R value, MemorySegment into) {
    long at = 0;
    for (Component component : components) {
      at = component.form.write(get(component, value), into, at);
    }
  }

  @Override
  public R read(MemorySegment from) {
    return read(new Cursor(from));
  }

  private R read(Cursor from) {
    Object[] values = new Object[components.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = components.get(i).form.read(from);
    }
    try {
      return type.cast((Object) constructor.invokeExact(values));
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(type.getName() + " refused its components", e);
    }
  }

  private Object get(Component component, Object value) {
    Object part;
    try {
      part = (Object) component.accessor.invokeExact(value);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
    if (part == null) {
      throw new NullPointerException(type.getSimpleName() + "." + component.name + " is null");
    }
    return part;
  }

  @Override
  public String signature() {
    StringBuilder text = new StringBuilder(type.getName()).append('(');
    for (Component component : components) {
      text.append(text.charAt(text.length() - 1) == '(' ? "" : " ");
      text.append(component.name).append(':').append(component.form.name());
    }
    return text.append(')').toString();
  }

  private static Form form(Class<?> type, MethodHandles.Lookup lookup) {
    if (type.isPrimitive()) {
      return new Primitive(type);
    }
    if (type == String.class) {
      return new Text();
    }
    if (type == byte[].class) {
      return new Bytes();
    }
    if (type.isEnum()) {
      return new Enumerated(type.asSubclass(Enum.class));
    }
    if (type.isRecord()) {
      return new Nested<>(type.asSubclass(Record.class), lookup);
    }
    throw new IllegalArgumentException(
        "a record's components are primitives, String, byte[], enums and records: "
            + type.getName());
  }

  private static final class Primitive implements Form {
    private final Class<?> type;
    private final int bytes;

    Primitive(Class<?> type) {
      this.type = type;
      this.bytes =
          switch (type.getName()) {
            case "boolean", "byte" -> 1;
            case "short", "char" -> 2;
            case "int", "float" -> 4;
            default -> 8;
          };
    }

    @Override
    public String name() {
      return type.getName();
    }

    @Override
    public long sizeOf(Object value) {
      return bytes;
    }

    @Override
    public long write(Object value, MemorySegment into, long at) {
      long word =
          switch (value) {
            case Boolean b -> b ? 1 : 0;
            case Character c -> c;
            case Float f -> Float.floatToRawIntBits(f);
            case Double d -> Double.doubleToRawLongBits(d);
            default -> ((Number) value).longValue();
          };
      for (int i = 0; i < bytes; i++) {
        into.set(JAVA_BYTE, at + i, (byte) (word >> (8 * i)));
      }
      return at + bytes;
    }

    @Override
    public Object read(Cursor from) {
      MemorySegment part = from.next(bytes);
      long word = 0;
      for (int i = 0; i < bytes; i++) {
        word |= (part.get(JAVA_BYTE, i) & 0xFFL) << (8 * i);
      }
      return switch (type.getName()) {
        case "boolean" -> word != 0;
        case "byte" -> (byte) word;
        case "short" -> (short) word;
        case "char" -> (char) word;
        case "int" -> (int) word;
        case "float" -> Float.intBitsToFloat((int) word);
        case "double" -> Double.longBitsToDouble(word);
        default -> word;
      };
    }
  }

  private static final class Bytes implements Form {
    @Override
    public String name() {
      return "bytes";
    }

    @Override
    public long sizeOf(Object value) {
      return 4L + ((byte[]) value).length;
    }

    @Override
    public long write(Object value, MemorySegment into, long at) {
      byte[] bytes = (byte[]) value;
      into.set(INT, at, bytes.length);
      MemorySegment.copy(MemorySegment.ofArray(bytes), 0, into, at + 4, bytes.length);
      return at + 4 + bytes.length;
    }

    @Override
    public Object read(Cursor from) {
      return from.next(from.next(4).get(INT, 0)).toArray(JAVA_BYTE);
    }
  }

  private static final class Text implements Form {
    private final Bytes bytes = new Bytes();

    @Override
    public String name() {
      return "string";
    }

    @Override
    public long sizeOf(Object value) {
      return 4 + Codecs.StringCodec.utf8Length((String) value);
    }

    @Override
    public long write(Object value, MemorySegment into, long at) {
      return bytes.write(((String) value).getBytes(StandardCharsets.UTF_8), into, at);
    }

    @Override
    public Object read(Cursor from) {
      return new String((byte[]) bytes.read(from), StandardCharsets.UTF_8);
    }
  }

  private static final class Enumerated implements Form {
    @SuppressWarnings("rawtypes") // an enum of a type known at run time only
    private final Class<? extends Enum> type;

    private final Text text = new Text();

    @SuppressWarnings("rawtypes")
    Enumerated(Class<? extends Enum> type) {
      this.type = type;
    }

    @Override
    public String name() {
      return type.getName();
    }

    @Override
    public long sizeOf(Object value) {
      return text.sizeOf(((Enum<?>) value).name());
    }

    @Override
    public long write(Object value, MemorySegment into, long at) {
      return text.write(((Enum<?>) value).name(), into, at);
    }

    @Override
    @SuppressWarnings("unchecked")
    public Object read(Cursor from) {
      return Enum.valueOf(type, (String) text.read(from));
    }
  }

  private static final class Nested<N extends Record> implements Form {
    private final RecordCodec<N> codec;

    Nested(Class<N> type, MethodHandles.Lookup lookup) {
      this.codec = new RecordCodec<>(type, lookup);
    }

    @Override
    public String name() {
      return codec.signature();
    }

    @Override
    public long sizeOf(Object value) {
      return codec.sizeOf(codec.type.cast(value));
    }

    @Override
    public long write(Object value, MemorySegment into, long at) {
      long size = sizeOf(value);
      codec.write(codec.type.cast(value), into.asSlice(at, size));
      return at + size;
    }

    @Override
    public Object read(Cursor from) {
      return codec.read(from);
    }
  }
}
