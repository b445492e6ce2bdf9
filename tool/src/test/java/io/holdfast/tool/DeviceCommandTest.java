// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.heap.Codec;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The commands that divide a device, on a file. */
class DeviceCommandTest {
  @TempDir Path folder;

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String line) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    String[] words = line.replace("FOLDER", folder.toString()).split(" ");
    return Holdfast.run(words, new PrintWriter(out), new PrintWriter(err), () -> Counter.class);
  }

  private void assertDone(String line, String... printed) {
    assertEquals(0, run(line), err::toString);
    for (String words : printed) {
      assertTrue(out.toString().contains(words), () -> words + " is not in " + out);
    }
    assertEquals("", err.toString());
  }

  @Test
  void partitions_madeListedRenamedGrownAndDeleted() {
    assertDone("device init FOLDER/d --size 32M", "size:            33554432 bytes (32.0 MiB)");
    assertDone("device list FOLDER/d", "free:            31457280 bytes", "partitions:      0");
    assertDone(
        "device create FOLDER/d orders --size 3M --layout shop",
        "FOLDER/d/orders".replace("FOLDER", folder.toString()),
        "layout:          \"shop\"",
        "size:            4194304 bytes (4.0 MiB)");
    assertDone("device create FOLDER/d cache --size 2M --max-size 8M", "grows to:        8388608");
    try (Pool pool = Pool.at(folder.resolve("d/orders")).layout("shop").open()) {
      pool.root("map", Type.map(Codec.LONG, Codec.STRING)).put(1L, "one");
      assertDone("device list FOLDER/d", "\"orders\", 4194304 bytes (4.0 MiB) in 1", ": in use");
    }
    assertDone(
        "device list FOLDER/d",
        "a pool, layout \"shop\", ",
        "partitions:      2",
        "\"cache\", 2097152 bytes (2.0 MiB) in 1");
    assertDone("device rename FOLDER/d orders old", "\"old\"");
    assertDone("pool info FOLDER/d/old", "root:            \"map\"");
    assertDone("pool check FOLDER/d/old", "problems:        0");
    assertDone("device delete FOLDER/d old", "partitions:      1");
    assertDone("device delete FOLDER/d cache", "partitions:      0", "free:            31457280");
  }

  /** Each gets one line, and status 2, and nothing is changed. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          device                                       | "device" needs one of init, list, create
          device list FOLDER/none                      | no such file or directory (ENOENT)
          device list FOLDER                           | is a directory: name a file in it
          device list /dev/null                        | is a device (1:3), and not a DAX device
          device init /dev/null                        | is a device (1:3), and not a DAX device
          device init FOLDER/full                      | holds something: offset=0, value=0x
          device init FOLDER/d                         | is divided into partitions already
          device init FOLDER/d --size 8M               | file exists (EEXIST)
          device init FOLDER/new --size 1M             | has at least 4194304 bytes: bytes=1048576
          device init FOLDER/short                     | too small to be: size=8192, at least 4194304
          device list FOLDER/full                      | is not divided into partitions: initialise it
          device create FOLDER/d a                     | has a partition "a" already
          device create FOLDER/d b --size 1G           | no space in
          device create FOLDER/d b --size much         | "much" is no size
          device create FOLDER/d b/c                   | a partition's name has 1 to 64 of
          device create FOLDER/d b --layout x --durability power --lanes 3 | Unknown options: '--lanes'
          device rename FOLDER/d b c                   | has no partition "b": it has [a]
          device rename FOLDER/d a a                   | has a partition "a" already
          device delete FOLDER/d b                     | has no partition "b": it has [a]
          pool info FOLDER/d/b                         | has no partition "b": it has [a]
          pool info FOLDER/d                           | no pool
          pool create FOLDER/full/a                    | is not divided into partitions
          """)
  void wrongWords_oneClearLineAndStatusTwo(String line, String words) throws IOException {
    assertDone("device init FOLDER/d --size 16M");
    assertDone("device create FOLDER/d a --size 2M");
    Files.write(folder.resolve("short"), new byte[8192]);
    byte[] full = new byte[8 << 20];
    full[0] = 1;
    Files.write(folder.resolve("full"), full);
    byte[] before = Files.readAllBytes(folder.resolve("d"));
    assertEquals(Holdfast.NOT_DONE, run(line), out::toString);
    assertEquals(1, err.toString().lines().count(), err::toString);
    assertTrue(err.toString().contains(words), err::toString);
    assertEquals("", out.toString());
    assertEquals(-1, java.util.Arrays.mismatch(before, Files.readAllBytes(folder.resolve("d"))));
  }
}
