// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

/**
 * A command.
 *
 * @param name in small letters
 * @param arity how many words it has, its name among them; if negative, at least so many
 * @param keys which of its words are keys
 * @param course how it may be run
 * @param handler does it
 */
record Command(String name, int arity, Keys keys, Course course, Handler handler) {
  /** What a command does for a client: it replies once, or throws what the reply is. */
  interface Handler {
    void run(Connection client, Request request, RespWriter out) throws CommandException;
  }

  /** Which words are keys, as {@code COMMAND} tells it. */
  record Keys(int first, int last, int step) {
    static final Keys NONE = new Keys(0, 0, 0);
    static final Keys ONE = new Keys(1, 1, 1);
    static final Keys TWO = new Keys(1, 2, 1);
    static final Keys ALL = new Keys(1, -1, 1);
    static final Keys PAIRS = new Keys(1, -1, 2);
  }

  /** Whether a command shares a transaction with others. */
  enum Course {
    READS,
    WRITES,
    /** Reads what is committed, or commits by itself. */
    ALONE
  }

  boolean accepts(int words) {
    return arity >= 0 ? words == arity : words >= -arity;
  }
}
