// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import io.holdfast.crash.CrashCase;
import io.holdfast.crash.LintFinding;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Looks for stores, writebacks and fences that are missing, or in vain. */
@Command(
    name = "lint",
    description =
        "Runs operations drawn from a seed, without a crash, and tells which rules of persistent"
            + " memory they break: stores that are not durable when they should be, or not logged;"
            + " writebacks and fences in vain.")
final class LintCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private CaseOptions options;

  @Override
  public Integer call() {
    CrashCase<?, ?> chosen = options.toCase();
    PrintWriter out = spec.commandLine().getOut();
    List<LintFinding> found = options.toExplorer(chosen).lint(chosen);
    tell(found, out);
    out.println(options.describe() + ": " + found.size() + " found");
    return found.isEmpty() ? 0 : Holdfast.FOUND;
  }

  static void tell(List<LintFinding> found, PrintWriter out) {
    found.forEach(finding -> out.println("  " + finding));
  }
}
