// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

/** Anonymous memory: what a region is in tests, and wherever files cannot be mapped. */
final class MemoryMedium extends DirectMedium {
  private MemoryMedium(AddressRange range, long size) {
    super(Durability.PROCESS, Granularity.NONE, range, size);
  }

  static MemoryMedium ofSize(long bytes) {
    return new MemoryMedium(AddressRange.anonymous(bytes), bytes);
  }

  @Override
  public String describe() {
    return "in memory (survives nothing)";
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
