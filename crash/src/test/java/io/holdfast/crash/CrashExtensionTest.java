// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import io.holdfast.crash.CrashCaseTest.HastyRing;
import io.holdfast.crash.CrashCaseTest.Ring;
import io.holdfast.crash.CrashCaseTest.RingCase;
import io.holdfast.flush.PersistentRegion;
import java.util.ArrayList;
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

    @CrashTest(seed = 77)
    void random(CrashCheck check) {
      check.run(new RandomRing(Ring::new));
    }

    @CrashTest(seed = 77)
    void randomAndHasty(CrashCheck check) {
      check.run(new RandomRing(HastyRing::new));
    }

    @CrashTest
    void nothing(CrashCheck check) {}

    @CrashTest
    void parameterless() {}

    @CrashTest
    void shrinking(CrashCheck check) {
      check.run(new Shrinking());
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
        .selectors(
            selectMethod(Samples.class, method, parameter == null ? "" : parameter.getName()))
        .execute()
        .testEvents();
  }

  private static List<String> names(Events events) {
    return events.started().map(event -> event.getTestDescriptor().getDisplayName()).toList();
  }

  private static String failure(Events events) {
    Event failed = events.failed().stream().findFirst().orElseThrow();
    return failed
        .getRequiredPayload(TestExecutionResult.class)
        .getThrowable()
        .orElseThrow()
        .getMessage();
  }

  /** Whose values are drawn. */
  private record RandomRing(CrashCaseTest.Maker maker) implements CrashCase<Ring, List<Long>> {
    @Override
    public Ring open(PersistentRegion region) {
      return maker.make(region);
    }

    @Override
    public void workload(Ring ring, Ops<List<Long>> ops) {
      long value = ops.random().nextLong(1000);
      ops.op("put " + value, model -> model.add(value), () -> ring.put(value));
    }

    @Override
    public List<Long> model() {
      return new ArrayList<>();
    }

    @Override
    public List<Long> observe(Ring ring) {
      return ring.contents();
    }
  }

  @Test
  void crashTest_ofASoundCase_passesOncePerModelAndOperation() {
    Events events = run("sound", CrashCheck.class);
    assertEquals(21, events.succeeded().count());
    List<String> names = names(events);
    assertEquals(List.of("opening [WORD, seed 1]", "put 10 [WORD, seed 1]"), names.subList(0, 2));
    assertEquals("opening [X86_LINE, seed 1]", names.get(7));
    assertEquals("put 50 [EADR, seed 1]", names.getLast());
  }

  @Test
  void crashTest_ofARandomWorkload_isTheSameWithTheSeedOfItsNameAndToken() {
    List<String> names = names(run("random", CrashCheck.class));
    assertEquals(names, names(run("random", CrashCheck.class)));
    assertEquals(2, names.size());
    assertTrue(names.getLast().endsWith("[WORD, seed 77]"), names::getLast);
    String message = failure(run("randomAndHasty", CrashCheck.class));
    String token = message.substring(message.lastIndexOf(' ') + 1);
    assertTrue(token.startsWith("WORD@77:"), token);
    RandomRing hasty = new RandomRing(HastyRing::new);
    CrashFailure again =
        assertThrows(CrashFailure.class, () -> Explorer.of(hasty).replay(token, hasty));
    assertEquals(token, again.token());
  }

  /** Whose workload is shorter each time. */
  private static final class Shrinking extends Delegating {
    private static int left = 3;

    @Override
    public void workload(Ring ring, Ops<List<Long>> ops) {
      for (int i = 0; i < left; i++) {
        ops.op("put", model -> model.add(1L), () -> ring.put(1));
      }
      left--;
    }
  }

  /** A case as others are, with something else about it. */
  private abstract static class Delegating implements CrashCase<Ring, List<Long>> {
    private final RingCase usual = new RingCase(Ring::new);

    @Override
    public Ring open(PersistentRegion region) {
      return usual.open(region);
    }

    @Override
    public List<Long> model() {
      return usual.model();
    }

    @Override
    public List<Long> observe(Ring ring) {
      return usual.observe(ring);
    }
  }

  @Test
  void crashTest_ofAWorkloadThatChanges_failsWithTheRemedy() {
    String message = failure(run("shrinking", CrashCheck.class));
    assertTrue(message.contains("must do the same each time"), message);
  }

  @Test
  void crashTest_withoutAParameter_failsWithTheRemedy() {
    String message = failure(run("parameterless", null));
    assertTrue(message.contains("a parameter of type CrashCheck"), message);
  }

  @Test
  void crashTest_thatHandsOverNoCase_fails() {
    assertTrue(failure(run("nothing", CrashCheck.class)).contains("tried nothing"));
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
