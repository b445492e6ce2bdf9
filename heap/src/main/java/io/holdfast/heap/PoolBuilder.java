// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.Durability;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.PersistentRegion;
import java.nio.file.Path;
import java.util.Objects;

/** How to make or open a pool in a file; begun by {@link Pool#at}. Not thread-safe. */
public final class PoolBuilder {
  /** The size of a new pool unless something else is asked for: 64 MiB. */
  public static final long DEFAULT_SIZE = 64L << 20;

  private final Path path;
  private long size = DEFAULT_SIZE;
  private long maxSize;
  private int lanes;
  private String layout = "";
  private boolean anyLayout;
  private Durability durability = Durability.PROCESS;
  private boolean acceptPowerLoss;

  PoolBuilder(Path path) {
    this.path = Objects.requireNonNull(path, "path");
  }

  /**
   * The size of a new pool; one that is there has its own.
   *
   * @param bytes at least 1 MiB; rounded up to whole pages
   * @return this
   * @throws IllegalArgumentException if it is less, or more than 64 TiB
   */
  public PoolBuilder size(long bytes) {
    if (bytes < PoolLayout.MIN_SIZE || bytes > PoolLayout.MAX_SIZE) {
      throw new IllegalArgumentException(
          "a pool has %d to %d bytes: size=%d"
              .formatted(PoolLayout.MIN_SIZE, PoolLayout.MAX_SIZE, bytes));
    }
    size = bytes;
    return this;
  }

  /**
   * The size up to which a new pool grows by itself while it is open, when there is no room for
   * what is asked; as large as it is unless this is set. What is not used yet takes addresses, and
   * room in the chunk table for a 4096th of it; its disk blocks are taken by each growth.
   *
   * @param bytes at least the size; rounded up to whole pages
   * @return this
   * @throws IllegalArgumentException if it is less than 1 MiB, or more than 64 TiB
   */
  public PoolBuilder maxSize(long bytes) {
    if (bytes < PoolLayout.MIN_SIZE || bytes > PoolLayout.MAX_SIZE) {
      throw new IllegalArgumentException(
          "a pool grows to %d to %d bytes: maxSize=%d"
              .formatted(PoolLayout.MIN_SIZE, PoolLayout.MAX_SIZE, bytes));
    }
    maxSize = bytes;
    return this;
  }

  /**
   * How many transactions can be open at a time in a new pool; more wait.
   *
   * @param count 1 to 1000; the default goes by the size, 64 from 64 MiB on; it does not grow
   * @return this
   * @throws IllegalArgumentException if it is another number
   */
  public PoolBuilder lanes(int count) {
    if (count < 1 || count > 1000) {
      throw new IllegalArgumentException("a pool has 1 to 1000 lanes: lanes=" + count);
    }
    lanes = count;
    return this;
  }

  /**
   * A name for what the application keeps in the pool. A pool with another one is refused.
   *
   * @param name at most 128 bytes; empty unless it is set
   * @return this
   * @throws IllegalArgumentException if it is longer
   */
  public PoolBuilder layout(String name) {
    PoolHeader.checkName(name);
    layout = name;
    anyLayout = false;
    return this;
  }

  /**
   * Opens a pool whatever layout it has, as tools do that know pools and not what is in them;
   * {@link PoolInfo#layout} tells it.
   *
   * @return this
   */
  public PoolBuilder anyLayout() {
    anyLayout = true;
    return this;
  }

  /**
   * The weakest durability that is accepted. PROCESS unless it is set, which gives POWER where that
   * is cheap.
   *
   * @param weakest what commits must survive
   * @return this
   */
  public PoolBuilder durability(Durability weakest) {
    durability = Objects.requireNonNull(weakest, "weakest");
    return this;
  }

  /**
   * Accepts a pool that was open with durability PROCESS when power was lost. Its pages may be of
   * different ages; {@link Pool#check} finds what can be found of that.
   *
   * @return this
   */
  public PoolBuilder acceptPowerLoss() {
    acceptPowerLoss = true;
    return this;
  }

  /**
   * Makes a new pool.
   *
   * @return the pool, open
   * @throws IllegalArgumentException if it is to grow to less than it has, or to so much that its
   *     chunk table does not fit
   * @throws HoldfastException if the file is there or cannot be made, the file system has no room,
   *     or cannot give the durability; no file is left then
   */
  public Pool create() {
    requireNotToShrink();
    PersistentRegion region =
        PersistentRegion.create(path, size, Math.max(size, maxSize), durability);
    try {
      return Pool.create(region, mode(), layout, lanes);
    } catch (RuntimeException | Error e) {
      region.close();
      deleteAfter(e);
      throw e;
    }
  }

  private void requireNotToShrink() {
    if (maxSize != 0 && maxSize < size) {
      throw new IllegalArgumentException(
          "a pool does not shrink: size=%d, maxSize=%d".formatted(size, maxSize));
    }
  }

  private void deleteAfter(Throwable failure) {
    try {
      PersistentRegion.delete(path);
    } catch (HoldfastException e) {
      failure.addSuppressed(e);
    }
  }

  /**
   * Opens a pool, and recovers it if need be.
   *
   * @return the pool
   * @throws HoldfastException if there is no pool, it is damaged, in use, of another version or
   *     layout, or power was lost; the file is as it was
   */
  public Pool open() {
    long reserved = Math.max(PersistentRegion.PAGE_BYTES, PoolHeader.peekMaxSize(path));
    return open(PersistentRegion.open(path, durability, reserved));
  }

  /**
   * Opens a pool for reading, beside other readers, as it was committed. The file is not changed;
   * if it has to be recovered, that is done in memory.
   *
   * @return the pool, which refuses transactions
   * @throws io.holdfast.flush.HoldfastException as {@link #open}
   */
  public Pool openReadOnly() {
    PersistentRegion region = PersistentRegion.openReadOnly(path);
    try {
      Pool pool = Pool.open(region, new Mode(true, true, acceptPowerLoss), expectedLayout());
      region.seal();
      return pool;
    } catch (RuntimeException | Error e) {
      region.close();
      throw e;
    }
  }

  /**
   * Opens the pool if the file is there, else makes it. So it does if the file is what a creation
   * leaves that was cut off before there was a pool; it is not made smaller then.
   *
   * @return the pool
   * @throws io.holdfast.flush.HoldfastException as {@link #open} and {@link #create}
   */
  public Pool openOrCreate() {
    if (!PersistentRegion.exists(path)) {
      return create();
    }
    try {
      return open();
    } catch (PoolException.NotAPool e) {
      return createAgain(e);
    }
  }

  /** The file stays, whatever goes wrong: it is as if the creation had been cut off once more. */
  private Pool createAgain(PoolException.NotAPool found) {
    requireNotToShrink();
    PersistentRegion region = PersistentRegion.open(path, durability, Math.max(size, maxSize));
    try {
      if (!PoolHeader.isUnfinished(region)) {
        throw found;
      }
      region.grow(Math.max(size, region.size()));
      return Pool.create(region, mode(), layout, lanes);
    } catch (RuntimeException | Error e) {
      region.close();
      throw e;
    }
  }

  private Pool open(PersistentRegion region) {
    try {
      return Pool.open(region, mode(), expectedLayout());
    } catch (RuntimeException | Error e) {
      region.close();
      throw e;
    }
  }

  /** The layout that a pool must have, or null. */
  private String expectedLayout() {
    return anyLayout ? null : layout;
  }

  private Mode mode() {
    return new Mode(true, false, acceptPowerLoss);
  }

  /**
   * How a pool is opened.
   *
   * @param ownsRegion whether the region is closed with it
   * @param readOnly whether transactions are refused
   * @param acceptPowerLoss whether mixed-up pages are accepted
   */
  record Mode(boolean ownsRegion, boolean readOnly, boolean acceptPowerLoss) {
    static final Mode ON_A_REGION = new Mode(false, false, false);
  }
}
