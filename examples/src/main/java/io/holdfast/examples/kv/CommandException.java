// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

/** An error reply, in Redis's words where Redis has some. */
final class CommandException extends Exception {
  private static final long serialVersionUID = 1;

  static final String SYNTAX = "ERR syntax error";
  static final String NOT_AN_INTEGER = "ERR value is not an integer or out of range";

  CommandException(String reply) {
    super(reply, null, false, false);
  }
}
