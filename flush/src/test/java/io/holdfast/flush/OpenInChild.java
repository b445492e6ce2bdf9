// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** Another process that has a file open until it is killed or its input ends. */
final class OpenInChild implements AutoCloseable {
  private final Process process;

  private OpenInChild(Process process) {
    this.process = process;
  }

  static List<String> command(String classPath, Path file, String how) {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "--enable-native-access=ALL-UNNAMED",
        "-cp",
        classPath,
        OpenInChild.class.getName(),
        file.toString(),
        how);
  }

  static OpenInChild start(Path file, String how) throws IOException {
    Process process =
        new ProcessBuilder(command(System.getProperty("java.class.path"), file, how))
            .redirectErrorStream(true)
            .start();
    String line = process.inputReader(StandardCharsets.UTF_8).readLine();
    while (line != null && line.startsWith("SLF4J")) {
      line = process.inputReader(StandardCharsets.UTF_8).readLine();
    }
    if (!"opened".equals(line)) {
      throw new AssertionError("the child said: " + line);
    }
    return new OpenInChild(process);
  }

  void kill() {
    process.toHandle().destroyForcibly();
    process.onExit().join();
  }

  @Override
  public void close() {
    kill();
  }

  public static void main(String[] arguments) throws IOException {
    Path file = Path.of(arguments[0]);
    try (PersistentRegion region =
        arguments[1].equals("own")
            ? PersistentRegion.open(file)
            : PersistentRegion.openReadOnly(file)) {
      System.out.println("opened");
      int end = System.in.read();
      region.getLong(end < 0 ? 0 : 8);
    } catch (HoldfastException e) {
      System.out.println(e.getMessage());
    }
  }
}
