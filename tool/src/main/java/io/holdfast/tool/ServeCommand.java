// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import io.holdfast.examples.kv.Server;
import io.holdfast.flush.Durability;
import io.holdfast.heap.Pool;
import io.holdfast.heap.PoolBuilder;
import io.holdfast.heap.PoolInfo;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Runs the key-value server on a pool. */
@Command(
    name = "serve",
    description = {
      "Serves keys and values out of a pool, to redis-cli and everything else that speaks to Redis.",
      "What was acknowledged is there after kill -9."
    })
final class ServeCommand implements Callable<Integer> {
  private static final String LAYOUT = "key-value server";
  private static final int MOST_PORT = 65535;
  private static final long DEFAULT_MAX_SIZE = 4L << 30;

  @Spec private CommandSpec spec;

  @Option(
      names = "--pool",
      paramLabel = "FILE",
      description = "Where the keys are; made if it is not there. Default: ${DEFAULT-VALUE}.")
  private Path file = defaultFile(System.getenv());

  @Option(
      names = "--size",
      paramLabel = "BYTES",
      converter = SizeConverter.class,
      description = "How large a new pool is, with a suffix K, M, G or T. Default: 256M.")
  private long size = 256L << 20;

  @Option(
      names = "--max-size",
      paramLabel = "BYTES",
      converter = SizeConverter.class,
      description = "Up to which size a new pool grows. Default: 4G, or --size if that is more.")
  private Long maxSize;

  @Option(
      names = "--bind",
      paramLabel = "ADDRESS",
      description =
          "Where to listen; there are no passwords, and who can connect can do everything. Default: ${DEFAULT-VALUE}.")
  private String bind = "127.0.0.1";

  @Option(
      names = "--port",
      paramLabel = "N",
      description = "On which port; 0 for one that is free. Default: ${DEFAULT-VALUE}.")
  private int port = 6379;

  @Option(
      names = "--durability",
      paramLabel = "process|power",
      description =
          "What acknowledged writes survive; refused where the file cannot give it. Default: process.")
  private Durability durability = Durability.PROCESS;

  @Option(
      names = "--accept-power-loss",
      description =
          "Opens a pool that was open with durability process when the machine went down, with what is left of it.")
  private boolean acceptPowerLoss;

  /** In the folder that a desktop's rules give to the data of programs. */
  static Path defaultFile(Map<String, String> environment) {
    String data = environment.get("XDG_DATA_HOME");
    Path folder =
        data == null || data.isEmpty()
            ? Path.of(System.getProperty("user.home"), ".local", "share")
            : Path.of(data);
    return folder.resolve("holdfast").resolve("kv.pool");
  }

  @Override
  public Integer call() throws IOException {
    InetSocketAddress address = address();
    long begun = System.nanoTime();
    Pool pool = open();
    PoolInfo info = pool.info();
    Server server = listen(pool, address);
    Duration took = Duration.ofNanos(System.nanoTime() - begun);
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        "ready on %s:%d, pool %s, durability %s, recovered in %d ms%n",
        address.getAddress().getHostAddress(),
        server.address().getPort(),
        file,
        Text.lowerCase(info.durability()),
        took.toMillis());
    out.flush();
    serve(server);
    return 0;
  }

  private InetSocketAddress address() {
    if (port < 0 || port > MOST_PORT) {
      throw new ParameterException(
          spec.commandLine(), "a port is a number from 0 to " + MOST_PORT + ": --port=" + port);
    }
    try {
      return new InetSocketAddress(InetAddress.getByName(bind), port);
    } catch (UnknownHostException e) {
      throw new ParameterException(
          spec.commandLine(), "no address of this machine: --bind=" + bind, e);
    }
  }

  private Pool open() {
    try {
      Path folder = file.toAbsolutePath().getParent();
      if (folder != null && Files.notExists(folder)) {
        Files.createDirectories(folder);
      }
    } catch (IOException e) {
      throw new ParameterException(
          spec.commandLine(),
          file + " cannot be made: " + e.getMessage() + ": choose another --pool",
          e);
    }
    try {
      PoolBuilder pool =
          Pool.at(file)
              .size(size)
              .maxSize(maxSize != null ? maxSize : Math.max(size, DEFAULT_MAX_SIZE))
              .layout(LAYOUT)
              .durability(durability);
      return (acceptPowerLoss ? pool.acceptPowerLoss() : pool).openOrCreate();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }

  private Server listen(Pool pool, InetSocketAddress address) {
    try {
      return new Server(pool, address);
    } catch (IOException e) {
      pool.close();
      throw new ParameterException(
          spec.commandLine(),
          "cannot listen on %s:%d: %s: choose another --port or --bind"
              .formatted(address.getAddress().getHostAddress(), port, e.getMessage()),
          e);
    } catch (RuntimeException | Error e) {
      pool.close();
      throw e;
    }
  }

  /** A signal to end closes the pool, so that the next start is shorter. */
  private static void serve(Server server) throws IOException {
    CountDownLatch ended = new CountDownLatch(1);
    Thread hook =
        new Thread(() -> {
          server.stop();
          try {
            ended.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    Runtime.getRuntime().addShutdownHook(hook);
    try (server) {
      server.run();
    } finally {
      ended.countDown();
    }
  }
}
