// SPDX-License-Identifier: Apache-2.0

/** Makes many stores failure-atomic: lanes, the log, recovery. */
@SuppressWarnings("module") // heap, which is built later
module io.holdfast.tx {
  requires transitive io.holdfast.flush;
  requires org.slf4j;

  exports io.holdfast.tx;
  exports io.holdfast.tx.spi to
      io.holdfast.heap;
}
