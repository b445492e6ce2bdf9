// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The type of a root as the pool has recorded it, read back: enough to go from block to block
 * without the program's classes.
 *
 * <pre>
 * type       = reference { "; " definition }
 * reference  = "block" | "&amp;" name | "map&lt;" codec ", " ( codec | "&amp;" name ) "&gt;"
 *            | "blocks&lt;" block bytes ", " count "&gt;" | "log"
 * definition = name "{" [ field { ", " field } ] "}"
 * field      = name ":" ( primitive | "string" | "block" | "&amp;" name ) "@" offset
 * </pre>
 */
final class TypeText {
  private static final Pattern RESERVED = Pattern.compile("[,;<>&{}\\n]");

  private static final String BLOCKS = "blocks<";

  private final String reference;
  private final Map<String, List<Field>> definitions = new HashMap<>();

  /** A field that leads to another block. */
  record Field(String name, String type, int offset) {}

  TypeText(String text) {
    String[] parts = text.split("; ");
    reference = parts[0];
    for (int i = 1; i < parts.length; i++) {
      define(parts[i]);
    }
  }

  private void define(String definition) {
    int brace = definition.indexOf('{');
    if (brace < 0 || !definition.endsWith("}")) {
      throw new IllegalArgumentException("no definition: " + definition);
    }
    List<Field> fields = new ArrayList<>();
    String inside = definition.substring(brace + 1, definition.length() - 1);
    for (String field : inside.isEmpty() ? new String[0] : inside.split(", ")) {
      int colon = field.indexOf(':');
      int at = field.lastIndexOf('@');
      if (colon < 0 || at < colon) {
        throw new IllegalArgumentException("no field: " + field);
      }
      fields.add(
          new Field(
              field.substring(0, colon),
              field.substring(colon + 1, at),
              Integer.parseInt(field.substring(at + 1))));
    }
    definitions.put(definition.substring(0, brace), fields);
  }

  String reference() {
    return reference;
  }

  boolean isMap() {
    return reference.startsWith("map<");
  }

  boolean isLog() {
    return reference.equals("log");
  }

  boolean isBlocks() {
    return reference.startsWith(BLOCKS);
  }

  /** The size of an array's blocks. */
  int blockBytes() {
    return Integer.parseInt(reference.substring(BLOCKS.length(), comma()));
  }

  /** How many blocks an array has. */
  long blockCount() {
    return Long.parseLong(reference.substring(comma() + 2, reference.length() - 1));
  }

  private int comma() {
    int comma = reference.indexOf(", ");
    if (comma < 0 || !reference.endsWith(">")) {
      throw new IllegalArgumentException("no collection: " + reference);
    }
    return comma;
  }

  /** What a map's values are: a codec's name, or a reference. */
  String mapValues() {
    return reference.substring(comma() + 2, reference.length() - 1);
  }

  static boolean isObject(String reference) {
    return reference.startsWith("&");
  }

  /** The fields of an object that a reference leads to. */
  List<Field> fields(String objectReference) {
    List<Field> fields = definitions.get(objectReference.substring(1));
    if (fields == null) {
      throw new IllegalArgumentException("not defined: " + objectReference);
    }
    return fields;
  }

  /** A codec's signature, which must not be taken for something else. */
  static String checkCodec(String signature) {
    if (signature.isEmpty() || RESERVED.matcher(signature).find()) {
      throw new IllegalArgumentException(
          "a codec's signature has none of , ; < > & { } in it: " + signature);
    }
    return signature;
  }
}
