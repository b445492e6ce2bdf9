// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import io.holdfast.crash.CrashCaseTest.HastyRing;
import io.holdfast.crash.CrashCaseTest.Ring;
import io.holdfast.crash.CrashCaseTest.RingCase;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Event;
import org.junit.platform.testkit.engine.Events;

@Timeout(120)
class CrashExtensionTest {
  /** What the tests below run; by itself, as a nested class, it is not. */
  static class Samples {
    @CrashTest(
        models = {CrashModel.WORD, CrashModel.X86_LINE, CrashModel.EADR},
        nested = 1)
    void sound(CrashCheck check) {
      check.run(new RingCase(Ring::new));
    }

    @CrashTest
    void hasty(CrashCheck check) {
      check.run(new RingCase(HastyRing::new));
    }

    @CrashTest(limit = 1)
    void tooLarge(CrashCheck check) {
      check.run(new RingCase(Ring::new));
    }

    @CrashReplay("WORD:3:1")
    void again(CrashCheck check) {
      check.run(new RingCase(HastyRing::new));
    }

    @KillTest(kills = 3, seed = 11, media = KillMedium.SHARED)
    void killed(KillCheck check) {
      check.run(KillLoopTest.Counters.class);
    }

    @KillTest(kills = 4, media = KillMedium.VOLATILE_CACHE, folder = "target")
    void forgetful(KillCheck check) {
      check.run(KillLoopTest.Forgetful.class);
    }
  }

  private static Events run(String method, Class<?> parameter) {
    return EngineTestKit.engine("junit-jupiter")
        .selectors(selectMethod(Samples.class, method, parameter.getName()))
        .execute()
        .testEvents();
  }

  private static List<String> names(Events events) {
    return events.started().map(event -> event.getTestDescriptor().getDisplayName()).toList();
  }

  private static String failure(Events events) {
    assertEquals(1, events.failed().count());
    Event failed = events.failed().stream().findFirst().orElseThrow();
    return failed
        .getRequiredPayload(TestExecutionResult.class)
        .getThrowable()
        .orElseThrow()
        .getMessage();
  }

  @Test
  void crashTest_ofASoundCase_passesOncePerModel() {
    Events events = run("sound", CrashCheck.class);
    assertEquals(List.of("WORD", "X86_LINE", "EADR"), names(events));
    assertEquals(3, events.succeeded().count());
  }

  @Test
  void crashTest_ofABrokenCase_failsWithStoresAndToken() {
    String message = failure(run("hasty", CrashCheck.class));
    assertTrue(message.contains("not durable: offset 128"), message);
    assertTrue(message.contains("replay WORD:3:1"), message);
  }

  @Test
  void crashTest_moreStatesThanTheLimit_failsWithTheRemedy() {
    String message = failure(run("tooLarge", CrashCheck.class));
    assertTrue(message.contains("larger limit"), message);
  }

  @Test
  void crashReplay_ofAFailure_failsAgain() {
    assertTrue(failure(run("again", CrashCheck.class)).contains("replay WORD:3:1"));
  }

  @Test
  void killTest_hasTheSeedInItsName() {
    Events events = run("killed", KillCheck.class);
    assertEquals(List.of("SHARED, seed 11"), names(events));
    assertEquals(1, events.succeeded().count());
  }

  @Test
  void killTest_ofAForgetfulProgram_failsWithTheSeed() {
    Events events = run("forgetful", KillCheck.class);
    String name = names(events).getFirst();
    String seed = name.substring(name.indexOf("seed"));
    assertTrue(failure(events).contains(seed), name);
  }
}
