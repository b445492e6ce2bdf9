// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.KillProgram;
import io.holdfast.heap.Block;
import io.holdfast.heap.Codec;
import io.holdfast.heap.Pool;
import io.holdfast.heap.RootInfo;
import io.holdfast.heap.Type;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(120)
class CommandLineTest {
  @TempDir Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private Class<? extends KillProgram> killed = Counter.class;

  private int run(String... words) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    return Holdfast.run(words, new PrintWriter(out), new PrintWriter(err), () -> killed);
  }

  private int runLine(String line) {
    return run(line.replace("FOLDER", folder.toString()).split(" "));
  }

  private void assertPrinted(String... words) {
    for (String word : words) {
      assertTrue(out.toString().contains(word), () -> word + " is not in " + out);
    }
    assertEquals("", err.toString());
  }

  /** One line on standard error that has these words, and nothing else anywhere. */
  private void assertRefused(int status, String... words) {
    assertEquals(Holdfast.NOT_DONE, status, err::toString);
    List<String> lines = err.toString().lines().toList();
    assertEquals(1, lines.size(), err::toString);
    assertTrue(lines.getFirst().startsWith("holdfast: "), err::toString);
    for (String word : words) {
      assertTrue(lines.getFirst().contains(word), () -> word + " is not in " + err);
    }
    assertEquals("", out.toString());
  }

  private Path pool() {
    Path file = folder.resolve("test.pool");
    try (Pool pool = Pool.at(file).size(2 << 20).layout("bank").create()) {
      pool.root("names", Type.map(Codec.LONG, Codec.STRING)).put(1L, "one");
      pool.root("block", Type.block(100));
    }
    return file;
  }

  private static void overwrite(Path file, long at, byte value, int bytes) throws IOException {
    byte[] values = new byte[bytes];
    Arrays.fill(values, value);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(values), at);
    }
  }

  // ---- what works

  @Test
  void create_withAllOptions_makesAPoolThatOpens() {
    Path file = folder.resolve("new.pool");
    String[] words = {
      "pool", "create", "" + file, "--size", "2_048k", "--lanes", "3", "--layout", "bank"
    };
    assertEquals(0, run(words), err::toString);
    assertPrinted("size:            2097152 bytes (2.0 MiB)", "lanes:           3,", "\"bank\"");
    assertPrinted("durability:      process");
    try (Pool pool = Pool.at(file).layout("bank").open()) {
      assertEquals(2 << 20, pool.info().size());
      assertEquals(3, pool.info().lanes());
      assertTrue(pool.recovery().clean());
    }
  }

  @Test
  void create_withAMaximum_makesAPoolThatGrowsAndInfoTellsBoth() {
    Path file = folder.resolve("new.pool");
    assertEquals(
        0, run("pool", "create", "" + file, "--size", "1M", "--max-size", "4M"), err::toString);
    assertPrinted("size:            1048576 bytes", "grows to:        4194304 bytes (4.0 MiB)");
    try (Pool pool = Pool.at(file).open()) {
      pool.root("block", Type.block(2 << 20));
    }
    assertEquals(0, run("pool", "info", "" + file), err::toString);
    assertPrinted("grows to:        4194304 bytes (4.0 MiB)");
    assertTrue(file.toFile().length() > 2 << 20 && file.toFile().length() <= 4 << 20);
    assertEquals(0, run("pool", "check", "" + file), err::toString);
  }

  @Test
  void info_ofAPool_tellsWhatIsInItAndLeavesIt() throws IOException {
    Path file = pool();
    byte[] before = Files.readAllBytes(file);
    assertEquals(0, run("pool", "info", file.toString()), err::toString);
    assertPrinted("format version:  1", "identity: ", "layout:          \"bank\"", "2097152 bytes");
    assertPrinted("durability:      process", "last close:      in order", "granularity: ");
    assertPrinted("lanes: ", "used: ", "free: ", "largest free: ", "roots:           2");
    assertPrinted("root:            \"names\", offset ", "root:            \"block\", offset ");
    assertTrue(out.toString().lines().allMatch(line -> line.matches("[a-z ]+: +\\S.*")));
    assertArrayEquals(before, Files.readAllBytes(file));
    assertEquals(0, run("pool", "info", "--layout", "bank", file.toString()), err::toString);
    assertRefused(run("pool", "info", "--layout", "shop", "" + file), "\"shop\"", "test.pool");
  }

  /** As kill -9 leaves it: the copy is made while the pool is open. */
  @Test
  void infoAndCheck_ofAPoolThatWasNotClosed_tellWhatTheNextOpeningDoes() throws IOException {
    Path file = folder.resolve("open.pool");
    Path copy = folder.resolve("copy.pool");
    try (Pool pool = Pool.at(file).size(2 << 20).create()) {
      pool.root("block", Type.block(100));
      Files.copy(file, copy);
    }
    byte[] before = Files.readAllBytes(copy);
    for (String command : List.of("info", "check")) {
      assertEquals(0, run("pool", command, copy.toString()), err::toString);
      assertPrinted("last close:      not in order: the next opening");
    }
    assertArrayEquals(before, Files.readAllBytes(copy));
  }

  @Test
  void check_ofASoundPool_is0AndOtherReadersDoNotMatter() {
    Path file = pool();
    try (Pool reader = Pool.at(file).anyLayout().openReadOnly()) {
      assertEquals(2, reader.roots().size());
      assertEquals(0, run("pool", "check", file.toString()), err::toString);
    }
    assertPrinted("problems:        0", "leaked:          0 blocks");
  }

  @Test
  void check_ofAPoolWithABlockThatNobodyHas_countsAndListsItAndIs0() {
    Path file = pool();
    long offset;
    try (Pool pool = Pool.at(file).layout("bank").open()) {
      Block lost = pool.call(tx -> pool.allocate(tx, 1000));
      offset = lost.offset();
    }
    assertEquals(0, run("pool", "check", "--leaks", file.toString()), err::toString);
    assertPrinted("leaked:          1 blocks", "leak:            offset " + offset);
  }

  @Test
  void check_ofDamagedMaps_is1WithALineForEach() throws IOException {
    Path file = pool();
    List<Long> maps;
    try (Pool pool = Pool.at(file).layout("bank").open()) {
      pool.root("others", Type.map(Codec.LONG, Codec.STRING));
      maps =
          pool.roots().stream()
              .filter(root -> !root.name().equals("block"))
              .map(RootInfo::offset)
              .toList();
    }
    for (long offset : maps) {
      overwrite(file, offset, (byte) 0x5A, 64);
    }
    assertEquals(Holdfast.FOUND, run("pool", "check", file.toString()), err::toString);
    assertPrinted("problems:        2", "or behind what cannot be read");
    for (String name : List.of("names", "others")) {
      assertPrinted("\nproblem:         root \"" + name + "\": damaged: offset=");
    }
  }

  @Test
  void explore_ofEachCase_tellsOperationsSeedAndSum() {
    for (String name : List.of("blocks", "map", "objects")) {
      String line = "crash explore --operations 2 --nested 0 --seed 4 --case " + name;
      assertEquals(0, runLine(line), err::toString);
      assertPrinted("  open: ", name + ", 2 operations, word, seed 4: ", " states, ", " 0 capped");
      String first = out.toString();
      assertEquals(0, runLine(line), err::toString);
      assertEquals(first, out.toString(), "the same seed, the same exploration");
    }
  }

  @Test
  void explore_withMoreStatesThanTheLimit_isNotAll() {
    String line = "crash explore --operations 1 --nested 0 --seed 4 --limit 1";
    assertEquals(Holdfast.FOUND, runLine(line), err::toString);
    assertPrinted("map, 1 operations, word, seed 4: 5 points, 5 states, 0 nested, 2 capped");
  }

  @Test
  void explore_replaysOneCrash() {
    int event = 0;
    while (runLine("crash explore --operations 1 --seed 4 --replay WORD@4:" + event + ":") != 0) {
      assertTrue(event++ < 100, err::toString);
    }
    assertPrinted("the crash is recovered from: WORD@4:" + event);
  }

  @Test
  void lint_ofEachCase_findsNothing() {
    for (String name : List.of("blocks", "map", "objects")) {
      assertEquals(
          0, runLine("crash lint --operations 200 --seed 4 --case " + name), err::toString);
      assertPrinted(name + ", 200 operations, seed 4: 0 found");
    }
  }

  @Test
  void killLoop_ofASoundProgram_is0AndTellsTheSeed() {
    assertEquals(0, run("crash", "kill", "--cycles", "2", "--seed", "5"), err::toString);
    assertPrinted("kill 1 of 2", "shared: 2 kills", "volatile cache: 2 kills", "0 lost; seed 5");
  }

  @Test
  void killLoop_ofAProgramThatForgetsToPersist_is1() {
    killed = Counter.Forgetful.class;
    String line = "crash kill --cycles 20 --seed 5 --medium volatile-cache --folder FOLDER";
    assertEquals(Holdfast.FOUND, runLine(line), err::toString);
    assertPrinted("LOST: ");
    assertFalse(out.toString().contains("shared: "), out::toString);
  }

  @ParameterizedTest
  @CsvSource({
    "--help, Usage: holdfast",
    "pool --help, Usage: holdfast pool",
    "pool create --help, Exit status:",
    "pool info --help, Usage: holdfast pool info",
    "pool check --help, lost space",
    "crash --help, Usage: holdfast crash",
    "crash explore --help, every image",
    "crash lint --help, in vain",
    "crash kill --help, half a second",
    "--version, Java 25",
    "pool info --version, Java 25",
  })
  void help_everywhere(String line, String word) {
    assertEquals(0, runLine(line), err::toString);
    assertPrinted(word);
  }

  // ---- what does not

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "foo | \"foo\" is none of pool, device, crash, serve: see holdfast --help",
        "--foo | '--foo': see holdfast --help",
        "pool | needs one of create, info, check: see holdfast pool --help",
        "pool foo FILE | \"foo\" is none of create, info, check",
        "pool info | 'FILE': see holdfast pool info --help",
        "pool info a b | 'b': see holdfast pool info --help",
        "pool check --size 3 x | '--size'",
        "pool create | 'FILE'",
        "pool create FOLDER/a --size 12X | '--size': \"12X\" is no size",
        "pool create FOLDER/a --size -1M | '--size': \"-1M\" is no size",
        "pool create FOLDER/a --size 1.5G | '--size': \"1.5G\" is no size",
        "pool create FOLDER/a --size 9999999T | \"9999999T\" is too large",
        "pool create FOLDER/a --size 99999999999999999999 | is too large",
        "pool create FOLDER/a --size 3K | size=3072: see",
        "pool create FOLDER/a --size | --size",
        "pool create FOLDER/a --max-size 3K | maxSize=3072: see",
        "pool create FOLDER/a --size 2M --max-size 1M | maxSize=1048576: see",
        "pool create FOLDER/a --max-size much | '--max-size': \"much\" is no size",
        "pool create FOLDER/a --size 1M --lanes 1000 | lanes=1000",
        "pool create FOLDER/a --lanes 0 | lanes=0",
        "pool create FOLDER/a --lanes many | 'many' is not an int",
        "pool create FOLDER/a --durability forever | 'forever'",
        "pool create FOLDER/a/b/c | check the path",
        "pool create FOLDER | is a directory",
        "pool info FOLDER | is a directory",
        "pool check FOLDER | is a directory",
        "pool info FOLDER/missing | check the path",
        "pool check FOLDER/missing | check the path",
        "crash | needs one of explore, kill, lint",
        "crash explore --case trees | \"trees\" is none of blocks, map, objects",
        "crash explore --model quantum | \"quantum\" is none of word, x86-line, eadr",
        "crash explore --nested -1 | '--nested': -1",
        "crash explore --limit 0 | '--limit': 0",
        "crash explore --operations 0 | '--operations': 0",
        "crash explore --replay nonsense | no token of a crash",
        "crash explore --operations 1 --seed 1 --replay WORD:9999:0 | no crash point at event 9999",
        "crash lint --operations 0 | '--operations': 0",
        "crash kill | --cycles",
        "crash kill --cycles 1 --folder FOLDER/none | is no folder",
        "crash kill --cycles 0 | '--cycles': 0",
        "crash kill --cycles many | 'many'",
        "crash kill --cycles 1 --seed x | 'x'",
        "crash kill --cycles 1 --medium paper | \"paper\" is none of shared, volatile-cache, both",
      })
  void wrongWord_refusedInOneLine(String line, String word) throws IOException {
    assertRefused(runLine(line), word);
    try (var files = Files.list(folder)) {
      assertEquals(List.of(), files.toList());
    }
  }

  @Test
  void create_whereAFileIs_refusedAndTheFileIsAsItWas() throws IOException {
    Path file = pool();
    byte[] before = Files.readAllBytes(file);
    assertRefused(run("pool", "create", file.toString()), "test.pool", "choose another path");
    assertArrayEquals(before, Files.readAllBytes(file));
  }

  @ParameterizedTest
  @CsvSource({"0, too small", "5000, size=5000", "1048576, another program's file"})
  void foreignFile_refusedByNameInOneLine(int bytes, String word) throws IOException {
    Path file = folder.resolve("foreign");
    byte[] content = new byte[bytes];
    Arrays.fill(content, (byte) 'x');
    Files.write(file, content);
    for (String command : List.of("info", "check")) {
      assertRefused(run("pool", command, file.toString()), word, file.toString());
    }
    assertArrayEquals(content, Files.readAllBytes(file));
  }

  @Test
  void damagedPool_refusedByNameInOneLine() throws IOException {
    Path file = pool();
    overwrite(file, 16, (byte) 0x5A, 4);
    assertEquals(0, run("pool", "check", file.toString()), "one header of two is enough");
    overwrite(file, 4096 + 16, (byte) 0x5A, 4);
    for (String command : List.of("info", "check")) {
      assertRefused(run("pool", command, file.toString()), "damaged: offset=", file.toString());
    }
    overwrite(file, 0, (byte) 0, 8192);
    assertRefused(run("pool", "check", file.toString()), "creation that did not finish");
  }

  @Test
  void poolInUse_refusedInOneLine() {
    Path file = pool();
    try (Pool pool = Pool.at(file).layout("bank").open()) {
      assertEquals(2, pool.roots().size());
      for (String command : List.of("info", "check")) {
        assertRefused(run("pool", command, file.toString()), "in use", file.toString());
      }
    }
  }

  @Test
  void stack_showsWhereAnErrorCameFrom() {
    String missing = folder.resolve("missing").toString();
    assertEquals(Holdfast.NOT_DONE, run("pool", "info", "--stack", missing));
    assertTrue(err.toString().contains("\tat io.holdfast."), err::toString);
    assertEquals(Holdfast.NOT_DONE, run("--stack", "pool", "info", missing));
    assertTrue(err.toString().contains("\tat io.holdfast."), err::toString);
  }

  @Test
  void unexpectedThrowable_toldInOneLine() {
    assertToldInOneLine(
        () -> {
          throw new IllegalStateException("two\n  lines");
        },
        "holdfast: java.lang.IllegalStateException: two lines");
    assertToldInOneLine(
        () -> {
          throw new NoClassDefFoundError("a/Class");
        },
        "holdfast: java.lang.NoClassDefFoundError: a/Class");
  }

  private void assertToldInOneLine(Supplier<Class<? extends KillProgram>> failing, String line) {
    StringWriter told = new StringWriter();
    int status =
        Holdfast.run(
            new String[] {"crash", "kill", "--cycles", "1"},
            new PrintWriter(out),
            new PrintWriter(told),
            failing);
    assertEquals(Holdfast.NOT_DONE, status);
    assertEquals(List.of(line), told.toString().lines().toList());
  }

  @Test
  void controlCharacters_areNotPrinted() {
    Path file = folder.resolve("test.pool");
    Pool.at(file).size(1 << 20).layout("a\u001B[2Jb\nc").create().close();
    assertEquals(0, run("pool", "info", file.toString()), err::toString);
    assertPrinted("\"a\\u001B[2Jb\\u000Ac\"");
  }
}
