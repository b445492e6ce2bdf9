// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Remembers how runs of a recovery ended, by what they read. A run is told by the values of the
 * words it reads before it stores them, and of these only the ones matter that differ between runs.
 * So the runs form a tree: a node is a read, its branches the values read. An image on which the
 * tree leads to an end need not be run: the run would read the same and end the same.
 *
 * <p>Which words differ is learnt: when the images of a run have a word that was the same in all
 * images before, and so is not in the tree, the tree is void.
 */
final class Memo {
  private static final int MOST_NODES = 400_000;

  private final boolean[] differs;
  private List<String> marks = List.of();
  private Node root;
  private int nodes;

  // The run that is added: where it is, and the value it read there.
  private Node at;
  private Object value;

  /** A read and how it went on, or the end of a run. */
  private static final class Node {
    private int[] words;
    private Object outcome;
    private final List<Object> values = new ArrayList<>(1);
    private final List<Node> next = new ArrayList<>(1);

    Node after(Object read) {
      for (int i = 0; i < values.size(); i++) {
        if (values.get(i).equals(read)) {
          return next.get(i);
        }
      }
      return null;
    }
  }

  /**
   * Remembers nothing.
   *
   * @param words how many words an image has
   */
  Memo(int words) {
    differs = new boolean[words];
  }

  /**
   * Looks for a run that read what one on this slate would read; its choices are made on the way.
   *
   * @param known the marks that the recovery is given
   * @param slate a slate that has begun with images; it cannot be used for a run afterwards
   * @return how the run ended, or null if there was none
   */
  Object find(List<String> known, Slate slate, Slate.Chooser chooser) {
    slate.forEachTouched(word -> {
      if (!differs[word]) {
        differs[word] = true;
        root = null;
      }
    });
    if (root == null || !marks.equals(known)) {
      marks = known;
      root = new Node();
      nodes = 1;
    }
    Node node = root;
    while (node != null && node.words != null) {
      slate.decideAll(node.words, chooser);
      node = node.after(values(node.words, slate));
    }
    return node == null ? null : node.outcome;
  }

  /** A run that was not found begins. */
  void begin() {
    at = nodes < MOST_NODES ? root : null;
    value = null;
  }

  /** The words of a range that tell runs apart, and that the run has neither read nor stored. */
  int[] unknown(int first, int end, Slate slate) {
    int[] found = new int[end - first];
    int count = 0;
    for (int word = first; word < end; word++) {
      if (differs[word] && slate.learn(word)) {
        found[count++] = word;
      }
    }
    return count == found.length ? found : Arrays.copyOf(found, count);
  }

  /** The run has read these words, which are decided. */
  void read(int[] words, Slate slate) {
    if (at == null || words.length == 0) {
      return;
    }
    at = step();
    if (at.words == null && at.outcome == null) {
      at.words = words;
    } else if (!Arrays.equals(at.words, words)) {
      throw new IllegalStateException(
          "the recovery is not deterministic: after equal reads it read different words");
    }
    value = values(words, slate);
  }

  /** The run has ended. */
  void end(Object outcome) {
    if (at != null) {
      step().outcome = outcome;
    }
  }

  private Node step() {
    if (value == null) {
      return at;
    }
    Node next = at.after(value);
    if (next == null) {
      next = new Node();
      nodes++;
      at.values.add(value);
      at.next.add(next);
    }
    return next;
  }

  private static Object values(int[] words, Slate slate) {
    if (words.length == 1) {
      return slate.word(words[0]);
    }
    List<Long> values = new ArrayList<>(words.length);
    for (int word : words) {
      values.add(slate.word(word));
    }
    return values;
  }
}
