// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.lang.foreign.Arena;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A range of address space that belongs to one region for the life of the process. A file is mapped
 * at its beginning; the rest is kept for what the file may grow to.
 *
 * <p>Why nothing is ever unmapped: a thread may be between reading a region's address and using it
 * when another thread closes the region. {@link #retire} therefore puts empty anonymous memory
 * where the file was. A late store lands there and is forgotten, a late load reads zeros, and no
 * later region can be given these addresses. It costs address space, of which there are 128 TiB,
 * and no memory. What was reserved and never mapped is given back: nobody was let near it. Ranges
 * are asked for from the bottom up, so that the next one fits behind what the last one has kept;
 * the kernel, which goes from the top down, would find each gap a little too short. They are
 * multiples of the alignment, so that one begins where another ends: of what lies side by side and
 * is retired the kernel makes one mapping, and it gives a process only so many.
 */
final class AddressRange {
  /** Huge pages can be used where file offset and address agree modulo this. */
  private static final long ALIGNMENT = 2 << 20;

  /** From 16 to 32 TiB on, where nothing else is as a rule; if it is, the kernel decides. */
  private static final AtomicLong NEXT =
      new AtomicLong((1L << 44) + new SplittableRandom().nextLong(1L << 44));

  private static final Logger LOG = LoggerFactory.getLogger(AddressRange.class);

  private final long start;
  private volatile long bytes;

  // What is reserved: to the next multiple of the alignment, or to where the rest was given up.
  private long reserved;

  // What is mapped at the beginning, and how. Changed by one thread at a time.
  private long mapped;
  private int protection;
  private int flags;

  private AddressRange(long start, long bytes, long reserved) {
    this.start = start;
    this.bytes = bytes;
    this.reserved = reserved;
  }

  /** Reserves address space, rounded up to whole pages; no memory is behind it yet. */
  static AddressRange reserve(long size) {
    long bytes = wholePages(size);
    long aligned = aligned(bytes);
    int flags = Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS | Libc.MAP_NORESERVE;
    try {
      long raw =
          Libc.mmap(
              NEXT.get() & -PersistentRegion.PAGE_BYTES,
              aligned + ALIGNMENT,
              Libc.PROT_NONE,
              flags,
              -1,
              0);
      long start = aligned(raw);
      trim(raw, start - raw);
      trim(start + aligned, raw + ALIGNMENT - start);
      NEXT.set(start + aligned);
      return new AddressRange(start, bytes, aligned);
    } catch (Libc.Errno e) {
      throw new HoldfastException.NoSpace(
          "no address space for a region: bytes=" + bytes + " (" + e.getMessage() + ")");
    }
  }

  /** Zeroed memory of its own, on every operating system. */
  static AddressRange anonymous(long size) {
    if (!System.getProperty("os.name").equals("Linux")) {
      return new AddressRange(Arena.global().allocate(size, ALIGNMENT).address(), size, size);
    }
    AddressRange range = reserve(size);
    try {
      range.mapAnonymous(range.bytes);
      range.mapped = size;
      return range;
    } catch (Libc.Errno e) {
      throw new HoldfastException.NoSpace("no memory: bytes=" + size + " (" + e.getMessage() + ")");
    }
  }

  private static void trim(long address, long bytes) throws Libc.Errno {
    if (bytes > 0) {
      Libc.munmap(address, bytes);
    }
  }

  long start() {
    return start;
  }

  /** How long what is mapped can become. */
  long capacity() {
    return bytes;
  }

  /** Says how files are mapped here, from the beginning on. */
  void map(int newProtection, int newFlags) {
    protection = newProtection;
    flags = newFlags;
    mapped = 0;
  }

  /**
   * Maps a piece of a file behind what is mapped, up to a new length. If that fails the kernel may
   * have taken the reservation away, and given the addresses to another: then the rest of the range
   * is given up.
   *
   * @param fileOffset where in the file the page is that comes behind those that are mapped
   */
  void extend(int fd, long fileOffset, long length) throws Libc.Errno {
    long from = wholePages(mapped);
    long more = wholePages(length) - from;
    if (more > 0) {
      long page = wholePages(fileOffset);
      try {
        Libc.mmap(start + from, more, protection, flags | Libc.MAP_FIXED, fd, page);
      } catch (Libc.Errno e) {
        bytes = from;
        reserved = from;
        throw e;
      }
    }
    mapped = length;
  }

  private static long wholePages(long length) {
    return Math.ceilDiv(length, PersistentRegion.PAGE_BYTES) * PersistentRegion.PAGE_BYTES;
  }

  private static long aligned(long bytes) {
    return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
  }

  /** Forgets the private pages of the range: what a power cut does to a cache. */
  void discard() throws Libc.Errno {
    Libc.madvise(start, bytes, Libc.MADV_DONTNEED);
  }

  private void mapAnonymous(long length) throws Libc.Errno {
    int kind = Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS | Libc.MAP_NORESERVE | Libc.MAP_FIXED;
    Libc.mmap(start, length, Libc.PROT_READ | Libc.PROT_WRITE, kind, -1, 0);
  }

  /** Lets the file go and keeps the addresses that it had. */
  void retire() {
    if (!System.getProperty("os.name").equals("Linux")) {
      return;
    }
    long used = Math.min(aligned(mapped), reserved);
    try {
      if (used > 0) {
        mapAnonymous(used);
      }
      trim(start + used, reserved - used);
      NEXT.compareAndSet(start + reserved, start + used);
    } catch (Libc.Errno e) {
      LOG.warn("a closed region stays mapped: {}", e.getMessage());
    }
  }
}
