// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import io.holdfast.tx.Editable;
import java.lang.invoke.MethodHandles;
import java.nio.file.Path;

/**
 * A counter that outlives its process. An interface says what an object has, and its nested
 * interface what can be changed; the pool makes the class. The object is the root "counter", made
 * by the first run, found by all others. Each run adds one: start it as often as you like, and kill
 * it when you like.
 */
public final class Example1Counter {
  /** What is read. */
  interface Counter extends Editable<Counter.Edit> {
    long value();

    /** What is changed, in a transaction. */
    interface Edit extends Counter {
      Edit value(long value);
    }
  }

  static final Type<Counter> COUNTER = Type.of(Counter.class, MethodHandles.lookup());

  public static void main(String[] arguments) {
    Path file = Path.of(arguments.length > 0 ? arguments[0] : "counter.pool");
    try (Pool pool = Pool.at(file).size(1 << 20).openOrCreate()) {
      Counter counter = pool.root("counter", COUNTER);
      pool.run(tx -> {
        Counter.Edit edit = tx.edit(counter);
        edit.value(edit.value() + 1);
      });
      System.out.println("this is run " + counter.value());
    }
  }

  private Example1Counter() {}
}
