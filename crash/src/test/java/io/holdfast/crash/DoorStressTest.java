// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.openjdk.jcstress.annotations.Expect.ACCEPTABLE;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.J_Result;

/**
 * Threads that meet at the door, by jcstress. If the system property {@code holdfast.stress.rounds}
 * is set they do so that often: interpreted, compiled by each compiler, and by one that reorders at
 * random.
 */
@Timeout(value = 120, threadMode = ThreadMode.SEPARATE_THREAD)
class DoorStressTest {
  private static final int ROUNDS = Integer.getInteger("holdfast.stress.rounds", 0);
  private static final List<String> USUAL = List.of("-XX:+TieredCompilation");

  // Each region that was closed keeps one of the 65,530 mappings that a process may have. So there
  // are more rounds, and not longer ones.
  private static final int MILLIS = ROUNDS == 0 ? 50 : 200;

  private static int runs;

  @TempDir Path folder;

  static Stream<List<String>> compilers() {
    List<List<String>> all =
        List.of(
            USUAL,
            List.of("-Xint"),
            List.of("-XX:TieredStopAtLevel=1"),
            List.of(
                "-XX:-TieredCompilation",
                "-XX:+UnlockDiagnosticVMOptions",
                "-XX:+StressLCM",
                "-XX:+StressGCM",
                "-XX:+StressIGVN",
                "-XX:+StressCCP"));
    return ROUNDS == 0
        ? Stream.of(USUAL)
        : Collections.nCopies(ROUNDS, all).stream().flatMap(List::stream);
  }

  @ParameterizedTest
  @MethodSource("compilers")
  void door_threadsMeetThere_seeWhatIsAllowed(List<String> compiler) throws Exception {
    Ended child = run(DoorStress.class, MILLIS, compiler);
    assertEquals(tests(DoorStress.class), child.passed(), child::toString);
    assertEquals(0, child.exit, child::toString);
    runs++;
    Tried.say(
        "threads that meet at the door",
        "%d tests, %d runs of each, %d ms long, nothing forbidden seen"
            .formatted(child.passed().size(), runs, MILLIS));
  }

  @Test
  void child_whatIsForbiddenOrThrows_failed() throws Exception {
    Ended child = run(DoorStressTest.class, 1, USUAL);
    assertEquals(List.of(), child.passed(), child::toString);
    assertEquals(1, child.exit, child::toString);
    for (String said :
        List.of("FAILED " + Forbidden.class.getCanonicalName(), "FORBIDDEN <7>=", "for a test")) {
      assertTrue(child.lines.stream().anyMatch(line -> line.contains(said)), child::toString);
    }
  }

  /** Sees what it must not. */
  @JCStressTest
  @Outcome(id = "0", expect = ACCEPTABLE, desc = "not what happens")
  @State
  public static class Forbidden {
    @Actor
    public void first(J_Result result) {
      result.r1 = 7;
    }

    @Actor
    public void second() {}
  }

  /** Throws. */
  @JCStressTest
  @Outcome(id = "0", expect = ACCEPTABLE, desc = "what would be right")
  @State
  public static class Throwing {
    @Actor
    public void first(J_Result result) {
      throw new IllegalStateException("for a test");
    }

    @Actor
    public void second() {}
  }

  private record Ended(List<String> lines, int exit) {
    List<String> passed() {
      return lines.stream()
          .filter(line -> line.startsWith("passed "))
          .map(line -> line.split("[ :]")[1])
          .toList();
    }
  }

  private static List<String> tests(Class<?> outer) {
    return Arrays.stream(outer.getDeclaredClasses())
        .filter(type -> type.isAnnotationPresent(JCStressTest.class))
        .map(Class::getCanonicalName)
        .sorted()
        .toList();
  }

  private Ended run(Class<?> outer, int millis, List<String> compiler) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-Xmx256m"));
    command.addAll(compiler);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(
        List.of(StressChild.class.getName(), outer.getCanonicalName(), String.valueOf(millis)));
    Process child =
        new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true).start();
    try (Stream<String> lines = child.inputReader(StandardCharsets.UTF_8).lines()) {
      return new Ended(lines.toList(), child.waitFor());
    } finally {
      child.destroyForcibly();
    }
  }
}
