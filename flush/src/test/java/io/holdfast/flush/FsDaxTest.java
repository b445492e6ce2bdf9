// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Files on a file system with DAX: what their users ask of the kernel is a map of blocks that no
 * store changes, and pages of 2 MiB. In {@code src/daxvm/daxvm} only.
 */
@Tag("media")
@EnabledIfSystemProperty(named = "holdfast.daxvm.folder", matches = ".+")
class FsDaxTest {
  private static final Path FOLDER = Path.of(System.getProperty("holdfast.daxvm.folder", "none"));
  private static final Path TRACING = Path.of("/sys/kernel/tracing");
  private static final long LARGE_PAGE = 2 << 20;
  private static final long BYTES = 4 * LARGE_PAGE;
  private static final int UNWRITTEN = 0x800;

  private final Path file = FOLDER.resolve("region");

  @AfterEach
  void delete() throws IOException {
    Files.deleteIfExists(file);
  }

  @Test
  void create_onDax_writesBackLines() {
    try (PersistentRegion region = PersistentRegion.create(file, BYTES)) {
      assertEquals(Granularity.LINE, region.granularity());
      assertEquals(Durability.POWER, region.durability());
    }
  }

  @Test
  void stores_toANewFileThatGrew_changeNoBlocks() throws Exception {
    try (PersistentRegion region =
        PersistentRegion.create(file, BYTES, 2 * BYTES, Durability.POWER)) {
      storeEverywhere(region, "created");
      region.grow(2 * BYTES);
      storeEverywhere(region, "grown");
    }
  }

  private void storeEverywhere(PersistentRegion region, String when) throws Exception {
    List<String> before = extents();
    long free = Files.getFileStore(file).getUnallocatedSpace();
    for (String extent : before) {
      int flags = Integer.decode(extent.substring(extent.lastIndexOf("0x")).strip());
      assertEquals(0, flags & UNWRITTEN, when + ": not written yet: " + extent);
    }
    for (long at = 0; at < region.size(); at += PersistentRegion.PAGE_BYTES) {
      region.putLong(at, at);
      region.persist(at, 8);
    }
    assertEquals(before, extents(), when);
    assertEquals(free, Files.getFileStore(file).getUnallocatedSpace(), when);
  }

  /** The lines of {@code fiemap} that tell of extents: number, where in the file, where, flags. */
  private List<String> extents() throws Exception {
    Process process =
        new ProcessBuilder("xfs_io", "-r", "-c", "fiemap -v", file.toString())
            .redirectErrorStream(true)
            .start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), out);
    List<String> lines = out.lines().filter(line -> line.matches(" *\\d+: \\[.*0x.*")).toList();
    assertFalse(lines.isEmpty(), out);
    return lines;
  }

  @Test
  void stores_inEachPartOf2Mib_takeOneFaultEach() throws Exception {
    Path faults = TRACING.resolve("events/fs_dax/dax_pmd_fault_done/enable");
    try (PersistentRegion region = PersistentRegion.create(file, BYTES)) {
      Files.writeString(TRACING.resolve("trace"), "");
      Files.writeString(faults, "1");
      for (long at = 0; at < BYTES; at += LARGE_PAGE / 8) {
        region.putLong(at, 42);
      }
    } finally {
      Files.writeString(faults, "0");
    }
    List<String> done =
        Files.readAllLines(TRACING.resolve("trace")).stream()
            .filter(line -> line.contains("dax_pmd_fault_done"))
            .toList();
    assertEquals(BYTES / LARGE_PAGE, done.size(), () -> String.join("\n", done));
    assertTrue(done.stream().allMatch(line -> line.contains("NOPAGE")), () -> "" + done);
  }
}
