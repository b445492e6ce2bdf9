// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Words that are held back, beside a map of them. */
class WriteSetTest {
  /** More than a set keeps room for when it is cleared. */
  private static final int MANY = 70_000;

  private final WriteSet set = new WriteSet();
  private Map<Long, Long> model = new LinkedHashMap<>();

  private void put(long offset, long value) {
    set.put(offset, value);
    model.put(offset, value);
  }

  private void clear() {
    set.clear();
    model.clear();
    assertEquals(0, set.count());
  }

  private void assertAsTheModel() {
    assertEquals(model.size(), set.count());
    int index = 0;
    for (Map.Entry<Long, Long> word : model.entrySet()) {
      assertEquals(index, set.find(word.getKey()));
      assertEquals(word.getKey(), set.offset(index));
      assertEquals(word.getValue(), set.value(index));
      index++;
    }
  }

  @Test
  void put_randomWords_foundInTheOrderOfFirstWrites() {
    Random random = new Random(1);
    for (int round = 0; round < 100; round++) {
      for (int i = 0; i < 200; i++) {
        put(8L * random.nextInt(1 + 4 * round), random.nextLong());
      }
      assertAsTheModel();
      assertEquals(-1, set.find(8L << 20));
      clear();
    }
  }

  @Test
  void clear_ofVeryManyWords_leavesNoneOfThem() {
    for (long i = 0; i < MANY; i++) {
      put(8 * i, i);
    }
    assertAsTheModel();
    clear();
    for (long i = 0; i < MANY; i += 1000) {
      assertEquals(-1, set.find(8 * i));
    }
    for (long i = 100; i > 0; i--) {
      put(8 * i, -i);
    }
    assertAsTheModel();
  }

  /** A savepoint in a set that was large: what is noted for it is that of this filling. */
  @Test
  void rollbackTo_afterVeryManyWords_asItWasThen() {
    for (int round = 0; round < 2; round++) {
      for (long i = 0; i < 10; i++) {
        put(8 * i, 100L * round + i);
      }
      Map<Long, Long> before = new HashMap<>(model);
      long savepoint = set.savepoint();
      for (long i = 0; i < MANY; i++) {
        put(8 * i, -i);
      }
      assertAsTheModel();
      set.rollbackTo(savepoint);
      model = new LinkedHashMap<>(before);
      for (long i = 0; i < 10; i++) {
        assertEquals(before.get(8 * i), set.value(set.find(8 * i)));
      }
      assertEquals(10, set.count());
      assertEquals(-1, set.find(8 * 10));
      clear();
    }
  }
}
