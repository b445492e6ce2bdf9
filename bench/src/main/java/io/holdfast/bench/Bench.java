// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * Measures Holdfast beside its contestants: the same program written in C, libpmemobj, maps in
 * memory and in files, Redis. Every figure is a ratio between two that took turns in the same run,
 * because figures of different runs, or machines, say nothing about each other.
 *
 * <p>Runs on the class path, because JMH is no module, and needs {@code
 * --enable-native-access=ALL-UNNAMED}.
 */
public final class Bench {
  static final List<Benchmark> ALL =
      List.of(
          new PersistBenchmark(),
          new TransactionBenchmark(),
          new LatencyBenchmark(),
          new ScaleBenchmark(),
          new MapBenchmark(List.of()),
          new CodecBenchmark(),
          new RespBenchmark(),
          new OpenBenchmark(),
          KvBenchmark.ofLauncher());

  private static final int FAILED = 1;
  private static final int WRONG_WORD = 2;

  private Bench() {}

  /**
   * Runs benchmarks, and exits: 0 if they ran, 1 if one could not, 2 after a word that is none.
   *
   * @param args names of benchmarks, all if there is none; {@code draw}; options, see {@code
   *     --help}; or {@code jmh} and what JMH is to be told
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
    if (words.contains("--help") || words.contains("-h")) {
      help(out);
      return 0;
    }
    Options options;
    try {
      options = Options.parse(words);
    } catch (IllegalArgumentException e) {
      err.println("bench: " + e.getMessage());
      return WRONG_WORD;
    }
    return run(options, out, err);
  }

  static int run(Options options, PrintStream out, PrintStream err) {
    int status = 0;
    if (!options.benchmarks().isEmpty()) {
      out.println(Machine.describe());
    }
    for (Benchmark benchmark : options.benchmarks()) {
      out.printf("%n%s: %s%n", benchmark.name(), benchmark.title());
      try {
        run(benchmark, options, out);
      } catch (IOException | RuntimeException e) {
        err.println("bench: " + benchmark.name() + " could not be run: " + e);
        status = FAILED;
      }
    }
    return options.pictures() == null ? status : Math.max(status, draw(options, out, err));
  }

  private static void run(Benchmark benchmark, Options options, PrintStream out)
      throws IOException {
    Journal journal = new Journal(out);
    Path folder = Files.createTempDirectory(options.folder(), "holdfast-bench-");
    try {
      benchmark.run(new Setting(folder, options.effort(), journal));
    } finally {
      delete(folder);
    }
    Report report = journal.report(benchmark);
    if (!report.rows().isEmpty()) {
      out.println("  in " + Results.write(options.results(), report));
    }
  }

  private static int draw(Options options, PrintStream out, PrintStream err) {
    try {
      for (Path picture : Pictures.draw(options.results(), options.pictures())) {
        out.println("drawn: " + picture);
      }
      return 0;
    } catch (IOException | RuntimeException e) {
      err.println("bench: the pictures could not be drawn: " + e);
      return FAILED;
    }
  }

  static Benchmark named(String name) {
    return ALL.stream().filter(one -> one.name().equals(name)).findFirst().orElse(null);
  }

  private static void help(PrintStream out) {
    out.println("bench [NAME...] [--quick|--large] [--record] [--dir FOLDER]");
    out.println("Measures Holdfast beside its contestants, in turns. Without a name: all of");
    for (Benchmark benchmark : ALL) {
      out.printf("  %-10s %s%n", benchmark.name(), benchmark.title());
    }
    out.println("  jmh        [REGEX] [-prof gc ...]: single operations under JMH, by itself");
    out.println("  draw       no measurement: draws the pictures again from what was recorded");
    out.println("Options");
    out.println("  --quick    shorter and smaller, for a first look");
    out.println("  --large    as long as without, and up to a hundred million live blocks: 7 GB");
    out.println("  --dir      where the files go while they are needed; else " + defaultFolder());
    out.println(
        "  --record   keeps the figures in bench/results, and draws the pictures from them");
    out.println("  --results  where figures go instead, as JSON; else bench/target/results");
    out.println("  --pictures where pictures go; else, if drawn, src/site/resources/images");
  }

  /** Memory that files can be in, where there is such a thing. */
  static Path defaultFolder() {
    Path memory = Path.of("/dev/shm");
    return Files.isWritable(memory) ? memory : Path.of(System.getProperty("java.io.tmpdir"));
  }

  /** Deletes a folder and all that is in it. */
  static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
