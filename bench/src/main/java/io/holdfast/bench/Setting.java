// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import io.holdfast.flush.Granularity;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Where a benchmark runs, for how long, and where its figures go.
 *
 * @param folder for files, on the medium to be measured; emptied afterwards
 * @param effort how long to measure
 * @param journal where the figures go
 */
record Setting(Path folder, Effort effort, Journal journal) {
  /**
   * A region over a new file. Where the file system does not give the granularity, what persists it
   * is assumed and not proven, so that the instructions of persistent memory can be timed on memory
   * that is none; {@link #describe} prints that.
   */
  static PersistentRegion region(Path file, long bytes, Granularity granularity) {
    PersistentRegion region = PersistentRegion.create(file, bytes);
    if (region.granularity() != granularity) {
      region.close();
      region = PersistentRegion.over(Medium.assuming(file, granularity));
    }
    region.zero(0, bytes); // so that no page is touched for the first time while it counts
    return region;
  }

  PersistentRegion region(String name, long bytes, Granularity granularity) {
    return region(folder.resolve(name), bytes, granularity);
  }

  /** The same with fewer turns, which are longer; see {@link Effort#withLongTurns}. */
  Setting withLongTurns() {
    return new Setting(folder, effort.withLongTurns(), journal);
  }

  void describe(PersistentRegion region) {
    note("medium: " + medium(region));
  }

  /** What a region is on, and whether that was proven. */
  static String medium(PersistentRegion region) {
    return "%s; granularity %s, durability %s"
        .formatted(region.describe(), region.granularity(), region.durability());
  }

  void note(String text) {
    journal.note(text);
  }

  /** Lets contestants take turns. */
  void run(Race race) throws IOException {
    journal.row(race.run(effort));
  }
}
