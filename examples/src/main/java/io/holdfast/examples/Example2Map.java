// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import java.lang.invoke.MethodHandles;
import java.nio.file.Path;
import java.util.Map;

/**
 * Two maps in a pool, of which one counts words and the other has records as values. A persistent
 * map is a ConcurrentMap: each call of it is a transaction of its own. To change several things
 * together, both maps here, edit them in one transaction: all of it is there after a crash, or
 * nothing.
 */
public final class Example2Map {
  record Quote(String text, String from, int year) {}

  public static void main(String[] arguments) {
    Path file = Path.of(arguments.length > 0 ? arguments[0] : "map.pool");
    Codec<Quote> quotes = Codec.of(Quote.class, MethodHandles.lookup());
    try (Pool pool = Pool.at(file).size(8 << 20).openOrCreate()) {
      PersistentMap<Long, Quote> book = pool.root("quotes", Type.map(Codec.LONG, quotes));
      PersistentMap<String, Long> words = pool.root("words", Type.map(Codec.STRING, Codec.LONG));

      Quote quote = new Quote("the sea is the same sea", "a sailor", 1851);
      pool.run(tx -> {
        Map<String, Long> edit = tx.edit(words);
        for (String word : quote.text().split(" ")) {
          edit.merge(word, 1L, Long::sum);
        }
        // A number that this transaction claims; sizes of maps are not claimed.
        long number = edit.merge("the quotes", 1L, Long::sum);
        tx.edit(book).put(number, quote);
      });

      words.putIfAbsent("holdfast", 0L);
      System.out.println(
          book.size() + " quotes; \"sea\" was written " + words.get("sea") + " times");
    }
  }

  private Example2Map() {}
}
