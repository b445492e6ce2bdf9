// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import io.holdfast.crash.KillProgram;
import io.holdfast.examples.BankAndIndex;
import io.holdfast.flush.HoldfastException;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.util.List;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The command line. Whatever goes wrong is told in one line, with the value concerned and the
 * remedy, and the exit status is 2.
 */
@Command(
    name = "holdfast",
    description = "Keeps Java objects through kill -9 and power loss; this looks after the files.",
    mixinStandardHelpOptions = true,
    versionProvider = Holdfast.Version.class,
    scope = ScopeType.INHERIT,
    synopsisSubcommandLabel = "COMMAND",
    exitCodeListHeading = "Exit status:%n",
    exitCodeList = {
      "0:done, and all is well",
      "1:done, and something was found: problems in a pool, a loss after a kill or a crash",
      "2:not done: a wrong word, or a file that cannot be used"
    })
public final class Holdfast {
  static final int FOUND = 1;
  static final int NOT_DONE = 2;

  @Option(
      names = "--stack",
      scope = ScopeType.INHERIT,
      description = "After an error, show where it came from; so does HOLDFAST_STACK=1.")
  private boolean stack = "1".equals(System.getenv("HOLDFAST_STACK"));

  private Holdfast() {}

  /** Says which build this is, and what it runs on. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      String build = Holdfast.class.getPackage().getImplementationVersion();
      return new String[] {
        "holdfast %s, Java %s, %s %s"
            .formatted(
                build == null ? "(not packaged)" : build,
                System.getProperty("java.version"),
                System.getProperty("os.name"),
                System.getProperty("os.arch"))
      };
    }
  }

  /**
   * Runs a command, and exits with its status.
   *
   * @param args its words; {@code --help} tells them
   */
  public static void main(String[] args) {
    System.exit(run(args, writer(System.out), writer(System.err), () -> BankAndIndex.class));
  }

  private static PrintWriter writer(PrintStream stream) {
    return new PrintWriter(new OutputStreamWriter(stream, stream.charset()), true);
  }

  static int run(
      String[] args,
      PrintWriter out,
      PrintWriter err,
      Supplier<Class<? extends KillProgram>> killed) {
    Holdfast holdfast = new Holdfast();
    CommandLine line =
        new CommandLine(holdfast)
            .addSubcommand(
                new CommandLine(new PoolCommand())
                    .addSubcommand(new CreateCommand())
                    .addSubcommand(new InfoCommand())
                    .addSubcommand(new CheckCommand()))
            .addSubcommand(
                new CommandLine(new DeviceCommand())
                    .addSubcommand(new DeviceCommand.Init())
                    .addSubcommand(new DeviceCommand.List())
                    .addSubcommand(new DeviceCommand.Create())
                    .addSubcommand(new DeviceCommand.Rename())
                    .addSubcommand(new DeviceCommand.Delete()))
            .addSubcommand(
                new CommandLine(new CrashCommand())
                    .addSubcommand(new ExploreCommand())
                    .addSubcommand(new KillCommand(killed))
                    .addSubcommand(new LintCommand()))
            .addSubcommand(new ServeCommand())
            .setOut(out)
            .setErr(err)
            .setCaseInsensitiveEnumValuesAllowed(true)
            .setParameterExceptionHandler((e, words) -> holdfast.refuse(e))
            .setExecutionExceptionHandler((e, command, words) -> holdfast.fail(e, command));
    line.getCommandSpec()
        .usageMessage()
        .footer("The launcher has two more, demo and bench, each with --help.");
    try {
      return line.execute(args);
    } catch (VirtualMachineError | LinkageError e) {
      return holdfast.tell(err, Text.oneLine(e.toString()), e);
    } finally {
      out.flush();
      err.flush();
    }
  }

  private int refuse(ParameterException e) {
    CommandLine command = e.getCommandLine();
    String problem = e.getMessage();
    if (e instanceof UnmatchedArgumentException unmatched
        && !unmatched.isUnknownOption()
        && !command.getSubcommands().isEmpty()) {
      problem =
          "\"%s\" is none of %s"
              .formatted(
                  unmatched.getUnmatched().getFirst(),
                  String.join(", ", command.getSubcommands().keySet()));
    }
    String help = command.getCommandSpec().qualifiedName() + " --help";
    return tell(command.getErr(), Text.oneLine(problem) + ": see " + help, e);
  }

  private int fail(Exception e, CommandLine command) {
    boolean isMeantForPeople =
        e instanceof HoldfastException || e instanceof IllegalArgumentException;
    String problem = isMeantForPeople && e.getMessage() != null ? e.getMessage() : e.toString();
    List<PositionalParamSpec> words = command.getCommandSpec().positionalParameters();
    if (!words.isEmpty()) {
      String file = String.valueOf(words.getFirst().<Object>getValue());
      problem = problem.contains(file) ? problem : file + ": " + problem;
    }
    return tell(command.getErr(), Text.oneLine(problem), e);
  }

  private int tell(PrintWriter err, String line, Throwable e) {
    err.println("holdfast: " + line);
    if (stack) {
      e.printStackTrace(err);
    }
    return NOT_DONE;
  }

  /** A command that is only the first word of others. */
  abstract static class Group implements Runnable {
    @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

    @Override
    public void run() {
      throw new ParameterException(
          spec.commandLine(),
          "\"%s\" needs one of %s"
              .formatted(spec.name(), String.join(", ", spec.subcommands().keySet())));
    }
  }

  @Command(name = "pool", description = "Creates a pool, tells what is in it, checks it.")
  static final class PoolCommand extends Group {}

  @Command(name = "crash", description = "Crash tests.")
  static final class CrashCommand extends Group {}
}
