// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Editable;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.KeyedHash;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Objects with an interface.
 *
 * <pre>
 * object +0  type 4 | incarnation 4
 *        +8  fields                   the wider first, then by name
 * </pre>
 *
 * <p>The first word is the object's identity: a handle carries it and compares it at each access,
 * so that a handle to an object that was freed is refused, also when its block has gone to another.
 * When an object is freed its type becomes 0, before anyone else can be given the block; the next
 * one in it has an incarnation that none had since the pool was opened.
 */
final class ObjectType<T> extends io.holdfast.heap.Type<T> {
  static final int HEADER_BYTES = 8;

  private static final KeyedHash HASH = new KeyedHash(0x6F626A656374L);

  private static final ClassValue<AtomicReference<ObjectType<?>>> TYPES =
      new ClassValue<>() {
        @Override
        protected AtomicReference<ObjectType<?>> computeValue(Class<?> type) {
          return new AtomicReference<>();
        }
      };

  /** The type of which a class is the views' class, or null. */
  private static final ClassValue<ObjectType<?>> OF_VIEW =
      new ClassValue<>() {
        @Override
        protected ObjectType<?> computeValue(Class<?> view) {
          for (Class<?> implemented : view.getInterfaces()) {
            ObjectType<?> type = TYPES.get(implemented).get();
            if (type != null && type.accessors.view() == view) {
              return type;
            }
          }
          return null;
        }
      };

  private final Class<T> type;
  private final MethodHandles.Lookup lookup;
  private final List<ObjectField> fields;
  private final int bytes;
  private final int id;
  private final Accessors accessors;

  private ObjectType(Class<T> type, MethodHandles.Lookup lookup) {
    this.type = type;
    this.lookup = lookup;
    if (!type.isInterface()) {
      throw new IllegalArgumentException(type.getName() + " is not an interface");
    }
    this.fields = layOut(getters(type));
    this.bytes =
        fields.isEmpty()
            ? HEADER_BYTES
            : fields.getLast().offset() + ObjectField.bytes(fields.getLast().type());
    this.id = id(definition());
    this.accessors = Accessors.generate(this, editInterface(type), lookup);
  }

  @SuppressWarnings("unchecked") // what is kept for a class is its type
  static <T> ObjectType<T> forInterface(Class<T> type, MethodHandles.Lookup lookup) {
    AtomicReference<ObjectType<?>> kept = TYPES.get(type);
    if (kept.get() == null) {
      kept.compareAndSet(null, new ObjectType<>(type, lookup));
    }
    return (ObjectType<T>) kept.get();
  }

  /** The type of an object of a pool, or null if it is none. */
  static ObjectType<?> ofView(Object object) {
    return OF_VIEW.get(object.getClass());
  }

  /** The type of what a field refers to. */
  ObjectType<?> referred(Class<?> fieldType) {
    return forInterface(fieldType, lookup);
  }

  private static Map<String, Method> getters(Class<?> type) {
    Map<String, Method> getters = new TreeMap<>();
    for (Method method : type.getMethods()) {
      if (Modifier.isAbstract(method.getModifiers())) {
        if (method.getParameterCount() > 0) {
          throw new IllegalArgumentException(
              method + ": a field's method has no parameters; setters go to the edit interface");
        }
        ObjectField.check(method);
        getters.put(method.getName(), method);
      }
    }
    return getters;
  }

  private static List<ObjectField> layOut(Map<String, Method> getters) {
    List<Method> order = new ArrayList<>(getters.values());
    order.sort(
        Comparator.comparingInt((Method getter) -> -ObjectField.bytes(getter.getReturnType()))
            .thenComparing(Method::getName));
    List<ObjectField> fields = new ArrayList<>();
    int at = HEADER_BYTES;
    for (Method getter : order) {
      fields.add(new ObjectField(getter.getName(), getter.getReturnType(), at));
      at += ObjectField.bytes(getter.getReturnType());
    }
    return List.copyOf(fields);
  }

  /** The interface that is the parameter of Editable. */
  private static Class<?> editInterface(Class<?> type) {
    for (Type parent : type.getGenericInterfaces()) {
      if (parent instanceof ParameterizedType generic
          && generic.getRawType() == Editable.class
          && generic.getActualTypeArguments()[0] instanceof Class<?> edit
          && edit.isInterface()
          && type.isAssignableFrom(edit)) {
        return edit;
      }
    }
    throw new IllegalArgumentException(
        ("%1$s: declare it as interface %2$s extends Editable<%2$s.Edit>, with an interface Edit extends"
                + " %2$s in it")
            .formatted(type.getName(), type.getSimpleName()));
  }

  private static int id(String definition) {
    byte[] text = definition.getBytes(StandardCharsets.UTF_8);
    int id = (int) HASH.ofBytes(0, MemorySegment.ofArray(text), 0, text.length);
    return id == 0 ? 1 : id;
  }

  String definition() {
    StringBuilder text = new StringBuilder(type.getName()).append('{');
    for (ObjectField field : fields) {
      text.append(field.offset() > HEADER_BYTES ? ", " : "");
      text.append(field.name()).append(':').append(field.typeName());
      text.append('@').append(field.offset());
    }
    return text.append('}').toString();
  }

  @Override
  String reference() {
    return "&" + type.getName();
  }

  @Override
  void define(Map<String, String> definitions) {
    if (definitions.putIfAbsent(type.getName(), definition()) == null) {
      for (ObjectField field : fields) {
        if (field.isReference()) {
          referred(field.type()).define(definitions);
        }
      }
    }
  }

  List<ObjectField> fields() {
    return fields;
  }

  Class<T> type() {
    return type;
  }

  /** The bytes of an object. */
  int bytes() {
    return bytes;
  }

  /** Whether a first word is that of a living object of this type. */
  boolean isHeader(long header) {
    return (int) (header >>> 32) == id;
  }

  @Override
  long create(Pool pool, Transaction tx) {
    PersistentRegion region = pool.region();
    long offset = pool.participant(tx).reserve(bytes, Span.Kind.TYPED);
    int incarnation = pool.participant(tx).newIncarnation();
    region.zero(offset + HEADER_BYTES, bytes - HEADER_BYTES);
    region.putLong(offset, (long) id << 32 | Integer.toUnsignedLong(incarnation));
    pool.participant(tx).filled(offset, bytes);
    return offset;
  }

  @Override
  T open(Pool pool, long offset) {
    return open(pool, offset, header(pool, offset));
  }

  /** The first word of what should be an object, at an offset that was read from the medium. */
  private long header(Pool pool, long offset) {
    if (offset % 8 != 0 || !pool.layout().hasInChunks(offset, bytes)) {
      throw new Corrupt(
          offset, "object.offset", "an object of " + type.getName(), "no place for one");
    }
    return pool.region().getLongAcquire(offset);
  }

  private T open(Pool pool, long offset, long header) {
    if (!isHeader(header)) {
      if (header >>> 32 == 0) {
        throw new PoolException.ObjectFreed(offset);
      }
      throw new Corrupt(
          offset,
          "object.type",
          "%08X (%s)".formatted(id, type.getName()),
          "%016X".formatted(header));
    }
    return type.cast(accessors.newView(pool, offset, header));
  }

  @Override
  void free(Pool pool, Transaction tx, long offset) {
    free(pool, tx, offset, header(pool, offset));
  }

  /** Frees what a view is of. */
  void freeViewed(Pool pool, Transaction tx, Object view) {
    free(pool, tx, offsetOf(pool, view), accessors.header(view));
  }

  /** It may have been freed, and be another object by now, until it is claimed. */
  private void free(Pool pool, Transaction tx, long offset, long header) {
    pool.participant(tx).claimObject(offset);
    if (!isHeader(header) || pool.region().getLong(offset) != header) {
      throw new PoolException.ObjectFreed(offset);
    }
    ObjectEdit edit = new ObjectEdit(pool, tx, offset, header);
    for (ObjectField field : fields) {
      if (field.type() == String.class) {
        edit.setString(field.offset(), null);
      }
    }
    pool.participant(tx).free(offset, Span.Kind.TYPED);
  }

  /**
   * Where an object of this type is, given by a view of it; checked to be alive, and of the pool.
   */
  long offsetOf(Pool pool, Object view) {
    ObjectEdit edit = accessors.edit(view);
    if (edit == null && view.getClass() != accessors.view()) {
      throw new IllegalArgumentException(
          "not an object of a pool, but of the program: " + view.getClass().getName());
    }
    if ((edit == null ? accessors.pool(view) : edit.pool()) != pool) {
      throw new IllegalArgumentException("the object is in another pool: " + type.getName());
    }
    if (edit != null) {
      return edit.offset();
    }
    long offset = accessors.offset(view);
    if (pool.region().getLong(offset) != accessors.header(view)) {
      throw new PoolException.ObjectFreed(offset);
    }
    return offset;
  }

  /** The view through which a transaction edits an object. */
  Object edit(Pool pool, Transaction tx, Object view) {
    long offset = offsetOf(pool, view);
    pool.participant(tx).claimObject(offset);
    offsetOf(pool, view);
    return accessors.newEdit(new ObjectEdit(pool, tx, offset, accessors.header(view)));
  }

  // ---- what views are made of

  boolean equal(Pool pool, long offset, long header, Object other) {
    return other != null
        && other.getClass() == accessors.view()
        && accessors.pool(other) == pool
        && accessors.offset(other) == offset
        && accessors.header(other) == header;
  }

  String describe(Pool pool, long offset, long header) {
    StringBuilder text = new StringBuilder(type.getSimpleName()).append('[');
    for (ObjectField field : fields) {
      text.append(text.charAt(text.length() - 1) == '[' ? "" : ", ").append(field.name());
      text.append('=').append(describe(pool, offset, header, field));
    }
    return text.append(']').toString();
  }

  private String describe(Pool pool, long offset, long header, ObjectField field) {
    if (field.isReference() || field.type() == Block.class) {
      return "@" + FieldAccess.getLong(pool, offset, header, field.offset());
    }
    try {
      MethodHandle getter = FieldAccess.getter(this, field);
      return String.valueOf(getter.invoke(pool, offset, header, field.offset()));
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }
}
