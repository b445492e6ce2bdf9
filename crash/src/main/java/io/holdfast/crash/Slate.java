// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;

/**
 * Memory on which many runs write one after the other, each from images of its own, so that a run
 * costs what it touches and not what there is. All its images have the same base.
 */
final class Slate {
  private final long[] base;
  private final long[] words;
  private final MemorySegment memory;
  private final boolean[] isTouched;
  private int[] touched = new int[64];
  private int count;

  // What each word may hold; null where that is certain, or was settled by a read or a store.
  private final Trace.Choice[] open;
  private final Trace.Choice[] neverRead;

  Slate(long[] base) {
    this.base = base;
    this.words = base.clone();
    this.memory = MemorySegment.ofArray(words);
    this.isTouched = new boolean[base.length];
    this.open = new Trace.Choice[base.length];
    this.neverRead = new Trace.Choice[base.length];
  }

  /** Wipes what was written, and writes the floor of some images. */
  void begin(Trace.Images images) {
    for (int i = 0; i < count; i++) {
      int word = touched[i];
      words[word] = base[word];
      isTouched[word] = false;
      open[word] = null;
      neverRead[word] = null;
    }
    count = 0;
    for (Map.Entry<Integer, Long> change : images.changes().entrySet()) {
      touch(change.getKey());
      words[change.getKey()] = change.getValue();
    }
    for (Trace.Choice choice : images.choices()) {
      touch(choice.word());
      open[choice.word()] = choice;
      neverRead[choice.word()] = choice;
    }
  }

  /** Notes that a word is about to be changed. */
  void touch(int word) {
    if (!isTouched[word]) {
      isTouched[word] = true;
      if (count == touched.length) {
        touched = Arrays.copyOf(touched, 2 * count);
      }
      touched[count++] = word;
    }
  }

  int size() {
    return words.length;
  }

  long word(int word) {
    return words[word];
  }

  long[] copy(int first, int end) {
    return Arrays.copyOfRange(words, first, end);
  }

  MemorySegment memory() {
    return memory;
  }

  /** What a word may hold, if that is not certain; else null. */
  Trace.Choice open(int word) {
    return open[word];
  }

  boolean wasNeverRead(int word) {
    return neverRead[word] != null;
  }

  void decide(int word, long value) {
    words[word] = value;
    open[word] = null;
    neverRead[word] = null;
  }

  /** A word is certain, since all of it is being stored. */
  void settle(int word) {
    open[word] = null;
  }
}
