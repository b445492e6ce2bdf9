// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.examples.kv.RespClient.ErrorReply;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CommandsTest {
  private TestServer server;
  private RespClient client;

  @BeforeEach
  void start() throws IOException {
    server = TestServer.ofSize(16 << 20);
    client = server.client();
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    server.close();
  }

  /** A reply as redis-cli would print it, more or less. */
  static String shown(Object reply) {
    return switch (reply) {
      case null -> "nil";
      case byte[] bytes -> '"' + new String(bytes, StandardCharsets.UTF_8) + '"';
      case ErrorReply error -> "(" + error.text() + ")";
      case List<?> list -> list.stream().map(CommandsTest::shown).toList().toString();
      default -> reply.toString();
    };
  }

  /** Sends each line up to the arrow, and compares the reply with what is after it. */
  private void dialogue(String text) throws IOException {
    for (String line : text.lines().filter(one -> !one.isBlank()).toList()) {
      String[] sides = line.split("->", 2);
      client.send((sides[0].strip() + "\r\n").getBytes(StandardCharsets.UTF_8));
      assertEquals(sides[1].strip(), shown(client.read()), line);
    }
  }

  @Test
  void strings() throws IOException {
    dialogue(
        """
        ping -> PONG
        ping hello -> "hello"
        ping a b -> (ERR wrong number of arguments for 'ping' command)
        echo "a b" -> "a b"
        get k -> nil
        set k v -> OK
        GeT k -> "v"
        set k w nx -> nil
        set l w nx -> OK
        set m w xx -> nil
        set k w xx -> OK
        set k x get -> "w"
        set n x get -> nil
        set n y nx get -> "x"
        get n -> "x"
        set k v nx xx -> (ERR syntax error)
        set k v what -> (ERR syntax error)
        set k v ex -> (ERR syntax error)
        set k v ex 1 px 1 -> (ERR syntax error)
        set k v ex x -> (ERR value is not an integer or out of range)
        set k v ex 0 -> (ERR invalid expire time in 'set' command)
        set k v ex -1 -> (ERR invalid expire time in 'set' command)
        set k v ex 9223372036854775807 -> (ERR invalid expire time in 'set' command)
        setex k 0 v -> (ERR invalid expire time in 'setex' command)
        set -> (ERR wrong number of arguments for 'set' command)
        setnx k z -> 0
        setnx o z -> 1
        getset o y -> "z"
        getset p y -> nil
        getdel o -> "y"
        getdel o -> nil
        mset a 1 b 2 a 3 -> OK
        mget a b c -> ["3", "2", nil]
        mset a 1 b -> (ERR wrong number of arguments for 'mset' command)
        append a 45 -> 3
        append d 45 -> 2
        strlen a -> 3
        strlen none -> 0
        del a b c a -> 2
        unlink d -> 1
        exists k k none -> 2
        type k -> string
        type none -> none
        """);
  }

  @Test
  void counters() throws IOException {
    dialogue(
        """
        incr i -> 1
        incrby i 41 -> 42
        decr i -> 41
        decrby i 50 -> -9
        get i -> "-9"
        set i 9223372036854775806 -> OK
        incr i -> 9223372036854775807
        incr i -> (ERR increment or decrement would overflow)
        set i -9223372036854775808 -> OK
        decr i -> (ERR increment or decrement would overflow)
        get i -> "-9223372036854775808"
        decrby i -9223372036854775808 -> (ERR decrement would overflow)
        incrby i x -> (ERR value is not an integer or out of range)
        incrby i 9223372036854775808 -> (ERR value is not an integer or out of range)
        set i " 1" -> OK
        incr i -> (ERR value is not an integer or out of range)
        set i 01 -> OK
        incr i -> (ERR value is not an integer or out of range)
        set i "" -> OK
        incr i -> (ERR value is not an integer or out of range)
        set i -0 -> OK
        incr i -> (ERR value is not an integer or out of range)
        set i 0 ex 100 -> OK
        incr i -> 1
        ttl i -> 100
        """);
  }

  @Test
  void expiry() throws Exception {
    dialogue(
        """
        ttl k -> -2
        set k v -> OK
        ttl k -> -1
        expire k 100 -> 1
        ttl k -> 100
        expire k 50 gt -> 0
        expire k 200 gt -> 1
        expire k 100 lt -> 1
        expire k 100 nx -> 0
        expire k 300 xx -> 1
        expire k 1 nx gt -> (ERR NX and XX, GT or LT options at the same time are not compatible)
        expire k 1 what -> (ERR Unsupported option what)
        expire k x -> (ERR value is not an integer or out of range)
        expire k 9223372036854775807 -> (ERR invalid expire time in 'expire' command)
        ttl k -> 300
        set k w keepttl -> OK
        ttl k -> 300
        persist k -> 1
        persist k -> 0
        ttl k -> -1
        set k v ex 7 -> OK
        ttl k -> 7
        set k v -> OK
        ttl k -> -1
        setex k 9 v -> OK
        ttl k -> 9
        psetex k 9000 v -> OK
        ttl k -> 9
        rename k l -> OK
        ttl l -> 9
        ttl k -> -2
        rename k l -> (ERR no such key)
        expire none 10 -> 0
        expire l -1 -> 1
        get l -> nil
        set m v pxat 1 -> OK
        get m -> nil
        exists m -> 0
        set m v exat 99999999999 -> OK
        pexpireat m 1 -> 1
        expireat m 1 -> 0
        dbsize -> 0
        set s v px 30 -> OK
        """);
    long deadline = System.nanoTime() + 20_000_000_000L;
    while (client.ask("DBSIZE").equals(1L) && System.nanoTime() < deadline) {
      Thread.sleep(10);
    }
    assertEquals(0L, client.ask("DBSIZE"), "nobody asks for it, and it goes away");
  }

  @Test
  void connection() throws IOException {
    dialogue(
        """
        select 0 -> OK
        select 1 -> (ERR DB index is out of range)
        select x -> (ERR value is not an integer or out of range)
        client getname -> nil
        client setname bob -> OK
        client getname -> "bob"
        client setname "a b" -> (ERR Client names cannot contain spaces, newlines or special characters.)
        client what -> (ERR unknown subcommand 'what'. Try CLIENT HELP.)
        client id -> 1
        config get save -> ["save", ""]
        config get max*s -> ["maxclients", "10000"]
        config set save 1 -> (ERR CONFIG SET is not supported: options are given when the server is started)
        command docs -> []
        command info get nothing -> [["get", 2, [readonly], 1, 1, 1], nil]
        hello 3 -> (NOPROTO unsupported protocol version)
        what a b -> (ERR unknown command 'what', with args beginning with: 'a' 'b' )
        get -> (ERR wrong number of arguments for 'get' command)
        get a b -> (ERR wrong number of arguments for 'get' command)
        quit -> OK
        """);
    assertEquals(-1, client.readByte(), "the connection is closed");
  }

  @Test
  void keyspace() throws IOException {
    dialogue(
        """
        randomkey -> nil
        keys * -> []
        scan 0 -> ["0", []]
        scan x -> (ERR invalid cursor)
        scan 0 count 0 -> (ERR syntax error)
        scan 0 count -> (ERR syntax error)
        set one 1 -> OK
        keys o* -> ["one"]
        keys p* -> []
        randomkey -> "one"
        dbsize -> 1
        scan 0 match p* -> ["0", []]
        scan 0 type list -> ["0", []]
        flushall what -> (ERR syntax error)
        flushall -> OK
        get one -> nil
        dbsize -> 0
        set one 2 -> OK
        flushdb async -> OK
        keys * -> []
        """);
  }

  @Test
  void scan_findsEachKeyOnce() throws IOException {
    int count = 3000;
    for (int i = 0; i < count; i++) {
      client.send(RespClient.encoded(List.of("SET", "key" + i, "v")));
    }
    for (int i = 0; i < count; i++) {
      assertEquals("OK", client.read());
    }
    List<String> found = new ArrayList<>();
    String cursor = "0";
    int calls = 0;
    do {
      List<?> reply = (List<?>) client.ask("SCAN", cursor, "COUNT", "100");
      cursor = new String((byte[]) reply.get(0), StandardCharsets.US_ASCII);
      for (Object key : (List<?>) reply.get(1)) {
        found.add(new String((byte[]) key, StandardCharsets.US_ASCII));
      }
      client.ask("SET", "another" + calls++, "v");
    } while (!cursor.equals("0"));
    Set<String> different = new HashSet<>(found);
    assertEquals(found.size(), different.size(), "none twice");
    for (int i = 0; i < count; i++) {
      assertTrue(different.contains("key" + i), "key" + i);
    }
    assertTrue(calls > 3, "calls=" + calls);
    assertEquals((long) count + calls, client.ask("DBSIZE"));
    assertEquals(count + calls, ((List<?>) client.ask("KEYS", "*")).size());
  }

  @Test
  void info_tellsEachSection() throws IOException {
    client.ask("SET", "k", "v", "EX", "100");
    String all = new String((byte[]) client.ask("INFO"), StandardCharsets.UTF_8);
    for (String line :
        List.of("# Server", "redis_version:7", "connected_clients:1", "db0:keys=1,expires=1")) {
      assertTrue(all.contains(line), all);
    }
    String one = new String((byte[]) client.ask("INFO", "keyspace"), StandardCharsets.UTF_8);
    assertEquals("# Keyspace\r\ndb0:keys=1,expires=1\r\n", one);
  }

  @Test
  void shutdown_endsTheServer() throws Exception {
    client.send("SHUTDOWN WHAT\r\n".getBytes(StandardCharsets.US_ASCII));
    assertEquals("(ERR syntax error)", shown(client.read()));
    client.send("SHUTDOWN NOSAVE\r\n".getBytes(StandardCharsets.US_ASCII));
    server.awaitEnd();
    assertEquals(-1, client.readByte());
  }
}
