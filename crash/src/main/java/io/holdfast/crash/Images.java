// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * The images that a crash may leave, as layers over a base. A layer has words that are certain, and
 * above them units: stores of which a first part is there. A run that was crashed adds a layer; a
 * recovery of it that was crashed, another.
 */
final class Images {
  private final long[] base;
  private final List<Layer> layers;

  /**
   * What one run left.
   *
   * @param certain words that hold a value whatever is below
   * @param units what may be there over that; no word is in two of them
   */
  record Layer(Map<Integer, Long> certain, List<Unit> units) {}

  /**
   * Stores that become durable in order.
   *
   * @param stores the stores
   * @param least how many are there at least
   * @param most how many are there at most
   */
  @SuppressWarnings("ArrayRecordComponent") // not changed, and not compared
  record Unit(Trace.Store[] stores, int least, int most) {
    Unit within(int low, int high) {
      return new Unit(stores, low, high);
    }

    int choices() {
      return most - least + 1;
    }

    private void apply(long[] image, int count) {
      for (int i = 0; i < count; i++) {
        image[stores[i].word()] = stores[i].value();
      }
    }
  }

  Images(long[] base, List<Layer> layers) {
    this.base = base;
    this.layers = layers;
  }

  /** One image, which is certain. */
  static Images of(long[] image) {
    return new Images(image, List.of());
  }

  /** What all layers lie on. */
  long[] base() {
    return base;
  }

  List<Layer> layers() {
    return layers;
  }

  boolean isCertain() {
    return layers.stream().allMatch(layer -> layer.units.isEmpty());
  }

  /** These images with one layer more. */
  Images under(Layer layer) {
    if (layer.certain.isEmpty() && layer.units.isEmpty()) {
      return this;
    }
    List<Layer> more = new ArrayList<>(layers);
    more.add(layer);
    return new Images(base, List.copyOf(more));
  }

  /** The value of a word that is in no unit, or below all of them. */
  long floor(int word) {
    for (int i = layers.size() - 1; i >= 0; i--) {
      Long value = layers.get(i).certain.get(word);
      if (value != null) {
        return value;
      }
    }
    return word < base.length ? base[word] : 0;
  }

  /** The units of all layers, from the lowest. */
  List<Unit> units() {
    return layers.stream().flatMap(layer -> layer.units.stream()).toList();
  }

  /** How many images there are, or {@link Long#MAX_VALUE} if it is more. */
  long count() {
    long count = 1;
    for (Unit unit : units()) {
      if (count > Long.MAX_VALUE / unit.choices()) {
        return Long.MAX_VALUE;
      }
      count *= unit.choices();
    }
    return count;
  }

  /** The image that has so many stores more than the least of each unit. */
  long[] image(int[] taken) {
    long[] image = base.clone();
    int next = 0;
    for (Layer layer : layers) {
      layer.certain.forEach((word, value) -> image[word] = value);
      for (Unit unit : layer.units) {
        unit.apply(image, unit.least + taken[next++]);
      }
    }
    return image;
  }

  /**
   * Makes every image.
   *
   * @param consumer is given each
   */
  void forEach(Consumer<long[]> consumer) {
    List<Unit> units = units();
    int[] taken = new int[units.size()];
    while (true) {
      consumer.accept(image(taken));
      int i = 0;
      while (i < taken.length && taken[i] == units.get(i).choices() - 1) {
        taken[i++] = 0;
      }
      if (i == taken.length) {
        return;
      }
      taken[i]++;
    }
  }

  /**
   * Makes a sample of the images: the oldest, the newest, each unit alone old or new against these,
   * and random ones.
   *
   * @param random how many random ones
   * @param seed determines them
   * @param consumer is given each
   */
  void sample(int random, long seed, Consumer<long[]> consumer) {
    List<Unit> units = units();
    int[] oldest = new int[units.size()];
    int[] newest = units.stream().mapToInt(unit -> unit.choices() - 1).toArray();
    consumer.accept(image(oldest));
    consumer.accept(image(newest));
    for (int i = 0; i < newest.length; i++) {
      int[] deviant = oldest.clone();
      deviant[i] = newest[i];
      consumer.accept(image(deviant));
      deviant = newest.clone();
      deviant[i] = 0;
      consumer.accept(image(deviant));
    }
    SplittableRandom source = new SplittableRandom(seed);
    for (int k = 0; k < random; k++) {
      consumer.accept(image(Arrays.stream(newest).map(most -> source.nextInt(most + 1)).toArray()));
    }
  }
}
