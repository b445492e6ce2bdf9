// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.flush.Durability;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.HoldfastException.DurabilityUnavailable;
import io.holdfast.flush.HoldfastException.FileUnusable;
import io.holdfast.flush.HoldfastException.NoSpace;
import io.holdfast.flush.HoldfastException.RegionInUse;
import io.holdfast.flush.HoldfastException.UnsupportedVersion;
import io.holdfast.flush.PersistentRegion;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every file that is no pool, or none for us, is refused by a typed exception and left as it was.
 */
@Timeout(value = 300, threadMode = ThreadMode.SEPARATE_THREAD)
@Tag("media")
@Tag("long")
class PoolFileTest {
  private static final long SIZE = 1 << 20;
  private static final Path TMPFS = Path.of("/dev/shm");

  @TempDir Path folder;

  private static PoolBuilder builder(Path file) {
    return Pool.at(file).size(SIZE).layout("test");
  }

  private Path pool() {
    Path file = folder.resolve("test.pool");
    try (Pool pool = builder(file).create()) {
      pool.run(tx -> tx.edit(pool.root("account", Account.TYPE)).owner("ann").balance(5));
    }
    return file;
  }

  private static void assertThere(Path file) {
    try (Pool pool = builder(file).open()) {
      assertEquals("ann", pool.root("account", Account.TYPE).owner());
      assertTrue(pool.check().isClean());
    }
  }

  private static <E extends HoldfastException> E assertRefused(
      Class<E> type, List<String> words, Executable action) {
    E e = assertThrows(type, action);
    for (String word : words) {
      assertTrue(e.getMessage().contains(word), e.getMessage());
    }
    return e;
  }

  /** By each way of opening, and the file is the same byte for byte. */
  private static void assertRefusedUnharmed(
      Class<? extends HoldfastException> type, Path file, String... words) throws IOException {
    byte[] before = Files.readAllBytes(file);
    List<Executable> ways =
        List.of(builder(file)::open, builder(file)::openReadOnly, builder(file)::openOrCreate);
    for (Executable way : ways) {
      assertRefused(type, List.of(words), way);
      assertArrayEquals(before, Files.readAllBytes(file));
    }
  }

  private Path written(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("written"), bytes);
  }

  // ---- contents

  @Test
  void open_emptyOrTooSmall_refused() throws IOException {
    Path empty = written(new byte[0]);
    assertRefused(FileUnusable.class, List.of("too small", "size=0"), builder(empty)::open);
    assertRefused(FileUnusable.class, List.of("too small"), builder(empty)::openReadOnly);
    assertEquals(0, Files.size(empty));
    for (int bytes : new int[] {1, 100, 4095}) {
      assertRefusedUnharmed(
          FileUnusable.class, written(new byte[bytes]), "too small", "size=" + bytes);
    }
    for (int bytes : new int[] {4096, 4097, 8191}) {
      byte[] content = new byte[bytes];
      content[bytes - 1] = 1;
      assertRefusedUnharmed(
          PoolException.NotAPool.class, written(content), "size=" + bytes, "check the path");
    }
  }

  @Test
  void open_foreign_refused() throws IOException {
    byte[] random = new byte[1 << 20];
    new Random(1).nextBytes(random);
    assertRefusedUnharmed(
        PoolException.NotAPool.class, written(random), "begins with 0x", "check the path");
    byte[] text = "All is well that ends well.\n".repeat(1000).getBytes(StandardCharsets.UTF_8);
    assertRefusedUnharmed(
        PoolException.NotAPool.class, written(text), "begins with 0x77207369206C6C41", "another");
  }

  /** Pools are of one byte order, that of the processors for which there is one. */
  @Test
  void open_theOtherByteOrder_refused() throws IOException {
    ByteBuffer swapped = ByteBuffer.wrap(Files.readAllBytes(pool()));
    for (int at = 0; at < swapped.capacity(); at += Long.BYTES) {
      swapped.putLong(at, Long.reverseBytes(swapped.getLong(at)));
    }
    assertRefusedUnharmed(
        PoolException.NotAPool.class, written(swapped.array()), "in the other byte order");
  }

  @Test
  void open_truncated_refusedBySizes() throws IOException {
    byte[] whole = Files.readAllBytes(pool());
    for (int bytes : new int[] {(1 << 20) - 1, (1 << 20) - 4096, 1 << 19, 65_536, 12_288, 8192}) {
      byte[] part = Arrays.copyOf(whole, bytes);
      assertRefusedUnharmed(
          Corrupt.class,
          written(part),
          "pool.size",
          "expected=" + SIZE + " bytes",
          "actual=" + bytes + " bytes",
          "cut short",
          "restore a copy");
    }
    assertRefusedUnharmed(
        PoolException.NotAPool.class, written(Arrays.copyOf(whole, 8191)), "size=8191");
  }

  @Test
  void open_extended_refusedBySizes() throws IOException {
    byte[] whole = Files.readAllBytes(pool());
    for (int bytes : new int[] {(1 << 20) + 1, (1 << 20) + 4096, 2 << 20}) {
      assertRefusedUnharmed(
          Corrupt.class,
          written(Arrays.copyOf(whole, bytes)),
          "pool.size",
          "expected=" + SIZE + " bytes",
          "actual=" + bytes + " bytes",
          "extended");
    }
  }

  /** At each page, and in what comes before objects at each line; a longer one likewise. */
  @Test
  @DisabledIfSystemProperty(
      named = "holdfast.daxvm.folder",
      matches = ".+",
      disabledReason =
          "lengths are the same on every medium, and 1,500 openings take minutes there")
  void open_anyOtherLength_refusedUnharmed() throws IOException {
    Path file = pool();
    byte[] whole = Files.readAllBytes(file);
    for (int pages = 1; pages <= 64; pages++) {
      assertRefusedAtLength(file, whole, (int) SIZE + 4096 * pages);
      assertRefusedAtLength(file, whole, (int) SIZE + 64 * pages);
    }
    for (int bytes = (int) SIZE - 4096; bytes >= 0; bytes -= bytes > 65_536 ? 4096 : 64) {
      assertRefusedAtLength(file, whole, bytes);
    }
  }

  private static void assertRefusedAtLength(Path file, byte[] whole, int bytes) throws IOException {
    try (RandomAccessFile changed = new RandomAccessFile(file.toFile(), "rw")) {
      changed.setLength(bytes);
    }
    assertThrows(HoldfastException.class, builder(file)::open, () -> "bytes=" + bytes);
    assertArrayEquals(Arrays.copyOf(whole, bytes), Files.readAllBytes(file));
  }

  private static void write(Path file, long at, long value) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      ByteBuffer word = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      channel.write(word.putLong(value).flip(), at);
    }
  }

  @Test
  void open_bitsFlippedInBothHeaders_refused() throws IOException {
    Path file = pool();
    write(file, 40, SIZE + 1);
    assertThere(file);
    write(file, 40, SIZE + 1);
    write(file, 4096 + 40, SIZE + 1);
    assertRefusedUnharmed(Corrupt.class, file, "offset=248", "pool.checksum", "restore a copy");
  }

  @Test
  void open_oneHeaderDamaged_readOnlyLeavesItAndAnOwnerMendsIt() throws IOException {
    Path file = pool();
    byte[] good = Files.readAllBytes(file);
    write(file, 0, 0x1234);
    byte[] damaged = Files.readAllBytes(file);
    try (Pool reader = builder(file).openReadOnly()) {
      assertEquals("ann", reader.root("account", Account.TYPE).owner());
    }
    assertArrayEquals(damaged, Files.readAllBytes(file));
    assertThere(file);
    assertArrayEquals(Arrays.copyOf(good, 256), Arrays.copyOf(Files.readAllBytes(file), 256));
  }

  @Test
  void open_newerVersion_refused() throws IOException {
    Path file = pool();
    try (PersistentRegion region = PersistentRegion.open(file)) {
      PoolHeader header = PoolHeader.load(region);
      region.copyIn(PoolLayout.FIRST_HEADER, header.encode(2));
      region.copyIn(PoolLayout.SECOND_HEADER, header.encode(2));
    }
    assertRefusedUnharmed(
        UnsupportedVersion.class, file, "version 2", "reads version 1", "use the newer library");
  }

  @Test
  void open_anotherLayout_refused() throws IOException {
    Path file = pool();
    byte[] before = Files.readAllBytes(file);
    for (String asked : List.of("", "tes", "Test", "test ")) {
      assertRefused(
          PoolException.OtherLayout.class,
          List.of("\"test\"", "\"" + asked + "\"", "take another file"),
          Pool.at(file).layout(asked)::open);
      assertArrayEquals(before, Files.readAllBytes(file));
    }
    assertThere(file);
  }

  @Test
  void open_anyLayout_tellsWhichOneItIs() {
    Path file = pool();
    try (Pool reader = Pool.at(file).layout("other").anyLayout().openReadOnly()) {
      assertEquals("test", reader.info().layout());
      assertEquals(PoolTest.CHEAP, reader.recovery().lastDurability());
    }
    assertRefused(
        PoolException.OtherLayout.class,
        List.of("\"other\""),
        Pool.at(file).anyLayout().layout("other")::open);
  }

  /** As it may be when power is lost before the last step of a creation, or another program's. */
  @Test
  void open_headersEmptyAndTheRestNot_refusedWithTheRemedy() throws IOException {
    Path file = pool();
    write(file, 0, 0);
    write(file, 4096, 0);
    assertRefusedUnharmed(
        PoolException.NotAPool.class,
        file,
        "did not finish",
        "delete the file and create it again");
    Files.delete(file);
    builder(file).openOrCreate().close();
  }

  /** As it is when the process ends before the last step of a creation. */
  @Test
  void openOrCreate_creationThatDidNotFinish_begunAgain() throws IOException {
    Path marked = pool();
    write(marked, 0, PoolLayout.UNFINISHED);
    write(marked, 4096, PoolLayout.UNFINISHED);
    Path longer = folder.resolve("longer");
    Files.write(longer, new byte[3 << 20]);
    List<Path> files = new ArrayList<>(List.of(marked, longer));
    for (int bytes : new int[] {0, 4096, 4097, 8191, 100_000, 1 << 20}) {
      files.add(Files.write(folder.resolve("zeros" + bytes), new byte[bytes]));
    }
    for (Path file : files) {
      if (Files.size(file) > 0) {
        byte[] before = Files.readAllBytes(file);
        assertRefused(PoolException.NotAPool.class, List.of(), builder(file)::open);
        assertRefused(PoolException.NotAPool.class, List.of(), builder(file)::openReadOnly);
        assertRefused(FileUnusable.class, List.of("choose another path"), builder(file)::create);
        assertArrayEquals(before, Files.readAllBytes(file));
      }
      try (Pool pool = builder(file).openOrCreate()) {
        assertEquals(List.of(), pool.roots());
        assertEquals(0, pool.info().usedBytes());
        pool.run(tx -> tx.edit(pool.root("account", Account.TYPE)).owner("ann").balance(5));
      }
      assertThere(file);
    }
    assertEquals(3 << 20, Files.size(longer));
    Path empty = written(new byte[0]);
    builder(empty).create().close();
    builder(empty).open().close();
  }

  /** A file is the one's who has locked it; nobody else begins its creation, or takes it away. */
  @Test
  void openOrCreate_whileAnotherCreates_refused() throws IOException {
    for (int bytes : new int[] {4096, 1 << 20}) {
      Path file = Files.write(folder.resolve("zeros" + bytes), new byte[bytes]);
      try (PersistentRegion other = PersistentRegion.open(file)) {
        assertRefused(HoldfastException.RegionInUse.class, List.of(), builder(file)::openOrCreate);
        assertEquals(bytes, other.size());
      }
      assertEquals(bytes, Files.size(file));
    }
  }

  /** Processes that are killed while they make a pool, some before there is a file. */
  @Test
  void openOrCreate_killedAnywhere_makesItTheNextTime() throws Exception {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 12; i++) {
      Path file = folder.resolve("killed" + i);
      Process child =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "--enable-native-access=ALL-UNNAMED",
                  "-XX:TieredStopAtLevel=1",
                  "-cp",
                  System.getProperty("java.class.path"),
                  Creator.class.getName(),
                  file.toString())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      assertEquals("begins", child.inputReader().readLine());
      Thread.sleep(random.nextInt(150));
      child.toHandle().destroyForcibly();
      child.waitFor();
      try (Pool pool = builder(file).openOrCreate()) {
        assertTrue(pool.check().isClean());
      }
    }
  }

  /** Makes a pool. */
  static final class Creator {
    public static void main(String[] arguments) throws InterruptedException {
      System.out.println("begins");
      builder(Path.of(arguments[0])).openOrCreate();
      Thread.sleep(60_000);
    }

    private Creator() {}
  }

  // ---- paths

  @Test
  void anyWay_directoryOrNoSuchDirectory_refused() {
    for (PoolBuilder builder : List.of(builder(folder), builder(folder.resolve(".")))) {
      assertRefused(
          FileUnusable.class, List.of("is a directory: name a file in it"), builder::open);
      assertRefused(FileUnusable.class, List.of("is a directory"), builder::create);
      assertRefused(FileUnusable.class, List.of("is a directory"), builder::openOrCreate);
      assertRefused(FileUnusable.class, List.of("is a directory"), builder::openReadOnly);
    }
    PoolBuilder nowhere = builder(folder.resolve("none/test.pool"));
    String remedy = "create it first, or check the path";
    assertRefused(FileUnusable.class, List.of("none/test.pool", remedy), nowhere::open);
    assertRefused(FileUnusable.class, List.of("none/test.pool", remedy), nowhere::openReadOnly);
    assertRefused(FileUnusable.class, List.of("none/test.pool", "no such"), nowhere::create);
    assertRefused(FileUnusable.class, List.of("none/test.pool", "no such"), nowhere::openOrCreate);
    PoolBuilder below = builder(pool().resolve("x"));
    assertRefused(FileUnusable.class, List.of("is not divided into partitions"), below::open);
    assertRefused(FileUnusable.class, List.of("is not divided into partitions"), below::create);
    assertRefused(FileUnusable.class, List.of("is a device"), builder(Path.of("/dev/null"))::open);
    assertThere(folder.resolve("test.pool"));
  }

  @Test
  void create_fileThatIsThere_refusedUnharmed() throws IOException {
    Path file = pool();
    byte[] before = Files.readAllBytes(file);
    assertRefused(
        FileUnusable.class, List.of("open it, or choose another path"), builder(file)::create);
    assertArrayEquals(before, Files.readAllBytes(file));
    Path text = Files.writeString(folder.resolve("text"), "words");
    assertRefused(FileUnusable.class, List.of("file exists"), builder(text)::create);
    assertEquals("words", Files.readString(text));
  }

  @Test
  void symbolicLinkThatLeadsNowhere_refusedAndNothingMade() throws IOException {
    Path link = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("none"));
    assertRefused(FileUnusable.class, List.of("no such file"), builder(link)::open);
    assertRefused(FileUnusable.class, List.of("file exists"), builder(link)::create);
    assertFalse(Files.exists(folder.resolve("none")));
  }

  @Test
  void open_noPermission_refused() throws IOException {
    Path file = pool();
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
    try (Pool reader = builder(file).openReadOnly()) {
      assertEquals("ann", reader.root("account", Account.TYPE).owner());
    }
    assumeFalse(Files.isWritable(file), "this user may do everything");
    assertRefused(
        FileUnusable.class,
        List.of("permission denied", "check the permissions, or open it read-only"),
        builder(file)::open);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));
    assertRefused(
        FileUnusable.class,
        List.of("permission denied", "check the permissions"),
        builder(file)::openReadOnly);
  }

  private static boolean run(String... command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getInputStream().readAllBytes();
    return process.onExit().join().exitValue() == 0;
  }

  /** Where even root may not write. */
  @Test
  void readOnlyFileSystem_refusedButReadable() throws IOException {
    Path mount = Files.createDirectory(folder.resolve("mount"));
    assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=2m", "none", "" + mount), "cannot mount");
    try {
      Path file = mount.resolve("test.pool");
      Files.copy(pool(), file);
      assertTrue(run("mount", "-o", "remount,ro", "" + mount));
      assertRefused(
          FileUnusable.class,
          List.of("EROFS", "check the permissions, or open it read-only"),
          builder(file)::open);
      assertRefused(FileUnusable.class, List.of("EROFS"), builder(mount.resolve("b"))::create);
      try (Pool reader = builder(file).openReadOnly()) {
        assertEquals("ann", reader.root("account", Account.TYPE).owner());
      }
    } finally {
      assertTrue(run("umount", "" + mount));
    }
  }

  // ---- space

  @Test
  void create_fileSystemThatIsFull_refusedAndNoFileLeft() throws IOException {
    Path mount = Files.createDirectory(folder.resolve("mount"));
    assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=3m", "none", "" + mount), "cannot mount");
    try {
      Path file = mount.resolve("test.pool");
      builder(file).size(2 << 20).create().close();
      byte[] before = Files.readAllBytes(file);
      Path other = mount.resolve("other.pool");
      assertRefused(
          NoSpace.class,
          List.of("other.pool", "bytes=" + (2 << 20), "free=", "ask for a smaller pool"),
          builder(other).size(2 << 20)::create);
      assertFalse(Files.exists(other));
      assertArrayEquals(before, Files.readAllBytes(file));
      builder(other).create().close();
      builder(file).open().close();
    } finally {
      assertTrue(run("umount", "" + mount));
    }
  }

  /** More than any file system here has, so that nothing is filled. */
  @Test
  void create_moreThanThereIs_refusedAndNoFileLeft() {
    Path file = folder.resolve("test.pool");
    for (PoolBuilder builder :
        List.of(builder(file), builder(TMPFS.resolve("" + file.hashCode())))) {
      assertRefused(
          NoSpace.class, List.of("bytes=" + (1L << 46), "free="), builder.size(1L << 46)::create);
      assertRefused(NoSpace.class, List.of("free some"), builder.size(1L << 46)::openOrCreate);
    }
    assertFalse(Files.exists(file));
    assertFalse(Files.exists(TMPFS.resolve("" + file.hashCode())));
  }

  @Test
  void create_optionsThatDoNotFit_refusedAndNoFileLeft() {
    Path file = folder.resolve("test.pool");
    var e = assertThrows(IllegalArgumentException.class, () -> builder(file).lanes(1000).create());
    assertTrue(e.getMessage().contains("lanes=1000"), e.getMessage());
    assertTrue(e.getMessage().contains("size=" + SIZE), e.getMessage());
    assertFalse(Files.exists(file));
    assertThrows(NullPointerException.class, () -> Pool.at(null));
    assertThrows(NullPointerException.class, () -> builder(file).layout(null));
    assertThrows(NullPointerException.class, () -> builder(file).durability(null));
  }

  @Test
  void power_onTmpfs_refusedByNameAndNoFileLeft() throws IOException {
    assumeTrue(Files.isDirectory(TMPFS), "no tmpfs");
    Path file = TMPFS.resolve("holdfast-pool-" + ProcessHandle.current().pid());
    List<String> words =
        List.of("tmpfs", "cannot give durability POWER", "accept durability PROCESS");
    PoolBuilder power = builder(file).durability(Durability.POWER);
    assertRefused(DurabilityUnavailable.class, words, power::create);
    assertFalse(Files.exists(file));
    try {
      builder(file).create().close();
      byte[] before = Files.readAllBytes(file);
      assertRefused(DurabilityUnavailable.class, words, power::open);
      assertArrayEquals(before, Files.readAllBytes(file));
      builder(file).open().close();
    } finally {
      Files.delete(file);
    }
  }

  // ---- owners

  @Test
  void open_alreadyOpenHere_refusedByAnyName() throws IOException {
    Path file = pool();
    Path hard = Files.createLink(folder.resolve("hard"), file);
    Path symbolic = Files.createSymbolicLink(folder.resolve("symbolic"), file);
    try (Pool owner = builder(file).open()) {
      byte[] before = Files.readAllBytes(file);
      for (Path name : List.of(file, hard, symbolic)) {
        List<String> words = List.of(name.toString(), "in use", "several may read");
        assertRefused(RegionInUse.class, words, builder(name)::open);
        assertRefused(RegionInUse.class, words, builder(name)::openReadOnly);
        assertRefused(RegionInUse.class, words, builder(name)::openOrCreate);
        assertRefused(FileUnusable.class, List.of("file exists"), builder(name)::create);
      }
      assertArrayEquals(before, Files.readAllBytes(file));
      owner.run(tx -> tx.edit(owner.root("account", Account.TYPE)).balance(6));
    }
    assertThere(symbolic);
    assertThere(hard);
  }

  @Test
  void open_ownedByAnotherProcess_refusedUntilItIsKilled() throws IOException {
    Path file = pool();
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Owner.class.getName(),
                file.toString())
            .redirectErrorStream(true)
            .start();
    try {
      String line = child.inputReader().readLine();
      while (line != null && line.startsWith("SLF4J")) {
        line = child.inputReader().readLine();
      }
      assertEquals("opened", line);
      byte[] before = Files.readAllBytes(file);
      assertRefusedUnharmed(RegionInUse.class, file, "in use", "another process");
      assertArrayEquals(before, Files.readAllBytes(file));
    } finally {
      child.destroyForcibly();
      child.onExit().join();
    }
    try (Pool pool = builder(file).open()) {
      assertFalse(pool.recovery().clean());
      assertEquals(7, pool.root("account", Account.TYPE).balance());
      assertTrue(pool.check().isClean());
    }
  }

  /** A process that changes a pool and keeps it open until it is killed. */
  static final class Owner {
    private Owner() {}

    public static void main(String[] arguments) throws IOException {
      Pool pool = builder(Path.of(arguments[0])).open();
      pool.run(tx -> tx.edit(pool.root("account", Account.TYPE)).balance(7));
      System.out.println("opened");
      while (System.in.read() >= 0) {
        pool.roots();
      }
    }
  }
}
