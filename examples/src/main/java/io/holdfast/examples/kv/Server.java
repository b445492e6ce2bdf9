// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import io.holdfast.flush.HoldfastException;
import io.holdfast.heap.Pool;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A key-value server that speaks RESP 2, on one thread. Each turn of its loop takes what all
 * clients have sent, runs that in one transaction, and sends the replies when the transaction is
 * durable.
 */
public final class Server implements AutoCloseable {
  /** Of which Redis the commands are; clients ask. */
  static final String REDIS_VERSION = "7.0.0";

  private static final Logger LOG = LoggerFactory.getLogger(Server.class);
  private static final int MOST_CLIENTS = 10_000;
  private static final int RECEIVED_AT_ONCE = 64 << 10;

  /** How often it is looked for keys that have expired, and for clients that take much memory. */
  private static final long UPKEEP_MILLIS = 100;

  /** As in Redis, unless the Java heap is small. */
  private static final long LONGEST_BULK =
      Math.min(512 << 20, Runtime.getRuntime().maxMemory() / 8);

  /** What all clients' buffers may take. */
  private static final long MOST_BUFFERED = Runtime.getRuntime().maxMemory() / 2;

  private final Store store;
  private final Turn turn;
  private final Selector selector;
  private final ServerSocketChannel listener;
  private final ByteBuffer received = ByteBuffer.allocateDirect(RECEIVED_AT_ONCE);
  private final Set<Connection> connections = new LinkedHashSet<>();
  private final List<Connection> ready = new ArrayList<>();
  private final List<Connection> goingOn = new ArrayList<>();
  private final long started = System.currentTimeMillis();
  private long accepted;
  private long upkeepAt;
  private volatile boolean stopped;

  /**
   * Makes a server, which has its port and accepts nobody yet.
   *
   * @param pool where the keys are, which is closed with the server
   * @param address where to listen; with port 0 on one that is free
   * @throws IOException if it cannot listen there
   */
  public Server(Pool pool, InetSocketAddress address) throws IOException {
    this(new Store(pool, WallClock::since), address);
  }

  Server(Store store, InetSocketAddress address) throws IOException {
    this.store = store;
    this.turn = new Turn(store);
    turn.add(new StringCommands(store, LONGEST_BULK).all());
    turn.add(new KeyCommands(store).all());
    turn.add(new ServerCommands(this).all());
    selector = Selector.open();
    listener = ServerSocketChannel.open();
    try {
      listener.setOption(StandardSocketOptions.SO_REUSEADDR, true);
      listener.bind(address, 511);
      listener.configureBlocking(false);
      listener.register(selector, SelectionKey.OP_ACCEPT);
    } catch (IOException | RuntimeException e) {
      listener.close();
      selector.close();
      throw e;
    }
  }

  /**
   * Where it listens.
   *
   * @return address and port
   * @throws IOException if it is closed
   */
  public InetSocketAddress address() throws IOException {
    return (InetSocketAddress) listener.getLocalAddress();
  }

  /** Has {@link #run} end; from any thread. */
  public void stop() {
    stopped = true;
    selector.wakeup();
  }

  /**
   * Serves until it is stopped.
   *
   * @throws IOException if the network fails as a whole
   */
  public void run() throws IOException {
    while (!stopped) {
      boolean busy = store.hasOld() || !goingOn.isEmpty();
      ready.addAll(goingOn);
      goingOn.clear();
      if (busy) {
        selector.selectNow(this::selected);
      } else {
        selector.select(this::selected, UPKEEP_MILLIS);
      }
      store.tick();
      serve();
      keepUp();
    }
  }

  private void selected(SelectionKey key) {
    if (key.attachment() instanceof Connection client) {
      try {
        if (key.isReadable()) {
          client.receive(received);
        }
        ready.add(client);
      } catch (IOException | OutOfMemoryError e) {
        drop(client, e);
      }
    } else {
      accept();
    }
  }

  private void accept() {
    try {
      for (SocketChannel channel = listener.accept();
          channel != null;
          channel = listener.accept()) {
        channel.configureBlocking(false);
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true);
        SelectionKey key = channel.register(selector, SelectionKey.OP_READ);
        Connection client = new Connection(++accepted, channel, key, new RespReader(LONGEST_BULK));
        key.attach(client);
        connections.add(client);
        if (connections.size() > MOST_CLIENTS) {
          client.writer().error("ERR max number of clients reached");
          client.end();
          ready.add(client);
        }
      }
    } catch (IOException e) {
      LOG.warn("a client could not be accepted: {}", e.getMessage());
    }
  }

  /** Runs what has come, makes it durable, and only then replies. */
  private void serve() {
    for (Connection client : ready) {
      for (Request request = client.next(); request != null; request = client.next()) {
        turn.run(client, request);
      }
    }
    turn.commit();
    for (Connection client : ready) {
      send(client);
    }
    ready.clear();
  }

  private void send(Connection client) {
    try {
      client.send();
      if (client.isDone()) {
        client.close();
        connections.remove(client);
      } else if (client.canGoOn()) {
        goingOn.add(client);
      }
    } catch (IOException | RuntimeException e) {
      drop(client, e);
    }
  }

  private void drop(Connection client, Throwable cause) {
    LOG.debug("client {} is gone: {}", client.address(), cause.toString());
    client.close();
    connections.remove(client);
  }

  private void keepUp() {
    try {
      store.freeSome();
      if (store.now() >= upkeepAt) {
        upkeepAt = store.now() + UPKEEP_MILLIS;
        store.expireSome();
        dropGreedy();
      }
    } catch (HoldfastException e) {
      store.abort();
      LOG.warn("upkeep is left for later: {}", e.getMessage());
    }
  }

  /** If all clients together take too much memory, closes those that take most. */
  private void dropGreedy() {
    long sum = connections.stream().mapToLong(Connection::bytes).sum();
    while (sum > MOST_BUFFERED) {
      Connection worst =
          connections.stream().max(Comparator.comparingLong(Connection::bytes)).orElseThrow();
      sum -= worst.bytes();
      LOG.warn("client {} is closed: its buffers take {} bytes", worst.address(), worst.bytes());
      worst.close();
      connections.remove(worst);
    }
  }

  // ---- what commands ask

  Collection<Connection> connections() {
    return connections;
  }

  Collection<Command> commands() {
    return turn.commands().values();
  }

  Command command(String name) {
    return turn.commands().get(name.toLowerCase(Locale.ROOT));
  }

  Map<String, String> settings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("appendfsync", "no");
    settings.put("appendonly", "no");
    settings.put("databases", "1");
    settings.put("maxclients", Integer.toString(MOST_CLIENTS));
    settings.put("maxmemory", Long.toString(store.pool().info().maxSize()));
    settings.put("proto-max-bulk-len", Long.toString(LONGEST_BULK));
    settings.put("save", "");
    settings.put("timeout", "0");
    return settings;
  }

  /** What INFO tells, by section. */
  Map<String, Map<String, Object>> information() {
    var pool = store.pool().info();
    Map<String, Object> server = new LinkedHashMap<>();
    server.put("redis_version", REDIS_VERSION);
    server.put("redis_mode", "standalone");
    server.put("process_id", ProcessHandle.current().pid());
    server.put("uptime_in_seconds", (System.currentTimeMillis() - started) / 1000);
    Map<String, Object> clients = new LinkedHashMap<>();
    clients.put("connected_clients", connections.size());
    clients.put("maxclients", MOST_CLIENTS);
    Map<String, Object> memory = new LinkedHashMap<>();
    memory.put("used_memory", pool.usedBytes());
    memory.put("maxmemory", pool.maxSize());
    Map<String, Object> persistence = new LinkedHashMap<>();
    persistence.put("loading", 0);
    persistence.put("pool_durability", pool.durability());
    persistence.put("pool_size", pool.size());
    persistence.put("pool_free", pool.freeBytes());
    Map<String, Object> stats = new LinkedHashMap<>();
    stats.put("total_connections_received", accepted);
    stats.put("total_commands_processed", turn.done());
    Map<String, Object> keyspace = new LinkedHashMap<>();
    if (store.size() > 0) {
      keyspace.put("db0", "keys=%d,expires=%d".formatted(store.size(), store.expiring()));
    }
    Map<String, Map<String, Object>> all = new LinkedHashMap<>();
    all.put("Server", server);
    all.put("Clients", clients);
    all.put("Memory", memory);
    all.put("Persistence", persistence);
    all.put("Stats", stats);
    all.put("Keyspace", keyspace);
    return all;
  }

  /** Closes the pool, too. {@link #run} must have ended. */
  @Override
  public void close() throws IOException {
    hangUp();
    store.close();
  }

  /** Closes all connections, and leaves the pool as it is. */
  void hangUp() throws IOException {
    List.copyOf(connections).forEach(Connection::close);
    connections.clear();
    listener.close();
    selector.close();
  }
}
