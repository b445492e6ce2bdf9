// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.openjdk.jcstress.infra.StateCase;
import org.openjdk.jcstress.infra.Status;
import org.openjdk.jcstress.infra.TestInfo;
import org.openjdk.jcstress.infra.collectors.TestResult;
import org.openjdk.jcstress.infra.grading.TestGrading;
import org.openjdk.jcstress.infra.runners.ForkedTestConfig;
import org.openjdk.jcstress.infra.runners.Runner;
import org.openjdk.jcstress.infra.runners.SpinLoopStyle;
import org.openjdk.jcstress.infra.runners.TestList;

/**
 * Runs what jcstress has generated, one test after the other in this process, and prints what each
 * saw. Ends with 1 if anything was seen that is forbidden, or a test failed, or saw nothing.
 *
 * <p>Jcstress's own program asks the JVM some twenty questions before it begins, each in a process
 * of its own, and then starts one for each test: this takes longer than the tests do.
 */
final class StressChild {
  private static final int FOOTPRINT_MIB = 64;
  private static final int STRIDES = 4;

  private StressChild() {}

  /**
   * Runs the tests.
   *
   * @param arguments the class that they are in, and for how many milliseconds each
   */
  public static void main(String[] arguments) throws ReflectiveOperationException, IOException {
    int failed = 0;
    for (String name : new TreeSet<>(TestList.tests())) {
      if (name.startsWith(arguments[0] + ".")) {
        TestInfo test = TestList.getInfo(name);
        failed += passes(test, run(test, Integer.parseInt(arguments[1]))) ? 0 : 1;
      }
    }
    System.exit(failed == 0 ? 0 : 1);
  }

  private static TestResult run(TestInfo test, int millis)
      throws ReflectiveOperationException, IOException {
    boolean shared = DoorStress.Slot.class.isAssignableFrom(Class.forName(test.binaryName()));
    // Of two actors on a region of their own one is slow: they wait for each other at each state.
    ForkedTestConfig config = config(test, millis, shared ? 256 : 1);
    Class<?> generated = Class.forName(test.generatedRunner());
    return ((Runner<?>) generated.getConstructor(ForkedTestConfig.class).newInstance(config)).run();
  }

  /** As jcstress hands it to its own children; there is no other way to have one made. */
  @SuppressWarnings("EnumOrdinal") // jcstress reads one
  private static ForkedTestConfig config(TestInfo test, int millis, int stride) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      // On a busy machine who spins keeps the other from running.
      out.writeInt(SpinLoopStyle.THREAD_YIELD.ordinal());
      out.writeInt(millis);
      out.writeInt(1);
      out.writeUTF(test.generatedRunner());
      out.writeInt(FOOTPRINT_MIB);
      out.writeInt(stride);
      out.writeInt(STRIDES);
      out.writeBoolean(false);
    }
    return new ForkedTestConfig(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));
  }

  private static boolean passes(TestInfo test, TestResult result) {
    boolean passes = result.status() == Status.NORMAL && result.getTotalCount() > 0;
    Map<String, String> seen = new TreeMap<>();
    for (String state : result.getStateKeys()) {
      StateCase matched =
          test.cases().stream()
              .filter(each -> each.matches(state))
              .findFirst()
              .orElseGet(test::unmatched);
      boolean allowed = TestGrading.passed(matched.expect(), result.getCount(state));
      passes &= allowed;
      seen.put((allowed ? "" : "FORBIDDEN ") + "<" + state + ">", "" + result.getCount(state));
    }
    System.out.printf(
        "%s %s: %s %s%n", passes ? "passed" : "FAILED", test.name(), result.status(), seen);
    result.getMessages().forEach(System.out::println);
    return passes;
  }
}
