// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The documents say what is so: their code is compiled and run, their links lead somewhere. */
@Timeout(120)
class DocumentsTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();
  private static final Pattern JAVA = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)#:]+)\\)");

  @TempDir Path folder;

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<Path> documents() throws IOException {
    List<Path> documents = new ArrayList<>(List.of(ROOT.resolve("README.md")));
    try (Stream<Path> site = Files.list(ROOT.resolve("src/site/markdown"))) {
      site.sorted().forEach(documents::add);
    }
    return documents;
  }

  private static List<String> all(Pattern pattern, String text) {
    List<String> found = new ArrayList<>();
    Matcher matcher = pattern.matcher(text);
    while (matcher.find()) {
      found.add(matcher.group(1));
    }
    return found;
  }

  @Test
  void readme_program_runsOnBothPaths() throws Exception {
    List<String> programs = all(JAVA, read(ROOT.resolve("README.md")));
    assertEquals(1, programs.size());
    Path file = Files.writeString(folder.resolve("Bank.java"), programs.getFirst());
    String classPath = System.getProperty("java.class.path");
    List<String> onClassPath = List.of("--enable-native-access=ALL-UNNAMED", "-cp", classPath);
    assertEquals("ann has 95, bob has 105\n", run(onClassPath, file));
    List<String> onModulePath =
        List.of(
            "--enable-native-access=io.holdfast.flush",
            "--add-modules=io.holdfast.heap",
            "--module-path",
            modules(classPath));
    assertEquals("ann has 90, bob has 110\n", run(onModulePath, file));
  }

  /** What the program needs of a class path, all of which are modules. */
  private static String modules(String classPath) {
    return Stream.of(classPath.split(File.pathSeparator))
        .filter(path -> path.matches(".*[/-](flush|tx|heap|slf4j-api)[/-].*"))
        .filter(path -> !path.contains("test-classes"))
        .collect(Collectors.joining(File.pathSeparator));
  }

  private String run(List<String> options, Path source) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.add(source.toString());
    Process process =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectError(folder.resolve("errors").toFile())
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), () -> read(folder.resolve("errors")));
    return output;
  }

  @Test
  void guide_everyPieceOfCode_standsInATest() throws IOException {
    String tested =
        Stream.of("GuideTest", "RingBufferTest", "OrderBookTest", "LinkedStackTest")
            .map(name -> "examples/src/test/java/io/holdfast/examples/" + name + ".java")
            .map(name -> plain(read(ROOT.resolve(name))))
            .collect(Collectors.joining("\n"));
    int pieces = 0;
    for (Path document : documents()) {
      if (!document.endsWith("README.md")) {
        for (String code : all(JAVA, read(document))) {
          pieces++;
          assertTrue(tested.contains(plain(code)), () -> document + " has untested code:\n" + code);
        }
      }
    }
    assertTrue(pieces >= 8, "pieces: " + pieces);
    assertFalse(tested.contains(plain("pool.run(tx -> tx.edit(nothing));")));
  }

  private static String plain(String code) {
    return code.strip().replaceAll("\\s+", " ");
  }

  @Test
  void links_leadSomewhere() throws IOException {
    for (Path document : documents()) {
      for (String link : all(LINK, read(document))) {
        assertTrue(
            Files.exists(document.resolveSibling(link)), () -> document + " links to " + link);
      }
    }
  }
}
