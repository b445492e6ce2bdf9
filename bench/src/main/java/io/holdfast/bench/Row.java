// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.util.List;

/**
 * One thing that was measured, and what each contestant reached in it.
 *
 * @param what what they did
 * @param size how large it was, where there are several sizes: the place on a picture's axis
 * @param unit what the figures count
 * @param figures ours first
 * @param goals what is to be reached
 */
record Row(String what, int size, Unit unit, List<Figure> figures, List<Goal> goals) {
  /** The figure of a contestant; null if it did not take part. */
  Figure figure(String name) {
    return figures.stream().filter(one -> one.name().equals(name)).findFirst().orElse(null);
  }
}
