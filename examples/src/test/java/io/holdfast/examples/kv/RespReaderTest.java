// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.examples.kv.RespReader.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RespReaderTest {
  private static final long LONGEST = 1 << 20;

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** All commands of an input that comes in pieces, each as its words in brackets. */
  private static List<String> commands(byte[] input, int piece) throws ProtocolException {
    RespReader reader = new RespReader(LONGEST);
    List<String> commands = new ArrayList<>();
    for (int at = 0; at < input.length; at += piece) {
      reader.add(ByteBuffer.wrap(input, at, Math.min(piece, input.length - at)));
      for (byte[][] words = reader.next(); words != null; words = reader.next()) {
        StringBuilder text = new StringBuilder();
        for (byte[] word : words) {
          text.append('[').append(new String(word, StandardCharsets.ISO_8859_1)).append(']');
        }
        commands.add(text.toString());
      }
    }
    return commands;
  }

  @Test
  void next_inPiecesOfAnySize_isTheSame() throws ProtocolException {
    String arrays = "*2~$3~GET~$5~a~b"; // the value is a, a line end, b, a zero
    String lines = "PING~*0~~set \"a b\" 'c\\'d' \"\\x41\\n\"\n";
    String more = "*1~$0~~*-1~*3~$1~x~$1~y~$1~z~";
    byte[] input = bytes((arrays + "\0~" + lines + more).replace("~", "\r\n"));
    List<String> expected =
        List.of("[GET][a\r\nb\0]", "[PING]", "", "", "[set][a b][c'd][A\n]", "[]", "", "[x][y][z]");
    for (int piece = 1; piece <= input.length; piece++) {
      assertEquals(expected, commands(input, piece), "pieces of " + piece);
    }
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      textBlock =
          """
          *x~,              invalid multibulk length
          *~,               invalid multibulk length
          *1000000000~,     invalid multibulk length
          *99999999999999999999~, invalid multibulk length
          *1~*1~,           `expected '$', got '*'`
          *1~~,             `expected '$', got ' '`
          *1~$-1~,          invalid bulk length
          *1~$600000000~,   invalid bulk length
          *1~$x~,           invalid bulk length
          get "a~,          unbalanced quotes in request
          get "a"b~,        unbalanced quotes in request
          """)
  void next_malformed_saysWhy(String input, String problem) {
    byte[] sent = bytes(input.strip().replace("~", "\r\n"));
    Exception refused = assertThrows(ProtocolException.class, () -> commands(sent, sent.length));
    assertEquals("Protocol error: " + problem.strip(), refused.getMessage());
  }

  @Test
  void next_lineWithoutEnd_isRefusedAtItsLimit() {
    byte[] endless = new byte[RespReader.LONGEST_LINE + 1];
    Arrays.fill(endless, (byte) 'a');
    assertThrows(ProtocolException.class, () -> commands(endless, 1000));
    byte[] count = endless.clone();
    count[0] = '*';
    assertThrows(ProtocolException.class, () -> commands(count, 1000));
  }

  @Test
  void add_longStringThatDoesNotCome_takesNoMemoryForIt() throws ProtocolException {
    RespReader reader = new RespReader(512 << 20);
    reader.add(ByteBuffer.wrap(bytes("*2\r\n$3\r\nSET\r\n$500000000\r\nabc")));
    assertNull(reader.next());
    assertTrue(reader.bytes() <= 1 << 16, () -> "bytes=" + reader.bytes());
  }

  @Test
  void bytes_ofACommandThatHasComeInPart_countItsArguments() throws ProtocolException {
    RespReader reader = new RespReader(LONGEST);
    byte[] whole = RespClient.encoded(List.of("SET", "k", new byte[500_000], "more"));
    reader.add(ByteBuffer.wrap(whole, 0, whole.length - 3));
    assertNull(reader.next());
    assertTrue(reader.bytes() >= 500_000 + (1 << 14), () -> "bytes=" + reader.bytes());
    long before = reader.bytes();
    reader.add(ByteBuffer.wrap(whole, whole.length - 3, 3));
    assertEquals(4, reader.next().length);
    assertEquals(500_000 + 4, before - reader.bytes(), "the arguments are the command's now");
  }

  @Test
  void next_afterALongString_letsItsMemoryGo() throws ProtocolException {
    RespReader reader = new RespReader(LONGEST);
    byte[] value = new byte[500_000];
    reader.add(ByteBuffer.wrap(RespClient.encoded(List.of("SET", "k", value))));
    assertArrayEquals(value, reader.next()[2]);
    assertNull(reader.next());
    assertTrue(reader.bytes() <= 1 << 16, () -> "bytes=" + reader.bytes());
  }

  /** Whatever comes, there are commands or a refusal, in time and memory for what came. */
  @Test
  void next_anyBytes_areCommandsOrRefused() {
    SplittableRandom random = new SplittableRandom(7);
    byte[] alphabet = bytes("*$\r\n0123456789-abc \"'\\\0\u00FF");
    int refused = 0;
    for (int round = 0; round < 20_000; round++) {
      byte[] input = new byte[random.nextInt(60)];
      for (int i = 0; i < input.length; i++) {
        input[i] = alphabet[random.nextInt(alphabet.length)];
      }
      try {
        commands(input, 1 + random.nextInt(9));
      } catch (ProtocolException e) {
        refused++;
      }
    }
    assertTrue(refused > 1000 && refused < 19_000, "refused=" + refused);
  }
}
