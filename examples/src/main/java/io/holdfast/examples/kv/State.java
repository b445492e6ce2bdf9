// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import io.holdfast.heap.Type;
import io.holdfast.tx.Editable;
import java.lang.invoke.MethodHandles;

/** What the server keeps beside its keys. */
interface State extends Editable<State.Edit> {
  Type<State> TYPE = Type.of(State.class, MethodHandles.lookup());

  /** The number in the names of the maps that are in use; FLUSHALL goes on to another. */
  long generation();

  /** The latest time that was used, in milliseconds since 1970. */
  long time();

  interface Edit extends State {
    Edit generation(long number);

    Edit time(long millis);
  }
}
