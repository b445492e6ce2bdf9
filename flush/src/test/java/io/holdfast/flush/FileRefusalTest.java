// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** Every file that cannot be used is refused by a typed exception, and is left as it was. */
@Timeout(120)
@Tag("media")
class FileRefusalTest {
  private static final Path TMPFS = Path.of("/dev/shm");

  @TempDir Path folder;

  private Path pool() {
    Path file = folder.resolve("pool");
    PersistentRegion.create(file, 64 * 1024).close();
    return file;
  }

  /** Who has it locked is about to create it, and what he makes of it is his. */
  @Test
  void create_emptyFileOfAnother_refusedAndLeft() throws Exception {
    Path file = Files.createFile(folder.resolve("empty"));
    assertFalse(PersistentRegion.exists(file));
    int fd = Libc.open(file.toString(), Libc.O_RDWR);
    try {
      Libc.lock(fd, Libc.F_WRLCK, 0, 0);
      assertRefused(
          HoldfastException.RegionInUse.class,
          "is in use",
          () -> PersistentRegion.create(file, 64 * 1024));
      assertTrue(Files.exists(file));
      assertEquals(0, Files.size(file));
    } finally {
      Libc.close(fd);
    }
    PersistentRegion.create(file, 64 * 1024).close();
    assertTrue(PersistentRegion.exists(file));
    assertRefused(
        HoldfastException.FileUnusable.class,
        "choose another path",
        () -> PersistentRegion.create(file, 64 * 1024));
  }

  private static void assertRefused(
      Class<? extends HoldfastException> type,
      String message,
      org.junit.jupiter.api.function.Executable action) {
    HoldfastException e = assertThrows(type, action);
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }

  private void assertUnusable(String message, Path file) {
    assertRefused(HoldfastException.FileUnusable.class, message, () -> PersistentRegion.open(file));
    assertRefused(
        HoldfastException.FileUnusable.class, message, () -> PersistentRegion.openReadOnly(file));
    assertRefused(
        HoldfastException.FileUnusable.class, message, () -> Medium.volatileCache(file, 1));
    assertRefused(
        HoldfastException.FileUnusable.class,
        message,
        () -> Medium.assuming(file, Granularity.NONE));
  }

  @Test
  void open_missing() {
    assertUnusable("no such file or directory", folder.resolve("none"));
    assertUnusable("no such file or directory", folder.resolve("none/none"));
  }

  @Test
  void open_directory() {
    assertUnusable("is a directory", folder);
  }

  @Test
  void open_fileAsDirectory() {
    assertUnusable("is not divided into partitions", pool().resolve("x"));
  }

  @Test
  void open_emptyOrTooSmall() throws IOException {
    Path file = folder.resolve("small");
    for (int bytes : new int[] {0, 1, 4095}) {
      Files.write(file, new byte[bytes]);
      assertUnusable("too small for a region: size=" + bytes, file);
      assertEquals(bytes, Files.size(file));
    }
  }

  @Test
  void open_device() {
    assertUnusable("/dev/null is a device (1:3), and not a DAX device", Path.of("/dev/null"));
    assertUnusable("/dev/null is a device (1:3), and not a DAX device", Path.of("/dev/null/pool"));
  }

  @Test
  void open_loopOfSymbolicLinks() throws IOException {
    Path a = folder.resolve("a");
    Path b = folder.resolve("b");
    Files.createSymbolicLink(a, b);
    Files.createSymbolicLink(b, a);
    assertUnusable("too many symbolic links", a);
  }

  @Test
  void create_existing() throws IOException {
    Path file = pool();
    byte[] before = Files.readAllBytes(file);
    assertRefused(
        HoldfastException.FileUnusable.class,
        "file exists (EEXIST): open it, or choose another path",
        () -> PersistentRegion.create(file, 8192));
    assertRefused(
        HoldfastException.FileUnusable.class,
        "is a directory",
        () -> PersistentRegion.create(folder, 8192));
    assertArrayEquals(before, Files.readAllBytes(file));
  }

  @Test
  void open_noPermission() throws Exception {
    Path file = pool();
    assumeTrue(!System.getProperty("user.name").equals("root"), "root may do everything");
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));
    assertUnusable("permission denied", file);
  }

  /** The same for root, who is not bound by permissions: a child of another user. */
  @Test
  void open_noPermissionAsNobody() throws Exception {
    assumeTrue(System.getProperty("user.name").equals("root"), "needs root to become nobody");
    Path shared = Files.createTempDirectory(Path.of("/tmp"), "holdfast");
    Path file = shared.resolve("pool");
    try {
      PersistentRegion.create(file, 8192).close();
      Files.setPosixFilePermissions(shared, PosixFilePermissions.fromString("rwxr-xr-x"));
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
      assertSaid("permission denied (EACCES): check the permissions", asNobody(file, "own"));
      assertSaid("opened", asNobody(file, "read"));
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
      assertSaid("permission denied (EACCES)", asNobody(file, "read"));
    } finally {
      deleteTree(shared);
    }
  }

  private static void assertSaid(String words, String said) {
    assertTrue(said.contains(words), said);
  }

  /** What a child of another user says, its class path copied to where that user may read. */
  private static String asNobody(Path file, String how) throws IOException {
    Path classes = Files.createDirectories(file.resolveSibling("classes"));
    for (String entry : System.getProperty("java.class.path").split(":")) {
      Path path = Path.of(entry);
      if (Files.isDirectory(path)) {
        copyTree(path, classes);
      } else if (entry.contains("slf4j-api")) {
        Files.copy(path, classes.resolve("slf4j.jar"), StandardCopyOption.REPLACE_EXISTING);
      }
    }
    List<String> command = new ArrayList<>();
    command.addAll(List.of("setpriv", "--reuid=65534", "--clear-groups"));
    command.addAll(OpenInChild.command(classes + ":" + classes + "/slf4j.jar", file, how));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  private static void copyTree(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path path : files.toList()) {
        Path target = to.resolve(from.relativize(path).toString());
        if (Files.isDirectory(path)) {
          Files.createDirectories(target);
        } else {
          Files.copy(path, target, StandardCopyOption.REPLACE_EXISTING);
        }
      }
    }
  }

  private static void deleteTree(Path root) throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      for (Path path : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  @Test
  void open_twiceInOneProcess_byAnyName() throws IOException {
    Path file = pool();
    Path hard = Files.createLink(folder.resolve("hard"), file);
    Path symbolic = Files.createSymbolicLink(folder.resolve("symbolic"), file);
    try (PersistentRegion owner = PersistentRegion.open(file)) {
      owner.putLong(0, 42);
      for (Path name : List.of(file, hard, symbolic)) {
        assertRefused(
            HoldfastException.RegionInUse.class, "in use", () -> PersistentRegion.open(name));
        assertRefused(
            HoldfastException.RegionInUse.class,
            "in use",
            () -> PersistentRegion.openReadOnly(name));
        assertRefused(
            HoldfastException.RegionInUse.class, "in use", () -> Medium.volatileCache(name, 1));
      }
      // Any other channel on the file: with Java's own locks, closing it would give the file away.
      FileChannel.open(file, StandardOpenOption.READ).close();
      assertRefused(
          HoldfastException.RegionInUse.class, "in use", () -> PersistentRegion.open(file));
    }
    PersistentRegion.open(hard).close();
  }

  @Test
  void open_ownedByAnotherProcess_untilItDies() throws Exception {
    Path file = pool();
    try (OpenInChild child = OpenInChild.start(file, "own")) {
      assertRefused(
          HoldfastException.RegionInUse.class, "in use", () -> PersistentRegion.open(file));
      assertRefused(
          HoldfastException.RegionInUse.class, "in use", () -> PersistentRegion.openReadOnly(file));
      child.kill();
      PersistentRegion.open(file).close();
    }
  }

  @Test
  void open_readByAnotherProcess_readersOnly() throws Exception {
    Path file = pool();
    try (OpenInChild child = OpenInChild.start(file, "read")) {
      PersistentRegion.openReadOnly(file).close();
      assertRefused(
          HoldfastException.RegionInUse.class, "in use", () -> PersistentRegion.open(file));
      child.kill();
      PersistentRegion.open(file).close();
    }
  }

  @Test
  void create_moreThanTheFileSystemHas_noFileLeft() {
    long tooMuch = 1L << 50;
    Path file = folder.resolve("pool");
    assertRefused(
        HoldfastException.NoSpace.class,
        "bytes=" + tooMuch,
        () -> PersistentRegion.create(file, tooMuch));
    assertFalse(Files.exists(file));
    assumeTrue(Files.isDirectory(TMPFS), "no tmpfs");
    Path inMemory = TMPFS.resolve("holdfast-" + ProcessHandle.current().pid());
    assertRefused(
        HoldfastException.NoSpace.class,
        "bytes=" + tooMuch,
        () -> PersistentRegion.create(inMemory, tooMuch));
    assertFalse(Files.exists(inMemory));
  }

  @Test
  void power_onTmpfs_refusedByNameAndNoFileLeft() throws IOException {
    assumeTrue(Files.isDirectory(TMPFS), "no tmpfs");
    Path file = TMPFS.resolve("holdfast-" + ProcessHandle.current().pid());
    String refusal = "is on tmpfs, which cannot give durability POWER";
    assertRefused(
        HoldfastException.DurabilityUnavailable.class,
        refusal,
        () -> PersistentRegion.create(file, 8192, Durability.POWER));
    assertFalse(Files.exists(file));
    try {
      PersistentRegion.create(file, 8192).close();
      assertRefused(
          HoldfastException.DurabilityUnavailable.class,
          refusal,
          () -> PersistentRegion.open(file, Durability.POWER));
      PersistentRegion.open(file).close();
    } finally {
      Files.delete(file);
    }
  }

  @Test
  @DisabledIfSystemProperty(named = "holdfast.daxvm.folder", matches = ".+")
  void power_onAReviewedFileSystem_byPages() throws IOException {
    String type = Files.getFileStore(folder).type();
    assumeTrue(type.equals("ext4") || type.equals("xfs"), "needs ext4 or xfs, this is " + type);
    Path file = folder.resolve("pool");
    try (var region = PersistentRegion.create(file, 8192, Durability.POWER)) {
      assertEquals(Durability.POWER, region.durability());
      assertEquals(Granularity.PAGE, region.granularity());
      assertEquals("survives power loss (pages by fdatasync), " + type, region.describe());
      region.putLong(0, 42);
      region.persist(0, 8);
    }
  }

  @Test
  void open_sparseFile_holesAreFilled() throws IOException {
    Path file = folder.resolve("sparse");
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {1}), (1 << 20) - 1);
    }
    PersistentRegion.open(file).close();
    RegularFile opened = RegularFile.open(file, MappedFile.Sharing.SHARED);
    try {
      assertEquals(1 << 20, opened.size());
      assertTrue(opened.allocated() >= 1 << 20, "allocated=" + opened.allocated());
    } finally {
      opened.close();
    }
  }

  @Test
  void fileSystems_byMagicNumber_namedAndJudged() {
    Map<Long, String> expected =
        Map.of(
            0xEF53L, "ext4 true",
            0x58465342L, "xfs true",
            0x01021994L, "tmpfs false",
            0x858458F6L, "ramfs false",
            0x958458F6L, "hugetlbfs false",
            0x794C7630L, "overlayfs false",
            0x01021997L, "9p false",
            0x65735546L, "fuse false",
            0x6969L, "nfs false",
            0x1234L, "file system 0x1234 false");
    expected.forEach((magic, words) -> {
      FileSystemKind kind = FileSystemKind.of(magic);
      assertEquals(words, kind.title(magic) + " " + kind.powerByPages());
    });
  }
}
