// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import io.holdfast.heap.CheckReport;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Goes through all of a pool. */
@Command(
    name = "check",
    description = {
      "Goes through all of a pool, without changing it, and tells what cannot be.",
      "Blocks that no root leads to are counted; they are lost space, not damage, and do not"
          + " change the exit status."
    })
final class CheckCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "FILE", description = "The pool.")
  private Path file;

  @Option(names = "--leaks", description = "Also list the blocks that no root leads to.")
  private boolean leaks;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    try (ReadOnly opened = ReadOnly.open(file, null)) {
      CheckReport report = opened.pool().check();
      Text.field(out, "pool", file);
      Text.field(out, "last close", opened.lastClose());
      Text.field(out, "this opening", opened.pool().recovery());
      Text.field(out, "allocated", report.blocks() + " blocks, " + Text.bytes(report.bytes()));
      Text.field(out, "reached", report.reachable() + " blocks");
      Text.field(
          out,
          "leaked",
          report.leaked().size()
              + " blocks"
              + (report.problems().isEmpty() ? "" : ", or behind what cannot be read"));
      if (leaks) {
        report.leaked().forEach(offset -> Text.field(out, "leak", "offset " + offset));
      }
      Text.field(out, "problems", report.problems().size());
      report.problems().forEach(problem -> Text.field(out, "problem", Text.oneLine(problem)));
      return report.problems().isEmpty() ? 0 : Holdfast.FOUND;
    }
  }
}
