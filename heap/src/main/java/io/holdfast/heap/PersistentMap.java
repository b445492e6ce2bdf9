// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.tx.Editable;
import java.util.Map;
import java.util.concurrent.ConcurrentMap;

/**
 * A hash map in a pool, with the manners of {@link java.util.concurrent.ConcurrentHashMap}: neither
 * keys nor values are null; each call is atomic; readers are not blocked; iterators are weakly
 * consistent.
 *
 * <p>Each call that changes something is a transaction of its own, durable when it returns. A call
 * that meets a key which an open transaction has edited waits for that, or makes it try again; in
 * the thread of that transaction it throws {@link io.holdfast.tx.TransactionException.Conflict}.
 * {@code tx.edit(map)} gives the map as part of a transaction, which claims each key that it names,
 * also by {@code get}, and sees its own changes.
 *
 * <p>{@code size} is counted once, by going through the map, and then kept.
 *
 * @param <K> the keys; two are equal if their bytes are
 * @param <V> the values
 */
public interface PersistentMap<K, V> extends ConcurrentMap<K, V>, Editable<Map<K, V>> {}
