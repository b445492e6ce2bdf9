// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.PersistentRegion;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * Tries every image that a crash may leave: at each point of a program's trace, and, nested, at
 * each point of the recovery of each of these.
 *
 * <p>Complete where it can be, and said so where not: a point with more images than the limit is
 * sampled, and counted in {@link Report#sampledPoints}. Equal images with equal marks are tried
 * once.
 */
public final class BruteForce {
  private static final int SAMPLES = 2000;

  private final CrashModel model;
  private final int depth;
  private final long limit;
  private final Recovery recovery;
  private final Map<Key, Object> outcomes = new HashMap<>();
  private long points;
  private long images;
  private long nestedImages;
  private long sampledPoints;

  /** Opens what a crash left, and says what is there. */
  public interface Recovery {
    /**
     * Recovers a region and observes it. Must be deterministic.
     *
     * @param region the region as the crash left it
     * @param marks the marks that had been made before the crash
     * @return the observed contents, with {@code equals}
     * @throws AssertionError if they are not what they may be
     */
    Object recover(PersistentRegion region, List<String> marks);
  }

  /**
   * What was tried.
   *
   * @param points crash points of the program
   * @param images different images at these points
   * @param nestedImages different images inside their recoveries
   * @param sampledPoints points, nested ones included, that had more images than were tried
   */
  public record Report(long points, long images, long nestedImages, long sampledPoints) {}

  /** An image is known by 128 bits of hash: to keep them all would take gigabytes. */
  private record Key(long first, long second, List<String> marks) {
    static Key of(long[] image, List<String> marks) {
      long first = 0;
      long second = 0x9E3779B97F4A7C15L;
      for (long word : image) {
        first = (first ^ word) * 0xE7037ED1A0B428DBL;
        first ^= first >>> 32;
        second = (second + word) * 0x8EBC6AF09C88C6E3L;
        second ^= second >>> 29;
      }
      return new Key(first, second, marks);
    }
  }

  private BruteForce(CrashModel model, int depth, long limit, Recovery recovery) {
    this.model = model;
    this.depth = depth;
    this.limit = limit;
    this.recovery = recovery;
  }

  /**
   * Runs a program on a traced medium and tries all its crashes.
   *
   * @param start the image on which the program starts
   * @param model which images a crash may leave
   * @param depth how often a recovery may be crashed in its turn
   * @param limit how many images of one point are tried before they are sampled
   * @param program what to run; it marks the medium when it begins and acknowledges something
   * @param recovery opens an image and judges it
   * @return what was tried
   * @throws AssertionError if a recovery fails, or a recovery that was crashed ends otherwise than
   *     the one that was not
   */
  public static Report run(
      long[] start,
      CrashModel model,
      int depth,
      long limit,
      Consumer<TracingMedium> program,
      Recovery recovery) {
    BruteForce force = new BruteForce(model, depth, limit, recovery);
    TracingMedium medium = new TracingMedium(start, model.granularity());
    program.accept(medium);
    force.explore(medium.trace(), 0, null, null);
    return new Report(force.points, force.images, force.nestedImages, force.sampledPoints);
  }

  private void explore(Trace trace, int level, List<String> marks, Object expected) {
    for (Trace.Point point : trace.points()) {
      Images set = trace.images(point, model);
      List<String> known = marks == null ? point.marks() : marks;
      Consumer<long[]> each = image -> tryImage(image, known, level, expected, point);
      if (level == 0) {
        points++;
      }
      if (set.count() <= limit) {
        set.forEach(each);
      } else {
        sampledPoints++;
        set.sample(SAMPLES, point.event() + 31L * level, each);
      }
    }
  }

  private void tryImage(
      long[] image, List<String> marks, int level, Object expected, Trace.Point point) {
    Key key = Key.of(image, marks);
    Object outcome = outcomes.get(key);
    if (outcome == null) {
      outcome = recover(image, marks, level, point);
      outcomes.put(key, outcome);
    }
    if (expected != null && !Objects.equals(expected, outcome)) {
      throw new AssertionError(
          "a recovery that was crashed %s ends with %s, one that was not with %s"
              .formatted(point.cause(), outcome, expected));
    }
  }

  private Object recover(long[] image, List<String> marks, int level, Trace.Point point) {
    if (level == 0) {
      images++;
    } else {
      nestedImages++;
    }
    TracingMedium medium = new TracingMedium(image.clone(), model.granularity());
    Object outcome;
    try {
      outcome = recovery.recover(medium.region(), marks);
    } catch (RuntimeException | Error e) {
      throw new AssertionError(
          "a crash %s, after %s, is not recovered: %s"
              .formatted((level == 0 ? "" : "in recovery ") + point.cause(), marks, e),
          e);
    }
    if (level < depth) {
      explore(medium.trace(), level + 1, marks, outcome);
    }
    return outcome;
  }
}
