// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.lang.invoke.VarHandle;

/**
 * A shared mapping whose pages the kernel keeps when the process dies. A store is as durable as it
 * gets once it was executed; all that a fence must do is keep the compiler from reordering, since a
 * signal takes a processor between two instructions and what it has retired becomes visible.
 */
final class ProcessMedium extends FileMedium {
  private final String assumed;

  ProcessMedium(MappedFile file, AddressRange range, String assumed) {
    super(Durability.PROCESS, Granularity.NONE, file, range);
    this.assumed = assumed;
  }

  @Override
  public String describe() {
    return "survives process death (no writeback), " + file().title() + assumed;
  }

  @Override
  public void persist(Lines lines) {
    VarHandle.releaseFence();
    copyPlainly(lines);
    VarHandle.releaseFence();
  }

  @Override
  public void persistAndSurface(Lines lines) {
    Libc.surface();
    persist(lines);
  }

  @Override
  public void persist(long offset, long bytes) {
    VarHandle.releaseFence();
  }

  @Override
  public void sync() {
    GroupSync.fsync(file());
  }
}
