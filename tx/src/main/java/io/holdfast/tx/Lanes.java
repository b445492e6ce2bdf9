// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.Declaration;
import io.holdfast.flush.Durability;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.Lines;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.flush.StackRoom;
import io.holdfast.tx.spi.KeyedHash;
import io.holdfast.tx.spi.Latch;
import io.holdfast.tx.spi.RoomFor;
import io.holdfast.tx.spi.Space;
import io.holdfast.tx.spi.TransactionAccess.Acceptance;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Transactions over a region: a log area with as many lanes as transactions can be open at a time.
 *
 * <p>For structures of one's own on a bare region: the log lies where {@link #format} is told, and
 * everything else in the region is the caller's, to be read through the region and written through
 * transactions. A pool has lanes inside, and is closed as a whole.
 *
 * <p>Thread-safe. {@link #close} waits for commits under way, and leaves what was not committed
 * undone.
 */
public final class Lanes implements AutoCloseable {
  /** The size of a lane's ring unless something else is asked for, in bytes. */
  public static final int DEFAULT_RING_BYTES = 64 << 10;

  private static final Logger LOGGER = LoggerFactory.getLogger(Lanes.class);

  /** The age of a transaction that was not begun before. */
  private static final long NOW = -1;

  private static final long OLDEST = 0;

  static {
    HeapAccess.install();
  }

  private final Log log;
  private final int reserved;
  private final LogHeader header;
  private final Lane[] lanes;
  private final Workspace[] workspaces;
  private final RecoveryReport report;
  private static final Duration FOREVER = Duration.ofNanos(Long.MAX_VALUE);
  private static final String AGAIN = "abort and try again";

  private volatile long patienceNanos = TimeUnit.SECONDS.toNanos(10);
  private volatile boolean closed;

  /** Made with the first claim, since recovery needs none. */
  private volatile Claims claims;

  private Lanes(Log log, int reserved, LogHeader header, RecoveryReport report) {
    this.log = log;
    this.reserved = reserved;
    this.header = header;
    this.report = report;
    this.lanes = new Lane[log.layout().lanes()];
    this.workspaces = new Workspace[lanes.length];
    Arrays.setAll(lanes, i -> new Lane(i, log.region().lines()));
  }

  /**
   * Writes an empty log area, and opens it. It counts as one only when all of it is durable.
   *
   * @param region the region
   * @param offset where, a multiple of 4096
   * @param count how many lanes, 1 to 1024
   * @return the lanes
   * @throws IllegalArgumentException if the area does not fit into the region there
   */
  public static Lanes format(PersistentRegion region, long offset, int count) {
    return format(region, offset, count, DEFAULT_RING_BYTES);
  }

  /**
   * Writes an empty log area, and opens it. It counts as one only when all of it is durable.
   *
   * @param region the region
   * @param offset where, a multiple of 4096
   * @param count how many lanes, 1 to 1024
   * @param ringBytes the size of each lane's ring, a power of two from 1024 to 16 MiB: transactions
   *     that log more need a pool's free space, and without a pool they are refused
   * @return the lanes
   * @throws IllegalArgumentException if the area does not fit into the region there
   */
  public static Lanes format(PersistentRegion region, long offset, int count, int ringBytes) {
    LogLayout layout = layout(region, offset, count, ringBytes);
    return format(region, layout, new SecureRandom().nextLong(), 0, new PlainSpace(region, layout));
  }

  /**
   * Opens a log area, and recovers: what was committed is carried out, what was not is undone.
   *
   * @param region the region
   * @param offset where the area was formatted
   * @return the lanes
   * @throws HoldfastException.Corrupt if no sound log is there
   * @throws HoldfastException.UnsupportedVersion if the log is of another version
   * @throws HoldfastException.PowerLost if power was lost under durability PROCESS, or the memory
   *     was not saved when it was
   */
  public static Lanes open(PersistentRegion region, long offset) {
    return open(region, offset, 0, Acceptance.NOTHING_LOST, PlainSpace::new);
  }

  /**
   * How much room a log area takes.
   *
   * @param count how many lanes
   * @param ringBytes the size of each lane's ring
   * @return its size in bytes, a multiple of 4096
   */
  public static long areaBytes(int count, int ringBytes) {
    return LogLayout.bytes(count, ringBytes);
  }

  /** Makes the space beside a log whose place is known by now. */
  interface SpaceFactory {
    Space of(PersistentRegion region, LogLayout layout);
  }

  static LogLayout layout(PersistentRegion region, long offset, int count, int ringBytes) {
    if (offset < 0 || offset % PersistentRegion.PAGE_BYTES != 0) {
      throw new IllegalArgumentException("a log begins at a page: offset=" + offset);
    }
    if (!LogLayout.validLanes(count)) {
      throw new IllegalArgumentException("1 to 1024 lanes: count=" + count);
    }
    if (!LogLayout.validRing(ringBytes)) {
      throw new IllegalArgumentException(
          "a ring is a power of two from 1024 to 16777216 bytes: ringBytes=" + ringBytes);
    }
    LogLayout layout = new LogLayout(offset, count, ringBytes);
    if (layout.end() > region.size()) {
      throw new IllegalArgumentException(
          "the log does not fit: offset=%d, bytes=%d, region=%d"
              .formatted(offset, layout.end() - offset, region.size()));
    }
    return layout;
  }

  /**
   * The copies of the header go last: before both eras and mark are durable, and rings need
   * nothing, since no frame in them validates under a new key.
   */
  static Lanes format(
      PersistentRegion region, LogLayout layout, long key, int reserved, Space space) {
    StackRoom.require(RoomFor.A_TRANSACTION);
    KeyedHash checksum = new KeyedHash(key);
    LogHeader header = new LogHeader(layout, key);
    long first = layout.area() + LogLayout.HEADER;
    long second = layout.area() + LogLayout.SECOND_HEADER;
    region.zero(first, LogLayout.HEADER_BYTES);
    region.zero(second, LogLayout.HEADER_BYTES);
    int era = 1;
    region.putLong(layout.era(), LogHeader.encodeEra(checksum, era));
    region.putLong(layout.mark(), OpeningMark.now(OpeningMark.State.OPEN, region).encode(checksum));
    Lines lines = region.lines();
    region.persist(
        lines.add(first, 2 * LogLayout.HEADER_BYTES).add(second, LogLayout.HEADER_BYTES));
    lines.clear();
    header.store(region, first);
    header.store(region, second);
    region.persist(lines.add(first, LogLayout.HEADER_BYTES).add(second, LogLayout.HEADER_BYTES));
    RecoveryReport report =
        new RecoveryReport(
            true, region.durability(), 0, 0, 0, 0, RecoveryReport.Phases.NONE, false);
    return new Lanes(new Log(region, layout, space, checksum, era), reserved, header, report);
  }

  static Lanes open(
      PersistentRegion region,
      long offset,
      int reserved,
      Acceptance acceptance,
      SpaceFactory spaces) {
    StackRoom.require(RoomFor.A_TRANSACTION);
    Stopwatch watch = new Stopwatch();
    LogHeader header = LogHeader.load(region, offset);
    LogLayout layout = header.layout();
    if (layout.lanes() <= reserved) {
      throw new HoldfastException.Corrupt(
          offset + LogLayout.HEADER_VERSION_LANES,
          "log.lanes",
          "more than " + reserved,
          Integer.toString(layout.lanes()));
    }
    KeyedHash checksum = new KeyedHash(header.key());
    int era = LogHeader.loadEra(region, layout, checksum);
    OpeningMark mark = OpeningMark.decode(checksum, region.getLong(layout.mark()));
    if (mark == null) {
      throw new HoldfastException.Corrupt(
          layout.mark(),
          "log.mark",
          "a sound mark",
          "0x%016X".formatted(region.getLong(layout.mark())));
    }
    if (acceptance == Acceptance.NOTHING_LOST) {
      mark.refuseIfPowerLost(region.unsafeShutdowns());
    }
    Space space = spaces.of(region, layout);
    Log past = new Log(region, layout, space, checksum, era);
    boolean clean = mark.state() == OpeningMark.State.CLEAN;
    LogScan scan = new LogScan(past);
    Map<Long, Long> rehearsed = Map.of();
    if (!clean) {
      scan.run();
    }
    Duration read = watch.lap();
    if (!clean) {
      rehearsed = Replay.rehearse(past, scan);
    }
    Map<Long, Long> words = rehearsed;
    space.validate(word -> words.containsKey(word) ? words.get(word) : region.getLong(word));
    Duration judged = watch.lap();
    if (mark.durability() == Durability.PROCESS && region.durability() == Durability.POWER) {
      region.sync();
    }
    markOpen(region, layout, checksum, mark, era);
    Duration marked = watch.lap();
    Replay.Stored stored = replay(past, scan);
    Duration carriedOut = watch.lap();
    region.putLong(layout.era(), LogHeader.encodeEra(checksum, era + 1));
    region.persist(layout.era(), Long.BYTES);
    RecoveryReport report =
        new RecoveryReport(
            clean,
            mark.durability(),
            scan.committed().size(),
            stored.forward(),
            scan.undecided().size(),
            stored.back(),
            new RecoveryReport.Phases(read, judged, marked, carriedOut, watch.lap()),
            !header.isAt(region, layout.area() + LogLayout.HEADER)
                || !header.isAt(region, layout.area() + LogLayout.SECOND_HEADER));
    LOGGER.debug("log at offset {}: {}", offset, report);
    return new Lanes(new Log(region, layout, space, checksum, era + 1), reserved, header, report);
  }

  /** The time since it was asked last. */
  private static final class Stopwatch {
    private long since = System.nanoTime();

    Duration lap() {
      long now = System.nanoTime();
      Duration lap = Duration.ofNanos(now - since);
      since = now;
      return lap;
    }
  }

  /** The mark, then the stores, then the era, each durable before the next. */
  private static void markOpen(
      PersistentRegion region, LogLayout layout, KeyedHash checksum, OpeningMark found, int era) {
    if (era == -1) {
      throw new HoldfastException.UnsupportedVersion(
          "the log was opened 4294967295 times, and its eras are used up: copy what is in it to a new one");
    }
    OpeningMark open = OpeningMark.now(OpeningMark.State.OPEN, region);
    region.putLong(layout.mark(), open.encode(checksum));
    region.persist(layout.mark(), Long.BYTES);
    if (open.durability() == Durability.PROCESS && !open.equals(found)) {
      // The mark is there for the case that power is lost: it is on the disk before other pages.
      region.sync();
    }
  }

  private static Replay.Stored replay(Log past, LogScan scan) {
    PersistentRegion region = past.region();
    Lines lines = region.lines();
    region.declare(Declaration.BEGIN, 0, 0);
    Replay.Stored stored = Replay.store(past, scan, lines);
    region.declare(Declaration.END, 0, 0);
    if (!lines.isEmpty()) {
      region.persistAndSurface(lines);
    }
    return stored;
  }

  /**
   * The region.
   *
   * @return what was given at format or open
   */
  public PersistentRegion region() {
    return log.region();
  }

  /**
   * The end of the log area: what comes after it can be used for anything.
   *
   * @return an offset, a multiple of 4096
   */
  public long end() {
    return log.layout().end();
  }

  /**
   * What the open found and did.
   *
   * @return the report
   */
  public RecoveryReport recovery() {
    return report;
  }

  /**
   * Changes how long a transaction waits for a lane, for a younger transaction's claim, or for room
   * in its log, before it gives up; ten seconds unless changed. It is the patience of one wait:
   * {@link #run} begins again after a conflict, as often as there is one.
   *
   * @param patience how long, as long as you like
   * @throws IllegalArgumentException if it is negative
   */
  public void setPatience(Duration patience) {
    if (patience.isNegative()) {
      throw new IllegalArgumentException("negative: patience=" + patience);
    }
    patienceNanos = patience.compareTo(FOREVER) < 0 ? patience.toNanos() : Long.MAX_VALUE;
  }

  long patienceNanos() {
    return patienceNanos;
  }

  Log log() {
    return log;
  }

  /**
   * Begins a transaction. Waits for a lane, up to the {@linkplain #setPatience patience}.
   *
   * @return the transaction, which belongs to the calling thread
   * @throws TransactionException.LaneTimeout if all lanes stay taken; the message says by whom
   */
  public Transaction begin() {
    return begin(NOW);
  }

  /** Begins one of an age, or {@link #NOW}. */
  private Transaction begin(long age) {
    StackRoom.require(RoomFor.A_TRANSACTION);
    int count = userLanes();
    long hash = Thread.currentThread().threadId() * 0x9E3779B9L & 0xFFFF_FFFFL;
    int first = (int) (hash * count >>> 32);
    long since = 0;
    for (int round = 0; ; round++) {
      checkOpen();
      for (int i = 0; i < count; i++) {
        int index = first + i < count ? first + i : first + i - count;
        if (lanes[index].tryTake()) {
          return handle(index, age);
        }
      }
      if (round == 0) {
        since = System.nanoTime();
      } else if (System.nanoTime() - since > patienceNanos) {
        throw new TransactionException.LaneTimeout(
            "all %d lanes are taken, by %s: end transactions, or create with more lanes"
                .formatted(userLanes(), Arrays.stream(lanes).map(Lane::owner).distinct().toList()));
      }
      Latch.pause(round);
    }
  }

  /** How many lanes {@link #begin} chooses from. */
  int userLanes() {
    return lanes.length - reserved;
  }

  /** Whether a lane is the heap's. What it commits there is rare, and follows everything. */
  boolean isReserved(Lane lane) {
    return lane.index() >= userLanes();
  }

  /** A transaction on a lane that only the heap uses, one at a time. */
  Transaction beginReserved(int which) {
    checkOpen();
    int index = userLanes() + which;
    if (!lanes[index].tryTake()) {
      throw new AssertionError("reserved lane " + which + " is taken");
    }
    return handle(index, OLDEST);
  }

  private Transaction handle(int index, long age) {
    try {
      lanes[index].setAge(age == NOW ? log.order().begun(index) : age);
      region().declare(Declaration.BEGIN, 0, 0);
      return new Transaction(workspace(index));
    } catch (Throwable e) {
      lanes[index].free();
      throw e;
    }
  }

  /** The working state of a lane, made when it is first taken, by who has it. */
  private Workspace workspace(int index) {
    if (workspaces[index] == null) {
      Workspace made = new Workspace(this, log, lanes[index], lanes);
      log.order().use(index);
      workspaces[index] = made;
    }
    return workspaces[index];
  }

  /**
   * Runs something in a transaction and commits it, unless it ended it itself; aborts if it throws.
   * After a conflict it is run again, as a transaction of the same age, until it gets through or
   * the conflict is one within the thread. Once it is committed it is never run again: a conflict
   * that an {@linkplain Transaction#afterCommit after-commit hook} has is thrown.
   *
   * @param body what to run; possibly more than once
   * @throws TransactionException.Conflict if another transaction of this thread is in the way
   * @throws TransactionException.LaneTimeout if all lanes stay taken; the message says by whom
   * @throws TransactionException.LogFull if the changes do not fit into the log
   * @throws TransactionException.BrokenOff if an error came out of an operation, and the body
   *     caught it; the changes are aborted
   * @throws TransactionException.Ended if the lanes are closed
   */
  public void run(Consumer<Transaction> body) {
    call(tx -> {
      body.accept(tx);
      return null;
    });
  }

  /**
   * The same as {@link #run}, with a result.
   *
   * @param <R> the result's type
   * @param body what to run; possibly more than once
   * @return what it returned
   * @throws TransactionException as {@link #run} does
   */
  public <R> R call(Function<Transaction, R> body) {
    long age = NOW;
    for (int round = 0; ; round++) {
      Transaction tx = begin(age);
      age = tx.age();
      try {
        R result = body.apply(tx);
        if (tx.isActive()) {
          tx.commit();
        }
        return result;
      } catch (TransactionException.Conflict e) {
        closeAfter(e, tx);
        if (!e.retryable() || tx.isCommitted()) {
          throw e;
        }
      } catch (Throwable e) {
        closeAfter(e, tx);
        throw e;
      }
      Latch.pause(round);
    }
  }

  private static void closeAfter(Throwable failure, Transaction tx) {
    try {
      tx.close();
    } catch (Throwable e) {
      Failures.add(failure, e);
    }
  }

  private Claims claims() {
    Claims made = claims;
    return made != null ? made : makeClaims();
  }

  private synchronized Claims makeClaims() {
    if (claims == null) {
      claims = new Claims(lanes, log.order());
    }
    return claims;
  }

  /** Claims a unit, waiting for a younger holder, and follows who had it: {@link Transaction}. */
  void claim(long unit, Lane lane) {
    Lane holder = claims().claim(unit, lane);
    if (holder != null) {
      waitFor(unit, lane, holder);
    }
  }

  private void waitFor(long unit, Lane lane, Lane first) {
    long since = System.nanoTime();
    Lane holder = first;
    try {
      for (int round = 0; holder != null; round++) {
        checkWait(unit, lane, holder, since);
        Latch.pause(round);
        holder = claims().claimOrWait(unit, lane);
      }
    } finally {
      if (holder != null) {
        claims().leave(unit, lane);
      }
    }
  }

  private void checkWait(long unit, Lane lane, Lane holder, long since) {
    if (Thread.currentThread().equals(holder.owner())) {
      throw conflict(
          unit,
          holder,
          "of this thread, which cannot wait for itself",
          "do both in one transaction, or end that one first",
          false);
    }
    if (holder.isOlderThan(lane) && holder.isBusy()) {
      throw conflict(unit, holder, "that is older", AGAIN, true);
    }
    if (System.nanoTime() - since > patienceNanos) {
      throw conflict(unit, holder, "that does not end", AGAIN, true);
    }
    checkOpen();
  }

  private static TransactionException.Conflict conflict(
      long unit, Lane holder, String why, String remedy, boolean retryable) {
    return new TransactionException.Conflict(
        "unit %d is claimed, or waited for, by a transaction %s (thread %s): %s"
            .formatted(unit, why, holder.owner(), remedy),
        retryable);
  }

  void checkOpen() {
    if (closed) {
      throw new TransactionException.Ended("the lanes are closed: open them again");
    }
  }

  /**
   * Ends the use of the log: waits for commits under way, makes everything durable, and marks the
   * log clean, unless a transaction was left open that had stored in place; that one is undone at
   * the next open. The region stays open. Closing twice does nothing.
   */
  @Override
  public void close() {
    StackRoom.require(RoomFor.A_TRANSACTION);
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    PersistentRegion region = log.region();
    Lines all = region.lines();
    boolean clean = true;
    for (int i = 0; i < lanes.length; i++) {
      lanes[i].latch();
      all.addLines(lanes[i].pending());
      clean &= workspaces[i] == null || !workspaces[i].isLogged();
      lanes[i].unlatch();
    }
    region.persistAndSurface(all);
    mendHeader(region);
    if (clean) {
      syncUnderProcess();
      LogLayout layout = log.layout();
      region.putLong(
          layout.mark(), OpeningMark.now(OpeningMark.State.CLEAN, region).encode(log.checksum()));
      region.persist(layout.mark(), Long.BYTES);
      syncUnderProcess();
    }
  }

  /** What is durable as far as the process goes is put on the disk; the rest is there already. */
  private void syncUnderProcess() {
    if (log.region().durability() == Durability.PROCESS) {
      log.region().sync();
    }
  }

  private void mendHeader(PersistentRegion region) {
    if (report.headerMended()) {
      for (long copy : new long[] {LogLayout.HEADER, LogLayout.SECOND_HEADER}) {
        long at = log.layout().area() + copy;
        if (!header.isAt(region, at)) {
          header.store(region, at);
          region.persist(at, LogLayout.HEADER_BYTES);
        }
      }
    }
  }
}
