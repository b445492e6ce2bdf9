// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;

/**
 * The sequences of one module as tests: one for each structure and start, then one that compares
 * how much was tried with the table {@code explored.txt} that is checked in. All that was tried is
 * written to {@code target/explored.properties}.
 *
 * <p>System properties:
 *
 * <ul>
 *   <li>{@code holdfast.sequences.length}: of the sequences of which all are tried. With 2, which
 *       it is unless it is set, all modules together may take 150 seconds on two quiet cores. The
 *       table is of this length.
 *   <li>{@code holdfast.sequences.random}: for so many seconds random sequences of 50 to 200
 *       operations are tried in each module, too. 0 unless it is set.
 *   <li>{@code holdfast.sequences.seed}: of these; the printed one, to have them again.
 *   <li>{@code holdfast.sequences.record}: if it is set, the table is written instead of compared.
 * </ul>
 */
public final class SequenceTests {
  private static final String PROPERTY = "holdfast.sequences.";
  private static final String TABLE = "explored.txt";
  private static final int TABLE_LENGTH = 2;

  private final Class<?> test;
  private final int length = Integer.getInteger(PROPERTY + "length", TABLE_LENGTH);
  private final long randomSeconds = Long.getLong(PROPERTY + "random", 0);
  private final long seed = Long.getLong(PROPERTY + "seed", System.nanoTime());
  private final List<Explored> explored = new ArrayList<>();

  /** The tests of a class, beside which its module's table is. */
  public SequenceTests(Class<?> test) {
    this.test = test;
  }

  /** One test for each of some sequences, and of the table. */
  public Stream<DynamicNode> of(List<Sequences<?>> all) {
    List<DynamicNode> tests = new ArrayList<>();
    for (Sequences<?> one : all) {
      tests.add(DynamicTest.dynamicTest(one.name(), () -> requireAll(one.exhaust(length))));
      if (length > TABLE_LENGTH) {
        tests.add(
            DynamicTest.dynamicTest(
                one.name() + ", nested", () -> requireAll(one.exhaust(TABLE_LENGTH, 1))));
      }
    }
    if (length == TABLE_LENGTH) {
      tests.add(DynamicTest.dynamicTest(TABLE, this::compare));
    }
    if (randomSeconds > 0) {
      long nanos = Duration.ofSeconds(randomSeconds).toNanos() / all.size();
      for (Sequences<?> one : all) {
        tests.add(
            DynamicTest.dynamicTest(
                "random, %s, seed %d".formatted(one.name(), seed),
                () -> add(one.sample(new SplittableRandom(seed), nanos))));
      }
    }
    return tests.stream();
  }

  private void requireAll(Explored done) {
    add(done);
    assertEquals(0, done.report().cappedPoints(), done::line);
    assertEquals(List.of(), done.report().findings());
  }

  private Explored add(Explored done) {
    explored.add(done);
    IO.println("%s (%s, %.1f s)".formatted(done.line(), done.which(), done.nanos() / 1e9));
    write();
    return done;
  }

  private void compare() throws IOException {
    String table = explored.stream().map(Explored::line).collect(Collectors.joining("\n"));
    if (System.getProperty(PROPERTY + "record") != null) {
      Files.writeString(Path.of("src/test/resources", TABLE), table + "\n");
      return;
    }
    try (InputStream checkedIn = test.getResourceAsStream("/" + TABLE)) {
      assertEquals(
          checkedIn == null
              ? ""
              : new String(checkedIn.readAllBytes(), StandardCharsets.UTF_8).strip(),
          table,
          "if it is meant to be so, -D" + PROPERTY + "record makes a new " + TABLE);
    }
  }

  private void write() {
    StringBuilder text = new StringBuilder();
    text.append("length=").append(length).append("\nseed=").append(seed).append('\n');
    explored.forEach(one -> text.append(one.properties()));
    try {
      Files.createDirectories(Path.of("target"));
      Files.writeString(Path.of("target", "explored.properties"), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
