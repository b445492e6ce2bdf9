// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import io.holdfast.heap.Block;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The time inside {@code Pool.open} after the process that had the pool was killed.
 *
 * <p>Each time another process opens the pool, commits without pause, and is killed by a signal
 * that it cannot catch. The pool is half full of entries of a map, whatever its size. The first
 * opening does not count, since it loads classes. After each one a counter is compared with what
 * the killed process said that it had committed.
 */
final class OpenBenchmark implements Benchmark {
  private static final double GOAL_MILLIS = 10;
  private static final String OPEN = "Pool.open";

  @Override
  public String name() {
    return "open";
  }

  @Override
  public String title() {
    return "opens a pool whose process was killed in the middle of its commits";
  }

  @Override
  public void run(Setting setting) throws IOException {
    for (long bytes : setting.effort().poolBytes()) {
      long room = Files.getFileStore(setting.folder()).getUsableSpace();
      if (room - bytes < bytes / 4) {
        setting.note(
            "%d MB: left out, since only %d MB are free".formatted(bytes >> 20, room >> 20));
      } else {
        measure(setting, bytes);
      }
    }
  }

  private static void measure(Setting setting, long bytes) throws IOException {
    Path file = setting.folder().resolve("open");
    int count = setting.effort().opens();
    double[] opened = new double[count];
    double[] ready = new double[count];
    List<String> details = new ArrayList<>();
    for (int i = -1; i < count; i++) {
      long committed = OpenVictim.runAndKill(file, bytes);
      long begin = System.nanoTime();
      try (Pool pool = Pool.at(file).open()) {
        long now = System.nanoTime();
        PersistentMap<Long, byte[]> map = pool.root(OpenVictim.MAP, OpenVictim.MAP_TYPE);
        if (map.get(0L) == null) {
          throw new IllegalStateException("the first entry is missing");
        }
        long first = System.nanoTime();
        checkCounter(pool, committed);
        if (i >= 0) {
          opened[i] = now - begin;
          ready[i] = first - begin;
        }
        if (i == count - 1) {
          details.add("medium: " + pool.info().medium());
          details.add("last recovery: " + pool.recovery());
        }
      }
    }
    Files.delete(file);
    List<Figure> figures =
        List.of(
            Figure.of(OPEN, new Series(opened), List.of()),
            Figure.of("to first get", new Series(ready), List.of()));
    double millis = figures.getFirst().median() / 1e6;
    Goal goal = Goal.of(OPEN + ", ms", Unit.NANOS, GOAL_MILLIS, millis);
    int size = (int) (bytes >> 20);
    setting
        .journal()
        .row(new Row(size + " MB, half full", size, Unit.NANOS, figures, List.of(goal)));
    details.forEach(setting::note);
  }

  private static void checkCounter(Pool pool, long committed) {
    Block counter = pool.root(OpenVictim.COUNTER, OpenVictim.COUNTER_TYPE);
    long found = pool.call(tx -> tx.edit(counter).getLong(0));
    if (found < committed) {
      throw new IllegalStateException(
          "commits were lost: committed=%d, found=%d".formatted(committed, found));
    }
  }
}
