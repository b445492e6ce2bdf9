// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.ForwardingMedium;
import io.holdfast.flush.Declaration;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.Lines;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.KeyedHash;
import io.holdfast.tx.spi.Participant;
import io.holdfast.tx.spi.TransactionAccess;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Errors in the middle of a commit or an abort: nobody waits for ever, and where nobody can tell
 * what has become of a transaction, the region is poisoned.
 */
@Timeout(60)
class FailureTest {
  private static final int RING = 1 << 16;
  private static final long PATIENCE_NANOS = 10_000_000_000L;
  private static final long SIZE = 1 << 20;

  // ---- one lane, and another that it helps

  private final PersistentRegion region = PersistentRegion.over(Medium.inMemory(SIZE));
  private final LogLayout layout = new LogLayout(0, 2, RING);
  private final Log log =
      new Log(region, layout, new PlainSpace(region, layout), new KeyedHash(5), 1);

  FailureTest() {
    log.order().use(0);
    log.order().use(1);
  }

  private LaneTransaction first(Lane[] lanes) {
    return new LaneTransaction(log, lanes, lanes[0], () -> PATIENCE_NANOS);
  }

  private static Lane[] lanes(Lines first, Lines second) {
    return new Lane[] {new Lane(0, first), new Lane(1, second)};
  }

  private void stage(LaneTransaction tx, int words) {
    for (int i = 0; i < words; i++) {
      tx.staging().entry(LogLayout.entry(LogLayout.SET_WORD, 0, layout.end() + 8L * i), i);
    }
  }

  private static long commit(LaneTransaction tx) {
    return tx.commit(false, number -> {});
  }

  /** Commits so much that the next commit does upkeep, and lets the other lane need help. */
  private void comeToUpkeep(LaneTransaction tx) {
    for (int i = 0; i < 5; i++) {
      stage(tx, 240);
      tx.applied(commit(tx));
    }
    order().applied(1, order().next(1));
  }

  private CommitOrder order() {
    return log.order();
  }

  private boolean isPoisoned() {
    try {
      region.getLong(0);
      return false;
    } catch (HoldfastException.MediumFailed e) {
      return true;
    }
  }

  /** A set of another region cannot be added: an error just after the latch was taken. */
  @Test
  void help_fails_theLatchIsGivenUpAndNothingPoisoned() {
    try (PersistentRegion other = PersistentRegion.over(Medium.inMemory(SIZE))) {
      Lane[] lanes = lanes(region.lines(), other.lines());
      LaneTransaction tx = first(lanes);
      comeToUpkeep(tx);
      assertThrows(IllegalArgumentException.class, tx::upkeep);
      assertTrue(lanes[1].tryLatch());
      lanes[1].unlatch();
      stage(tx, 1);
      assertThrows(IllegalArgumentException.class, () -> commit(tx));
      assertTrue(lanes[1].tryLatch());
      assertFalse(tx.isUndecidable());
      assertFalse(isPoisoned());
    }
  }

  /** A record, when the memory that is kept for it is used up, is refused. */
  @Test
  void commit_failsAfterItsNumber_theLatchIsGivenUpAndTheRegionPoisoned() {
    Lane[] lanes = lanes(region.lines(), region.lines());
    LaneTransaction tx = first(lanes);
    comeToUpkeep(tx);
    Staging staging = tx.staging();
    while (staging.lines() < staging.buffer().capacity() / LogLayout.LINE_WORDS - 2) {
      stage(tx, 1);
    }
    staging.close(LogLayout.DATA);
    while (staging.lines() < staging.buffer().capacity() / LogLayout.LINE_WORDS) {
      staging.record(LogLayout.COMMIT);
    }
    assertThrows(AssertionError.class, () -> commit(tx));
    assertTrue(lanes[1].tryLatch());
    assertTrue(tx.isUndecidable());
    assertTrue(isPoisoned());
  }

  // ---- a medium that fails

  private final FailingMedium medium = new FailingMedium();
  private final PersistentRegion failing = PersistentRegion.over(medium);
  private final Lanes over = Lanes.format(failing, 0, 2, 4096);
  private final List<String> hooks = new ArrayList<>();

  private Transaction begin() {
    Transaction tx = over.begin();
    tx.afterCommit(() -> hooks.add("committed"));
    tx.afterAbort(() -> hooks.add("aborted"));
    return tx;
  }

  /** Every lane can be had, and the lanes closed, without waiting for anybody. */
  private void assertEnded(Transaction tx) {
    medium.left = Long.MAX_VALUE;
    assertFalse(tx.isActive());
    assertEquals(List.of(), hooks);
    over.begin();
    over.begin();
    assertThrows(HoldfastException.MediumFailed.class, over::close);
  }

  @Test
  void commit_anErrorAtEachStep_endsAndPoisons() {
    Transaction tx = begin();
    tx.setLong(over.end(), 1);
    medium.left = 0;
    assertThrows(OutOfMemoryError.class, tx::commit);
    assertEnded(tx);
  }

  @Test
  void commit_anErrorWhenItIsDurable_neitherHookIsRun() {
    Transaction tx = begin();
    tx.setLong(over.end(), 1);
    medium.left = 1;
    assertThrows(OutOfMemoryError.class, tx::commit);
    assertEnded(tx);
    Lanes again = Lanes.open(PersistentRegion.over(medium.whole), 0);
    assertEquals(1, again.region().getLong(again.end()));
  }

  @Test
  void abort_anErrorAtEachStep_endsAndPoisons() {
    Transaction tx = begin();
    tx.snapshot(over.end(), 8);
    failing.putLong(over.end(), 1);
    medium.left = 1;
    assertThrows(OutOfMemoryError.class, tx::abort);
    assertEnded(tx);
    Lanes again = Lanes.open(PersistentRegion.over(medium.whole), 0);
    assertEquals(0, again.region().getLong(again.end()));
  }

  /** What a run throws whose body ends so, and whose abort fails. */
  private Throwable thrownByRun(Runnable end) {
    return assertThrows(
        Throwable.class,
        () ->
            over.run(tx -> {
              tx.snapshot(over.end(), 8);
              medium.left = 0;
              end.run();
            }));
  }

  @Test
  void run_failsAndThenItsAbort_throwsTheFirstWithTheOther() {
    IllegalStateException first = new IllegalStateException("test");
    Throwable thrown =
        thrownByRun(() -> {
          throw first;
        });
    assertSame(first, thrown);
    assertEquals(List.of(medium.error), List.of(thrown.getSuppressed()));
  }

  /** A virtual machine without memory throws one object again and again. */
  @Test
  void run_failsAndThenItsAbortWithTheSame_throwsThat() {
    Throwable thrown =
        thrownByRun(() -> {
          throw medium.error;
        });
    assertSame(medium.error, thrown);
  }

  /** Does nothing until the end, unless it has an error, which it throws from the beginning. */
  private static final class Failing implements Participant {
    private final Error error;

    Failing(Error error) {
      this.error = error;
    }

    private void fail() {
      if (error != null) {
        throw error;
      }
    }

    @Override
    public void prepare() {
      fail();
    }

    @Override
    public void ordered(long number) {}

    @Override
    public void applying() {}

    @Override
    public void applied() {}

    @Override
    public void committed() {
      throw new IllegalStateException("test");
    }

    @Override
    public void aborted() {
      fail();
    }

    @Override
    public Object savepoint() {
      return this;
    }

    @Override
    public void rollbackTo(Object savepoint) {}
  }

  @Test
  void participant_failsAtTheEnd_theLaneIsFree() {
    for (int round = 0; round < 5; round++) {
      Transaction tx = over.begin();
      TransactionAccess.get().join(tx, new Failing(null));
      tx.setLong(over.end(), round);
      assertThrows(IllegalStateException.class, tx::commit);
      assertFalse(tx.isActive());
      assertEquals(round, failing.getLong(over.end()));
    }
  }

  @Test
  void participant_failsAndFailsAgainAtTheAbort_theFirstIsThrown() {
    OutOfMemoryError error = new OutOfMemoryError("test");
    try (Transaction tx = over.begin()) {
      TransactionAccess.get().join(tx, new Failing(error));
      tx.setLong(over.end(), 1);
      assertSame(error, assertThrows(OutOfMemoryError.class, tx::commit));
      assertFalse(tx.isActive());
    }
    over.begin().close();
    over.begin().close();
  }

  @Test
  void begin_anErrorWithTheLaneTaken_theLaneIsFree() {
    for (int round = 0; round < 5; round++) {
      medium.begins = false;
      assertSame(medium.error, assertThrows(OutOfMemoryError.class, over::begin));
    }
    medium.begins = true;
    over.begin();
    over.begin();
  }

  /** Half of what was to be written is there: who catches that and goes on cannot commit it. */
  @Test
  void set_anErrorInTheMiddleThatIsCaught_commitIsRefused() {
    MemorySegment words = MemorySegment.ofArray(new long[] {1, 2, 3, 4});
    Transaction tx = begin();
    tx.snapshot(over.end(), words.byteSize());
    medium.left = 2;
    assertThrows(OutOfMemoryError.class, () -> tx.set(over.end(), words));
    medium.left = Long.MAX_VALUE;
    assertEquals(2, failing.getLong(over.end() + 8));
    var refused = assertThrows(TransactionException.BrokenOff.class, tx::commit);
    assertSame(medium.error, refused.getCause());
    assertFalse(tx.isActive());
    assertEquals(List.of("aborted"), hooks);
    for (long at = 0; at < words.byteSize(); at += 8) {
      assertEquals(0, failing.getLong(over.end() + at));
    }
  }

  @Test
  void run_afterOneThatWasBrokenOff_commits() {
    for (int round = 0; round < 3; round++) {
      long value = round;
      assertThrows(
          TransactionException.BrokenOff.class,
          () ->
              over.run(tx -> {
                tx.setLong(over.end(), -1);
                TransactionAccess.get().breakOff(tx, medium.error);
              }));
      over.run(tx -> tx.setLong(over.end(), value));
      assertEquals(value, failing.getLong(over.end()));
    }
  }

  @Test
  void hooks_failWithOneObject_allAreRun() {
    IllegalStateException failure = new IllegalStateException("test");
    Transaction tx = over.begin();
    for (String name : List.of("first", "second")) {
      tx.afterCommit(() -> {
        hooks.add(name);
        throw failure;
      });
    }
    tx.setLong(over.end(), 1);
    assertSame(failure, assertThrows(IllegalStateException.class, tx::commit));
    assertEquals(List.of("first", "second"), hooks);
  }

  /** Throws an error at the first store or fence after so many, or where a transaction begins. */
  private static final class FailingMedium extends ForwardingMedium {
    private final Medium whole;
    private final OutOfMemoryError error = new OutOfMemoryError("test");
    private long left = Long.MAX_VALUE;
    private boolean begins = true;

    FailingMedium() {
      this(Medium.inMemory(SIZE));
    }

    private FailingMedium(Medium whole) {
      super(whole);
      this.whole = whole;
    }

    private void event() {
      if (left-- <= 0) {
        throw error;
      }
    }

    @Override
    public String describe() {
      return "failing";
    }

    @Override
    public void store(long offset, int bytes, long value) {
      event();
      super.store(offset, bytes, value);
    }

    @Override
    public boolean compareAndSet(long offset, long expected, long value) {
      event();
      return super.compareAndSet(offset, expected, value);
    }

    @Override
    public void persist(Lines lines) {
      event();
      super.persist(lines);
    }

    @Override
    public void persist(long offset, long bytes) {
      event();
      super.persist(offset, bytes);
    }

    @Override
    public void declare(Declaration what, long offset, long bytes) {
      if (what == Declaration.BEGIN && !begins) {
        throw error;
      }
      super.declare(what, offset, bytes);
    }

    /** What was written is opened again. */
    @Override
    public void close() {}
  }
}
