// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

/**
 * An ordinary file in the page cache: the kernel synchronises it. One call serves every thread that
 * was waiting when it began, whichever lines they wanted: the device's flush is what costs.
 */
final class PageMedium extends DirectMedium {
  private final MappedFile file;
  private final String assumed;
  private final GroupSync sync;

  PageMedium(MappedFile file, AddressRange range, String assumed) {
    super(Durability.POWER, Granularity.PAGE, range, file.size());
    this.file = file;
    this.assumed = assumed;
    this.sync = GroupSync.of(file);
  }

  @Override
  public String describe() {
    return "survives power loss (pages by fdatasync), " + file.fileSystemTitle() + assumed;
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

  @Override
  public void close() {
    super.close();
    file.close();
  }
}
