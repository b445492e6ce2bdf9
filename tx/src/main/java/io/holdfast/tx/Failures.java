// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

/** What to do with a failure that comes after another, which is the one to be thrown. */
final class Failures {
  private Failures() {}

  /** Keeps a later failure with the first, unless it is the same object thrown again. */
  static void add(Throwable first, Throwable later) {
    // A virtual machine without memory throws one object again and again, and users may too.
    if (later != first) {
      first.addSuppressed(later);
    }
  }
}
