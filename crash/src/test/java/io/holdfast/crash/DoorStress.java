// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import io.holdfast.flush.Durability;
import io.holdfast.flush.Granularity;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.JJJJ_Result;
import org.openjdk.jcstress.infra.results.JJJ_Result;
import org.openjdk.jcstress.infra.results.J_Result;
import org.openjdk.jcstress.infra.results.LLJ_Result;
import org.openjdk.jcstress.infra.results.LL_Result;
import org.openjdk.jcstress.infra.results.L_Result;
import org.openjdk.jcstress.infra.results.ZZJ_Result;

/**
 * What two threads may see of each other through a region: for jcstress, which makes a state of a
 * class, lets each actor loose on it in a thread of its own, and counts the results. Whatever is
 * not an outcome that is named here is forbidden. {@link StressChild} runs it.
 */
final class DoorStress {
  private static final long VALUE = 42;
  private static final int PAGE = PersistentRegion.PAGE_BYTES;

  private DoorStress() {}

  /**
   * Two lines of a region that all states share, since a region costs system calls and address
   * space. A slot comes round again after so many states that nobody uses the last one any more.
   */
  public abstract static class Slot {
    private static final long LINE = 64;
    private static final long SLOTS = 1 << 12;
    private static final AtomicLong NEXT = new AtomicLong();

    static final PersistentRegion REGION = PersistentRegion.over(Medium.inMemory(SLOTS * 2 * LINE));

    final long x = NEXT.getAndIncrement() % SLOTS * 2 * LINE;
    final long y = x + LINE;

    Slot() {
      REGION.zero(x, 2 * LINE);
    }
  }

  /** What was stored before a release is there after the acquire that sees it. */
  @JCStressTest
  @Outcome(id = "0, .*", expect = ACCEPTABLE, desc = "not yet")
  @Outcome(id = "1, 1, 2, 3", expect = ACCEPTABLE, desc = "all of it")
  @State
  public static class Published extends Slot {
    @Actor
    public void writer() {
      REGION.putLong(x, 1);
      REGION.putInt(x + 12, 2);
      REGION.putByte(x + 23, (byte) 3);
      REGION.putLongRelease(y, 1);
    }

    @Actor
    public void reader(JJJJ_Result result) {
      result.r1 = REGION.getLongAcquire(y);
      result.r2 = REGION.getLong(x);
      result.r3 = REGION.getInt(x + 12);
      result.r4 = REGION.getByte(x + 23);
    }
  }

  /** Of two who replace the same value one does. */
  @JCStressTest
  @Outcome(id = "true, false, 1", expect = ACCEPTABLE, desc = "the first")
  @Outcome(id = "false, true, 2", expect = ACCEPTABLE, desc = "the second")
  @State
  public static class Replaced extends Slot {
    @Actor
    public void first(ZZJ_Result result) {
      result.r1 = REGION.compareAndSetLong(x, 0, 1);
    }

    @Actor
    public void second(ZZJ_Result result) {
      result.r2 = REGION.compareAndSetLong(x, 0, 2);
    }

    @Arbiter
    public void end(ZZJ_Result result) {
      result.r3 = REGION.getLong(x);
    }
  }

  /** Nobody's bit is lost. */
  @JCStressTest
  @Outcome(id = "5", expect = ACCEPTABLE, desc = "two set, two cleared")
  @State
  public static class Bits extends Slot {
    public Bits() {
      REGION.putLong(x, 10);
    }

    @Actor
    public void first() {
      REGION.getAndOrLong(x, 1);
      REGION.getAndAndLong(x, ~2);
    }

    @Actor
    public void second() {
      REGION.getAndOrLong(x, 4);
      REGION.getAndAndLong(x, ~8);
    }

    @Arbiter
    public void end(J_Result result) {
      result.r1 = REGION.getLong(x);
    }
  }

  /** Aligned words of 8 and of 4 bytes are old or new. */
  @JCStressTest
  @Outcome(id = "(0|-1), (0|-1), (0|-1)", expect = ACCEPTABLE, desc = "whole")
  @State
  public static class Whole extends Slot {
    @Actor
    public void writer() {
      REGION.putLong(x, -1);
      REGION.putInt(x + 12, -1);
      REGION.putInt(x + 16, -1);
    }

    @Actor
    public void reader(JJJ_Result result) {
      result.r1 = REGION.getLong(x);
      result.r2 = REGION.getInt(x + 12);
      result.r3 = REGION.getInt(x + 16);
    }
  }

  /** A store leaves alone what another thread stores beside it. */
  @JCStressTest
  @Outcome(id = "8589934593, 513, 3", expect = ACCEPTABLE, desc = "all of them")
  @State
  public static class Neighbours extends Slot {
    @Actor
    public void first() {
      REGION.putInt(x, 1);
      REGION.putByte(x + 8, (byte) 1);
      REGION.getAndOrLong(x + 16, 1);
    }

    @Actor
    public void second() {
      REGION.putInt(x + 4, 2);
      REGION.putByte(x + 9, (byte) 2);
      REGION.getAndOrLong(x + 16, 2);
    }

    @Arbiter
    public void end(JJJ_Result result) {
      result.r1 = REGION.getLong(x);
      result.r2 = REGION.getLong(x + 8);
      result.r3 = REGION.getLong(x + 16);
    }
  }

  /** A region of its own, since what is done to it is done once. */
  public abstract static class Own {
    final PersistentRegion region = make();
    private volatile boolean done;

    PersistentRegion make() {
      PersistentRegion made = PersistentRegion.over(Medium.inMemory(PAGE));
      made.putLong(0, VALUE);
      return made;
    }

    final void once(Runnable change) {
      try {
        change.run();
      } finally {
        done = true;
      }
    }

    /** What comes of reading until after the change: each result or refusal, when it is another. */
    final String seen(LongSupplier read) {
      StringBuilder all = new StringBuilder();
      String last = "";
      boolean finished;
      do {
        finished = done;
        String now = outcome(read);
        if (!now.equals(last)) {
          all.append(last.isEmpty() ? "" : " ").append(now);
          last = now;
        }
      } while (!finished);
      return all.toString();
    }
  }

  /** The same, in a file that can grow by a page. */
  public abstract static class OwnFile extends Own {
    private static final AtomicLong NEXT = new AtomicLong();

    private Path file;

    @Override
    final PersistentRegion make() {
      file = Path.of("region-" + NEXT.incrementAndGet());
      try {
        Files.write(file, new byte[PAGE]);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return open(file);
    }

    PersistentRegion open(Path path) {
      return PersistentRegion.open(path, Durability.PROCESS, 2 * PAGE);
    }

    /** Closes the region and returns what is in the file. */
    final ByteBuffer end() {
      region.close();
      try {
        byte[] bytes = Files.readAllBytes(file);
        Files.delete(file);
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static String outcome(LongSupplier read) {
    try {
      return String.valueOf(read.getAsLong());
    } catch (HoldfastException | IndexOutOfBoundsException | IllegalStateException e) {
      return e.getClass().getSimpleName();
    }
  }

  private static String outcome(Runnable call) {
    return outcome(() -> {
      call.run();
      return 1;
    });
  }

  /** A reader of a region that is closed has the value, then zeros, then the refusal. */
  @JCStressTest
  @Outcome(id = "(42 )?(0 )?RegionClosed", expect = ACCEPTABLE, desc = "in this order")
  @State
  public static class ClosedUnderReader extends Own {
    @Actor
    public void closer() {
      once(region::close);
    }

    @Actor
    public void reader(L_Result result) {
      result.r1 = seen(() -> region.getLong(0));
    }
  }

  /** A reader of a segment never has the zeros: segments end before the memory goes. */
  @JCStressTest
  @Outcome(
      id = "(42 )?(IllegalStateException|RegionClosed)",
      expect = ACCEPTABLE,
      desc = "in this order")
  @State
  public static class ClosedUnderSegment extends Own {
    @Actor
    public void closer() {
      once(region::close);
    }

    @Actor
    public void reader(L_Result result) {
      try {
        MemorySegment segment = region.view(0, Long.BYTES);
        result.r1 = seen(() -> segment.get(ValueLayout.JAVA_LONG, 0));
      } catch (HoldfastException | IllegalStateException e) {
        result.r1 = e.getClass().getSimpleName();
      }
    }
  }

  /** What was persisted without a refusal is in the file, however late it was. */
  @JCStressTest
  @Outcome(id = "1, 42", expect = ACCEPTABLE, desc = "persisted")
  @Outcome(id = "RegionClosed, (0|42)", expect = ACCEPTABLE, desc = "refused")
  @State
  public static class ClosedUnderWriter extends OwnFile {
    @Actor
    public void closer() {
      once(region::close);
    }

    @Actor
    public void writer(LL_Result result) {
      result.r1 =
          outcome(() -> {
            region.putLong(0, VALUE);
            region.persist(0, Long.BYTES);
          });
    }

    @Arbiter
    public void end(LL_Result result) {
      result.r2 = end().getLong(0);
    }
  }

  /** The same where to persist is a system call, on a file that is being closed. */
  @JCStressTest
  @Outcome(id = "1, 42", expect = ACCEPTABLE, desc = "persisted")
  @Outcome(id = "RegionClosed, (0|42)", expect = ACCEPTABLE, desc = "refused")
  @State
  public static class ClosedUnderSync extends OwnFile {
    @Override
    PersistentRegion open(Path path) {
      return PersistentRegion.over(Medium.assuming(path, Granularity.PAGE));
    }

    @Actor
    public void closer() {
      once(region::close);
    }

    @Actor
    public void writer(LL_Result result) {
      result.r1 =
          outcome(() -> {
            region.putLong(0, VALUE);
            region.persist(0, Long.BYTES);
          });
    }

    @Arbiter
    public void end(LL_Result result) {
      result.r2 = end().getLong(0);
    }
  }

  /** A growth is carried out or refused. */
  @JCStressTest
  @Outcome(id = "1, 8192", expect = ACCEPTABLE, desc = "grown")
  @Outcome(id = "RegionClosed, (4096|8192)", expect = ACCEPTABLE, desc = "refused")
  @State
  public static class ClosedUnderGrower extends OwnFile {
    @Actor
    public void closer() {
      once(region::close);
    }

    @Actor
    public void grower(LL_Result result) {
      result.r1 = outcome(() -> region.grow(2 * PAGE));
    }

    @Arbiter
    public void end(LL_Result result) {
      result.r2 = end().capacity();
    }
  }

  /** A reader of a region that is poisoned has the value, then the refusal for ever. */
  @JCStressTest
  @Outcome(id = "(42 )?MediumFailed", expect = ACCEPTABLE, desc = "in this order")
  @State
  public static class PoisonedUnderReader extends Own {
    @Actor
    public void poisoner() {
      once(() -> region.poison(new IllegalStateException("poisoned for a test")));
    }

    @Actor
    public void reader(L_Result result) {
      result.r1 = seen(() -> region.getLong(0));
    }

    @Arbiter
    public void end(L_Result result) {
      region.close();
    }
  }

  /** What a sealed region has accepted is there, and what it has refused is not. */
  @JCStressTest
  @Outcome(id = "1, 1, 2", expect = ACCEPTABLE, desc = "both stored")
  @Outcome(id = "1, ReadOnly, 1", expect = ACCEPTABLE, desc = "one stored")
  @Outcome(id = "ReadOnly, ReadOnly, 42", expect = ACCEPTABLE, desc = "none stored")
  @State
  public static class SealedUnderWriter extends Own {
    @Actor
    public void sealer() {
      once(region::seal);
    }

    @Actor
    public void writer(LLJ_Result result) {
      result.r1 = outcome(() -> region.putLongRelease(0, 1));
      result.r2 = outcome(() -> region.compareAndSetLong(0, 1, 2));
    }

    @Arbiter
    public void end(LLJ_Result result) {
      result.r3 = region.getLong(0);
      region.close();
    }
  }

  /** A reader of what is to come is refused, then has zeros, then what was stored. */
  @JCStressTest
  @Outcome(
      id = "(IndexOutOfBoundsException )?(0 )?42, 42",
      expect = ACCEPTABLE,
      desc = "in this order")
  @State
  public static class GrownUnderReader extends OwnFile {
    @Actor
    public void grower() {
      once(() -> {
        region.grow(2 * PAGE);
        region.putLong(PAGE, VALUE);
      });
    }

    @Actor
    public void reader(LL_Result result) {
      result.r1 = seen(() -> region.getLong(PAGE));
    }

    @Arbiter
    public void end(LL_Result result) {
      result.r2 = end().getLong(PAGE);
    }
  }

  /** Who is told of a growth finds it done, whichever limit he sees. */
  @JCStressTest
  @Outcome(id = "(0 )?1, 0", expect = ACCEPTABLE, desc = "told")
  @State
  public static class GrowthTold extends OwnFile {
    @Actor
    public void grower() {
      once(() -> {
        region.grow(2 * PAGE);
        region.putLongRelease(0, 1);
      });
    }

    @Actor
    public void reader(LL_Result result) {
      result.r1 = seen(() -> region.getLongAcquire(0));
      result.r2 = outcome(() -> region.getLong(PAGE));
    }

    @Arbiter
    public void end(LL_Result result) {
      end();
    }
  }
}
