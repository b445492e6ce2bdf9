// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.HoldfastException.RegionInUse;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.TransactionException;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.MethodRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * What an unlucky world does to a process that uses a pool: interrupts it, stops it, takes its
 * stack and its memory. What is committed stays, what is not never was, and nothing hangs.
 */
@Timeout(value = 300, threadMode = ThreadMode.SEPARATE_THREAD)
class EnvironmentTest {
  private static final long SIZE = 1 << 20;
  private static final Type<Block> PAIR = Type.block(16);
  private static final Type<PersistentMap<Long, String>> NAMES = SamplePool.NAMES;
  private static final String SMALLEST_STACK = "180k";
  private static final long LARGE_BYTES = 4 * SIZE;
  private static final Type<Block> LARGE = Type.block(LARGE_BYTES);
  private static final Type<PersistentBlocks> BLOCKS = Type.blocks(512, 8);

  @TempDir Path folder;

  private static PoolBuilder builder(Path file) {
    return Pool.at(file).size(SIZE).maxSize(8 * SIZE).layout("environment");
  }

  /** Both words of the pair, and an entry of a map: all or none. */
  private static void addOne(Pool pool) {
    Block pair = pool.root("pair", PAIR);
    PersistentMap<Long, String> names = pool.root("names", NAMES);
    pool.run(tx -> {
      long next = tx.edit(pair).getLong(0) + 1;
      tx.edit(pair).setLong(0, next).setLong(8, next);
      tx.edit(names).put(next, "number " + next);
    });
  }

  private static long assertWhole(Pool pool) {
    MemorySegment pair = pool.root("pair", PAIR).view();
    long count = pair.get(JAVA_LONG, 0);
    assertEquals(count, pair.get(JAVA_LONG, 8));
    PersistentMap<Long, String> names = pool.root("names", NAMES);
    assertEquals(count, names.size());
    for (long i = 1; i <= count; i++) {
      assertEquals("number " + i, names.get(i));
    }
    assertTrue(pool.check().isClean(), () -> pool.check().toString());
    return count;
  }

  // ---- interrupts

  @Test
  void interrupted_createOpenCommitGrowClose_allIsDoneAndTheInterruptStays() {
    Path file = folder.resolve("pool");
    Thread.currentThread().interrupt();
    try (Pool pool = builder(file).create()) {
      addOne(pool);
    }
    try (Pool pool = builder(file).open()) {
      addOne(pool);
      pool.run(tx -> pool.allocate(tx, 4 * SIZE));
      assertTrue(pool.info().size() > 4 * SIZE, "it has not grown");
    }
    try (Pool pool = builder(file).openReadOnly()) {
      assertEquals(2, pool.root("pair", PAIR).view().get(JAVA_LONG, 0));
    }
    assertTrue(Thread.interrupted(), "the interrupt was swallowed");
  }

  /** Who waits for another's claim waits on; who interrupts him can ask for no more. */
  @Test
  void interrupted_whileItWaitsForAClaim_goesOnWhenItIsFree() throws Exception {
    try (Pool pool = builder(folder.resolve("pool")).create()) {
      addOne(pool);
      Block pair = pool.root("pair", PAIR);
      Thread waiting;
      List<Throwable> failures = new ArrayList<>();
      try (Transaction younger = pool.begin()) {
        younger.edit(pair).setLong(0, 5);
        waiting = new Thread(() -> addOne(pool));
        waiting.setUncaughtExceptionHandler((thread, e) -> failures.add(e));
        waiting.start();
        waiting.interrupt();
        waiting.join(50);
        assertTrue(waiting.isAlive());
      }
      waiting.join();
      assertEquals(List.of(), failures);
      assertEquals(2, assertWhole(pool));
    }
  }

  // ---- stack and memory

  /**
   * At depths around that at which the stack ends, so that it ends in each step. Again and again,
   * since compiled code ends in other steps.
   */
  @Test
  void stackOverflow_anywhereInATransaction_allOrNothingAndNoHang() throws Exception {
    int[] outcomes = new int[2];
    for (int run = 0; run < 6; run++) {
      Path file = folder.resolve("pool" + run);
      builder(file).create().close();
      int seed = run;
      List<Throwable> failures = new ArrayList<>();
      Thread thread = new Thread(null, () -> overflow(file, seed, outcomes), "deep", 512 << 10);
      thread.setUncaughtExceptionHandler((t, e) -> failures.add(e));
      thread.start();
      thread.join();
      if (!failures.isEmpty()) {
        throw new AssertionError("run " + run, failures.getFirst());
      }
    }
    assertTrue(outcomes[0] > 1000 && outcomes[1] > 1000, outcomes[0] + ", " + outcomes[1]);
  }

  /** The smallest stack that a program can have, of which less can be asked for. */
  @Test
  void stackOverflow_ofASmallStack_allOrNothingAndNoHang() throws Exception {
    Path file = folder.resolve("pool");
    builder(file).create().close();
    Process child = child(Shallow.class, "-Xss" + SMALLEST_STACK, file);
    assertEquals(List.of("whole"), saidBy(child));
  }

  /** Goes to the end of its only stack. */
  static final class Shallow {
    private Shallow() {}

    public static void main(String[] arguments) {
      int[] outcomes = new int[2];
      overflow(Path.of(arguments[0]), 1, outcomes);
      System.out.println(outcomes[0] > 0 && outcomes[1] > 100 ? "whole" : "never at the end");
    }
  }

  /**
   * Goes deeper after each commit, and less deep after each overflow; by more after several in a
   * row, since compiled code needs less stack.
   */
  private static void overflow(Path file, int seed, int[] outcomes) {
    SplittableRandom random = new SplittableRandom(seed);
    int depth = 50;
    int step = 500;
    int row = 0; // of commits, or, negative, of overflows
    for (int round = 0; round < 20; round++) {
      try (Pool pool = builder(file).open()) {
        pool.setPatience(Duration.ofMillis(200));
        addToAll(pool);
        for (int i = 0; i < 100; i++) {
          try {
            addAt(pool, depth);
            outcomes[0]++;
            row = Math.max(row, 0) + 1;
            step = row > 4 ? 2 * step : step;
            depth += step;
          } catch (StackOverflowError | RuntimeException e) { // into which the JDK makes some
            outcomes[1]++;
            row = Math.min(row, 0) - 1;
            step = row < -4 ? 2 * step : Math.max(2, step / 2);
            depth = Math.max(0, depth - random.nextInt(step) - 1);
          }
          addToAll(pool);
        }
      }
      try (Pool pool = builder(file).open()) {
        assertEquals(assertWhole(pool), assertAllAlike(pool));
      }
    }
  }

  private static void addAt(Pool pool, int depth) {
    if (depth > 0) {
      addAt(pool, depth - 1);
    } else {
      addToAll(pool);
    }
  }

  /** One more everywhere: the pair and the map, a block in place, a log, blocks. */
  private static void addToAll(Pool pool) {
    Block pair = pool.root("pair", PAIR);
    PersistentMap<Long, String> names = pool.root("names", NAMES);
    Block inPlace = pool.root("in place", PAIR);
    PersistentLog log = pool.root("log", Type.log());
    PersistentBlocks blocks = pool.root("blocks", BLOCKS);
    pool.run(tx -> {
      long next = tx.edit(pair).getLong(0) + 1;
      tx.edit(pair).setLong(0, next).setLong(8, next);
      tx.edit(names).put(next, "number " + next);
      tx.edit(names).put(0L, "none");
      tx.edit(names).remove(0L);
      tx.snapshot(inPlace.offset(), 16).fill((byte) next);
      tx.edit(log).append(word(next));
      tx.edit(blocks).write(next % 8, MemorySegment.ofArray(block(next)));
      tx.edit(blocks).trim((next + 4) % 8);
      pool.free(tx, pool.allocate(tx, 100));
    });
    log.append(word(-1));
  }

  /** How many were added, as the log, the blocks and the block in place have it. */
  private static long assertAllAlike(Pool pool) {
    PersistentLog log = pool.root("log", Type.log());
    List<Long> records = new ArrayList<>();
    log.walk(
        log.first(),
        (position, record) -> {
          records.add(record.get(JAVA_LONG_UNALIGNED, 0));
          return true;
        });
    records.removeIf(record -> record == -1);
    long count = records.size();
    for (int i = 0; i < count; i++) {
      assertEquals(i + 1, records.get(i));
    }
    byte[] last = new byte[512];
    PersistentBlocks blocks = pool.root("blocks", BLOCKS);
    blocks.read(count % 8, last);
    assertArrayEquals(block(count), last);
    blocks.read((count + 4) % 8, last);
    assertArrayEquals(new byte[512], last);
    byte[] inPlace = pool.root("in place", PAIR).view().toArray(JAVA_BYTE);
    byte[] expected = new byte[16];
    Arrays.fill(expected, (byte) count);
    assertArrayEquals(expected, inPlace);
    return count;
  }

  private static MemorySegment word(long value) {
    return MemorySegment.ofArray(new long[] {value});
  }

  private static byte[] block(long number) {
    byte[] block = new byte[512];
    Arrays.fill(block, (byte) (number * 7));
    return block;
  }

  @Test
  void outOfMemory_inTransactions_whatWasAcknowledgedIsThere() throws Exception {
    Path file = folder.resolve("pool");
    builder(file).create().close();
    long acknowledged = 0;
    Process child = child(Hungry.class, "-Xmx12m", file);
    try (BufferedReader out = child.inputReader()) {
      for (String line = out.readLine(); line != null; line = out.readLine()) {
        if (line.startsWith("done ")) {
          acknowledged = Long.parseLong(line.substring(5));
        } else if (!line.startsWith("SLF4J")) {
          assertEquals("out of memory", line);
        }
      }
    }
    assertTrue(acknowledged > 0);
    try (Pool pool = builder(file).open()) {
      assertTrue(assertWhole(pool) >= acknowledged);
    }
  }

  /** Fills its Java heap while it commits, until the one or the other fails; and then some more. */
  static final class Hungry {
    private static final int FAILURES = 200;

    private Hungry() {}

    public static void main(String[] arguments) {
      Pool pool = builder(Path.of(arguments[0])).open();
      pool.setPatience(Duration.ofMillis(200));
      List<byte[]> ballast = new ArrayList<>();
      long done = 0;
      int failures = 0;
      while (failures < FAILURES) {
        try {
          ballast.add(new byte[failures == 0 ? 100_000 : 500]);
          addOne(pool);
          done++;
        } catch (OutOfMemoryError e) {
          failures++;
          if (failures % 3 == 0 && !ballast.isEmpty()) {
            ballast.removeLast();
          }
        } catch (HoldfastException e) {
          break;
        }
      }
      ballast.clear();
      System.out.println("out of memory");
      System.out.println("done " + done);
      System.out.flush();
      Runtime.getRuntime().halt(0);
    }
  }

  /** The memory ends while a transaction gathers; it is caught there, and to be committed. */
  @Test
  void outOfMemory_caughtInATransaction_commitsNothingAndTheNextIsWhole() throws Exception {
    Path file = folder.resolve("pool");
    builder(file).maxSize(16 * SIZE).create().close();
    Process child = child(Greedy.class, "-Xmx12m", file);
    assertEquals(Collections.nCopies(Greedy.ROUNDS, "broken off"), saidBy(child));
    try (Pool pool = builder(file).maxSize(16 * SIZE).open()) {
      assertEquals(Greedy.ROUNDS, assertWhole(pool));
      MemorySegment large = pool.root("large", LARGE).view();
      byte[] expected = new byte[(int) LARGE_BYTES];
      Arrays.fill(expected, 0, Greedy.FITTING_BYTES, (byte) 1);
      assertEquals(-1, large.mismatch(MemorySegment.ofArray(expected)));
    }
  }

  /**
   * Holds back more than its Java heap has room for, and does not mind; each time with a little
   * more of it, so that it ends at something else. Then as much as there is room for.
   */
  static final class Greedy {
    static final int ROUNDS = 20;
    static final int FITTING_BYTES = 1 << 19;
    private static final int BALLAST_BYTES = 100_000;

    private Greedy() {}

    /** Takes the Java heap but for so many pieces. */
    private static List<byte[]> allButALittle(int pieces) {
      List<byte[]> ballast = new ArrayList<>(1000);
      try {
        while (true) {
          ballast.add(new byte[BALLAST_BYTES]);
        }
      } catch (OutOfMemoryError e) {
        ballast.subList(ballast.size() - pieces, ballast.size()).clear();
      }
      return ballast;
    }

    public static void main(String[] arguments) {
      Pool pool = builder(Path.of(arguments[0])).maxSize(16 * SIZE).open();
      Block large = pool.root("large", LARGE);
      MemorySegment ones = Arena.global().allocate(LARGE_BYTES).fill((byte) 1);
      for (int i = 0; i < ROUNDS; i++) {
        List<byte[]> ballast = allButALittle(i + 2);
        try {
          pool.run(tx -> {
            try {
              tx.set(large.offset(), ones);
            } catch (OutOfMemoryError e) {
              tx.setLong(large.offset(), 2);
            }
          });
        } catch (TransactionException.BrokenOff e) {
          System.out.println("broken off");
        }
        ballast.clear();
        addOne(pool);
        pool.run(tx -> tx.set(large.offset(), ones.asSlice(0, FITTING_BYTES)));
      }
      System.out.flush();
      Runtime.getRuntime().halt(0);
    }
  }

  // ---- other processes

  private static Process child(Class<?> type, String option, Path file) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            option,
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            type.getName(),
            file.toString())
        .redirectErrorStream(true)
        .start();
  }

  private static List<String> saidBy(Process child) {
    return child.inputReader().lines().filter(line -> !line.startsWith("SLF4J")).toList();
  }

  private static void signal(Process process, String signal) throws Exception {
    assertEquals(0, new ProcessBuilder("kill", signal, "" + process.pid()).start().waitFor());
  }

  /** A stopped owner is an owner; a killed one is none, even if it was stopped. */
  @Test
  void owner_stopped_poolIsRefusedUntilItIsKilled() throws Exception {
    Path file = folder.resolve("pool");
    builder(file).create().close();
    Process owner = child(Keeper.class, "-Xmx64m", file);
    try {
      String line = owner.inputReader().readLine();
      while (line != null && line.startsWith("SLF4J")) {
        line = owner.inputReader().readLine();
      }
      assertEquals("open", line);
      signal(owner, "-STOP");
      assertThrows(RegionInUse.class, builder(file)::open);
      signal(owner, "-KILL");
      owner.waitFor();
    } finally {
      owner.destroyForcibly();
    }
    try (Pool pool = builder(file).open()) {
      assertFalse(pool.recovery().clean());
      assertEquals(1, assertWhole(pool));
    }
  }

  /** Adds one, and keeps the pool open for as long as it is let. */
  static final class Keeper {
    private Keeper() {}

    public static void main(String[] arguments) throws IOException {
      Pool pool = builder(Path.of(arguments[0])).open();
      addOne(pool);
      System.out.println("open");
      while (System.in.read() >= 0) {
        pool.roots();
      }
    }
  }

  /** What a child is given is not the pool's file, and so not its lock. */
  @Test
  void owner_diesBeforeItsChild_poolCanBeOpened() throws Exception {
    Path file = folder.resolve("pool");
    builder(file).create().close();
    Process owner = child(Parent.class, "-Xmx64m", file);
    String line = owner.inputReader().readLine();
    while (line != null && line.startsWith("SLF4J")) {
      line = owner.inputReader().readLine();
    }
    ProcessHandle child = ProcessHandle.of(Long.parseLong(line)).orElseThrow();
    try {
      owner.destroyForcibly().waitFor();
      assertTrue(child.isAlive());
      try (Pool pool = builder(file).open()) {
        assertEquals(1, assertWhole(pool));
      }
      assertTrue(child.isAlive());
    } finally {
      owner.destroyForcibly();
      child.destroyForcibly();
    }
  }

  /** Adds one, and begins a process that lives longer. */
  static final class Parent {
    private Parent() {}

    public static void main(String[] arguments) throws Exception {
      Pool pool = builder(Path.of(arguments[0])).open();
      addOne(pool);
      Process child = new ProcessBuilder("sleep", "60").start();
      System.out.println(child.pid());
      child.waitFor();
      pool.close();
    }
  }

  // ---- the clock

  /** All waiting goes by a clock that nobody sets; the other is for looking at, in what is made. */
  @Test
  void wallClock_isAskedWhenSomethingIsMade_andNowhereElse() throws Exception {
    List<String> ask = new ArrayList<>();
    for (Class<?> anchor : List.of(PersistentRegion.class, Transaction.class, Pool.class)) {
      Path place = Path.of(anchor.getProtectionDomain().getCodeSource().getLocation().toURI());
      if (Files.isDirectory(place)) {
        addWhoAsks(place, ask);
      } else {
        try (FileSystem jar = FileSystems.newFileSystem(place)) {
          addWhoAsks(jar.getPath("/"), ask);
        }
      }
    }
    Collections.sort(ask);
    assertEquals(List.of("PartitionTable$Label", "Pool"), ask);
  }

  private static void addWhoAsks(Path classes, List<String> ask) throws IOException {
    try (Stream<Path> files = Files.walk(classes)) {
      for (Path file : files.filter(each -> each.toString().endsWith(".class")).toList()) {
        if (asksWallClock(ClassFile.of().parse(Files.readAllBytes(file)))) {
          ask.add(file.getFileName().toString().replace(".class", ""));
        }
      }
    }
  }

  private static boolean asksWallClock(ClassModel type) {
    for (PoolEntry entry : type.constantPool()) {
      if (entry instanceof MethodRefEntry method) {
        String name = method.owner().asInternalName() + "." + method.name().stringValue();
        if (name.equals("java/lang/System.currentTimeMillis")
            || name.matches("java/time/.*\\.(now|system.*)")
            || name.equals("java/util/Date.<init>")) {
          return true;
        }
      }
    }
    return false;
  }

  // ---- addresses and sizes

  @Test
  void copies_openAtOnceAndSoElsewhere_allTheSame() throws IOException {
    Path file = folder.resolve("pool");
    try (Pool pool = builder(file).create()) {
      for (int i = 0; i < 20; i++) {
        addOne(pool);
      }
    }
    List<Pool> pools = new ArrayList<>();
    try {
      for (int i = 0; i < 10; i++) {
        pools.add(builder(Files.copy(file, folder.resolve("copy " + i))).open());
        addOne(pools.getLast());
      }
      for (Pool pool : pools) {
        assertEquals(21, assertWhole(pool));
      }
    } finally {
      pools.forEach(Pool::close);
    }
  }

  /** Offsets whose lower halves are negative, zero or small: in memory that is not touched. */
  @Test
  void borders_at2And4And8Gigabytes_contentsStayOnBothSides() {
    long gigabyte = 1L << 30;
    PersistentRegion region;
    try {
      region = PersistentRegion.over(Medium.inMemory(9 * gigabyte));
    } catch (HoldfastException e) {
      assumeTrue(false, "no such address space: " + e.getMessage());
      return;
    }
    try (region) {
      Pool pool = Pool.create(region, "large");
      PersistentMap<String, Account> map = pool.root("accounts", SamplePool.ACCOUNTS);
      int count = 0;
      for (long at = 0; at < 8 * gigabyte; count++) {
        // Small blocks come near the borders, with a large one before them.
        long left = gigabyte - at % gigabyte;
        long bytes = left > 64 << 20 ? left - (32 << 20) : 64 << 20;
        String name = "account " + count;
        pool.run(tx -> {
          Block data = pool.allocate(tx, bytes);
          tx.edit(data).setLong(0, bytes).setLong(bytes - 8, ~bytes);
          Account account = pool.make(tx, Account.TYPE);
          tx.edit(account).owner(name).balance(bytes).data(data);
          tx.edit(map).put(name, account);
        });
        at += bytes;
      }
      pool.close();
      Pool again = Pool.open(region, "large");
      PersistentMap<String, Account> there = again.root("accounts", SamplePool.ACCOUNTS);
      assertEquals(count, there.size());
      there.forEach((name, account) -> {
        assertEquals(name, account.owner());
        MemorySegment data = account.data().view();
        assertEquals(account.balance(), data.get(JAVA_LONG, 0));
        assertEquals(~account.balance(), data.get(JAVA_LONG, account.balance() - 8));
      });
      assertTrue(again.check().isClean());
      again.close();
    }
  }
}
