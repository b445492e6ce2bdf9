// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** What the figures were made on, and of. */
final class Machine {
  private Machine() {}

  /** The processor, and what runs on it. */
  static String describe() {
    return "%s, %d processors; %s %s; Linux %s"
        .formatted(
            processor(),
            Runtime.getRuntime().availableProcessors(),
            System.getProperty("java.vm.name"),
            System.getProperty("java.vm.version"),
            System.getProperty("os.version").split("-", 2)[0]);
  }

  private static String processor() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .findFirst()
          .orElse(System.getProperty("os.arch"));
    } catch (IOException | UncheckedIOException e) {
      return System.getProperty("os.arch");
    }
  }

  /** How many threads wanted to run, on average over the last minute. */
  static double load() {
    return ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage();
  }

  /** The folder of the sources, if the launcher said where it is. */
  static Path home() {
    return Path.of(System.getProperty("holdfast.home", "")).toAbsolutePath();
  }

  /** What the sources are; a + follows where something was changed. */
  static String commit() {
    try {
      String commit = git("rev-parse", "--short=12", "HEAD");
      return git("status", "--porcelain", "--untracked-files=no").isEmpty() ? commit : commit + "+";
    } catch (IOException e) {
      return "unknown";
    }
  }

  private static String git(String... words) throws IOException {
    List<String> command = new ArrayList<>(List.of("git", "-C", home().toString()));
    command.addAll(List.of(words));
    Process git =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String said = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (Program.waitFor(git) != 0) {
      throw new IOException("git failed");
    }
    return said.strip();
  }
}
