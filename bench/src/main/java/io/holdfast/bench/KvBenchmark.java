// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The key-value server of the examples beside Redis, asked by {@code redis-benchmark}.
 *
 * <p>Equal on all sides: the client, its 50 connections, keys of 16 bytes out of 200,000, values of
 * 100, files in the same folder; each server is started afresh for each row. Not equal: what is
 * safe when a reply is sent. Ours, and Redis whose log is synced always, have what they
 * acknowledged after {@code kill -9}; the others lose a second of it, or all. In memory, where the
 * files go by default, syncing a log costs nothing: use {@code --dir} to see what a disk adds.
 */
final class KvBenchmark implements Benchmark {
  private static final String OURS = "holdfast, PROCESS";
  private static final String NO_LOG = "Redis, no AOF";
  private static final String BENCHMARK = "redis-benchmark";
  private static final double GOAL = 1.0;
  private static final int PIPELINED = 16;
  private static final int KEYS = 200_000;
  private static final int VALUE_BYTES = 100;
  private static final long POOL_BYTES = 256L << 20;

  /** Turns here are so long that few are needed. */
  private static final int FEWER_ROUNDS = 20;

  /** Requests one by one take so much longer. */
  private static final int FEWER_REQUESTS = 5;

  /** Before these, ours runs in an interpreter. */
  private static final int WARMING_TURNS = 5;

  private final List<String> serve;

  /**
   * A benchmark.
   *
   * @param serve the command that starts our server, but for its options; its first word is a file
   */
  KvBenchmark(List<String> serve) {
    this.serve = serve;
  }

  /** Of the server as users start it, by the launcher that has started this. */
  static KvBenchmark ofLauncher() {
    String launcher = Path.of(System.getProperty("holdfast.home", "."), "holdfast").toString();
    return new KvBenchmark(List.of(launcher, "serve"));
  }

  @Override
  public String name() {
    return "kv";
  }

  @Override
  public String title() {
    return "a server for keys and values, beside Redis, asked by redis-benchmark";
  }

  /** A way to start a server. */
  private record Kind(String name, List<String> command) {}

  @Override
  public void run(Setting setting) throws IOException {
    try {
      requireServe();
      requireProgram(BENCHMARK, "redis-tools");
      String version = requireProgram("redis-server", "redis-server");
      setting.note(version.replaceAll(" sha=.*", "")); // that is of its build, and long
    } catch (Unavailable e) {
      setting.note("left out: " + e.getMessage());
      return;
    }
    setting.note(
        "50 connections, %d keys, %d bytes; files are on %s"
            .formatted(KEYS, VALUE_BYTES, Files.getFileStore(setting.folder()).type()));
    for (String operation : List.of("SET", "GET")) {
      for (int pipeline : new int[] {PIPELINED, 1}) {
        setting.journal().row(measure(setting, operation, pipeline));
      }
    }
  }

  private void requireServe() throws Unavailable {
    if (!Files.isExecutable(Path.of(serve.getFirst()))) {
      throw new Unavailable(serve.getFirst() + " is not there: run ./holdfast bench kv");
    }
  }

  /** Returns what the program says of its version. */
  private static String requireProgram(String name, String debian) throws Unavailable {
    try {
      Process process = new ProcessBuilder(name, "--version").redirectErrorStream(true).start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      Program.waitFor(process);
      return said.strip();
    } catch (IOException e) {
      throw new Unavailable(name + " is not installed (Debian: " + debian + ")");
    }
  }

  private Row measure(Setting setting, String operation, int pipeline) throws IOException {
    Effort effort = setting.effort();
    int requests = pipeline == 1 ? effort.requests() / FEWER_REQUESTS : effort.requests();
    String what = operation + (pipeline == 1 ? ", one by one" : ", pipelined by " + pipeline);
    Path folder = Files.createTempDirectory(setting.folder(), "kv-");
    Race race = new Race(what, pipeline, Unit.PER_SECOND);
    try (Servers servers = new Servers()) {
      for (Kind kind : kinds(folder)) {
        int port = servers.start(kind.command, folder);
        Contestant contestant = count -> ask(port, operation, pipeline, count);
        ask(port, "SET", PIPELINED, effort.requests()); // so that there is what is got
        for (int i = 0; i < WARMING_TURNS; i++) {
          contestant.run(requests);
        }
        if (kind.name.equals(OURS)) {
          race.ours(OURS, contestant);
        } else {
          race.theirs(kind.name, contestant);
        }
      }
      if (operation.equals("SET") && pipeline == PIPELINED) {
        race.goal(OURS, NO_LOG, GOAL);
      }
      return race.run(Math.max(3, effort.rounds() / FEWER_ROUNDS), requests);
    } finally {
      Bench.delete(folder);
    }
  }

  private List<Kind> kinds(Path folder) {
    List<String> options =
        List.of(
            "--pool",
            folder.resolve("serve.pool").toString(),
            "--size",
            "" + POOL_BYTES,
            "--durability",
            "process",
            "--port",
            Servers.PORT);
    return List.of(
        new Kind(OURS, Stream.concat(serve.stream(), options.stream()).toList()),
        new Kind(NO_LOG, redis("no")),
        new Kind("Redis, AOF everysec", redis("yes", "--appendfsync", "everysec")),
        new Kind("Redis, AOF always", redis("yes", "--appendfsync", "always")));
  }

  private static List<String> redis(String log, String... more) {
    List<String> command =
        new ArrayList<>(
            List.of("redis-server", "--bind", "127.0.0.1", "--port", Servers.PORT, "--save", ""));
    command.addAll(List.of("--appendonly", log, "--auto-aof-rewrite-percentage", "0"));
    command.addAll(List.of(more));
    return command;
  }

  // ---- the client

  private static final Pattern ANSWER = Pattern.compile("\"(?:SET|GET)\",\"([0-9.]+|inf)\"");

  /**
   * Returns the nanoseconds for so many requests, by what the client says of itself. It has a clock
   * of milliseconds: of what takes less than one it is asked for ten times as many.
   */
  private static long ask(int port, String operation, int pipeline, long count) throws IOException {
    List<String> command = new ArrayList<>(List.of(BENCHMARK, "-h", "127.0.0.1", "-p", "" + port));
    command.addAll(List.of("-t", operation.toLowerCase(Locale.ROOT), "-n", "" + count));
    command.addAll(List.of("-P", "" + pipeline, "-r", "" + KEYS, "-d", "" + VALUE_BYTES, "--csv"));
    Process client = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(client.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    Matcher answer = ANSWER.matcher(said);
    int code = Program.waitFor(client);
    if (code != 0 || !answer.find()) {
      throw new IOException(
          "%s ended with %d, and said: %s"
              .formatted(String.join(" ", command), code, said.strip()));
    }
    return answer.group(1).equals("inf")
        ? ask(port, operation, pipeline, 10 * count) / 10
        : (long) (count / Double.parseDouble(answer.group(1)) * 1e9);
  }
}
