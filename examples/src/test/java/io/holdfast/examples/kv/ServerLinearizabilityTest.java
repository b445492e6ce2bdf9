// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.History;
import io.holdfast.crash.History.Kind;
import io.holdfast.crash.History.Operation;
import io.holdfast.crash.KillMedium;
import io.holdfast.crash.Tried;
import io.holdfast.flush.Durability;
import io.holdfast.heap.Pool;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Several clients work on the same few keys, each with a pipeline, until the server is killed. What
 * is there when it runs again, and what it had replied, must be explained by an order of the
 * requests.
 */
@Timeout(value = 3600, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ServerLinearizabilityTest {
  private static final int KILLS = Integer.getInteger("holdfast.linearizability.kills", 4);
  private static final int CLIENTS = 4;
  private static final List<Kind> KINDS = List.of(Kind.values());
  private static final int KEYS = 5;
  private static final int MOST_IN_A_ROW = 6;
  private static final int MOST_MILLIS = 250;

  @TempDir Path folder;

  /** Values of one life are numbers, so that no two requests write the same. */
  private final AtomicLong values = new AtomicLong();

  @ParameterizedTest
  @EnumSource
  void requests_killedUnderClients_haveAnOrder(KillMedium medium) throws Exception {
    Path file = folder.resolve("pool");
    Pool.at(file)
        .size(SocketKillLoop.MOST_POOL_BYTES / 4)
        .layout(KillableServer.LAYOUT)
        .durability(Durability.PROCESS)
        .create()
        .close();
    SplittableRandom random = new SplittableRandom(medium.name().hashCode());
    long[] before = new long[KEYS];
    int requests = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      History history = new History();
      requests += killUnderClients(file, medium, random, history);
      long[] after = contents(file, medium, random);
      long[] then = before;
      assertEquals(
          List.of(),
          history.violations(key -> then[(int) key], key -> after[(int) key]),
          "kill " + kill);
      before = after;
    }
    Tried.say(
        "order of a server's requests, " + medium,
        "%d kills, %d requests on %d keys by %d clients, 0 without an order"
            .formatted(KILLS, requests, KEYS, CLIENTS));
    assertTrue(requests > 50 * KILLS, "requests=" + requests);
  }

  private interface Use {
    void with(Process server, int port) throws Exception;
  }

  /** Starts a server, which is killed at the end. */
  private static void serve(Path file, KillMedium medium, SplittableRandom random, Use use)
      throws Exception {
    Process server =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Xmx128m",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                KillableServer.class.getName(),
                file.toString(),
                medium.name(),
                Long.toString(random.nextLong()))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      BufferedReader out = server.inputReader();
      String line = out.readLine();
      assertTrue(line != null && line.startsWith(KillableServer.READY), line);
      use.with(server, Integer.parseInt(line.substring(KillableServer.READY.length())));
    } finally {
      server.destroyForcibly().waitFor();
    }
  }

  private long[] contents(Path file, KillMedium medium, SplittableRandom random) throws Exception {
    long[] contents = new long[KEYS];
    serve(
        file,
        medium,
        random,
        (server, port) -> {
          try (RespClient client = new RespClient(port)) {
            for (int key = 0; key < KEYS; key++) {
              contents[key] = value(client.ask("GET", "key " + key));
            }
          }
        });
    return contents;
  }

  private static long value(Object reply) {
    return reply == null
        ? History.ABSENT
        : Long.parseLong(new String((byte[]) reply, StandardCharsets.US_ASCII));
  }

  /** Returns how many requests were sent. */
  private int killUnderClients(
      Path file, KillMedium medium, SplittableRandom random, History history) throws Exception {
    AtomicLong clock = new AtomicLong();
    AtomicInteger sent = new AtomicInteger();
    serve(
        file,
        medium,
        random,
        (server, port) -> {
          List<Thread> threads = new ArrayList<>();
          List<Throwable> failures = new ArrayList<>();
          for (int i = 0; i < CLIENTS; i++) {
            Client client = new Client(clock, random.split());
            threads.add(
                Thread.ofPlatform()
                    .uncaughtExceptionHandler((thread, e) -> failures.add(e))
                    .start(() -> {
                      client.run(port);
                      synchronized (history) {
                        client.tell(history);
                        sent.addAndGet(client.all.size());
                      }
                    }));
          }
          Thread.sleep(20 + random.nextInt(MOST_MILLIS));
          server.destroyForcibly().waitFor();
          for (Thread thread : threads) {
            thread.join();
          }
          assertEquals(List.of(), failures);
        });
    return sent.get();
  }

  /** One connection, and what came of its requests. */
  private final class Client {
    private final AtomicLong clock;
    private final SplittableRandom random;
    private final List<Request> all = new ArrayList<>();

    private final class Request {
      private final Kind kind = KINDS.get(random.nextInt(KINDS.size()));
      private final int key = random.nextInt(KEYS);
      private final long argument = values.incrementAndGet();
      private final long begin = clock.incrementAndGet();
      private long result;
      private long end = History.NEVER;

      Object[] words() {
        return switch (kind) {
          case GET -> new Object[] {"GET", "key " + key};
          case PUT -> new Object[] {"SET", "key " + key, argument, "GET"};
          case PUT_IF_ABSENT -> new Object[] {"SET", "key " + key, argument, "NX", "GET"};
          case REPLACE -> new Object[] {"SET", "key " + key, argument, "XX", "GET"};
          case REMOVE -> new Object[] {"GETDEL", "key " + key};
        };
      }
    }

    Client(AtomicLong clock, SplittableRandom random) {
      this.clock = clock;
      this.random = random;
    }

    void run(int port) {
      ArrayDeque<Request> open = new ArrayDeque<>();
      try (RespClient server = new RespClient(port)) {
        while (true) {
          for (int i = random.nextInt(MOST_IN_A_ROW); i >= 0; i--) {
            Request request = new Request();
            all.add(request);
            open.add(request);
            server.send(RespClient.encoded(List.of(request.words())));
          }
          while (!open.isEmpty()) {
            long seen = value(server.read());
            Request request = open.remove();
            request.result = seen;
            request.end = clock.incrementAndGet();
          }
        }
      } catch (IOException e) {
        // killed, as is the purpose
      }
    }

    void tell(History history) {
      for (Request one : all) {
        history.add(one.key, new Operation(one.kind, one.argument, one.result, one.begin, one.end));
      }
    }
  }
}
