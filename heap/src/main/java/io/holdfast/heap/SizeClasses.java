// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import java.util.Arrays;

/**
 * The sizes in which blocks come, and the runs that they come from.
 *
 * <p>Up to 128 bytes every multiple of 16, then eight sizes to each doubling, up to 512 KiB; above
 * that whole chunks. So from 128 bytes on a block is larger than what was asked by less than 12.5
 * %: the distance of two sizes is an eighth of the doubling's start, and a chunk is an eighth of
 * 512 KiB.
 *
 * <p>A run has so many chunks that what is left over at its end is at most 1/16 of it. Up to 64
 * blocks their bitmap is in the chunk table, and blocks begin at the chunk, so that sizes which are
 * powers of two are aligned to themselves; more blocks have it in front of them, in whole lines.
 */
final class SizeClasses {
  /** The least and the unit of sizes, in bytes. */
  static final int GRAIN = 16;

  /** The largest size that comes from a run. */
  static final int LARGEST = 512 << 10;

  /** The class of a span that is one block. */
  static final int HUGE = 255;

  /** How many classes there are, {@link #HUGE} apart. */
  static final int COUNT;

  private static final int FINE = 128;
  private static final int STEPS = 8;
  private static final int INLINE_BLOCKS = 64;
  private static final int LINE = 64;
  private static final int[] SIZES;
  private static final int[] RUN_CHUNKS;
  private static final int[] BLOCKS;

  static {
    int[] sizes = new int[HUGE];
    int count = 0;
    for (int size = GRAIN; size <= FINE; size += GRAIN) {
      sizes[count++] = size;
    }
    for (int start = FINE; start < LARGEST; start *= 2) {
      for (int step = 1; step <= STEPS; step++) {
        sizes[count++] = start + start / STEPS * step;
      }
    }
    COUNT = count;
    SIZES = Arrays.copyOf(sizes, count);
    RUN_CHUNKS = new int[count];
    BLOCKS = new int[count];
    for (int i = 0; i < count; i++) {
      int chunks = 1;
      while (leftOver(SIZES[i], chunks) * 16 > chunks * PoolLayout.CHUNK_BYTES) {
        chunks++;
      }
      RUN_CHUNKS[i] = chunks;
      BLOCKS[i] = blocks(SIZES[i], chunks);
    }
  }

  private SizeClasses() {}

  private static int leftOver(int size, int chunks) {
    return chunks * PoolLayout.CHUNK_BYTES - blocks(size, chunks) * size;
  }

  private static int blocks(int size, int chunks) {
    int bytes = chunks * PoolLayout.CHUNK_BYTES;
    int count = bytes / size;
    while (count > INLINE_BLOCKS && bitmapBytesFor(count) + count * size > bytes) {
      count--;
    }
    return count;
  }

  private static int bitmapBytesFor(int count) {
    return count <= INLINE_BLOCKS ? 0 : Math.ceilDiv(count, 8 * LINE) * LINE;
  }

  /** The class for a number of bytes, which is at least 1; {@link #HUGE} above the largest. */
  static int of(long bytes) {
    if (bytes > LARGEST) {
      return HUGE;
    }
    if (bytes <= FINE) {
      return (int) (bytes - 1) / GRAIN;
    }
    int doubling = 31 - Integer.numberOfLeadingZeros((int) bytes - 1);
    int start = 1 << doubling;
    int step = ((int) bytes - 1 - start) / (start / STEPS);
    return FINE / GRAIN + (doubling - 7) * STEPS + step;
  }

  /** The bytes of a block. */
  static int size(int sizeClass) {
    return SIZES[sizeClass];
  }

  /** The chunks of a run. */
  static int runChunks(int sizeClass) {
    return RUN_CHUNKS[sizeClass];
  }

  /** The blocks of a run. */
  static int blocks(int sizeClass) {
    return BLOCKS[sizeClass];
  }

  /**
   * The bytes in front of a run's blocks that are their bitmap; 0 if that is in the chunk table.
   */
  static int bitmapBytes(int sizeClass) {
    return bitmapBytesFor(BLOCKS[sizeClass]);
  }

  /** The chunks of a huge object. */
  static long hugeChunks(long bytes) {
    return Math.ceilDiv(bytes, PoolLayout.CHUNK_BYTES);
  }
}
