// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import io.holdfast.crash.CrashCase;
import io.holdfast.crash.CrashModel;
import io.holdfast.crash.Explorer;
import io.holdfast.examples.BlocksCase;
import io.holdfast.examples.MapCase;
import io.holdfast.examples.ObjectsCase;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntFunction;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Which workload is run, for commands that run one. */
final class CaseOptions {
  private static final Map<String, IntFunction<CrashCase<?, ?>>> CASES =
      new TreeMap<>(
          Map.of("map", MapCase::new, "objects", ObjectsCase::new, "blocks", BlocksCase::new));

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--case",
      paramLabel = "blocks|map|objects",
      description = "What it works on. Default: map.")
  private String name = "map";

  @Option(
      names = "--operations",
      paramLabel = "N",
      description = "How many operations, drawn from the seed. Default: ${DEFAULT-VALUE}.",
      defaultValue = "10")
  private int operations;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "What they are drawn from, as a summary has it. Default: the clock.")
  private long seed = System.nanoTime();

  CrashCase<?, ?> toCase() {
    if (!CASES.containsKey(name)) {
      throw refusal(
          "Invalid value for option '--case': \"%s\" is none of %s"
              .formatted(name, String.join(", ", CASES.keySet())));
    }
    requireAtLeast("--operations", operations, 1);
    return CASES.get(name).apply(operations);
  }

  Explorer toExplorer(CrashCase<?, ?> chosen) {
    return Explorer.of(chosen).seed(seed);
  }

  void requireAtLeast(String option, long value, long least) {
    if (value < least) {
      throw refusal(
          "Invalid value for option '%s': %d, at least %d".formatted(option, value, least));
    }
  }

  private ParameterException refusal(String text) {
    return new ParameterException(spec.commandLine(), text);
  }

  /** What is needed to run it again. */
  String describe(CrashModel model) {
    return "%s, %d operations, %s, seed %d"
        .formatted(name, operations, Text.lowerCase(model), seed);
  }

  /** The same, where no images are made. */
  String describe() {
    return "%s, %d operations, seed %d".formatted(name, operations, seed);
  }
}
