// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;

/**
 * Who has which part of a range of memory: the sizes and runs of {@link SizeClasses}, with nothing
 * in the memory itself. It is the allocator of a pool without all that makes that one persistent.
 *
 * <p>Chunks of 64 KiB, which begin at addresses that are multiples of that. A run is some chunks
 * for blocks of one class. Chunks that nobody has are ranges, and neighbours are one range; what is
 * larger than the largest class is a range of its own, the shortest that is long enough. Of each
 * class one empty run is kept, unless there is no room otherwise.
 *
 * <p><b>Alignment.</b> A size that is a multiple of a power of two up to 64 KiB is rounded up to a
 * class that is one as well: the distance of classes is an eighth of their doubling's start, so
 * either it is a multiple of the power, or the size itself is a class. Blocks follow each other
 * from the beginning of a chunk. So to align is to round the size up first.
 *
 * <p>Locks: one shelf, then the ranges.
 */
final class VolatileSpace {
  static final int CHUNK_BYTES = PoolLayout.CHUNK_BYTES;

  /** So many that one whole chunk is in it, wherever it begins. */
  static final int LEAST_BYTES = 2 * CHUNK_BYTES;

  private final long start;
  private final long firstAddress;
  private final Shelf[] shelves = new Shelf[SizeClasses.COUNT];
  private final Ranges ranges = new Ranges();
  private final LongAdder used = new LongAdder();

  /** By first chunk and, for runs, by each of their chunks. */
  private final AtomicReferenceArray<Run> runs;

  /** Chunks that are blocks of one class, or one block. */
  private static final class Run {
    private final int chunk;
    private final int chunks;
    private final int sizeClass;
    private final int count;
    private final BitSet taken;
    private int free;
    private int firstFree;
    private boolean listed;

    Run(int chunk, int chunks, int sizeClass) {
      this.chunk = chunk;
      this.chunks = chunks;
      this.sizeClass = sizeClass;
      this.count =
          sizeClass == SizeClasses.HUGE ? 1 : chunks * CHUNK_BYTES / SizeClasses.size(sizeClass);
      this.taken = new BitSet(count);
      this.free = count;
    }

    long blockBytes() {
      return sizeClass == SizeClasses.HUGE
          ? (long) chunks * CHUNK_BYTES
          : SizeClasses.size(sizeClass);
    }

    int take() {
      int index = taken.nextClearBit(firstFree);
      taken.set(index);
      firstFree = index + 1;
      free--;
      return index;
    }

    boolean give(int index) {
      if (index >= count || !taken.get(index)) {
        return false;
      }
      taken.clear(index);
      firstFree = Math.min(firstFree, index);
      free++;
      return true;
    }
  }

  /** The runs of a class that have free blocks. Guards them. */
  private static final class Shelf {
    private final ArrayDeque<Run> available = new ArrayDeque<>();
    private int emptyRuns;

    void list(Run run) {
      if (!run.listed) {
        run.listed = true;
        available.addLast(run);
      }
    }

    Run first() {
      while (!available.isEmpty() && available.peekFirst().free == 0) {
        available.removeFirst().listed = false;
      }
      return available.peekFirst();
    }
  }

  /** Ranges of chunks that nobody has, by their first chunk and by their length. */
  private static final class Ranges {
    private final TreeMap<Integer, Integer> byStart = new TreeMap<>();
    private final TreeMap<Integer, TreeSet<Integer>> byLength = new TreeMap<>();

    /**
     * Takes chunks from the shortest range that is long enough.
     *
     * @param phase which chunk number is a multiple of {@code every}
     * @return the first chunk, or -1
     */
    synchronized int take(int count, long every, long phase) {
      long most = count + every - 1;
      if (most > Integer.MAX_VALUE) {
        return -1;
      }
      Map.Entry<Integer, TreeSet<Integer>> fitting = byLength.ceilingEntry((int) most);
      if (fitting == null) {
        return every == 1 ? -1 : takeTight(count, every, phase);
      }
      return takeFrom(fitting.getValue().first(), count, every, phase);
    }

    /** No range is long enough wherever it begins; one may begin well. */
    private int takeTight(int count, long every, long phase) {
      for (Map.Entry<Integer, Integer> range : byStart.entrySet()) {
        if (aligned(range.getKey(), every, phase) + count <= range.getKey() + range.getValue()) {
          return takeFrom(range.getKey(), count, every, phase);
        }
      }
      return -1;
    }

    private static long aligned(int chunk, long every, long phase) {
      return chunk + Math.floorMod(phase - chunk, every);
    }

    private int takeFrom(int start, int count, long every, long phase) {
      int end = start + byStart.get(start);
      int first = (int) aligned(start, every, phase);
      remove(start);
      put(start, first - start);
      put(first + count, end - first - count);
      return first;
    }

    synchronized void give(int chunk, int count) {
      int start = chunk;
      int end = chunk + count;
      Map.Entry<Integer, Integer> before = byStart.lowerEntry(chunk);
      if (before != null && before.getKey() + before.getValue() == chunk) {
        start = before.getKey();
        remove(start);
      }
      Integer after = byStart.get(end);
      if (after != null) {
        remove(end);
        end += after;
      }
      put(start, end - start);
    }

    private void put(int start, int length) {
      if (length > 0) {
        byStart.put(start, length);
        byLength.computeIfAbsent(length, _ -> new TreeSet<>()).add(start);
      }
    }

    private void remove(int start) {
      int length = byStart.remove(start);
      TreeSet<Integer> starts = byLength.get(length);
      starts.remove(start);
      if (starts.isEmpty()) {
        byLength.remove(length);
      }
    }

    synchronized int longest() {
      return byLength.isEmpty() ? 0 : byLength.lastKey();
    }
  }

  /**
   * @param base the address of the memory
   * @param bytes how much there is
   */
  VolatileSpace(long base, long bytes) {
    this.start = Math.floorMod(-base, (long) CHUNK_BYTES);
    this.firstAddress = base + start;
    int chunks = (int) Math.min(Integer.MAX_VALUE / 2, (bytes - start) / CHUNK_BYTES);
    this.runs = new AtomicReferenceArray<>(chunks);
    Arrays.setAll(shelves, i -> new Shelf());
    ranges.give(0, chunks);
  }

  /** Takes at least so many bytes; returns their offset, or -1 if there is no room. */
  long take(long bytes, long alignment) {
    if (bytes > runs.length() * (long) CHUNK_BYTES) {
      return -1;
    }
    if (alignment > CHUNK_BYTES) {
      return takeHuge(bytes, alignment);
    }
    long rounded = bytes + alignment - 1 & -alignment;
    int sizeClass = SizeClasses.of(rounded);
    if (sizeClass == SizeClasses.HUGE) {
      return takeHuge(bytes, 1);
    }
    long offset = takeBlock(sizeClass);
    if (offset < 0) {
      releaseEmptyRuns();
      offset = takeBlock(sizeClass);
    }
    return offset >= 0 ? offset : takeHuge(bytes, 1);
  }

  private long offset(Run run, int index) {
    used.add(run.blockBytes());
    return start + (long) run.chunk * CHUNK_BYTES + index * run.blockBytes();
  }

  private long takeBlock(int sizeClass) {
    Shelf shelf = shelves[sizeClass];
    synchronized (shelf) {
      Run run = shelf.first();
      if (run == null) {
        int chunks = SizeClasses.runChunks(sizeClass);
        int chunk = ranges.take(chunks, 1, 0);
        if (chunk < 0) {
          return -1;
        }
        run = new Run(chunk, chunks, sizeClass);
        setRuns(run, run);
        shelf.list(run);
      } else if (run.free == run.count) {
        shelf.emptyRuns--;
      }
      return offset(run, run.take());
    }
  }

  private long takeHuge(long bytes, long alignment) {
    int chunks = Math.toIntExact(Math.ceilDiv(bytes, CHUNK_BYTES));
    int chunk = takeChunks(chunks, alignment);
    if (chunk < 0) {
      releaseEmptyRuns();
      chunk = takeChunks(chunks, alignment);
    }
    if (chunk < 0) {
      return -1;
    }
    Run run = new Run(chunk, chunks, SizeClasses.HUGE);
    run.take();
    runs.set(chunk, run);
    return offset(run, 0);
  }

  private int takeChunks(int chunks, long alignment) {
    long every = Math.max(1, alignment / CHUNK_BYTES);
    return ranges.take(chunks, every, Math.floorMod(-firstAddress / CHUNK_BYTES, every));
  }

  private void setRuns(Run run, Run value) {
    for (int chunk = run.chunk; chunk < run.chunk + run.chunks; chunk++) {
      runs.set(chunk, value);
    }
  }

  /** Gives back what begins at an offset; false if nothing does. */
  boolean give(long offset) {
    long from = offset - start;
    int chunk = (int) (from / CHUNK_BYTES);
    Run run = from < 0 || chunk >= runs.length() ? null : runs.get(chunk);
    if (run == null) {
      return false;
    }
    return run.sizeClass == SizeClasses.HUGE ? giveHuge(run, from) : giveBlock(run, from);
  }

  private boolean giveHuge(Run run, long from) {
    if (from != (long) run.chunk * CHUNK_BYTES || !runs.compareAndSet(run.chunk, run, null)) {
      return false;
    }
    used.add(-run.blockBytes());
    ranges.give(run.chunk, run.chunks);
    return true;
  }

  private boolean giveBlock(Run run, long from) {
    long inRun = from - (long) run.chunk * CHUNK_BYTES;
    Shelf shelf = shelves[run.sizeClass];
    synchronized (shelf) {
      boolean whole = inRun % run.blockBytes() == 0 && runs.get(run.chunk) == run;
      if (!whole || !run.give((int) (inRun / run.blockBytes()))) {
        return false;
      }
      used.add(-run.blockBytes());
      shelf.list(run);
      if (run.free == run.count && ++shelf.emptyRuns > 1) {
        shelf.available.remove(run);
        release(shelf, run);
      }
      return true;
    }
  }

  private void release(Shelf shelf, Run run) {
    shelf.emptyRuns--;
    setRuns(run, null);
    ranges.give(run.chunk, run.chunks);
  }

  private void releaseEmptyRuns() {
    for (Shelf shelf : shelves) {
      synchronized (shelf) {
        shelf.available.removeIf(run -> {
          boolean empty = run.free == run.count;
          if (empty) {
            release(shelf, run);
          }
          return empty;
        });
      }
    }
  }

  long used() {
    return used.sum();
  }

  long largestFree() {
    return ranges.longest() * (long) CHUNK_BYTES;
  }
}
