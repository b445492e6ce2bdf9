// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;

/**
 * Stops a process, and lets it go on. A shell sends the signals; when its commands end, however
 * this JVM may have ended, it lets the process go on, so that none stays stopped for ever.
 */
final class Pauser implements AutoCloseable {
  private static final String SCRIPT =
      "while read -r signal; do kill -$signal $0; echo; done; kill -CONT $0";

  private final Process shell;
  private final Writer signals;
  private final BufferedReader sent;

  Pauser(Process process) throws IOException {
    shell =
        new ProcessBuilder("sh", "-c", SCRIPT, "" + process.pid())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    signals = new OutputStreamWriter(shell.getOutputStream(), StandardCharsets.US_ASCII);
    sent = shell.inputReader(StandardCharsets.US_ASCII);
  }

  void stop() throws IOException {
    send("STOP");
  }

  void goOn() throws IOException {
    send("CONT");
  }

  /** Returns when it was sent. */
  private void send(String signal) throws IOException {
    signals.write(signal + "\n");
    signals.flush();
    if (sent.readLine() == null) {
      throw new IOException("the shell that stops contestants has ended");
    }
  }

  /** Lets the process go on. */
  @Override
  public void close() throws IOException {
    signals.close();
    Program.waitFor(shell);
    sent.close();
  }
}
