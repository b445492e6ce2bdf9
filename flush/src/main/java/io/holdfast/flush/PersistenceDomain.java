// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

/**
 * How far a store must have gone to survive a loss of power, as the kernel says in a region's
 * {@code persistence_domain} (ABI/removed and nvdimm/nd_region: "persistence_domain").
 */
enum PersistenceDomain {
  /** Nothing is said, or memory is not of that kind: lines are written back. */
  UNKNOWN,
  /** The memory controller's queues are drained when power fails (ADR): lines are written back. */
  MEMORY_CONTROLLER,
  /** The processor's caches are drained as well (eADR): a fence is enough. */
  CPU_CACHE;

  static PersistenceDomain of(String text) {
    return switch (text) {
      case "cpu_cache" -> CPU_CACHE;
      case "memory_controller" -> MEMORY_CONTROLLER;
      default -> UNKNOWN;
    };
  }
}
