// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import io.holdfast.crash.CrashCase;
import io.holdfast.crash.CrashFailure;
import io.holdfast.crash.CrashModel;
import io.holdfast.crash.Explorer;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Tries every crash of a workload. */
@Command(
    name = "explore",
    description =
        "Runs operations drawn from a seed, and tries every image that a crash may leave of them,"
            + " as far as recovery can tell them apart.")
final class ExploreCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private CaseOptions options;

  @Option(
      names = "--model",
      paramLabel = "word|x86-line|eadr|process",
      converter = ModelConverter.class,
      description = "Which images a crash may leave. Default: word.")
  private CrashModel model = CrashModel.WORD;

  @Option(
      names = "--nested",
      paramLabel = "N",
      description = "How often a recovery is crashed in its turn. Default: 1.")
  private int nested = 1;

  @Option(
      names = "--limit",
      paramLabel = "N",
      description = "How many states of a point are tried at most. Default: ${DEFAULT-VALUE}.",
      defaultValue = "20000")
  private long limit;

  @Option(
      names = "--replay",
      paramLabel = "TOKEN",
      description = "Try this one crash, which a failure told, and no other.")
  private String token;

  static final class ModelConverter implements ITypeConverter<CrashModel> {
    @Override
    public CrashModel convert(String text) {
      for (CrashModel model : CrashModel.values()) {
        if (Text.lowerCase(model).equals(text)) {
          return model;
        }
      }
      throw new TypeConversionException(
          "\"%s\" is none of word, x86-line, eadr, process".formatted(text));
    }
  }

  @Override
  public Integer call() {
    CrashCase<?, ?> chosen = options.toCase();
    options.requireAtLeast("--nested", nested, 0);
    options.requireAtLeast("--limit", limit, 1);
    PrintWriter out = spec.commandLine().getOut();
    Explorer explorer =
        options
            .toExplorer(chosen)
            .model(model)
            .nested(nested)
            .limit(limit)
            .progress(line -> out.println("  " + line));
    try {
      if (token != null) {
        replay(explorer, chosen);
        out.println("the crash is recovered from: " + token);
        return 0;
      }
      Explorer.Report found = explorer.run(chosen);
      LintCommand.tell(found.findings(), out);
      out.println(options.describe(model) + ": " + found.summary());
      return found.findings().isEmpty() && found.cappedPoints() == 0 ? 0 : Holdfast.FOUND;
    } catch (CrashFailure e) {
      List.of(e.getMessage().split("\n")).forEach(out::println);
      out.println(options.describe(model) + ": FOUND a crash that is not recovered from");
      return Holdfast.FOUND;
    }
  }

  private void replay(Explorer explorer, CrashCase<?, ?> chosen) {
    try {
      explorer.replay(token, chosen);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(
          spec.commandLine(), "Invalid value for option '--replay': " + e.getMessage(), e);
    }
  }
}
