// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Measures Holdfast beside its contestants: the same program written in C, libpmemobj, a map in
 * memory. Every figure is a ratio between two that took turns in the same run, because figures of
 * different runs, or machines, say nothing about each other.
 *
 * <p>Runs on the class path, because JMH is no module, and needs {@code
 * --enable-native-access=ALL-UNNAMED}.
 */
public final class Bench {
  private static final List<Benchmark> ALL =
      List.of(
          new PersistBenchmark(),
          new TransactionBenchmark(),
          new MapBenchmark(),
          new OpenBenchmark());

  private static final int FAILED = 1;
  private static final int WRONG_WORD = 2;

  private Bench() {}

  /**
   * Runs benchmarks, and exits: 0 if they ran, 1 if one could not, 2 after a word that is none.
   *
   * @param args names of benchmarks, all if there is none; {@code --quick}; {@code --dir FOLDER};
   *     {@code --help}; or {@code jmh} and what JMH is to be told
   */
  public static void main(String[] args) throws IOException {
    if (args.length > 0 && args[0].equals("jmh")) {
      org.openjdk.jmh.Main.main(Arrays.copyOfRange(args, 1, args.length));
      return;
    }
    if (System.getProperty("org.slf4j.simpleLogger.defaultLogLevel") == null) {
      System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "warn");
    }
    System.exit(run(List.of(args), System.out, System.err));
  }

  static int run(List<String> words, PrintStream out, PrintStream err) {
    if (words.contains("--help")) {
      help(out);
      return 0;
    }
    List<Benchmark> chosen = new ArrayList<>();
    Effort effort = Effort.FULL;
    Path parent = defaultFolder();
    for (int i = 0; i < words.size(); i++) {
      String word = words.get(i);
      if (word.equals("--quick")) {
        effort = Effort.QUICK;
      } else if (word.equals("--dir") && i + 1 < words.size()) {
        parent = Path.of(words.get(++i));
      } else if (named(word) != null) {
        chosen.add(named(word));
      } else {
        err.println("bench: \"" + word + "\" is neither a benchmark nor an option: try --help");
        return WRONG_WORD;
      }
    }
    if (!Files.isDirectory(parent)) {
      err.println("bench: not a directory: " + parent);
      return WRONG_WORD;
    }
    return run(chosen.isEmpty() ? ALL : chosen, effort, parent, out, err);
  }

  static int run(
      List<Benchmark> chosen, Effort effort, Path parent, PrintStream out, PrintStream err) {
    out.println(Setting.machine());
    int status = 0;
    for (Benchmark benchmark : chosen) {
      out.printf("%n%s: %s%n", benchmark.name(), benchmark.title());
      try {
        Path folder = Files.createTempDirectory(parent, "holdfast-bench-");
        try {
          benchmark.run(new Setting(folder, effort, out));
        } finally {
          delete(folder);
        }
      } catch (IOException | RuntimeException e) {
        err.println("bench: " + benchmark.name() + " could not be run: " + e);
        status = FAILED;
      }
    }
    return status;
  }

  static Benchmark named(String name) {
    return ALL.stream().filter(one -> one.name().equals(name)).findFirst().orElse(null);
  }

  private static void help(PrintStream out) {
    out.println("bench [NAME...] [--quick] [--dir FOLDER]");
    out.println("Measures Holdfast beside its contestants, in turns. Without a name: all of");
    for (Benchmark benchmark : ALL) {
      out.printf("  %-10s %s%n", benchmark.name(), benchmark.title());
    }
    out.println("  jmh        [REGEX] [-prof gc ...]: single operations under JMH, by itself");
    out.println("Options");
    out.println("  --quick    shorter and smaller, for a first look");
    out.println("  --dir      where the files go while they are needed; else " + defaultFolder());
  }

  /** Memory that files can be in, where there is such a thing. */
  static Path defaultFolder() {
    Path memory = Path.of("/dev/shm");
    return Files.isWritable(memory) ? memory : Path.of(System.getProperty("java.io.tmpdir"));
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }
}
