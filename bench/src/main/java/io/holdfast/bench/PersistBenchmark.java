// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import io.holdfast.flush.Granularity;
import io.holdfast.flush.Lines;
import io.holdfast.flush.PersistentRegion;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Persisting 1, 4, 16, 64 dirty lines, beside a loop in C.
 *
 * <p>Equal on both sides: the lines and their order, one store of 8 bytes to each, the writeback
 * instruction, one fence, a shared mapping of a file in the same folder whose pages were all
 * touched. Not equal: Java checks bounds and calls a stub, and a set of lines first finds out which
 * it has already, since a program may add one twice; C does neither.
 */
final class PersistBenchmark implements Benchmark {
  private static final Pattern INSTRUCTION = Pattern.compile("cache lines by (cl\\w+)");
  private static final int[] LINES = {1, 4, 16, 64};
  private static final double GOAL = 1.10;
  private static final String OURS = "holdfast";
  private static final String C = "loop in C";

  @Override
  public String name() {
    return "persist";
  }

  @Override
  public String title() {
    return "stores to cache lines and makes them durable, beside a loop in C";
  }

  @Override
  public void run(Setting setting) throws IOException {
    try (PersistentRegion region = setting.region("persist", Walk.BYTES, Granularity.LINE);
        Rivals rivals = new Rivals(setting.journal())) {
      setting.describe(region);
      rivals.start(C, () -> floor(setting, region));
      rivals.awaitReady();
      for (int lines : LINES) {
        Race row = new Race(lines + " in a row", lines).ours(OURS, range(region, lines));
        rivals.enter(row, C, "range", lines);
        setting.run(row.goal(OURS, C, GOAL));
        Race apart = new Race(lines + " scattered", lines).ours(OURS, scattered(region, lines));
        rivals.enter(apart, C, "scattered", lines);
        setting.run(apart.goal(OURS, C, GOAL));
      }
    }
  }

  /** Starts the program in C that does the same with the region's own instruction. */
  static Program floor(Setting setting, PersistentRegion region) throws IOException, Unavailable {
    Matcher instruction = INSTRUCTION.matcher(region.describe());
    if (!instruction.find()) {
      throw new Unavailable(
          "the program in C knows the instructions of x86-64, and not this: " + region.describe());
    }
    String name = instruction.group(1);
    String define = "-DWRITEBACK=\"" + name + "\"";
    Path program = Gcc.compile("persist.c", "persist-" + name, setting.folder(), define);
    String file = setting.folder().resolve("floor").toString();
    return Program.start(Map.of(), List.of(program.toString(), file, "" + Walk.BYTES));
  }

  private static Contestant range(PersistentRegion region, int lines) {
    Walk walk = new Walk();
    return Contestant.timed(operations -> {
      for (long value = 0; value < operations; value++) {
        long row = walk.row();
        for (int i = 0; i < lines; i++) {
          region.putLong(row + (long) i * Lines.LINE_BYTES, value);
        }
        region.persist(row, (long) lines * Lines.LINE_BYTES);
        walk.nextRow(lines);
      }
    });
  }

  private static Contestant scattered(PersistentRegion region, int lines) {
    Walk walk = new Walk();
    Lines set = region.lines();
    return Contestant.timed(operations -> {
      for (long value = 0; value < operations; value++) {
        for (int i = 0; i < lines; i++) {
          long offset = walk.offset(i);
          region.putLong(offset, value);
          set.add(offset, Long.BYTES);
        }
        region.persist(set);
        set.clear();
        walk.next();
      }
    });
  }
}
