// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.holdfast.crash.Tried;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

/**
 * Images that somebody made on purpose. Each is refused by a type and left as it is, or opened; and
 * then what a program does with it ends, by itself or by a type, soon and in bounded memory.
 *
 * <p>{@code holdfast.hostile.images} says how many, {@code holdfast.hostile.first} the number of
 * the first, so that one can be had again.
 */
@Timeout(value = 3600, threadMode = ThreadMode.SEPARATE_THREAD)
class HostileImagesTest {
  private static final int IMAGES = Integer.getInteger("holdfast.hostile.images", 20_000);
  private static final long FIRST = Long.getLong("holdfast.hostile.first", 1);
  private static final long MOST_NANOS = 2_000_000_000L;
  private static final long MOST_BYTES = 64L << 20;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final PersistentRegion region =
      PersistentRegion.over(Medium.inMemory(HostileImages.SIZE));
  private final Map<String, Integer> outcomes = new TreeMap<>();

  @AfterEach
  void close() {
    region.close();
  }

  @Test
  void images_refusedUnchangedOrOfUse() {
    HostileImages images = new HostileImages();
    for (long number = FIRST; number < FIRST + IMAGES; number++) {
      HostileImages.Hostile hostile = images.image(number);
      long bytes = THREADS.getCurrentThreadAllocatedBytes();
      long nanos = THREADS.getCurrentThreadCpuTime();
      try {
        outcomes.merge(outcome(hostile), 1, Integer::sum);
      } catch (RuntimeException | Error e) {
        throw new AssertionError(hostile.how(), e);
      }
      bytes = THREADS.getCurrentThreadAllocatedBytes() - bytes;
      nanos = THREADS.getCurrentThreadCpuTime() - nanos;
      assertTrue(nanos < MOST_NANOS, hostile.how() + " took ns=" + nanos);
      assertTrue(bytes < MOST_BYTES, hostile.how() + " took bytes=" + bytes);
    }
    Tried.say("hostile images", outcomes.toString());
    if (IMAGES >= 1000) {
      assertTrue(outcomes.size() > 6, outcomes::toString);
    }
  }

  /** Opens it and uses it; returns what became of it, in a word or two. */
  private String outcome(HostileImages.Hostile hostile) {
    region.copyIn(0, MemorySegment.ofArray(hostile.image()));
    Pool pool;
    try {
      pool = Pool.open(region, SamplePool.LAYOUT);
    } catch (HoldfastException e) {
      assertEquals(
          -1, Arrays.mismatch(hostile.image(), SamplePool.words(region)), "changed by a refusal");
      assertTrue(e.getMessage().length() > 20, e.toString());
      return e instanceof HoldfastException.Corrupt corrupt
          ? "refused, " + corrupt.field()
          : "refused, " + e.getClass().getSimpleName();
    }
    boolean clean = pool.check().isClean();
    int refused = SamplePool.useSome(pool);
    pool.close();
    return (clean ? "clean" : "not clean") + (refused > 0 ? ", some of it refused" : ", of use");
  }
}
