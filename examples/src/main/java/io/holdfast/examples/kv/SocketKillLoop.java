// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import io.holdfast.crash.KillMedium;
import io.holdfast.crash.KillReport;
import io.holdfast.flush.Durability;
import io.holdfast.heap.Pool;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Kills the server while clients pipeline requests to it, starts it again, and looks whether all
 * that was replied to is there. Requests without a reply may have been carried out or not, but only
 * in order: the keys of each client must be as after some of them.
 */
public final class SocketKillLoop {
  private static final int CLIENTS = 4;
  private static final int MOST_IN_A_ROW = 16;

  /** Small, so that it grows while clients are served; on a medium of a fixed size it is larger. */
  private static final long POOL_BYTES = 2 << 20;

  static final long MOST_POOL_BYTES = 32 << 20;
  private static final int ROUNDS_PER_POOL = 20;
  private static final int MOST_MILLIS = 120;
  private static final int MOST_LOSSES = 5;

  private final KillMedium medium;
  private final int kills;
  private final long seed;
  private final Path folder;
  private final Consumer<String> progress;
  private final SplittableRandom random;
  private final List<Duration> starts = new ArrayList<>();
  private final Queue<String> losses = new ConcurrentLinkedQueue<>();
  private List<Client> clients = new ArrayList<>();
  private Path file;
  private Process child;
  private long acknowledged;

  /**
   * Describes a loop.
   *
   * @param medium what dies
   * @param kills how often
   * @param seed what requests and moments are drawn from
   * @param folder where the pool is made, and kept if it shows a loss
   * @param progress is told of each kill, in a line
   */
  public SocketKillLoop(
      KillMedium medium, int kills, long seed, Path folder, Consumer<String> progress) {
    this.medium = medium;
    this.kills = kills;
    this.seed = seed;
    this.folder = folder;
    this.progress = progress;
    this.random = new SplittableRandom(seed);
  }

  /** A connection with keys of its own, and what it knows of them. */
  private static final class Client {
    private final KeyspaceModel model;
    private final SplittableRandom random;

    /** Sent, and not replied to. */
    private final ArrayDeque<List<String>> open = new ArrayDeque<>();

    private long replies;

    Client(int number, SplittableRandom random) {
      this.model = new KeyspaceModel("client" + number + ":");
      this.random = random;
    }

    /** Sends requests and takes replies until the server is gone. */
    void run(int port) {
      try (RespClient server = new RespClient(port)) {
        while (true) {
          int count = 1 + random.nextInt(MOST_IN_A_ROW);
          for (int i = 0; i < count; i++) {
            List<String> request = model.draw(random);
            open.add(request);
            server.send(RespClient.encoded(request));
          }
          while (!open.isEmpty()) {
            if (server.read() instanceof RespClient.ErrorReply error) {
              throw new IllegalStateException(open.peek() + ": " + error.text());
            }
            model.apply(open.remove());
            replies++;
          }
        }
      } catch (IOException e) {
        // killed, as is the purpose
      }
    }

    /** Compares, and takes over what the server has done of the open requests. */
    String check(RespClient server) throws IOException {
      List<Object> replies = new ArrayList<>();
      for (List<String> question : model.questions()) {
        replies.add(server.ask(question.toArray()));
      }
      String first = model.difference(replies);
      String difference = first;
      int done = 0;
      while (difference != null && !open.isEmpty()) {
        model.apply(open.remove());
        done++;
        difference = model.difference(replies);
      }
      open.clear();
      return difference == null
          ? null
          : "%s; as after none of %d requests more".formatted(first, done);
    }
  }

  /**
   * Runs the loop. Takes about a second for each kill.
   *
   * @return what was found; losses are reported, not thrown
   * @throws UncheckedIOException if files cannot be made
   */
  public KillReport run() {
    try {
      Path own = Files.createTempDirectory(folder, "kills");
      file = own.resolve("pool");
      int killed = 0;
      try {
        for (; killed < kills && losses.size() < MOST_LOSSES; killed++) {
          if (killed % ROUNDS_PER_POOL == 0) {
            makePool();
          }
          runAndKill(killed + 1);
        }
        check(killed);
        stop();
      } finally {
        if (child != null) {
          child.destroyForcibly();
        }
        if (losses.isEmpty()) {
          Files.deleteIfExists(file);
          Files.deleteIfExists(own);
        }
      }
      starts.sort(null);
      return new KillReport(
          seed,
          medium,
          killed,
          0,
          0,
          0,
          acknowledged,
          0,
          starts.get(starts.size() / 2),
          starts.getLast(),
          List.copyOf(losses));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }

  private void makePool() throws IOException, InterruptedException {
    if (child != null) {
      check(ROUNDS_PER_POOL);
      stop();
    }
    Files.deleteIfExists(file);
    Pool.at(file)
        .size(medium == KillMedium.SHARED ? POOL_BYTES : MOST_POOL_BYTES / 2)
        .maxSize(MOST_POOL_BYTES)
        .layout(KillableServer.LAYOUT)
        .durability(Durability.PROCESS)
        .create()
        .close();
    clients = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      clients.add(new Client(i, random.split()));
    }
  }

  private void stop() throws InterruptedException {
    child.destroyForcibly().waitFor();
  }

  private void runAndKill(int number) throws IOException, InterruptedException {
    long before = acknowledged;
    int port = start();
    compare(port, number);
    List<Thread> threads = new ArrayList<>();
    for (Client client : clients) {
      threads.add(
          Thread.ofPlatform()
              .uncaughtExceptionHandler((thread, e) -> losses.add("kill " + number + ": " + e))
              .start(() -> client.run(port)));
    }
    TimeUnit.MILLISECONDS.sleep(1 + random.nextInt(MOST_MILLIS));
    stop();
    for (Thread thread : threads) {
      thread.join();
    }
    for (Client client : clients) {
      acknowledged += client.replies;
      client.replies = 0;
    }
    progress.accept(
        "kill %d of %d: %d acknowledged, started in %.1f ms"
            .formatted(number, kills, acknowledged - before, starts.getLast().toNanos() / 1e6));
  }

  private void check(int number) throws IOException, InterruptedException {
    compare(start(), number);
  }

  /** Starts the server; returns its port. */
  private int start() throws IOException, InterruptedException {
    if (child != null) {
      stop();
    }
    long begun = System.nanoTime();
    child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xshare:auto",
                "-Xmx256m",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                KillableServer.class.getName(),
                file.toString(),
                medium.name(),
                Long.toString(random.nextLong()))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    BufferedReader out =
        new BufferedReader(new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8));
    String line = out.readLine();
    if (line == null || !line.startsWith(KillableServer.READY)) {
      throw new IllegalStateException("the server does not start: " + line + " (" + file + ")");
    }
    starts.add(Duration.ofNanos(System.nanoTime() - begun));
    return Integer.parseInt(line.substring(KillableServer.READY.length()));
  }

  private void compare(int port, int number) throws IOException {
    try (RespClient server = new RespClient(port)) {
      for (Client client : clients) {
        String difference = client.check(server);
        if (difference != null) {
          losses.add("after kill %d: %s (%s is kept)".formatted(number - 1, difference, file));
        }
      }
    }
  }
}
