// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;

/**
 * Kills a process in the middle of its work and opens what it left. The child moves money between
 * two accounts as fast as it can, and prints a line after each transfer; the parent reads some
 * lines, sends SIGKILL, opens the pool, and finds the money all there and every printed transfer
 * made. Nothing has to be repaired: opening a pool recovers it.
 */
public final class Example3KillAndRecover {
  private static final Type<PersistentMap<String, Long>> ACCOUNTS =
      Type.map(Codec.STRING, Codec.LONG);

  public static void main(String[] arguments) throws IOException, InterruptedException {
    Path file = Path.of(arguments.length > 0 ? arguments[0] : "accounts.pool");
    if (arguments.length > 1) {
      transferForever(file);
    }
    try (Pool pool = Pool.at(file).size(8 << 20).openOrCreate()) {
      pool.root("accounts", ACCOUNTS).putAll(Map.of("ann", 1000L, "bob", 0L, "count", 0L));
    }
    long seen = killAfter(1000, file);
    try (Pool pool = Pool.at(file).open()) {
      PersistentMap<String, Long> accounts = pool.root("accounts", ACCOUNTS);
      System.out.printf(
          "%d transfers seen, %d made; together they have %d%n",
          seen, accounts.get("count"), accounts.get("ann") + accounts.get("bob"));
      System.out.println("the open rolled back " + pool.recovery().rolledBack());
    }
  }

  private static void transferForever(Path file) {
    try (Pool pool = Pool.at(file).open()) {
      PersistentMap<String, Long> accounts = pool.root("accounts", ACCOUNTS);
      while (true) {
        pool.run(tx -> {
          tx.edit(accounts).merge("ann", -1L, Long::sum);
          tx.edit(accounts).merge("bob", 1L, Long::sum);
          tx.edit(accounts).merge("count", 1L, Long::sum);
        });
        System.out.println("transferred");
      }
    }
  }

  private static long killAfter(int lines, Path file) throws IOException, InterruptedException {
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Example3KillAndRecover.class.getName(),
                file.toString(),
                "child")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    BufferedReader output = child.inputReader(StandardCharsets.UTF_8);
    long seen = 0;
    while (seen < lines && output.readLine() != null) {
      seen++;
    }
    child.toHandle().destroyForcibly();
    while (output.readLine() != null) {
      seen++;
    }
    child.waitFor();
    return seen;
  }

  private Example3KillAndRecover() {}
}
