// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.crash.MutationTests;
import io.holdfast.tx.spi.Latch;
import org.junit.jupiter.api.Test;

/** Mutants of heap, and what notices them; not the table of counts, which would notice most. */
class MutationTest {
  @Test
  void mutants_failATest() throws Exception {
    new MutationTests(Pool.class)
        .waitingIn(Latch.class)
        .dropped(
            "PersistentRegion.putLong",
            "PersistentRegion.putLongRelease",
            "PersistentRegion.copyIn",
            "PersistentRegion.zero",
            "Lines.add",
            "TransactionAccess.filled",
            "TransactionAccess.follow",
            "TransactionAccess.followAll",
            "Run.ordered",
            "IndexStripes.ordered",
            "TransactionAccess.write",
            "TransactionAccess.claim",
            "TransactionAccess.claimRange",
            "TransactionAccess.free",
            "TransactionAccess.cancel",
            "HeapParticipant.filled",
            "HeapParticipant.claim",
            "HeapParticipant.claimObject",
            "HeapParticipant.claimRange",
            "HeapParticipant.free",
            "HeapParticipant.freeOwned",
            "HeapParticipant.freeCollection",
            "HeapParticipant.invalidate",
            "Allocator.giveBack",
            "Chunks.addRange",
            "Chunks.write",
            "Chunks.removeFromRange",
            "Chunks.added",
            "PoolHeader.storeSize")
        .ordering(
            "PersistentRegion.persist",
            "IndexStripes.lock",
            "IndexStripes.unlock",
            "IndexStripes.beginChange",
            "IndexStripes.endChange",
            "HeapParticipant.claimRange")
        .shortened("Lines.add")
        .plain("PersistentRegion.putLongRelease", "VarHandle.setRelease")
        .zeroed("Span.free")
        .answered("IndexStripes.isStill", "IndexStripes.isStable", "Chunks.hasRange")
        .by("HeapCrashTest")
        .by("PoolTest")
        .by("MapTest")
        .by("LogTest")
        .by("BlocksTest")
        .by("CollectionCrashTest")
        .by("RegressionTest")
        .by("GrowthTest")
        .by("HeapSpaceTest")
        .by("OrderTest")
        .by("MapSchedulesTest")
        .by("PoolCreationTest")
        .by("PoolLayoutTest")
        .by("PoolMisuseTest")
        .by("PoolDamageTest")
        .run();
  }
}
