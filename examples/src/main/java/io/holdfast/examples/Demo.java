// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.crash.KillLoop;
import io.holdfast.crash.KillMedium;
import io.holdfast.crash.KillReport;
import io.holdfast.flush.HoldfastException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * The main job in under a minute: {@link BankAndIndex} is killed over and over, half of the times
 * with a simulated loss of power, and all that it acknowledged must be there.
 */
public final class Demo {
  private static final int DEFAULT_KILLS = 24;
  private static final int MOST_LINES = 5000;
  private static final int LONGEST_LINE = 200;

  private int kills = DEFAULT_KILLS;
  private long seed = System.nanoTime();
  private final List<Path> files = new ArrayList<>();

  private Demo() {}

  /** A wrong argument, told in a line. */
  private static final class UsageException extends Exception {
    private static final long serialVersionUID = 1;

    UsageException(String message) {
      super(message);
    }
  }

  public static void main(String[] arguments) {
    System.exit(run(arguments));
  }

  /** Runs the demo; returns the exit status. */
  static int run(String... arguments) {
    Demo demo = new Demo();
    try {
      return demo.parse(arguments) ? demo.run() : 0;
    } catch (UsageException e) {
      return complain(e.getMessage());
    } catch (HoldfastException e) {
      return complain(e.getMessage());
    } catch (UncheckedIOException e) {
      return complain(e.getCause().toString());
    }
  }

  private static int complain(String what) {
    System.err.println("demo: " + what);
    return 2;
  }

  private boolean parse(String... arguments) throws UsageException {
    for (int i = 0; i < arguments.length; i++) {
      String argument = arguments[i];
      switch (argument) {
        case "--help", "-h" -> {
          System.out.println(
              """
              usage: demo [--kills N] [--seed S] [FILE...]
              Keeps a bank, and an index of the words of the files, in one pool; kills the process
              that works on it N times (24 unless given), half of them as if power were lost; checks
              after each that everything acknowledged is there. Status 0: nothing was lost; 1:
              something was; 2: it could not be done.\
              """);
          return false;
        }
        case "--kills" -> kills = (int) number(arguments, ++i, 2, 100_000);
        case "--seed" -> seed = number(arguments, ++i, Long.MIN_VALUE, Long.MAX_VALUE);
        default -> {
          if (argument.startsWith("-")) {
            throw new UsageException("no such option: " + argument + "; see --help");
          }
          files.add(Path.of(argument));
        }
      }
    }
    return true;
  }

  private static long number(String[] arguments, int at, long least, long most)
      throws UsageException {
    String option = arguments[at - 1];
    String text = at < arguments.length ? arguments[at] : "nothing";
    try {
      long value = Long.parseLong(text);
      if (value >= least && value <= most) {
        return value;
      }
    } catch (NumberFormatException e) {
      // told below, as a number out of range is
    }
    throw new UsageException(
        "%s takes a number from %d to %d, not %s".formatted(option, least, most, text));
  }

  private int run() throws UsageException {
    List<String> lines = text();
    System.out.printf(
        "A bank of 100 accounts and an index of %,d lines of text live in one pool. The process that%n"
            + "works on it is killed %d times, half of them as if power were lost. Seed %d.%n%n",
        lines.size(), kills, seed);
    BankAndIndex program = new BankAndIndex(lines);
    KillReport shared = loop(program, KillMedium.SHARED, kills - kills / 2);
    KillReport power = loop(program, KillMedium.VOLATILE_CACHE, kills / 2);
    System.out.printf(
        "%n%-22s %6s %13s %12s %15s %12s %5s%n",
        "", "kills", "acknowledged", "rolled back", "opened, median", "at most", "lost");
    row("process killed", shared);
    row("power lost, simulated", power);
    int lost = shared.losses().size() + power.losses().size();
    System.out.printf(
        "%nsurvived %d kills, %d acknowledged operations, %d lost%n",
        shared.kills() + power.kills(), shared.acknowledged() + power.acknowledged(), lost);
    return lost == 0 ? 0 : 1;
  }

  private KillReport loop(BankAndIndex program, KillMedium medium, int count) {
    return KillLoop.of(program)
        .medium(medium)
        .kills(count)
        .seed(seed)
        .progress(System.out::println)
        .run();
  }

  private static void row(String name, KillReport report) {
    System.out.printf(
        Locale.ROOT,
        "%-22s %6d %13d %12d %12.2f ms %9.2f ms %5d%n",
        name,
        report.kills(),
        report.acknowledged(),
        report.rolledBack(),
        report.median().toNanos() / 1e6,
        report.longest().toNanos() / 1e6,
        report.losses().size());
  }

  // ---- the text

  private List<String> text() throws UsageException {
    List<String> lines = new ArrayList<>();
    for (Path file : files.isEmpty() ? sources() : files) {
      try {
        addLines(file, lines);
      } catch (CharacterCodingException e) {
        throw new UsageException(file + " is not a text in UTF-8; name another file");
      } catch (IOException e) {
        throw new UsageException(file + " cannot be read; name another file: " + e);
      }
    }
    if (lines.isEmpty()) {
      throw new UsageException("the files have no words; name others");
    }
    return lines;
  }

  private static void addLines(Path file, List<String> lines) throws IOException {
    try (Stream<String> all = Files.lines(file)) {
      all.map(String::strip)
          .filter(line -> !line.isEmpty())
          .map(line -> line.substring(0, Math.min(line.length(), LONGEST_LINE)))
          .limit(MOST_LINES - lines.size())
          .forEach(lines::add);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /** The project's own sources, where the launcher tells the place; else this folder's. */
  private static List<Path> sources() throws UsageException {
    Path home = Path.of(System.getProperty("holdfast.home", "."));
    try (Stream<Path> all = Files.walk(home, 12)) {
      List<Path> found =
          all.filter(path -> path.toString().endsWith(".java")).sorted().limit(200).toList();
      if (found.isEmpty()) {
        throw new UsageException("no Java sources in " + home + "; name a file to be indexed");
      }
      return found;
    } catch (IOException | UncheckedIOException e) {
      throw new UsageException(home + " cannot be read; name a file to be indexed: " + e);
    }
  }
}
