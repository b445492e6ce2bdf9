// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.flush.Durability;
import io.holdfast.flush.Partitions;
import io.holdfast.flush.PersistentRegion;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What looks after the machines whose power is cut finds what is lost. */
@Timeout(60)
class PowerCutTest {
  private static final long SEED = 5;

  @TempDir Path folder;
  private final List<String> console = new ArrayList<>();
  private FileChannel disk;

  @BeforeEach
  void open() throws IOException {
    Path file = folder.resolve("disk");
    Files.write(file, new byte[1 << 20]);
    disk = PowerCut.Acknowledged.open(file);
  }

  @AfterEach
  void close() throws IOException {
    disk.close();
  }

  private PowerCut.Acknowledged acknowledged() {
    return new PowerCut.Acknowledged(disk, 1);
  }

  private PowerCut cut(Path area) {
    return cut(new KillLoopTest.Counters(), area);
  }

  private PowerCut cut(KillProgram program, Path area) {
    return new PowerCut(program, area, acknowledged(), console::add, new CountDownLatch(1));
  }

  private static void count(Path area, int worker, long number) {
    try (PersistentRegion region = PersistentRegion.open(area)) {
      region.putLong(64 + 64L * worker, number);
      region.persist(64 + 64L * worker, 8);
    }
  }

  @Test
  void check_whatWasAcknowledgedOrOneMore_isWell() throws Exception {
    Path area = folder.resolve("region");
    cut(area).make(SEED);
    count(area, 0, 7);
    count(area, 1, 3);
    acknowledged().acknowledge(0, 7);
    acknowledged().acknowledge(1, 2);
    cut(area).live(PowerCut.Life.CHECK, SEED + 1);
    assertEquals(1, console.size());
    assertTrue(console.getFirst().contains("checked: 9 acknowledged"), console::toString);
  }

  @Test
  void check_anAcknowledgedOperationMissing_lost() throws Exception {
    Path area = folder.resolve("region");
    cut(area).make(SEED);
    count(area, 0, 6);
    acknowledged().acknowledge(0, 7);
    AssertionError lost =
        assertThrows(AssertionError.class, () -> cut(area).live(PowerCut.Life.CHECK, SEED + 1));
    assertTrue(lost.getMessage().contains("acknowledged 7, is 6"), lost::getMessage);
  }

  @Test
  void check_notFinished_notedAndMadeAgain() throws Exception {
    Path area = folder.resolve("region");
    cut(area).live(PowerCut.Life.CHECK, SEED);
    assertTrue(console.getFirst().contains("checked: not finished, "), console::toString);
    PersistentRegion.create(area, 8192).close();
    cut(area).make(SEED);
    cut(area).check(SEED);
  }

  @Test
  void check_aRegionThatGrew_everyStepIsThere() throws Exception {
    for (Path area : List.of(folder.resolve("region"), divided().resolve("part"))) {
      GrowingRegion program = new GrowingRegion();
      PowerCut cut = cut(program, area);
      cut.make(SEED);
      try (PersistentRegion region = PersistentRegion.open(area, Durability.PROCESS, 16 << 20)) {
        program.work(region, SEED, acknowledged());
      }
      assertEquals(GrowingRegion.LAST, acknowledged().sum());
      cut.check(SEED);
      acknowledged().acknowledge(0, GrowingRegion.LAST + 1);
      assertThrows(AssertionError.class, () -> cut.check(SEED));
    }
  }

  private Path divided() {
    Path file = folder.resolve("divided");
    Partitions.create(file, 16 << 20);
    return file;
  }

  @Test
  void make_inADevice_dividesItAndRenews() throws Exception {
    Path device = folder.resolve("device");
    Files.write(device, new byte[16 << 20]);
    for (int round = 0; round < 2; round++) {
      for (String name : List.of("one", "two")) {
        cut(device.resolve(name)).make(SEED);
        cut(device.resolve(name)).check(SEED);
      }
    }
    assertEquals(
        List.of("one", "two"),
        Partitions.of(device).list().stream().map(partition -> partition.name()).toList());
  }
}
