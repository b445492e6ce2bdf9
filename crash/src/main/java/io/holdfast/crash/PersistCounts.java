// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

/**
 * What making something durable took, in units that are the same on every machine.
 *
 * @param fences how often something was waited for
 * @param lines lines of 64 bytes that were written back or written past the cache
 * @param logBytes bytes that were written past the cache, which is how logs are written
 */
public record PersistCounts(long fences, long lines, long logBytes) {
  /**
   * What came after an earlier count.
   *
   * @param before the earlier count of the same medium
   * @return the difference
   */
  public PersistCounts since(PersistCounts before) {
    return new PersistCounts(
        fences - before.fences, lines - before.lines, logBytes - before.logBytes);
  }
}
