// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import com.google.gson.annotations.SerializedName;

/** What figures count. */
enum Unit {
  /** Time for each operation: less is better. */
  @SerializedName("ns")
  NANOS("at most"),

  /** Memory for each operation: less is better. */
  @SerializedName("B")
  BYTES("at most"),

  /** Operations in a second: more is better. */
  @SerializedName("1/s")
  PER_SECOND("at least");

  private static final double NANOS_PER_SECOND = 1e9;

  private final String bound;

  Unit(String bound) {
    this.bound = bound;
  }

  /** What was measured in nanoseconds for each operation, in this unit. */
  Series of(Series nanos) {
    return this == PER_SECOND ? nanos.inverse(NANOS_PER_SECOND) : nanos;
  }

  /** How a goal is put: at most, at least. */
  String bound() {
    return bound;
  }

  boolean isMet(double reached, double goal) {
    return this == PER_SECOND ? reached >= goal : reached <= goal;
  }

  /** A figure for people. */
  String format(double value) {
    return switch (this) {
      case NANOS -> time(value);
      case BYTES -> "%.1f B".formatted(value);
      case PER_SECOND -> rate(value);
    };
  }

  /** A time, to three figures. */
  static String time(double nanos) {
    if (nanos < 1e4) {
      return nanos < 100 ? "%.1f ns".formatted(nanos) : "%.0f ns".formatted(nanos);
    }
    if (nanos < 1e5) {
      return "%.1f us".formatted(nanos / 1e3);
    }
    return nanos < 1e8 ? "%.2f ms".formatted(nanos / 1e6) : "%.2f s".formatted(nanos / 1e9);
  }

  private static String rate(double value) {
    return value < 1e6 ? "%.0f k/s".formatted(value / 1e3) : "%.2f M/s".formatted(value / 1e6);
  }
}
