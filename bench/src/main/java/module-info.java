// SPDX-License-Identifier: Apache-2.0

/** Measures Holdfast beside its contestants. */
module io.holdfast.bench {
  requires io.holdfast.heap;

  exports io.holdfast.bench;
}
