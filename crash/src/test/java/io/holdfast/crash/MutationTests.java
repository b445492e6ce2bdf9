// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * The tests of a module, tested: without any one of the calls that make something durable, log it,
 * store it, or claim it, one of them must fail. A call without which none does is one that can be
 * left out, or shows a hole in the tests; or it is in {@code mutants-that-live.txt}, with the
 * reason.
 *
 * <p>System properties: of every {@code holdfast.mutants.every} mutants one is tried, of five
 * unless it is set, from {@code holdfast.mutants.first} on.
 */
public final class MutationTests {
  private static final String PROPERTY = "holdfast.mutants.";
  private static final String LIVING = "mutants-that-live.txt";
  private static final long PATIENCE_SECONDS = 60;
  private static final int TEXT = 100;

  /** One of so many is tried in every build. */
  private static final int SAMPLED = 10;

  private final Class<?> anchor;
  private final Set<String> calls;
  private final List<Probe> probes = new ArrayList<>();

  /** A test without parameters. */
  private record Probe(String type, String method) {}

  /**
   * Describes what is changed.
   *
   * @param anchor a class of the module, all of which is in one package and those below
   * @param calls the calls that are changed, as "Lines.add"
   */
  public MutationTests(Class<?> anchor, Set<String> calls) {
    this.anchor = anchor;
    this.calls = calls;
  }

  /**
   * Adds tests that have to notice: all of a class that need no folder and no parameters.
   *
   * @param test the name of the class, in the package
   * @param first those of its tests that are tried first of all
   */
  public MutationTests by(String test, String... first) throws Exception {
    List<Probe> more = new ArrayList<>();
    List.of(first).forEach(method -> more.add(new Probe(test, method)));
    Class<?> type = new MutantLoader(anchor, null).loadClass(name(test));
    Stream.of(type.getDeclaredMethods())
        .filter(method -> method.isAnnotationPresent(Test.class))
        .filter(method -> method.getParameterCount() == 0)
        .map(method -> new Probe(test, method.getName()))
        .sorted(Comparator.comparing(Probe::method))
        .filter(probe -> !more.contains(probe))
        .forEach(more::add);
    probes.addAll(more);
    return this;
  }

  private String name(String test) {
    return anchor.getPackageName() + "." + test;
  }

  /** Tries the mutants. */
  public void run() throws Exception {
    requireProbesThatPass();
    List<Mutant> all = new ArrayList<>();
    for (byte[] bytes : classes()) {
      all.addAll(Mutant.of(bytes, calls::contains));
    }
    assertTrue(all.size() > 50, "there are more calls than these: " + all);
    Set<String> living = living();
    List<String> survivors = new ArrayList<>();
    int tried = 0;
    int justified = 0;
    for (int i = Integer.getInteger(PROPERTY + "first", 0);
        i < all.size();
        i += Integer.getInteger(PROPERTY + "every", SAMPLED)) {
      Mutant mutant = all.get(i);
      long begin = System.nanoTime();
      String by = living.contains(mutant.toString()) ? null : foundBy(mutant);
      IO.println(
          "mutant %d of %d, %s (line %d): %s (%.1f s)"
              .formatted(
                  i,
                  all.size(),
                  mutant,
                  mutant.line(),
                  by == null ? "lives" : by,
                  (System.nanoTime() - begin) / 1e9));
      tried++;
      if (living.contains(mutant.toString())) {
        justified++;
      } else if (by == null) {
        survivors.add(mutant.toString());
      }
    }
    IO.println(
        "mutants of %s: %d of %d tried, %d found, %d may live, %d survived"
            .formatted(
                anchor.getPackageName(),
                tried,
                all.size(),
                tried - justified - survivors.size(),
                justified,
                survivors.size()));
    assertEquals("", String.join("\n", survivors), "a call that no test needs");
    Set<String> stale = new TreeSet<>(living);
    all.forEach(mutant -> stale.remove(mutant.toString()));
    assertEquals(Set.of(), stale, LIVING + " has mutants that there are not");
  }

  /** Those that may live, each followed by the reason, which is indented. */
  private Set<String> living() throws IOException {
    try (InputStream in = anchor.getResourceAsStream("/" + LIVING)) {
      String text = in == null ? "" : new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return text.lines()
          .filter(line -> !line.isBlank() && !line.startsWith(" ") && !line.startsWith("#"))
          .collect(Collectors.toSet());
    }
  }

  /** A test that fails without a change, for want of a folder, notices nothing. */
  private void requireProbesThatPass() throws Exception {
    List<Probe> failing = new ArrayList<>();
    for (Probe probe : probes) {
      if (failure(probe, new MutantLoader(anchor, null)) != null) {
        failing.add(probe);
      }
    }
    probes.removeAll(failing);
    IO.println(
        "mutants have to pass %d tests; %d need more".formatted(probes.size(), failing.size()));
    assertTrue(probes.size() > 3 * failing.size(), failing::toString);
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

  private String foundBy(Mutant mutant) throws Exception {
    MutantLoader loader = new MutantLoader(anchor, mutant);
    for (Probe probe : probes) {
      String failure = failure(probe, loader);
      if (failure != null) {
        return probe.type + "." + probe.method + ": " + failure;
      }
    }
    return null;
  }

  /** How a test fails, or null. One that does not end fails. */
  private String failure(Probe probe, MutantLoader loader) throws Exception {
    Class<?> type = loader.loadClass(name(probe.type));
    Constructor<?> constructor = type.getDeclaredConstructor();
    Method method = type.getDeclaredMethod(probe.method);
    constructor.setAccessible(true);
    method.setAccessible(true);
    AtomicReference<String> failure = new AtomicReference<>("does not end");
    Thread thread =
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              try {
                method.invoke(constructor.newInstance());
                failure.set(null);
              } catch (InvocationTargetException e) {
                failure.set(oneLine(String.valueOf(e.getCause())));
              } catch (ReflectiveOperationException | LinkageError e) {
                failure.set(oneLine(e.toString()));
              }
            });
    if (!thread.join(Duration.ofSeconds(PATIENCE_SECONDS))) {
      thread.interrupt();
    }
    return failure.get();
  }

  private static String oneLine(String text) {
    return text.substring(0, Math.min(TEXT, text.length())).replace('\n', ' ');
  }
}
