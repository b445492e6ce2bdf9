// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.Partitions;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.flush.StackRoom;
import io.holdfast.tx.Editable;
import io.holdfast.tx.Lanes;
import io.holdfast.tx.RecoveryReport;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.TransactionException;
import io.holdfast.tx.spi.KeyedHash;
import io.holdfast.tx.spi.RoomFor;
import io.holdfast.tx.spi.TransactionAccess;
import io.holdfast.tx.spi.TransactionAccess.Acceptance;
import io.holdfast.tx.spi.TransactionAccess.Geometry;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A persistent heap: objects, blocks and collections in a file, reached by named roots and changed
 * in transactions.
 *
 * <p>Opening recovers: what was committed is there, what was not never was, whatever ended the last
 * process. Nothing needs to be closed for that; {@link #close} makes the next opening shorter, and
 * with durability PROCESS hands everything to the disk.
 *
 * <p>Thread-safe, with all handles that it gives. What is read outside a transaction is committed
 * and durable, but for what another one changes in place, under a snapshot. Each method may throw
 * {@link HoldfastException.RegionClosed} or {@link TransactionException.Ended} after the pool was
 * closed, and {@link HoldfastException.MediumFailed} when the medium has failed.
 */
public final class Pool implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Pool.class);

  /** Lanes of the heap's own: for the chunk table, and for the splits of indexes. */
  private static final int RESERVED_LANES = 2;

  private final TransactionAccess access = TransactionAccess.get();
  private final PersistentRegion region;
  private final PoolHeader header;
  private final PoolBuilder.Mode mode;
  private final boolean headerDamaged;
  private final HeapSpace space;
  private final Growth growth;
  private final Allocator allocator;
  private final Lanes lanes;
  private final Roots roots;
  private final ConcurrentHashMap<Long, HashIndex> indexes = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<Long, BlockArray> blockArrays = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<Long, AppendLog> logs = new ConcurrentHashMap<>();
  private final ReentrantLock structureLock = new ReentrantLock();
  private final Incarnations incarnations;
  private boolean closed;

  private Pool(
      PersistentRegion region,
      PoolHeader header,
      PoolBuilder.Mode mode,
      HeapSpace space,
      Chunks chunks,
      Lanes lanes) {
    this.region = region;
    this.header = header;
    this.mode = mode;
    this.headerDamaged = !header.isWhole(region);
    this.space = space;
    this.growth = new Growth(region, header, chunks);
    this.allocator = new Allocator(region, header.layout(), chunks, growth);
    this.lanes = lanes;
    // By the era, so that a pool that is made again is the same again.
    this.incarnations =
        new Incarnations((int) new KeyedHash(header.hashSeed()).ofWord(0, access.era(lanes)));
    space.attach(this);
    allocator.load(lanes);
    this.roots = new Roots(this, header.layout());
  }

  /**
   * Begins to describe a pool in a file.
   *
   * @param path the file
   * @return a builder, to create or open it
   */
  public static PoolBuilder at(Path path) {
    return new PoolBuilder(path);
  }

  /**
   * Makes a pool that takes all of a region, which stays the caller's to close. It grows as far as
   * the region does.
   *
   * @param region the region
   * @param layout a name for what the application keeps in it
   * @return the pool
   * @throws IllegalArgumentException if the region is smaller than 1 MiB, or divided into
   *     partitions, or the name too long
   */
  public static Pool create(PersistentRegion region, String layout) {
    return create(region, layout, new SecureRandom());
  }

  /**
   * Makes a pool that takes the beginning of a region, which stays the caller's to close, and grows
   * into the rest of it, and as far as the region does.
   *
   * @param region the region
   * @param layout a name for what the application keeps in it
   * @param size how large it is at first, at least 1 MiB; rounded down to whole pages
   * @return the pool
   * @throws IllegalArgumentException if it is smaller than 1 MiB or larger than the region, the
   *     region is divided into partitions, or the name too long
   */
  public static Pool create(PersistentRegion region, String layout, long size) {
    Extent extent = new Extent(size, 0);
    return create(region, PoolBuilder.Mode.ON_A_REGION, layout, extent, new SecureRandom());
  }

  /**
   * Makes a pool that takes all of a region, as one that can be made again: for crash tests, which
   * must run the same each time.
   *
   * @param region the region
   * @param layout a name for what the application keeps in it
   * @param random what identity, checksum key and hash seed are drawn from
   * @return the pool, which is the same each time but for the time of its creation
   * @throws IllegalArgumentException if the region is smaller than 1 MiB, or divided into
   *     partitions, or the name too long
   */
  public static Pool create(PersistentRegion region, String layout, RandomGenerator random) {
    Extent all = new Extent(region.size(), 0);
    return create(region, PoolBuilder.Mode.ON_A_REGION, layout, all, random);
  }

  /**
   * Opens the pool that is in a region, which stays the caller's to close.
   *
   * @param region the region
   * @param layout the name with which it was made
   * @return the pool
   * @throws HoldfastException if there is no pool, it is damaged, of another version or layout, or
   *     power was lost; the region is as it was
   */
  public static Pool open(PersistentRegion region, String layout) {
    Objects.requireNonNull(layout, "layout");
    return open(region, PoolBuilder.Mode.ON_A_REGION, layout);
  }

  // ---- making and opening

  /**
   * How large a pool is made.
   *
   * @param size of the pool
   * @param lanes how many; 0 to go by the size
   */
  record Extent(long size, int lanes) {}

  /**
   * The log of a pool goes by its size: a sixteenth of it at most, 64 lanes of 64 KiB at most. It
   * does not grow; so in a pool that does, it may have a quarter of what there is at first.
   */
  private static Geometry geometry(Extent extent, long maxSize) {
    long size = Math.min(maxSize, 4 * extent.size());
    int lanes = extent.lanes();
    int count = lanes > 0 ? lanes : size >= 64 << 20 ? 64 : size >= 8 << 20 ? 16 : 4;
    long share = Math.max(1, size / 16 / (count + RESERVED_LANES));
    long ring = Math.clamp(Long.highestOneBit(share), 4096, Lanes.DEFAULT_RING_BYTES);
    return new Geometry(count, (int) ring);
  }

  static Pool create(PersistentRegion region, PoolBuilder.Mode mode, String layout, int laneCount) {
    return create(region, mode, layout, new Extent(region.size(), laneCount), new SecureRandom());
  }

  /**
   * The magics of the copies of the header go first, a word each, which does not tear, and the
   * copies come last, so that a creation which did not finish leaves no pool, or the one before. In
   * place of the magics is a mark, by which {@link PoolBuilder#openOrCreate} knows what it may
   * begin again. What the parts held before is of no account: the log has a new key, the chunk
   * table is one free span, and bitmaps are cleared when runs are made.
   */
  static Pool create(
      PersistentRegion region,
      PoolBuilder.Mode mode,
      String layout,
      Extent extent,
      RandomGenerator random) {
    PoolHeader.checkName(layout);
    if (Partitions.isDivided(region)) {
      throw new IllegalArgumentException(
          "the region is divided into partitions (%s): make the pool in one of them"
              .formatted(region.describe()));
    }
    Geometry geometry = geometry(extent, region.maxSize());
    PoolLayout parts = parts(region, extent, geometry);
    for (long at : new long[] {PoolLayout.FIRST_HEADER, PoolLayout.SECOND_HEADER}) {
      region.putLong(at + PoolLayout.MAGIC_AT, PoolLayout.UNFINISHED);
      region.persist(at + PoolLayout.MAGIC_AT, Long.BYTES);
    }
    Chunks chunks = new Chunks(region, parts);
    HeapSpace space = new HeapSpace(parts, chunks);
    Lanes lanes =
        TransactionAccess.get()
            .format(
                region,
                PoolLayout.LOG,
                geometry.lanes(),
                RESERVED_LANES,
                geometry.ringBytes(),
                random.nextLong(),
                space);
    region.putLong(parts.anchor(), 0);
    region.putLong(parts.entry(0), Span.free(parts.chunkCount()).encode(0));
    region.persist(region.lines().add(parts.anchor(), 8).add(parts.entry(0), 8));
    PoolHeader header =
        new PoolHeader(
            parts,
            randomUuid(random),
            Instant.ofEpochMilli(System.currentTimeMillis()),
            random.nextLong(),
            layout);
    header.storeFirst(region);
    Pool pool = new Pool(region, header, mode, space, chunks, lanes);
    LOG.info("created {}: {}", header.identity(), region.describe());
    return pool;
  }

  private static PoolLayout parts(PersistentRegion region, Extent extent, Geometry geometry) {
    long size = extent.size() & -PersistentRegion.PAGE_BYTES;
    PoolLayout parts =
        PoolLayout.of(
            size, region.maxSize(), geometry.lanes() + RESERVED_LANES, geometry.ringBytes());
    if (size < PoolLayout.MIN_SIZE || size > region.size() || parts.problem() != null) {
      throw new IllegalArgumentException(
          ("no room for a pool: size=%d, maxSize=%d, lanes=%d, region=%d:"
                  + " at least %d bytes, and more for more lanes or a larger maximum")
              .formatted(
                  extent.size(),
                  region.maxSize(),
                  geometry.lanes(),
                  region.size(),
                  PoolLayout.MIN_SIZE));
    }
    return parts;
  }

  /** Of version 4. */
  private static UUID randomUuid(RandomGenerator random) {
    return new UUID(
        random.nextLong() & ~0xF000L | 0x4000, random.nextLong() >>> 2 | Long.MIN_VALUE);
  }

  /** Opens the pool in a region; with a layout of null, whatever layout it has. */
  static Pool open(PersistentRegion region, PoolBuilder.Mode mode, String layout) {
    PoolHeader header = PoolHeader.load(region);
    if (layout != null && !header.name().equals(layout)) {
      throw new PoolException.OtherLayout(layout, header.name(), region.describe());
    }
    PoolLayout parts = header.layout();
    Chunks chunks = new Chunks(region, parts);
    HeapSpace space = new HeapSpace(parts, chunks);
    Lanes lanes =
        TransactionAccess.get()
            .open(
                region,
                PoolLayout.LOG,
                RESERVED_LANES,
                mode.acceptPowerLoss() ? Acceptance.POWER_LOST : Acceptance.NOTHING_LOST,
                logEnd -> {
                  checkLogEnd(parts, logEnd);
                  return space;
                });
    if (!mode.readOnly()) {
      header.finishGrowth(region);
    }
    Pool pool = new Pool(region, header, mode, space, chunks, lanes);
    LOG.info("opened {}: {}, {}", header.identity(), region.describe(), lanes.recovery());
    return pool;
  }

  /** Header and log say where the log ends, each with a checksum of its own. */
  private static void checkLogEnd(PoolLayout parts, long logEnd) {
    if (parts.anchor() != logEnd) {
      throw new HoldfastException.Corrupt(
          PoolLayout.ANCHOR_AT,
          "pool.anchor",
          Long.toString(logEnd),
          Long.toString(parts.anchor()));
    }
  }

  // ---- for the other classes

  PersistentRegion region() {
    return region;
  }

  Allocator allocator() {
    return allocator;
  }

  HeapSpace space() {
    return space;
  }

  Lanes lanes() {
    return lanes;
  }

  Growth growth() {
    return growth;
  }

  PoolLayout layout() {
    return header.layout();
  }

  Roots rootList() {
    return roots;
  }

  long hashSeed() {
    return header.hashSeed();
  }

  Incarnations incarnations() {
    return incarnations;
  }

  ReentrantLock structureLock() {
    return structureLock;
  }

  /** The index at an offset: one for all who use it, since it has latches. */
  HashIndex index(long offset) {
    return indexes.computeIfAbsent(offset, at -> new HashIndex(this, at));
  }

  /** The array of blocks at an offset: one for all who use it, since it has versions. */
  BlockArray blockArray(long offset, int blockBytes, long count) {
    return blockArrays.computeIfAbsent(offset, at -> new BlockArray(this, at, blockBytes, count));
  }

  /** The log at an offset: one for all who use it, since they append in turns. */
  AppendLog log(long offset) {
    return logs.computeIfAbsent(offset, at -> new AppendLog(this, at));
  }

  void forgetCollection(long offset) {
    indexes.remove(offset);
    blockArrays.remove(offset);
    logs.remove(offset);
  }

  /** The heap's part in a transaction of this pool. */
  HeapParticipant participant(Transaction tx) {
    if (access.participant(tx) instanceof HeapParticipant joined) {
      return joined.of(this);
    }
    if (access.lanes(tx) != lanes) {
      throw new IllegalArgumentException("the transaction is another pool's");
    }
    HeapParticipant participant =
        access.idleParticipant(tx) instanceof HeapParticipant idle
            ? idle
            : new HeapParticipant(this);
    participant.begin(tx);
    access.join(tx, participant);
    return participant;
  }

  Object edit(Transaction tx, Editable<?> target) {
    Objects.requireNonNull(target, "target");
    return switch (target) {
      case StoredMap<?, ?> map -> map.edit(this, tx);
      case StoredBlocks blocks -> blocks.edit(this, tx);
      case StoredLog log -> log.edit(this, tx);
      case Block block -> block.edit(this, tx);
      default -> {
        ObjectType<?> type = ObjectType.ofView(target);
        if (type == null) {
          throw new IllegalArgumentException(
              "not an object of a pool, or a view for editing already: "
                  + target.getClass().getName());
        }
        yield type.edit(this, tx, target);
      }
    };
  }

  // ---- roots

  /**
   * The root with a name; made, empty or all zeros, by a transaction of its own if there is none.
   *
   * @param <T> what a program sees of it
   * @param name its name, 1 to 255 bytes
   * @param type its type, which must be the one that it was made with
   * @return the root
   * @throws IllegalArgumentException if the name is too short or too long
   * @throws PoolException.TypeChanged if it was made with another type
   * @throws TransactionException.Conflict if it has to be made, and an open transaction of this
   *     thread drops one
   * @throws PoolException.OutOfPoolSpace if it has to be made, and there is no room
   * @throws PoolException.PoolReadOnly if it has to be made, and the pool was opened for reading
   */
  public <T> T root(String name, Type<T> type) {
    Roots.checkName(name);
    Roots.Found found = roots.find(name);
    return type.open(this, found != null ? checked(found, type) : call(tx -> make(tx, name, type)));
  }

  /** What is in a new collection is claimed by keys of its own, which know nothing of its maker. */
  private long make(Transaction tx, String name, Type<?> type) {
    roots.claim(tx);
    access.followAll(tx);
    Roots.Found found = roots.find(tx, name);
    if (found != null) {
      return checked(found, type);
    }
    long target = type.create(this, tx);
    roots.add(tx, name, type.signature(), target);
    return target;
  }

  private static long checked(Roots.Found found, Type<?> type) {
    if (!found.info().type().equals(type.signature())) {
      throw new PoolException.TypeChanged(
          "root \"" + found.info().name() + "\"", found.info().type(), type.signature());
    }
    return found.info().offset();
  }

  /**
   * The roots that there are.
   *
   * @return the roots, the newest first
   */
  public List<RootInfo> roots() {
    return roots.list().stream().map(Roots.Found::info).toList();
  }

  /**
   * Frees a root, and all that belongs to it; not what it refers to. Nobody may be using it.
   *
   * @param tx the transaction
   * @param name its name
   * @param type its type
   * @throws PoolException.TypeChanged if it was made with another type
   * @throws IllegalArgumentException if there is no such root
   * @throws TransactionException.Conflict if another open transaction drops one, or has claimed
   *     this
   */
  public void drop(Transaction tx, String name, Type<?> type) {
    roots.claim(tx);
    Roots.Found found = roots.find(tx, name);
    if (found == null) {
      throw new IllegalArgumentException("no root has the name \"" + name + "\"");
    }
    type.free(this, tx, checked(found, type));
    roots.remove(tx, found);
  }

  // ---- transactions

  /**
   * Begins a transaction. Waits for a lane; see {@link #setPatience}.
   *
   * @return the transaction, which belongs to the calling thread
   * @throws TransactionException.LaneTimeout if all lanes stay taken
   * @throws PoolException.PoolReadOnly if the pool was opened for reading
   */
  public Transaction begin() {
    refuseReadOnly();
    return lanes.begin();
  }

  /**
   * Runs something in a transaction and commits it, unless it ended it itself; aborts if it throws.
   * After a conflict it is run again, as a transaction of the same age, until it gets through; not
   * after one with another transaction of this thread, nor once it is committed.
   *
   * @param body what to run; possibly more than once
   * @throws TransactionException.Conflict if another transaction of this thread is in the way
   * @throws TransactionException.LaneTimeout if all lanes stay taken
   * @throws TransactionException.LogFull if the changes do not fit into the log
   * @throws TransactionException.BrokenOff if an error came out of an operation, and the body
   *     caught it; the changes are aborted
   * @throws PoolException.PoolReadOnly if the pool was opened for reading
   */
  public void run(Consumer<Transaction> body) {
    refuseReadOnly();
    lanes.run(body);
  }

  /**
   * The same as {@link #run}, with a result.
   *
   * @param <R> the result's type
   * @param body what to run; possibly more than once
   * @return what it returned
   * @throws TransactionException as {@link #run} does
   * @throws PoolException.PoolReadOnly if the pool was opened for reading
   */
  public <R> R call(Function<Transaction, R> body) {
    refuseReadOnly();
    return lanes.call(body);
  }

  private void refuseReadOnly() {
    if (mode.readOnly()) {
      throw new PoolException.PoolReadOnly(region.describe());
    }
  }

  /**
   * Changes how long a transaction waits for a lane, for a younger transaction's claim, or for room
   * in its log, before it gives up; ten seconds unless changed. See {@link Lanes#setPatience}.
   *
   * @param patience how long
   * @throws IllegalArgumentException if it is negative
   */
  public void setPatience(Duration patience) {
    lanes.setPatience(patience);
  }

  /**
   * Makes an object, all zeros and nulls. It is the transaction's alone until that commits, and
   * lost then unless something refers to it.
   *
   * @param <T> its interface
   * @param tx the transaction
   * @param type its type
   * @return the object
   * @throws PoolException.OutOfPoolSpace if there is no room
   * @throws IllegalArgumentException if it is a type of collections, to which nothing can refer but
   *     a name
   */
  public <T> T make(Transaction tx, Type<T> type) {
    if (!(type instanceof ObjectType || type instanceof Block.BlockType)) {
      throw new IllegalArgumentException("a collection is a root, and made by root: " + type);
    }
    return type.open(this, type.create(this, tx));
  }

  /**
   * Takes a block of bytes, whose contents are not defined. It is the transaction's alone until
   * that commits, and lost then unless something refers to it.
   *
   * @param tx the transaction
   * @param bytes how many at least
   * @return the block
   * @throws IllegalArgumentException if it is less than 1
   * @throws PoolException.OutOfPoolSpace if there is no room
   */
  public Block allocate(Transaction tx, long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("a block has at least one byte: bytes=" + bytes);
    }
    return Block.at(this, participant(tx).reserve(bytes, Span.Kind.RAW));
  }

  /**
   * Frees an object, with its strings, or a block. What it refers to is not freed. A collection
   * that is a root is freed by {@link #drop}.
   *
   * @param tx the transaction
   * @param target the object or block
   * @throws PoolException.ObjectFreed if it was freed before
   * @throws TransactionException.Conflict if another open transaction has claimed it
   */
  public void free(Transaction tx, Editable<?> target) {
    switch (target) {
      case Block block -> participant(tx).free(block.offsetIn(this), Span.Kind.RAW);
      case StoredMap<?, ?> map -> throw new IllegalArgumentException("a map is freed by drop");
      case StoredBlocks blocks -> throw new IllegalArgumentException("blocks are freed by drop");
      case StoredLog log -> throw new IllegalArgumentException("a log is freed by drop");
      default -> {
        ObjectType<?> type = ObjectType.ofView(target);
        if (type == null) {
          throw new IllegalArgumentException(
              "not an object of a pool: " + target.getClass().getName());
        }
        type.freeViewed(this, tx, target);
      }
    }
  }

  // ---- about the pool

  /**
   * What the opening found, and did about it.
   *
   * @return the report
   */
  public RecoveryReport recovery() {
    return lanes.recovery();
  }

  /**
   * What there is to know. Reads the bitmap of every run.
   *
   * @return the information, as of now
   */
  public PoolInfo info() {
    Geometry geometry = access.geometry(lanes);
    Allocator.Usage usage = allocator.usage();
    return new PoolInfo(
        PoolLayout.VERSION,
        header.identity(),
        header.name(),
        header.created(),
        header.layout().size(),
        header.layout().maxSize(),
        region.durability(),
        region.granularity(),
        region.describe(),
        geometry.lanes(),
        geometry.ringBytes(),
        roots(),
        usage.usedBytes(),
        usage.freeBytes(),
        allocator.chunks().largestFree());
  }

  /**
   * Goes through all of the pool: chunk table, bitmaps, roots, and whatever is reached from them.
   * Nobody may be changing it meanwhile.
   *
   * @return what was found
   */
  public CheckReport check() {
    return new PoolCheck(this).run();
  }

  /**
   * Closes the pool: waits for commits under way, makes everything durable as far as its medium
   * goes, and marks it as closed. What was not committed never was. Closing twice does nothing.
   *
   * <p>A transaction that is still open cannot be committed any more. What it would only hold back,
   * as a setter, {@code allocate} and {@code free} do, may be refused no earlier than there; what
   * reads or stores is refused at once.
   */
  @Override
  public void close() {
    StackRoom.require(RoomFor.TRANSACTIONS);
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    try {
      if (!mode.readOnly()) {
        growth.end();
        if (headerDamaged) {
          LOG.warn("{}: a damaged copy of the header is rewritten", header.identity());
          header.mend(region);
        }
        lanes.close();
      }
    } finally {
      if (mode.ownsRegion()) {
        region.close();
      }
    }
  }
}
