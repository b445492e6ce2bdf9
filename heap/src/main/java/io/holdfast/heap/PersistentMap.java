// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.tx.Editable;
import java.util.Map;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Consumer;

/**
 * A hash map in a pool, with the manners of {@link java.util.concurrent.ConcurrentHashMap}: neither
 * keys nor values are null; each call for a key is atomic; readers are not blocked; iterators are
 * weakly consistent. Thread-safe.
 *
 * <p>Each call that changes something is a transaction of its own, durable when it returns; so is
 * {@code putAll}, which must fit into the log, but {@code clear} and {@code replaceAll} go entry by
 * entry. The function of {@code compute}, {@code merge} and their like may be asked several times.
 * A call that meets a key which an open transaction has edited waits for that, or begins again; in
 * the thread of that transaction it throws {@link io.holdfast.tx.TransactionException.Conflict}.
 * {@code tx.edit(map)} gives the map as part of a transaction, which claims each key that it names,
 * also by {@code get}, and sees its own changes.
 *
 * <p>What changes something may throw {@link PoolException.OutOfPoolSpace}, {@link
 * io.holdfast.tx.TransactionException.LaneTimeout} and {@link PoolException.PoolReadOnly}; what has
 * objects as values, {@link PoolException.ObjectFreed} if one was freed.
 *
 * <p>{@code size} is counted once, by going through the map, and then kept.
 *
 * @param <K> the keys; two are equal if their bytes are
 * @param <V> the values
 */
public interface PersistentMap<K, V>
    extends ConcurrentMap<K, V>, Editable<PersistentMap.Edit<K, V>> {
  /**
   * The map as part of a transaction.
   *
   * @param <K> the keys
   * @param <V> the values
   */
  interface Edit<K, V> extends Map<K, V> {
    /**
     * Gives a key a value, whatever it has: {@link #put} without reading what was there.
     *
     * @param key the key
     * @param value the value
     */
    void set(K key, V value);
  }

  /**
   * Gives a key a value, whatever it has: {@link #put} without reading what was there. Durable when
   * it returns.
   *
   * @param key the key
   * @param value the value
   */
  void set(K key, V value);

  /**
   * Tells some of the keys, for a walk through a map that is too large to be held up by it. A key
   * that is there from the first call to the last is told once, whatever comes and goes meanwhile;
   * the place is no state of the map, and good in another process, too.
   *
   * @param place 0 to begin, then what the last call returned; any other is accepted, and begins
   *     somewhere
   * @param action is given each key, of a few hundred at most
   * @return where to go on; 0 if that was all
   */
  long scan(long place, Consumer<? super K> action);
}
