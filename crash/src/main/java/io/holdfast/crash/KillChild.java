// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.PersistentRegion;
import java.io.BufferedInputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/** A process that works until it is killed: its main program, and what its parent holds of it. */
final class KillChild {
  private static final int FAILED = 1;

  private final Process process;
  private final Thread reader;
  private final CountDownLatch started = new CountDownLatch(1);
  private final CountDownLatch firstDone = new CountDownLatch(1);
  private final CountDownLatch tripped = new CountDownLatch(1);

  private KillChild(Process process, Consumer<AckPipe.Message> onDone) {
    this.process = process;
    this.reader = Thread.ofPlatform().daemon().name("acks").start(() -> readAll(onDone));
  }

  /**
   * Starts one.
   *
   * @param program the class of what it does
   * @param plan when it is going to trip, if it is by an event
   */
  static KillChild start(
      Class<? extends KillProgram> program,
      Path file,
      KillMedium medium,
      long seed,
      long mediumSeed,
      KillPlan plan,
      Path log,
      Consumer<AckPipe.Message> onDone) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    if (KillChild.class.desiredAssertionStatus()) {
      command.add("-ea");
    }
    command.addAll(
        List.of(
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            classPath(),
            KillChild.class.getName(),
            program.getName(),
            file.toString(),
            medium.name(),
            Long.toString(seed),
            Long.toString(mediumSeed),
            plan.moment().name(),
            plan.event().name(),
            Long.toString(plan.amount())));
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectError(ProcessBuilder.Redirect.appendTo(log.toFile()))
              .start();
      return new KillChild(process, onDone);
    } catch (IOException e) {
      throw new IllegalStateException("cannot start " + command.getFirst() + ": " + e, e);
    }
  }

  /** All modules come on the class path: the child needs no module graph. */
  private static String classPath() {
    String classes = System.getProperty("java.class.path", "");
    String modules = System.getProperty("jdk.module.path", "");
    return modules.isEmpty() || classes.isEmpty()
        ? classes + modules
        : classes + System.getProperty("path.separator") + modules;
  }

  private void readAll(Consumer<AckPipe.Message> onDone) {
    try (BufferedInputStream in = new BufferedInputStream(process.getInputStream())) {
      for (AckPipe.Message record = AckPipe.read(in); record != null; record = AckPipe.read(in)) {
        switch (record.kind()) {
          case STARTED -> started.countDown();
          case DONE -> {
            onDone.accept(record);
            firstDone.countDown();
          }
          case TRIPPED -> tripped.countDown();
        }
      }
    } catch (IOException e) {
      throw new IllegalStateException("cannot read what was acknowledged: " + e, e);
    } finally {
      started.countDown();
      firstDone.countDown();
      tripped.countDown();
    }
  }

  /**
   * Waits until the moment has come from which time is counted, or the event that was planned; also
   * returns when the child has ended.
   *
   * @return whether that was within so many seconds
   */
  boolean await(KillPlan.Moment moment, long seconds) throws InterruptedException {
    CountDownLatch latch =
        switch (moment) {
          case TIME -> firstDone;
          case EVENT, RECOVERY -> tripped;
          case STORM -> started;
        };
    return latch.await(seconds, TimeUnit.SECONDS);
  }

  /**
   * Sends SIGKILL and reads what is left in the pipe.
   *
   * @return whether that killed it; false if it had ended by itself
   */
  boolean kill() throws InterruptedException {
    // Not Process.destroyForcibly, which may discard what the pipe holds.
    process.toHandle().destroyForcibly();
    int status = process.waitFor();
    reader.join();
    return status == 128 + 9;
  }

  // ---- in the child

  /** The main program of a child; see {@link #start}. */
  public static void main(String[] arguments) throws Exception {
    FileOutputStream pipe = new FileOutputStream(FileDescriptor.out);
    System.setOut(System.err);
    // The others would go on without a worker that has failed.
    Thread.setDefaultUncaughtExceptionHandler((thread, failure) -> {
      failure.printStackTrace();
      Runtime.getRuntime().halt(FAILED);
    });
    KillProgram program =
        Class.forName(arguments[0])
            .asSubclass(KillProgram.class)
            .getDeclaredConstructor()
            .newInstance();
    Path file = Path.of(arguments[1]);
    long seed = Long.parseLong(arguments[3]);
    KillPlan plan =
        new KillPlan(
            KillPlan.Moment.valueOf(arguments[5]),
            KillPlan.Event.valueOf(arguments[6]),
            Long.parseLong(arguments[7]));
    TripMedium trip =
        new TripMedium(
            KillMedium.valueOf(arguments[2]).open(file, Long.parseLong(arguments[4])),
            () -> {
              AckPipe.write(pipe, new AckPipe.Message(AckPipe.Kind.TRIPPED, 0, 0));
              while (true) {
                LockSupport.park();
              }
            });
    if (plan.moment() == KillPlan.Moment.RECOVERY) {
      trip.arm(plan.event(), plan.amount());
    }
    AtomicBoolean first = new AtomicBoolean(plan.moment() == KillPlan.Moment.EVENT);
    // By time there is nothing to watch, and the region works on its mapping directly.
    PersistentRegion region = PersistentRegion.over(plan.isByTime() ? trip.inner() : trip);
    AckPipe.write(pipe, new AckPipe.Message(AckPipe.Kind.STARTED, 0, 0));
    program.work(
        region,
        seed,
        (worker, number) -> {
          AckPipe.write(pipe, new AckPipe.Message(AckPipe.Kind.DONE, worker, number));
          if (first.getPlain() && first.compareAndSet(true, false)) {
            trip.arm(plan.event(), plan.amount());
          }
        });
  }
}
