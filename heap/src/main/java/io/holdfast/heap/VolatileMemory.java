// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.Partitions;
import io.holdfast.flush.PersistentRegion;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Memory of another kind, as memory: a file or a device whose bytes are handed out for large caches
 * and the like, and taken back. For who has much of it that is slower and cheaper than the
 * machine's own: persistent memory or CXL memory by a DAX file or a device, huge pages by a file in
 * hugetlbfs.
 *
 * <p>Nothing is logged, nothing is durable, and what was in it is forgotten when it is closed. A
 * file that is {@linkplain #create created} for it has no name from then on, so that nothing is
 * left of it, however the process ends. On a file system with a disk below, the kernel writes to
 * that what the file holds, as of any file.
 *
 * <p>Segments begin where they are asked to, and hold anything at first. They can be used by all
 * threads, and until {@link #close}; an access after that throws. A segment that was freed must not
 * be used any more: nothing tells it from the next one in its place.
 *
 * <p>Thread-safe. A segment takes its size, rounded up to a multiple of 16 and by an eighth at
 * most; above 512 KiB to whole 64 KiB. What is free is divided into 64 KiB for one size and more,
 * and is of use for other sizes when all of such a range is free. What this keeps in the Java heap
 * is some bytes for each 64 KiB, and a bit for each segment.
 */
public final class VolatileMemory implements SegmentAllocator, AutoCloseable {
  private final PersistentRegion region;
  private final VolatileSpace space;
  private final long base;

  private VolatileMemory(PersistentRegion region, long base) {
    this.region = region;
    this.base = base;
    this.space = new VolatileSpace(base, region.size());
  }

  /** There is no room for a segment of the size that was asked for. */
  public static final class Exhausted extends HoldfastException {
    private static final long serialVersionUID = 1L;
    private final long asked;
    private final long largestFree;

    Exhausted(long asked, long alignment, long largestFree, String medium) {
      super(
          "the memory is used up (%s): asked=%d bytes, alignment=%d, largest free=%d bytes: free something, or make it larger"
              .formatted(medium, asked, alignment, largestFree));
      this.asked = asked;
      this.largestFree = largestFree;
    }

    /**
     * What was wanted.
     *
     * @return bytes
     */
    public long asked() {
      return asked;
    }

    /**
     * The longest range that nobody has.
     *
     * @return bytes
     */
    public long largestFree() {
      return largestFree;
    }
  }

  /**
   * Creates a file for it, takes all of its blocks, and takes its name away.
   *
   * @param file a path at which there is nothing
   * @param bytes how much, at least 128 KiB
   * @return the memory, to be closed
   * @throws IllegalArgumentException if it is less
   * @throws HoldfastException.FileUnusable if the path exists, or a file cannot be made there
   * @throws HoldfastException.NoSpace if the file system has not that much room; no file is left
   */
  public static VolatileMemory create(Path file, long bytes) {
    checkSize(bytes);
    PersistentRegion region = PersistentRegion.create(file, bytes);
    try {
      Files.delete(file);
      return over(region);
    } catch (IOException e) {
      region.close();
      throw new HoldfastException(
          "the name of %s cannot be taken away, and the file stays: remove it".formatted(file), e);
    } catch (RuntimeException e) {
      region.close();
      throw e;
    }
  }

  /**
   * Takes all of a region, whatever it holds, and closes it in the end: for a device, or a part of
   * one.
   *
   * @param region the region, which nobody else uses
   * @return the memory, to be closed
   * @throws IllegalArgumentException if it is smaller than 128 KiB, holds a pool or partitions, or
   *     is a watched one that has no memory to lend; it is left as it was, and open
   */
  public static VolatileMemory over(PersistentRegion region) {
    checkSize(region.size());
    if (PoolHeader.isThere(region) || Partitions.isDivided(region)) {
      throw new IllegalArgumentException(
          "a pool or partitions are in the region, and would be overwritten (%s): delete them first"
              .formatted(region.describe()));
    }
    MemorySegment all = region.writable(0, region.size());
    if (!all.isNative()) {
      throw new IllegalArgumentException(
          "the region has no memory to lend (%s)".formatted(region.describe()));
    }
    return new VolatileMemory(region, all.address());
  }

  private static void checkSize(long bytes) {
    if (bytes < VolatileSpace.LEAST_BYTES) {
      throw new IllegalArgumentException(
          "at least %d bytes: bytes=%d".formatted(VolatileSpace.LEAST_BYTES, bytes));
    }
  }

  /**
   * Takes a segment, whose contents may be anything.
   *
   * @param bytes its size, 0 or more
   * @param alignment of which power of two its address is a multiple; all are of 16
   * @return the segment, until it is freed or this is closed
   * @throws IllegalArgumentException if the size is negative, or the alignment no power of two
   * @throws Exhausted if there is no room for it
   * @throws HoldfastException.RegionClosed after a close
   */
  @Override
  public MemorySegment allocate(long bytes, long alignment) {
    if (bytes < 0 || alignment < 1 || Long.bitCount(alignment) != 1) {
      throw new IllegalArgumentException(
          "a size of 0 or more, and a power of two: bytes=%d, alignment=%d"
              .formatted(bytes, alignment));
    }
    long offset = space.take(Math.max(1, bytes), alignment);
    if (offset < 0) {
      throw new Exhausted(bytes, alignment, space.largestFree(), region.describe());
    }
    boolean given = false;
    try {
      MemorySegment segment = region.writable(offset, bytes);
      given = true;
      return segment;
    } finally {
      if (!given) {
        space.give(offset);
      }
    }
  }

  /**
   * Takes a segment back. It must not be used any more.
   *
   * @param segment what {@code allocate} returned, or a part of it from its beginning
   * @throws IllegalArgumentException if it is none of this memory's, or was freed before
   * @throws HoldfastException.RegionClosed after a close
   */
  public void free(MemorySegment segment) {
    MemorySegment all = region.view(0, region.size());
    long offset = segment.address() - base;
    boolean mine = segment.scope().equals(all.scope()) && offset >= 0 && offset < region.size();
    if (!mine || !space.give(offset)) {
      throw new IllegalArgumentException("no segment of this memory, or freed before: " + segment);
    }
  }

  /**
   * How much there is.
   *
   * @return bytes
   */
  public long size() {
    return region.size();
  }

  /**
   * How much is taken by segments, with what their sizes are rounded up.
   *
   * @return bytes, as of now
   */
  public long used() {
    return space.used();
  }

  /**
   * The longest range that nobody has: a segment of that size and no special alignment can be had.
   *
   * @return bytes, as of now
   */
  public long largestFree() {
    return space.largestFree();
  }

  /**
   * Ends all segments, and gives file or device back. Other threads may be at work: an access of
   * theirs throws, or has been made. Closing twice does nothing.
   */
  @Override
  public void close() {
    region.close();
  }

  @Override
  public String toString() {
    return "VolatileMemory[size=%d, used=%d, %s]".formatted(size(), used(), region.describe());
  }
}
