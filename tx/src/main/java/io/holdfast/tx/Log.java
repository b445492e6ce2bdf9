// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.KeyedHash;
import io.holdfast.tx.spi.Space;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/** What the lanes of one log share while it is open: where it is, its era and its order. */
final class Log {
  private final PersistentRegion region;
  private final LogLayout layout;
  private final Space space;
  private final CommitOrder order;
  private final OverlapCheck overlaps = new OverlapCheck();
  private final KeyedHash checksum;
  private final int era;
  private final long[] laneSeeds;

  // Extensions whose last transaction is not covered by a durable watermark yet (rule W17).
  private final ArrayDeque<Spent> spent = new ArrayDeque<>();

  private record Spent(Space.Extension extension, long number) {}

  Log(PersistentRegion region, LogLayout layout, Space space, KeyedHash checksum, int era) {
    this.region = region;
    this.layout = layout;
    this.space = space;
    this.checksum = checksum;
    this.era = era;
    this.order = new CommitOrder(layout.lanes());
    this.laneSeeds = new long[layout.lanes()];
    for (int lane = 0; lane < laneSeeds.length; lane++) {
      laneSeeds[lane] = checksum.seed(Integer.toUnsignedLong(era), lane);
    }
  }

  PersistentRegion region() {
    return region;
  }

  LogLayout layout() {
    return layout;
  }

  Space space() {
    return space;
  }

  CommitOrder order() {
    return order;
  }

  OverlapCheck overlaps() {
    return overlaps;
  }

  int era() {
    return era;
  }

  KeyedHash checksum() {
    return checksum;
  }

  /** The seed of a frame in a ring: its position is never used twice in an era. */
  long ringSeed(int lane, long position) {
    return checksum.seed(laneSeeds[lane], position);
  }

  /**
   * The seed of a frame in an extension: a block may be used again by this lane or another, so the
   * transaction's first position and the address go in.
   */
  long extensionSeed(int lane, long start, long address) {
    return checksum.seed(checksum.seed(laneSeeds[lane], start), ~address);
  }

  /** The checksum of a watermark line. */
  long watermarkChecksum(int lane, int which, long watermark) {
    return checksum.ofWord(checksum.seed(~laneSeeds[lane], which), watermark);
  }

  /** Keeps an extension until nothing in it can be replayed. */
  void spend(Space.Extension extension, long number) {
    synchronized (spent) {
      spent.add(new Spent(extension, number));
    }
  }

  /**
   * Gives back the extensions that a durable watermark covers. Outside the lock, because who takes
   * them back has locks of his own.
   */
  void reclaim() {
    List<Space.Extension> dead = new ArrayList<>();
    synchronized (spent) {
      long durable = order.durable();
      spent.removeIf(s -> s.number <= durable && dead.add(s.extension));
    }
    dead.forEach(space::giveExtension);
  }
}
