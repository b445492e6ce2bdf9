// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.holdfast.flush.PersistentRegion;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Tiny programs with all images that a crash of them may leave, under each model. The words x and y
 * are in line A, z and w in line B; an image is their four digits.
 *
 * <p>{@code x1} stores 1 to x; {@code A}, {@code B} and {@code AB} persist lines; {@code nA12}
 * stores 1 and 2 to line A past the cache, and fences; a dot is a mark. The crash comes at the end,
 * or, after an exclamation mark, before the last fence takes effect. The sets were made by another
 * program, from the definitions of the models.
 */
class LitmusTest {
  private static final String PROGRAMS =
      """
      x1
          WORD 0000 1000
          X86_LINE 0000 1000
          EADR 0000 1000
      x1 y2
          WORD 0000 0200 1000 1200
          X86_LINE 0000 1000 1200
          EADR 0000 1000 1200
      y2 x1
          WORD 0000 0200 1000 1200
          X86_LINE 0000 0200 1200
          EADR 0000 0200 1200
      x1 x2
          WORD 0000 1000 2000
          X86_LINE 0000 1000 2000
          EADR 0000 1000 2000
      x1 x2 x1
          WORD 0000 1000 2000
          X86_LINE 0000 1000 2000
          EADR 0000 1000 2000
      x1 x1
          WORD 0000 1000
          X86_LINE 0000 1000
          EADR 0000 1000
      x1 A
          WORD 1000
          X86_LINE 1000
          EADR 1000
      x1 B
          WORD 0000 1000
          X86_LINE 0000 1000
          EADR 1000
      x1 AB
          WORD 1000
          X86_LINE 1000
          EADR 1000
      x1 z2
          WORD 0000 0020 1000 1020
          X86_LINE 0000 0020 1000 1020
          EADR 0000 1000 1020
      x1 z2 A
          WORD 1000 1020
          X86_LINE 1000 1020
          EADR 1020
      x1 z2 B
          WORD 0020 1020
          X86_LINE 0020 1020
          EADR 1020
      x1 z2 AB
          WORD 1020
          X86_LINE 1020
          EADR 1020
      x1 A z2
          WORD 1000 1020
          X86_LINE 1000 1020
          EADR 1000 1020
      x1 A x2
          WORD 1000 2000
          X86_LINE 1000 2000
          EADR 1000 2000
      x1 A x2 A
          WORD 2000
          X86_LINE 2000
          EADR 2000
      x1 A x2 y3
          WORD 1000 1300 2000 2300
          X86_LINE 1000 2000 2300
          EADR 1000 2000 2300
      x1 y2 A
          WORD 1200
          X86_LINE 1200
          EADR 1200
      x1 y2 A x3 y4
          WORD 1200 1400 3200 3400
          X86_LINE 1200 3200 3400
          EADR 1200 3200 3400
      x1 y2 x3
          WORD 0000 0200 1000 1200 3000 3200
          X86_LINE 0000 1000 1200 3200
          EADR 0000 1000 1200 3200
      x1 y2 z3
          WORD 0000 0030 0200 0230 1000 1030 1200 1230
          X86_LINE 0000 0030 1000 1030 1200 1230
          EADR 0000 1000 1200 1230
      x1 z2 y3
          WORD 0000 0020 0300 0320 1000 1020 1300 1320
          X86_LINE 0000 0020 1000 1020 1300 1320
          EADR 0000 1000 1020 1320
      x1 z2 y3 w4
          WORD 0000 0004 0020 0024 0300 0304 0320 0324 1000 1004 1020 1024 1300 1304 1320 1324
          X86_LINE 0000 0020 0024 1000 1020 1024 1300 1320 1324
          EADR 0000 1000 1020 1320 1324
      x1 z2 x3 w4 A
          WORD 3000 3004 3020 3024
          X86_LINE 3000 3020 3024
          EADR 3024
      x1 z2 x3 w4 B
          WORD 0024 1024 3024
          X86_LINE 0024 1024 3024
          EADR 3024
      x1 A z2 A
          WORD 1000 1020
          X86_LINE 1000 1020
          EADR 1020
      x1 A z2 B
          WORD 1020
          X86_LINE 1020
          EADR 1020
      x1 z2 A y3
          WORD 1000 1020 1300 1320
          X86_LINE 1000 1020 1300 1320
          EADR 1020 1320
      x1 A y2 z3 B
          WORD 1030 1230
          X86_LINE 1030 1230
          EADR 1230
      x1 A x0
          WORD 0000 1000
          X86_LINE 0000 1000
          EADR 0000 1000
      x1 x0
          WORD 0000 1000
          X86_LINE 0000 1000
          EADR 0000 1000
      x1 y2 x0
          WORD 0000 0200 1000 1200
          X86_LINE 0000 0200 1000 1200
          EADR 0000 0200 1000 1200
      x1 y2 x0 A
          WORD 0200
          X86_LINE 0200
          EADR 0200
      nA12
          WORD 1200
          X86_LINE 1200
          EADR 1200
      nA12 !
          WORD 0000 0200 1000 1200
          X86_LINE 0000 0200 1000 1200
          EADR 0000 0200 1000 1200
      nA10 !
          WORD 0000 1000
          X86_LINE 0000 1000
          EADR 0000 1000
      x3 nA12 !
          WORD 0000 0200 1000 1200 3000 3200
          X86_LINE 0000 0200 1000 1200 3000 3200
          EADR 0000 0200 1000 1200 3000 3200
      y3 nA12 !
          WORD 0000 0200 0300 1000 1200 1300
          X86_LINE 0000 0200 0300 1000 1200 1300
          EADR 0000 0200 0300 1000 1200 1300
      z3 nA12 !
          WORD 0000 0030 0200 0230 1000 1030 1200 1230
          X86_LINE 0000 0030 0200 0230 1000 1030 1200 1230
          EADR 0000 0030 0200 0230 1000 1030 1200 1230
      z3 nA12
          WORD 1200 1230
          X86_LINE 1200 1230
          EADR 1230
      nA12 y3
          WORD 1200 1300
          X86_LINE 1200 1300
          EADR 1200 1300
      nA12 x3 nA45 !
          WORD 1200 1500 3200 3500 4200 4500
          X86_LINE 1200 1500 3200 3500 4200 4500
          EADR 1200 1500 3200 3500 4200 4500
      nA12 nB34 !
          WORD 1200 1204 1230 1234
          X86_LINE 1200 1204 1230 1234
          EADR 1200 1204 1230 1234
      x1 .
          WORD 0000 1000
          X86_LINE 0000 1000
          EADR 1000
      x1 . y2
          WORD 0000 0200 1000 1200
          X86_LINE 0000 1000 1200
          EADR 1000 1200
      x1 . z2 . y3
          WORD 0000 0020 0300 0320 1000 1020 1300 1320
          X86_LINE 0000 0020 1000 1020 1300 1320
          EADR 1020 1320
      x1 A . y2 . z3
          WORD 1000 1030 1200 1230
          X86_LINE 1000 1030 1200 1230
          EADR 1200 1230
      x1 z2 AB x3 w4
          WORD 1020 1024 3020 3024
          X86_LINE 1020 1024 3020 3024
          EADR 1020 3020 3024
      x1 y1 x2 y2
          WORD 0000 0100 0200 1000 1100 1200 2000 2100 2200
          X86_LINE 0000 1000 1100 2100 2200
          EADR 0000 1000 1100 2100 2200
      x1 z1 x2 z2
          WORD 0000 0010 0020 1000 1010 1020 2000 2010 2020
          X86_LINE 0000 0010 0020 1000 1010 1020 2000 2010 2020
          EADR 0000 1000 1010 2010 2020
      """;

  private static final Map<Character, Integer> OFFSETS = Map.of('x', 0, 'y', 8, 'z', 64, 'w', 72);

  @TestFactory
  Stream<DynamicTest> program_everyModel_exactlyTheseImages() {
    List<DynamicTest> tests = new ArrayList<>();
    String program = "";
    for (String line : PROGRAMS.lines().toList()) {
      if (!line.startsWith(" ")) {
        program = line;
        continue;
      }
      String run = program;
      List<String> words = new ArrayList<>(List.of(line.strip().split(" ")));
      CrashModel model = CrashModel.valueOf(words.removeFirst());
      tests.add(
          DynamicTest.dynamicTest(
              run + ", " + model,
              () -> assertEquals(new TreeSet<>(words), enumerated(run, model))));
    }
    assertEquals(150, tests.size());
    return tests.stream();
  }

  private static Set<String> enumerated(String program, CrashModel model) {
    TracingMedium medium = new TracingMedium(new long[512]);
    run(program, medium);
    Trace trace = medium.trace();
    Set<String> images = new TreeSet<>();
    trace.forEachImage(
        point(program, trace),
        model,
        image -> images.add("" + image[0] + image[1] + image[8] + image[9]));
    return images;
  }

  private static Trace.Point point(String program, Trace trace) {
    List<Trace.Point> points = trace.points();
    return program.endsWith("!")
        ? points.stream()
            .filter(point -> point.cause().startsWith("before fence"))
            .toList()
            .getLast()
        : points.getLast();
  }

  /** What a recovery that reads all four words finds at all points. */
  @TestFactory
  Stream<DynamicTest> program_everyModel_explorerFindsWhatThereIs() {
    return PROGRAMS
        .lines()
        .filter(line -> !line.startsWith(" "))
        .flatMap(program ->
            Stream.of(CrashModel.values())
                .map(model ->
                    DynamicTest.dynamicTest(
                        program + ", " + model,
                        () ->
                            assertEquals(atAllPoints(program, model), explored(program, model)))));
  }

  private static Set<Object> atAllPoints(String program, CrashModel model) {
    TracingMedium medium = new TracingMedium(new long[512]);
    run(program, medium);
    Trace trace = medium.trace();
    Set<Object> images = new HashSet<>();
    for (Trace.Point point : trace.points()) {
      trace.forEachImage(
          point,
          model,
          image -> images.add("" + image[0] + image[1] + image[8] + image[9] + point.marks()));
    }
    return images;
  }

  private static Set<Object> explored(String program, CrashModel model) {
    Set<Object> outcomes = new HashSet<>();
    Explorer.Report report =
        Explorer.of(new long[512])
            .model(model)
            .run(
                medium -> run(program, medium),
                (region, marks) ->
                    ""
                        + region.getLong(0)
                        + region.getLong(8)
                        + region.getLong(64)
                        + region.getLong(72)
                        + marks,
                outcomes);
    assertEquals(0, report.cappedPoints());
    return outcomes;
  }

  private static void run(String program, TracingMedium medium) {
    PersistentRegion region = medium.region();
    for (String word : program.split(" ")) {
      switch (word) {
        case "!" -> {}
        case "." -> medium.mark("here");
        case "A" -> region.persist(0, 64);
        case "B" -> region.persist(64, 64);
        case "AB" -> region.persist(0, 128);
        default -> {
          if (word.startsWith("n")) {
            long[] line = new long[8];
            line[0] = digit(word, 2);
            line[1] = digit(word, 3);
            region.copyDurably(word.charAt(1) == 'A' ? 0 : 64, MemorySegment.ofArray(line));
          } else {
            region.putLong(OFFSETS.get(word.charAt(0)), digit(word, 1));
          }
        }
      }
    }
  }

  private static long digit(String word, int at) {
    return Character.digit(word.charAt(at), 10);
  }
}
