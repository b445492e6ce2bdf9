// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class ExamplesTest {
  @TempDir Path folder;

  private interface Program {
    void main(String[] arguments) throws Exception;
  }

  private static String output(Program program, Object... arguments) throws Exception {
    PrintStream before = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      program.main(List.of(arguments).stream().map(Object::toString).toArray(String[]::new));
    } finally {
      System.setOut(before);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void counter_runTwice_countsOn() throws Exception {
    Path file = folder.resolve("counter.pool");
    assertEquals("this is run 1\n", output(Example1Counter::main, file));
    assertEquals("this is run 2\n", output(Example1Counter::main, file));
  }

  @Test
  void map_runTwice_keepsBoth() throws Exception {
    Path file = folder.resolve("map.pool");
    assertEquals("1 quotes; \"sea\" was written 2 times\n", output(Example2Map::main, file));
    assertEquals("2 quotes; \"sea\" was written 4 times\n", output(Example2Map::main, file));
  }

  @Test
  void killAndRecover_moneyIsAllThere() throws Exception {
    String text = output(Example3KillAndRecover::main, folder.resolve("accounts.pool"));
    assertTrue(text.contains("together they have 1000\n"), text);
    String[] words = text.split(" ");
    long seen = Long.parseLong(words[0]);
    long made = Long.parseLong(words[3]);
    assertTrue(seen >= 1000 && (made == seen || made == seen + 1), text);
  }

  @Test
  void sessionCache_runTwice_isStillLoggedIn() throws Exception {
    Path file = folder.resolve("sessions.pool");
    assertEquals("ann has made 1 requests\n", output(Example5SessionCache::main, file));
    assertEquals("ann has made 3 requests\n", output(Example5SessionCache::main, file));
    try (Example5SessionCache cache = new Example5SessionCache(file)) {
      long hoursLater = System.currentTimeMillis() + 5 * 3_600_000L;
      cache.logIn("new", "bob", hoursLater);
      cache.sweep(hoursLater);
      assertEquals(1, cache.size());
      assertEquals(null, cache.use("5f3a", hoursLater));
      assertEquals("bob", cache.use("new", hoursLater).user());
    }
  }

  @Test
  void wordIndex_sameFilesAgain_indexedOnce() throws Exception {
    Path file = folder.resolve("index.pool");
    Path one = Files.writeString(folder.resolve("one"), "The sea, the sea!\n");
    Path two = Files.writeString(folder.resolve("two"), "A sea-change\n");
    String found = "Sea is in [" + one + ", " + two + "]\n";
    assertEquals(found, output(Example6WordIndex::main, file, "Sea", one, two));
    assertEquals(found, output(Example6WordIndex::main, file, "Sea", two, one));
    assertEquals("ship is in []\n", output(Example6WordIndex::main, file, "ship"));
  }

  @Test
  void queue_runTwice_goesOn() throws Exception {
    Path file = folder.resolve("queue.region");
    assertEquals("took 1 and 4\n", output(Example7Queue::main, file));
    assertEquals("took 9 and 1\n", output(Example7Queue::main, file));
    try (Example7Queue queue = Example7Queue.openOrCreate(file)) {
      int put = 0;
      while (queue.put(put)) {
        put++;
      }
      assertEquals(998, put, "two were left");
      assertEquals(4, queue.take().orElseThrow());
      assertEquals(9, queue.take().orElseThrow());
      for (long i = 0; i < put; i++) {
        assertEquals(i, queue.take().orElseThrow());
      }
      assertTrue(queue.take().isEmpty());
    }
  }

  @Test
  void orderBook_runTwice_keepsBoth() throws Exception {
    Path file = folder.resolve("orders.pool");
    assertEquals(
        "order 1: ann buys 100 at 99.50\n2 orders; 100 are wanted at 99.50\n",
        output(Example4OrderBook::main, file));
    assertEquals(
        "order 3: ann buys 300 at 99.50\n4 orders; 400 are wanted at 99.50\n",
        output(Example4OrderBook::main, file));
  }

  // ---- the demo

  private static String demo(int status, Object... arguments) throws Exception {
    return output(given -> assertEquals(status, Demo.run(given)), arguments);
  }

  private static String complaint(Object... arguments) throws Exception {
    PrintStream before = System.err;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      demo(2, arguments);
    } finally {
      System.setErr(before);
    }
    String text = bytes.toString(StandardCharsets.UTF_8);
    assertEquals(1, text.lines().count(), text);
    return text;
  }

  @Test
  void demo_fewKills_losesNothing() throws Exception {
    Path text = Files.writeString(folder.resolve("text"), "one two three\ntwo three\nthree\n");
    String output = demo(0, "--kills", 6, "--seed", 3, text);
    assertTrue(output.contains("index of 3 lines"), output);
    String last = output.lines().toList().getLast();
    assertTrue(last.matches("survived 6 kills, \\d+ acknowledged operations, 0 lost"), last);
    assertTrue(output.lines().anyMatch(line -> line.startsWith("power lost, simulated")), output);
  }

  @Test
  void demo_wrongArguments_refusedInALine() throws Exception {
    assertTrue(complaint("--kill").contains("--kill"));
    assertTrue(complaint("--kills", "x").contains("not x"));
    assertTrue(complaint("--kills").contains("not nothing"));
    assertTrue(complaint("--kills", "1").contains("from 2"));
    assertTrue(complaint(folder.resolve("none")).contains("none"));
    assertTrue(complaint(folder).contains("name another file"));
    Path binary = Files.write(folder.resolve("binary"), new byte[] {(byte) 0xFF, (byte) 0xFE});
    assertTrue(complaint(binary).contains("UTF-8"));
    assertTrue(demo(0, "--help").startsWith("usage: demo"));
  }
}
