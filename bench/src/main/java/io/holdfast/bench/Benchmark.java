// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.IOException;

/** A benchmark: it measures one thing in several sizes, and prints a table. */
interface Benchmark {
  /** The word by which it is asked for. */
  String name();

  /** What it measures, in a line. */
  String title();

  void run(Setting setting) throws IOException;
}
