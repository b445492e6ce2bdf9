// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

/** How a transaction ended. */
enum Outcome {
  COMMITTED,
  ABORTED,
  /** The medium failed: the next open decides. */
  UNKNOWN
}
