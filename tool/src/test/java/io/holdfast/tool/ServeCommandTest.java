// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.examples.BankAndIndex;
import io.holdfast.heap.Pool;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PipedReader;
import java.io.PipedWriter;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class ServeCommandTest {
  private static final Pattern READY =
      Pattern.compile(
          "ready on 127\\.0\\.0\\.1:(\\d+), pool (.*), durability process, recovered in \\d+ ms");

  @TempDir Path folder;

  private static int run(PrintWriter out, StringWriter err, String... words) {
    return Holdfast.run(words, out, new PrintWriter(err), () -> BankAndIndex.class);
  }

  private static String ask(Socket socket, String line) throws IOException {
    OutputStream out = socket.getOutputStream();
    out.write((line + "\r\n").getBytes(StandardCharsets.UTF_8));
    out.flush();
    return new BufferedReader(
            new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8))
        .readLine();
  }

  /** Starts a server, asks it one thing, and has it end. */
  private String served(Path file, String question) throws Exception {
    return served(file, question, "4G");
  }

  private String served(Path file, String question, String maxSize) throws Exception {
    PipedReader reader = new PipedReader();
    PrintWriter out = new PrintWriter(new PipedWriter(reader), true);
    StringWriter err = new StringWriter();
    CompletableFuture<Integer> status =
        CompletableFuture.supplyAsync(() ->
            run(
                out,
                err,
                "serve",
                "--pool",
                "" + file,
                "--size",
                "4M",
                "--max-size",
                maxSize,
                "--port",
                "0"));
    String line = new BufferedReader(reader).readLine();
    Matcher ready = READY.matcher(line);
    assertTrue(ready.matches(), line);
    assertEquals(file.toString(), ready.group(2));
    int port = Integer.parseInt(ready.group(1));
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      String reply = ask(socket, question);
      socket.getOutputStream().write("SHUTDOWN\r\n".getBytes(StandardCharsets.UTF_8));
      assertEquals(0, status.get());
      assertEquals("", err.toString());
      return reply;
    }
  }

  @Test
  void serve_endedAndStartedAgain_hasItsKeys() throws Exception {
    Path file = folder.resolve("new folder").resolve("kv.pool");
    assertEquals(":7", served(file, "INCRBY n 7"));
    assertEquals(":8", served(file, "INCR n"));
  }

  @Test
  void serve_partition_hasItsKeys() throws Exception {
    Path device = folder.resolve("device");
    StringWriter err = new StringWriter();
    PrintWriter out = new PrintWriter(new StringWriter());
    assertEquals(0, run(out, err, "device", "init", "" + device, "--size", "16M"), err::toString);
    assertEquals(":7", served(device.resolve("kv"), "INCRBY n 7", "8M"));
    assertEquals(":8", served(device.resolve("kv"), "INCR n", "8M"));
  }

  @Test
  void defaultFile_isInTheFolderForData() {
    String home = System.getProperty("user.home");
    assertEquals(
        Path.of(home, ".local/share/holdfast/kv.pool"), ServeCommand.defaultFile(Map.of()));
    assertEquals(
        Path.of("/data/holdfast/kv.pool"),
        ServeCommand.defaultFile(Map.of("XDG_DATA_HOME", "/data")));
  }

  private void refused(String problem, String... words) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    assertEquals(Holdfast.NOT_DONE, run(new PrintWriter(out), err, words), err::toString);
    assertEquals(1, err.toString().lines().count(), err::toString);
    assertTrue(err.toString().contains(problem), err::toString);
    assertEquals("", out.toString());
  }

  @Test
  void serve_whatCannotBe_refusedInALine() throws IOException {
    String file = folder.resolve("kv.pool").toString();
    refused("--port=70000", "serve", "--pool", file, "--port", "70000");
    refused("--bind=no.such.host", "serve", "--pool", file, "--bind", "no.such.host");
    refused("\"x\" is no size", "serve", "--pool", file, "--size", "x");
    refused("1048576", "serve", "--pool", file, "--size", "1K");
    refused("maxSize=2097152", "serve", "--pool", file, "--size", "4M", "--max-size", "2M");
    refused("is a directory", "serve", "--pool", folder.toString());
    refused("--durability", "serve", "--pool", file, "--durability", "ever");
    Path text = Files.writeString(folder.resolve("text"), "x".repeat(10_000));
    refused("another program's file", "serve", "--pool", text.toString());
    refused("text", "serve", "--pool", text.resolve("kv.pool").toString());
    refused("cannot be made", "serve", "--pool", text.resolve("a").resolve("kv.pool").toString());
    Path bank = folder.resolve("bank.pool");
    Pool.at(bank).size(2 << 20).layout("bank").create().close();
    refused("bank", "serve", "--pool", bank.toString());
    assertTrue(Files.notExists(Path.of(file)), "no pool is left by what was refused");
  }

  @Test
  void serve_noPermission_refusedInALineAndFileUntouched() throws IOException {
    assumeFalse(System.getProperty("user.name").equals("root"), "root may do everything");
    Path file = folder.resolve("kv.pool");
    Pool.at(file).size(2 << 20).layout("key-value server").create().close();
    byte[] before = Files.readAllBytes(file);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
    refused("permission denied", "serve", "--pool", file.toString());
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("r-xr-xr-x"));
    refused("permission denied", "serve", "--pool", folder.resolve("other.pool").toString());
    assertArrayEquals(before, Files.readAllBytes(file));
  }

  /** The same for root, whom permissions do not bind: where even root may not write. */
  @Test
  void serve_readOnlyFileSystem_refusedInALine() throws Exception {
    Path mount = Files.createDirectory(folder.resolve("mount"));
    assumeTrue(shell("mount", "-t", "tmpfs", "-o", "size=3m", "none", "" + mount), "cannot mount");
    try {
      Path file = mount.resolve("kv.pool");
      Pool.at(file).size(2 << 20).layout("key-value server").create().close();
      assertTrue(shell("mount", "-o", "remount,ro", "" + mount));
      refused("EROFS", "serve", "--pool", file.toString());
      refused("EROFS", "serve", "--pool", mount.resolve("other.pool").toString());
    } finally {
      assertTrue(shell("umount", "" + mount));
    }
  }

  private static boolean shell(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getInputStream().readAllBytes();
    return process.waitFor() == 0;
  }

  @Test
  void serve_portTaken_refusedAndPoolClosed() throws IOException {
    Path file = folder.resolve("kv.pool");
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = Integer.toString(taken.getLocalPort());
      refused("choose another --port", "serve", "--pool", file.toString(), "--port", port);
    }
    Pool.at(file).layout("key-value server").open().close();
  }
}
