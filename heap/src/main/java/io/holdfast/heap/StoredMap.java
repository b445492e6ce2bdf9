// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.TransactionAccess;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
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
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/** A map over an index. */
final class StoredMap<K, V> extends AbstractMap<K, V> implements PersistentMap<K, V> {
  private final Pool pool;
  private final PersistentRegion region;
  private final MapType<K, V> type;
  private final HashIndex index;
  private final int mostOverwritten;
  private final HashIndex.Reader<V> valueReader = this::value;

  StoredMap(Pool pool, MapType<K, V> type, HashIndex index) {
    this.pool = pool;
    this.region = pool.region();
    this.type = type;
    this.index = index;
    this.mostOverwritten = TransactionAccess.get().mostOverwritten(pool.lanes());
  }

  HashIndex index() {
    return index;
  }

  // ---- bytes

  private IndexKey key(K key) {
    return new IndexKey(index, Codecs.encoded(type.keys(), Objects.requireNonNull(key, "key")));
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
    long lengths = index.lengths(record);
    return type.values()
        .read(pool, bytes(IndexLayout.valueAt(record, lengths), IndexLayout.valueBytes(lengths)));
  }

  private K keyOf(long record) {
    int count = IndexLayout.keyBytes(index.lengths(record));
    return Codecs.decoded(type.keys(), bytes(IndexLayout.keyAt(record), count));
  }

  private byte[] bytes(long offset, int count) {
    if (count < 0 || !pool.allocator().couldHold(offset, count)) {
      throw new IndexOutOfBoundsException("offset=" + offset + ", bytes=" + count);
    }
    byte[] copy = new byte[count];
    region.copyOut(offset, MemorySegment.ofArray(copy));
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
    return index.find(key, valueReader);
  }

  @Override
  public boolean containsKey(Object key) {
    IndexKey wanted = keyOrNull(key);
    return wanted != null && contains(wanted);
  }

  private boolean contains(IndexKey key) {
    return index.find(key, record -> record) != null;
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

  @Override
  public long scan(long place, Consumer<? super K> action) {
    List<K> keys = new ArrayList<>();
    long next = index.readSegment(place, this::keyOf, keys);
    keys.forEach(action);
    return next;
  }

  // ---- writing: each a transaction

  /** Gives one key a value: the only change of its transaction, which takes the shortest way. */
  private void store(Transaction tx, IndexChange change, V value) {
    HeapParticipant participant = pool.participant(tx);
    byte[] plain = type.values().plainBytes(value);
    long bytes = plain != null ? plain.length : type.values().sizeOf(value);
    if (bytes > 0 && bytes <= mostOverwritten && index.hasValueOf(change, bytes)) {
      MemorySegment place = participant.overwrite().begin(tx, index, change, (int) bytes);
      write(value, plain, place);
    } else {
      IndexEdit edit = participant.edit(index);
      edit.add(change);
      store(edit, change, value, plain, bytes);
    }
  }

  private V put(Transaction tx, IndexKey key, V value, Before before) {
    IndexChange change = index.claimed(tx, key);
    V replaced = before == Before.ASKED_FOR ? value(change) : null;
    store(tx, change, value);
    return replaced;
  }

  /**
   * Gives one key what a function makes of its value, or takes it away; returns what it has then.
   */
  private V update(K key, UnaryOperator<V> function) {
    IndexKey wanted = key(key);
    return pool.call(tx -> {
      IndexChange change = index.claimed(tx, wanted);
      V before = value(change);
      V after = function.apply(before);
      if (after != null) {
        store(tx, change, after);
      } else if (before != null) {
        IndexEdit edit = pool.participant(tx).edit(index);
        edit.add(change);
        edit.remove(change);
      }
      return after;
    });
  }

  private enum Before {
    ASKED_FOR,
    NOT_ASKED_FOR
  }

  private V value(IndexChange change) {
    long record = change.record();
    return record == 0 ? null : index.read(record, valueReader);
  }

  private void store(IndexEdit edit, IndexChange change, V value, byte[] plain, long bytes) {
    long record = edit.newRecord(change, bytes);
    long at = index.valueAt(record);
    try {
      if (plain != null) {
        region.copyIn(at, MemorySegment.ofArray(plain));
      } else {
        type.values().write(pool, value, region.writable(at, bytes));
      }
    } catch (Throwable e) {
      edit.discard(record);
      throw e;
    }
    edit.replace(change, record);
  }

  private void write(V value, byte[] plain, MemorySegment into) {
    if (plain != null) {
      MemorySegment.copy(plain, 0, into, ValueLayout.JAVA_BYTE, 0, plain.length);
    } else {
      type.values().write(pool, value, into);
    }
  }

  private <R> R change(Function<Edit, R> change) {
    return pool.call(tx -> change.apply(edit(pool, tx)));
  }

  Edit edit(Pool owner, Transaction tx) {
    if (owner != pool) {
      throw new IllegalArgumentException("the map is in another pool");
    }
    return new Edit(tx, pool.participant(tx).edit(index));
  }

  @Override
  public V put(K key, V value) {
    return put(key, value, Before.ASKED_FOR);
  }

  @Override
  public void set(K key, V value) {
    put(key, value, Before.NOT_ASKED_FOR);
  }

  private V put(K key, V value, Before before) {
    IndexKey wanted = key(key);
    Objects.requireNonNull(value, "value");
    return pool.call(tx -> put(tx, wanted, value, before));
  }

  @Override
  public void putAll(Map<? extends K, ? extends V> other) {
    change(edit -> {
      other.forEach(edit::set);
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
    Objects.requireNonNull(function, "function");
    return update(key, before -> before == null ? null : function.apply(key, before));
  }

  @Override
  public V compute(K key, BiFunction<? super K, ? super V, ? extends V> function) {
    Objects.requireNonNull(function, "function");
    return update(key, before -> function.apply(key, before));
  }

  @Override
  public V merge(K key, V value, BiFunction<? super V, ? super V, ? extends V> function) {
    Objects.requireNonNull(value, "value");
    Objects.requireNonNull(function, "function");
    return update(key, before -> before == null ? value : function.apply(before, value));
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
  final class Edit extends AbstractMap<K, V> implements PersistentMap.Edit<K, V> {
    private final Transaction tx;
    private final IndexEdit edit;

    Edit(Transaction tx, IndexEdit edit) {
      this.tx = tx;
      this.edit = edit;
    }

    @Override
    public V get(Object key) {
      IndexKey wanted = keyOrNull(key);
      return wanted == null ? null : value(edit.of(tx, wanted));
    }

    @Override
    public boolean containsKey(Object key) {
      IndexKey wanted = keyOrNull(key);
      return wanted != null && edit.of(tx, wanted).record() != 0;
    }

    @Override
    public V put(K key, V value) {
      IndexChange change = edit.of(tx, key(key));
      V before = value(change);
      store(change, value);
      return before;
    }

    @Override
    public void set(K key, V value) {
      store(edit.of(tx, key(key)), value);
    }

    private void store(IndexChange change, V value) {
      byte[] plain = type.values().plainBytes(Objects.requireNonNull(value, "value"));
      long bytes = plain != null ? plain.length : type.values().sizeOf(value);
      StoredMap.this.store(edit, change, value, plain, bytes);
    }

    @Override
    public V remove(Object key) {
      IndexKey wanted = keyOrNull(key);
      if (wanted == null) {
        return null;
      }
      IndexChange change = edit.of(tx, wanted);
      V before = value(change);
      if (before != null) {
        edit.remove(change);
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
              TransactionAccess.get().participant(tx);
              List<Entry<K, V>> committed = readMore(position, this::isUnchanged);
              if (position.atEnd) {
                edit.changes().stream()
                    .filter(change -> change.isWanted() && change.after() != 0)
                    .forEach(change -> committed.add(entry(change.after())));
              }
              return committed;
            }

            private boolean isUnchanged(K key) {
              IndexChange change = edit.find(key(key));
              return change == null || !change.isWanted();
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
