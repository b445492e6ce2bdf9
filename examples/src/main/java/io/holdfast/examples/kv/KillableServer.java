// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import io.holdfast.crash.KillMedium;
import io.holdfast.flush.Durability;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.heap.Pool;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;

/** The server as a process to be killed, by {@link SocketKillLoop}. */
final class KillableServer {
  static final String LAYOUT = "killable server";
  static final String READY = "ready ";

  private KillableServer() {}

  /**
   * Serves until it is killed.
   *
   * @param arguments the pool, the medium, and a seed for it
   */
  public static void main(String[] arguments) throws IOException {
    Path file = Path.of(arguments[0]);
    PersistentRegion region =
        switch (KillMedium.valueOf(arguments[1])) {
          case SHARED ->
              PersistentRegion.open(file, Durability.PROCESS, SocketKillLoop.MOST_POOL_BYTES);
          case VOLATILE_CACHE ->
              PersistentRegion.over(Medium.volatileCache(file, Long.parseLong(arguments[2])));
        };
    Server server =
        new Server(
            Pool.open(region, LAYOUT), new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    System.out.println(READY + server.address().getPort());
    // Who has started this may be gone; then nobody would end it.
    Thread.ofVirtual()
        .start(() -> {
          try {
            while (System.in.read() >= 0) {}
          } catch (IOException e) {
            // ends as well
          }
          Runtime.getRuntime().halt(0);
        });
    server.run();
  }
}
