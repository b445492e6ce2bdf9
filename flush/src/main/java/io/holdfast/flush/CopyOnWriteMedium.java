// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

/**
 * A file for reading. Stores are possible, so that a reader can recover a pool that needs it, and
 * go to private pages that nobody else sees and that end with the mapping.
 */
final class CopyOnWriteMedium extends FileMedium {

  CopyOnWriteMedium(MappedFile file, AddressRange range) {
    super(Durability.PROCESS, Granularity.NONE, file, range);
  }

  @Override
  public String describe() {
    return "read-only (private copy on write), " + file().title();
  }

  @Override
  public void persist(Lines lines) {
    copyPlainly(lines);
  }

  @Override
  public void persist(long offset, long bytes) {}

  @Override
  public void sync() {}
}
