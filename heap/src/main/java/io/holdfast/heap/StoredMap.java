// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Transaction;
import java.lang.foreign.MemorySegment;
import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;

/** A map over an index. */
final class StoredMap<K, V> extends AbstractMap<K, V> implements PersistentMap<K, V> {
  private final Pool pool;
  private final PersistentRegion region;
  private final MapType<K, V> type;
  private final HashIndex index;

  StoredMap(Pool pool, MapType<K, V> type, HashIndex index) {
    this.pool = pool;
    this.region = pool.region();
    this.type = type;
    this.index = index;
  }

  HashIndex index() {
    return index;
  }

  // ---- bytes

  private IndexKey key(K key) {
    byte[] bytes =
        new byte[Math.toIntExact(type.keys().sizeOf(Objects.requireNonNull(key, "key")))];
    type.keys().write(key, MemorySegment.ofArray(bytes));
    return new IndexKey(index, bytes);
  }

  /** A key that a caller of Map's untyped methods gave; null if it cannot be one. */
  @SuppressWarnings("unchecked") // what the codec refuses is no key of this map
  private IndexKey keyOrNull(Object key) {
    Objects.requireNonNull(key, "key");
    try {
      return key((K) key);
    } catch (ClassCastException e) {
      return null;
    }
  }

  private V value(long record) {
    return type.values().read(pool, bytes(index.valueAt(record), index.valueBytes(record)));
  }

  private K keyOf(long record) {
    return type.keys().read(bytes(index.keyAt(record), index.keyBytes(record)));
  }

  private MemorySegment bytes(long offset, int count) {
    if (count < 0 || !pool.allocator().couldHold(offset, count)) {
      throw new IndexOutOfBoundsException("offset=" + offset + ", bytes=" + count);
    }
    MemorySegment copy = MemorySegment.ofArray(new byte[count]);
    region.copyOut(offset, copy);
    return copy;
  }

  private boolean sameValue(V one, Object other) {
    if (one instanceof byte[] bytes && other instanceof byte[] others) {
      return Arrays.equals(bytes, others);
    }
    return one.equals(other);
  }

  private Entry<K, V> entry(long record) {
    return new SimpleImmutableEntry<>(keyOf(record), value(record));
  }

  // ---- reading

  @Override
  public V get(Object key) {
    IndexKey wanted = keyOrNull(key);
    return wanted == null ? null : get(wanted);
  }

  private V get(IndexKey key) {
    return index.find(key.segment(), key.hash(), this::value);
  }

  @Override
  public boolean containsKey(Object key) {
    IndexKey wanted = keyOrNull(key);
    return wanted != null && contains(wanted);
  }

  private boolean contains(IndexKey key) {
    return index.find(key.segment(), key.hash(), record -> record) != null;
  }

  @Override
  public V getOrDefault(Object key, V defaultValue) {
    V value = get(key);
    return value == null ? defaultValue : value;
  }

  @Override
  public int size() {
    return (int) Math.min(Integer.MAX_VALUE, index.count());
  }

  @Override
  public boolean isEmpty() {
    return index.count() == 0;
  }

  @Override
  public Set<Entry<K, V>> entrySet() {
    return new Entries(new Standalone());
  }

  // ---- writing: each a transaction

  private <R> R change(Function<Edit, R> change) {
    return pool.call(tx -> change.apply(edit(pool, tx)));
  }

  Edit edit(Pool owner, Transaction tx) {
    if (owner != pool) {
      throw new IllegalArgumentException("the map is in another pool");
    }
    return new Edit(pool.participant(tx).edit(index));
  }

  @Override
  public V put(K key, V value) {
    return change(edit -> edit.put(key, value));
  }

  @Override
  public void putAll(Map<? extends K, ? extends V> other) {
    change(edit -> {
      other.forEach(edit::put);
      return null;
    });
  }

  @Override
  public V putIfAbsent(K key, V value) {
    V present = get(key);
    return present != null ? present : change(edit -> edit.putIfAbsent(key, value));
  }

  @Override
  public V remove(Object key) {
    return change(edit -> edit.remove(key));
  }

  @Override
  public boolean remove(Object key, Object value) {
    return change(edit -> edit.remove(key, value));
  }

  @Override
  public V replace(K key, V value) {
    return change(edit -> edit.replace(key, value));
  }

  @Override
  public boolean replace(K key, V before, V after) {
    return change(edit -> edit.replace(key, before, after));
  }

  @Override
  public V computeIfAbsent(K key, Function<? super K, ? extends V> function) {
    V present = get(key);
    return present != null ? present : change(edit -> edit.computeIfAbsent(key, function));
  }

  @Override
  public V computeIfPresent(K key, BiFunction<? super K, ? super V, ? extends V> function) {
    return change(edit -> edit.computeIfPresent(key, function));
  }

  @Override
  public V compute(K key, BiFunction<? super K, ? super V, ? extends V> function) {
    return change(edit -> edit.compute(key, function));
  }

  @Override
  public V merge(K key, V value, BiFunction<? super V, ? super V, ? extends V> function) {
    return change(edit -> edit.merge(key, value, function));
  }

  @Override
  public void replaceAll(BiFunction<? super K, ? super V, ? extends V> function) {
    for (K key : keySet()) {
      computeIfPresent(key, function);
    }
  }

  /** Entry by entry: not one transaction, which could be of any size. */
  @Override
  public void clear() {
    for (K key : keySet()) {
      remove(key);
    }
  }

  /** The map as a transaction sees it. */
  final class Edit extends AbstractMap<K, V> {
    private final IndexEdit edit;

    Edit(IndexEdit edit) {
      this.edit = edit;
    }

    private V current(IndexKey key) {
      edit.claim(key);
      Long wanted = edit.wanted(key);
      if (wanted == null) {
        return StoredMap.this.get(key);
      }
      return wanted == 0 ? null : value(wanted);
    }

    @Override
    public V get(Object key) {
      IndexKey wanted = keyOrNull(key);
      return wanted == null ? null : current(wanted);
    }

    @Override
    public boolean containsKey(Object key) {
      return get(key) != null;
    }

    @Override
    public V put(K key, V value) {
      IndexKey wanted = key(key);
      V before = current(wanted);
      store(wanted, value);
      return before;
    }

    private void store(IndexKey key, V value) {
      long bytes = type.values().sizeOf(Objects.requireNonNull(value, "value"));
      long record = edit.put(key, bytes);
      type.values().write(pool, value, region.writable(index.valueAt(record), bytes));
    }

    @Override
    public V remove(Object key) {
      IndexKey wanted = keyOrNull(key);
      if (wanted == null) {
        return null;
      }
      V before = current(wanted);
      if (before != null) {
        edit.remove(wanted);
      }
      return before;
    }

    @Override
    public boolean remove(Object key, Object value) {
      V before = get(key);
      if (before == null || !sameValue(before, value)) {
        return false;
      }
      remove(key);
      return true;
    }

    @Override
    public boolean replace(K key, V before, V after) {
      V present = get(key);
      if (present == null || !sameValue(present, before)) {
        return false;
      }
      put(key, after);
      return true;
    }

    @Override
    public void clear() {
      new ArrayList<>(keySet()).forEach(this::remove);
    }

    @Override
    public int size() {
      int size = 0;
      for (Iterator<Entry<K, V>> all = entrySet().iterator(); all.hasNext(); all.next()) {
        size++;
      }
      return size;
    }

    /**
     * What is committed, but for the keys that the transaction has changed; then what it has put.
     */
    @Override
    public Set<Entry<K, V>> entrySet() {
      return new Entries(
          new Source<K, V>() {
            @Override
            public List<Entry<K, V>> more(Position position) {
              edit.checkActive();
              List<Entry<K, V>> committed = readMore(position, this::isUnchanged);
              if (position.atEnd) {
                edit.allWanted().stream()
                    .filter(wanted -> wanted.getValue() != 0)
                    .forEach(wanted -> committed.add(entry(wanted.getValue())));
              }
              return committed;
            }

            private boolean isUnchanged(K key) {
              return edit.wanted(key(key)) == null;
            }

            @Override
            public void remove(K key) {
              Edit.this.remove(key);
            }

            @Override
            public int size() {
              return Edit.this.size();
            }
          });
    }
  }

  // ---- iteration

  /** How far an iteration has come. */
  private static final class Position {
    private long next;
    private boolean atEnd;
  }

  /** Where an iterator has its entries from. */
  private interface Source<K, V> {
    List<Map.Entry<K, V>> more(Position position);

    void remove(K key);

    int size();
  }

  private final class Standalone implements Source<K, V> {
    @Override
    public List<Entry<K, V>> more(Position position) {
      return readMore(position, key -> true);
    }

    @Override
    public void remove(K key) {
      StoredMap.this.remove(key);
    }

    @Override
    public int size() {
      return StoredMap.this.size();
    }
  }

  private List<Entry<K, V>> readMore(Position position, Predicate<K> filter) {
    List<Entry<K, V>> entries = new ArrayList<>();
    position.next = index.readSegment(position.next, this::entry, entries);
    position.atEnd = position.next == 0;
    entries.removeIf(entry -> !filter.test(entry.getKey()));
    return entries;
  }

  private final class Entries extends AbstractSet<Entry<K, V>> {
    private final Source<K, V> source;

    Entries(Source<K, V> source) {
      this.source = source;
    }

    @Override
    public int size() {
      return source.size();
    }

    @Override
    public Iterator<Entry<K, V>> iterator() {
      return new Iterator<>() {
        private final Position position = new Position();
        private final ArrayDeque<Entry<K, V>> ahead = new ArrayDeque<>();
        private K last;

        @Override
        public boolean hasNext() {
          while (ahead.isEmpty() && !position.atEnd) {
            ahead.addAll(source.more(position));
          }
          return !ahead.isEmpty();
        }

        @Override
        public Entry<K, V> next() {
          if (!hasNext()) {
            throw new NoSuchElementException();
          }
          Entry<K, V> entry = ahead.poll();
          last = entry.getKey();
          return entry;
        }

        @Override
        public void remove() {
          if (last == null) {
            throw new IllegalStateException("next() comes before remove()");
          }
          source.remove(last);
          last = null;
        }
      };
    }
  }

  /** Values that are byte arrays are compared by content, as everywhere here. */
  @Override
  public boolean containsValue(Object value) {
    for (V one : values()) {
      if (sameValue(one, value)) {
        return true;
      }
    }
    return false;
  }
}
