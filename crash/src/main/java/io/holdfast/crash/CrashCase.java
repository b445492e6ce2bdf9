// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.PersistentRegion;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * A persistent structure, a workload on it, and a model that says what it should hold. Handed to
 * {@link Explorer#run(CrashCase)}, it is crashed everywhere, and must be as after all acknowledged
 * operations, with the one that was under way, or without it.
 *
 * @param <S> the structure
 * @param <M> what it holds, with {@code equals}
 */
public interface CrashCase<S, M> {
  /**
   * How large the region is.
   *
   * @return its size in bytes
   */
  default int size() {
    return 4096;
  }

  /**
   * Makes what the workload starts from. No crash comes here; the opening after it is crashed.
   *
   * @param region a region of zeros, which stays as it is unless this is overridden
   */
  default void prepare(PersistentRegion region) {}

  /**
   * Opens the structure and recovers it. Where {@link #prepare} has not made it, makes it: the
   * region is all zeros then, or it was being made when the crash came.
   *
   * @param region the region
   * @return the structure
   */
  S open(PersistentRegion region);

  /**
   * Carries out some operations. It is run again for each test and each replay, and must do the
   * same then; what it draws, it draws before it hands over an operation, and not inside of one.
   *
   * @param structure the structure, just opened
   * @param ops what each operation goes through
   */
  void workload(S structure, Ops<M> ops);

  /**
   * What a new structure holds.
   *
   * @return a new model, which the workload's operations change
   */
  M model();

  /**
   * What the structure holds.
   *
   * @param structure the structure, after any crash
   * @return the same as a model that holds this
   */
  M observe(S structure);

  /**
   * What must be true of the structure beside its contents.
   *
   * @param structure the structure, after any crash
   * @throws AssertionError if it is not
   */
  default void invariants(S structure) {}

  /**
   * Takes the operations of a workload.
   *
   * @param <M> the model
   */
  interface Ops<M> {
    /**
     * Carries out an operation. When it returns, the operation is acknowledged.
     *
     * @param name what to call it
     * @param onModel what it does to the model; carried out often, each time on a new one
     * @param real what it does to the structure
     */
    void op(String name, Consumer<M> onModel, Runnable real);

    /**
     * What a workload may draw its operations from, so that it is the same when it is run again.
     *
     * @return the random numbers of the exploration's {@link Explorer#seed}
     */
    SplittableRandom random();
  }
}
