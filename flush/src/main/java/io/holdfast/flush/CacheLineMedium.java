// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.lang.ref.Reference;
import java.util.OptionalInt;

/**
 * Memory that is durable behind the cache: lines are written back by the stub, and fenced. Where
 * the caches themselves are saved when power fails (eADR) a fence is all that is left to do.
 */
final class CacheLineMedium extends FileMedium {
  private final String assumed;
  private final boolean fenceOnly;
  private final OptionalInt unsafeShutdowns;

  CacheLineMedium(MappedFile file, AddressRange range, String assumed) {
    super(Durability.POWER, Granularity.LINE, file, range);
    this.assumed = assumed;
    this.unsafeShutdowns = file.unsafeShutdowns();
    this.fenceOnly = assumed.isEmpty() && file.domain() == PersistenceDomain.CPU_CACHE;
  }

  @Override
  public String describe() {
    String how = fenceOnly ? "caches are saved, fence by sfence" : writeback();
    return "survives power loss (%s), %s%s".formatted(how, file().title(), assumed);
  }

  @Override
  public OptionalInt unsafeShutdowns() {
    return unsafeShutdowns;
  }

  private static String writeback() {
    return "cache lines by " + WritebackStub.instruction();
  }

  @Override
  public void persist(Lines lines) {
    try {
      WritebackStub.batch(
          lines.copiesAddress(),
          lines.copyCount(),
          lines.rangesAddress(),
          fenceOnly ? 0 : lines.rangeCount(),
          lines.workBytes());
    } finally {
      Reference.reachabilityFence(lines);
    }
  }

  @Override
  public void persistAndSurface(Lines lines) {
    try {
      WritebackStub.batchAndSurface(
          lines.copiesAddress(),
          lines.copyCount(),
          lines.rangesAddress(),
          fenceOnly ? 0 : lines.rangeCount());
    } finally {
      Reference.reachabilityFence(lines);
    }
  }

  @Override
  public void persist(long offset, long bytes) {
    if (fenceOnly) {
      WritebackStub.range(0, 0);
    } else {
      WritebackStub.range(address() + offset, bytes);
    }
  }

  @Override
  public void sync() {
    persist(0, size());
  }
}
