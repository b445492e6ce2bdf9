// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.PersistentRegion;
import java.time.Duration;

/**
 * A program that a {@link KillLoop} kills over and over. It needs a public constructor without
 * arguments: one instance of it works in the child, another makes and checks the region in the
 * parent.
 *
 * <p>Its operations are numbered, from 1, by each of its workers. What an operation does must be
 * told by the seed, the worker and the number, so that the check can do it again on a model.
 */
public interface KillProgram {
  /**
   * How large the region is.
   *
   * @param seed the seed of this region
   * @return its size in bytes
   */
  default long size(long seed) {
    return 16 << 20;
  }

  /**
   * In the parent: makes what the child starts from.
   *
   * @param region a new region of zeros
   * @param seed the seed of this region
   */
  void create(PersistentRegion region, long seed);

  /**
   * In the child: opens what is there and works on it, from where it is, until the process is
   * killed. Each worker first acknowledges the last operation that it found done, since that was
   * not known before if the child was killed between the two; then each one when it has returned
   * and not before.
   *
   * @param region the region, as the last kill left it
   * @param seed the seed of this region
   * @param acknowledgements where to acknowledge
   * @throws Exception whatever goes wrong, which counts as a loss
   */
  void work(PersistentRegion region, long seed, Acknowledgements acknowledgements) throws Exception;

  /**
   * In the parent, after a kill: opens what is there, and compares it with what was acknowledged.
   *
   * @param region the region, as the kill left it
   * @param seed the seed of this region
   * @param acknowledged what was acknowledged since it was made
   * @return what the opening told
   * @throws AssertionError if something is not there that was acknowledged, or is there in part;
   *     any other exception counts as a loss, too
   */
  Recovered check(PersistentRegion region, long seed, Acknowledged acknowledged);

  /** Where a child acknowledges operations. */
  interface Acknowledgements {
    /**
     * Tells the parent that an operation is done. Thread-safe.
     *
     * @param worker whose, from 0
     * @param number its number, one more than that worker's last; 0 if it found none
     */
    void acknowledge(int worker, long number);
  }

  /** What was acknowledged before a kill. */
  interface Acknowledged {
    /**
     * The last acknowledged operation of a worker. The next one may be there, or not.
     *
     * @param worker the worker
     * @return its number, or 0
     */
    long last(int worker);
  }

  /**
   * What an opening after a kill told.
   *
   * @param took how long it took
   * @param rolledBack how many transactions it rolled back
   */
  record Recovered(Duration took, long rolledBack) {}
}
