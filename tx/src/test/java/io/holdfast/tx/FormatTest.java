// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.Explorer;
import io.holdfast.flush.HoldfastException;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FormatTest {
  private static final LogLayout LAYOUT = new LogLayout(0, 2, 1024);

  /** On memory that was something else before. */
  @Test
  void format_crashed_noLogOrAnEmptyOne() {
    long[] garbage = new long[(int) TestSpace.bytes(LAYOUT) / 8];
    Arrays.setAll(garbage, i -> i * 0x9E3779B97F4A7C15L);
    Set<String> kinds = new HashSet<>();
    Explorer.Report report =
        Explorer.of(garbage)
            .limit(1 << 18)
            .run(
                medium -> {
                  var region = medium.region();
                  Lanes ignored =
                      Lanes.format(region, LAYOUT, 99, 0, new PlainSpace(region, LAYOUT));
                  medium.mark("formatted");
                },
                (region, marks) -> {
                  try {
                    Lanes lanes = Lanes.open(region, 0);
                    assertEquals(0, lanes.recovery().rolledBack());
                    kinds.add("log");
                    return "log";
                  } catch (HoldfastException e) {
                    assertTrue(marks.isEmpty(), e::toString);
                    kinds.add("none");
                    return "none";
                  }
                });
    assertEquals(Set.of("log", "none"), kinds);
    assertEquals(0, report.cappedPoints(), report::toString);
    assertTrue(report.findings().isEmpty(), report::toString);
  }
}
