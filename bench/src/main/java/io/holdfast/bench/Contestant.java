// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.IOException;

/** Somebody who can do an operation many times over. */
interface Contestant {
  /**
   * Does it.
   *
   * @param operations how many times
   * @return the nanoseconds that it took
   * @throws IOException if it runs in another process, which does not answer
   */
  long run(long operations) throws IOException;

  /** A contestant of this process: its loop is timed from outside. */
  static Contestant timed(Loop loop) {
    return operations -> {
      long begin = System.nanoTime();
      loop.run(operations);
      return System.nanoTime() - begin;
    };
  }

  /** Does an operation many times. */
  interface Loop {
    void run(long operations);
  }
}
