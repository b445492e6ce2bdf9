// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs everything, as shortly as can be; what the figures are is none of its business. */
@Timeout(60)
class BenchTest {
  private static final Effort SHORTEST =
      new Effort(1_000_000, 200_000, 3, 1000, new long[] {16 << 20}, 1);

  @TempDir Path folder;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int run(String... words) {
    return Bench.run(List.of(words), new PrintStream(out), new PrintStream(err));
  }

  private static String text(ByteArrayOutputStream stream) {
    return stream.toString(StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @CsvSource({
    "persist, 1 in a row, 64 scattered",
    "tx, 'k = 1, held back', no flushing",
    "map, 'put, 1 thread', 'get, 2 threads'",
    "open, '16 MB, half full', last recovery",
  })
  void run_each_printsTable(String name, String first, String last) {
    int status =
        Bench.run(
            List.of(Bench.named(name)),
            SHORTEST,
            folder,
            new PrintStream(out),
            new PrintStream(err));
    assertEquals("", text(err));
    assertEquals(0, status);
    String table = text(out);
    assertTrue(table.contains(System.getProperty("java.vm.version")), table);
    assertTrue(table.contains("\n" + name + ": "), table);
    assertTrue(table.contains("medium: survives"), table);
    assertTrue(table.contains(first), table);
    assertTrue(table.contains(last), table);
    assertEquals(0, folder.toFile().list().length, "files are left");
  }

  @Test
  void run_wrongWord_oneLineAndStatus2() {
    assertEquals(2, run("persist", "persits"));
    assertEquals("", text(out));
    assertEquals(1, text(err).lines().count());
    assertTrue(text(err).contains("\"persits\""), text(err));
  }

  @Test
  void run_noFolder_status2() {
    assertEquals(2, run("--dir", folder.resolve("none").toString()));
    assertEquals(2, run("persist", "--dir"));
    assertEquals(2, text(err).lines().count());
  }

  @Test
  void run_help_listsAll() {
    assertEquals(0, run("--help"));
    for (String name : List.of("persist", "tx", "map", "open", "jmh", "--quick")) {
      assertTrue(text(out).contains(name), name);
    }
  }

  @Test
  void series_medianNoiseRatio() {
    Series ours = new Series(10, 30, 20, 40, 50);
    assertEquals(30, ours.median());
    assertEquals(100 * 20 / 30.0, ours.noise(), 1e-9);
    Series ratio = ours.over(new Series(10, 10, 10, 10, 10));
    assertEquals("[1.0, 3.0, 2.0, 4.0, 5.0]", Arrays.toString(ratio.values()));
  }
}
