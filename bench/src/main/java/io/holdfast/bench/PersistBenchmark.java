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
    try (PersistentRegion region = setting.region("persist", Walk.BYTES, Granularity.LINE)) {
      setting.describe(region);
      try (NativeProgram c = floor(setting, region)) {
        Table table = new Table(setting.out(), "C");
        for (int lines : LINES) {
          row(setting, table, lines + " in a row", range(region, lines), c.command("range", lines));
        }
        for (int lines : LINES) {
          row(
              setting,
              table,
              lines + " scattered",
              scattered(region, lines),
              c.command("scattered", lines));
        }
      } catch (NativeProgram.Unavailable e) {
        alone(setting, region, e.getMessage());
      }
    }
  }

  private static void row(
      Setting setting, Table table, String what, Contestant ours, Contestant theirs)
      throws IOException {
    List<Series> times = Rounds.measure(setting.effort(), List.of(ours, theirs));
    table.row(what, times.get(0), times.get(1), GOAL);
  }

  private static void alone(Setting setting, PersistentRegion region, String why)
      throws IOException {
    setting.note("no contestant: " + why);
    Table table = new Table(setting.out(), "C");
    for (int lines : LINES) {
      List<Contestant> ours = List.of(range(region, lines), scattered(region, lines));
      List<Series> times = Rounds.measure(setting.effort(), ours);
      table.rowAlone(lines + " in a row", times.get(0));
      table.rowAlone(lines + " scattered", times.get(1));
    }
  }

  /** The program in C that does the same with the region's own instruction. */
  static NativeProgram floor(Setting setting, PersistentRegion region)
      throws IOException, NativeProgram.Unavailable {
    Matcher instruction = INSTRUCTION.matcher(region.describe());
    if (!instruction.find()) {
      throw new NativeProgram.Unavailable(
          "the program in C knows the instructions of x86-64, and not this: " + region.describe());
    }
    String define = "-DWRITEBACK=\"" + instruction.group(1) + "\"";
    Path program = NativeProgram.compile("persist.c", setting.folder(), define);
    String file = setting.folder().resolve("floor").toString();
    return NativeProgram.start(Map.of(), List.of(program.toString(), file, "" + Walk.BYTES));
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
