// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class MappedFileTest {
  @TempDir Path folder;

  /** Else the call might be on another file, which was opened since. */
  @Test
  void close_whileACallIsOnTheDescriptor_waitsForIt() throws Exception {
    MappedFile file = MappedFile.create(folder.resolve("file"), 4096);
    Path descriptor = Path.of("/proc/self/fd/" + file.fd());
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch mayEnd = new CountDownLatch(1);
    Thread caller =
        Thread.ofPlatform()
            .start(() -> {
              try {
                file.whileOpen(
                    "test",
                    fd -> {
                      begun.countDown();
                      awaitQuietly(mayEnd);
                    });
              } catch (Libc.Errno e) {
                throw new AssertionError(e);
              }
            });
    begun.await();
    Thread closer = Thread.ofPlatform().start(file::close);
    while (closer.getState() != Thread.State.WAITING) {
      assertTrue(closer.isAlive(), "closed under a call");
      Thread.onSpinWait();
    }
    assertTrue(Files.exists(descriptor));
    mayEnd.countDown();
    caller.join();
    closer.join();
    assertFalse(Files.exists(descriptor));
    Libc.Errno e = assertThrows(Libc.Errno.class, file::fdatasync);
    assertEquals(Libc.EBADF, e.number);
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
