// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

/** How much a medium writes back at a time to make one store durable. */
public enum Granularity {
  /** Nothing is written back: a store that reached memory is as durable as the medium makes it. */
  NONE,

  /** Cache lines of 64 bytes, pushed by an instruction and awaited by a fence. */
  LINE,

  /** Pages of 4096 bytes, synchronised by the kernel. */
  PAGE
}
