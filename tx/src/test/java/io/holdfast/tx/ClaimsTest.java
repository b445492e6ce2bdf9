// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.IntToLongFunction;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Claims, also of so many units that stripes overflow. */
class ClaimsTest {
  private static final int LANES = 5;

  private final PersistentRegion region = PersistentRegion.over(Medium.inMemory(4096));
  private final Lane[] lanes = new Lane[LANES];
  private final CommitOrder order = new CommitOrder(LANES);
  private final Claims claims = new Claims(lanes, order);

  ClaimsTest() {
    for (int i = 0; i < LANES; i++) {
      lanes[i] = new Lane(i, region.lines());
      order.use(i);
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

  /** Whoever claims a unit gets a higher number than all that had it, however long ago. */
  @Test
  void claim_ofWhatOthersHad_followsThem() {
    claimInTurns(i -> i < 1000 ? i : 1000 + 7L * i, 6000, 500);
  }

  /** The same in one stripe, with few claims at a time, so that little is left of each. */
  @Test
  void claim_ofWhatOthersHadInOneStripe_followsThem() {
    long[] stripe =
        LongStream.iterate(0, unit -> unit + 64)
            .filter(unit -> (hash(unit) & 0xFF) == 17)
            .limit(30)
            .toArray();
    claimInTurns(i -> stripe[i], stripe.length, 12);
  }

  /** All that had no room in the stripe itself has ended when its table is emptied. */
  @Test
  void claim_whereATableWasEmptied_followsWhoWasInIt() {
    long[] places =
        LongStream.range(0, 7)
            .map(place ->
                LongStream.iterate(0, unit -> unit + 64)
                    .filter(unit -> (hash(unit) & 0xFF) == 17 && (hash(unit) >>> 8 & 7) == place)
                    .findFirst()
                    .orElseThrow())
            .toArray();
    for (long unit = 0, held = 0; held < 3; unit++) {
      if ((hash(-unit) & 0xFF) == 17) {
        assertNull(claims.claim(-unit, lanes[0]));
        held++;
      }
    }
    order.follow(1, 1000);
    for (int place = 0; place < places.length; place++) {
      Lane lane = lanes[place == 0 ? 1 : 2];
      assertNull(claims.claim(places[place], lane));
      order.next(lane.index());
      lane.endTransaction();
    }
    assertNull(claims.claim(places[0], lanes[3]));
    assertEquals(1001, order.last(3));
  }

  /** As the table does it. */
  private static long hash(long unit) {
    long h = unit * 0x9E3779B97F4A7C15L;
    return h ^ h >>> 32;
  }

  private void claimInTurns(IntToLongFunction units, int count, int claimsPerCommit) {
    Random random = new Random(1);
    Map<Long, Lane> owners = new HashMap<>();
    Map<Long, Long> numbers = new HashMap<>();
    for (int i = 0; i < 300_000; i++) {
      Lane lane = lanes[random.nextInt(LANES)];
      int index = lane.index();
      if (random.nextInt(claimsPerCommit) == 0) {
        order.follow(index, order.last(index) + random.nextInt(100));
        long number = order.next(index);
        owners.forEach((unit, owner) -> {
          if (owner == lane) {
            numbers.put(unit, number);
          }
        });
        owners.values().removeIf(owner -> owner == lane);
        lane.endTransaction();
      } else {
        long unit = units.applyAsLong(random.nextInt(count));
        if (claims.claim(unit, lane) == null) {
          owners.put(unit, lane);
          long before = numbers.getOrDefault(unit, 0L);
          assertTrue(order.last(index) >= before, "claim " + i + " of unit " + unit);
        }
      }
    }
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
