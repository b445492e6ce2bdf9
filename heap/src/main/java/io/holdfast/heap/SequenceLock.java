// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A version that is odd while one writer changes something, and higher afterwards. Writers exclude
 * each other by other means; readers are not kept from anything, and can tell.
 */
final class SequenceLock {
  private static final VarHandle VERSION;

  static {
    try {
      VERSION = MethodHandles.lookup().findVarHandle(SequenceLock.class, "version", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private long version;

  long version() {
    return (long) VERSION.getAcquire(this);
  }

  static boolean isStable(long version) {
    return (version & 1) == 0;
  }

  /** Whether what was read since a version was seen is of that version. */
  boolean isStill(long seen) {
    VarHandle.loadLoadFence();
    return version() == seen;
  }

  void beginChange() {
    VERSION.setOpaque(this, version + 1);
    VarHandle.storeStoreFence();
  }

  void endChange() {
    VERSION.setRelease(this, version + 1);
  }
}
