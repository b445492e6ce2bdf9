// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
@Tag("media")
class GroupSyncTest {
  @Test
  void await_manyWhileOneRuns_shareTheNext() throws Exception {
    int waiters = 8;
    CountDownLatch firstRuns = new CountDownLatch(1);
    CountDownLatch letItEnd = new CountDownLatch(1);
    AtomicInteger calls = new AtomicInteger();
    GroupSync sync =
        new GroupSync(
            "test",
            () -> {
              if (calls.incrementAndGet() == 1) {
                firstRuns.countDown();
                await(letItEnd);
              }
            });
    List<Thread> threads = new ArrayList<>();
    threads.add(Thread.ofVirtual().start(sync::await));
    firstRuns.await();
    for (int i = 0; i < waiters; i++) {
      threads.add(Thread.ofPlatform().start(sync::await));
    }
    while (threads.stream().skip(1).anyMatch(t -> t.getState() != Thread.State.WAITING)) {
      Thread.onSpinWait();
    }
    letItEnd.countDown();
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(2, calls.get(), "one call that was running, one for all who waited");
  }

  @Test
  void await_storeBeforeTheCall_neverServedByAnEarlierCall() throws Exception {
    AtomicInteger stored = new AtomicInteger();
    AtomicInteger synced = new AtomicInteger();
    GroupSync sync =
        new GroupSync(
            "test",
            () -> {
              int seen = stored.get();
              LockSupport.parkNanos(1000);
              synced.accumulateAndGet(seen, Math::max);
            });
    AtomicInteger early = new AtomicInteger();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                for (int n = 0; n < 2000; n++) {
                  int mine = stored.incrementAndGet();
                  sync.await();
                  if (synced.get() < mine) {
                    early.incrementAndGet();
                  }
                }
              }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(0, early.get());
  }

  @Test
  void await_afterAFailure_failsForEver() {
    AtomicInteger calls = new AtomicInteger();
    GroupSync sync =
        new GroupSync(
            "pool",
            () -> {
              calls.incrementAndGet();
              throw new Libc.Errno("fdatasync", 5);
            });
    var first = assertThrows(HoldfastException.MediumFailed.class, sync::await);
    assertTrue(first.getMessage().startsWith("pool could not be synchronised: fdatasync: errno 5"));
    assertThrows(HoldfastException.MediumFailed.class, sync::await);
    assertEquals(1, calls.get(), "a second call could report a success that never happened");
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
