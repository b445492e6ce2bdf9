// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is said to be left of a stack is what the virtual machine lets Java have of it. */
class StackRoomTest {
  private static final long ROOM = 40 << 10;
  private static final long LARGE = 256 << 10;

  /** No frame of these tests is larger, and none of what {@link StackRoom#require} calls. */
  private static final long FRAMES = 4 << 10;

  /** Where a thread's stack pointer was when it was refused, and when there was no more. */
  private static final class Depths {
    private final long top = WritebackStub.stack();
    private boolean goesOn = true;
    private long refused;
    private long overflowed;
    private String message;

    private void untilRefused() {
      refused = WritebackStub.stack();
      StackRoom.require(ROOM);
      if (goesOn) {
        untilRefused();
      }
    }

    private void untilOverflow() {
      overflowed = WritebackStub.stack();
      if (goesOn) {
        untilOverflow();
      }
    }

    void measure() {
      // Twice: the first time some classes are loaded, as deep as that.
      for (int i = 0; i < 2; i++) {
        message = assertThrows(StackOverflowError.class, this::untilRefused).getMessage();
        assertThrows(StackOverflowError.class, this::untilOverflow);
      }
      goesOn = false;
    }

    long left() {
      return refused - overflowed;
    }

    /** What is asked for, of a small stack less. */
    long expected() {
      return ROOM * Math.min(top - overflowed, LARGE) / LARGE;
    }
  }

  private static Depths measured(Function<Runnable, Thread> threads) throws InterruptedException {
    Depths[] depths = new Depths[1];
    Thread thread =
        threads.apply(() -> {
          Depths measured = new Depths();
          measured.measure();
          depths[0] = measured;
        });
    thread.start();
    thread.join();
    assertNotNull(depths[0], "not measured");
    return depths[0];
  }

  private static void assertRefusedInTime(Depths depths) {
    assertTrue(
        Math.abs(depths.left() - depths.expected()) < FRAMES,
        depths.left() + " bytes are left, and not " + depths.expected());
  }

  private static Thread platform(Runnable body, long stackBytes) {
    return new Thread(null, body, "measured", stackBytes);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 200 << 10, 256 << 10, 512 << 10, 1 << 20, 16 << 20})
  void require_platformThread_refusesWhereSoMuchIsLeft(int stackBytes) throws Exception {
    assertRefusedInTime(measured(body -> platform(body, stackBytes)));
  }

  @Test
  void require_virtualThread_refusesWhereSoMuchIsLeft() throws Exception {
    assertRefusedInTime(measured(body -> Thread.ofVirtual().unstarted(body)));
  }

  /** Where a stack is, is remembered by a few bits of the thread's number: here by the same. */
  @Test
  void require_threadsThatShareAnEntry_eachItsOwnStack() throws Exception {
    CyclicBarrier together = new CyclicBarrier(2);
    Depths[] depths = new Depths[2];
    List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      int index = i;
      Runnable body =
          () -> {
            try {
              depths[index] = new Depths();
              for (int round = 0; round < 20; round++) {
                together.await();
                depths[index].goesOn = true;
                depths[index].measure();
                assertRefusedInTime(depths[index]);
              }
            } catch (Throwable e) {
              failures.add(e);
              together.reset();
            }
          };
      Thread thread = platform(body, (1 + index) << 20);
      while (i == 1 && (thread.threadId() - threads.getFirst().threadId()) % 1024 != 0) {
        thread = platform(body, (1 + index) << 20);
      }
      threads.add(thread);
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      thread.join();
    }
    assertEquals(List.of(), failures);
  }

  @Test
  void require_refused_saysHowMuchThereIsAndWhatToDo() throws Exception {
    String message = measured(body -> platform(body, 0)).message;
    assertTrue(
        message.matches(
            "the stack has room for \\d+ bytes, and \\d+ are needed for this to be done whole or"
                + " not at all: call it from less deep, or give the thread a larger stack"
                + " \\(-Xss\\)"),
        message);
  }
}
