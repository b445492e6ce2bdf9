// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What the command line asks for.
 *
 * @param benchmarks what to run; nothing if the pictures are only to be drawn again
 * @param effort how long
 * @param folder where files go while they are needed
 * @param results where reports go, and come from if pictures are drawn
 * @param pictures where pictures go; null if none are to be drawn
 */
record Options(
    List<Benchmark> benchmarks, Effort effort, Path folder, Path results, Path pictures) {
  static final String DRAW = "draw";

  /** Reports and pictures that were worth keeping. */
  private static final String RECORDED = "bench/results";

  private static final String DRAWN = "src/site/resources/images";
  private static final String UNRECORDED = "bench/target/results";

  /**
   * Understands a command line.
   *
   * @throws IllegalArgumentException if a word is wrong; the message says which
   */
  static Options parse(List<String> words) {
    Parser parser = new Parser();
    for (int i = 0; i < words.size(); i++) {
      String next = i + 1 < words.size() ? words.get(i + 1) : null;
      i += parser.take(words.get(i), next);
    }
    return parser.options();
  }

  private static final class Parser {
    private final List<Benchmark> chosen = new ArrayList<>();
    private Effort effort = Effort.FULL;
    private Path folder = Bench.defaultFolder();
    private Path results = Machine.home().resolve(UNRECORDED);
    private Path pictures;
    private boolean onlyDraws;

    /** Takes a word; returns how many of the following it took too. */
    int take(String word, String next) {
      switch (word) {
        case "--quick" -> effort = Effort.QUICK;
        case "--large" -> effort = Effort.LARGE;
        case "--record" -> record();
        case DRAW -> {
          record();
          onlyDraws = true;
        }
        default -> {
          if (Bench.named(word) == null) {
            return takeFolder(word, next);
          }
          chosen.add(Bench.named(word));
        }
      }
      return 0;
    }

    private void record() {
      results = Machine.home().resolve(RECORDED);
      pictures = Machine.home().resolve(DRAWN);
    }

    private int takeFolder(String word, String next) {
      if (!List.of("--dir", "--results", "--pictures").contains(word)) {
        throw new IllegalArgumentException(
            "\"" + word + "\" is neither a benchmark nor an option: try --help");
      }
      if (next == null) {
        throw new IllegalArgumentException(word + " takes a folder, and none follows it");
      }
      switch (word) {
        case "--dir" -> folder = Path.of(next);
        case "--results" -> results = Path.of(next);
        default -> pictures = Path.of(next);
      }
      return 1;
    }

    Options options() {
      if (!Files.isDirectory(folder)) {
        throw new IllegalArgumentException("not a directory: " + folder);
      }
      if (onlyDraws && !chosen.isEmpty()) {
        throw new IllegalArgumentException(
            "\"" + DRAW + "\" runs no benchmark: --record does both");
      }
      if (effort != Effort.FULL && pictures != null && !onlyDraws) {
        throw new IllegalArgumentException(
            "what is kept has the same rows each time: --record goes without --quick and --large");
      }
      List<Benchmark> benchmarks = chosen.isEmpty() && !onlyDraws ? Bench.ALL : chosen;
      return new Options(benchmarks, effort, folder, results, pictures);
    }
  }
}
