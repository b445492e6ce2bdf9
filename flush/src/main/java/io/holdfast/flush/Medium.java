// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * What lies under a region: memory, and the way in which stores to it become durable.
 *
 * <p>This is the service-provider side of {@link PersistentRegion}, which is its only caller: the
 * region checks bounds and lifetime, the medium does what it is told. The media of this module lend
 * the region an address, and the region then reads and writes without asking. Any other medium is
 * <em>watched</em>: each single access is a call to it. Test media (counting, tracing, crash
 * images) are made so.
 *
 * <p>Contract of {@link #persist}: when it returns, the copies were made, and every range that was
 * written back, with what this thread had stored to it before or saw there, is durable in the
 * medium's sense. Until then any word of it may or may not be; the unit is the aligned 8-byte word.
 */
public abstract class Medium {
  private final Durability durability;
  private final Granularity granularity;

  /**
   * For subclasses.
   *
   * @param durability what committed data survives on this medium
   * @param granularity what it writes back at a time
   */
  protected Medium(Durability durability, Granularity granularity) {
    this.durability = Objects.requireNonNull(durability);
    this.granularity = Objects.requireNonNull(granularity);
  }

  /**
   * A medium in memory, of no durability at all, for tests and for systems other than Linux.
   * Contents are zero. What is persisted is as good as what is not; watch it to see the difference.
   *
   * @param bytes the size, at least 4096; rounded up to whole pages
   * @return the medium
   * @throws IllegalArgumentException if the size is less than 4096
   */
  public static Medium inMemory(long bytes) {
    return MemoryMedium.ofSize(PersistentRegion.checkSize(bytes));
  }

  /**
   * An existing file whose granularity is taken on the caller's word and not probed: for tests,
   * benchmarks, and platforms that the probe does not know. Nothing is proven about durability;
   * {@link #describe} says "assumed", and so does whatever prints it.
   *
   * @param file the file, which is locked for this opener
   * @param granularity what to do for durability: nothing, write lines back, or synchronise pages
   * @return the medium, which closes the file when it is closed
   * @throws HoldfastException if the file cannot be opened or locked, or the processor has no
   *     writeback instruction
   */
  public static Medium assuming(Path file, Granularity granularity) {
    return Media.assuming(file, granularity, 0);
  }

  /**
   * A simulation of a machine that loses its caches: stores stay in a private mapping until they
   * are written back and fenced, and only then reach the file; now and then a line reaches it
   * unasked, as an eviction would send it. Killing the process, or {@link PersistentRegion#close},
   * loses the rest.
   *
   * @param file the file, which is locked for this opener
   * @param seed determines which lines are evicted, and in which order lines are written back
   * @return the medium, which closes the file when it is closed
   * @throws HoldfastException if the file cannot be opened or locked
   */
  public static Medium volatileCache(Path file, long seed) {
    return VolatileCacheMedium.open(file, seed);
  }

  /**
   * What committed data survives.
   *
   * @return the durability
   */
  public final Durability durability() {
    return durability;
  }

  /**
   * What is written back at a time.
   *
   * @return the granularity
   */
  public final Granularity granularity() {
    return granularity;
  }

  /**
   * How often power has failed so badly that what was written back did not reach the memory, as the
   * memory itself counts it.
   *
   * @return the count, if the memory counts and the system tells; it only rises
   */
  public OptionalInt unsafeShutdowns() {
    return OptionalInt.empty();
  }

  /**
   * One line for people: how stores become durable, on what, and whether that is assumed.
   *
   * @return the description
   */
  public abstract String describe();

  /**
   * The size.
   *
   * @return the number of bytes
   */
  public abstract long size();

  /**
   * The size up to which it can grow; the present one unless a medium says otherwise.
   *
   * @return the number of bytes, at least {@link #size}
   */
  public long maxSize() {
    return size();
  }

  /**
   * Makes the medium at least so long, and that length durable, while it is in use: contents and
   * addresses stay. What is new is zeros. One thread calls this at a time. Media of a fixed size
   * are as long as they get.
   *
   * @param bytes the size, a multiple of 4096 or the present size, at most {@link #maxSize}
   * @throws HoldfastException.NoSpace if there is not that much room, or the size is fixed; the
   *     medium is as it was
   * @throws HoldfastException.FileUnusable if the file system refuses; the medium is as it was
   * @throws HoldfastException.MediumFailed if the length could not be made durable
   */
  public void grow(long bytes) {
    if (bytes > size()) {
      throw new HoldfastException.NoSpace(
          "a medium of a fixed size does not grow (%s): size=%d, asked=%d: make a larger one"
              .formatted(describe(), size(), bytes));
    }
  }

  /** Where the medium lends its memory to the region, or 0 if each access is to be asked for. */
  long address() {
    return 0;
  }

  /**
   * Reads 1, 4 or 8 bytes, little-endian, zero-extended. With {@code bytes} 8 and an aligned offset
   * the read is a single one, and has acquire order.
   *
   * @param offset the first byte
   * @param bytes how many
   * @return the value
   */
  public abstract long load(long offset, int bytes);

  /**
   * Writes 1, 4 or 8 bytes, little-endian. With {@code bytes} 8 and an aligned offset the write is
   * a single one, and has release order.
   *
   * @param offset the first byte
   * @param bytes how many
   * @param value the value, in its low bytes
   */
  public abstract void store(long offset, int bytes, long value);

  /**
   * Replaces an aligned word if it has the expected value, atomically.
   *
   * @param offset the word
   * @param expected what it must hold
   * @param value what it then holds
   * @return whether it did
   */
  public abstract boolean compareAndSet(long offset, long expected, long value);

  /**
   * Copies from the medium.
   *
   * @param offset the first byte
   * @param into where to, and how many bytes
   */
  public abstract void copyOut(long offset, MemorySegment into);

  /**
   * Copies to the medium.
   *
   * @param from where from, and how many bytes
   * @param offset the first byte to write
   */
  public abstract void copyIn(MemorySegment from, long offset);

  /**
   * The bytes of a range, for reading; on a watched medium this counts as a read of the whole
   * range.
   *
   * @param offset the first byte
   * @param bytes how many
   * @param arena when the segment ends
   * @return a read-only segment
   */
  public abstract MemorySegment view(long offset, long bytes, Arena arena);

  /**
   * The bytes of a range, for writing in place. A watched medium sees what was written when it is
   * next called for that range or told to persist.
   *
   * @param offset the first byte
   * @param bytes how many
   * @param arena when the segment ends
   * @return a writable segment
   */
  public abstract MemorySegment writable(long offset, long bytes, Arena arena);

  /**
   * Makes copies and written-back ranges durable.
   *
   * @param lines what to copy and to write back
   * @throws HoldfastException.MediumFailed if the medium could not
   */
  public abstract void persist(Lines lines);

  /**
   * The same; and a memory fault of this thread's earlier stores is thrown from here at the latest.
   *
   * @param lines what to copy and to write back
   * @throws InternalError if a store before this call hit memory that is gone
   * @throws HoldfastException.MediumFailed if the medium could not
   */
  public void persistAndSurface(Lines lines) {
    persist(lines);
  }

  /**
   * Makes one range durable.
   *
   * @param offset the first byte
   * @param bytes how many
   * @throws HoldfastException.MediumFailed if the medium could not
   */
  public abstract void persist(long offset, long bytes);

  /**
   * Makes everything as durable as the medium ever makes it; slow. A medium of {@link
   * Durability#PROCESS} hands its pages to the disk here, so that what follows is safe from power
   * loss too.
   *
   * @throws HoldfastException.MediumFailed if the medium could not
   */
  public abstract void sync();

  /**
   * Takes note of what a layer above says about a range. Media that do not check ignore it.
   *
   * @param what what is said
   * @param offset the first byte
   * @param bytes how many
   */
  public void declare(Declaration what, long offset, long bytes) {}

  /** Lets go of file and memory. Called once. */
  public abstract void close();
}
