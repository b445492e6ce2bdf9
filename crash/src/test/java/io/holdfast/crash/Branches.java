// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Compares a report on coverage with the list of the branches that no test takes, each with the
 * reason. A branch of a class in its scope that is in neither is an error.
 *
 * <p>The list has lines {@code scope FOLDER CLASS...}; then, for each line of code with branches
 * that are not taken, {@code CLASS.java, N: CODE}, followed by the reason, which is indented. It
 * goes by the code and not by the line's number, so that it stays true when lines are moved.
 */
public final class Branches {
  private static final Pattern ELEMENT =
      Pattern.compile(
          "<sourcefile name=\"(?<file>[^\"]*)\""
              + "|<line nr=\"(?<line>\\d+)\" mi=\"\\d+\" ci=\"\\d+\""
              + " mb=\"(?<missed>\\d+)\" cb=\"(?<taken>\\d+)\"");

  private final Map<String, Path> scope = new TreeMap<>();
  private final Map<String, Integer> listed = new LinkedHashMap<>();

  private Branches(Path list, Path root) throws IOException {
    for (String line : Files.readAllLines(list)) {
      if (line.startsWith("scope ")) {
        String[] words = line.split(" ");
        for (int i = 2; i < words.length; i++) {
          scope.put(words[i] + ".java", root.resolve(words[1]).resolve(words[i] + ".java"));
        }
      } else if (!line.isBlank() && !line.startsWith(" ") && !line.startsWith("#")) {
        int comma = line.indexOf(", ");
        int colon = line.indexOf(": ");
        String code = line.substring(0, comma) + ": " + line.substring(colon + 2);
        listed.merge(code, Integer.parseInt(line.substring(comma + 2, colon)), Integer::sum);
      }
    }
  }

  /**
   * Ends with an error if there are others.
   *
   * @param arguments the report, as XML; the list; the folder of all modules
   */
  public static void main(String... arguments) throws Exception {
    Branches branches = new Branches(Path.of(arguments[1]), Path.of(arguments[2]));
    List<String> wrong = branches.compare(Path.of(arguments[0]));
    if (!wrong.isEmpty()) {
      IO.println(String.join("\n", wrong));
      throw new IllegalStateException("branches that no test takes: " + wrong.size());
    }
  }

  private List<String> compare(Path report) throws IOException {
    Map<String, Integer> missed = new TreeMap<>();
    int taken = 0;
    List<String> code = null;
    String name = "";
    Matcher element = ELEMENT.matcher(Files.readString(report));
    while (element.find()) {
      if (element.group("file") != null) {
        name = element.group("file");
        code = scope.containsKey(name) ? Files.readAllLines(scope.get(name)) : null;
      } else if (code != null) {
        taken += Integer.parseInt(element.group("taken"));
        int left = Integer.parseInt(element.group("missed"));
        if (left > 0) {
          int line = Integer.parseInt(element.group("line"));
          missed.merge(name + ": " + code.get(line - 1).strip(), left, Integer::sum);
        }
      }
    }
    List<String> wrong = new ArrayList<>();
    missed.forEach((at, count) -> {
      if (count > listed.getOrDefault(at, 0)) {
        wrong.add("%s (%d, of which %d listed)".formatted(at, count, listed.getOrDefault(at, 0)));
      }
    });
    listed.forEach((at, count) -> {
      if (missed.getOrDefault(at, 0) < count) {
        IO.println("taken, though listed: " + at);
      }
    });
    int left = missed.values().stream().mapToInt(count -> count).sum();
    IO.println(
        "branches of %d classes: %d taken, %d not, on %d lines of which %d are not listed"
            .formatted(scope.size(), taken, left, missed.size(), wrong.size()));
    return wrong;
  }
}
