// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Servers that were started, and are ended together. */
final class Servers implements AutoCloseable {
  /** Stands for the port in a command. */
  static final String PORT = "{port}";

  private static final int START_MILLIS = 30_000;
  private static final int PAUSE_MILLIS = 20;

  private final List<Process> processes = new ArrayList<>();

  /**
   * Starts one, and waits until it can be connected to.
   *
   * @param command what to run; {@link #PORT} in it is replaced
   * @param parent a folder of its own is made in this
   * @return the port
   */
  int start(List<String> command, Path parent) throws IOException {
    int port = freePort();
    Path folder = Files.createTempDirectory(parent, "server-");
    List<String> words = command.stream().map(word -> word.replace(PORT, "" + port)).toList();
    Process process =
        new ProcessBuilder(words)
            .directory(folder.toFile())
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(folder.resolve("errors").toFile())
            .start();
    processes.add(process);
    long begin = System.nanoTime();
    while (!answers(port)) {
      boolean late = System.nanoTime() - begin > START_MILLIS * 1_000_000L;
      if (late || !process.isAlive()) {
        String said = Files.readString(folder.resolve("errors")).lines().findFirst().orElse("");
        throw new IOException(words.getFirst() + " does not serve: " + said);
      }
      pause();
    }
    return port;
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  private static boolean answers(int port) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static void pause() throws IOException {
    try {
      Thread.sleep(PAUSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** Ends them all. What they have stored is not needed. */
  @Override
  public void close() throws IOException {
    for (Process process : processes) {
      process.destroyForcibly();
      Program.waitFor(process);
    }
  }
}
