// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

/**
 * What a program must not do with persistent memory, or does in vain. The rules of PMDebugger (Di
 * et al., ASPLOS 2021) and pmemcheck, as far as they can be broken here: since a region writes back
 * and fences in one call, no writeback can go without its fence, and L2 is about stores that go
 * without both.
 */
public enum LintRule {
  /** A word that the thread stored was not durable, nor in a log, when it acknowledged. */
  NOT_DURABLE_AT_ACKNOWLEDGEMENT("L1"),
  /** A word was stored and never made durable, until the end of the run. */
  NEVER_DURABLE("L2"),
  /** A line was written back to which nothing had been stored since it was last. */
  REDUNDANT_WRITEBACK("L3"),
  /** A fence, and nothing for it to wait for. */
  REDUNDANT_FENCE("L4"),
  /** A word was stored that transactions keep, and no log holds it and no allocation is new. */
  NOT_LOGGED("L5"),
  /** A range was logged twice in one transaction. */
  LOGGED_TWICE("L6"),
  /** A word of a freed block was stored. */
  STORED_AFTER_FREE("L7"),
  /** Several words that transactions keep were stored at once, outside of one: they may tear. */
  TORN_UPDATE("L8"),
  /** A thread went on from a word that another had stored, and that was not durable. */
  DIRTY_READ("L9"),
  /** A word was changed by compare-and-set and put back, and never made durable: a lock. */
  LOCK_IN_REGION("L10");

  private final String code;

  LintRule(String code) {
    this.code = code;
  }

  /**
   * How the rule is called in short.
   *
   * @return L1 to L10
   */
  public String code() {
    return code;
  }
}
