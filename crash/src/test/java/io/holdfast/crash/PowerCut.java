// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.Durability;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.Medium;
import io.holdfast.flush.Partitions;
import io.holdfast.flush.PersistentRegion;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Consumer;

/**
 * What runs in a machine whose power is cut: {@link KillProgram}s, each in a region of its own,
 * that are looked after by the next life of the machine. {@code src/daxvm/daxvm cuts} cuts.
 *
 * <p>What is acknowledged is written through to a disk of its own, which keeps what reached it. So
 * a life finds exactly what the one before had acknowledged, and every operation of that must be
 * there, with at most one more of each worker. A region that was still being made is one that can
 * be opened, or is refused by a type.
 *
 * <p>A region is a file, a whole device, or a partition of one, which is divided first if it is not
 * yet. The simulated memory keeps every store, so this finds what kernel, mount and recovery lose,
 * and not a writeback that is missing: that is found by {@link KillMedium#VOLATILE_CACHE} and by
 * {@link Explorer}.
 */
final class PowerCut {
  /** What a life does: look after what is there; work on it; make it anew and work. */
  enum Life {
    CHECK,
    WORK,
    RENEW
  }

  private static final long LARGEST_BYTES = 32 << 20;

  private final KillProgram program;
  private final Path area;
  private final Acknowledged disk;
  private final Consumer<String> console;
  private final CountDownLatch notReady;

  /**
   * One region's share of a life.
   *
   * @param notReady how many regions are not at work yet; they begin together, so that a cut finds
   *     all of them at it
   */
  PowerCut(
      KillProgram program,
      Path area,
      Acknowledged disk,
      Consumer<String> console,
      CountDownLatch notReady) {
    this.program = program;
    this.area = area;
    this.disk = disk;
    this.console = text -> console.accept(area + ": " + text);
    this.notReady = notReady;
  }

  /**
   * Lives, once, until the power is cut.
   *
   * @param arguments what to do, seed, disk for what is acknowledged, and for each region the class
   *     of its program, an equals sign, and its path
   */
  public static void main(String[] arguments) throws Exception {
    Life life = Life.valueOf(arguments[0]);
    long seed = Long.parseLong(arguments[1]);
    FileChannel disk = Acknowledged.open(Path.of(arguments[2]));
    List<Throwable> losses = new CopyOnWriteArrayList<>();
    CountDownLatch first = new CountDownLatch(1);
    CountDownLatch notReady = new CountDownLatch(arguments.length - 3);
    List<Thread> threads = new ArrayList<>();
    for (int i = 3; i < arguments.length; i++) {
      String[] parts = arguments[i].split("=", 2);
      KillProgram program =
          Class.forName(parts[0])
              .asSubclass(KillProgram.class)
              .getDeclaredConstructor()
              .newInstance();
      PowerCut cut =
          new PowerCut(
              program,
              Path.of(parts[1]),
              new Acknowledged(disk, i - 3),
              text -> IO.println("CUT " + text),
              notReady);
      long own = seed + i;
      threads.add(Thread.ofPlatform().start(() -> cut.liveUnlessLost(life, own, losses, first)));
    }
    if (life == Life.CHECK) {
      for (Thread thread : threads) {
        thread.join();
      }
    } else {
      first.await();
    }
    Runtime.getRuntime().halt(losses.isEmpty() ? 0 : 1);
  }

  private void liveUnlessLost(
      Life life, long seed, List<Throwable> losses, CountDownLatch firstLoss) {
    try {
      live(life, seed);
    } catch (Exception | Error e) {
      losses.add(e);
      console.accept("LOST: " + e);
      e.printStackTrace();
      firstLoss.countDown();
    }
  }

  void live(Life life, long seed) throws Exception {
    long found = disk.seed();
    if (found == 0) {
      tryWhatIsLeft();
    } else {
      check(found);
    }
    if (life == Life.CHECK) {
      return;
    }
    if (found == 0 || life == Life.RENEW) {
      console.accept("making");
      make(seed);
      found = seed;
    }
    try (PersistentRegion region = PersistentRegion.open(area, Durability.PROCESS, LARGEST_BYTES)) {
      notReady.countDown();
      notReady.await();
      console.accept("at work, " + region.describe());
      program.work(region, found, disk);
    }
  }

  /** One that was not finished: opened, or refused, and nothing else. */
  private void tryWhatIsLeft() {
    try (PersistentRegion region = PersistentRegion.open(area)) {
      console.accept("checked: not finished, " + region.size() + " bytes");
    } catch (HoldfastException e) {
      console.accept("checked: not finished, " + e.getMessage());
    }
  }

  void check(long seed) {
    try (PersistentRegion region = PersistentRegion.open(area);
        PersistentRegion model = PersistentRegion.over(Medium.inMemory(region.size()))) {
      program.create(model, seed);
      KillProgram.Recovered recovered = program.check(region, seed, disk);
      console.accept(
          "checked: %d acknowledged, %d rolled back, opened in %d ms"
              .formatted(disk.sum(), recovered.rolledBack(), recovered.took().toMillis()));
    }
  }

  void make(long seed) {
    disk.forget();
    if (!Files.isDirectory(area.getParent())) {
      divide(area.getParent());
    }
    if (!isDevice()) {
      if (PersistentRegion.exists(area)) {
        PersistentRegion.delete(area);
      }
      PersistentRegion.create(area, program.size(seed)).close();
    }
    try (PersistentRegion region = PersistentRegion.open(area)) {
      program.create(region, seed);
    }
    disk.seed(seed);
  }

  /** A device is there, and what it held is of no account. */
  private boolean isDevice() {
    return Files.exists(area) && !Files.isRegularFile(area);
  }

  /** Two programs come here at once. */
  private static synchronized void divide(Path device) {
    try {
      Partitions.of(device);
    } catch (HoldfastException.FileUnusable e) {
      Partitions.initialise(device);
    }
  }

  /**
   * What was acknowledged, on a disk: for each region a block that has its seed when it is made,
   * and one for each worker, with the number of its last operation.
   */
  static final class Acknowledged
      implements KillProgram.Acknowledgements, KillProgram.Acknowledged {
    static final int BLOCK = 4096;
    static final int WORKERS = 15;

    private final FileChannel disk;
    private final long start;

    Acknowledged(FileChannel disk, int index) {
      this.disk = disk;
      this.start = (long) index * (WORKERS + 1) * BLOCK;
    }

    /** Opens a disk, or a file that stands for one: what is written has reached it. */
    static FileChannel open(Path path) throws IOException {
      return FileChannel.open(
          path, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DSYNC);
    }

    private void write(int block, long value) {
      ByteBuffer bytes = ByteBuffer.allocate(BLOCK);
      bytes.putLong(0, value);
      try {
        if (disk.write(bytes, start + (long) block * BLOCK) != BLOCK) {
          throw new IllegalStateException("the disk took a part of a block");
        }
      } catch (IOException e) {
        throw new IllegalStateException("the disk failed", e);
      }
    }

    private long read(int block) {
      ByteBuffer bytes = ByteBuffer.allocate(BLOCK);
      try {
        return disk.read(bytes, start + (long) block * BLOCK) < BLOCK ? 0 : bytes.getLong(0);
      } catch (IOException e) {
        throw new IllegalStateException("the disk failed", e);
      }
    }

    /** The seed of the region, or 0 if it is not finished. */
    long seed() {
      return read(0);
    }

    void seed(long value) {
      write(0, value);
    }

    void forget() {
      for (int block = 0; block <= WORKERS; block++) {
        write(block, 0);
      }
    }

    long sum() {
      long sum = 0;
      for (int worker = 0; worker < WORKERS; worker++) {
        sum += last(worker);
      }
      return sum;
    }

    @Override
    public void acknowledge(int worker, long number) {
      write(worker + 1, number);
    }

    @Override
    public long last(int worker) {
      return read(worker + 1);
    }
  }
}
