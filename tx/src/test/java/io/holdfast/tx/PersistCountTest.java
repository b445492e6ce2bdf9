// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.holdfast.crash.CountingMedium;
import io.holdfast.crash.PersistCounts;
import io.holdfast.crash.TracingMedium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.TransactionAccess;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * Fences, lines and log bytes of every kind of transaction: a table. A line more is a slower
 * engine, a fence less is a broken one.
 */
class PersistCountTest {
  private static final int RING = 64 << 10;
  private static final long DATA = Lanes.areaBytes(1, RING);

  private final CountingMedium medium =
      new CountingMedium(TracingMedium.ofSize((int) DATA + (1 << 16)));
  private final PersistentRegion region = PersistentRegion.over(medium);
  private final Lanes lanes = Lanes.format(region, 0, 1, RING);

  private static long word(int index) {
    return DATA + 64L * index;
  }

  private void set(Transaction tx, int count) {
    for (int i = 0; i < count; i++) {
      tx.setLong(word(i), tx.getLong(word(i)) + 1);
    }
  }

  private void snapshot(Transaction tx, int count) {
    Ranges ranges = new Ranges();
    for (int i = 0; i < count; i++) {
      ranges.add(word(i), 8);
    }
    tx.snapshot(ranges);
    for (int i = 0; i < count; i++) {
      region.putLong(word(i), region.getLong(word(i)) + 1);
    }
  }

  private void overwrite(Transaction tx) {
    TransactionAccess.get().overwrite(tx, word(0), 100).fill((byte) 1);
  }

  /**
   * What the second of two equal transactions costs: it writes back what the first stored in place.
   */
  private String steady(Consumer<Transaction> body) {
    lanes.run(body);
    PersistCounts before = medium.counts();
    lanes.run(body);
    PersistCounts counts = medium.counts().since(before);
    return "%d fences, %d lines, %d log bytes"
        .formatted(counts.fences(), counts.lines(), counts.logBytes());
  }

  @Test
  void transactions() throws IOException {
    List<String> table = new ArrayList<>();
    table.add("read only: " + steady(tx -> tx.getLong(word(0))));
    for (int k : new int[] {1, 2, 3, 10, 32}) {
      table.add("set " + k + ": " + steady(tx -> set(tx, k)));
    }
    lanes.run(tx -> tx.setLong(word(40), 1));
    lanes.run(tx -> snapshot(tx, 1));
    for (int k : new int[] {1, 2, 3, 10, 32}) {
      table.add("snapshot " + k + ": " + steady(tx -> snapshot(tx, k)));
    }
    table.add("overwrite 100 bytes: " + steady(this::overwrite));
    table.add(
        "snapshot 1 + set 1: "
            + steady(tx -> {
              tx.snapshot(word(0), 8);
              tx.setLong(word(1), 1);
            }));
    table.add("snapshot 4096 bytes: " + steady(tx -> tx.snapshot(word(0), 4096)));
    table.add(
        "abort of set 1: "
            + steady(tx -> {
              set(tx, 1);
              tx.abort();
            }));
    table.add(
        "abort of snapshot 1: "
            + steady(tx -> {
              snapshot(tx, 1);
              tx.abort();
            }));
    assertEquals(checkedIn(), String.join("\n", table));
  }

  private static String checkedIn() throws IOException {
    try (InputStream table = PersistCountTest.class.getResourceAsStream("/persist-counts.txt")) {
      return new String(table.readAllBytes(), StandardCharsets.UTF_8).strip();
    }
  }
}
