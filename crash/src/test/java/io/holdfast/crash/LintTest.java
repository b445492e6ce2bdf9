// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import io.holdfast.flush.Declaration;
import io.holdfast.flush.PersistentRegion;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Events;

/** For each rule, programs that break it and no other, and ones that come close and break none. */
class LintTest {
  /**
   * A program and what is wrong with it.
   *
   * @param rules the rules that it breaks
   */
  private record Sample(String name, Consumer<TracingMedium> program, LintRule... rules) {}

  private static final List<Sample> SAMPLES =
      List.of(
          new Sample(
              "a durable word",
              medium -> {
                medium.region().putLong(0, 1);
                medium.region().persist(0, 8);
                medium.mark("put");
              }),
          new Sample(
              "acknowledged and not durable",
              medium -> {
                medium.region().putLong(0, 1);
                medium.mark("put");
                medium.region().persist(0, 8);
              },
              LintRule.NOT_DURABLE_AT_ACKNOWLEDGEMENT),
          new Sample(
              "acknowledged by another thread",
              medium -> {
                medium.region().putLong(0, 1);
                inThread(() -> medium.mark("put"));
                medium.region().persist(0, 8);
              }),
          new Sample(
              "another line was made durable",
              medium -> {
                medium.region().putLong(0, 1);
                medium.region().putLong(64, 1);
                medium.region().persist(0, 8);
              },
              LintRule.NEVER_DURABLE),
          new Sample(
              "written back twice",
              medium -> {
                PersistentRegion region = medium.region();
                region.putLong(0, 1);
                region.persist(0, 8);
                region.putLong(64, 1);
                region.persist(0, 72);
              },
              LintRule.REDUNDANT_WRITEBACK),
          new Sample(
              "stored to again in between",
              medium -> {
                PersistentRegion region = medium.region();
                region.putLong(0, 1);
                region.persist(0, 8);
                region.putLong(56, 1);
                region.putLong(64, 1);
                region.persist(0, 72);
              }),
          new Sample(
              "lent, and written with what was there",
              medium -> {
                PersistentRegion region = medium.region();
                MemorySegment lent = region.writable(64, 64);
                lent.fill((byte) 0);
                region.putLong(0, 1);
                region.persist(0, 128);
              }),
          new Sample(
              "two fences",
              medium -> {
                medium.region().putLong(0, 1);
                medium.region().persist(0, 8);
                medium.region().persist(0, 8);
              },
              LintRule.REDUNDANT_FENCE),
          new Sample(
              "a transaction stores to what it has not logged",
              medium -> {
                PersistentRegion region = medium.region();
                region.declare(Declaration.BEGIN, 0, 0);
                region.declare(Declaration.SNAPSHOT, 0, 8);
                region.putLong(8, 1);
                region.persist(8, 8);
                region.declare(Declaration.END, 0, 0);
              },
              LintRule.NOT_LOGGED),
          new Sample(
              "a transaction stores to what it has logged, allocated, and decided",
              medium -> {
                PersistentRegion region = medium.region();
                region.declare(Declaration.BEGIN, 0, 0);
                region.declare(Declaration.SNAPSHOT, 0, 8);
                region.declare(Declaration.ALLOCATED, 64, 64);
                region.putLong(0, 1);
                region.putLong(72, 1);
                region.persist(0, 128);
                region.declare(Declaration.INTENT, 128, 8);
                region.putLong(128, 1);
                region.declare(Declaration.END, 0, 0);
                medium.mark("committed");
              }),
          new Sample(
              "a transaction is acknowledged before its snapshot is durable in place",
              medium -> {
                PersistentRegion region = medium.region();
                region.declare(Declaration.BEGIN, 0, 0);
                region.declare(Declaration.SNAPSHOT, 0, 8);
                region.putLong(0, 1);
                region.declare(Declaration.END, 0, 0);
                medium.mark("committed");
                region.persist(0, 8);
              },
              LintRule.NOT_DURABLE_AT_ACKNOWLEDGEMENT),
          new Sample(
              "a word that a transaction keeps is stored past it",
              medium -> {
                PersistentRegion region = medium.region();
                region.declare(Declaration.BEGIN, 0, 0);
                region.declare(Declaration.INTENT, 0, 8);
                region.putLong(0, 1);
                region.declare(Declaration.END, 0, 0);
                region.putLong(0, 2);
                region.persist(0, 8);
              },
              LintRule.NOT_LOGGED),
          new Sample(
              "after a savepoint, what was logged before",
              medium -> {
                PersistentRegion region = medium.region();
                region.declare(Declaration.BEGIN, 0, 0);
                region.declare(Declaration.SNAPSHOT, 0, 8);
                region.declare(Declaration.SAVEPOINT, 0, 0);
                region.putLong(0, 1);
                region.persist(0, 8);
              },
              LintRule.NOT_LOGGED),
          new Sample(
              "logged twice",
              medium -> {
                PersistentRegion region = medium.region();
                region.declare(Declaration.BEGIN, 0, 0);
                region.declare(Declaration.SNAPSHOT, 0, 16);
                region.declare(Declaration.SNAPSHOT, 8, 16);
              },
              LintRule.LOGGED_TWICE),
          new Sample(
              "logged twice, with a savepoint between",
              medium -> {
                PersistentRegion region = medium.region();
                region.declare(Declaration.BEGIN, 0, 0);
                region.declare(Declaration.SNAPSHOT, 0, 16);
                region.declare(Declaration.SAVEPOINT, 0, 0);
                region.declare(Declaration.SNAPSHOT, 8, 16);
              }),
          new Sample(
              "stored to after it was freed",
              medium -> {
                PersistentRegion region = medium.region();
                region.declare(Declaration.FREED, 0, 64);
                region.putLong(8, 1);
                region.persist(8, 8);
              },
              LintRule.STORED_AFTER_FREE),
          new Sample(
              "stored to after it was freed and allocated again",
              medium -> {
                PersistentRegion region = medium.region();
                region.declare(Declaration.FREED, 0, 64);
                region.declare(Declaration.BEGIN, 0, 0);
                region.declare(Declaration.ALLOCATED, 0, 64);
                region.putLong(8, 1);
                region.persist(8, 8);
              }),
          new Sample(
              "several words at once, past the transactions that keep them",
              medium -> {
                PersistentRegion region = medium.region();
                region.declare(Declaration.BEGIN, 0, 0);
                region.declare(Declaration.SNAPSHOT, 0, 64);
                region.declare(Declaration.END, 0, 0);
                region.copyIn(0, MemorySegment.ofArray(new long[] {1, 2}));
                region.persist(0, 16);
              },
              LintRule.TORN_UPDATE),
          new Sample(
              "several words at once, of nobody",
              medium -> {
                PersistentRegion region = medium.region();
                region.copyIn(0, MemorySegment.ofArray(new long[] {1, 2}));
                region.persist(0, 16);
              }),
          new Sample(
              "a thread acknowledges what another stored",
              medium -> {
                PersistentRegion region = medium.region();
                region.putLong(0, 1);
                inThread(() -> {
                  region.putLong(64, region.getLong(0));
                  region.persist(64, 8);
                });
                region.persist(0, 8);
              },
              LintRule.DIRTY_READ),
          new Sample(
              "a thread reads what another stored, when it is durable",
              medium -> {
                PersistentRegion region = medium.region();
                region.putLong(0, 1);
                region.persist(0, 8);
                inThread(() -> {
                  region.putLong(64, region.getLong(0));
                  region.persist(64, 8);
                });
              }),
          new Sample(
              "a thread reads what another stored, and makes it durable itself",
              medium -> {
                PersistentRegion region = medium.region();
                region.putLong(0, 1);
                inThread(() -> {
                  long seen = region.getLong(0);
                  region.persist(0, 8);
                  region.putLong(64, seen);
                  region.persist(64, 8);
                });
              }),
          new Sample(
              "a lock",
              medium -> {
                PersistentRegion region = medium.region();
                assertTrue(region.compareAndSetLong(0, 0, 1));
                region.putLong(64, 1);
                region.persist(64, 8);
                region.putLong(0, 0);
                region.persist(0, 8);
              },
              LintRule.LOCK_IN_REGION),
          new Sample(
              "a compare-and-set that is made durable, and later another",
              medium -> {
                PersistentRegion region = medium.region();
                assertTrue(region.compareAndSetLong(0, 0, 1));
                region.persist(0, 8);
                assertTrue(region.compareAndSetLong(0, 1, 0));
                region.persist(0, 8);
              }));

  private static void inThread(Runnable work) {
    Thread thread = Thread.ofPlatform().start(work);
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<LintFinding> lint(Consumer<TracingMedium> program) {
    TracingMedium medium = TracingMedium.ofSize(4096);
    medium.recordCalls();
    program.accept(medium);
    return Lint.of(medium.trace());
  }

  @TestFactory
  Stream<DynamicTest> samples_breakTheseRulesAndNoOther() {
    return SAMPLES.stream()
        .map(sample ->
            DynamicTest.dynamicTest(
                sample.name,
                () -> {
                  List<LintFinding> found = lint(sample.program);
                  assertEquals(
                      List.of(sample.rules),
                      found.stream().map(LintFinding::rule).toList(),
                      found::toString);
                }));
  }

  @Test
  void rules_allHaveASample() {
    Set<LintRule> broken = EnumSet.noneOf(LintRule.class);
    SAMPLES.forEach(sample -> broken.addAll(Arrays.asList(sample.rules)));
    assertEquals(EnumSet.allOf(LintRule.class), broken);
    assertEquals(
        List.of("L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8", "L9", "L10"),
        Stream.of(LintRule.values()).map(LintRule::code).toList());
  }

  @Test
  void finding_namesPlaceAndLine_andIsToldOnce() {
    List<LintFinding> found =
        lint(medium -> {
          for (int i = 0; i < 3; i++) {
            medium.region().putLong(8L * i, 1);
          }
          medium.mark("put");
        });
    assertEquals(1, found.size());
    String text = found.getFirst().toString();
    assertTrue(text.startsWith("L1 offset 0 was not durable when \"put\" was acknowledged"), text);
    assertTrue(text.contains("(LintTest.java:"), text);
  }

  /** What the tests below run. */
  static class Samples {
    @Test
    @PersistLint
    void sound(PersistentRegion region) {
      region.putLong(0, 1);
      region.persist(0, 8);
    }

    @Test
    @PersistLint
    void forgetful(PersistentRegion region) {
      region.putLong(0, 1);
    }

    @Test
    @PersistLint(allow = LintRule.NEVER_DURABLE)
    void allowed(PersistentRegion region) {
      region.putLong(0, 1);
    }

    @Test
    @PersistLint
    void unwatched() {}
  }

  private static Events run(String method, Class<?>... parameters) {
    return EngineTestKit.engine("junit-jupiter")
        .selectors(
            selectMethod(
                Samples.class, method, parameters.length == 0 ? "" : parameters[0].getName()))
        .execute()
        .testEvents();
  }

  private static String failure(Events events) {
    return events.failed().stream()
        .findFirst()
        .orElseThrow()
        .getRequiredPayload(TestExecutionResult.class)
        .getThrowable()
        .orElseThrow()
        .getMessage();
  }

  @Test
  void persistLint_failsTheTestThatBreaksARule() {
    assertEquals(1, run("sound", PersistentRegion.class).succeeded().count());
    assertEquals(1, run("allowed", PersistentRegion.class).succeeded().count());
    String message = failure(run("forgetful", PersistentRegion.class));
    assertTrue(message.contains("L2 offset 0 was never made durable"), message);
    assertTrue(failure(run("unwatched")).contains("was not watched"));
  }
}
