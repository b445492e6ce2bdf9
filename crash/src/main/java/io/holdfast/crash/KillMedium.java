// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.Granularity;
import io.holdfast.flush.Medium;
import java.nio.file.Path;

/** What the death of the child means to its stores. */
public enum KillMedium {
  /** The process dies, the machine does not: every store that was made is there. */
  SHARED,

  /**
   * The machine loses power, simulated: what was not written back and fenced is lost, but for some
   * words that were evicted.
   *
   * @see Medium#volatileCache
   */
  VOLATILE_CACHE;

  Medium open(Path file, long seed) {
    return switch (this) {
      case SHARED -> Medium.assuming(file, Granularity.NONE);
      case VOLATILE_CACHE -> Medium.volatileCache(file, seed);
    };
  }
}
