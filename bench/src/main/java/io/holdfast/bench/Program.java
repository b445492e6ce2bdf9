// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A contestant in a process of its own, in C or in another JVM: kept alive, and told by a pipe how
 * much to do next. It answers with the nanoseconds that it took, measured by itself, so that the
 * pipe costs nothing that counts.
 *
 * <p>Its first line is {@code ready}, with what it says of itself, or {@code missing}, with why.
 */
final class Program implements AutoCloseable {
  static final String READY = "ready";
  static final String MISSING = "missing";

  private static final long EXIT_SECONDS = 20;

  private final Process process;
  private final Writer commands;
  private final BufferedReader answers;

  /** Of programs that are stopped but for their turns. */
  private Pauser pauser;

  private Program(Process process) {
    this.process = process;
    this.commands = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
    this.answers = process.inputReader(StandardCharsets.UTF_8);
  }

  /** Starts a program, without waiting for it: several can get ready at the same time. */
  static Program start(Map<String, String> environment, List<String> command) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    return new Program(builder.redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  /**
   * Waits until the program can take its first turn.
   *
   * @return what it says of itself, perhaps nothing
   * @throws Unavailable if it says that it cannot
   */
  String awaitReady() throws IOException, Unavailable {
    String line = answers.readLine();
    if (line != null && line.startsWith(READY)) {
      return line.substring(READY.length()).strip();
    }
    if (line != null && line.startsWith(MISSING)) {
      throw new Unavailable(line.substring(MISSING.length()).strip());
    }
    throw new IOException("a contestant ended before it was ready, and said: " + line);
  }

  /** One thing that the program can do. */
  Contestant command(String name, int count) {
    return operations -> Long.parseLong(ask(name, count, operations));
  }

  /** Tells the program to do something, and waits for what it says then. */
  String ask(String name, int count, long operations) throws IOException {
    commands.write(name + " " + count + " " + operations + "\n");
    commands.flush();
    String answer = answers.readLine();
    if (answer == null) {
      throw new IOException("a contestant ended at: " + name + " " + count);
    }
    return answer;
  }

  /**
   * The same, for programs with threads of their own: the program is stopped but for its turns, so
   * that what it does behind its commands falls into its own turns and not into others'.
   */
  Contestant commandAlone(String name, int count) throws IOException {
    if (pauser == null) {
      pauser = new Pauser(process);
      pauser.stop();
    }
    Contestant command = command(name, count);
    return operations -> {
      pauser.goOn();
      long nanos = command.run(operations);
      pauser.stop();
      return nanos;
    };
  }

  long pid() {
    return process.pid();
  }

  /** Ends the program: it ends with its commands. */
  @Override
  public void close() throws IOException {
    if (pauser != null) {
      pauser.close();
    }
    commands.close();
    int status = waitFor(process);
    answers.close();
    if (status != 0) {
      throw new IOException("a contestant ended with status " + status);
    }
  }

  /** Waits for the end of a process, and brings it about if that takes long. */
  static int waitFor(Process process) throws IOException {
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
