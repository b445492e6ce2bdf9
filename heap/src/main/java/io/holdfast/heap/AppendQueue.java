// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.holdfast.flush.StackRoom;
import io.holdfast.tx.spi.Latch;
import io.holdfast.tx.spi.RoomFor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Those who want to append to a log by themselves, in order. Whoever finds nobody at work appends
 * for all who wait, in one transaction: so many threads take one fence, in turn, and none of them
 * meets another one's claim (flat combining: Hendler et al., SPAA 2010).
 *
 * <p>If that fails, each tries by itself, and has its own answer. Who has the end of the log in an
 * open transaction must not wait here for somebody who waits for him: he goes by himself, and is
 * refused as by any claim of his own thread.
 */
final class AppendQueue {
  private static final long MOST_BYTES = 64 << 10;

  /** Any thread but the caller's: a record that it cannot read is copied for whoever serves. */
  private static final Thread ANOTHER = Thread.ofPlatform().unstarted(() -> {});

  private final Pool pool;
  private final AppendLog log;
  private final ConcurrentLinkedQueue<Request> waiting = new ConcurrentLinkedQueue<>();
  private final Latch serving = new Latch();

  private enum State {
    WAITING,
    DONE,
    BY_ITSELF,
    BROKEN_OFF
  }

  private static final class Request {
    private final List<MemorySegment> records;
    private final long bytes;
    private long position;
    private Throwable cause;
    private volatile State state = State.WAITING;

    Request(List<MemorySegment> given) {
      List<MemorySegment> readable = given;
      long sum = 0;
      for (int i = 0; i < given.size(); i++) {
        sum += given.get(i).byteSize();
        if (!given.get(i).isAccessibleBy(ANOTHER)) {
          readable = readable == given ? new ArrayList<>(given) : readable;
          readable.set(i, MemorySegment.ofArray(given.get(i).toArray(JAVA_BYTE)));
        }
      }
      this.records = readable;
      this.bytes = sum;
    }
  }

  AppendQueue(Pool pool, AppendLog log) {
    this.pool = pool;
    this.log = log;
  }

  /** Appends; durable when it returns. Returns the position of the first record. */
  long append(List<MemorySegment> records) {
    StackRoom.require(RoomFor.TRANSACTIONS);
    if (log.isAppendedToByThisThread()) {
      return appendByItself(records);
    }
    Request mine = new Request(records);
    waiting.add(mine);
    for (int round = 0; mine.state == State.WAITING; round++) {
      if (serving.tryLock()) {
        try {
          while (mine.state == State.WAITING) {
            serve(next());
          }
        } finally {
          serving.unlock();
        }
      } else {
        Latch.pause(round);
      }
    }
    return switch (mine.state) {
      case DONE -> mine.position;
      case BROKEN_OFF ->
          throw new IllegalStateException(
              "the thread that was to append for this one was broken off: whether it did is not"
                  + " known",
              mine.cause);
      default -> appendByItself(records);
    };
  }

  private long appendByItself(List<MemorySegment> records) {
    return pool.call(tx -> log.append(tx, records));
  }

  /** Taken from the queue only when they are all together: without memory nobody is forgotten. */
  private List<Request> next() {
    List<Request> batch = new ArrayList<>();
    long bytes = 0;
    for (Request one : waiting) {
      if (!batch.isEmpty() && bytes + one.bytes > MOST_BYTES) {
        break;
      }
      bytes += one.bytes;
      batch.add(one);
    }
    for (int i = 0; i < batch.size(); i++) {
      waiting.poll();
    }
    return batch;
  }

  private void serve(List<Request> batch) {
    State outcome = State.BROKEN_OFF;
    Throwable cause = null;
    try {
      pool.run(tx -> {
        for (Request one : batch) {
          one.position = log.append(tx, one.records);
        }
      });
      outcome = State.DONE;
    } catch (RuntimeException e) {
      outcome = State.BY_ITSELF;
    } catch (Throwable e) {
      cause = e;
      throw e;
    } finally {
      for (Request one : batch) {
        one.cause = cause;
        one.state = outcome;
      }
    }
  }
}
