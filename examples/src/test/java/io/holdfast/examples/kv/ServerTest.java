// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.KillMedium;
import io.holdfast.crash.KillReport;
import io.holdfast.examples.kv.RespClient.ErrorReply;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class ServerTest {
  private static final int HOUR = 3_600_000;

  @TempDir private Path folder;
  private TestServer server;

  @BeforeEach
  void start() throws IOException {
    server = TestServer.ofSize(8 << 20);
  }

  @AfterEach
  void stop() throws IOException {
    server.close();
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private void assertServes() throws IOException {
    try (RespClient other = server.client()) {
      assertEquals("OK", other.ask("SET", "well", "v"));
      assertArrayEquals(ascii("v"), (byte[]) other.ask("GET", "well"));
    }
  }

  // ---- what clients do

  @Test
  void pipeline_isRepliedToInOrder() throws IOException {
    try (RespClient client = server.client()) {
      int count = 5000;
      for (int i = 0; i < count; i++) {
        client.send(RespClient.encoded(List.of("INCR", "i")));
      }
      for (long i = 1; i <= count; i++) {
        assertEquals(i, client.read());
      }
    }
  }

  @Test
  void keysAndValues_areAnyBytes() throws IOException {
    byte[] all = new byte[256];
    for (int i = 0; i < all.length; i++) {
      all[i] = (byte) i;
    }
    try (RespClient client = server.client()) {
      assertEquals("OK", client.ask("SET", all, all));
      assertEquals("OK", client.ask("SET", new byte[0], new byte[0]));
      assertArrayEquals(all, (byte[]) client.ask("GET", all));
      assertArrayEquals(new byte[0], (byte[]) client.ask("GET", new byte[0]));
    }
  }

  @Test
  void value_ofMegabytes_comesBack() throws IOException {
    byte[] value = new byte[3 << 20];
    new SplittableRandom(1).nextBytes(value);
    try (RespClient client = server.client()) {
      assertEquals("OK", client.ask("SET", "large", value));
      assertArrayEquals(value, (byte[]) client.ask("GET", "large"));
    }
  }

  @Test
  void client_thatDoesNotRead_holdsUpNobody() throws IOException {
    byte[] value = new byte[1 << 20];
    try (RespClient slow = server.client();
        RespClient quick = server.client()) {
      quick.ask("SET", "large", value);
      int count = 100;
      for (int i = 0; i < count; i++) {
        slow.send(RespClient.encoded(List.of("GET", "large")));
      }
      for (int i = 0; i < 50; i++) {
        assertEquals("PONG", quick.ask("PING"));
      }
      String list = new String((byte[]) quick.ask("CLIENT", "LIST"), StandardCharsets.US_ASCII);
      for (String memory : list.split("tot-mem=")) {
        if (Character.isDigit(memory.charAt(0))) {
          long bytes = Long.parseLong(memory.lines().findFirst().orElseThrow());
          assertTrue(bytes < 10 << 20, list);
        }
      }
      for (int i = 0; i < count; i++) {
        assertArrayEquals(value, (byte[]) slow.read());
      }
    }
  }

  @Test
  void client_thatSendsHalf_holdsUpNobody() throws IOException {
    try (RespClient half = server.client()) {
      half.send(ascii("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$10\r\nhal"));
      assertServes();
    }
    assertServes();
  }

  @Test
  void clients_aThousand_areServed() throws IOException {
    List<RespClient> clients = new ArrayList<>();
    try {
      for (int i = 0; i < 1000; i++) {
        clients.add(server.client());
      }
      for (int i = 0; i < clients.size(); i++) {
        clients.get(i).send(RespClient.encoded(List.of("SET", "k" + i, "" + i)));
      }
      for (RespClient client : clients) {
        assertEquals("OK", client.read());
      }
      assertEquals(1000L, clients.getFirst().ask("DBSIZE"));
    } finally {
      for (RespClient client : clients) {
        client.close();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "*1000000000\r\n",
        "*2\r\n$3\r\nGET\r\n$600000000\r\n",
        "*1\r\n*1\r\n*1\r\n$4\r\nPING\r\n",
        "*x\r\n",
        "get \"open\r\n",
        "*1\r\n$-5\r\n"
      })
  void client_thatDoesNotSpeakTheProtocol_isToldAndLeft(String sent) throws IOException {
    try (RespClient client = server.client()) {
      client.send(ascii("PING\r\n" + sent));
      assertEquals("PONG", client.read());
      assertTrue(
          client.read() instanceof ErrorReply error
              && error.text().startsWith("ERR Protocol error: "));
      assertEquals(-1, client.readByte());
    }
    assertServes();
  }

  @Test
  void clients_thatSendAnything_harmNobody() throws IOException {
    SplittableRandom random = new SplittableRandom(3);
    String[] words = {
      "*1\r\n",
      "*3\r\n",
      "$3\r\n",
      "SET",
      "GET",
      "\r\n",
      "k",
      "$-1",
      "*-1\r\n",
      "\0",
      "\"",
      "SCAN",
      "0",
      "EXPIRE",
      "99999999999999999999",
      "FLUSHALL",
      "INFO",
      "COMMAND",
      "MSET",
      "$0\r\n"
    };
    for (int round = 0; round < 300; round++) {
      StringBuilder text = new StringBuilder();
      for (int i = random.nextInt(40); i >= 0; i--) {
        text.append(words[random.nextInt(words.length)]);
        text.append(random.nextInt(3) == 0 ? "\r\n" : " ");
      }
      try (RespClient client = server.client()) {
        client.send(text.toString().getBytes(StandardCharsets.ISO_8859_1));
      }
    }
    assertServes();
  }

  // ---- a pool that is full

  @Test
  void pool_thatIsFull_stillDeletes() throws IOException {
    byte[] value = new byte[50_000];
    try (RespClient client = server.client()) {
      int stored = 0;
      Object reply = client.ask("SET", "k0", value);
      while (reply.equals("OK")) {
        stored++;
        reply = client.ask("SET", "k" + stored, value);
      }
      assertTrue(reply instanceof ErrorReply error && error.text().startsWith("OOM "), "" + reply);
      assertTrue(stored > 50, "stored=" + stored);
      assertArrayEquals(value, (byte[]) client.ask("GET", "k0"));
      assertEquals((long) stored, client.ask("DBSIZE"));
      for (int i = 0; i < 10; i++) {
        assertEquals(1L, client.ask("DEL", "k" + i));
      }
      assertEquals("OK", client.ask("SET", "again", value));
      assertEquals("OK", client.ask("FLUSHALL"));
      for (int i = 0; i < stored; i++) {
        assertEquals("OK", client.ask("SET", "k" + i, value), "what was flushed is freed");
      }
    }
  }

  @Test
  void pipeline_inWhichOneDoesNotFit_refusesThatOne() throws IOException {
    try (RespClient client = server.client()) {
      List<Object> mset = new ArrayList<>(List.of("MSET", "small", "v"));
      mset.addAll(List.of("large", new byte[6 << 20], "larger", new byte[6 << 20]));
      ByteArrayOutputStream together = new ByteArrayOutputStream();
      together.writeBytes(RespClient.encoded(List.of("INCR", "i")));
      together.writeBytes(RespClient.encoded(List.of("WHAT")));
      together.writeBytes(RespClient.encoded(List.of("GET")));
      client.send(together.toByteArray());
      client.send(RespClient.encoded(mset));
      client.send(RespClient.encoded(List.of("INCR", "i")));
      client.send(RespClient.encoded(List.of("MGET", "small", "large", "i")));
      assertEquals(1L, client.read());
      assertTrue(client.read() instanceof ErrorReply error && error.text().contains("WHAT"));
      assertTrue(client.read() instanceof ErrorReply error && error.text().contains("'get'"));
      assertTrue(client.read() instanceof ErrorReply error && error.text().startsWith("OOM "));
      assertEquals(2L, client.read(), "not counted twice");
      assertEquals("[nil, nil, \"2\"]", CommandsTest.shown(client.read()), "all of MSET or none");
    }
  }

  /** All of it comes at once, so that it would be one group. */
  @Test
  void pipeline_withWordsThatAreNoCommands_keepsTheOrderOfItsReplies() throws IOException {
    try (RespClient client = server.client()) {
      byte[] value = new byte[20_000];
      ByteArrayOutputStream together = new ByteArrayOutputStream();
      Object reply = "OK";
      for (int i = 0; reply.equals("OK"); i++) {
        reply = client.ask("SET", "filler" + i, value);
      }
      together.writeBytes(RespClient.encoded(List.of("ECHO", "first")));
      together.writeBytes(RespClient.encoded(List.of("WHAT")));
      together.writeBytes(RespClient.encoded(List.of("SET", "k", value)));
      together.writeBytes(RespClient.encoded(List.of("ECHO", "last")));
      together.writeBytes(ascii("*x\r\n"));
      client.send(together.toByteArray());
      assertArrayEquals(ascii("first"), (byte[]) client.read());
      assertTrue(client.read() instanceof ErrorReply error && error.text().contains("WHAT"));
      assertTrue(client.read() instanceof ErrorReply error && error.text().startsWith("OOM "));
      assertArrayEquals(ascii("last"), (byte[]) client.read());
      assertTrue(client.read() instanceof ErrorReply error && error.text().contains("Protocol"));
      assertEquals(-1, client.readByte());
    }
  }

  // ---- restarts

  @Test
  void restart_findsWhatWasAcknowledged() throws Exception {
    try (RespClient client = server.client()) {
      client.ask("SET", "k", "v");
      client.ask("SET", "soon", "v", "EX", "1000");
      client.ask("INCRBY", "i", "42");
      client.ask("SET", "gone", "v");
      client.ask("DEL", "gone");
    }
    server = server.restarted(0);
    try (RespClient client = server.client()) {
      assertEquals(
          "[\"v\", \"v\", \"42\", nil]",
          CommandsTest.shown(client.ask("MGET", "k", "soon", "i", "gone")));
      long ttl = (Long) client.ask("TTL", "soon");
      assertTrue(ttl > 900 && ttl <= 1000, "ttl=" + ttl);
    }
  }

  @Test
  void restart_hoursLater_findsItExpired() throws Exception {
    try (RespClient client = server.client()) {
      client.ask("SET", "k", "v", "EX", "1000");
    }
    server = server.restarted(HOUR);
    try (RespClient client = server.client()) {
      assertNull(client.ask("GET", "k"));
    }
  }

  @Test
  void restart_withAClockThatWentBack_resurrectsNothing() throws Exception {
    server = server.restarted(HOUR);
    try (RespClient client = server.client()) {
      client.ask("SET", "k", "v", "PX", "1");
      client.ask("SET", "later", "v", "EX", "1000");
      Thread.sleep(5);
      assertNull(client.ask("GET", "k"));
    }
    server = server.restarted(0);
    try (RespClient client = server.client()) {
      assertNull(client.ask("GET", "k"));
      long ttl = (Long) client.ask("TTL", "later");
      assertTrue(ttl > 900 && ttl <= 1000, "time goes on from where it was: ttl=" + ttl);
    }
  }

  @Test
  void restart_afterFlush_findsNothingOfBefore() throws Exception {
    try (RespClient client = server.client()) {
      for (int i = 0; i < 2000; i++) {
        client.send(RespClient.encoded(List.of("SET", "k" + i, "v", "EX", "1000")));
      }
      for (int i = 0; i < 2000; i++) {
        client.read();
      }
      client.ask("FLUSHALL");
      client.ask("SET", "k1", "w");
    }
    server = server.restarted(0);
    try (RespClient client = server.client()) {
      assertEquals("[\"k1\"]", CommandsTest.shown(client.ask("KEYS", "*")));
      assertEquals(-1L, client.ask("TTL", "k1"));
      client.ask("FLUSHALL");
      client.ask("FLUSHALL");
    }
    server = server.restarted(0);
    try (RespClient client = server.client()) {
      assertEquals(0L, client.ask("DBSIZE"));
    }
  }

  @ParameterizedTest
  @EnumSource(KillMedium.class)
  void kills_whileClientsPipeline_loseNothing(KillMedium medium) {
    KillReport report = new SocketKillLoop(medium, 6, 11, folder, line -> {}).run();
    assertEquals(List.of(), report.losses());
    assertTrue(report.acknowledged() > 100, report::summary);
  }
}
