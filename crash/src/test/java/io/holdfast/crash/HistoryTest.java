// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import static io.holdfast.crash.History.ABSENT;
import static io.holdfast.crash.History.NEVER;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.History.Kind;
import io.holdfast.crash.History.Operation;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Histories that can have happened, and such that cannot. */
class HistoryTest {
  private static final long KEY = 7;

  private static Operation put(long value, long old, long begin, long end) {
    return new Operation(Kind.PUT, value, old, begin, end);
  }

  private static Operation get(long seen, long begin, long end) {
    return new Operation(Kind.GET, 0, seen, begin, end);
  }

  private static boolean canBe(long last, Operation... operations) {
    History history = new History();
    for (Operation one : operations) {
      history.add(KEY, one);
    }
    List<String> violations = history.violations(key -> ABSENT, key -> last);
    violations.forEach(text -> assertTrue(text.startsWith("key 7: after "), text));
    return violations.isEmpty();
  }

  private static void assertCanBe(boolean expected, long last, Operation... operations) {
    assertEquals(expected, canBe(last, operations), List.of(operations).toString());
  }

  @Test
  void oneAfterTheOther_resultsDecide() {
    assertCanBe(true, 2, put(1, ABSENT, 1, 2), put(2, 1, 3, 4));
    assertCanBe(false, 2, put(1, ABSENT, 1, 2), put(2, ABSENT, 3, 4));
    assertCanBe(false, 1, put(1, ABSENT, 1, 2), put(2, 1, 3, 4));
    assertCanBe(false, 2, put(1, 2, 1, 2), put(2, ABSENT, 3, 4));
  }

  @Test
  void atTheSameTime_anyOrder() {
    assertCanBe(true, 1, put(1, 2, 1, 4), put(2, ABSENT, 2, 3));
    assertCanBe(true, 2, put(1, ABSENT, 1, 4), put(2, 1, 2, 3));
    assertCanBe(false, 1, put(1, ABSENT, 1, 4), put(2, 1, 2, 3));
  }

  @Test
  void cutOff_happenedOrNot() {
    assertCanBe(true, 1, put(1, ABSENT, 1, 2), put(2, 0, 3, NEVER));
    assertCanBe(true, 2, put(1, ABSENT, 1, 2), put(2, 0, 3, NEVER));
    assertCanBe(false, 3, put(1, ABSENT, 1, 2), put(2, 0, 3, NEVER));
    assertCanBe(false, 2, put(2, 0, 1, NEVER), put(1, 2, 2, 3), get(1, 4, 5));
  }

  @Test
  void acknowledgedButGone_cannotBe() {
    assertCanBe(false, ABSENT, put(1, ABSENT, 1, 2));
  }

  /** Visible before it is durable: the reader has told others by then. */
  @Test
  void seenButGone_cannotBe() {
    assertCanBe(true, 1, put(1, 0, 1, NEVER), get(1, 2, 3));
    assertCanBe(false, ABSENT, put(1, 0, 1, NEVER), get(1, 2, 3));
    assertCanBe(true, ABSENT, put(1, 0, 1, NEVER), get(ABSENT, 2, 3));
  }

  @Test
  void allKinds_doWhatMapsDo() {
    Operation absent = new Operation(Kind.PUT_IF_ABSENT, 5, ABSENT, 1, 2);
    Operation present = new Operation(Kind.PUT_IF_ABSENT, 6, 5, 3, 4);
    Operation replaced = new Operation(Kind.REPLACE, 7, 5, 5, 6);
    Operation removed = new Operation(Kind.REMOVE, 0, 7, 7, 8);
    Operation nothing = new Operation(Kind.REPLACE, 8, ABSENT, 9, 10);
    assertCanBe(true, ABSENT, absent, present, replaced, removed, nothing);
    assertCanBe(false, 8, absent, present, replaced, removed, nothing);
  }

  /** Made by threads that really have an order; and then with one result changed. */
  @Test
  void long_histories_foundRightAndFoundWrong() {
    SplittableRandom random = new SplittableRandom(1);
    for (int round = 0; round < 20; round++) {
      List<Operation> operations = new ArrayList<>();
      long state = ABSENT;
      for (int i = 1; i <= 2000; i++) {
        long at = 10L * i;
        long begin = at - random.nextInt(30);
        long end = at + 1 + random.nextInt(30);
        boolean writes = random.nextInt(3) > 0;
        operations.add(writes ? put(i, state, begin, end) : get(state, begin, end));
        state = writes ? i : state;
      }
      assertTrue(canBe(state, operations.toArray(Operation[]::new)));
      int which = random.nextInt(operations.size());
      Operation one = operations.get(which);
      operations.set(
          which, new Operation(one.kind(), one.argument(), 99_999, one.begin(), one.end()));
      assertTrue(!canBe(state, operations.toArray(Operation[]::new)));
    }
  }
}
