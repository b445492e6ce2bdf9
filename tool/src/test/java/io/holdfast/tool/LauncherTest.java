// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The script at the root, in copies of it that have all but a build in common with the real one.
 */
@Timeout(60)
class LauncherTest {
  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Path SHELL = Path.of("/bin/sh");

  @TempDir Path folder;

  private record Result(int status, String out, String err) {}

  private Result run(Path script, Map<String, String> environment, String... words)
      throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(SHELL), "no sh");
    ProcessBuilder builder = new ProcessBuilder(SHELL.toString(), script.toString());
    builder.command().addAll(List.of(words));
    builder.environment().putAll(environment);
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    Process process =
        builder
            .directory(folder.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    int status = process.waitFor();
    return new Result(status, Files.readString(out), Files.readString(err));
  }

  /** A folder that looks like the project, whose build and whose Java are scripts. */
  private Path project(String jdk25, String mvnw) throws IOException {
    Path project = Files.createDirectories(folder.resolve("a project"));
    Files.createDirectories(project.resolve("src/build"));
    Files.createDirectories(project.resolve(".mvn"));
    Files.createDirectories(project.resolve("tool/src/main"));
    Files.writeString(project.resolve("pom.xml"), "");
    Files.writeString(project.resolve("tool/pom.xml"), "");
    script(project.resolve("src/build/jdk25"), jdk25);
    script(project.resolve("mvnw"), mvnw);
    script(Files.createDirectories(project.resolve("jdk/bin")).resolve("java"), "echo \"$@\"");
    return Files.copy(ROOT.resolve("holdfast"), project.resolve("holdfast"));
  }

  private static void script(Path file, String text) throws IOException {
    Files.writeString(file, "#!/bin/sh\n" + text + "\n");
    assertTrue(file.toFile().setExecutable(true));
  }

  private static final String FOUND = "echo \"$(dirname \"$0\")/../../jdk\"";
  private static final String BUILDS =
      "echo built >>builds; mkdir -p tool/target; echo x >tool/target/holdfast-tool-1.jar";

  @Test
  void noWord_tellsTheCommandsAndIs2() throws Exception {
    Result result = run(ROOT.resolve("holdfast"), Map.of());
    assertEquals(2, result.status());
    assertEquals("", result.out());
    for (String word : List.of("demo", "pool", "crash explore|kill|lint", "bench")) {
      assertTrue(result.err().contains(word), result::err);
    }
  }

  @Test
  void noJdk_tellsTheRemedyAndIs2() throws Exception {
    Path script = project("echo 'no JDK: get one' >&2; exit 2", "exit 9");
    Result result = run(script, Map.of(), "pool");
    assertEquals(new Result(2, "", "no JDK: get one\n"), result);
  }

  @Test
  void failedBuild_tellsWhereItsLogIsAndIs2() throws Exception {
    Path script = project(FOUND, "echo 'it is broken'; exit 1");
    Result result = run(script, Map.of(), "pool");
    assertEquals(2, result.status());
    assertTrue(result.err().contains("building"), result::err);
    assertTrue(result.err().endsWith("it is broken\n"), result::err);
    assertTrue(result.err().contains("target/build.log"), result::err);
    assertEquals("", result.out());
  }

  @Test
  void secondTime_runsWithoutABuild_untilASourceIsNewer() throws Exception {
    Path script = project(FOUND, BUILDS);
    Path link = Files.createSymbolicLink(folder.resolve("link"), script);
    Path builds = script.resolveSibling("builds");
    Result first = run(script, Map.of(), "pool", "info", "a file");
    assertEquals(0, first.status(), first::err);
    assertTrue(first.out().contains("io.holdfast.tool.Holdfast pool info a file"), first::out);
    assertTrue(first.out().contains("defaultLogLevel=warn"), first::out);
    Result second = run(link, Map.of("HOLDFAST_LOG", "info"), "demo", "--help");
    assertEquals(0, second.status(), second::err);
    assertEquals("", second.err());
    assertTrue(second.out().contains("io.holdfast.examples.Demo --help"), second::out);
    assertTrue(second.out().contains("defaultLogLevel=info"), second::out);
    assertEquals(1, Files.readAllLines(builds).size());
    Thread.sleep(20);
    Files.writeString(script.resolveSibling("tool/src/main/New.java"), "");
    assertEquals(0, run(script, Map.of(), "pool").status());
    assertEquals(2, Files.readAllLines(builds).size());
  }

  @Test
  void twoAtATime_buildOnce() throws Exception {
    Path script = project(FOUND, BUILDS + "; sleep 0.5");
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/flock")), "no flock");
    Path other = folder.resolve("both");
    script(other, "\"$1\" pool & \"$1\" pool; status=$?; wait $! && exit $status");
    assertTrue(script.toFile().setExecutable(true));
    Result result = run(other, Map.of(), script.toString());
    assertEquals(0, result.status(), result::err);
    assertEquals(2, result.out().lines().count(), result::out);
    assertEquals(1, Files.readAllLines(script.resolveSibling("builds")).size(), result::err);
  }
}
