// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The command that runs another class of this class path in a JVM of its own. */
final class JavaCommand {
  private JavaCommand() {}

  static List<String> of(String main, List<String> options, List<String> args) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Dorg.slf4j.simpleLogger.defaultLogLevel=error");
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main));
    command.addAll(args);
    return command;
  }
}
