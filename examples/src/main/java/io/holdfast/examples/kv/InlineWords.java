// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;

/** Splits a line into words as Redis does: blanks between them, quotes around what has blanks. */
final class InlineWords {
  /** One character for each byte. */
  private final String line;

  private int at;

  InlineWords(String line) {
    this.line = line;
  }

  /** The words; null if a quote is not closed, or closed in the middle of a word. */
  List<byte[]> split() {
    List<byte[]> words = new ArrayList<>();
    while (true) {
      while (at < line.length() && Character.isWhitespace(line.charAt(at))) {
        at++;
      }
      if (at == line.length()) {
        return words;
      }
      byte[] word = word();
      if (word == null) {
        return null;
      }
      words.add(word);
    }
  }

  private byte[] word() {
    ByteArrayOutputStream word = new ByteArrayOutputStream();
    while (at < line.length() && !Character.isWhitespace(line.charAt(at))) {
      char c = line.charAt(at++);
      if (c == '"' || c == '\'') {
        if (!quoted(c, word)) {
          return null;
        }
      } else {
        word.write(c);
      }
    }
    return word.toByteArray();
  }

  private boolean quoted(char quote, ByteArrayOutputStream word) {
    while (at < line.length()) {
      char c = line.charAt(at++);
      if (c == quote) {
        return at == line.length() || Character.isWhitespace(line.charAt(at));
      }
      word.write(c == '\\' && at < line.length() ? escaped(quote) : c);
    }
    return false;
  }

  private int escaped(char quote) {
    char c = line.charAt(at);
    if (quote == '\'') {
      if (c == '\'') {
        at++;
        return c;
      }
      return '\\';
    }
    at++;
    return switch (c) {
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      case 'b' -> '\b';
      case 'a' -> 7;
      case 'x' -> hex();
      default -> c;
    };
  }

  private int hex() {
    if (at + 2 <= line.length()) {
      int high = Character.digit(line.charAt(at), 16);
      int low = Character.digit(line.charAt(at + 1), 16);
      if (high >= 0 && low >= 0) {
        at += 2;
        return high * 16 + low;
      }
    }
    return 'x';
  }
}
