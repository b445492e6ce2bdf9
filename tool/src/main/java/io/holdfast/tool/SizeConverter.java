// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads sizes such as 64M, 1_000_000 and 2g. */
final class SizeConverter implements ITypeConverter<Long> {
  private static final Pattern SIZE =
      Pattern.compile("(\\d[\\d_]*)([KMGT]?)", Pattern.CASE_INSENSITIVE);
  private static final String SUFFIXES = "KMGT";

  @Override
  public Long convert(String text) {
    Matcher size = SIZE.matcher(text);
    if (!size.matches()) {
      throw wrong(text, "is no size");
    }
    String suffix = size.group(2);
    int power =
        suffix.isEmpty() ? 0 : SUFFIXES.indexOf(Character.toUpperCase(suffix.charAt(0))) + 1;
    try {
      return Math.multiplyExact(Long.parseLong(size.group(1).replace("_", "")), 1L << 10 * power);
    } catch (NumberFormatException | ArithmeticException e) {
      throw wrong(text, "is too large");
    }
  }

  private static TypeConversionException wrong(String text, String problem) {
    return new TypeConversionException(
        "\"%s\" %s: bytes, or with a suffix K, M, G or T, as in 64M".formatted(text, problem));
  }
}
