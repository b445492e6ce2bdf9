// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Savepoint;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.TransactionException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.nio.charset.StandardCharsets;
import java.time.DayOfWeek;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class MapTest {
  private static final Type<PersistentMap<String, String>> STRINGS =
      Type.map(Codec.STRING, Codec.STRING);
  private static final Type<PersistentMap<Long, Long>> LONGS = Type.map(Codec.LONG, Codec.LONG);

  private PersistentRegion region = PersistentRegion.over(Medium.inMemory(16 << 20));
  private Pool pool = Pool.create(region, "test");

  @AfterEach
  void checkAndClose() {
    CheckReport report = pool.check();
    assertEquals(List.of(), report.problems());
    assertEquals(List.of(), report.leaked());
    pool.close();
    region.close();
  }

  private PersistentMap<String, String> strings() {
    return pool.root("strings", STRINGS);
  }

  private PersistentMap<Long, Long> longs() {
    return pool.root("longs", LONGS);
  }

  /** As after a crash: nothing is closed. */
  private void reopen() {
    pool = Pool.open(region, "test");
  }

  // ---- the manners of a map

  @Test
  void set_givesAKeyAValue_whateverItHas() {
    PersistentMap<String, String> map = strings();
    map.set("a", "1");
    map.set("a", "2");
    pool.run(tx -> {
      PersistentMap.Edit<String, String> edit = tx.edit(map);
      edit.set("a", "3");
      edit.set("b", "4");
      assertEquals(Map.of("a", "3", "b", "4"), edit);
    });
    assertEquals(Map.of("a", "3", "b", "4"), map);
    assertEquals(2, map.size());
    assertThrows(NullPointerException.class, () -> map.set("a", null));
    reopen();
    assertEquals(Map.of("a", "3", "b", "4"), strings());
  }

  @Test
  void scan_whileOthersComeAndGo_tellsEachKeyOnce() {
    PersistentMap<Long, Long> map = longs();
    for (long i = 0; i < 5000; i++) {
      map.put(i, i);
    }
    List<Long> told = new ArrayList<>();
    long place = 0;
    int parts = 0;
    do {
      place = map.scan(place, told::add);
      for (long i = 0; i < 200; i++) {
        map.put(10_000 + 200L * parts + i, i);
        map.remove(10_000 + 200L * (parts - 1) + i);
      }
      if (++parts == 5) {
        reopen();
        map = longs();
      }
    } while (place != 0);
    assertTrue(parts > 10, "parts=" + parts);
    assertEquals(told.size(), new HashSet<>(told).size(), "none twice");
    told.removeIf(key -> key >= 10_000);
    assertEquals(5000, told.size());
    for (long i = 0; i < 3; i++) {
      assertEquals(0, strings().scan(i << 62, key -> {}));
    }
  }

  @Test
  void map_everyMethodOfConcurrentMap_asDocumentedThere() {
    PersistentMap<String, String> map = strings();
    assertTrue(map.isEmpty());
    assertNull(map.put("a", "1"));
    assertEquals("1", map.put("a", "2"));
    assertEquals("2", map.putIfAbsent("a", "3"));
    assertNull(map.putIfAbsent("b", "4"));
    assertEquals("2", map.get("a"));
    assertEquals("none", map.getOrDefault("z", "none"));
    assertTrue(map.containsKey("b"));
    assertTrue(map.containsValue("4"));
    assertFalse(map.containsValue("3"));
    assertEquals(2, map.size());

    assertNull(map.replace("z", "1"));
    assertEquals("2", map.replace("a", "5"));
    assertFalse(map.replace("a", "2", "6"));
    assertTrue(map.replace("a", "5", "6"));
    assertFalse(map.remove("a", "5"));
    assertTrue(map.remove("a", "6"));
    assertNull(map.remove("a"));
    assertEquals("4", map.remove("b"));
    assertTrue(map.isEmpty());

    assertEquals("x1", map.computeIfAbsent("x", key -> key + 1));
    assertEquals("x1", map.computeIfAbsent("x", key -> key + 2));
    assertNull(map.computeIfAbsent("y", key -> null));
    assertNull(map.computeIfPresent("y", (key, value) -> value + 3));
    assertEquals("x13", map.computeIfPresent("x", (key, value) -> value + 3));
    assertEquals("null", map.compute("y", (key, value) -> "" + value));
    assertNull(map.compute("y", (key, value) -> null));
    assertEquals("m", map.merge("m", "m", String::concat));
    assertEquals("mn", map.merge("m", "n", String::concat));
    assertNull(map.merge("m", "n", (one, other) -> null));
    assertEquals(Map.of("x", "x13"), map);

    map.putAll(Map.of("a", "1", "b", "2"));
    assertEquals(3, map.size());
    map.replaceAll((key, value) -> key + value);
    assertEquals(Map.of("a", "a1", "b", "b2", "x", "xx13"), map);
    assertEquals(Map.of("a", "a1", "b", "b2", "x", "xx13").hashCode(), map.hashCode());
    assertEquals(Set.of("a", "b", "x"), map.keySet());
    assertTrue(map.keySet().remove("a"));
    assertTrue(map.values().remove("b2"));
    assertTrue(map.entrySet().removeIf(entry -> entry.getKey().equals("x")));
    assertEquals("{}", map.toString());
    map.put("c", "1");
    map.clear();
    assertEquals(0, map.size());
  }

  @Test
  void nulls_anywhere_refused() {
    PersistentMap<String, String> map = strings();
    assertThrows(NullPointerException.class, () -> map.get(null));
    assertThrows(NullPointerException.class, () -> map.containsKey(null));
    assertThrows(NullPointerException.class, () -> map.put(null, ""));
    assertThrows(NullPointerException.class, () -> map.put("", null));
    assertThrows(NullPointerException.class, () -> map.remove(null));
    assertThrows(NullPointerException.class, () -> map.merge("a", null, String::concat));
    assertThrows(NullPointerException.class, () -> map.merge("a", "b", null));
    assertThrows(NullPointerException.class, () -> map.compute("a", null));
    assertThrows(NullPointerException.class, () -> map.computeIfPresent("a", null));
    assertTrue(map.isEmpty());
  }

  @Test
  @SuppressWarnings("CollectionIncompatibleType") // what is tested
  void keyOfAnotherClass_isNotThere() {
    PersistentMap<String, String> map = strings();
    map.put("1", "one");
    assertNull(map.get(1));
    assertFalse(map.containsKey(List.of()));
    assertNull(map.remove(1));
    assertEquals(1, map.size());
  }

  @Test
  void iterator_removeAndEnd_asDocumented() {
    PersistentMap<Long, Long> map = longs();
    for (long i = 0; i < 3000; i++) {
      map.put(i, -i);
    }
    Set<Long> seen = new HashSet<>();
    Iterator<Map.Entry<Long, Long>> iterator = map.entrySet().iterator();
    assertThrows(IllegalStateException.class, iterator::remove);
    while (iterator.hasNext()) {
      Map.Entry<Long, Long> entry = iterator.next();
      assertEquals(-entry.getKey(), entry.getValue());
      assertTrue(seen.add(entry.getKey()));
      if (entry.getKey() % 2 == 0) {
        iterator.remove();
      }
    }
    assertThrows(NoSuchElementException.class, iterator::next);
    assertEquals(3000, seen.size());
    assertEquals(1500, map.size());
    assertFalse(map.containsKey(2L));
    assertTrue(map.containsKey(3L));
  }

  // ---- in transactions

  @Test
  void edit_ownReadsSeeIt_othersWhenCommitted() {
    PersistentMap<String, String> map = strings();
    map.put("kept", "0");
    map.put("gone", "0");
    try (Transaction tx = pool.begin()) {
      Map<String, String> edit = tx.edit(map);
      edit.put("new", "1");
      edit.remove("gone");
      edit.put("kept", "2");
      assertEquals(Map.of("new", "1", "kept", "2"), edit);
      assertEquals(2, edit.size());
      assertEquals("2", edit.get("kept"));
      assertEquals(Map.of("kept", "0", "gone", "0"), map);
      tx.commit();
    }
    assertEquals(Map.of("new", "1", "kept", "2"), map);
    assertEquals(2, map.size());
  }

  @Test
  void abort_andRollback_leaveWhatWasThere() {
    PersistentMap<String, String> map = strings();
    map.put("a", "0");
    try (Transaction tx = pool.begin()) {
      tx.edit(map).put("a", "1");
      tx.edit(map).put("b", "1");
    }
    assertEquals(Map.of("a", "0"), map);
    pool.run(tx -> {
      tx.edit(map).put("b", "1");
      Savepoint before = tx.savepoint();
      tx.edit(map).put("b", "2");
      tx.edit(map).remove("a");
      tx.edit(map).put("c", "2");
      tx.rollbackTo(before);
      assertEquals(Map.of("a", "0", "b", "1"), tx.edit(map));
      tx.edit(map).put("b", "3");
    });
    assertEquals(Map.of("a", "0", "b", "3"), map);
  }

  @Test
  void oneKey_inTwoTransactions_conflict() {
    PersistentMap<String, String> map = strings();
    try (Transaction one = pool.begin();
        Transaction two = pool.begin()) {
      tx(one, map).put("a", "1");
      tx(two, map).put("b", "1");
      assertThrows(TransactionException.Conflict.class, () -> tx(two, map).get("a"));
      one.commit();
      two.commit();
    }
    assertEquals(Map.of("a", "1", "b", "1"), map);
  }

  private static Map<String, String> tx(Transaction tx, PersistentMap<String, String> map) {
    return tx.edit(map);
  }

  @Test
  void severalMapsAndObjects_inOneTransaction_allOrNothing() {
    PersistentMap<String, String> strings = strings();
    PersistentMap<Long, Long> longs = longs();
    Account account = pool.root("account", Account.TYPE);
    assertThrows(
        IllegalStateException.class,
        () ->
            pool.run(tx -> {
              tx.edit(strings).put("a", "1");
              tx.edit(longs).put(1L, 1L);
              tx.edit(account).balance(1);
              throw new IllegalStateException("the application's");
            }));
    assertTrue(strings.isEmpty() && longs.isEmpty() && account.balance() == 0);
    pool.run(tx -> {
      for (long i = 0; i < 1000; i++) {
        tx.edit(strings).put("s" + i, "" + i);
        tx.edit(longs).put(i, i);
      }
      tx.edit(account).balance(1);
    });
    reopen();
    assertEquals(1000, strings().size());
    assertEquals(1000, longs().size());
    assertEquals(1, pool.root("account", Account.TYPE).balance());
  }

  // ---- contents

  @Test
  void randomOperations_againstAHashMap_alsoAfterReopening() {
    SplittableRandom random = new SplittableRandom(7);
    Map<String, String> model = new HashMap<>();
    for (int round = 0; round < 4; round++) {
      PersistentMap<String, String> map = strings();
      for (int i = 0; i < 4000; i++) {
        String key = "key " + random.nextInt(1500);
        String value = "v".repeat(random.nextInt(60)) + i;
        switch (random.nextInt(6)) {
          case 0, 1, 2 -> assertEquals(model.put(key, value), map.put(key, value));
          case 3, 4 -> assertEquals(model.remove(key), map.remove(key));
          default ->
              assertEquals(
                  model.merge(key, value, (one, other) -> other),
                  map.merge(key, value, (one, other) -> other));
        }
      }
      assertEquals(model, map);
      assertEquals(model.size(), map.size());
      assertEquals(List.of(), pool.check().problems());
      reopen();
    }
    assertEquals(model, strings());
    strings().clear();
    assertTrue(strings().isEmpty());
  }

  /**
   * The buckets of one half of a segment are filled so that the two last ones run over into the
   * first: a split that moved entries nearer to their homes would find no place for one.
   */
  @Test
  void split_ofASegmentThatRunsOverItsEnd_losesNothing() {
    PersistentMap<Long, Long> map = longs();
    HashIndex index = ((StoredMap<Long, Long>) map).index();
    List<Long> keys = new ArrayList<>();
    long[] next = {0};
    addKeys(index, 62, 16, next, keys);
    addKeys(index, 63, 1, next, keys);
    addKeys(index, 62, 1, next, keys);
    keys.forEach(key -> map.put(key, -key));
    assertEquals(18, map.size());
    reopen();
    keys.forEach(key -> assertEquals(-key, longs().get(key)));
  }

  /** More keys of the first half of the hash range that have a certain home. */
  private static void addKeys(HashIndex index, int home, int count, long[] next, List<Long> keys) {
    byte[] bytes = new byte[8];
    for (int found = 0; found < count; next[0]++) {
      Codec.LONG.write(next[0], MemorySegment.ofArray(bytes));
      long hash = index.hash(bytes);
      if (hash > 0 && (hash & 63) == home) {
        keys.add(next[0]);
        found++;
      }
    }
  }

  record Pair(long first, long second) {}

  /** Whatever words keys consist of, their hashes differ: else no split would ever part them. */
  @Test
  void keysOfWordsOfWhichManyAreZero_differ() {
    Type<PersistentMap<Pair, Long>> type =
        Type.map(Codec.of(Pair.class, MethodHandles.lookup()), Codec.LONG);
    PersistentMap<Pair, Long> map = pool.root("pairs", type);
    for (long i = 0; i < 1000; i++) {
      map.put(new Pair(i, 0), i);
      map.put(new Pair(0, i + 1), -i);
      map.put(new Pair(i + 1, i + 1), i);
    }
    assertEquals(3000, map.size());
    assertEquals(500, map.get(new Pair(500, 0)));
    assertEquals(-500, map.get(new Pair(0, 501)));
  }

  @Test
  void manyKeys_splitAndDouble_allThere() {
    PersistentMap<Long, Long> map = longs();
    for (long i = 0; i < 30_000; i++) {
      assertNull(map.put(i, i * i));
    }
    assertEquals(30_000, map.size());
    reopen();
    PersistentMap<Long, Long> again = longs();
    assertEquals(30_000, again.size());
    for (long i = 0; i < 30_000; i++) {
      assertEquals(i * i, again.get(i));
    }
    assertNull(again.get(-1L));
  }

  /** Segments are split, and the directory doubled, while keys in them are looked up to be set. */
  @Test
  void putsOfOldKeys_besideSplits_findThem() throws Exception {
    PersistentMap<Long, Long> map = longs();
    long old = 64;
    for (long key = 0; key < old; key++) {
      map.put(-key, 0L);
    }
    AtomicBoolean done = new AtomicBoolean();
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      Future<?> putting =
          threads.submit(() -> {
            for (long round = 0; !done.get(); round++) {
              for (long key = 0; key < old; key++) {
                assertEquals(round, map.put(-key, round + 1));
              }
            }
          });
      Future<?> splitting =
          threads.submit(() -> {
            for (long key = 1; key <= 50_000 && !putting.isDone(); key++) {
              map.put(key, key);
            }
          });
      splitting.get();
      done.set(true);
      putting.get();
    }
    assertEquals(old + 50_000, map.size());
    assertEquals(List.of(), pool.check().problems());
  }

  /** At first all keys are in one segment, for whose split all wait who put something there. */
  @Test
  void putsOfTwoThreads_besideTheFirstSplits_allThere() throws Exception {
    for (int round = 0; round < 20; round++) {
      PersistentMap<Long, Long> map = pool.root("round " + round, Type.map(Codec.LONG, Codec.LONG));
      try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
        List<Callable<Void>> tasks = new ArrayList<>();
        for (long thread = 0; thread < 2; thread++) {
          long first = thread << 32;
          tasks.add(() -> {
            for (long key = first; key < first + 600; key++) {
              map.put(key, key);
            }
            return null;
          });
        }
        for (Future<Void> task : threads.invokeAll(tasks)) {
          task.get();
        }
      }
      assertEquals(1200, map.size());
    }
  }

  @Test
  void bytes_asKeysAndValues_byContent() {
    PersistentMap<byte[], byte[]> map = pool.root("bytes", Type.map(Codec.BYTES, Codec.BYTES));
    map.put(new byte[0], new byte[] {1});
    map.put(new byte[] {1, 2, 3}, new byte[0]);
    assertArrayEquals(new byte[] {1}, map.get(new byte[0]));
    assertArrayEquals(new byte[0], map.get(new byte[] {1, 2, 3}));
    assertTrue(map.replace(new byte[0], new byte[] {1}, new byte[] {2}));
    assertTrue(map.containsValue(new byte[] {2}));
    assertNull(map.get(new byte[] {1, 2}));
    byte[] large = new byte[1 << 20];
    large[large.length - 1] = 9;
    map.put(large, large);
    reopen();
    map = pool.root("bytes", Type.map(Codec.BYTES, Codec.BYTES));
    assertArrayEquals(large, map.get(large));
    assertEquals(3, map.size());
  }

  record Place(String street, int number, DayOfWeek day, boolean open, double rate) {}

  record Person(String name, Place home, byte[] picture) {}

  @Test
  void records_asKeysAndValues_readBack() {
    Codec<Place> places = Codec.of(Place.class, MethodHandles.lookup());
    Codec<Person> persons = Codec.of(Person.class, MethodHandles.lookup());
    Type<PersistentMap<Place, Person>> type = Type.map(places, persons);
    Place home = new Place("Größe street", 7, DayOfWeek.FRIDAY, true, 0.5);
    Person ann = new Person("ann", home, "picture".getBytes(StandardCharsets.UTF_8));
    pool.root("people", type).put(home, ann);
    reopen();
    PersistentMap<Place, Person> map = pool.root("people", type);
    assertEquals(Set.of(home), map.keySet());
    Person read = map.get(home);
    assertEquals("ann", read.name());
    assertEquals(home, read.home());
    assertArrayEquals(ann.picture(), read.picture());
    assertNull(map.get(new Place("Größe street", 7, DayOfWeek.MONDAY, true, 0.5)));
  }

  @Test
  void references_toObjects_areTheSameObjects() {
    PersistentMap<String, Account> map =
        pool.root("accounts", Type.map(Codec.STRING, Account.TYPE));
    pool.run(tx -> {
      Account ann = pool.make(tx, Account.TYPE);
      tx.edit(ann).owner("ann").balance(1);
      tx.edit(map).put("ann", ann);
      tx.edit(map).put("the same", ann);
    });
    assertEquals(map.get("ann"), map.get("the same"));
    pool.run(tx -> tx.edit(map.get("ann")).balance(5));
    assertEquals(5, map.get("the same").balance());
    assertTrue(map.containsValue(map.get("ann")));
    assertTrue(map.remove("the same", map.get("ann")));
    Account ann = map.remove("ann");
    assertEquals(5, ann.balance());
    pool.run(tx -> pool.free(tx, ann));
    assertThrows(PoolException.ObjectFreed.class, ann::balance);
  }

  @Test
  void put_inAFullPool_refusedAndNothingLost() {
    PersistentMap<Long, byte[]> map = pool.root("blobs", Type.map(Codec.LONG, Codec.BYTES));
    byte[] value = new byte[5000];
    long count = 0;
    PoolException.OutOfPoolSpace full = null;
    while (full == null) {
      try {
        map.put(count, value);
        count++;
      } catch (PoolException.OutOfPoolSpace e) {
        full = e;
      }
    }
    assertTrue(full.getMessage().contains("asked="), full.getMessage());
    assertEquals(count, map.size());
    assertEquals(List.of(), pool.check().problems());
    for (long i = 0; i < count; i += 2) {
      assertArrayEquals(value, map.remove(i));
    }
    map.put(0L, value);
    assertArrayEquals(value, map.get(0L));
    map.clear();
  }

  /** A split that finds damage gives back what it has taken, each time. */
  @Test
  void split_whereARecordIsDamaged_refusedAndNothingIsTaken() {
    PersistentMap<Long, Long> map = longs();
    HashIndex index = ((StoredMap<Long, Long>) map).index();
    List<Long> keys = new ArrayList<>();
    addKeys(index, 5, IndexLayout.PROBES * IndexLayout.BUCKET_SLOTS + 1, new long[1], keys);
    long last = keys.removeLast();
    keys.forEach(key -> map.put(key, -key));
    long slot = damagedSlot(index);
    assertThrows(HoldfastException.Corrupt.class, () -> map.put(last, 0L));
    long used = pool.info().usedBytes();
    assertThrows(HoldfastException.Corrupt.class, () -> map.put(last, 0L));
    assertEquals(used, pool.info().usedBytes());
    region.putLong(slot, 0);
    map.put(last, 0L);
    keys.forEach(key -> assertEquals(-key, map.get(key)));
    assertEquals(keys.size() + 1, map.size());
  }

  /** A slot in the first segment that no key has, and that leads nowhere. */
  private long damagedSlot(HashIndex index) {
    long slot = IndexLayout.segment(index.entryOf(0)) + 40L * IndexLayout.BUCKET_BYTES;
    while (region.getLong(slot) != 0) {
      slot += Long.BYTES;
    }
    region.putLong(slot, Long.BYTES);
    return slot;
  }

  @Test
  void size_whereARecordIsDamaged_refusedAndTheMapIsOfUse() {
    longs().put(1L, 10L);
    reopen();
    PersistentMap<Long, Long> map = longs();
    long slot = damagedSlot(((StoredMap<Long, Long>) map).index());
    assertThrows(HoldfastException.Corrupt.class, map::size);
    region.putLong(slot, 0);
    map.put(2L, 20L);
    assertEquals(2, map.size());
  }

  // ---- several threads

  /** The first one who asks counts, and meanwhile nothing is added. */
  @Test
  void size_askedFirstBesidePuts_countsEachOnce() throws Exception {
    for (long i = 0; i < 3000; i++) {
      longs().set(i, i);
    }
    for (int round = 0; round < 10; round++) {
      reopen();
      PersistentMap<Long, Long> map = longs();
      long from = 3000 + 100L * round;
      AtomicInteger counted = new AtomicInteger();
      inThreads(
          2,
          thread -> {
            if (thread == 0) {
              counted.set(map.size());
            } else {
              for (long i = from; i < from + 100; i++) {
                map.set(i, i);
              }
            }
          });
      assertTrue(counted.get() >= from && counted.get() <= from + 100, counted::toString);
      assertEquals(from + 100, map.size());
    }
  }

  @Test
  void merges_ofFourThreads_countEachOne() throws Exception {
    PersistentMap<Long, Long> map = longs();
    int rounds = 4000;
    long keys = 300;
    inThreads(
        4,
        thread -> {
          SplittableRandom random = new SplittableRandom(thread);
          for (int i = 0; i < rounds; i++) {
            map.merge(random.nextLong(keys), 1L, Long::sum);
          }
        });
    assertEquals(4L * rounds, map.values().stream().mapToLong(Long::longValue).sum());
    assertEquals(keys, map.size());
    reopen();
    assertEquals(4L * rounds, longs().values().stream().mapToLong(Long::longValue).sum());
  }

  /** Transfers keep a sum; readers see pairs of one moment, writers grow the index meanwhile. */
  @Test
  void readers_besideWritersAndSplits_seeCommittedPairsOnly() throws Exception {
    PersistentMap<Long, String> map = pool.root("pairs", Type.map(Codec.LONG, Codec.STRING));
    long pairs = 50;
    for (long i = 0; i < pairs; i++) {
      map.put(i, "0:0");
    }
    AtomicBoolean done = new AtomicBoolean();
    inThreads(
        4,
        thread -> {
          SplittableRandom random = new SplittableRandom(thread);
          if (thread < 2) {
            for (int i = 1; i <= 4000; i++) {
              String value = "x".repeat(random.nextInt(80)) + i;
              map.put(random.nextLong(pairs), value + ":" + value);
              map.put(1000 + thread * 10_000L + i, value + ":" + value);
            }
            done.set(true);
          } else {
            while (!done.get()) {
              String[] halves = map.get(random.nextLong(pairs)).split(":", -1);
              assertEquals(halves[0], halves[1]);
              if (random.nextInt(1000) == 0) {
                Set<Long> seen = new HashSet<>(map.keySet());
                for (long i = 0; i < pairs; i++) {
                  assertTrue(seen.contains(i), "an iteration missed " + i);
                }
              }
            }
          }
        });
    assertEquals(pairs + 8000, map.size());
  }

  /** Values of one size are stored over each other, and readers copy them meanwhile. */
  @Test
  void reader_besideAnOverwritingWriter_seesNoMixture() throws Exception {
    PersistentMap<Long, byte[]> map = pool.root("bytes", Type.map(Codec.LONG, Codec.BYTES));
    byte[][] values = new byte[100][1000];
    for (int i = 0; i < values.length; i++) {
      Arrays.fill(values[i], (byte) i);
    }
    map.put(1L, values[0]);
    AtomicBoolean done = new AtomicBoolean();
    inThreads(
        2,
        thread -> {
          if (thread == 0) {
            for (int i = 0; i < 200_000; i++) {
              map.set(1L, values[i % values.length]);
            }
            done.set(true);
          } else {
            while (!done.get()) {
              byte[] seen = map.get(1L);
              assertArrayEquals(values[seen[0]], seen);
            }
          }
        });
  }

  /** What is returned, and what an open transaction sees, is as if records were replaced. */
  @Test
  void put_ofTheSameSize_returnsWhatWasThere() {
    PersistentMap<Long, String> map = pool.root("texts", Type.map(Codec.LONG, Codec.STRING));
    assertNull(map.put(1L, "abc"));
    assertEquals("abc", map.put(1L, "xyz"));
    try (Transaction tx = pool.begin()) {
      assertEquals("xyz", tx.edit(map).get(1L));
      assertThrows(TransactionException.Conflict.class, () -> map.put(1L, "uvw"));
      tx.edit(map).put(1L, "opq");
      assertEquals("xyz", map.get(1L));
      tx.commit();
    }
    assertEquals("opq", map.put(1L, "four"));
    assertEquals("four", map.put(1L, ""));
    assertEquals("", map.put(1L, ""));
    assertEquals("", map.remove(1L));
    reopen();
    assertEquals(0, pool.root("texts", Type.map(Codec.LONG, Codec.STRING)).size());
  }

  /** As damage may leave it: the slot of a key points to a record that it had before. */
  @Test
  void put_whereTheRecordIsNotTaken_refusedAndNothingStored() {
    PersistentMap<String, String> map = strings();
    map.put("key", "first");
    HashIndex index = ((StoredMap<String, String>) map).index();
    long hash = index.hash("key".getBytes(StandardCharsets.UTF_8));
    long slot = IndexLayout.bucket(IndexLayout.segment(index.entryOf(hash)), hash, 0);
    while (IndexLayout.record(region.getLong(slot)) == 0) {
      slot += Long.BYTES;
    }
    long before = region.getLong(slot);
    long value = index.valueAt(IndexLayout.record(before));
    long contents = region.getLong(value);
    map.put("key", "second, in another block".repeat(9));
    long after = region.getLong(slot);
    region.putLong(slot, before);
    HoldfastException refused =
        assertThrows(HoldfastException.Corrupt.class, () -> map.put("key", "third"));
    assertTrue(refused.getMessage().contains("index.record"), refused::getMessage);
    assertEquals(contents, region.getLong(value));
    region.putLong(slot, after);
    assertEquals("second, in another block".repeat(9), map.get("key"));
  }

  /** A codec that fails has changed nothing, and leaves nothing taken. */
  @Test
  void put_whoseCodecThrows_leavesWhatWasThere() {
    AtomicBoolean fails = new AtomicBoolean();
    PersistentMap<Long, Long> map = pool.root("failing", Type.map(Codec.LONG, failing(fails)));
    map.put(1L, 10L);
    fails.set(true);
    assertThrows(IllegalArgumentException.class, () -> map.put(1L, 11L));
    fails.set(false);
    assertEquals(10L, map.get(1L));
    assertEquals(10L, map.put(1L, 12L));
    assertEquals(12L, map.get(1L));
  }

  /** Its transaction goes on, and what it commits is what was done whole. */
  @Test
  void put_whoseCodecThrowsInATransactionThatGoesOn_isNotAmongWhatIsCommitted() {
    AtomicBoolean fails = new AtomicBoolean();
    PersistentMap<Long, Long> map = pool.root("failing", Type.map(Codec.LONG, failing(fails)));
    map.put(1L, 10L);
    pool.run(tx -> {
      tx.edit(map).put(2L, 20L);
      fails.set(true);
      assertThrows(IllegalArgumentException.class, () -> tx.edit(map).put(1L, 11L));
      assertThrows(IllegalArgumentException.class, () -> tx.edit(map).put(2L, 21L));
      assertThrows(IllegalArgumentException.class, () -> tx.edit(map).put(3L, 31L));
      fails.set(false);
      assertEquals(10L, tx.edit(map).get(1L));
    });
    assertEquals(Map.of(1L, 10L, 2L, 20L), Map.copyOf(map));
    assertTrue(pool.check().isClean(), () -> pool.check().toString());
  }

  /** A codec of longs that writes something else, and fails, while it is told to. */
  private static Codec<Long> failing(AtomicBoolean fails) {
    return new Codec<>() {
      @Override
      public long sizeOf(Long value) {
        return Long.BYTES;
      }

      @Override
      public void write(Long value, MemorySegment into) {
        Codec.LONG.write(fails.get() ? -1L : value, into);
        if (fails.get()) {
          throw new IllegalArgumentException("no");
        }
      }

      @Override
      public Long read(MemorySegment from) {
        return Codec.LONG.read(from);
      }

      @Override
      public String signature() {
        return "failing";
      }
    };
  }

  @Test
  void transfers_ofFourThreads_keepTheSum() throws Exception {
    PersistentMap<Long, Long> map = longs();
    for (long i = 0; i < 10; i++) {
      map.put(i, 100L);
    }
    inThreads(
        4,
        thread -> {
          SplittableRandom random = new SplittableRandom(thread);
          for (int i = 0; i < 1500; i++) {
            long from = random.nextLong(10);
            long to = random.nextLong(10);
            pool.run(tx -> {
              tx.edit(map).merge(from, -1L, Long::sum);
              tx.edit(map).merge(to, 1L, Long::sum);
            });
          }
        });
    assertEquals(1000, map.values().stream().mapToLong(Long::longValue).sum());
  }

  private interface Task {
    void run(int thread) throws Exception;
  }

  private static void inThreads(int count, Task task) throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(count)) {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        int thread = i;
        all.add(
            threads.submit(() -> {
              task.run(thread);
              return null;
            }));
      }
      for (Future<?> one : all) {
        one.get();
      }
    }
  }
}
