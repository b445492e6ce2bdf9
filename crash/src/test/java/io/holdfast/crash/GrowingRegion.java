// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.PersistentRegion;
import java.time.Duration;

/** A region that is made longer over and over, up to a limit. */
final class GrowingRegion implements KillProgram {
  static final long FIRST_BYTES = 2 << 20;
  static final long STEP_BYTES = 64 << 10;
  static final long LAST = 128;

  private static long end(long number) {
    return FIRST_BYTES + number * STEP_BYTES;
  }

  private static boolean isThere(PersistentRegion region, long number) {
    return region.size() >= end(number) && region.getLong(end(number) - 8) == number;
  }

  private static long done(PersistentRegion region) {
    long number = 0;
    while (isThere(region, number + 1)) {
      number++;
    }
    return number;
  }

  @Override
  public long size(long seed) {
    return FIRST_BYTES;
  }

  @Override
  public void create(PersistentRegion region, long seed) {}

  @Override
  public void work(PersistentRegion region, long seed, Acknowledgements acknowledgements) {
    long number = done(region);
    acknowledgements.acknowledge(0, number);
    while (number < LAST) {
      number++;
      region.grow(end(number));
      region.putLong(end(number) - 8, number);
      region.persist(end(number) - 8, 8);
      acknowledgements.acknowledge(0, number);
    }
  }

  @Override
  public Recovered check(PersistentRegion region, long seed, Acknowledged acknowledged) {
    long done = done(region);
    long last = acknowledged.last(0);
    if (done != last && done != last + 1) {
      throw new AssertionError(
          "acknowledged %d, done %d, size=%d".formatted(last, done, region.size()));
    }
    for (long at = 0; at < region.size(); at += 8) {
      long number = (at + 8 - FIRST_BYTES) / STEP_BYTES;
      boolean marked = number >= 1 && number <= done && at == end(number) - 8;
      if (region.getLong(at) != (marked ? number : 0)) {
        throw new AssertionError(
            "offset=%d, expected=%d, actual=%d, size=%d"
                .formatted(at, marked ? number : 0, region.getLong(at), region.size()));
      }
    }
    return new Recovered(Duration.ZERO, 0);
  }
}
