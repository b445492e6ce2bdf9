// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * What each kind of medium gives to those who ask for PROCESS, and for POWER: on the real thing,
 * which {@code src/daxvm/daxvm} makes. Its script {@code guest/media} knows how to make each medium
 * by its name. What was found goes to a report, from which the page of media is made.
 */
@Tag("matrix")
@EnabledIfSystemProperty(named = "holdfast.daxvm.media", matches = ".+")
class MediaMatrixTest {
  private static final String SCRIPT = System.getProperty("holdfast.daxvm.media");
  private static final String MACHINE = System.getProperty("holdfast.daxvm.machine");
  private static final Path REPORT = Path.of(System.getProperty("holdfast.daxvm.report", "none"));
  private static final long BYTES = 2 << 20;

  private static final String SAME = "the same";
  private static final String SHARED =
      "DurabilityUnavailable: IT shares blocks with another file (a reflink copy), so that a store"
          + " would have to allocate: copy it with cp --reflink=never, or accept durability"
          + " PROCESS";
  private static final String DEVICE = "device DAX";

  /**
   * A cell of the matrix.
   *
   * @param machine which the rig boots: its processor, and its persistence domain
   * @param medium what the rig's script makes
   * @param process what an opener gets who accepts PROCESS
   * @param power what one gets who asks for POWER
   */
  private record Cell(String machine, String medium, String process, String power) {}

  private static String lines(String instruction, String fileSystem) {
    return "survives power loss (cache lines by %s), %s".formatted(instruction, fileSystem);
  }

  private static String fence(String fileSystem) {
    return "survives power loss (caches are saved, fence by sfence), " + fileSystem;
  }

  private static String process(String fileSystem) {
    return "survives process death (no writeback), " + fileSystem;
  }

  private static String pages(String fileSystem) {
    return "survives power loss (pages by fdatasync), " + fileSystem;
  }

  private static String noPower(String fileSystem) {
    return "DurabilityUnavailable: IT is on "
        + fileSystem
        + ", which cannot give durability POWER: put it on ext4 or xfs, or on memory whose MAP_SYNC"
        + " is granted (fsdax), or accept durability PROCESS";
  }

  private static final List<Cell> CELLS =
      List.of(
          new Cell("plain", "ext4-dax-always", lines("clwb", "ext4"), SAME),
          new Cell("plain", "ext4-dax-inode-marked", lines("clwb", "ext4"), SAME),
          new Cell("plain", "ext4-dax-inode", process("ext4"), pages("ext4")),
          new Cell("plain", "ext4-dax-never", process("ext4"), pages("ext4")),
          new Cell("plain", "xfs-dax-always", lines("clwb", "xfs"), SAME),
          new Cell("plain", "xfs-dax-inode-marked", lines("clwb", "xfs"), SAME),
          new Cell("plain", "xfs-dax-inode", process("xfs"), pages("xfs")),
          new Cell("plain", "xfs-dax-never", process("xfs"), pages("xfs")),
          new Cell("plain", "xfs-reflink-own", lines("clwb", "xfs"), SAME),
          new Cell("plain", "xfs-reflink-copy", process("xfs"), SHARED),
          new Cell("plain", "ext4-on-e820", lines("clwb", "ext4"), SAME),
          new Cell("plain", "ext4-on-virtio-pmem", process("ext4"), pages("ext4")),
          new Cell("plain", "ext4-disk", process("ext4"), pages("ext4")),
          new Cell("plain", "tmpfs", process("tmpfs"), noPower("tmpfs")),
          new Cell("plain", "hugetlbfs", process("hugetlbfs"), noPower("hugetlbfs")),
          new Cell("plain", "device", lines("clwb", DEVICE), SAME),
          new Cell("no-clwb", "ext4-dax-always", lines("clflushopt", "ext4"), SAME),
          new Cell("no-clwb", "device", lines("clflushopt", DEVICE), SAME),
          new Cell("no-clflushopt", "ext4-dax-always", lines("clflush", "ext4"), SAME),
          new Cell("no-clflushopt", "device", lines("clflush", DEVICE), SAME),
          new Cell("cpu-cache", "ext4-dax-always", fence("ext4"), SAME),
          new Cell("cpu-cache", "device", fence(DEVICE), SAME),
          new Cell("memory-controller", "ext4-dax-always", lines("clwb", "ext4"), SAME),
          new Cell("memory-controller", "device", lines("clwb", DEVICE), SAME));

  @TestFactory
  Stream<DynamicTest> media() {
    List<Cell> here = CELLS.stream().filter(cell -> cell.machine.equals(MACHINE)).toList();
    assertTrue(!here.isEmpty(), "no such machine: " + MACHINE);
    return here.stream().map(cell -> DynamicTest.dynamicTest(cell.medium, () -> check(cell)));
  }

  private static void check(Cell cell) throws Exception {
    Path at = Path.of(script("up", cell.medium).strip());
    try {
      String process = answer(at, Durability.PROCESS);
      String asked = answer(at, Durability.POWER);
      String power = asked.equals(process) ? SAME : asked;
      report(cell.machine, cell.medium, process, power);
      assertEquals(cell.process, process);
      assertEquals(cell.power, power);
    } finally {
      script("down", cell.medium);
    }
  }

  /** What a region says of itself, once it has kept what was stored; or how it is refused. */
  private static String answer(Path at, Durability weakest) {
    Path shared = at.resolve("shared");
    Path fresh = at.resolve("region");
    if (!Files.isDirectory(at)) {
      return answer(at, () -> PersistentRegion.open(at, weakest));
    }
    if (Files.exists(shared)) {
      return answer(shared, () -> PersistentRegion.open(shared, weakest));
    }
    try {
      return answer(fresh, () -> PersistentRegion.create(fresh, BYTES, weakest));
    } finally {
      delete(fresh);
    }
  }

  private static String answer(Path it, Supplier<PersistentRegion> opening) {
    try (PersistentRegion region = opening.get()) {
      region.putLong(64, 42);
      region.persist(64, 8);
      assertEquals(42, region.getLong(64));
      return region.describe();
    } catch (HoldfastException e) {
      return e.getClass().getSimpleName() + ": " + e.getMessage().replace(it.toString(), "IT");
    }
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new AssertionError(file + " cannot be deleted", e);
    }
  }

  private static void report(String... words) throws IOException {
    Files.writeString(
        REPORT,
        String.join("|", words) + "\n",
        StandardOpenOption.CREATE,
        StandardOpenOption.APPEND);
  }

  private static String script(String... arguments) throws Exception {
    ProcessBuilder builder = new ProcessBuilder("sh", SCRIPT);
    builder.command().addAll(List.of(arguments));
    Process process = builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), String.join(" ", arguments));
    return out;
  }
}
