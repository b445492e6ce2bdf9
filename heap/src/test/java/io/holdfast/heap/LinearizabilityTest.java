// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.History;
import io.holdfast.crash.History.Kind;
import io.holdfast.crash.History.Operation;
import io.holdfast.crash.Tried;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Several threads work on the same few entries of a map until their process is killed; each notes
 * what it begins and what came of it in a file of its own kind. What is there after the recovery
 * must be explained by an order of these operations; so must what they returned.
 */
@Timeout(value = 3600, threadMode = ThreadMode.SEPARATE_THREAD)
@Tag("media")
@Tag("long")
class LinearizabilityTest {
  private static final int KILLS = Integer.getInteger("holdfast.linearizability.kills", 6);
  private static final int THREADS = 4;
  private static final List<Kind> KINDS = List.of(Kind.values());
  private static final int KEYS = 6;

  /** A thread that only reads, whose older notes are overwritten. */
  private static final int READER = 0;

  private static final long POOL_BYTES = 2 << 20;
  private static final int MOST_MILLIS = 250;
  private static final Type<PersistentMap<Long, Long>> MAP = Type.map(Codec.LONG, Codec.LONG);

  @TempDir Path folder;

  /** What dies: the process, or the caches with it. */
  enum Death {
    PROCESS,
    CACHES
  }

  private static PersistentRegion region(Path file, Death death, long seed) {
    return death == Death.PROCESS
        ? PersistentRegion.open(file)
        : PersistentRegion.over(Medium.volatileCache(file, seed));
  }

  @ParameterizedTest
  @EnumSource
  void map_killedUnderThreads_hasAnOrder(Death death) throws Exception {
    Path file = folder.resolve("pool");
    Pool.at(file).size(POOL_BYTES).layout("threads").create().close();
    SplittableRandom random = new SplittableRandom(death.name().hashCode());
    long[] before = new long[KEYS];
    long operations = 0;
    long cutOff = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      Path notes = folder.resolve("notes");
      Files.write(notes, new byte[Notes.BYTES]);
      killAfterSome(file, notes, death, random);
      History history = new History();
      long[] counts = Notes.read(notes, history);
      operations += counts[0];
      cutOff += counts[1];
      long[] after = contents(file, death, random.nextLong());
      long[] then = before;
      assertEquals(
          List.of(),
          history.violations(key -> then[(int) key], key -> after[(int) key]),
          "kill " + kill);
      before = after;
    }
    Tried.say(
        "order of a map's operations, " + death,
        "%d kills, %d operations on %d keys by %d threads, %d cut off, 0 without an order"
            .formatted(KILLS, operations, KEYS, THREADS, cutOff));
    assertTrue(operations > 20L * KILLS, "operations=" + operations);
  }

  private static long[] contents(Path file, Death death, long seed) {
    try (PersistentRegion region = region(file, death, seed);
        Pool pool = Pool.open(region, "threads")) {
      PersistentMap<Long, Long> map = pool.root("map", MAP);
      long[] values = new long[KEYS];
      for (int key = 0; key < KEYS; key++) {
        values[key] = map.getOrDefault((long) key, History.ABSENT);
      }
      assertTrue(pool.check().isClean(), () -> pool.check().toString());
      return values;
    }
  }

  private static void killAfterSome(Path file, Path notes, Death death, SplittableRandom random)
      throws Exception {
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx128m",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Worker.class.getName(),
                file.toString(),
                notes.toString(),
                death.name(),
                Long.toString(random.nextLong()))
            .redirectErrorStream(true)
            .start();
    try {
      String line = child.inputReader().readLine();
      while (line != null && line.startsWith("SLF4J")) {
        line = child.inputReader().readLine();
      }
      assertEquals("begun", line);
      Thread.sleep(1 + random.nextInt(MOST_MILLIS));
      assertTrue(child.isAlive(), () -> "ended by itself: " + child.inputReader().lines().toList());
    } finally {
      child.destroyForcibly();
      child.waitFor();
    }
  }

  /**
   * Notes in a file that is mapped, which a kill leaves as they are. A note is six words: what and
   * with what, when it began; then its result, then when it ended.
   */
  private static final class Notes {
    private static final int NOTE_WORDS = 6;
    private static final int MOST = 50_000;
    private static final int BYTES = 8 * NOTE_WORDS * MOST * THREADS;
    private static final VarHandle WORDS =
        MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private final ByteBuffer bytes;

    Notes(Path file) throws IOException {
      try (FileChannel channel =
          FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        bytes = channel.map(MapMode.READ_WRITE, 0, BYTES);
      }
    }

    private void put(int note, int word, long value) {
      WORDS.setRelease(bytes, 8 * (note * NOTE_WORDS + word), value);
    }

    private long get(int note, int word) {
      return (long) WORDS.getAcquire(bytes, 8 * (note * NOTE_WORDS + word));
    }

    void begin(int note, Kind kind, long key, long argument, long now) {
      put(note, 5, 0); // of an older one in this place
      put(note, 0, KINDS.indexOf(kind));
      put(note, 1, key);
      put(note, 2, argument);
      put(note, 3, now);
    }

    void end(int note, long result, long now) {
      put(note, 4, result);
      put(note, 5, now);
    }

    /** Returns how many operations there were, and how many of them were cut off. */
    static long[] read(Path file, History into) throws IOException {
      Notes notes = new Notes(file);
      long[] counts = new long[2];
      for (int thread = 0; thread < THREADS; thread++) {
        for (int note = thread * MOST;
            note < (thread + 1) * MOST && notes.get(note, 3) != 0;
            note++) {
          long end = notes.get(note, 5);
          into.add(
              notes.get(note, 1),
              new Operation(
                  KINDS.get((int) notes.get(note, 0)),
                  notes.get(note, 2),
                  notes.get(note, 4),
                  notes.get(note, 3),
                  end == 0 ? History.NEVER : end));
          counts[0]++;
          counts[1] += end == 0 ? 1 : 0;
        }
      }
      return counts;
    }
  }

  /** The process that is killed. */
  static final class Worker {
    private Worker() {}

    public static void main(String[] arguments) throws IOException {
      Notes notes = new Notes(Path.of(arguments[1]));
      long seed = Long.parseLong(arguments[3]);
      PersistentRegion region = region(Path.of(arguments[0]), Death.valueOf(arguments[2]), seed);
      Pool pool = Pool.open(region, "threads");
      PersistentMap<Long, Long> map = pool.root("map", MAP);
      AtomicLong clock = new AtomicLong();
      SplittableRandom random = new SplittableRandom(seed);
      for (int i = 0; i < THREADS; i++) {
        int number = i;
        SplittableRandom own = random.split();
        new Thread(() -> work(map, notes, clock, number, own)).start();
      }
      System.out.println("begun");
    }

    /** Values differ from all others of this life, and in all likelihood from those before. */
    private static void work(
        PersistentMap<Long, Long> map,
        Notes notes,
        AtomicLong clock,
        int number,
        SplittableRandom random) {
      try {
        for (int i = 0; i < Notes.MOST || number == READER; i++) {
          Kind kind = number == READER ? Kind.GET : KINDS.get(random.nextInt(KINDS.size()));
          long key = random.nextInt(KEYS);
          long value = random.nextLong() | 1;
          int note = number * Notes.MOST + i % Notes.MOST;
          notes.begin(note, kind, key, value, clock.incrementAndGet());
          Long result = apply(map, kind, key, value);
          notes.end(note, result == null ? History.ABSENT : result, clock.incrementAndGet());
        }
        Thread.sleep(60_000);
      } catch (HoldfastException | InterruptedException e) {
        System.out.println(e);
        Runtime.getRuntime().halt(1);
      }
    }

    private static Long apply(PersistentMap<Long, Long> map, Kind kind, long key, long value) {
      return switch (kind) {
        case GET -> map.get(key);
        case PUT -> map.put(key, value);
        case PUT_IF_ABSENT -> map.putIfAbsent(key, value);
        case REPLACE -> map.replace(key, value);
        case REMOVE -> map.remove(key);
      };
    }
  }
}
