// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import io.holdfast.crash.KillLoop;
import io.holdfast.crash.KillMedium;
import io.holdfast.crash.KillProgram;
import io.holdfast.crash.KillReport;
import io.holdfast.examples.kv.SocketKillLoop;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Kills a program over and over, and looks for what it lost. */
@Command(
    name = "kill",
    description = {
      "Runs a bank with an index in a process of its own, kills that with SIGKILL at moments drawn"
          + " from a seed, opens what is left, and compares it with what was acknowledged.",
      "Takes about half a second for each kill."
    })
final class KillCommand implements Callable<Integer> {
  private final Supplier<Class<? extends KillProgram>> program;

  @Spec private CommandSpec spec;

  @Option(
      names = "--cycles",
      required = true,
      paramLabel = "N",
      description = "How many kills in each medium; at least 1.")
  private int cycles;

  @Option(
      names = "--seed",
      paramLabel = "S",
      description = "What the moments are drawn from, as a report has it. Default: the clock.")
  private long seed = System.nanoTime();

  @Option(
      names = "--medium",
      paramLabel = "shared|volatile-cache|both",
      converter = MediaConverter.class,
      description = {
        "What dies: the process alone (shared), or the machine's power as well, simulated"
            + " (volatile-cache). Default: both, one after the other."
      })
  private Media media = Media.both();

  @Option(
      names = "--server",
      description =
          "Kills the key-value server while clients pipeline requests to it, instead of the bank.")
  private boolean server;

  @Option(
      names = "--folder",
      paramLabel = "DIR",
      description =
          "Where the file is made, and kept if it shows a loss. Default: the temporary folder.")
  private Path folder = Path.of(System.getProperty("java.io.tmpdir"));

  KillCommand(Supplier<Class<? extends KillProgram>> program) {
    this.program = program;
  }

  /**
   * What to kill in.
   *
   * @param list one after the other
   */
  record Media(List<KillMedium> list) {
    static Media both() {
      return new Media(List.of(KillMedium.values()));
    }
  }

  static final class MediaConverter implements ITypeConverter<Media> {
    @Override
    public Media convert(String text) {
      if (text.equals("both")) {
        return Media.both();
      }
      for (KillMedium medium : KillMedium.values()) {
        if (Text.lowerCase(medium).equals(text)) {
          return new Media(List.of(medium));
        }
      }
      throw new TypeConversionException(
          "\"%s\" is none of shared, volatile-cache, both".formatted(text));
    }
  }

  @Override
  public Integer call() {
    if (cycles < 1) {
      throw new ParameterException(
          spec.commandLine(),
          "Invalid value for option '--cycles': %d, at least 1".formatted(cycles));
    }
    if (!Files.isDirectory(folder)) {
      throw new ParameterException(
          spec.commandLine(),
          "Invalid value for option '--folder': %s is no folder".formatted(folder));
    }
    PrintWriter out = spec.commandLine().getOut();
    int status = 0;
    for (KillMedium medium : media.list()) {
      KillReport report =
          server
              ? new SocketKillLoop(medium, cycles, seed, folder, out::println).run()
              : KillLoop.of(program.get())
                  .kills(cycles)
                  .seed(seed)
                  .medium(medium)
                  .folder(folder)
                  .progress(out::println)
                  .run();
      out.println(report.summary());
      if (!report.losses().isEmpty()) {
        status = Holdfast.FOUND;
      }
    }
    return status;
  }
}
