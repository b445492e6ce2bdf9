// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import java.util.List;

/**
 * What a walk through a whole pool found.
 *
 * @param blocks how many blocks are allocated
 * @param bytes how many bytes these have
 * @param reachable how many of them are reached from roots
 * @param leaked blocks that are allocated and reached from no root; not damage, but lost
 * @param problems what cannot be: each with its place
 */
public record CheckReport(
    long blocks, long bytes, long reachable, List<Long> leaked, List<String> problems) {
  /**
   * Whether everything is as it should be.
   *
   * @return true if there are no problems and nothing is leaked
   */
  public boolean isClean() {
    return problems.isEmpty() && leaked.isEmpty();
  }
}
