// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.file.Path;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A range of persistent bytes, addressed by offset from its start.
 *
 * <p>A store is durable once the thread that made it, or one that sees it, has handed its line to
 * {@link #persist} and that call has returned; it <em>may</em> become durable at any time before.
 * The unit is the aligned 8-byte word: of the words of an unpersisted line, any may be durable and
 * any not. There is no way to write a line back without waiting for it, because the two belong to
 * one processor and a thread may change its processor in between.
 *
 * <p>Offset 0 exists, and is what structures use for "nothing". Values are little-endian. Ordered
 * accesses and {@code compareAndSet} take aligned offsets, plain ones any.
 *
 * <p>Thread-safe like memory is: aligned words never tear between threads; acquire and release
 * order what stands around them. A region that was made to grow does so in place, while others work
 * in it: what was handed out stays. Closing while other threads are at work is safe for the
 * process: what they store from then on goes nowhere, what they read is zero, and they get {@link
 * HoldfastException.RegionClosed} at the next access that looks.
 */
public final class PersistentRegion implements AutoCloseable {
  /** The page, in bytes: sizes are multiples of it. */
  public static final int PAGE_BYTES = 4096;

  private static final Logger LOG = LoggerFactory.getLogger(PersistentRegion.class);
  private static final VarHandle LIMIT;

  static {
    try {
      LIMIT = MethodHandles.lookup().findVarHandle(PersistentRegion.class, "limit", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  // How the door works. An access compares its offset with a limit, which it must do anyway, and
  // goes straight to memory. Where something has to be asked first, the limit is -1: no offset
  // passes, and the access falls into the slow path, which knows why. So a watched, sealed, closed
  // or poisoned region costs the others nothing. Fields are plain: a thread that reads an old limit
  // while the region is closed touches anonymous memory (AddressRange), and every persist looks
  // again. A thread that reads an old limit after the region has grown takes the slow path, which
  // goes by the size and that is volatile.
  private final Medium medium;
  private final Arena arena = Arena.ofShared();
  private final ReentrantLock growing = new ReentrantLock();
  private final long base;
  private final boolean watched;
  private volatile long size;
  private long limit;
  private long storeLimit;
  private volatile boolean sealed;
  private volatile boolean closed;
  private volatile Throwable poison;

  private PersistentRegion(Medium medium) {
    this.medium = Objects.requireNonNull(medium, "medium");
    this.base = medium.address();
    this.size = medium.size();
    this.watched = base == 0;
    this.limit = watched ? -1 : size;
    this.storeLimit = limit;
  }

  /**
   * Creates a file of zeros and maps it, accepting what durability is cheap: POWER where the file's
   * memory is persistent, else PROCESS.
   *
   * @param path the file, or the partition of a divided one ({@link Partitions}); there must be
   *     none, but for a file without bytes, which a creation that was cut off may leave
   * @param bytes the size, at least 4096; rounded up to whole pages, or to units of the partitions
   * @return the region, which owns the file until it is closed
   * @throws IllegalArgumentException if the size is less than 4096
   * @throws HoldfastException.FileUnusable if the path exists, or a file cannot be made there
   * @throws HoldfastException.NoSpace if the file system has not that much room; no file is left
   */
  public static PersistentRegion create(Path path, long bytes) {
    return create(path, bytes, Durability.PROCESS);
  }

  /**
   * Creates a file of zeros and maps it. Every block is reserved, and file and directory entry are
   * synchronised, when this returns.
   *
   * @param path the file, or the partition of a divided one ({@link Partitions}); there must be
   *     none, but for a file without bytes, which a creation that was cut off may leave
   * @param bytes the size, at least 4096; rounded up to whole pages, or to units of the partitions
   * @param weakest the weakest durability that is accepted
   * @return the region, which owns the file until it is closed
   * @throws IllegalArgumentException if the size is less than 4096
   * @throws HoldfastException.FileUnusable if the path exists, or a file cannot be made there
   * @throws HoldfastException.NoSpace if the file system has not that much room; no file is left
   * @throws HoldfastException.DurabilityUnavailable if the file system cannot give that durability;
   *     no file is left
   */
  public static PersistentRegion create(Path path, long bytes, Durability weakest) {
    return create(path, bytes, bytes, weakest);
  }

  /**
   * Creates a file of zeros that can {@link #grow}, and maps it. Every block of its present size is
   * reserved, and file and directory entry are synchronised, when this returns.
   *
   * @param path the file, or the partition of a divided one ({@link Partitions}); there must be
   *     none, but for a file without bytes, which a creation that was cut off may leave
   * @param bytes the size, at least 4096; rounded up to whole pages, or to units of the partitions
   * @param maxBytes how large it may become while it is open; takes address space and nothing else
   * @param weakest the weakest durability that is accepted
   * @return the region, which owns the file until it is closed
   * @throws IllegalArgumentException if the size is less than 4096, or more than the largest
   * @throws HoldfastException.FileUnusable if the path exists, or a file cannot be made there
   * @throws HoldfastException.NoSpace if the file system has not that much room, or the process not
   *     that many addresses; no file is left
   * @throws HoldfastException.DurabilityUnavailable if the file system cannot give that durability;
   *     no file is left
   */
  public static PersistentRegion create(Path path, long bytes, long maxBytes, Durability weakest) {
    if (maxBytes < bytes) {
      throw new IllegalArgumentException(
          "a region does not shrink: bytes=%d, maxBytes=%d".formatted(bytes, maxBytes));
    }
    return new PersistentRegion(Media.create(path, checkSize(bytes), checkSize(maxBytes), weakest));
  }

  /**
   * Opens a file, accepting what durability is cheap.
   *
   * @param path an existing file of at least 4096 bytes, a DAX device, or a partition of either
   * @return the region, which owns the file until it is closed
   * @throws HoldfastException.FileUnusable if there is no such regular file, it is too small, or
   *     may not be written
   * @throws HoldfastException.RegionInUse if it is open elsewhere, by whatever name
   */
  public static PersistentRegion open(Path path) {
    return open(path, Durability.PROCESS);
  }

  /**
   * Opens a file.
   *
   * @param path an existing file of at least 4096 bytes, a DAX device, or a partition of either
   * @param weakest the weakest durability that is accepted
   * @return the region, which owns the file until it is closed
   * @throws HoldfastException.FileUnusable if there is no such regular file, it is too small, or
   *     may not be written
   * @throws HoldfastException.RegionInUse if it is open elsewhere, by whatever name
   * @throws HoldfastException.NoSpace if the file has holes that cannot be filled
   * @throws HoldfastException.DurabilityUnavailable if the file system cannot give that durability
   */
  public static PersistentRegion open(Path path, Durability weakest) {
    return open(path, weakest, PAGE_BYTES);
  }

  /**
   * Opens a file that can {@link #grow}.
   *
   * @param path an existing file of at least 4096 bytes, a DAX device, or a partition of either
   * @param weakest the weakest durability that is accepted
   * @param maxBytes how large it may become while it is open; a file that is larger stays as it is
   * @return the region, which owns the file until it is closed
   * @throws IllegalArgumentException if the largest size is less than 4096
   * @throws HoldfastException.FileUnusable if there is no such regular file, it is too small, or
   *     may not be written
   * @throws HoldfastException.RegionInUse if it is open elsewhere, by whatever name
   * @throws HoldfastException.NoSpace if the file has holes that cannot be filled, or the process
   *     has not that many addresses
   * @throws HoldfastException.DurabilityUnavailable if the file system cannot give that durability
   */
  public static PersistentRegion open(Path path, Durability weakest, long maxBytes) {
    return new PersistentRegion(Media.open(path, weakest, checkSize(maxBytes)));
  }

  /**
   * Opens a file for reading, beside other readers and no owner. The file is never changed: stores
   * are possible until {@link #seal}, so that what lies in it can be recovered, and go to private
   * pages.
   *
   * @param path an existing file of at least 4096 bytes, a DAX device, or a partition of either
   * @return the region
   * @throws HoldfastException.FileUnusable if there is no such regular file, it is too small, or
   *     may not be read
   * @throws HoldfastException.RegionInUse if it has an owner
   */
  public static PersistentRegion openReadOnly(Path path) {
    return new PersistentRegion(Media.openReadOnly(path));
  }

  /**
   * Whether there is something that could be opened: a file that has bytes, a device, or a
   * partition of one.
   *
   * @param path the file, device or partition
   * @return whether it is there
   * @throws HoldfastException.FileUnusable if the path names a partition of what is not divided, or
   *     files cannot be mapped here
   */
  public static boolean exists(Path path) {
    return MappedFile.exists(path);
  }

  /**
   * Deletes a file, or a partition, with all that is in it.
   *
   * @param path the file or partition
   * @throws HoldfastException.FileUnusable if there is none, it is a device, or may not be deleted
   * @throws HoldfastException.RegionInUse if it is open
   */
  public static void delete(Path path) {
    MappedFile.delete(path);
  }

  /**
   * A region over any medium, which it closes when it is closed.
   *
   * @param medium the medium; one region each
   * @return the region
   */
  public static PersistentRegion over(Medium medium) {
    return new PersistentRegion(medium);
  }

  static long checkSize(long bytes) {
    if (bytes < PAGE_BYTES || bytes > Long.MAX_VALUE - PAGE_BYTES) {
      throw new IllegalArgumentException(
          "a region has at least %d bytes: bytes=%d".formatted(PAGE_BYTES, bytes));
    }
    return Math.ceilDiv(bytes, PAGE_BYTES) * PAGE_BYTES;
  }

  /**
   * The size.
   *
   * @return the number of bytes
   */
  public long size() {
    return size;
  }

  /**
   * The size up to which the region can {@link #grow}.
   *
   * @return the number of bytes; the present size if it cannot
   */
  public long maxSize() {
    return medium.maxSize();
  }

  /**
   * Makes the region at least so long, in place, while other threads work in it. When this returns
   * the length is durable, as far as the medium goes. What is new is zeros. If the region is so
   * long already, only its length is made durable, which a process that was killed while the region
   * grew may have left undone.
   *
   * @param bytes the size, rounded up to whole pages
   * @throws IllegalArgumentException if it is more than {@link #maxSize}, or negative
   * @throws HoldfastException.NoSpace if the file system has not that much room; nothing has
   *     changed
   * @throws HoldfastException.FileUnusable if the file system refuses for another reason; nothing
   *     has changed
   * @throws HoldfastException.ReadOnly if the region was opened for reading only
   * @throws HoldfastException.MediumFailed if the length could not be made durable; the region is
   *     then poisoned
   */
  public void grow(long bytes) {
    growing.lock();
    try {
      checkUsable();
      checkNotSealed("it does not grow");
      long asked = checkGrowth(bytes);
      medium.grow(asked);
      setSize(medium.size());
      checkUsable();
    } catch (HoldfastException.MediumFailed e) {
      throw poisoned(e);
    } finally {
      growing.unlock();
    }
  }

  /** The size to grow to, in whole pages unless the region has it already. */
  private long checkGrowth(long bytes) {
    if (bytes < 0 || bytes > maxSize()) {
      throw new IllegalArgumentException(
          "a region grows to what it was opened for at most (%s): bytes=%d, size=%d, maximum=%d"
              .formatted(describe(), bytes, size, maxSize()));
    }
    return bytes <= size ? bytes : Math.ceilDiv(bytes, PAGE_BYTES) * PAGE_BYTES;
  }

  private synchronized void setSize(long bytes) {
    size = bytes;
    if (!watched && poison == null && !closed) {
      limit = bytes;
      storeLimit = sealed ? -1 : bytes;
    }
  }

  /**
   * What committed data survives here.
   *
   * @return the durability in force, at least the one asked for
   */
  public Durability durability() {
    return medium.durability();
  }

  /**
   * How often power has failed so badly that what was written back did not reach the memory.
   *
   * @return the count, if the memory counts and the system tells; it only rises
   */
  public OptionalInt unsafeShutdowns() {
    return medium.unsafeShutdowns();
  }

  /**
   * What is written back at a time.
   *
   * @return the granularity
   */
  public Granularity granularity() {
    return medium.granularity();
  }

  /**
   * One line for people: how stores become durable, and on what.
   *
   * @return the medium's description
   */
  public String describe() {
    return medium.describe();
  }

  /**
   * Reads a byte.
   *
   * @param offset where
   * @return its value
   * @throws IndexOutOfBoundsException if it is not inside the region
   */
  public byte getByte(long offset) {
    if (offset < 0 || offset >= limit) {
      return (byte) slowLoad(offset, 1);
    }
    return Memory.getByte(base + offset);
  }

  /**
   * Writes a byte.
   *
   * @param offset where
   * @param value its value
   * @throws IndexOutOfBoundsException if it is not inside the region
   */
  public void putByte(long offset, byte value) {
    if (offset < 0 || offset >= storeLimit) {
      slowStore(offset, 1, value);
    } else {
      Memory.putByte(base + offset, value);
    }
  }

  /**
   * Reads four bytes.
   *
   * @param offset the first
   * @return their value
   * @throws IndexOutOfBoundsException if they are not inside the region
   */
  public int getInt(long offset) {
    if (offset < 0 || offset > limit - 4) {
      return (int) slowLoad(offset, 4);
    }
    return Memory.getInt(base + offset);
  }

  /**
   * Writes four bytes.
   *
   * @param offset the first
   * @param value their value
   * @throws IndexOutOfBoundsException if they are not inside the region
   */
  public void putInt(long offset, int value) {
    if (offset < 0 || offset > storeLimit - 4) {
      slowStore(offset, 4, value);
    } else {
      Memory.putInt(base + offset, value);
    }
  }

  /**
   * Reads eight bytes.
   *
   * @param offset the first
   * @return their value
   * @throws IndexOutOfBoundsException if they are not inside the region
   */
  public long getLong(long offset) {
    if (offset < 0 || offset > limit - 8) {
      return slowLoad(offset, 8);
    }
    return Memory.getLong(base + offset);
  }

  /**
   * Writes eight bytes.
   *
   * @param offset the first
   * @param value their value
   * @throws IndexOutOfBoundsException if they are not inside the region
   */
  public void putLong(long offset, long value) {
    if (offset < 0 || offset > storeLimit - 8) {
      slowStore(offset, 8, value);
    } else {
      Memory.putLong(base + offset, value);
    }
  }

  /**
   * Reads an aligned word with acquire order: later accesses of this thread come after it.
   *
   * @param offset the word, a multiple of 8
   * @return its value
   * @throws IndexOutOfBoundsException if it is not inside the region
   * @throws IllegalArgumentException if it is not aligned
   */
  public long getLongAcquire(long offset) {
    checkAligned(offset);
    if (offset < 0 || offset > limit - 8) {
      return slowLoad(offset, 8);
    }
    return Memory.getLongAcquire(base + offset);
  }

  /**
   * Writes an aligned word with release order: earlier accesses of this thread come before it.
   *
   * @param offset the word, a multiple of 8
   * @param value its value
   * @throws IndexOutOfBoundsException if it is not inside the region
   * @throws IllegalArgumentException if it is not aligned
   */
  public void putLongRelease(long offset, long value) {
    checkAligned(offset);
    if (offset < 0 || offset > storeLimit - 8) {
      slowStore(offset, 8, value);
    } else {
      Memory.putLongRelease(base + offset, value);
    }
  }

  /**
   * Replaces an aligned word if it holds what is expected, atomically between threads. It does not
   * fence; on no processor is it to be taken for one.
   *
   * @param offset the word, a multiple of 8
   * @param expected what it must hold
   * @param value what it then holds
   * @return whether it did
   * @throws IndexOutOfBoundsException if it is not inside the region
   * @throws IllegalArgumentException if it is not aligned
   */
  public boolean compareAndSetLong(long offset, long expected, long value) {
    checkAligned(offset);
    if (offset < 0 || offset > storeLimit - 8) {
      checkStore(offset, 8);
      return medium.compareAndSet(offset, expected, value);
    }
    return Memory.compareAndSetLong(base + offset, expected, value);
  }

  /**
   * Sets bits of an aligned word, atomically between threads.
   *
   * @param offset the word, a multiple of 8
   * @param mask the bits to set
   * @return what the word held before
   * @throws IndexOutOfBoundsException if it is not inside the region
   * @throws IllegalArgumentException if it is not aligned
   */
  public long getAndOrLong(long offset, long mask) {
    checkAligned(offset);
    if (offset < 0 || offset > storeLimit - 8) {
      checkStore(offset, 8);
      long old = medium.load(offset, 8);
      while (!medium.compareAndSet(offset, old, old | mask)) {
        old = medium.load(offset, 8);
      }
      return old;
    }
    return Memory.getAndOrLong(base + offset, mask);
  }

  /**
   * Clears bits of an aligned word, atomically between threads.
   *
   * @param offset the word, a multiple of 8
   * @param mask the bits to keep
   * @return what the word held before
   * @throws IndexOutOfBoundsException if it is not inside the region
   * @throws IllegalArgumentException if it is not aligned
   */
  public long getAndAndLong(long offset, long mask) {
    checkAligned(offset);
    if (offset < 0 || offset > storeLimit - 8) {
      checkStore(offset, 8);
      long old = medium.load(offset, 8);
      while (!medium.compareAndSet(offset, old, old & mask)) {
        old = medium.load(offset, 8);
      }
      return old;
    }
    return Memory.getAndAndLong(base + offset, mask);
  }

  /**
   * Copies into the region.
   *
   * @param offset the first byte to write
   * @param from what to write
   * @throws IndexOutOfBoundsException if the target is not inside the region
   */
  public void copyIn(long offset, MemorySegment from) {
    if (offset < 0 || offset > storeLimit - from.byteSize()) {
      checkStore(offset, from.byteSize());
      medium.copyIn(from, offset);
    } else {
      Memory.copyIn(from, base + offset);
    }
  }

  /**
   * Copies out of the region.
   *
   * @param offset the first byte to read
   * @param into where to, and how many bytes
   * @throws IndexOutOfBoundsException if the source is not inside the region
   */
  public void copyOut(long offset, MemorySegment into) {
    if (offset < 0 || offset > limit - into.byteSize()) {
      checkLoad(offset, into.byteSize());
      medium.copyOut(offset, into);
    } else {
      Memory.copyOut(base + offset, into);
    }
  }

  /**
   * Writes zeros.
   *
   * @param offset the first byte
   * @param length how many
   * @throws IndexOutOfBoundsException if the range is not inside the region
   */
  public void zero(long offset, long length) {
    if (offset < 0 || length < 0 || offset > storeLimit - length) {
      checkStore(offset, length);
      zeroWatched(offset, length);
    } else {
      Memory.fill(base + offset, length, (byte) 0);
    }
  }

  private void zeroWatched(long offset, long length) {
    MemorySegment zeros = MemorySegment.ofArray(new byte[(int) Math.min(length, PAGE_BYTES)]);
    for (long done = 0; done < length; ) {
      long bytes = Math.min(length - done, zeros.byteSize());
      medium.copyIn(zeros.asSlice(0, bytes), offset + done);
      done += bytes;
    }
  }

  /**
   * The bytes of a range, for reading.
   *
   * @param offset the first byte
   * @param length how many
   * @return a read-only segment that ends with the region
   * @throws IndexOutOfBoundsException if the range is not inside the region
   */
  public MemorySegment view(long offset, long length) {
    checkLoad(offset, length);
    return medium.view(offset, length, arena);
  }

  /**
   * The bytes of a range, for writing in place: neither logged nor durable by itself.
   *
   * @param offset the first byte
   * @param length how many
   * @return a segment that ends with the region
   * @throws IndexOutOfBoundsException if the range is not inside the region
   */
  public MemorySegment writable(long offset, long length) {
    checkStore(offset, length);
    return medium.writable(offset, length, arena);
  }

  /**
   * An empty set of lines of this region, to be filled and persisted.
   *
   * @return a new set
   */
  public Lines lines() {
    return new Lines(this, base);
  }

  /**
   * Makes a range durable: one call, one fence.
   *
   * @param offset the first byte
   * @param length how many; 0 fences and writes nothing back
   * @throws IndexOutOfBoundsException if the range is not inside the region
   * @throws HoldfastException.MediumFailed if the medium could not; the region is then poisoned
   * @throws HoldfastException.RegionClosed if the region was closed, also during the call
   */
  public void persist(long offset, long length) {
    if (offset < 0 || length < 0 || offset > limit - length) {
      checkLoad(offset, length);
    }
    try {
      medium.persist(offset, length);
    } catch (HoldfastException.MediumFailed e) {
      throw poisoned(e);
    }
    checkStillOpen();
  }

  /**
   * Makes all lines of a set durable, and its copies: one call, one fence. An empty set fences.
   *
   * @param lines a set that this region made
   * @throws HoldfastException.MediumFailed if the medium could not; the region is then poisoned
   * @throws HoldfastException.RegionClosed if the region was closed, also during the call
   */
  public void persist(Lines lines) {
    checkOwn(lines);
    try {
      medium.persist(lines);
    } catch (HoldfastException.MediumFailed e) {
      throw poisoned(e);
    }
    checkStillOpen();
  }

  /**
   * The same; and if an earlier store of this thread hit memory that is gone, it is known when this
   * returns. To be used before a record that says the stores were made.
   *
   * @param lines a set that this region made
   * @throws HoldfastException.MediumFailed if the medium could not, or a store before this call was
   *     lost; the region is then poisoned
   * @throws HoldfastException.RegionClosed if the region was closed, also during the call
   */
  public void persistAndSurface(Lines lines) {
    checkOwn(lines);
    try {
      medium.persistAndSurface(lines);
    } catch (HoldfastException.MediumFailed | InternalError e) {
      throw poisoned(e);
    }
    checkStillOpen();
  }

  /**
   * Writes bytes and makes them durable, past the cache where that is faster: for whole records of
   * a line or more.
   *
   * @param offset the first byte to write
   * @param from what to write
   * @throws IndexOutOfBoundsException if the target is not inside the region
   * @throws HoldfastException.MediumFailed if the medium could not; the region is then poisoned
   */
  public void copyDurably(long offset, MemorySegment from) {
    long length = from.byteSize();
    checkStore(offset, length);
    Lines lines = lines();
    long head = Math.min(-offset & 7, length);
    long body = (length - head) & -8;
    if (from.isNative() && body > 0) {
      copyEnds(lines, offset, from, head, body);
      lines.copy(offset + head, from.asSlice(head, body));
    } else {
      copyIn(offset, from);
      lines.add(offset, length);
    }
    persist(lines);
  }

  private void copyEnds(Lines lines, long offset, MemorySegment from, long head, long body) {
    copyIn(offset, from.asSlice(0, head));
    copyIn(offset + head + body, from.asSlice(head + body));
    lines.add(offset, head).add(offset + head + body, from.byteSize() - head - body);
  }

  /**
   * Makes the whole region as durable as its medium ever makes it. On a medium of PROCESS this
   * hands all pages to the disk; slow.
   *
   * @throws HoldfastException.MediumFailed if the medium could not; the region is then poisoned
   */
  public void sync() {
    checkLoad(0, size);
    try {
      medium.sync();
    } catch (HoldfastException.MediumFailed e) {
      throw poisoned(e);
    }
    checkStillOpen();
  }

  /**
   * For layers that make stores failure-atomic: says what is about to be done with a range, so that
   * a checker can tell stores that a log covers from others. It changes nothing, and costs a
   * comparison where nobody watches.
   *
   * @param what what is said
   * @param offset the first byte
   * @param bytes how many
   */
  public void declare(Declaration what, long offset, long bytes) {
    if (watched) {
      medium.declare(what, offset, bytes);
    }
  }

  /** Refuses stores from now on. Reading stays possible. */
  public synchronized void seal() {
    sealed = true;
    storeLimit = -1;
  }

  /**
   * Refuses every access from now on, because what the region holds can no longer be trusted. A
   * region that is closed stays just that.
   *
   * @param cause why; the first one is kept
   */
  public void poison(Throwable cause) {
    poisoned(cause);
  }

  private HoldfastException poisoned(Throwable cause) {
    synchronized (this) {
      if (closed && poison == null) {
        // A call that close() overtakes finds no file any more. The medium is not at fault.
        LOG.debug("a closed region ({}) failed: {}", describe(), cause.toString());
        return ended();
      }
      if (poison == null) {
        poison = cause;
        LOG.error("a region is poisoned ({}): {}", describe(), cause.toString());
      }
      stop();
    }
    return failed();
  }

  private HoldfastException failed() {
    return new HoldfastException.MediumFailed(
        "the medium failed (%s): %s: close the region and open it again"
            .formatted(describe(), poison),
        poison);
  }

  /**
   * Gives the file back. Nothing is made durable by this. Closing twice does nothing.
   *
   * <p>Segments that the region handed out end here. Other threads may be at work; see the class.
   */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      stop();
    }
    closeArena();
    growing.lock();
    try {
      medium.close();
    } finally {
      growing.unlock();
    }
  }

  private void stop() {
    LIMIT.setVolatile(this, -1L);
    storeLimit = -1;
  }

  /** A segment is in use for as long as a system call that was given it; that ends by itself. */
  private void closeArena() {
    while (arena.scope().isAlive()) {
      try {
        arena.close();
      } catch (IllegalStateException e) {
        LOG.debug("a segment is in use while its region is closed: {}", e.getMessage());
        Thread.onSpinWait();
      }
    }
  }

  /** Throws unless a range is inside the region. */
  void checkRange(long offset, long length) {
    if (offset < 0 || length < 0 || offset > size - length) {
      throw new IndexOutOfBoundsException(
          "not inside the region: offset=%d, length=%d, size=%d".formatted(offset, length, size));
    }
  }

  private static void checkAligned(long offset) {
    if ((offset & 7) != 0) {
      throw new IllegalArgumentException(
          "an ordered access takes a multiple of 8: offset=" + offset);
    }
  }

  private void checkOwn(Lines lines) {
    if (lines.region() != this) {
      throw new IllegalArgumentException("these lines are another region's");
    }
    checkStillOpen();
  }

  /** After a fence: a region that is still open now was open when its memory was written back. */
  private void checkStillOpen() {
    if ((long) LIMIT.getOpaque(this) < 0) {
      checkUsable();
    }
  }

  private void checkUsable() {
    if (poison != null) {
      throw failed();
    }
    if (closed) {
      throw ended();
    }
  }

  private static HoldfastException ended() {
    return new HoldfastException.RegionClosed("the region is closed: open it again");
  }

  private void checkLoad(long offset, long length) {
    checkUsable();
    checkRange(offset, length);
  }

  private void checkStore(long offset, long length) {
    checkLoad(offset, length);
    checkNotSealed("offset=" + offset);
  }

  private void checkNotSealed(String refused) {
    if (sealed) {
      throw new HoldfastException.ReadOnly(
          "the region was opened for reading only: " + refused + ": open it to write");
    }
  }

  private long slowLoad(long offset, int bytes) {
    checkLoad(offset, bytes);
    return medium.load(offset, bytes);
  }

  private void slowStore(long offset, int bytes, long value) {
    checkStore(offset, bytes);
    medium.store(offset, bytes, value);
  }
}
