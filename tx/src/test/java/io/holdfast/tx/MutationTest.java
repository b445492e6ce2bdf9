// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.crash.MutationTests;
import org.junit.jupiter.api.Test;

/** Mutants of tx, and what notices them; not the table of counts, which would notice most. */
class MutationTest {
  @Test
  void mutants_failATest() throws Exception {
    new MutationTests(Lanes.class)
        .dropped(
            "PersistentRegion.putLong",
            "PersistentRegion.putLongRelease",
            "PersistentRegion.getAndOrLong",
            "PersistentRegion.getAndAndLong",
            "PersistentRegion.copyIn",
            "PersistentRegion.zero",
            "Lines.add",
            "Lines.addLines",
            "Lines.copy",
            "Lines.clear",
            "Staging.entry",
            "Staging.contents",
            "CoverSet.cover",
            "LaneTransaction.help",
            "LaneTransaction.undo",
            "LaneTransaction.storeWatermark",
            "CommitOrder.next",
            "CommitOrder.nextOfAll",
            "CommitOrder.announce",
            "CommitOrder.follow",
            "CommitOrder.raiseFloor",
            "Claims.forget",
            "CommitOrder.applied",
            "CommitOrder.fenced",
            "CommitOrder.proven",
            "Log.spend",
            "Log.reclaim",
            "Intents.settle",
            "Intents.cancel",
            "ClaimedUnits.claim",
            "Lanes.claim",
            "OpeningMark.refuseIfPowerLost",
            "Lane.endTransaction",
            "Lane.free")
        .ordering(
            "PersistentRegion.persist",
            "PersistentRegion.persistAndSurface",
            "PersistentRegion.sync",
            "LaneTransaction.fence",
            "LaneTransaction.writeBack",
            "LaneTransaction.writeData",
            "Lane.latch",
            "Lane.unlatch")
        .shortened("Lines.add")
        .plain("PersistentRegion.putLongRelease", "VarHandle.setRelease")
        .zeroed("KeyedHash.seed", "KeyedHash.ofWord")
        .answered(
            "Frame.sound",
            "Frame.plausible",
            "LogScan$Walk.step",
            "Space.mayStore",
            "Space.mayAllocate",
            "CommitOrder.isUnfenced",
            "Lane.tryLatch",
            "CoverSet.isDisjoint")
        .by("CrashTest")
        .by("FormatTest")
        .by("TransactionTest")
        .by("LogDamageTest")
        .by("ClaimsTest")
        .by("CoverSetTest")
        .by("CommitOrderTest")
        .by("OpeningMarkTest")
        .by("FailureTest")
        .by("ForgedLogTest")
        .by("LogRoomTest")
        .by("LogSchedulesTest")
        .run();
  }
}
