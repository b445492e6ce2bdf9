// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.tx.Editable;
import java.lang.reflect.Method;

/**
 * A field of a typed object.
 *
 * @param name the getter's name
 * @param type its Java type
 * @param offset where in the object, in bytes
 */
record ObjectField(String name, Class<?> type, int offset) {
  /** How many bytes a field of a type takes. */
  static int bytes(Class<?> type) {
    return switch (type.getName()) {
      case "boolean", "byte" -> 1;
      case "short", "char" -> 2;
      case "int", "float" -> 4;
      default -> 8;
    };
  }

  boolean isReference() {
    return !type.isPrimitive() && type != String.class && type != Block.class;
  }

  /** The name of the type in a signature. */
  String typeName() {
    if (type == String.class) {
      return "string";
    }
    if (type == Block.class) {
      return "block";
    }
    return isReference() ? "&" + type.getName() : type.getName();
  }

  static void check(Method getter) {
    Class<?> type = getter.getReturnType();
    boolean known =
        type.isPrimitive() && type != void.class
            || type == String.class
            || type == Block.class
            || type.isInterface() && Editable.class.isAssignableFrom(type);
    if (!known) {
      throw new IllegalArgumentException(
          "%s: a field is of a primitive type, String, Block or an Editable interface, not %s"
              .formatted(getter, type.getName()));
    }
  }
}
