// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.lang.foreign.Arena;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A range of address space that belongs to one region for the life of the process.
 *
 * <p>Why nothing is ever unmapped: a thread may be between reading a region's address and using it
 * when another thread closes the region. {@link #retire} therefore puts empty anonymous memory
 * where the file was. A late store lands there and is forgotten, a late load reads zeros, and no
 * later region can be given these addresses. It costs address space, of which there are 128 TiB,
 * and no memory.
 */
final class AddressRange {
  /** Huge pages can be used where file offset and address agree modulo this. */
  private static final long ALIGNMENT = 2 << 20;

  private static final Logger LOG = LoggerFactory.getLogger(AddressRange.class);

  private final long start;
  private final long bytes;

  private AddressRange(long start, long bytes) {
    this.start = start;
    this.bytes = bytes;
  }

  /** Reserves address space, rounded up to whole pages; no memory is behind it yet. */
  static AddressRange reserve(long size) {
    long bytes = Math.ceilDiv(size, PersistentRegion.PAGE_BYTES) * PersistentRegion.PAGE_BYTES;
    int flags = Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS | Libc.MAP_NORESERVE;
    try {
      long raw = Libc.mmap(0, bytes + ALIGNMENT, Libc.PROT_NONE, flags, -1, 0);
      long start = Math.ceilDiv(raw, ALIGNMENT) * ALIGNMENT;
      trim(raw, start - raw);
      trim(start + bytes, raw + ALIGNMENT - start);
      return new AddressRange(start, bytes);
    } catch (Libc.Errno e) {
      throw new HoldfastException.NoSpace(
          "no address space for a region: bytes=" + bytes + " (" + e.getMessage() + ")");
    }
  }

  /** Zeroed memory of its own, on every operating system. */
  static AddressRange anonymous(long size) {
    if (!System.getProperty("os.name").equals("Linux")) {
      return new AddressRange(Arena.global().allocate(size, ALIGNMENT).address(), size);
    }
    AddressRange range = reserve(size);
    try {
      range.mapAnonymous();
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

  /** Maps the file over the whole range. */
  void map(int protection, int flags, int fd) throws Libc.Errno {
    Libc.mmap(start, bytes, protection, flags | Libc.MAP_FIXED, fd, 0);
  }

  /** Puts empty anonymous memory over the whole range. */
  void mapAnonymous() throws Libc.Errno {
    int flags = Libc.MAP_PRIVATE | Libc.MAP_ANONYMOUS | Libc.MAP_NORESERVE | Libc.MAP_FIXED;
    Libc.mmap(start, bytes, Libc.PROT_READ | Libc.PROT_WRITE, flags, -1, 0);
  }

  /** Forgets the private pages of the range: what a power cut does to a cache. */
  void discard() throws Libc.Errno {
    Libc.madvise(start, bytes, Libc.MADV_DONTNEED);
  }

  /** Lets the file go and keeps the addresses. */
  void retire() {
    if (!System.getProperty("os.name").equals("Linux")) {
      return;
    }
    try {
      mapAnonymous();
    } catch (Libc.Errno e) {
      LOG.warn("a closed region stays mapped: {}", e.getMessage());
    }
  }
}
