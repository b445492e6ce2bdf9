// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A contestant in C, in a process of its own: compiled when it is needed, then kept alive, and told
 * by a pipe how much to do next. It answers with the nanoseconds that it took, measured by itself,
 * so that the pipe costs nothing that counts.
 */
final class NativeProgram implements AutoCloseable {
  private static final long EXIT_SECONDS = 5;

  private final Process process;
  private final Writer commands;
  private final BufferedReader answers;

  private NativeProgram(Process process) {
    this.process = process;
    this.commands = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.US_ASCII);
    this.answers = process.inputReader(StandardCharsets.US_ASCII);
  }

  /** There is no such contestant on this machine. */
  static final class Unavailable extends Exception {
    private static final long serialVersionUID = 1;

    Unavailable(String message) {
      super(message);
    }
  }

  /**
   * Compiles a program with gcc.
   *
   * @param source the name of its source, which is beside this class
   * @param folder where the program goes
   * @param flags what gcc is given besides
   * @return the program
   * @throws Unavailable if there is no gcc, or what it needs is missing
   */
  static Path compile(String source, Path folder, String... flags) throws Unavailable {
    Path file = folder.resolve(source);
    Path program = folder.resolve(source.replace(".c", ""));
    List<String> command = new ArrayList<>();
    command.addAll(List.of("gcc", "-O2", "-o", program.toString(), file.toString()));
    command.addAll(List.of(flags));
    try (InputStream text = NativeProgram.class.getResourceAsStream(source)) {
      Files.write(file, text.readAllBytes());
      Process gcc = start(command);
      String output = new String(gcc.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (waitFor(gcc) != 0) {
        String problem =
            output.lines().filter(line -> line.contains("error")).findFirst().orElse(output);
        throw new Unavailable("gcc refuses " + source + ": " + problem.strip());
      }
      return program;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Process start(List<String> command) throws IOException, Unavailable {
    try {
      return new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException e) {
      if (command.getFirst().equals("gcc")) {
        throw new Unavailable("gcc is not installed");
      }
      throw e;
    }
  }

  /** Starts a program, which then waits for its first turn. */
  static NativeProgram start(Map<String, String> environment, List<String> command)
      throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    return new NativeProgram(builder.redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  /** One thing that the program can do. */
  Contestant command(String name, int count) {
    return operations -> {
      commands.write(name + " " + count + " " + operations + "\n");
      commands.flush();
      String answer = answers.readLine();
      if (answer == null) {
        throw new IOException("the program in C ended at: " + name + " " + count);
      }
      return Long.parseLong(answer);
    };
  }

  /** Ends the program: it ends with its commands. */
  @Override
  public void close() throws IOException {
    commands.close();
    if (waitFor(process) != 0) {
      throw new IOException("the program in C failed");
    }
    answers.close();
  }

  private static int waitFor(Process process) throws IOException {
    try {
      if (!process.waitFor(EXIT_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
      return process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      process.destroyForcibly();
      throw new IOException("interrupted", e);
    }
  }
}
