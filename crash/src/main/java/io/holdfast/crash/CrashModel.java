// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.Granularity;

/** Which images a crash may leave of what was not fenced. */
public enum CrashModel {
  /**
   * Each aligned word of 8 bytes holds, independently of all others, one of the values that it had
   * since the last fence that covered it. The contract of {@code PersistentRegion}, and the
   * weakest: what is sound under it is sound under the others.
   */
  WORD,

  /**
   * The stores to one line become durable in the order in which they were made, those to different
   * lines in any order: x86, after Raad et al., "Persistency Semantics of the Intel-x86
   * Architecture", POPL 2020. Stores past the cache have no order. What fails under WORD and not
   * under this one relies on x86.
   */
  X86_LINE,

  /**
   * All stores become durable in the order in which they were made, without being written back: a
   * machine whose caches are flushed when power fails (eADR). Stores past the cache have no order.
   */
  EADR,

  /**
   * The process dies, and the machine does not: whatever was executed is kept, and compilers order
   * nothing but by a fence, which orders all stores before it whatever lines it is given. The
   * medium has durability PROCESS, under which less is logged and nothing is written back; rules of
   * that are not looked after.
   */
  PROCESS;

  boolean keepsOrder() {
    return this == EADR;
  }

  /** What a medium writes back at a time for which the model is true. */
  Granularity granularity() {
    return this == PROCESS ? Granularity.NONE : Granularity.LINE;
  }
}
