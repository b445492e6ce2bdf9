// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import java.lang.invoke.MethodHandles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Sessions that outlive the server: a deployment, or kill -9, logs nobody out. Sessions are records
 * in a map; to use one makes it last longer; those that nobody used are swept a part of the map at
 * a time, so that the map may be large and nobody waits. Each step is atomic by itself: two threads
 * that use a session and one that sweeps it agree on what happens.
 */
public final class Example5SessionCache implements AutoCloseable {
  /** What is known of somebody who has logged in. */
  record Session(String user, int requests, long expiresAt) {}

  private static final long LASTS_MILLIS = 30 * 60_000;

  private final Pool pool;
  private final PersistentMap<String, Session> sessions;
  private long place;

  Example5SessionCache(Path file) {
    Codec<Session> codec = Codec.of(Session.class, MethodHandles.lookup());
    pool = Pool.at(file).size(1 << 20).maxSize(1 << 30).openOrCreate();
    sessions = pool.root("sessions", Type.map(Codec.STRING, codec));
  }

  void logIn(String id, String user, long now) {
    sessions.set(id, new Session(user, 0, now + LASTS_MILLIS));
  }

  /** The session, which lasts longer now; null if there is none. */
  Session use(String id, long now) {
    return sessions.computeIfPresent(
        id,
        (key, session) ->
            session.expiresAt <= now
                ? null
                : new Session(session.user, session.requests + 1, now + LASTS_MILLIS));
  }

  /** Removes the sessions that have expired in the next part of the map. */
  void sweep(long now) {
    List<String> ids = new ArrayList<>();
    place = sessions.scan(place, ids::add);
    for (String id : ids) {
      sessions.computeIfPresent(id, (key, session) -> session.expiresAt <= now ? null : session);
    }
  }

  int size() {
    return sessions.size();
  }

  @Override
  public void close() {
    pool.close();
  }

  public static void main(String[] arguments) {
    Path file = Path.of(arguments.length > 0 ? arguments[0] : "sessions.pool");
    try (Example5SessionCache cache = new Example5SessionCache(file)) {
      long now = System.currentTimeMillis();
      if (cache.use("5f3a", now) == null) {
        cache.logIn("5f3a", "ann", now);
      }
      cache.sweep(now);
      Session session = cache.use("5f3a", now);
      System.out.println(session.user + " has made " + session.requests + " requests");
    }
  }
}
