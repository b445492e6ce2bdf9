// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.crash.MutationTests;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Mutants of tx, and what notices them; not the table of counts, which would notice most. */
class MutationTest {
  @Test
  void mutants_failATest() throws Exception {
    new MutationTests(
            Lanes.class,
            Set.of(
                "PersistentRegion.putLong",
                "PersistentRegion.putLongRelease",
                "PersistentRegion.getAndOrLong",
                "PersistentRegion.getAndAndLong",
                "PersistentRegion.copyIn",
                "PersistentRegion.zero",
                "PersistentRegion.persist",
                "PersistentRegion.persistAndSurface",
                "PersistentRegion.sync",
                "Lines.add",
                "Lines.addLines",
                "Lines.copy",
                "Staging.entry",
                "Staging.contents",
                "LaneTransaction.fence",
                "LaneTransaction.writeBack",
                "LaneTransaction.writeData",
                "LaneTransaction.help",
                "CommitOrder.proven",
                "CommitOrder.applied",
                "CommitOrder.fenced",
                "ClaimedUnits.claim",
                "Lanes.claim"))
        .by("CrashTest")
        .by("FormatTest")
        .by("TransactionTest")
        .by("LogDamageTest")
        .by("CommitOrderTest")
        .by("OpeningMarkTest")
        .by("FailureTest")
        .run();
  }
}
