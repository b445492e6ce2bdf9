// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.PersistentRegion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Runs a program in a child process, kills it with SIGKILL, opens what is left and compares it with
 * what was acknowledged, over and over.
 *
 * <p>When the kills come is drawn from a seed: after some time; at the n-th store, fence or copy of
 * a fence; at one of the recovery from the kill before, up to five in a row; or in storms of ten, 5
 * to 50 ms after a child has begun to open what the one before has left, with no check in between.
 * A region lives through twenty rounds of kills and a check, so that it ages. With the same seed
 * the same plan is carried out; where threads and the clock decide, the outcome may differ. A child
 * checks assertions if this process does.
 *
 * <p>Not thread-safe. Where the kills with {@link KillMedium#SHARED} find lost or torn updates, the
 * ones with {@link KillMedium#VOLATILE_CACHE} also find what was not written back; neither replaces
 * {@link Explorer}, which tries all.
 */
public final class KillLoop {
  private static final int ROUNDS_PER_REGION = 20;
  private static final int MOST_LOSSES = 5;
  private static final long PATIENCE_SECONDS = 30;
  private static final int TAIL_BYTES = 2000;

  private final KillProgram program;
  private int kills = 20;
  private long seed = System.nanoTime();
  private KillMedium medium = KillMedium.SHARED;
  private Path folder;
  private Consumer<String> progress = text -> {};
  private Function<SplittableRandom, List<KillPlan>> plans = KillPlan::round;

  private SplittableRandom random;
  private Path file;
  private Path log;
  private long regionSeed;
  private final Map<Integer, Long> acknowledged = new ConcurrentHashMap<>();
  private long counted;
  private final Map<KillPlan.Moment, Integer> kinds = new EnumMap<>(KillPlan.Moment.class);
  private int killed;
  private long operations;
  private long rolledBack;
  private final List<Duration> openings = new ArrayList<>();
  private final List<String> losses = new ArrayList<>();

  private KillLoop(KillProgram program) {
    this.program = Objects.requireNonNull(program, "program");
  }

  /**
   * Describes a loop of twenty kills with a seed from the clock.
   *
   * @param program what to run and kill
   * @return the loop
   * @throws IllegalArgumentException if it has no public constructor without arguments
   */
  public static KillLoop of(Class<? extends KillProgram> program) {
    try {
      return new KillLoop(program.getConstructor().newInstance());
    } catch (ReflectiveOperationException | LinkageError e) {
      throw new IllegalArgumentException(
          program.getName() + " needs a public constructor without arguments", e);
    }
  }

  /**
   * Describes a loop of twenty kills with a seed from the clock.
   *
   * @param program what makes and checks the regions; what is run and killed is one of its class,
   *     made without arguments
   * @return the loop
   */
  public static KillLoop of(KillProgram program) {
    return new KillLoop(program);
  }

  /**
   * How often to kill.
   *
   * @param count at least 1
   * @return this
   * @throws IllegalArgumentException if it is less
   */
  public KillLoop kills(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("a loop has at least one kill: kills=" + count);
    }
    kills = count;
    return this;
  }

  /**
   * What the plan is drawn from.
   *
   * @param value the seed, as a report has it
   * @return this
   */
  public KillLoop seed(long value) {
    seed = value;
    return this;
  }

  /**
   * What a kill means to the stores of the child.
   *
   * @param kind the medium
   * @return this
   */
  public KillLoop medium(KillMedium kind) {
    medium = Objects.requireNonNull(kind, "kind");
    return this;
  }

  /**
   * Where the region's file is made; the temporary folder unless it is set. The file is deleted at
   * the end, but one that shows a loss is kept.
   *
   * @param path a folder
   * @return this
   */
  public KillLoop folder(Path path) {
    folder = Objects.requireNonNull(path, "path");
    return this;
  }

  /**
   * Is told of each kill, in a line.
   *
   * @param listener called on the thread that runs the loop
   * @return this
   */
  public KillLoop progress(Consumer<String> listener) {
    progress = Objects.requireNonNull(listener, "listener");
    return this;
  }

  /** Draws the plans of each round in another way. */
  KillLoop plans(Function<SplittableRandom, List<KillPlan>> round) {
    plans = round;
    return this;
  }

  /**
   * Runs the loop. Takes about half a second for each kill.
   *
   * @return what was found; losses are reported, not thrown
   * @throws UncheckedIOException if the files cannot be made
   * @throws IllegalStateException if the calling thread is interrupted
   */
  public KillReport run() {
    random = new SplittableRandom(seed);
    try {
      Path own = Files.createTempDirectory(folder != null ? folder : tmp(), "kills");
      file = own.resolve("region");
      log = own.resolve("log");
      try {
        while (killed < kills && losses.size() < MOST_LOSSES) {
          ageOneRegion();
        }
      } finally {
        Files.deleteIfExists(file);
        Files.deleteIfExists(log);
        if (losses.isEmpty()) {
          Files.deleteIfExists(own);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted after " + killed + " kills", e);
    }
    openings.sort(null);
    return new KillReport(
        seed,
        medium,
        count(KillPlan.Moment.TIME),
        count(KillPlan.Moment.EVENT),
        count(KillPlan.Moment.RECOVERY),
        count(KillPlan.Moment.STORM),
        operations,
        rolledBack,
        openings.isEmpty() ? Duration.ZERO : openings.get(openings.size() / 2),
        openings.isEmpty() ? Duration.ZERO : openings.getLast(),
        List.copyOf(losses));
  }

  private int count(KillPlan.Moment moment) {
    return kinds.getOrDefault(moment, 0);
  }

  private static Path tmp() {
    return Path.of(System.getProperty("java.io.tmpdir"));
  }

  private void ageOneRegion() throws IOException, InterruptedException {
    regionSeed = random.nextLong();
    acknowledged.clear();
    counted = 0;
    Files.deleteIfExists(file);
    try (PersistentRegion region = PersistentRegion.create(file, program.size(regionSeed))) {
      program.create(region, regionSeed);
    }
    for (int i = 0; i < ROUNDS_PER_REGION && killed < kills; i++) {
      if (!killAndCheck()) {
        return;
      }
    }
  }

  /** The kills of a round, then a check; false after a loss. */
  private boolean killAndCheck() throws IOException, InterruptedException {
    List<KillPlan> round = plans.apply(random);
    List<KillPlan> carriedOut = round.subList(0, Math.min(round.size(), kills - killed));
    for (int i = 0; i < carriedOut.size(); i++) {
      String trouble = killOnce(carriedOut.get(i));
      if (trouble != null) {
        return lost(KillPlan.describe(carriedOut.subList(0, i + 1)) + ": " + trouble);
      }
    }
    return check(KillPlan.describe(carriedOut));
  }

  private String killOnce(KillPlan plan) throws InterruptedException {
    KillChild child =
        KillChild.start(
            program.getClass(),
            file,
            medium,
            regionSeed,
            random.nextLong(),
            plan,
            log,
            record -> acknowledged.merge(record.worker(), record.number(), Math::max));
    boolean alive = child.await(plan.moment(), PATIENCE_SECONDS);
    if (alive && plan.isByTime()) {
      TimeUnit.MICROSECONDS.sleep(plan.amount());
    }
    if (!child.kill()) {
      return "the child ended by itself: " + tailOfLog();
    }
    killed++;
    kinds.merge(plan.moment(), 1, Integer::sum);
    return alive ? null : "the child did nothing for " + PATIENCE_SECONDS + " s";
  }

  private String tailOfLog() {
    try {
      byte[] text = Files.readAllBytes(log);
      int from = Math.max(0, text.length - TAIL_BYTES);
      return new String(text, from, text.length - from, StandardCharsets.UTF_8);
    } catch (IOException e) {
      return "its log cannot be read: " + e;
    }
  }

  private boolean check(String plans) throws IOException {
    long done = acknowledged.values().stream().mapToLong(Long::longValue).sum();
    long before = operations;
    operations += done - counted;
    counted = done;
    try (PersistentRegion region = PersistentRegion.over(medium.open(file, random.nextLong()))) {
      KillProgram.Recovered recovered =
          program.check(region, regionSeed, worker -> acknowledged.getOrDefault(worker, 0L));
      openings.add(recovered.took());
      rolledBack += recovered.rolledBack();
      progress.accept(
          "kill %d of %d, %s: %d acknowledged, %d rolled back, opened in %.1f ms"
              .formatted(
                  killed,
                  kills,
                  plans,
                  operations - before,
                  recovered.rolledBack(),
                  recovered.took().toNanos() / 1e6));
      return true;
    } catch (RuntimeException | AssertionError e) {
      return lost(plans + ": " + e);
    }
  }

  private boolean lost(String what) throws IOException {
    Path kept = file.resolveSibling("lost-" + (losses.size() + 1));
    Files.move(file, kept, StandardCopyOption.REPLACE_EXISTING);
    String text = "kill %d, %s (%s is kept)".formatted(killed, what, kept);
    losses.add(text);
    progress.accept("LOST: " + text);
    return false;
  }
}
