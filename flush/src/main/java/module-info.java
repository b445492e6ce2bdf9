// SPDX-License-Identifier: Apache-2.0

/** Makes bytes durable. */
module io.holdfast.flush {
  requires org.slf4j;

  exports io.holdfast.flush;
}
