// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.heap.Pool;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/** A server in this process, on a pool in memory that outlives it. */
final class TestServer implements AutoCloseable {
  private static final String LAYOUT = "kv";

  private final PersistentRegion region;
  private final Server server;
  private final Thread thread;
  private volatile Throwable failure;

  private TestServer(PersistentRegion region, Pool pool, long clockOffset) throws IOException {
    this.region = region;
    Store store =
        new Store(
            pool,
            seen ->
                new WallClock(
                    () -> System.currentTimeMillis() + clockOffset, System::nanoTime, seen));
    this.server = new Server(store, new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    this.thread =
        Thread.ofPlatform()
            .start(() -> {
              try {
                server.run();
              } catch (Throwable e) {
                failure = e;
              }
            });
  }

  static TestServer ofSize(long bytes) throws IOException {
    PersistentRegion region = PersistentRegion.over(Medium.inMemory(bytes));
    return new TestServer(region, Pool.create(region, LAYOUT), 0);
  }

  int port() throws IOException {
    return server.address().getPort();
  }

  RespClient client() throws IOException {
    return new RespClient(port());
  }

  private void end() throws IOException, InterruptedException {
    server.stop();
    thread.join();
    if (failure != null) {
      throw new AssertionError(failure);
    }
  }

  /** Waits until the server has ended by itself. */
  void awaitEnd() throws InterruptedException {
    thread.join();
  }

  /** Goes on with what the pool holds now, as after a kill: nothing is closed before. */
  TestServer restarted(long clockOffset) throws IOException, InterruptedException {
    end();
    server.hangUp();
    return new TestServer(region, Pool.open(region, LAYOUT), clockOffset);
  }

  @Override
  public void close() throws IOException {
    try {
      end();
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
    server.close();
    region.close();
  }
}
