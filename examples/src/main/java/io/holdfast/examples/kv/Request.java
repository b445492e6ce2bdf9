// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** A command's words, the first of which is its name. */
final class Request {
  private final byte[][] words;

  Request(byte[][] words) {
    this.words = words;
  }

  int count() {
    return words.length;
  }

  /** The command's name, in small letters. */
  String name() {
    return text(0).toLowerCase(Locale.ROOT);
  }

  byte[] bytes(int index) {
    return words[index];
  }

  String text(int index) {
    return new String(words[index], StandardCharsets.UTF_8);
  }

  /** A word that means something, in capitals. */
  String keyword(int index) {
    return text(index).toUpperCase(Locale.ROOT);
  }

  long integer(int index) throws CommandException {
    return integer(words[index]);
  }

  /** A number as Redis writes it: no blanks, no plus sign, no zeros in front. */
  static long integer(byte[] digits) throws CommandException {
    int at = digits.length > 0 && digits[0] == '-' ? 1 : 0;
    int length = digits.length - at;
    boolean sound = length >= 1 && length <= 19 && (digits[at] != '0' || digits.length == 1);
    long value = 0;
    for (int i = at; sound && i < digits.length; i++) {
      int digit = digits[i] - '0';
      sound = digit >= 0 && digit <= 9 && value >= (Long.MIN_VALUE + digit) / 10;
      value = value * 10 - digit; // negative, of which there is one more
    }
    if (!sound || at == 0 && value == Long.MIN_VALUE) {
      throw new CommandException(CommandException.NOT_AN_INTEGER);
    }
    return at == 1 ? value : -value;
  }

  /** How many bytes all words have. */
  long size() {
    long sum = 0;
    for (byte[] word : words) {
      sum += word.length;
    }
    return sum;
  }
}
