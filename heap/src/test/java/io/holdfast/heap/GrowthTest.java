// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.crash.CountingMedium;
import io.holdfast.crash.ForwardingMedium;
import io.holdfast.flush.Durability;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.HoldfastException.NoSpace;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.TransactionException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Pools that become larger while they are open; every crash of that is in {@link HeapCrashTest}.
 */
@Timeout(value = 300, threadMode = ThreadMode.SEPARATE_THREAD)
@Tag("media")
class GrowthTest {
  private static final long SIZE = 1 << 20;
  private static final long MAX_SIZE = 8 << 20;
  private static final int VALUE = 40_000;
  private static final String LAYOUT = "test";
  private static final Type<PersistentMap<Long, byte[]>> VALUES = Type.map(Codec.LONG, Codec.BYTES);

  @TempDir Path folder;

  private Path file() {
    return folder.resolve("test.pool");
  }

  private static PoolBuilder builder(Path file) {
    return Pool.at(file).size(SIZE).maxSize(MAX_SIZE).layout(LAYOUT);
  }

  private static byte[] value(long key) {
    byte[] value = new byte[VALUE];
    Arrays.fill(value, (byte) key);
    return value;
  }

  private static void put(Pool pool, long from, long to) {
    PersistentMap<Long, byte[]> values = pool.root("values", VALUES);
    for (long key = from; key < to; key++) {
      values.put(key, value(key));
    }
  }

  /** Puts values until there is no room; returns how many there are. */
  private static long fill(Pool pool, long from) {
    long key = from;
    try {
      while (true) {
        put(pool, key, key + 1);
        key++;
      }
    } catch (PoolException.OutOfPoolSpace e) {
      return key;
    }
  }

  private static void assertWhole(Pool pool, long count) {
    PersistentMap<Long, byte[]> values = pool.root("values", VALUES);
    assertEquals(count, values.size());
    for (long key = 0; key < count; key++) {
      assertArrayEquals(value(key), values.get(key));
    }
    CheckReport check = pool.check();
    assertTrue(check.isClean(), check::toString);
  }

  // ---- growing

  @Test
  void allocate_noRoom_growsInStepsUpToTheMaximum() throws IOException {
    List<Long> sizes = new ArrayList<>();
    try (Pool pool = builder(file()).create()) {
      assertEquals(SIZE, pool.info().size());
      assertEquals(MAX_SIZE, pool.info().maxSize());
      assertEquals(SIZE, Files.size(file()));
      long last = SIZE;
      for (long key = 0; pool.info().size() < MAX_SIZE; key++) {
        put(pool, key, key + 1);
        long size = pool.info().size();
        if (size != last) {
          sizes.add(size);
          assertTrue(size >= Math.min(MAX_SIZE, (last - (1 << 18)) / 4 * 5), last + " to " + size);
          assertEquals(size, Files.size(file()));
          last = size;
        }
      }
    }
    assertTrue(sizes.size() >= 5 && sizes.size() < 20, sizes::toString);
    assertEquals(MAX_SIZE, sizes.getLast());
  }

  @Test
  void reopen_afterGrowth_closedOrNot() throws IOException {
    Path copy = folder.resolve("copy");
    try (Pool pool = builder(file()).create()) {
      put(pool, 0, 60);
      assertTrue(pool.info().size() > 2 * SIZE);
      // What is in the file now is what a kill would leave.
      Files.copy(file(), copy);
      put(pool, 60, 70);
    }
    for (Path one : List.of(copy, file())) {
      long count = one.equals(copy) ? 60 : 70;
      try (Pool reader = builder(one).openReadOnly()) {
        assertWhole(reader, count);
        assertEquals(Files.size(one), reader.info().size());
        assertEquals(MAX_SIZE, reader.info().maxSize());
      }
      try (Pool pool = Pool.at(one).layout(LAYOUT).open()) {
        assertWhole(pool, count);
        long full = fill(pool, count);
        assertEquals(MAX_SIZE, pool.info().size());
        assertWhole(pool, full);
      }
      try (Pool pool = Pool.at(one).layout(LAYOUT).open()) {
        assertEquals(MAX_SIZE, pool.info().size());
      }
    }
  }

  @Test
  void grow_whatWasHandedOut_staysWhereItIs() {
    try (Pool pool = builder(file()).create()) {
      Block block = pool.root("block", Type.block(4096));
      MemorySegment view = block.view();
      Account account = pool.root("account", Account.TYPE);
      put(pool, 0, 100);
      assertTrue(pool.info().size() > SIZE);
      pool.run(tx -> {
        tx.edit(block).setLong(0, 7);
        tx.edit(account).owner("ann");
      });
      assertEquals(7, view.get(JAVA_BYTE, 0));
      assertEquals(view.address(), block.view().address());
      assertEquals("ann", account.owner());
    }
  }

  @Test
  void full_atTheMaximum_typedErrorAndDeletesWork() {
    try (Pool pool = builder(file()).create()) {
      long count = fill(pool, 0);
      assertEquals(MAX_SIZE, pool.info().size());
      PersistentMap<Long, byte[]> values = pool.root("values", VALUES);
      var e =
          assertThrows(PoolException.OutOfPoolSpace.class, () -> values.put(count, value(count)));
      assertTrue(e.getMessage().contains("make a larger pool"), e.getMessage());
      assertNull(e.getCause());
      for (long key = 0; key < count; key++) {
        values.remove(key);
      }
      assertTrue(values.isEmpty());
      assertEquals(count, fill(pool, 0));
      assertWhole(pool, count);
    }
  }

  /** Larger than what there is, so that it grows by more than a share. */
  @Test
  void allocate_aHugeBlock_growsByWhatIsNeeded() {
    try (Pool pool = builder(file()).create()) {
      pool.root("huge", Type.block(5 << 20));
      long size = pool.info().size();
      assertTrue(size >= 5 << 20 && size < 7 << 20, "size=" + size);
      assertThrows(
          PoolException.OutOfPoolSpace.class, () -> pool.root("more", Type.block(3 << 20)));
      assertEquals(size, pool.info().size());
      assertThrows(
          PoolException.OutOfPoolSpace.class, () -> pool.root("most", Type.block(1L << 40)));
      pool.root("rest", Type.block(1 << 20));
      assertTrue(pool.check().isClean());
    }
  }

  /** Free chunks at the end count for what is needed. */
  @Test
  void allocate_freeChunksAtTheEnd_areMadeUseOf() {
    try (Pool pool = builder(file()).create()) {
      long most = pool.growth().mostBytes();
      pool.root("all", Type.block(most - (2 << 16)));
      assertEquals(MAX_SIZE, pool.info().size());
      assertTrue(pool.check().isClean());
    }
  }

  private static final long LARGE = 500_000;

  /** Takes every chunk, after a block of which a transaction can change more than a ring has. */
  private static Block takeAll(Pool pool) {
    Block block = pool.root("block", Type.block(LARGE));
    while (pool.info().largestFree() > 0) {
      pool.root("fill" + pool.roots().size(), Type.block(60_000));
    }
    return block;
  }

  private static void writeAll(Pool pool, Block block) {
    pool.run(tx -> {
      Block.Edit edit = tx.edit(block);
      for (long at = 0; at < LARGE; at += 8) {
        edit.setLong(at, at);
      }
    });
  }

  @Test
  void transaction_largerThanRingAndPool_growsForItsLog() {
    try (Pool pool = builder(file()).create()) {
      Block block = takeAll(pool);
      assertEquals(SIZE, pool.info().size());
      writeAll(pool, block);
      long size = pool.info().size();
      assertTrue(size > SIZE);
      assertEquals(LARGE - 8, block.view().get(JAVA_LONG, LARGE - 8));
      for (int i = 0; i < 5; i++) {
        writeAll(pool, block);
      }
      assertEquals(size, pool.info().size(), "room that waits to be given back comes first");
      assertTrue(pool.check().isClean());
    }
  }

  @Test
  void threads_allocateWhileItGrows_allIsThere() throws Exception {
    int threads = 4;
    int each = 300;
    AtomicReference<Throwable> failure = new AtomicReference<>();
    try (Pool pool = builder(file()).maxSize(64 << 20).create()) {
      PersistentMap<Long, byte[]> values = pool.root("values", VALUES);
      List<Thread> all = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        int me = t;
        all.add(
            Thread.ofPlatform()
                .start(() -> {
                  try {
                    for (long i = 0; i < each; i++) {
                      values.put(i * threads + me, value(i * threads + me));
                      assertNotNull(values.get(i * threads + me));
                    }
                  } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                  }
                }));
      }
      for (Thread thread : all) {
        thread.join();
      }
      if (failure.get() != null) {
        throw new AssertionError(failure.get());
      }
      assertWhole(pool, (long) threads * each);
      assertTrue(pool.info().size() > 40 << 20);
    }
    try (Pool pool = builder(file()).open()) {
      assertWhole(pool, (long) threads * each);
    }
  }

  // ---- refusals

  private static void assertArgumentRefused(String words, Runnable action) {
    var e = assertThrows(IllegalArgumentException.class, action::run);
    assertTrue(e.getMessage().contains(words), e.getMessage());
  }

  @Test
  void maxSize_thatCannotBe_refusedAndNoFileLeft() {
    for (long bytes : new long[] {-1, 0, SIZE - 1, (1L << 46) + 1, Long.MAX_VALUE}) {
      assertArgumentRefused("maxSize=" + bytes, () -> builder(file()).maxSize(bytes));
    }
    assertArgumentRefused(
        "size=%d, maxSize=%d".formatted(2 * SIZE, SIZE),
        () -> builder(file()).size(2 * SIZE).maxSize(SIZE).create());
    // A table for so many chunks is larger than the pool.
    assertArgumentRefused(
        "maxSize=" + (1L << 40), () -> builder(file()).maxSize(1L << 40).create());
    assertTrue(Files.notExists(file()));
  }

  @Test
  void maxSize_unlessItIsSet_isTheSize() {
    try (Pool pool = Pool.at(file()).size(SIZE).layout(LAYOUT).create()) {
      assertEquals(SIZE, pool.info().maxSize());
      fill(pool, 0);
      assertEquals(SIZE, pool.info().size());
    }
  }

  @Test
  void maxSize_oddBytes_roundedUpToPages() {
    try (Pool pool = builder(file()).size(SIZE + 1).maxSize(2 * SIZE + 1).create()) {
      assertEquals(SIZE + 4096, pool.info().size());
      assertEquals(2 * SIZE + 4096, pool.info().maxSize());
      fill(pool, 0);
      assertEquals(2 * SIZE + 4096, pool.info().size());
      assertTrue(pool.check().isClean());
    }
  }

  @Test
  void create_onPartOfARegion_growsIntoTheRest() {
    try (PersistentRegion region = PersistentRegion.over(Medium.inMemory(MAX_SIZE))) {
      for (long size : new long[] {-1, SIZE - 1, MAX_SIZE + 4096}) {
        assertArgumentRefused("size=" + size, () -> Pool.create(region, LAYOUT, size));
      }
      Pool pool = Pool.create(region, LAYOUT, SIZE + 5);
      assertEquals(SIZE, pool.info().size());
      long count = fill(pool, 0);
      assertEquals(MAX_SIZE, pool.info().size());
      Pool again = Pool.open(region, LAYOUT);
      assertWhole(again, count);
    }
  }

  /** Between a try in vain and the growth another thread may have given something back. */
  @Test
  void makeRoom_whereThereIsRoomByThen_doesNotGrow() {
    try (PersistentRegion region = PersistentRegion.over(Medium.inMemory(MAX_SIZE));
        Pool pool = Pool.create(region, LAYOUT, SIZE)) {
      assertTrue(pool.growth().makeRoom(1));
      assertEquals(SIZE, pool.info().size());
    }
  }

  /** Opened for no more than there is, the region ends before the pool does. */
  @Test
  void allocate_regionNotOpenedForGrowth_fullAndUnharmed() {
    builder(file()).create().close();
    try (PersistentRegion region = PersistentRegion.open(file())) {
      Pool pool = Pool.open(region, LAYOUT);
      long count = fill(pool, 0);
      assertEquals(SIZE, pool.info().size());
      assertEquals(MAX_SIZE, pool.info().maxSize());
      assertWhole(pool, count);
      pool.close();
    }
  }

  // ---- failures

  /** Memory that becomes longer when it is told to, or refuses. */
  private static final class Elastic extends ForwardingMedium {
    private volatile long size = SIZE;
    private volatile HoldfastException refusal;
    private int refused;

    Elastic() {
      super(Medium.inMemory(MAX_SIZE));
    }

    @Override
    public String describe() {
      return "elastic";
    }

    @Override
    public long size() {
      return size;
    }

    @Override
    public long maxSize() {
      return inner().size();
    }

    @Override
    public void grow(long bytes) {
      if (refusal != null) {
        refused++;
        throw refusal;
      }
      size = Math.max(size, bytes);
    }
  }

  private static HoldfastException noSpace() {
    try (PersistentRegion fixed = PersistentRegion.over(Medium.inMemory(SIZE))) {
      return assertThrows(NoSpace.class, () -> Medium.inMemory(SIZE).grow(fixed.size() * 2));
    }
  }

  @Test
  void allocate_growthRefused_fullWithTheCauseAndAliveLater() {
    Elastic medium = new Elastic();
    try (PersistentRegion region = PersistentRegion.over(medium)) {
      Pool pool = Pool.create(region, LAYOUT);
      pool.root("values", VALUES);
      medium.refusal = noSpace();
      long count = fill(pool, 0);
      assertEquals(SIZE, pool.info().size());
      assertTrue(medium.refused >= 2, "by a share, and by what is needed");
      var e = assertThrows(PoolException.OutOfPoolSpace.class, () -> put(pool, count, count + 1));
      assertInstanceOf(NoSpace.class, e.getCause());
      assertTrue(e.getMessage().contains("let it grow"), e.getMessage());
      assertWhole(pool, count);
      pool.root("values", VALUES).remove(count - 1);
      put(pool, count - 1, count);
      medium.refusal = null;
      put(pool, count, count + 1);
      assertTrue(pool.info().size() > SIZE);
      assertWhole(pool, count + 1);
    }
  }

  @Test
  void transaction_growthForItsLogRefused_logFullAndAliveLater() {
    Elastic medium = new Elastic();
    try (PersistentRegion region = PersistentRegion.over(medium)) {
      Pool pool = Pool.create(region, LAYOUT);
      Block block = takeAll(pool);
      medium.refusal = noSpace();
      assertThrows(TransactionException.LogFull.class, () -> writeAll(pool, block));
      assertEquals(0, block.view().get(JAVA_LONG, LARGE - 8));
      medium.refusal = null;
      writeAll(pool, block);
      assertEquals(LARGE - 8, block.view().get(JAVA_LONG, LARGE - 8));
      assertTrue(pool.check().isClean());
    }
  }

  /** A region that is the caller's stays open, and a transaction may be too. */
  @Test
  void allocate_afterClose_doesNotGrow() {
    try (PersistentRegion region = PersistentRegion.over(Medium.inMemory(MAX_SIZE))) {
      Pool pool = Pool.create(region, LAYOUT, SIZE);
      try (Transaction tx = pool.begin()) {
        pool.close();
        assertThrows(HoldfastException.class, () -> pool.allocate(tx, 2 << 20));
      }
      try (Pool again = Pool.open(region, LAYOUT)) {
        assertEquals(SIZE, again.info().size());
      }
    }
  }

  /** Growth goes on through media that stand before another one. */
  @Test
  void allocate_countedMedium_growsWithTheOneBehind() {
    try (PersistentRegion region = PersistentRegion.over(new CountingMedium(new Elastic()))) {
      Pool pool = Pool.create(region, LAYOUT);
      put(pool, 0, 60);
      assertTrue(region.size() > SIZE);
      assertWhole(pool, 60);
    }
  }

  /** Whether the new length is durable is not known then, as of any other synchronisation. */
  @Test
  void allocate_mediumFailsWhileItGrows_poisoned() {
    Elastic medium = new Elastic();
    PersistentRegion region = PersistentRegion.over(medium);
    Pool pool = Pool.create(region, LAYOUT);
    pool.root("values", VALUES);
    medium.refusal = mediumFailed();
    assertThrows(HoldfastException.MediumFailed.class, () -> fill(pool, 0));
    assertThrows(HoldfastException.MediumFailed.class, pool::roots);
    try (PersistentRegion again = PersistentRegion.over(medium)) {
      assertTrue(Pool.open(again, LAYOUT).check().isClean());
    }
  }

  private static HoldfastException mediumFailed() {
    try (PersistentRegion region = PersistentRegion.over(Medium.inMemory(SIZE))) {
      region.poison(new IllegalStateException("test"));
      return assertThrows(HoldfastException.MediumFailed.class, () -> region.getLong(0));
    }
  }

  private static boolean run(String... command) throws IOException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getInputStream().readAllBytes();
    return process.onExit().join().exitValue() == 0;
  }

  @Test
  void allocate_diskFull_refusedAndGrowsWhenThereIsRoom() throws IOException {
    Path mount = Files.createDirectory(folder.resolve("mount"));
    assumeTrue(run("mount", "-t", "tmpfs", "-o", "size=4m", "none", "" + mount), "cannot mount");
    try {
      Path file = mount.resolve("test.pool");
      Path other = Files.write(mount.resolve("other"), new byte[2 << 20]);
      long count;
      try (Pool pool = builder(file).create()) {
        count = fill(pool, 0);
        long size = pool.info().size();
        assertTrue(size > SIZE && size <= 2 << 20, "size=" + size);
        assertEquals(size, Files.size(file));
        long next = count;
        var e = assertThrows(PoolException.OutOfPoolSpace.class, () -> put(pool, next, next + 1));
        assertTrue(e.getCause().getMessage().contains("free="), e.getCause().getMessage());
        assertWhole(pool, count);
        Files.delete(other);
        put(pool, count, count + 1);
        assertTrue(pool.info().size() > size);
        count++;
      }
      try (Pool pool = builder(file).open()) {
        assertWhole(pool, count);
      }
    } finally {
      assertTrue(run("umount", "" + mount));
    }
  }

  // ---- files of growths that were cut off

  /** A pool with some values, closed, of the size it was made with. */
  private byte[] small() throws IOException {
    Path file = folder.resolve("small");
    try (Pool pool = builder(file).create()) {
      put(pool, 0, 5);
      assertEquals(SIZE, pool.info().size());
    }
    byte[] bytes = Files.readAllBytes(file);
    Files.delete(file);
    return bytes;
  }

  private Path written(byte[] bytes) throws IOException {
    return Files.write(file(), bytes);
  }

  private void refusedUnharmed(byte[] bytes, String... words) throws IOException {
    written(bytes);
    for (PoolBuilder way : List.of(builder(file()), builder(file()).acceptPowerLoss())) {
      for (Runnable open : List.<Runnable>of(way::open, way::openReadOnly)) {
        var e = assertThrows(Corrupt.class, open::run);
        for (String word : words) {
          assertTrue(e.getMessage().contains(word), e.getMessage());
        }
        assertArrayEquals(bytes, Files.readAllBytes(file()));
      }
    }
  }

  @Test
  void open_fileOfOtherLengths_refusedUnlessAGrowthCanHaveLeftIt() throws IOException {
    byte[] small = small();
    String expected = "expected=%d to %d bytes".formatted(SIZE, MAX_SIZE);
    refusedUnharmed(Arrays.copyOf(small, (int) SIZE - 1), expected, "cut short");
    refusedUnharmed(Arrays.copyOf(small, (int) MAX_SIZE + 1), expected, "extended");
    for (long bytes : new long[] {SIZE + 1, SIZE + 4096, SIZE + (1 << 16), MAX_SIZE}) {
      byte[] longer = Arrays.copyOf(small, (int) bytes);
      Arrays.fill(longer, (int) SIZE, (int) bytes, (byte) 0x5A);
      Path file = written(longer);
      try (Pool reader = builder(file).openReadOnly()) {
        assertEquals(SIZE, reader.info().size());
        assertWhole(reader, 5);
      }
      assertArrayEquals(longer, Files.readAllBytes(file));
      try (Pool pool = builder(file).open()) {
        assertEquals(SIZE, pool.info().size());
        assertEquals(bytes, Files.size(file));
        long count = fill(pool, 5);
        assertEquals(MAX_SIZE, pool.info().size());
        assertWhole(pool, count);
      }
      assertEquals(MAX_SIZE, Files.size(file));
    }
  }

  /** The file, with its header changed as a growth does that is cut off. */
  private Path changed(byte[] bytes, Consumer<PersistentRegion> change) throws IOException {
    Path file = written(bytes);
    try (PersistentRegion region = PersistentRegion.open(file)) {
      change.accept(region);
    }
    return file;
  }

  private static final long GROWN = SIZE + (4 << 16);

  private byte[] longEnough() throws IOException {
    return Arrays.copyOf(small(), (int) GROWN);
  }

  /** Step 2: an entry more, of which no header speaks. */
  private static PoolHeader recordSpan(PersistentRegion region, int chunks) {
    PoolHeader header = PoolHeader.load(region);
    PoolLayout layout = header.layout();
    region.putLong(
        layout.entry(layout.chunkCount()), Span.free(chunks).encode(layout.chunkCount()));
    return header;
  }

  private static PoolHeader resized(PoolHeader header, long size) {
    PoolLayout old = header.layout();
    PoolLayout layout =
        PoolLayout.stored(
            size, old.maxSize(), old.anchor(), old.table(), old.chunks(), old.capacity());
    return new PoolHeader(
        layout, header.identity(), header.created(), header.hashSeed(), header.name());
  }

  private static void assertGrowsOn(Path file, long size) throws IOException {
    byte[] before = Files.readAllBytes(file);
    try (Pool reader = builder(file).openReadOnly()) {
      assertEquals(size, reader.info().size());
      assertWhole(reader, 5);
    }
    assertArrayEquals(before, Files.readAllBytes(file));
    long count;
    try (Pool pool = builder(file).open()) {
      assertEquals(size, pool.info().size());
      assertWhole(pool, 5);
      count = fill(pool, 5);
      assertEquals(MAX_SIZE, pool.info().size());
      assertWhole(pool, count);
    }
    try (Pool pool = builder(file).open()) {
      assertWhole(pool, count);
      assertTrue(PoolHeader.load(pool.region()).isWhole(pool.region()));
    }
  }

  @Test
  void open_entryWithoutHeader_isAsItWas() throws IOException {
    byte[] longEnough = longEnough();
    for (int chunks : new int[] {1, 4, 1000}) {
      assertGrowsOn(changed(longEnough, region -> recordSpan(region, chunks)), SIZE);
    }
  }

  @Test
  void open_oneCopyOfTheHeaderSaysMore_isLargerAndTheOtherSaysSoToo() throws IOException {
    byte[] longEnough = longEnough();
    for (long at : new long[] {PoolLayout.FIRST_HEADER, PoolLayout.SECOND_HEADER}) {
      Path file =
          changed(longEnough, region -> resized(recordSpan(region, 4), GROWN).store(region, at));
      assertGrowsOn(file, GROWN);
      changed(longEnough, region -> resized(recordSpan(region, 4), GROWN).store(region, at));
      Pool open = builder(file).open();
      assertTrue(
          PoolHeader.load(open.region()).isWhole(open.region()), "before anything is kept there");
      open.close();
    }
  }

  /** The copy that was being written is torn: as before a growth, or as after it. */
  @Test
  void open_aCopyOfTheHeaderIsTorn_theOtherCountsAndGrowthSparesIt() throws IOException {
    byte[] longEnough = longEnough();
    for (long torn : new long[] {PoolLayout.FIRST_HEADER, PoolLayout.SECOND_HEADER}) {
      long other = PoolLayout.SECOND_HEADER - torn;
      assertGrowsOn(
          changed(
              longEnough,
              region -> {
                recordSpan(region, 4);
                region.putLong(torn + PoolLayout.SIZE_AT, GROWN);
              }),
          SIZE);
      assertGrowsOn(
          changed(
              longEnough,
              region -> {
                resized(recordSpan(region, 4), GROWN).store(region, other);
                region.putLong(torn + PoolLayout.SIZE_AT, GROWN);
              }),
          GROWN);
    }
  }

  /** Two copies that differ in more than the size: the first counts, as it did before growth. */
  @Test
  void open_copiesOfTheHeaderThatDifferOtherwise_theFirstCounts() throws IOException {
    Path file =
        changed(
            longEnough(),
            region -> {
              PoolHeader grown = resized(recordSpan(region, 4), GROWN);
              new PoolHeader(
                      grown.layout(), new UUID(1, 2), grown.created(), grown.hashSeed(), LAYOUT)
                  .store(region, PoolLayout.SECOND_HEADER);
            });
    assertGrowsOn(file, SIZE);
  }

  /** The file was longer than this before the header said so: somebody has cut it. */
  @Test
  void open_headerSaysMoreThanTheFileHas_refused() throws IOException {
    Path file =
        changed(
            longEnough(),
            region ->
                resized(recordSpan(region, 4), GROWN).store(region, PoolLayout.SECOND_HEADER));
    try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
      access.setLength(SIZE);
    }
    refusedUnharmed(Files.readAllBytes(file), "pool.size", "" + GROWN, "cut short");
  }

  /** A table that ends before the new chunks begin is no table. */
  @Test
  void open_headerWithoutEntry_refused() throws IOException {
    Path file =
        changed(
            longEnough(),
            region -> {
              PoolHeader grown = resized(PoolHeader.load(region), GROWN);
              grown.store(region, PoolLayout.FIRST_HEADER);
              grown.store(region, PoolLayout.SECOND_HEADER);
            });
    refusedUnharmed(Files.readAllBytes(file), "pool.span");
  }

  /** Only addresses depend on what is read before the file is locked. */
  @Test
  void open_headersOfAllSorts_peekedAtWithinBounds() throws IOException {
    byte[] small = small();
    assertEquals(0, PoolHeader.peekMaxSize(folder));
    assertEquals(0, PoolHeader.peekMaxSize(folder.resolve("none")));
    assertEquals(0, PoolHeader.peekMaxSize(written(new byte[100])));
    assertEquals(0, PoolHeader.peekMaxSize(written(new byte[8192])));
    assertEquals(MAX_SIZE, PoolHeader.peekMaxSize(written(small)));
    assertEquals(MAX_SIZE, PoolHeader.peekMaxSize(written(Arrays.copyOf(small, 256))));
    assertEquals(0, PoolHeader.peekMaxSize(written(Arrays.copyOf(small, 255))));
    small[0] = 0;
    assertEquals(MAX_SIZE, PoolHeader.peekMaxSize(written(small)));
    small[4096] = 0;
    assertEquals(0, PoolHeader.peekMaxSize(written(small)));
    assertFalse(Files.exists(folder.resolve("none")));
  }

  @Test
  @DisabledIfSystemProperty(named = "holdfast.daxvm.folder", matches = ".+")
  void power_onAReviewedFileSystem_growsByPages() throws IOException {
    String type = Files.getFileStore(folder).type();
    assumeTrue(type.equals("ext4") || type.equals("xfs"), "needs ext4 or xfs, this is " + type);
    try (Pool pool = builder(file()).durability(Durability.POWER).create()) {
      put(pool, 0, 40);
      assertTrue(pool.info().size() > SIZE);
    }
    try (Pool pool = builder(file()).durability(Durability.POWER).open()) {
      assertWhole(pool, 40);
    }
  }
}
