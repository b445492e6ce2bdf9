// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import io.holdfast.crash.KillProgram;
import io.holdfast.flush.PersistentRegion;
import java.time.Duration;

/** Counts in one word. */
public class Counter implements KillProgram {
  private static final long AT = 64;

  @Override
  public long size(long seed) {
    return 8192;
  }

  @Override
  public void create(PersistentRegion region, long seed) {
    region.persist(AT, 8);
  }

  @Override
  public void work(PersistentRegion region, long seed, Acknowledgements acknowledgements) {
    long number = region.getLong(AT);
    while (true) {
      acknowledgements.acknowledge(0, number);
      region.putLong(AT, ++number);
      persist(region);
    }
  }

  void persist(PersistentRegion region) {
    region.persist(AT, 8);
  }

  @Override
  public Recovered check(PersistentRegion region, long seed, Acknowledged acknowledged) {
    long there = region.getLong(AT);
    long last = acknowledged.last(0);
    if (there != last && there != last + 1) {
      throw new AssertionError("acknowledged " + last + ", is " + there);
    }
    return new Recovered(Duration.ZERO, 0);
  }

  /** Leaves out what makes it durable. */
  public static class Forgetful extends Counter {
    @Override
    void persist(PersistentRegion region) {}
  }
}
