// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.KillLoop;
import io.holdfast.crash.KillMedium;
import io.holdfast.crash.KillReport;
import io.holdfast.examples.BankAndIndex;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * The page that says what the last long search has tried. In the profile {@code nightly} the last
 * test of the build makes it, from what the modules before have left in their {@code target}, and
 * from kills of its own, {@code holdfast.kills} of them in each medium.
 */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ScoreboardTest {
  private static final Path ROOT = Path.of("..");
  private static final Path PAGE = ROOT.resolve("src/site/markdown/scoreboard.md");
  private static final List<String> MODULES = List.of("tx", "heap");
  private static final String[] COUNTS = {"sequences", "points", "states", "nested", "capped"};

  @Test
  @Order(1)
  @EnabledIfSystemProperty(named = "holdfast.kills", matches = "\\d+")
  void longSearch_tellsWhatItTried() throws IOException, InterruptedException {
    int kills = Integer.getInteger("holdfast.kills");
    long seed = Long.getLong("holdfast.sequences.seed", System.nanoTime());
    List<KillReport> reports =
        Stream.of(KillMedium.values())
            .parallel()
            .map(medium ->
                KillLoop.of(BankAndIndex.class).kills(kills).seed(seed).medium(medium).run())
            .peek(IO::println)
            .toList();
    StringBuilder page = new StringBuilder();
    page.append("# The scoreboard\n\n")
        .append("What the last long search has tried, and that it found nothing. Made by")
        .append(" `./mvnw verify -Pnightly`; not to be edited.\n\n")
        .append("| | |\n|---|---|\n");
    row(page, "commit", "`" + commit() + "`");
    row(page, "Java", System.getProperty("java.vm.version"));
    row(page, "seed of random sequences", seedOfSequences());
    row(page, "seed of kills", "" + seed);
    page.append("\n## Explored\n\n")
        .append(
            "Each sequence of operations is crashed at every point, with every image that recovery")
        .append(" can tell apart (words\nin any order); nested: in its recovery again. Random")
        .append(" sequences, of 50 to 200 operations, are sampled: of each point\nthe first images")
        .append(" only, so theirs are no capped points.\n\n")
        .append(
            "| structure | start | sequences of | sequences | points | states | nested | capped |\n")
        .append("|---|---|---|--:|--:|--:|--:|--:|\n");
    explored(page);
    page.append("\n## Attacked\n\n");
    for (String line : tried()) {
      page.append("- ").append(line).append(".\n");
    }
    page.append("\n## Killed\n\n");
    for (KillReport report : reports) {
      assertEquals(List.of(), report.losses(), report::summary);
      page.append("- ").append(report.summary()).append(".\n");
    }
    Files.writeString(PAGE, page);
  }

  private static void row(StringBuilder page, String... cells) {
    page.append("| ").append(String.join(" | ", cells)).append(" |\n");
  }

  private static String commit() throws IOException, InterruptedException {
    String commit = git("rev-parse", "--short=12", "HEAD");
    return git("status", "--porcelain").isEmpty() ? commit : commit + ", changed";
  }

  private static String git(String... words) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("git"));
    command.addAll(List.of(words));
    Process process = new ProcessBuilder(command).directory(ROOT.toFile()).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return process.waitFor() == 0 ? said.strip() : "unknown";
  }

  private static Properties explored(String module) throws IOException {
    Properties explored = new Properties();
    Path file = ROOT.resolve(module).resolve("target/explored.properties");
    try (Reader in = Files.newBufferedReader(file)) {
      explored.load(in);
    }
    return explored;
  }

  private static String seedOfSequences() throws IOException {
    List<String> seeds = new ArrayList<>();
    for (String module : MODULES) {
      seeds.add(explored(module).getProperty("seed") + " (" + module + ")");
    }
    return String.join(", ", seeds);
  }

  private static void explored(StringBuilder page) throws IOException {
    long[] sums = new long[COUNTS.length];
    for (String module : MODULES) {
      Properties explored = explored(module);
      TreeSet<String> keys = new TreeSet<>();
      for (String name : explored.stringPropertyNames()) {
        if (name.endsWith(".states")) {
          keys.add(name.substring(0, name.lastIndexOf('.')));
        }
      }
      for (String key : keys) {
        List<String> cells = new ArrayList<>(List.of(key.replace('-', ' ').split("\\.")));
        boolean sampled = key.endsWith("random");
        for (int i = 0; i < COUNTS.length; i++) {
          long count = Long.parseLong(explored.getProperty(key + "." + COUNTS[i]));
          boolean counts = !(sampled && COUNTS[i].equals("capped"));
          sums[i] += counts ? count : 0;
          cells.add(counts ? String.format(Locale.ROOT, "%,d", count) : "sampled");
        }
        row(page, cells.toArray(new String[0]));
      }
    }
    List<String> cells = new ArrayList<>(List.of("**all**", "", ""));
    for (long sum : sums) {
      cells.add(String.format(Locale.ROOT, "**%,d**", sum));
    }
    row(page, cells.toArray(new String[0]));
  }

  /** What tests of other kinds say that they have tried. */
  private static List<String> tried() throws IOException {
    List<String> lines = new ArrayList<>();
    for (String module : List.of("crash", "tx", "heap", "examples")) {
      try (Stream<Path> files = Files.list(ROOT.resolve(module).resolve("target/tried"))) {
        for (Path file : files.sorted().toList()) {
          lines.add(Files.readString(file).strip());
        }
      }
    }
    return lines;
  }

  /** The page that is checked in is of a search that tried all and lost nothing. */
  @Test
  @Order(2)
  void page_saysThatNothingWasLeftOutOrLost() throws IOException {
    String page = Files.readString(PAGE);
    List<String> kills =
        Pattern.compile("(\\d+) kills .*, (\\d+) lost")
            .matcher(page)
            .results()
            .map(MatchResult::group)
            .toList();
    assertEquals(KillMedium.values().length, kills.size(), page);
    int killed = 0;
    for (String line : kills) {
      killed += Integer.parseInt(line.substring(0, line.indexOf(' ')));
      assertTrue(line.endsWith(" 0 lost"), line);
    }
    assertTrue(killed >= 3000, page);
    assertTrue(page.contains("all of 3"), page);
    assertTrue(
        page.lines().anyMatch(line -> line.startsWith("| **all**") && line.endsWith("**0** |")),
        page);
    assertFalse(page.contains("unknown"), page);
    for (String module : MODULES) {
      String all = "mutants of io.holdfast." + module + ": (\\d+) of \\1 tried, .* 0 survived";
      assertTrue(Pattern.compile(all).matcher(page).find(), page);
    }
  }
}
