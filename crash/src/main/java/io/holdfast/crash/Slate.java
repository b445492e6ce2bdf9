// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Memory on which many runs write one after the other, each from images of its own, so that a run
 * costs what it touches and not what there is. All its images have the same base.
 *
 * <p>Which of the images it is, is decided word by word, when a word is read: so much of a unit is
 * there as gives the word the chosen value, and the choice is narrower for the unit's other words.
 */
final class Slate {
  /** A read of more uncertain words than this is tried in some combinations instead of all. */
  private static final int MOST_WORDS_ONE_BY_ONE = 8;

  private final long[] base;
  private final long[] words;
  private final MemorySegment memory;
  private final boolean[] isTouched;
  private int[] touched = new int[64];
  private int count;

  // Of the words that differ between runs, those that this run has read or stored.
  private final boolean[] isKnown;
  private int[] known = new int[64];
  private int knownCount;

  private Images images;
  private final List<List<State>> states = new ArrayList<>();
  private boolean isNarrowed;

  // What each word may hold; null where that is certain, or was settled by a read or a store.
  private final Uncertain[] open;

  /** Decides what an uncertain word holds, when it is read for the first time. */
  interface Chooser {
    /** One of {@code count} possibilities, from 0, the oldest. */
    int choose(int count);
  }

  /** How much of a unit may be there after what was read. */
  private static final class State {
    private final Images.Unit unit;
    private int least;
    private int most;

    State(Images.Unit unit) {
      this.unit = unit;
      this.least = unit.least();
      this.most = unit.most();
    }
  }

  /** A word of a unit, and what is there if none of the unit's stores to it is. */
  private record Uncertain(State state, Uncertain below, long floor) {}

  Slate(long[] base) {
    this.base = base;
    this.words = base.clone();
    this.memory = MemorySegment.ofArray(words);
    this.isTouched = new boolean[base.length];
    this.isKnown = new boolean[base.length];
    this.open = new Uncertain[base.length];
  }

  /** Wipes what was written, and begins with some images. */
  void begin(Images next) {
    for (int i = 0; i < count; i++) {
      int word = touched[i];
      words[word] = base[word];
      isTouched[word] = false;
      open[word] = null;
    }
    count = 0;
    for (int i = 0; i < knownCount; i++) {
      isKnown[known[i]] = false;
    }
    knownCount = 0;
    images = next;
    isNarrowed = false;
    states.clear();
    for (Images.Layer layer : next.layers()) {
      begin(layer);
    }
  }

  private void begin(Images.Layer layer) {
    for (Map.Entry<Integer, Long> certain : layer.certain().entrySet()) {
      touch(certain.getKey());
      words[certain.getKey()] = certain.getValue();
      open[certain.getKey()] = null;
    }
    List<State> ofLayer = new ArrayList<>(layer.units().size());
    for (Images.Unit unit : layer.units()) {
      State state = new State(unit);
      ofLayer.add(state);
      for (int i = 0; i < unit.most(); i++) {
        int word = unit.stores()[i].word();
        if (open[word] == null || open[word].state != state) {
          touch(word);
          open[word] = new Uncertain(state, open[word], words[word]);
        }
      }
    }
    states.add(ofLayer);
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

  /** Calls with each word of the images that may be other than in the base. */
  void forEachTouched(IntConsumer consumer) {
    for (int i = 0; i < count; i++) {
      consumer.accept(touched[i]);
    }
  }

  /** Notes that a word is read or stored; whether it was for the first time in this run. */
  boolean learn(int word) {
    if (isKnown[word]) {
      return false;
    }
    isKnown[word] = true;
    if (knownCount == known.length) {
      known = Arrays.copyOf(known, 2 * knownCount);
    }
    known[knownCount++] = word;
    return true;
  }

  int size() {
    return words.length;
  }

  long word(int word) {
    return words[word];
  }

  /** Those words of a range that are to be decided when they are read. */
  int[] open(int first, int end) {
    return IntStream.range(first, end).filter(word -> open[word] != null).toArray();
  }

  long[] copy(int first, int end) {
    return Arrays.copyOfRange(words, first, end);
  }

  MemorySegment memory() {
    return memory;
  }

  /** A word is certain, since all of it is being stored. */
  void settle(int word) {
    open[word] = null;
  }

  /**
   * Decides what some words hold that are read at once.
   *
   * <p>More than a few: what is read so is believed after a checksum, or not at all. It is tried
   * all old, all new, and with each word alone deviating from these, which is what a checksum that
   * leaves something out, or a reader that has none, would not notice.
   *
   * @return whether they were more than a few
   */
  boolean decideAll(int[] read, Chooser chooser) {
    int uncertain = 0;
    for (int word : read) {
      uncertain += open[word] != null ? 1 : 0;
    }
    if (uncertain <= MOST_WORDS_ONE_BY_ONE) {
      for (int word : read) {
        if (open[word] != null) {
          decide(word, chooser);
        }
      }
      return false;
    }
    int choice = chooser.choose(2 * uncertain + 2);
    boolean mostlyNew = choice % 2 == 1;
    int deviant = choice / 2 - 1;
    int index = 0;
    for (int word : read) {
      if (open[word] != null) {
        boolean newest = mostlyNew ^ index++ == deviant;
        decide(word, many -> newest ? many - 1 : 0);
      }
    }
    return true;
  }

  /** Decides what a word holds. */
  private void decide(int word, Chooser chooser) {
    Uncertain at = open[word];
    open[word] = null;
    while (at != null) {
      State state = at.state;
      List<int[]> runs = runs(state, word);
      int chosen = runs.size() == 1 ? 0 : chooser.choose(runs.size());
      int[] run = runs.get(chosen);
      if (run[0] != state.least || run[1] != state.most) {
        state.least = run[0];
        state.most = run[1];
        isNarrowed = true;
      }
      if (run[2] >= 0) {
        words[word] = state.unit.stores()[run[2]].value();
        return;
      }
      words[word] = at.floor;
      at = at.below;
    }
  }

  /**
   * The parts of a unit that may be there, gathered by the store that gives a word its value: from,
   * to, and that store, or -1 for none.
   */
  private static List<int[]> runs(State state, int word) {
    List<int[]> runs = new ArrayList<>(2);
    int last = -1;
    int from = state.least;
    for (int i = 0; i < state.most; i++) {
      if (state.unit.stores()[i].word() == word) {
        if (i >= state.least) {
          runs.add(new int[] {from, i, last});
          from = i + 1;
        }
        last = i;
      }
    }
    runs.add(new int[] {from, state.most, last});
    return runs;
  }

  /** The images on which this run can have started, after what was read. */
  Images narrowed() {
    if (!isNarrowed) {
      return images;
    }
    List<Images.Layer> layers = new ArrayList<>();
    for (int i = 0; i < states.size(); i++) {
      layers.add(narrowed(images.layers().get(i), states.get(i)));
    }
    return new Images(base, layers);
  }

  private static Images.Layer narrowed(Images.Layer layer, List<State> ofLayer) {
    Map<Integer, Long> certain = new HashMap<>(layer.certain());
    List<Images.Unit> units = new ArrayList<>();
    for (State state : ofLayer) {
      if (state.least < state.most) {
        units.add(state.unit.within(state.least, state.most));
      } else {
        for (int i = 0; i < state.most; i++) {
          certain.put(state.unit.stores()[i].word(), state.unit.stores()[i].value());
        }
      }
    }
    return new Images.Layer(certain, units);
  }

  /** Of each unit, from the lowest layer, how much may be there at most after what was read. */
  int[] most() {
    return states.stream().flatMap(List::stream).mapToInt(state -> state.most).toArray();
  }
}
