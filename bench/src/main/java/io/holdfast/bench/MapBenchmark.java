// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Maps from keys of 16 bytes to values of 100: ours, a {@link
 * java.util.concurrent.ConcurrentHashMap} that copies its values, as a map that is not to share
 * memory with its caller must, and those that are stored in files, each at its cheapest setting
 * with which its entries survive {@code kill -9}.
 *
 * <p>Equal on all sides: keys, values, the random order, the threads, the JVM and its options, a
 * JVM for each map, stopped but for its turns, a file in the same folder. Not equal: what each
 * survives, which is noted beside the figures. Ours writes the key into each record, and allocates
 * and frees a block in a transaction. The goal beside the map in memory is for durability PROCESS;
 * no map in memory pays for cache lines.
 */
final class MapBenchmark implements Benchmark {
  private static final double PUT_GOAL = 1.5;
  private static final double GET_GOAL = 1.2;
  private static final double CHRONICLE_GOAL = 1.0;

  private final List<String> moreOptions;

  /**
   * A benchmark.
   *
   * @param moreOptions for the JVMs, beside those that all have
   */
  MapBenchmark(List<String> moreOptions) {
    this.moreOptions = moreOptions;
  }

  @Override
  public String name() {
    return "map";
  }

  @Override
  public String title() {
    return "maps from 16 bytes to 100: a ConcurrentHashMap that copies, and maps in files";
  }

  @Override
  public void run(Setting setting) throws IOException {
    Effort effort = setting.effort().withLongTurns();
    setting.note(
        effort.mapEntries()
            + " entries; each map in a JVM of its own, which is stopped but for its turns");
    setting.note("a get ends with the value in an array that is the caller's own");
    try (Rivals maps = new Rivals(setting.journal())) {
      for (MapKind kind : MapKind.values()) {
        maps.start(kind.title(), () -> start(setting, kind));
      }
      maps.awaitReady();
      for (int threads = 1; threads <= MapWorker.MOST_THREADS; threads++) {
        String by = threads == 1 ? "1 thread" : threads + " threads";
        Race puts = race("put, " + by, maps, "put", threads);
        puts.goal(MapKind.HOLDFAST_PROCESS.title(), MapKind.PLAIN.title(), PUT_GOAL);
        puts.goal(MapKind.HOLDFAST_LINES.title(), MapKind.CHRONICLE.title(), CHRONICLE_GOAL);
        setting.journal().row(puts.run(effort));
        Race gets = race("get, " + by, maps, "get", threads);
        gets.goal(MapKind.HOLDFAST_PROCESS.title(), MapKind.PLAIN.title(), GET_GOAL);
        setting.journal().row(gets.run(effort));
      }
    }
  }

  private static Race race(String what, Rivals maps, String command, int threads)
      throws IOException {
    Race race = new Race(what, threads);
    for (MapKind kind : MapKind.values()) {
      if (maps.has(kind.title())) {
        Contestant contestant = maps.commandAlone(kind.title(), command, threads);
        if (kind.isOurs()) {
          race.ours(kind.title(), contestant);
        } else {
          race.theirs(kind.title(), contestant);
        }
      }
    }
    return race;
  }

  private Program start(Setting setting, MapKind kind) throws IOException {
    List<String> args =
        List.of(kind.name(), setting.folder().toString(), "" + setting.effort().mapEntries());
    List<String> options = new ArrayList<>(options());
    options.addAll(moreOptions);
    return Program.start(Map.of(), JavaCommand.of(MapWorker.class.getName(), options, args));
  }

  /** In a file, since some of them name packages that classes of this project must not. */
  private static List<String> options() {
    try (InputStream text = MapBenchmark.class.getResourceAsStream("map-worker.options")) {
      return new String(Objects.requireNonNull(text).readAllBytes(), StandardCharsets.US_ASCII)
          .lines()
          .filter(line -> !line.startsWith("#"))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
