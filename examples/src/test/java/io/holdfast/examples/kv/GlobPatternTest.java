// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GlobPatternTest {
  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @CsvSource(
      textBlock =
          """
          *,        abc,    true
          *,        '',     true
          '',       '',     true
          '',       a,      false
          a*,       abc,    true
          a*c,      abc,    true
          a*c,      abcd,   false
          a*b*c,    axxbyyc, true
          ?,        a,      true
          ?,        '',     false
          a?c,      abc,    true
          h[ae]llo, hello,  true
          h[ae]llo, hillo,  false
          h[^e]llo, hallo,  true
          h[^e]llo, hello,  false
          h[a-c]x,  hbx,    true
          h[c-a]x,  hbx,    true
          h[a-c]x,  hdx,    false
          a\\*,     a*,     true
          a\\*,     ab,     false
          [\\]],    ],      true
          [abc,     b,      true
          [abc,     d,      false
          [,        a,      false
          a\\,      'a\\',  true
          *a*a*b,   aaaaaa, false
          """)
  void matches(String pattern, String text, boolean expected) {
    String plain = pattern.replace("\\\\", "\\");
    assertEquals(
        expected, new GlobPattern(bytes(plain)).matches(bytes(text.replace("\\\\", "\\"))));
  }

  @Test
  void matches_manyStars_doesNotTakeForEver() {
    byte[] text = bytes("a".repeat(20_000));
    GlobPattern pattern = new GlobPattern(bytes("*a".repeat(50) + "*b"));
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(20), () -> assertFalse(pattern.matches(text)));
  }
}
