// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.RootInfo;
import io.holdfast.heap.Type;
import io.holdfast.tx.Transaction;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.LongFunction;

/**
 * Keys, values and times of expiry in a pool. Used by one thread.
 *
 * <p>There are two maps, as in Redis: one from keys to values, and one from those keys that expire
 * to their time. The first change after a commit begins a transaction, in which everything is done
 * until {@link #commit}; nothing of it is told to a client before.
 *
 * <p>A key that has expired is removed when somebody looks at it, so that whoever has seen it gone
 * will never see it again, and a few are looked at every now and then. Both maps have a number in
 * their names. {@link #clear} makes two new ones and one small transaction that changes the number;
 * what was in the old ones is freed bit by bit.
 */
final class Store implements AutoCloseable {
  /** What becomes of a key's time when it has a new value. */
  static final long KEEP = -1;

  static final long NEVER = 0;

  private static final String VALUES = "values ";
  private static final String TIMES = "times ";
  private static final Type<PersistentMap<byte[], byte[]>> VALUES_TYPE =
      Type.map(Codec.BYTES, Codec.BYTES);
  private static final Type<PersistentMap<byte[], Long>> TIMES_TYPE =
      Type.map(Codec.BYTES, Codec.LONG);

  /** How often the time goes to the pool. */
  private static final long TIME_KEPT_MILLIS = 1000;

  /** How many entries of an old map are freed at a time. */
  private static final int FREED_AT_ONCE = 500;

  private final Pool pool;
  private final State state;
  private final WallClock clock;
  private final SplittableRandom random = new SplittableRandom();
  private PersistentMap<byte[], byte[]> values;
  private PersistentMap<byte[], Long> times;

  private Transaction tx;

  // What is committed; or, in a transaction, what it sees, and how it changes that.
  private Map<byte[], byte[]> valuesNow;
  private Map<byte[], Long> timesNow;
  private PersistentMap.Edit<byte[], byte[]> valuesEdit;
  private PersistentMap.Edit<byte[], Long> timesEdit;

  /** Whether there may be keys that expire. */
  private boolean someExpire;

  private long now;

  /** Roots of generations that have passed, to be freed. */
  private final ArrayDeque<String> old = new ArrayDeque<>();

  /** Where the search for what has expired goes on. */
  private long expiryCursor;

  Store(Pool pool, LongFunction<WallClock> clock) {
    this.pool = pool;
    this.state = pool.root("state", State.TYPE);
    this.clock = clock.apply(state.time());
    openMaps();
    pool.roots().stream()
        .map(RootInfo::name)
        .filter(name -> isMap(name) && !isOf(name, state.generation()))
        .forEach(old::add);
    tick();
  }

  private static boolean isMap(String name) {
    return name.startsWith(VALUES) || name.startsWith(TIMES);
  }

  private static boolean isOf(String name, long generation) {
    return name.equals(VALUES + generation) || name.equals(TIMES + generation);
  }

  private void openMaps() {
    values = pool.root(VALUES + state.generation(), VALUES_TYPE);
    times = pool.root(TIMES + state.generation(), TIMES_TYPE);
    someExpire = !times.isEmpty();
    expiryCursor = 0;
    readCommitted();
  }

  private void readCommitted() {
    tx = null;
    valuesNow = values;
    timesNow = times;
  }

  Pool pool() {
    return pool;
  }

  // ---- time

  /** Looks at the clock; until the next look no time passes. */
  void tick() {
    now = clock.now();
  }

  long now() {
    return now;
  }

  // ---- reading

  /** The value of a key; null if there is none, or it has expired. */
  byte[] get(byte[] key) {
    return isExpired(key) ? null : valuesNow.get(key);
  }

  boolean contains(byte[] key) {
    return !isExpired(key) && valuesNow.containsKey(key);
  }

  /** When a key expires, in milliseconds since 1970; NEVER if it does not. */
  long expiry(byte[] key) {
    Long time = someExpire ? timesNow.get(key) : null;
    return time == null ? NEVER : time;
  }

  private boolean isExpired(byte[] key) {
    long time = expiry(key);
    if (time == NEVER || time > now) {
      return false;
    }
    remove(key);
    return true;
  }

  // ---- reading all that is committed

  /** How many keys there are, with those that have expired and that nobody has looked at. */
  int size() {
    return values.size();
  }

  int expiring() {
    return times.size();
  }

  /**
   * Adds some keys to a list, and returns where to go on; 0 at the end. A key that is there all the
   * time is found once, even if others come and go.
   */
  long scan(long cursor, List<byte[]> into) {
    List<byte[]> found = new ArrayList<>();
    long next = values.scan(cursor, found::add);
    found.removeIf(this::isExpired);
    into.addAll(found);
    return next;
  }

  /** All keys that match. */
  List<byte[]> keys(GlobPattern pattern) {
    List<byte[]> keys = new ArrayList<>();
    long cursor = 0;
    do {
      cursor = values.scan(cursor, key -> addIf(pattern.matches(key), key, keys));
    } while (cursor != 0);
    keys.removeIf(this::isExpired);
    return keys;
  }

  private static void addIf(boolean wanted, byte[] key, List<byte[]> keys) {
    if (wanted) {
      keys.add(key);
    }
  }

  /** Some key; null if there is none. */
  byte[] randomKey() {
    List<byte[]> keys = new ArrayList<>();
    long cursor = random.nextLong();
    for (int rounds = 0; rounds < 2 && keys.isEmpty(); ) {
      cursor = scan(cursor, keys);
      rounds += cursor == 0 ? 1 : 0;
    }
    return keys.isEmpty() ? null : keys.get(random.nextInt(keys.size()));
  }

  // ---- writing

  private void change() {
    if (tx == null) {
      tx = pool.begin();
      valuesEdit = tx.edit(values);
      timesEdit = tx.edit(times);
      valuesNow = valuesEdit;
      timesNow = timesEdit;
      if (now - state.time() >= TIME_KEPT_MILLIS) {
        tx.edit(state).time(now);
      }
    }
  }

  /** Gives a key a value, and a time to expire, NEVER, or KEEP what it has. */
  void put(byte[] key, byte[] value, long expiry) {
    change();
    valuesEdit.set(key, value);
    if (expiry != KEEP) {
      expire(key, expiry);
    }
  }

  void expire(byte[] key, long expiry) {
    if (expiry != NEVER) {
      change();
      timesEdit.set(key, expiry);
      someExpire = true;
    } else if (someExpire) {
      change();
      timesEdit.remove(key);
    }
  }

  boolean remove(byte[] key) {
    change();
    expire(key, NEVER);
    return valuesEdit.remove(key) != null;
  }

  /** Commits all changes since the last commit; if that fails, there were none. */
  void commit() {
    if (tx != null) {
      Transaction ending = tx;
      try {
        ending.commit();
      } finally {
        ending.close();
        readCommitted();
      }
    }
  }

  /** Gives up all changes since the last commit. */
  void abort() {
    if (tx != null) {
      tx.close();
      readCommitted();
    }
  }

  /** Removes all keys, at once or, if the process is killed meanwhile, not at all. */
  void clear() {
    long last = state.generation();
    long next = last + 1;
    while (old.contains(VALUES + next) || old.contains(TIMES + next)) {
      next++;
    }
    pool.root(VALUES + next, VALUES_TYPE);
    pool.root(TIMES + next, TIMES_TYPE);
    long chosen = next;
    pool.run(tx -> tx.edit(state).generation(chosen));
    old.add(VALUES + last);
    old.add(TIMES + last);
    openMaps();
  }

  // ---- housekeeping

  /** Whether there is something to free. */
  boolean hasOld() {
    return !old.isEmpty();
  }

  /** Frees a part of what has been cleared. */
  void freeSome() {
    String name = old.peek();
    if (name == null) {
      return;
    }
    boolean ofTimes = name.startsWith(TIMES);
    Type<? extends PersistentMap<byte[], ?>> type = ofTimes ? TIMES_TYPE : VALUES_TYPE;
    PersistentMap<byte[], ?> map = pool.root(name, type);
    List<byte[]> keys = new ArrayList<>();
    long cursor = 0;
    do {
      cursor = map.scan(cursor, keys::add);
    } while (cursor != 0 && keys.size() < FREED_AT_ONCE);
    pool.run(free -> {
      Map<byte[], ?> edit = free.edit(map);
      keys.forEach(edit::remove);
    });
    if (cursor == 0) {
      pool.run(free -> pool.drop(free, name, type));
      old.remove();
    }
  }

  /** Removes a part of what has expired. */
  void expireSome() {
    if (!someExpire) {
      return;
    }
    List<byte[]> keys = new ArrayList<>();
    expiryCursor = times.scan(expiryCursor, keys::add);
    keys.forEach(this::isExpired);
    commit();
    if (expiryCursor == 0) {
      someExpire = !times.isEmpty();
    }
  }

  /** Frees everything that can be freed. */
  boolean makeRoom() {
    boolean freed = hasOld();
    while (hasOld()) {
      freeSome();
    }
    return freed;
  }

  @Override
  public void close() {
    try {
      abort();
      pool.run(last -> last.edit(state).time(now));
    } finally {
      pool.close();
    }
  }
}
