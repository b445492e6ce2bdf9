// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

/**
 * An ordinary file in the page cache: the kernel synchronises it. One call serves every thread that
 * was waiting when it began, whichever lines they wanted: the device's flush is what costs.
 */
final class PageMedium extends FileMedium {
  private final String assumed;
  private final GroupSync sync;

  PageMedium(MappedFile file, AddressRange range, String assumed) {
    super(Durability.POWER, Granularity.PAGE, file, range);
    this.assumed = assumed;
    this.sync = GroupSync.of(file);
  }

  @Override
  public String describe() {
    return "survives power loss (pages by fdatasync), " + file().title() + assumed;
  }

  @Override
  public void persist(Lines lines) {
    copyPlainly(lines);
    sync.await();
  }

  @Override
  public void persistAndSurface(Lines lines) {
    Libc.surface();
    persist(lines);
  }

  @Override
  public void persist(long offset, long bytes) {
    sync.await();
  }

  @Override
  public void sync() {
    sync.await();
  }

  /**
   * By the call that is shared, which has the length too: the kernel tells of a failed writeback
   * once, and whoever is told must tell all.
   */
  @Override
  void synchroniseLength() {
    sync.await();
  }
}
