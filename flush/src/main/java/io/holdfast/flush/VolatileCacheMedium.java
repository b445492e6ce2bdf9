// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A machine that loses its caches, simulated on any file.
 *
 * <p>The region works in a private mapping, the cache; a shared mapping of the same file is the
 * medium. A fence carries the lines that its caller wrote back from one to the other, in random
 * order, word by word. SIGKILL at any instruction drops the private pages, so what was not carried
 * over is lost, and a carry that it interrupts leaves the words of a line mixed: both are what the
 * persistency contract allows and no more.
 *
 * <p>Evictions are what makes it a test. Without them a program that forgets to write something
 * back loses it always, but one that stores too early, or in the wrong order, is never caught: so
 * every {@link #EVICTION}th store or so sends a random subset of the words of a line that was
 * stored to lately.
 */
final class VolatileCacheMedium extends Medium {
  private static final int EVICTION = 64;
  private static final int RECENT = 256;

  private final MappedFile file;
  private final AddressRange cache;
  private final AddressRange medium;
  private final long seed;
  private final ReentrantLock lock = new ReentrantLock();
  private final SplittableRandom random;
  private final long[] recent = new long[RECENT];
  private int recentCount;

  private VolatileCacheMedium(MappedFile file, AddressRange cache, AddressRange medium, long seed) {
    super(Durability.POWER, Granularity.LINE);
    this.file = file;
    this.cache = cache;
    this.medium = medium;
    this.seed = seed;
    this.random = new SplittableRandom(seed);
  }

  static VolatileCacheMedium open(Path path, long seed) {
    MappedFile file = MappedFile.open(path, MappedFile.Sharing.OWNED);
    AddressRange cache = AddressRange.reserve(file.reservation(0));
    AddressRange medium = AddressRange.reserve(file.reservation(0));
    try {
      int protection = Libc.PROT_READ | Libc.PROT_WRITE;
      file.map(cache, protection, Libc.MAP_PRIVATE);
      file.map(medium, protection, Libc.MAP_SHARED);
      return new VolatileCacheMedium(file, cache, medium, seed);
    } catch (Libc.Errno e) {
      cache.retire();
      medium.retire();
      file.close();
      throw new HoldfastException.FileUnusable(path + " cannot be mapped: " + e.getMessage());
    }
  }

  @Override
  public String describe() {
    return "simulated power loss (volatile cache, seed=" + seed + "), " + file.title();
  }

  @Override
  public long size() {
    return file.size();
  }

  @Override
  public long load(long offset, int bytes) {
    long address = cache.start() + offset;
    return switch (bytes) {
      case 1 -> Memory.getByte(address) & 0xFFL;
      case 4 -> Memory.getInt(address) & 0xFFFFFFFFL;
      default -> offset % 8 == 0 ? Memory.getLongAcquire(address) : Memory.getLong(address);
    };
  }

  @Override
  public void store(long offset, int bytes, long value) {
    long address = cache.start() + offset;
    lock.lock();
    try {
      switch (bytes) {
        case 1 -> Memory.putByte(address, (byte) value);
        case 4 -> Memory.putInt(address, (int) value);
        default -> Memory.putLong(address, value);
      }
      stored(offset, bytes);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean compareAndSet(long offset, long expected, long value) {
    lock.lock();
    try {
      boolean set = Memory.compareAndSetLong(cache.start() + offset, expected, value);
      stored(offset, 8);
      return set;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void copyOut(long offset, MemorySegment into) {
    Memory.copyOut(cache.start() + offset, into);
  }

  @Override
  public void copyIn(MemorySegment from, long offset) {
    lock.lock();
    try {
      Memory.copyIn(from, cache.start() + offset);
      stored(offset, from.byteSize());
    } finally {
      lock.unlock();
    }
  }

  @Override
  public MemorySegment view(long offset, long bytes, Arena arena) {
    return Memory.segment(cache.start() + offset, bytes, arena).asReadOnly();
  }

  @Override
  public MemorySegment writable(long offset, long bytes, Arena arena) {
    lock.lock();
    try {
      stored(offset, bytes);
    } finally {
      lock.unlock();
    }
    return Memory.segment(cache.start() + offset, bytes, arena);
  }

  @Override
  public void persist(Lines lines) {
    List<Long> pending = new ArrayList<>();
    lock.lock();
    try {
      lines.visit(
          new Lines.Visitor() {
            @Override
            public void writeback(long offset, long bytes) {
              addLines(pending, offset, bytes);
            }

            @Override
            public void copy(long offset, MemorySegment from) {
              Memory.copyIn(from, cache.start() + offset);
              addLines(pending, offset, from.byteSize());
            }
          });
      carry(pending);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void persist(long offset, long bytes) {
    List<Long> pending = new ArrayList<>();
    lock.lock();
    try {
      addLines(pending, offset, bytes);
      carry(pending);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void sync() {
    lock.lock();
    try {
      Memory.copy(cache.start(), medium.start(), size());
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    cache.retire();
    medium.retire();
    file.close();
  }

  private static void addLines(List<Long> pending, long offset, long bytes) {
    long end = offset + bytes;
    for (long line = offset & -Lines.LINE_BYTES; line < end; line += Lines.LINE_BYTES) {
      pending.add(line);
    }
  }

  private void carry(List<Long> pending) {
    for (int i = pending.size() - 1; i >= 0; i--) {
      int pick = random.nextInt(i + 1);
      carryWords(pending.get(pick), 0xFF);
      pending.set(pick, pending.get(i));
    }
  }

  private void stored(long offset, long bytes) {
    if (bytes > 0) {
      long line = (offset + random.nextLong(bytes)) & -Lines.LINE_BYTES;
      recent[recentCount++ % RECENT] = line;
    }
    if (random.nextInt(EVICTION) == 0) {
      carryWords(recent[random.nextInt(Math.min(recentCount, RECENT))], random.nextInt(256));
    }
  }

  private void carryWords(long line, int mask) {
    for (int word = 0; word < 8; word++) {
      long offset = line + 8L * word;
      if ((mask >> word & 1) != 0 && offset + 8 <= size()) {
        Memory.putLongRelease(
            medium.start() + offset, Memory.getLongAcquire(cache.start() + offset));
      }
    }
  }
}
