// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import io.holdfast.flush.Granularity;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import java.io.IOException;
import java.io.PrintStream;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * Where a benchmark runs, for how long, and where its figures go.
 *
 * @param folder for files, on the medium to be measured; emptied afterwards
 * @param effort how long to measure
 * @param out where the tables go
 */
record Setting(Path folder, Effort effort, PrintStream out) {
  /**
   * A region over a new file. What persists it is assumed and not proven, so that the instructions
   * of persistent memory can be timed on memory that is none; {@link #describe} prints that.
   */
  PersistentRegion region(String name, long bytes, Granularity granularity) {
    Path file = folder.resolve(name);
    try (RandomAccessFile empty = new RandomAccessFile(file.toFile(), "rw")) {
      empty.setLength(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    PersistentRegion region = PersistentRegion.over(Medium.assuming(file, granularity));
    region.zero(0, bytes); // so that no page is touched for the first time while it counts
    return region;
  }

  void describe(PersistentRegion region) {
    out.printf(
        "  medium: %s; granularity %s, durability %s%n",
        region.describe(), region.granularity(), region.durability());
  }

  void note(String text) {
    out.println("  " + text);
  }

  /** The processor, and what runs on it. */
  static String machine() {
    return "%s, %d processors; %s %s; Linux %s"
        .formatted(
            processor(),
            Runtime.getRuntime().availableProcessors(),
            System.getProperty("java.vm.name"),
            System.getProperty("java.vm.version"),
            System.getProperty("os.version"));
  }

  private static String processor() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse(System.getProperty("os.arch"));
    } catch (IOException | UncheckedIOException e) {
      return System.getProperty("os.arch");
    }
  }
}
