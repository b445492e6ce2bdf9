// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.lang.ref.Reference;

/** Memory that is durable behind the cache: lines are written back by the stub, and fenced. */
final class CacheLineMedium extends FileMedium {
  private final String assumed;

  CacheLineMedium(MappedFile file, AddressRange range, String assumed) {
    super(Durability.POWER, Granularity.LINE, file, range);
    this.assumed = assumed;
  }

  @Override
  public String describe() {
    return "survives power loss (cache lines by %s), %s%s"
        .formatted(WritebackStub.instruction(), file().fileSystemTitle(), assumed);
  }

  @Override
  public void persist(Lines lines) {
    try {
      WritebackStub.batch(
          lines.copiesAddress(),
          lines.copyCount(),
          lines.rangesAddress(),
          lines.rangeCount(),
          lines.workBytes());
    } finally {
      Reference.reachabilityFence(lines);
    }
  }

  @Override
  public void persistAndSurface(Lines lines) {
    try {
      WritebackStub.batchAndSurface(
          lines.copiesAddress(), lines.copyCount(), lines.rangesAddress(), lines.rangeCount());
    } finally {
      Reference.reachabilityFence(lines);
    }
  }

  @Override
  public void persist(long offset, long bytes) {
    WritebackStub.range(address() + offset, bytes);
  }

  @Override
  public void sync() {
    WritebackStub.range(address(), size());
  }
}
