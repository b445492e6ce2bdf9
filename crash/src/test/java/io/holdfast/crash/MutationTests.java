// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.Mutant.Change;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.annotation.Annotation;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * The tests of a module, tested: with any one of the calls changed that make something durable, log
 * it, store it, or claim it, one of them must fail. A change that none notices is of a call that
 * can be left out, or shows a hole in the tests; or it is in {@code mutants-that-live.txt}, with
 * the reason.
 *
 * <p>Which test noticed a mutant last is in {@code mutants-found.txt}, and it is asked first, more
 * than once; then all of them, from the quickest on. A build tries those that have a name in {@code
 * mutants-by-name.txt}, and of the others that are in there one in ten, another tenth whenever the
 * module's code changes.
 *
 * <p>System properties: if {@code holdfast.mutants.every} is set, of all mutants every so many-th
 * is tried, from {@code holdfast.mutants.first} on; if {@code holdfast.mutants.only} is set, those
 * in whose names is what it says. Tests that take more than {@code holdfast.mutants.slowest}
 * seconds are not asked. If {@code holdfast.mutants.record} is set, only those are tried of which
 * nothing is known yet, and {@code mutants-found.txt} is written.
 */
public final class MutationTests {
  private static final String PROPERTY = "holdfast.mutants.";
  private static final boolean RECORDS = System.getProperty(PROPERTY + "record") != null;
  private static final String LIVING = "mutants-that-live.txt";
  private static final String FOUND = "mutants-found.txt";
  private static final String NAMED = "mutants-by-name.txt";
  private static final String ENDLESS = "does not end";
  private static final long PATIENCE_SECONDS = 60;
  private static final double LEAST_SECONDS = 10;
  private static final double TIMES_SLOWER = 5;

  /** A test that takes less, and does not end in that time, never will. */
  private static final double QUICK_SECONDS = 3;

  private static final long SLOWEST = Long.getLong(PROPERTY + "slowest", PATIENCE_SECONDS);
  private static final int TEXT = 100;

  /** So often the test is asked that noticed a mutant before, until the others are. */
  private static final int ATTEMPTS = 5;

  /** One of so many is tried in every build. */
  private static final int SAMPLED = 10;

  private final Class<?> anchor;
  private final Map<Change, Set<String>> calls = new EnumMap<>(Change.class);
  private final Set<String> besides = new HashSet<>();
  private final List<Probe> probes = new ArrayList<>();
  private final Map<Probe, Double> seconds = new HashMap<>();

  /** A test without parameters. */
  private record Probe(String type, String method) {
    @Override
    public String toString() {
      return type + "." + method;
    }
  }

  /**
   * Mutants of a module.
   *
   * @param anchor a class of it; all of them are in one package and those below
   */
  public MutationTests(Class<?> anchor) {
    this.anchor = anchor;
  }

  /** Calls that are left out, each as "Lines.add". */
  public MutationTests dropped(String... more) {
    return with(Change.DROP, more);
  }

  /** The same, of calls that order others: they change their places with these as well. */
  public MutationTests ordering(String... more) {
    return with(Change.DROP, more).with(Change.LATE, more);
  }

  /** Calls whose last argument is a length, of which the last line is left out. */
  public MutationTests shortened(String... more) {
    return with(Change.SHORT, more);
  }

  /** Ordered stores that are made plain ones. */
  public MutationTests plain(String... more) {
    return with(Change.PLAIN, more);
  }

  /** Calls that are given 0 for their last argument. */
  public MutationTests zeroed(String... more) {
    return with(Change.ZERO, more);
  }

  /** Questions that are answered by no, and by yes, without being asked. */
  public MutationTests answered(String... more) {
    return with(Change.DROP, more).with(Change.TRUE, more);
  }

  private MutationTests with(Change change, String... more) {
    calls.computeIfAbsent(change, _ -> new HashSet<>()).addAll(List.of(more));
    return this;
  }

  /**
   * Names classes of other packages in which the module's threads wait, and of which it hands no
   * object to a third: each mutant has its own, so that its threads can be ended in them too.
   */
  public MutationTests waitingIn(Class<?>... more) {
    for (Class<?> type : more) {
      besides.add(type.getName());
    }
    return this;
  }

  /** Adds tests that have to notice: all of a class that have no parameters. */
  public MutationTests by(String test) throws Exception {
    Class<?> type = unchanged().loadClass(name(test));
    Stream.of(type.getDeclaredMethods())
        .filter(method -> method.isAnnotationPresent(Test.class))
        .filter(method -> method.getParameterCount() == 0)
        .filter(method -> !method.isAnnotationPresent(EnabledIfSystemProperty.class))
        .map(method -> new Probe(test, method.getName()))
        .sorted(Comparator.comparing(Probe::method))
        .forEach(probes::add);
    return this;
  }

  private String name(String test) {
    return anchor.getPackageName() + "." + test;
  }

  private MutantLoader unchanged() {
    return new MutantLoader(anchor, besides, "", UnaryOperator.identity());
  }

  /** Tries the mutants, of which the tests know what they know in any build. */
  public void run() throws Exception {
    Properties set = System.getProperties();
    Properties usual = new Properties();
    usual.putAll(set);
    usual
        .keySet()
        .removeIf(name ->
            name.toString().startsWith("holdfast.") && !name.toString().startsWith(PROPERTY));
    System.setProperties(usual);
    try {
      runAll();
    } finally {
      System.setProperties(set);
    }
  }

  private void runAll() throws Exception {
    List<Mutant> all = new ArrayList<>();
    CRC32 code = new CRC32();
    for (byte[] bytes : classes()) {
      all.addAll(Mutant.of(bytes, calls));
      code.update(bytes);
    }
    assertTrue(all.size() > 50, "there are more calls than these: " + all);
    Map<String, String> names = pairs(NAMED);
    Map<String, String> found = pairs(FOUND);
    Set<String> living = living();
    requireAll(all, new TreeSet<>(living), LIVING);
    requireAll(all, new TreeSet<>(names.values()), NAMED);
    List<String> survivors = new ArrayList<>();
    int tried = 0;
    int justified = 0;
    for (Mutant mutant : chosen(all, code.getValue(), names, found)) {
      boolean mayLive = living.contains(mutant.toString());
      if (RECORDS && (mayLive || found.containsKey(mutant.toString()))) {
        continue;
      }
      tried++;
      if (mayLive) {
        justified++;
      } else if (isFound(mutant, found)) {
        record(all, found);
      } else {
        survivors.add(mutant + " (line " + mutant.line() + ")");
      }
    }
    Tried.say(
        "mutants of " + anchor.getPackageName(),
        "%d of %d tried, %d found, %d may live, %d survived; %d have names"
            .formatted(
                tried,
                all.size(),
                tried - justified - survivors.size(),
                justified,
                survivors.size(),
                names.size()));
    assertEquals("", String.join("\n", survivors), "a call that no test needs");
  }

  private static List<Mutant> chosen(
      List<Mutant> all, long code, Map<String, String> names, Map<String, String> found) {
    String only = System.getProperty(PROPERTY + "only");
    Integer every = Integer.getInteger(PROPERTY + "every");
    if (only != null) {
      return all.stream().filter(mutant -> mutant.toString().contains(only)).toList();
    }
    int step = every == null ? SAMPLED : every;
    int first = Integer.getInteger(PROPERTY + "first", (int) (code % step));
    List<Mutant> chosen = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      String name = all.get(i).toString();
      if (every != null
          ? i % step == first
          : names.containsValue(name) || found.containsKey(name) && i % step == first) {
        chosen.add(all.get(i));
      }
    }
    return chosen;
  }

  private static void requireAll(List<Mutant> all, Set<String> listed, String file) {
    all.forEach(mutant -> listed.remove(mutant.toString()));
    assertEquals(Set.of(), listed, file + " has mutants that there are not");
  }

  private boolean isFound(Mutant mutant, Map<String, String> found) throws Exception {
    long begin = System.nanoTime();
    String name = mutant.toString();
    Probe by = foundBy(mutant, found.get(name));
    IO.println(
        "%s (line %d): %s (%.1f s)"
            .formatted(
                mutant,
                mutant.line(),
                by == null ? "lives" : by,
                (System.nanoTime() - begin) / 1e9));
    if (by == null) {
      found.remove(name);
    } else {
      found.put(name, by.toString());
    }
    return by != null;
  }

  private Probe foundBy(Mutant mutant, String last) throws Exception {
    for (Probe probe : probes) {
      if (probe.toString().equals(last) && noticesInOneOf(ATTEMPTS, probe, mutant)) {
        return probe;
      }
    }
    sortByTime();
    for (Probe probe : probes) {
      if (notices(probe, mutant)) {
        return probe;
      }
    }
    return null;
  }

  /** Where threads have to meet for it, a test does not notice each time. */
  private boolean noticesInOneOf(int attempts, Probe probe, Mutant mutant) throws Exception {
    for (int i = 0; i < attempts; i++) {
      if (notices(probe, mutant)) {
        return true;
      }
    }
    return false;
  }

  /** A test that takes too long without a change notices nothing, and a slow one may have to. */
  private boolean notices(Probe probe, Mutant mutant) throws Exception {
    double unchanged = secondsUnchanged(probe);
    if (Double.isNaN(unchanged)) {
      return false;
    }
    String failure =
        failure(
            probe,
            new MutantLoader(anchor, besides, mutant.type(), bytes -> mutant.apply(bytes, calls)),
            Math.min(PATIENCE_SECONDS, (long) (LEAST_SECONDS + TIMES_SLOWER * unchanged)));
    return failure != null && (unchanged < QUICK_SECONDS || !failure.equals(ENDLESS));
  }

  /** How long a test takes without a change, with which it passes; no number if it is too long. */
  private double secondsUnchanged(Probe probe) throws Exception {
    if (!seconds.containsKey(probe)) {
      long begin = System.nanoTime();
      String failure = failure(probe, unchanged(), SLOWEST);
      if (failure != null && !failure.equals(ENDLESS)) {
        throw new AssertionError(probe + " fails without a change: " + failure);
      }
      seconds.put(probe, failure == null ? (System.nanoTime() - begin) / 1e9 : Double.NaN);
    }
    return seconds.get(probe);
  }

  /** Those that end soon are asked first; needed only where none is known to notice. */
  private void sortByTime() throws Exception {
    for (Probe probe : probes) {
      secondsUnchanged(probe);
    }
    probes.sort(Comparator.comparing(seconds::get));
    long failing = seconds.values().stream().filter(taken -> taken.isNaN()).count();
    assertTrue(SLOWEST < PATIENCE_SECONDS || probes.size() > 3 * failing, seconds::toString);
  }

  // ---- files

  /** Those that may live, each followed by the reason, which is indented. */
  private Set<String> living() throws IOException {
    Set<String> living = new HashSet<>();
    lines(LIVING).filter(line -> !line.startsWith(" ")).forEach(living::add);
    return living;
  }

  /** Lines of two parts, with a colon between them. */
  private Map<String, String> pairs(String file) throws IOException {
    Map<String, String> pairs = new LinkedHashMap<>();
    lines(file)
        .forEach(line -> {
          int colon = line.indexOf(": ");
          pairs.put(line.substring(0, colon), line.substring(colon + 2));
        });
    return pairs;
  }

  private Stream<String> lines(String file) throws IOException {
    try (InputStream in = anchor.getResourceAsStream("/" + file)) {
      String text = in == null ? "" : new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return text.lines().filter(line -> !line.isBlank() && !line.startsWith("#"));
    }
  }

  private static void record(List<Mutant> all, Map<String, String> found) throws IOException {
    if (!RECORDS) {
      return;
    }
    StringBuilder text =
        new StringBuilder("# Each mutant, and a test that notices it. Generated.\n");
    for (Mutant mutant : all) {
      String by = found.get(mutant.toString());
      if (by != null) {
        text.append(mutant).append(": ").append(by).append('\n');
      }
    }
    Files.writeString(Path.of("src/test/resources", FOUND), text);
  }

  private List<byte[]> classes() throws Exception {
    Path place = Path.of(anchor.getProtectionDomain().getCodeSource().getLocation().toURI());
    assertTrue(Files.isDirectory(place), place + " is no folder of classes");
    try (Stream<Path> files = Files.walk(place)) {
      return files
          .filter(file -> file.toString().endsWith(".class"))
          .sorted()
          .map(MutationTests::read)
          .toList();
    }
  }

  private static byte[] read(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // ---- running a test

  /** How a test fails, or null. One that does not end fails. */
  private String failure(Probe probe, MutantLoader loader, long patience) throws Exception {
    Class<?> type = loader.loadClass(name(probe.type));
    Constructor<?> constructor = type.getDeclaredConstructor();
    Method method = type.getDeclaredMethod(probe.method);
    constructor.setAccessible(true);
    method.setAccessible(true);
    AtomicReference<String> failure = new AtomicReference<>(ENDLESS);
    Thread thread =
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              try {
                run(constructor.newInstance(), method);
                failure.set(null);
              } catch (InvocationTargetException e) {
                failure.set(oneLine(String.valueOf(e.getCause())));
              } catch (ReflectiveOperationException | LinkageError | IOException e) {
                failure.set(oneLine(e.toString()));
              }
            });
    if (!thread.join(Duration.ofSeconds(patience))) {
      thread.interrupt();
    }
    String found = failure.get();
    loader.end();
    return found;
  }

  /** As JUnit would, as far as these tests need it. */
  private static void run(Object test, Method method)
      throws ReflectiveOperationException, IOException {
    List<Path> folders = new ArrayList<>();
    for (Field field : test.getClass().getDeclaredFields()) {
      if (field.isAnnotationPresent(TempDir.class)) {
        field.setAccessible(true);
        folders.add(Files.createTempDirectory("mutant"));
        field.set(test, folders.getLast());
      }
    }
    try {
      invokeAll(test, BeforeEach.class);
      method.invoke(test);
      invokeAll(test, AfterEach.class);
    } finally {
      for (Path folder : folders) {
        try (Stream<Path> files = Files.walk(folder)) {
          files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        }
      }
    }
  }

  private static void invokeAll(Object test, Class<? extends Annotation> kind)
      throws ReflectiveOperationException {
    for (Method method : test.getClass().getDeclaredMethods()) {
      if (method.isAnnotationPresent(kind)) {
        method.setAccessible(true);
        method.invoke(test);
      }
    }
  }

  private static String oneLine(String text) {
    return text.substring(0, Math.min(TEXT, text.length())).replace('\n', ' ');
  }
}
