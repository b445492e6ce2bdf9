// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;

/**
 * In which files a word is: {@code main POOL WORD [FILE...]}. A file is indexed in one transaction,
 * which also notes that it was. So it can be killed at any moment, and started again with the same
 * files: each of them is indexed once, and none by half.
 */
public final class Example6WordIndex implements AutoCloseable {
  private static final String BETWEEN = "\n";

  private final Pool pool;
  private final PersistentMap<String, String> filesOf;
  private final PersistentMap<String, Long> done;

  Example6WordIndex(Path file) {
    pool = Pool.at(file).size(4 << 20).maxSize(1 << 30).openOrCreate();
    filesOf = pool.root("files of words", Type.map(Codec.STRING, Codec.STRING));
    done = pool.root("words of files", Type.map(Codec.STRING, Codec.LONG));
  }

  /** Indexes a file, unless it was indexed before. */
  void add(Path file) throws IOException {
    String name = file.toString();
    if (done.containsKey(name)) {
      return;
    }
    TreeSet<String> words = new TreeSet<>();
    for (String line : Files.readAllLines(file)) {
      words.addAll(List.of(line.toLowerCase(Locale.ROOT).split("[^\\p{L}]+")));
    }
    words.remove("");
    pool.run(tx -> {
      Map<String, String> index = tx.edit(filesOf);
      for (String word : words) {
        index.merge(word, name, (names, one) -> names + BETWEEN + one);
      }
      tx.edit(done).set(name, (long) words.size());
    });
  }

  /** The files that have a word. */
  List<String> find(String word) {
    String names = filesOf.get(word.toLowerCase(Locale.ROOT));
    return names == null ? List.of() : List.of(names.split(BETWEEN));
  }

  @Override
  public void close() {
    pool.close();
  }

  public static void main(String[] arguments) throws IOException {
    if (arguments.length < 2) {
      System.err.println("usage: POOL WORD [FILE...]");
      return;
    }
    try (Example6WordIndex index = new Example6WordIndex(Path.of(arguments[0]))) {
      for (String file : List.of(arguments).subList(2, arguments.length)) {
        index.add(Path.of(file));
      }
      System.out.println(arguments[1] + " is in " + index.find(arguments[1]));
    }
  }
}
