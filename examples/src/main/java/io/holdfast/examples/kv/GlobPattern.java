// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

/**
 * A pattern of keys: {@code *}, {@code ?}, {@code [a-z]}, {@code [^a-z]}, and a backslash before
 * what is meant as it is. Takes time in proportion to pattern times key at most.
 */
final class GlobPattern {
  private final byte[] pattern;

  GlobPattern(byte[] pattern) {
    this.pattern = pattern;
  }

  /**
   * After a mismatch the last star takes one byte more: earlier stars need not be looked at again.
   */
  boolean matches(byte[] text) {
    int at = 0;
    int p = 0;
    int star = -1;
    int starAt = 0;
    while (at < text.length) {
      if (p < pattern.length && pattern[p] == '*') {
        star = p++;
        starAt = at;
      } else if (p < pattern.length && matchesOne(p, text[at])) {
        p = next(p);
        at++;
      } else if (star >= 0) {
        p = star + 1;
        at = ++starAt;
      } else {
        return false;
      }
    }
    while (p < pattern.length && pattern[p] == '*') {
      p++;
    }
    return p == pattern.length;
  }

  private boolean matchesOne(int p, byte b) {
    return switch (pattern[p]) {
      case '?' -> true;
      case '[' -> matchesClass(p, b);
      case '\\' -> pattern[p + 1 < pattern.length ? p + 1 : p] == b;
      default -> pattern[p] == b;
    };
  }

  private boolean matchesClass(int p, byte b) {
    int end = next(p) - 1;
    int at = p + 1;
    boolean negated = at < pattern.length && pattern[at] == '^';
    if (negated) {
      at++;
    }
    boolean found = false;
    while (at < pattern.length && at < Math.max(end, p + 1)) {
      if (pattern[at] == '\\' && at + 1 < end) {
        at++;
      }
      int low = pattern[at] & 0xFF;
      int high = low;
      if (at + 2 < end && pattern[at + 1] == '-') {
        high = pattern[at + 2] & 0xFF;
        at += 2;
      }
      int value = b & 0xFF;
      found |= Math.min(low, high) <= value && value <= Math.max(low, high);
      at++;
    }
    return found != negated;
  }

  /** Where what comes after an element begins. A class that is not closed goes to the end. */
  private int next(int p) {
    if (pattern[p] == '\\') {
      return Math.min(p + 2, pattern.length);
    }
    if (pattern[p] != '[') {
      return p + 1;
    }
    int at = p + 1;
    while (at < pattern.length && pattern[at] != ']') {
      at += pattern[at] == '\\' ? 2 : 1;
    }
    return Math.min(at + 1, pattern.length);
  }
}
