// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * What happened to a medium: stores, fences and marks in order. It tells at which points a crash
 * has to be tried, and which images a crash there may leave.
 *
 * <p>The model is the contract of {@code PersistentRegion}: the unit is the aligned word; at a
 * crash each word holds, independently of all others, one of the values that it had since the last
 * fence that covered it. Points before each fence takes effect and at each mark are enough: between
 * two of these stores are only added and nothing becomes certain, so the images of an earlier
 * moment are among those of the next point.
 */
public final class Trace {
  private final Images start;
  private final Event[] events;

  private Trace(Images start, Event[] events) {
    this.start = start;
    this.events = events;
  }

  private sealed interface Event {}

  private record Store(int word, long value) implements Event {}

  /** Ranges of words, as pairs of the first and the one after the last. */
  private record Fence(int[] ranges) implements Event {}

  private record Mark(String name) implements Event {}

  /** Collects events for a medium. */
  static final class Recorder {
    private final List<Event> events = new ArrayList<>();

    void store(int word, long value) {
      events.add(new Store(word, value));
    }

    void fence(List<long[]> ranges) {
      events.add(
          new Fence(
              ranges.stream()
                  .flatMapToInt(range ->
                      IntStream.of(
                          (int) (range[0] & -64) / 8, (int) ((range[0] + range[1] + 63) & -64) / 8))
                  .toArray()));
    }

    void mark(String name) {
      events.add(new Mark(name));
    }

    Trace trace(Images start) {
      return new Trace(start, events.toArray(new Event[0]));
    }
  }

  /**
   * A moment at which a crash is tried.
   *
   * @param event how many events had happened
   * @param marks the marks among them, in order
   * @param cause what comes next: a fence, a mark, or the end
   */
  public record Point(int event, List<String> marks, String cause) {}

  /**
   * The moments at which a crash has to be tried.
   *
   * @return the points, in order; the last is the end of the trace
   */
  public List<Point> points() {
    List<Point> points = new ArrayList<>();
    List<String> marks = new ArrayList<>();
    int fences = 0;
    for (int i = 0; i < events.length; i++) {
      if (events[i] instanceof Fence) {
        points.add(new Point(i, List.copyOf(marks), "before fence " + ++fences));
      } else if (events[i] instanceof Mark mark) {
        points.add(new Point(i, List.copyOf(marks), "before " + mark.name));
        marks.add(mark.name);
      }
    }
    points.add(new Point(events.length, List.copyOf(marks), "at the end"));
    return points;
  }

  /**
   * How many fences there are.
   *
   * @return the number
   */
  public int fences() {
    return (int) Arrays.stream(events).filter(Fence.class::isInstance).count();
  }

  /**
   * The images that a crash at a point may leave.
   *
   * @param point one of {@link #points}
   * @return the images
   */
  public Images images(Point point) {
    TreeMap<Integer, Window> windows = new TreeMap<>();
    Map<Integer, Long> changes = new HashMap<>(start.changes);
    for (Choice choice : start.choices) {
      windows.put(choice.word, new Window(choice.values));
    }
    for (int i = 0; i < point.event; i++) {
      switch (events[i]) {
        case Store store ->
            windows
                .computeIfAbsent(store.word, word -> new Window(start.floor(word, changes)))
                .store(store.value);
        case Fence fence -> {
          for (int r = 0; r < fence.ranges.length; r += 2) {
            windows
                .subMap(fence.ranges[r], fence.ranges[r + 1])
                .entrySet()
                .removeIf(window -> {
                  if (window.getValue().stored) {
                    changes.put(window.getKey(), window.getValue().last());
                  }
                  return window.getValue().stored;
                });
          }
        }
        case Mark _ -> {}
      }
    }
    List<Choice> choices = new ArrayList<>();
    windows.forEach((word, window) -> {
      long[] values = window.distinct();
      changes.put(word, values[0]);
      if (values.length > 1) {
        choices.add(new Choice(word, values));
      }
    });
    return new Images(start.base, changes, choices);
  }

  /** The values that a word had since the last fence that covered it. */
  private static final class Window {
    private long[] values;
    private int count;
    private boolean stored;

    Window(long... values) {
      this.values = values;
      this.count = values.length;
    }

    void store(long value) {
      values = count == values.length || !stored ? Arrays.copyOf(values, 2 * count + 2) : values;
      values[count++] = value;
      stored = true;
    }

    long last() {
      return values[count - 1];
    }

    long[] distinct() {
      return stored ? Arrays.stream(values, 0, count).distinct().toArray() : values;
    }
  }

  /** A word that may hold any of some values, all different, the oldest first. */
  record Choice(int word, long[] values) {}

  /**
   * The images of one point: a floor, which is a base with some changes, and the words that may
   * hold something newer.
   */
  public static final class Images {
    private final long[] base;
    private final Map<Integer, Long> changes;
    private final List<Choice> choices;

    private Images(long[] base, Map<Integer, Long> changes, List<Choice> choices) {
      this.base = base;
      this.changes = changes;
      this.choices = choices;
    }

    /** One image, which is certain. */
    static Images of(long[] image) {
      return new Images(image, Map.of(), List.of());
    }

    /** These images, with some words decided and the others left. */
    Images with(Map<Integer, Long> decided, List<Choice> left) {
      Map<Integer, Long> more = new HashMap<>(changes);
      more.putAll(decided);
      return new Images(base, more, left);
    }

    /** What all images were made from. */
    long[] base() {
      return base;
    }

    /** Words in which the floor differs from the base. */
    Map<Integer, Long> changes() {
      return changes;
    }

    private long floor(int word, Map<Integer, Long> changed) {
      Long change = changed.get(word);
      return change != null ? change : word < base.length ? base[word] : 0;
    }

    /** The one image that has the oldest of all values. */
    long[] floor() {
      long[] floor = base.clone();
      changes.forEach((word, value) -> floor[word] = value);
      return floor;
    }

    /** The words of which an image may hold something newer. */
    List<Choice> choices() {
      return choices;
    }

    /**
     * How many images there are.
     *
     * @return the number, or {@link Long#MAX_VALUE} if it is larger
     */
    public long count() {
      long count = 1;
      for (Choice choice : choices) {
        if (count > Long.MAX_VALUE / choice.values.length) {
          return Long.MAX_VALUE;
        }
        count *= choice.values.length;
      }
      return count;
    }

    /**
     * Makes every image.
     *
     * @param consumer is given each; the array is used again for the next
     */
    public void forEach(Consumer<long[]> consumer) {
      long[] image = floor();
      int[] digits = new int[choices.size()];
      while (true) {
        consumer.accept(image);
        int i = 0;
        while (i < digits.length && digits[i] == choices.get(i).values.length - 1) {
          set(image, digits, i, 0);
          i++;
        }
        if (i == digits.length) {
          return;
        }
        set(image, digits, i, digits[i] + 1);
      }
    }

    private void set(long[] image, int[] digits, int i, int digit) {
      digits[i] = digit;
      image[choices.get(i).word] = choices.get(i).values[digit];
    }

    /**
     * Makes a sample of the images: the oldest, the newest, each word alone old or new against
     * these, and random ones.
     *
     * @param random how many random ones
     * @param seed determines them
     * @param consumer is given each; the array is used again for the next
     */
    public void sample(int random, long seed, Consumer<long[]> consumer) {
      long[] image = floor();
      consumer.accept(image);
      for (Choice choice : choices) {
        image[choice.word] = choice.values[choice.values.length - 1];
        consumer.accept(image);
        image[choice.word] = choice.values[0];
      }
      choices.forEach(choice -> image[choice.word] = choice.values[choice.values.length - 1]);
      consumer.accept(image);
      for (Choice choice : choices) {
        long newest = image[choice.word];
        image[choice.word] = choice.values[0];
        consumer.accept(image);
        image[choice.word] = newest;
      }
      SplittableRandom source = new SplittableRandom(seed);
      for (int i = 0; i < random; i++) {
        choices.forEach(
            choice -> image[choice.word] = choice.values[source.nextInt(choice.values.length)]);
        consumer.accept(image);
      }
    }
  }
}
