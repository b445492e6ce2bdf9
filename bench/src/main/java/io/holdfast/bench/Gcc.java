// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Compiles the contestants in C, when they are needed. Where there is no compiler, they can be
 * brought along: {@code holdfast.bench.programs} is a folder of programs.
 */
final class Gcc {
  private static final String BROUGHT = System.getProperty("holdfast.bench.programs");

  private Gcc() {}

  /**
   * Compiles a program, unless it was brought along.
   *
   * @param source the name of its source, which is beside this class
   * @param name the name of the program, which differs where the flags do
   * @param folder where the program goes
   * @param flags what gcc is given besides
   * @return the program
   * @throws Unavailable if there is no gcc, or what it needs is missing
   */
  static Path compile(String source, String name, Path folder, String... flags) throws Unavailable {
    if (BROUGHT != null) {
      return brought(Path.of(BROUGHT, name));
    }
    Path file = folder.resolve(source);
    Path program = folder.resolve(name);
    List<String> command = new ArrayList<>();
    command.addAll(List.of("gcc", "-O2", "-o", program.toString(), file.toString()));
    command.addAll(List.of(flags));
    try (InputStream text = Gcc.class.getResourceAsStream(source)) {
      Files.write(file, text.readAllBytes());
      Process gcc = start(command);
      String output = new String(gcc.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (Program.waitFor(gcc) != 0) {
        String problem =
            output.lines().filter(line -> line.contains("error")).findFirst().orElse(output);
        throw new Unavailable("gcc refuses " + source + ": " + problem.strip());
      }
      return program;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path brought(Path program) throws Unavailable {
    if (!Files.isExecutable(program)) {
      throw new Unavailable(program + " was not brought along");
    }
    return program;
  }

  private static Process start(List<String> command) throws Unavailable {
    try {
      return new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException e) {
      throw new Unavailable("gcc is not installed");
    }
  }
}
