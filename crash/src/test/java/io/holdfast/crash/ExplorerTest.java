// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.flush.Lines;
import io.holdfast.flush.PersistentRegion;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The explorer reaches every outcome that trying all images reaches, and no other. */
class ExplorerTest {
  private static final int WORDS = 6;
  private static final int SIZE = 4096;

  private static long at(int word) {
    return 8L * (word % 3) + 64L * (word / 3);
  }

  /** Stores and persists at random, to words of two lines. */
  private static Consumer<TracingMedium> program(long seed) {
    return medium -> {
      SplittableRandom random = new SplittableRandom(seed);
      PersistentRegion region = medium.region();
      for (int i = 0; i < 12; i++) {
        int word = random.nextInt(WORDS);
        switch (random.nextInt(6)) {
          case 0 -> region.persist(at(word), 8);
          case 1 -> region.persist(0, 128);
          case 2 -> region.putInt(at(word) + 4, random.nextInt(3));
          case 3 -> medium.mark("m" + i);
          default -> region.putLong(at(word), random.nextInt(3));
        }
      }
    };
  }

  /** Reads some words, which ones depending on others; repairs some; tells what it saw. */
  private static BruteForce.Recovery recovery(long seed) {
    return (region, marks) -> {
      SplittableRandom random = new SplittableRandom(seed);
      StringBuilder seen = new StringBuilder();
      int word = random.nextInt(WORDS);
      for (int i = 0; i < 5; i++) {
        long value = random.nextBoolean() ? region.getLong(at(word)) : region.getInt(at(word) + 4);
        seen.append(word).append('=').append(value).append(' ');
        if (value % 2 == 1 && random.nextBoolean()) {
          region.putLong(at(word), 8);
          region.persist(at(word), 8);
        }
        word = (int) Math.floorMod(word + value + random.nextInt(WORDS), (long) WORDS);
      }
      return seen + "after " + marks.size();
    };
  }

  @Test
  void run_randomPrograms_sameOutcomesAsBruteForce() {
    long states = 0;
    long images = 0;
    for (long seed = 0; seed < 500; seed++) {
      Set<Object> refined = new HashSet<>();
      Explorer.Report report =
          Explorer.of(new long[SIZE / 8])
              .limit(100_000)
              .run(program(seed), recovery(~seed), refined);
      assertEquals(0, report.cappedPoints());
      Set<Object> all = new HashSet<>();
      BruteForce.Recovery inner = recovery(~seed);
      BruteForce.Report forced =
          BruteForce.run(
              new long[SIZE / 8],
              CrashModel.WORD,
              0,
              1_000_000,
              program(seed),
              (region, marks) -> {
                Object outcome = inner.recover(region, marks);
                all.add(outcome);
                return outcome;
              });
      assertEquals(0, forced.sampledPoints());
      assertEquals(all, refined, "seed " + seed);
      states += report.states();
      images += forced.images();
    }
    assertTrue(states < images, states + " states, " + images + " images");
  }

  /** The classic mistake: data and flag under one fence, recovery trusting the flag. */
  @Test
  void run_flagNotOrderedAfterData_found() {
    Consumer<TracingMedium> wrong =
        medium -> {
          PersistentRegion region = medium.region();
          region.putLong(0, 42);
          region.putLong(64, 1);
          region.persist(0, 128);
        };
    var e =
        assertThrows(
            AssertionError.class,
            () ->
                Explorer.of(new long[SIZE / 8]).limit(1000).run(wrong, ExplorerTest::trustTheFlag));
    assertTrue(e.getMessage().contains("before fence 1"), e.getMessage());
    assertThrows(
        AssertionError.class,
        () ->
            BruteForce.run(
                new long[SIZE / 8], CrashModel.WORD, 0, 1000, wrong, ExplorerTest::trustTheFlag));
  }

  @Test
  void memo_recoveryThatIsNotDeterministic_refused() {
    int[] runs = new int[1];
    CrashFailure failure =
        assertThrows(
            CrashFailure.class,
            () ->
                Explorer.of(new long[16])
                    .nested(1)
                    .run(
                        medium -> {
                          medium.region().putLong(0, 1);
                          medium.region().putLong(8, 1);
                          medium.region().putLong(64, 1);
                        },
                        (region, marks) -> {
                          region.putLong(72, region.getLong(8L * (runs[0]++ % 2)));
                          region.persist(72, 8);
                          return region.getLong(64) >= 0 ? "done" : "";
                        }));
    assertTrue(failure.getMessage().contains("not deterministic"), failure::getMessage);
  }

  @Test
  void run_flagOrderedAfterData_passes() {
    Consumer<TracingMedium> right =
        medium -> {
          PersistentRegion region = medium.region();
          region.putLong(0, 42);
          region.persist(0, 8);
          region.putLong(64, 1);
          region.persist(64, 8);
        };
    Explorer.Report report =
        Explorer.of(new long[SIZE / 8])
            .nested(1)
            .limit(1000)
            .run(right, ExplorerTest::trustTheFlag);
    assertEquals(new Explorer.Report(3, 4, 4, 2, 0, 0, report.findings()), report);
  }

  private static Object trustTheFlag(PersistentRegion region, List<String> marks) {
    if (region.getLong(64) == 1 && region.getLong(0) != 42) {
      throw new AssertionError("flagged without data");
    }
    return "sound";
  }

  /** Recovery puts something back without awaiting it before it says that it did. */
  @Test
  void run_recoveryThatDoesNotFence_foundByCrashingIt() {
    Consumer<TracingMedium> program =
        medium -> {
          PersistentRegion region = medium.region();
          region.putLong(0, 7);
          region.putLong(64, 1);
          region.persist(0, 128);
        };
    BruteForce.Recovery recovery =
        (region, marks) -> {
          if (region.getLong(64) == 1) {
            region.putLong(0, 8);
            region.putLong(64, 2);
            region.persist(0, 128);
          }
          return region.getLong(64) == 2 ? region.getLong(0) : 8L;
        };
    assertEquals(
        0, Explorer.of(new long[SIZE / 8]).limit(1000).run(program, recovery).nestedStates());
    assertThrows(
        AssertionError.class,
        () -> Explorer.of(new long[SIZE / 8]).nested(1).limit(1000).run(program, recovery));
  }

  @Test
  void run_bulkReads_branchOnEachWord() {
    Explorer.Report report =
        Explorer.of(new long[SIZE / 8])
            .limit(1000)
            .run(
                medium -> medium.region().copyIn(0, MemorySegment.ofArray(new long[] {1, 2, 3})),
                (region, marks) -> {
                  long[] words = new long[3];
                  region.copyOut(0, MemorySegment.ofArray(words));
                  return words[0] + words[1] + words[2];
                });
    assertEquals(new Explorer.Report(1, 8, 0, 0, 0, 0, report.findings()), report);
  }

  /** A record of twenty words: all old, all new, and each word alone old or new. */
  @Test
  void run_readOfManyWords_triedInTheCombinationsThatMatterToAChecksum() {
    long[] record = new long[20];
    Arrays.fill(record, 7);
    Explorer.Report report =
        Explorer.of(new long[SIZE / 8])
            .limit(1000)
            .run(
                medium -> medium.region().copyIn(0, MemorySegment.ofArray(record)),
                (region, marks) -> {
                  long[] words = new long[20];
                  region.copyOut(0, MemorySegment.ofArray(words));
                  return Arrays.stream(words).sum();
                });
    assertEquals(new Explorer.Report(1, 42, 0, 0, 0, 42, report.findings()), report);
  }

  @Test
  void run_moreStatesThanTheLimit_said() {
    Explorer.Report report =
        Explorer.of(new long[SIZE / 8])
            .limit(5)
            .run(
                medium -> medium.region().copyIn(0, MemorySegment.ofArray(new long[] {1, 2, 3})),
                (region, marks) -> region.getLong(0) + region.getLong(8) + region.getLong(16));
    assertEquals(new Explorer.Report(1, 5, 0, 0, 1, 0, report.findings()), report);
  }

  // ---- models

  /** Data and flag in one line, in order: sound where a line's stores become durable in order. */
  @Test
  void run_flagBehindDataInOneLine_reliesOnTheModel() {
    Consumer<TracingMedium> program =
        medium -> {
          medium.region().putLong(0, 42);
          medium.region().putLong(8, 1);
          medium.region().persist(0, 16);
        };
    BruteForce.Recovery recovery =
        (region, marks) -> {
          if (region.getLong(8) == 1 && region.getLong(0) != 42) {
            throw new AssertionError("flagged without data");
          }
          return "sound";
        };
    assertThrows(CrashFailure.class, () -> start().model(CrashModel.WORD).run(program, recovery));
    start().model(CrashModel.X86_LINE).run(program, recovery);
    start().model(CrashModel.EADR).run(program, recovery);
  }

  @Test
  void run_flagBehindDataInAnotherLine_soundWithEadrOnly() {
    Consumer<TracingMedium> program =
        medium -> {
          medium.region().putLong(0, 42);
          medium.region().putLong(64, 1);
          medium.mark("done");
        };
    for (CrashModel model : List.of(CrashModel.WORD, CrashModel.X86_LINE)) {
      assertThrows(
          CrashFailure.class, () -> start().model(model).run(program, ExplorerTest::trustTheFlag));
    }
    start()
        .model(CrashModel.EADR)
        .run(
            program,
            (region, marks) -> {
              assertTrue(marks.isEmpty() || region.getLong(64) == 1);
              return trustTheFlag(region, marks);
            });
  }

  /** What one fence copies has no order, whether a cache is lost or a compiler reorders. */
  @Test
  void run_flagCopiedBehindData_unsoundUnderAnyModel() {
    Consumer<TracingMedium> program =
        medium -> {
          PersistentRegion region = medium.region();
          Lines copies = region.lines();
          copies.copy(0, Arena.ofAuto().allocateFrom(ValueLayout.JAVA_LONG, 42));
          copies.copy(64, Arena.ofAuto().allocateFrom(ValueLayout.JAVA_LONG, 1));
          region.persist(copies);
          medium.mark("done");
        };
    for (CrashModel model : List.of(CrashModel.EADR, CrashModel.PROCESS)) {
      assertThrows(
          CrashFailure.class, () -> start().model(model).run(program, ExplorerTest::trustTheFlag));
    }
  }

  /** A fence begins by ordering what was stored before it, whatever lines it is given. */
  @Test
  void run_flagCopiedBehindStoredData_soundInAProcessThatDiesOnly() {
    Consumer<TracingMedium> program =
        medium -> {
          PersistentRegion region = medium.region();
          region.putLong(0, 42);
          Lines copies = region.lines();
          copies.copy(64, Arena.ofAuto().allocateFrom(ValueLayout.JAVA_LONG, 1));
          region.persist(copies);
          medium.mark("done");
        };
    assertThrows(
        CrashFailure.class,
        () -> start().model(CrashModel.WORD).run(program, ExplorerTest::trustTheFlag));
    start().model(CrashModel.PROCESS).run(program, ExplorerTest::trustTheFlag);
  }

  /** Compilers may exchange two stores between which there is no fence. */
  @Test
  void run_flagStoredBehindData_unsoundInAProcessThatDiesOnly() {
    Consumer<TracingMedium> program =
        medium -> {
          PersistentRegion region = medium.region();
          region.putLong(0, 42);
          region.putLong(64, 1);
          region.persist(0, 128);
        };
    assertThrows(
        CrashFailure.class,
        () -> start().model(CrashModel.PROCESS).run(program, ExplorerTest::trustTheFlag));
    start().model(CrashModel.EADR).run(program, ExplorerTest::trustTheFlag);
  }

  @Test
  void run_randomPrograms_sameOutcomesAsBruteForceInEveryModel() {
    for (CrashModel model : CrashModel.values()) {
      for (long seed = 0; seed < 200; seed++) {
        Set<Object> refined = new HashSet<>();
        Explorer.Report report =
            start().model(model).limit(100_000).run(program(seed), recovery(~seed), refined);
        assertEquals(0, report.cappedPoints());
        Set<Object> all = new HashSet<>();
        BruteForce.Recovery inner = recovery(~seed);
        BruteForce.run(
            new long[SIZE / 8],
            model,
            0,
            1_000_000,
            program(seed),
            (region, marks) -> {
              Object outcome = inner.recover(region, marks);
              all.add(outcome);
              return outcome;
            });
        assertEquals(all, refined, model + ", seed " + seed);
      }
    }
  }

  private static Explorer start() {
    return Explorer.of(new long[SIZE / 8]);
  }

  // ---- replay

  @Test
  void replay_aFailure_failsAgainAndOnlyThat() {
    Consumer<TracingMedium> wrong =
        medium -> {
          medium.region().putLong(0, 42);
          medium.region().putLong(64, 1);
          medium.region().persist(0, 128);
        };
    CrashFailure failure =
        assertThrows(CrashFailure.class, () -> start().run(wrong, ExplorerTest::trustTheFlag));
    assertEquals("WORD:2:1", failure.token());
    assertTrue(failure.getMessage().endsWith("\n  replay WORD:2:1"), failure.getMessage());
    CrashFailure again =
        assertThrows(
            CrashFailure.class,
            () -> start().replay(failure.token(), wrong, ExplorerTest::trustTheFlag));
    assertEquals(failure.token(), again.token());
    start().replay("WORD:2:1.1", wrong, ExplorerTest::trustTheFlag);
  }

  @Test
  void replay_aCrashInRecovery_failsAgain() {
    Consumer<TracingMedium> program =
        medium -> {
          medium.region().putLong(0, 7);
          medium.region().putLong(64, 1);
          medium.region().persist(0, 128);
        };
    BruteForce.Recovery recovery =
        (region, marks) -> {
          if (region.getLong(64) == 1) {
            region.putLong(0, 8);
            region.putLong(64, 2);
            region.persist(0, 128);
          }
          return region.getLong(64) == 2 ? region.getLong(0) : 8L;
        };
    CrashFailure failure =
        assertThrows(CrashFailure.class, () -> start().nested(1).run(program, recovery));
    CrashFailure again =
        assertThrows(CrashFailure.class, () -> start().replay(failure.token(), program, recovery));
    assertEquals(failure.token(), again.token());
  }

  @Test
  void replay_whatIsNoToken_refused() {
    for (String bad :
        List.of("", "WORD", "WORD:1", "WORD:x:1", "OTHER:1:1", "WORD:1:a", "WORD:99:0")) {
      var e =
          assertThrows(
              IllegalArgumentException.class,
              () -> start().replay(bad, medium -> {}, ExplorerTest::trustTheFlag));
      assertTrue(e.getMessage().contains(bad), e.getMessage());
    }
  }

  // ---- the explanation

  /** Of ten stores that may be missing, one matters. */
  @Test
  void failure_namesTheMissingStoreAndTheLaterOneThatWasThere() {
    CrashFailure failure =
        assertThrows(
            CrashFailure.class,
            () ->
                start()
                    .run(
                        medium -> {
                          PersistentRegion region = medium.region();
                          for (long at = 256; at < 336; at += 8) {
                            region.putLong(at, at);
                          }
                          writeData(region);
                          writeFlag(region);
                          region.persist(0, SIZE);
                        },
                        (region, marks) -> {
                          if (region.getLong(64) == 1) {
                            for (long at = 256; at < 336; at += 8) {
                              region.getLong(at);
                            }
                          }
                          return trustTheFlag(region, marks);
                        }));
    List<String> lines = failure.getMessage().lines().toList();
    assertEquals(4, lines.size(), failure.getMessage());
    assertTrue(lines.get(0).contains("before fence 1"), lines.get(0));
    assertTrue(
        lines.get(1).matches("  not durable: offset 0 = 0x2A, stored by .*writeData \\(.*:\\d+\\)"),
        lines.get(1));
    assertTrue(
        lines.get(2).matches("  durable:     offset 64 = 0x1, stored by .*writeFlag \\(.*:\\d+\\)"),
        lines.get(2));
    assertTrue(lines.get(3).startsWith("  replay WORD:"), lines.get(3));
  }

  private static void writeData(PersistentRegion region) {
    region.putLong(0, 42);
  }

  private static void writeFlag(PersistentRegion region) {
    region.putLong(64, 1);
  }

  @Test
  void failure_withEverythingThere_namesNoStore() {
    CrashFailure failure =
        assertThrows(
            CrashFailure.class,
            () ->
                start()
                    .run(
                        medium -> medium.region().putLong(0, 1),
                        (region, marks) -> {
                          throw new AssertionError("always");
                        }));
    assertEquals(2, failure.getMessage().lines().count(), failure.getMessage());
  }
}
