// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Synchronisations of one file, shared by the threads that ask for them.
 *
 * <p>A thread is served by a call that began after it asked. Who finds none running makes one, for
 * itself and for all who asked before it began; who finds one running waits for the next. So any
 * number of threads keep two calls busy at most, one running and one wanted.
 *
 * <p>A failed call is final. The kernel may have marked the pages clean although they never reached
 * the disk, and a second call would then report success (Rebello et al., "Can Applications Recover
 * from fsync Failures?", USENIX ATC 2020).
 */
final class GroupSync {
  /** The call that is shared. */
  interface Call {
    void run() throws Libc.Errno;
  }

  private final String what;
  private final Call call;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition finished = lock.newCondition();
  private long begun;
  private long done;
  private boolean running;
  private HoldfastException.MediumFailed failure;

  /**
   * For one file.
   *
   * @param what its name, for messages
   * @param call synchronises it
   */
  GroupSync(String what, Call call) {
    this.what = what;
    this.call = call;
  }

  static GroupSync of(MappedFile file) {
    return new GroupSync(file.path().toString(), file::fdatasync);
  }

  /** Returns when all that was stored to the file before this call is on the disk. */
  void await() {
    lock.lock();
    try {
      long mine = begun + 1;
      while (done < mine) {
        if (failure != null) {
          throw failed(what, failure);
        }
        if (running) {
          finished.awaitUninterruptibly();
        } else {
          lead();
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private void lead() {
    running = true;
    long number = ++begun;
    lock.unlock();
    Libc.Errno error = null;
    try {
      call.run();
    } catch (Libc.Errno e) {
      error = e;
    } finally {
      lock.lock();
      running = false;
      finished.signalAll();
    }
    if (error != null) {
      failure = failed(what, error);
      throw failure;
    }
    done = number;
  }

  /** One synchronisation of data and metadata, on its own. */
  static void fsync(MappedFile file) {
    try {
      file.fsync();
    } catch (Libc.Errno e) {
      throw failed(file.path().toString(), e);
    }
  }

  private static HoldfastException.MediumFailed failed(String what, Throwable cause) {
    return new HoldfastException.MediumFailed(
        what
            + " could not be synchronised: "
            + cause.getMessage()
            + ": what it holds on disk is unknown from here on; check the device, then open it again",
        cause);
  }
}
