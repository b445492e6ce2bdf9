// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

/**
 * What committed data survives. A caller asks for the weakest durability that it accepts; a region
 * gives that or more, and {@link PersistentRegion#durability()} says which.
 */
public enum Durability {
  /**
   * Survives the death of the process: {@code kill -9}, a JVM crash, the out-of-memory killer.
   * Needs ordered stores to a shared mapping and nothing else, so it holds on any file system; the
   * kernel keeps the pages.
   */
  PROCESS,

  /**
   * Survives that, power loss and a kernel crash. Needs a mapping whose {@code MAP_SYNC} was
   * granted (cache lines are written back), or a file system on the reviewed list (pages are
   * synchronised).
   */
  POWER
}
