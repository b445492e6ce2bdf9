// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import java.io.PrintWriter;
import java.util.Locale;

/** How the commands print. */
final class Text {
  private static final String[] UNITS = {"KiB", "MiB", "GiB", "TiB"};

  private Text() {}

  /** A line with a name and a value, one below the other. */
  static void field(PrintWriter out, String name, Object value) {
    out.println("%-16s %s".formatted(name + ":", printable(value.toString())));
  }

  /** Bytes, exactly, and in a unit that can be read. */
  static String bytes(long bytes) {
    if (bytes < 1024) {
      return bytes + " bytes";
    }
    double amount = bytes / 1024.0;
    int unit = 0;
    while (amount >= 1024 && unit < UNITS.length - 1) {
      amount /= 1024;
      unit++;
    }
    return String.format(Locale.ROOT, "%d bytes (%.1f %s)", bytes, amount, UNITS[unit]);
  }

  static String lowerCase(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  static String oneLine(String text) {
    return printable(text.strip().replaceAll("\\s*\\R\\s*", " "));
  }

  /** What comes from a file is not trusted to be kind to a terminal. */
  static String printable(String text) {
    StringBuilder printable = new StringBuilder(text.length());
    text.chars()
        .forEach(c -> {
          if (Character.isISOControl(c)) {
            printable.append("\\u%04X".formatted(c));
          } else {
            printable.append((char) c);
          }
        });
    return printable.toString();
  }
}
