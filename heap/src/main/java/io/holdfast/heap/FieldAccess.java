// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.PersistentRegion;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.invoke.VarHandle;
import java.util.Locale;

/**
 * How views read a field. The value is read first and the object's identity after it: if the object
 * is still the same then, it was while the value was read, since it loses its identity before its
 * block can be given to another.
 */
final class FieldAccess {
  private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();

  private FieldAccess() {}

  /** The method that reads a field: (Pool, object, header, field offset) to its type. */
  static MethodHandle getter(ObjectType<?> type, ObjectField field) {
    try {
      if (field.isReference()) {
        MethodHandle handle =
            LOOKUP.findStatic(
                FieldAccess.class,
                "getReference",
                MethodType.methodType(
                    Object.class,
                    ObjectType.class,
                    Class.class,
                    Pool.class,
                    long.class,
                    long.class,
                    int.class));
        return MethodHandles.insertArguments(handle, 0, type, field.type());
      }
      String name = field.type().getSimpleName();
      return LOOKUP.findStatic(
          FieldAccess.class,
          "get" + name.substring(0, 1).toUpperCase(Locale.ROOT) + name.substring(1),
          MethodType.methodType(field.type(), Pool.class, long.class, long.class, int.class));
    } catch (ReflectiveOperationException e) {
      throw new LinkageError(field.toString(), e);
    }
  }

  private static void check(PersistentRegion region, long object, long header) {
    VarHandle.loadLoadFence();
    if (region.getLong(object) != header) {
      throw new PoolException.ObjectFreed(object);
    }
  }

  static long getLong(Pool pool, long object, long header, int field) {
    PersistentRegion region = pool.region();
    long value = region.getLong(object + field);
    check(region, object, header);
    return value;
  }

  static int getInt(Pool pool, long object, long header, int field) {
    PersistentRegion region = pool.region();
    int value = region.getInt(object + field);
    check(region, object, header);
    return value;
  }

  static byte getByte(Pool pool, long object, long header, int field) {
    PersistentRegion region = pool.region();
    byte value = region.getByte(object + field);
    check(region, object, header);
    return value;
  }

  static boolean getBoolean(Pool pool, long object, long header, int field) {
    return getByte(pool, object, header, field) != 0;
  }

  /** Two bytes of the word that they are in, since a region has no access of that width. */
  static short getShort(Pool pool, long object, long header, int field) {
    return (short) (getLong(pool, object, header, field & -8) >>> (8 * (field & 7)));
  }

  static char getChar(Pool pool, long object, long header, int field) {
    return (char) getShort(pool, object, header, field);
  }

  static float getFloat(Pool pool, long object, long header, int field) {
    return Float.intBitsToFloat(getInt(pool, object, header, field));
  }

  static double getDouble(Pool pool, long object, long header, int field) {
    return Double.longBitsToDouble(getLong(pool, object, header, field));
  }

  /** Read again as long as the field changes under the reader; see {@link Texts}. */
  static String getString(Pool pool, long object, long header, int field) {
    for (int tries = 0; ; tries++) {
      long text = getLong(pool, object, header, field);
      if (text == 0) {
        return null;
      }
      String value = Texts.tryRead(pool, text);
      if (getLong(pool, object, header, field) == text) {
        if (value != null) {
          return value;
        }
        if (tries > Texts.PATIENCE) {
          throw Texts.damaged(text);
        }
      }
    }
  }

  static Block getBlock(Pool pool, long object, long header, int field) {
    long block = getLong(pool, object, header, field);
    return block == 0 ? null : Block.at(pool, block);
  }

  static Object getReference(
      ObjectType<?> owner, Class<?> referred, Pool pool, long object, long header, int field) {
    while (true) {
      long target = getLong(pool, object, header, field);
      if (target == 0) {
        return null;
      }
      try {
        return owner.referred(referred).open(pool, target);
      } catch (HoldfastException e) {
        if (getLong(pool, object, header, field) == target) {
          throw e;
        }
      }
    }
  }
}
