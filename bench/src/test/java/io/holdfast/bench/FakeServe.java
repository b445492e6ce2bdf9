// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Says OK to every command, so that the benchmark of servers can be tried without ours. */
final class FakeServe {
  private static final byte[] OK = "+OK\r\n".getBytes(StandardCharsets.US_ASCII);

  private FakeServe() {}

  public static void main(String[] args) throws IOException {
    List<String> words = List.of(args);
    int port = Integer.parseInt(words.get(words.indexOf("--port") + 1));
    try (ServerSocket server = new ServerSocket(port, 64, InetAddress.getLoopbackAddress())) {
      System.out.println("ready on 127.0.0.1:" + port);
      while (true) {
        Socket client = server.accept();
        Thread.ofVirtual().start(() -> serve(client));
      }
    }
  }

  /** A command is {@code *n}, then n times a length and as many bytes, in lines. */
  private static void serve(Socket client) {
    try (client;
        BufferedReader in =
            new BufferedReader(
                new InputStreamReader(client.getInputStream(), StandardCharsets.US_ASCII));
        OutputStream out = client.getOutputStream()) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        int words = Integer.parseInt(line.substring(1));
        for (int i = 0; i < 2 * words; i++) {
          in.readLine();
        }
        out.write(OK);
      }
    } catch (IOException e) {
      // the client has gone
    }
  }
}
