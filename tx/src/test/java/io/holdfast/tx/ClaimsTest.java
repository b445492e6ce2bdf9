// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Claims, also of so many units that stripes overflow. */
class ClaimsTest {
  private static final int LANES = 5;

  private final PersistentRegion region = PersistentRegion.over(Medium.inMemory(4096));
  private final Lane[] lanes = new Lane[LANES];
  private final Claims claims = new Claims(lanes);

  ClaimsTest() {
    for (int i = 0; i < LANES; i++) {
      lanes[i] = new Lane(i, region.lines());
    }
  }

  @AfterEach
  void close() {
    region.close();
  }

  @Test
  void claim_manyUnits_heldUntilTheEndAndThenFree() {
    for (int round = 0; round < 3; round++) {
      Lane holder = lanes[round];
      Lane other = lanes[round + 1];
      for (long unit = 0; unit < 20_000; unit++) {
        assertNull(claims.claim(64 * unit, holder));
      }
      for (long unit = 0; unit < 20_000; unit++) {
        assertSame(holder, claims.claim(64 * unit, other));
        assertNull(claims.claim(64 * unit, holder), "its own, again");
      }
      holder.endTransaction();
    }
  }

  /** Lanes were all taken at the same time here, so that the lower one is the older. */
  @Test
  void claim_whereAnOlderOneWaits_isItsNext() {
    assertNull(claims.claim(64, lanes[3]));
    assertSame(lanes[3], claims.claimOrWait(64, lanes[1]));
    assertNull(claims.claim(64, lanes[3]), "its own, again");
    lanes[3].endTransaction();
    assertSame(lanes[1], claims.claim(64, lanes[3]), "younger than who waits");
    assertSame(lanes[1], claims.claimOrWait(64, lanes[2]));
    assertNull(claims.claim(64, lanes[0]), "older than who waits");
    assertSame(lanes[0], claims.claimOrWait(64, lanes[1]));
    lanes[0].endTransaction();
    assertNull(claims.claimOrWait(64, lanes[1]));
    lanes[1].endTransaction();
    assertNull(claims.claim(64, lanes[3]), "nobody waits any more");
  }

  @Test
  void claim_whereSomeoneWaited_isFreeOnceHeHasLeftOrEnded() {
    assertNull(claims.claim(64, lanes[3]));
    assertSame(lanes[3], claims.claimOrWait(64, lanes[1]));
    assertSame(lanes[3], claims.claimOrWait(64, lanes[0]));
    claims.leave(64, lanes[1]);
    lanes[3].endTransaction();
    assertSame(lanes[0], claims.claim(64, lanes[2]), "the oldest still waits");
    claims.leave(64, lanes[0]);
    assertNull(claims.claim(64, lanes[2]));
    assertSame(lanes[2], claims.claimOrWait(64, lanes[1]));
    lanes[1].endTransaction();
    lanes[2].endTransaction();
    assertNull(claims.claim(64, lanes[4]));
  }

  /** Of each unit the one owner that it can have, whatever is in the table besides. */
  @Test
  void claim_asTransactionsComeAndGo_oneOwnerForEachUnit() {
    Random random = new Random(1);
    Map<Long, Lane> owners = new HashMap<>();
    for (int i = 0; i < 300_000; i++) {
      Lane lane = lanes[random.nextInt(LANES)];
      if (random.nextInt(2000) == 0) {
        lane.endTransaction();
        owners.values().removeIf(owner -> owner == lane);
      } else {
        long unit = random.nextInt(6000) - 3000L;
        Lane owner = owners.putIfAbsent(unit, lane);
        assertEquals(owner == lane ? null : owner, claims.claim(unit, lane), "claim " + i);
      }
    }
  }
}
