// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Takes commands out of the bytes that a client sends: arrays of bulk strings, or lines of words
 * (RESP 2, and its inline commands). Remembers where it is, so that a command may come in any
 * number of pieces, each of which is looked at once.
 */
public final class RespReader {
  /** As Redis has them. */
  static final int MOST_ARGUMENTS = 1 << 20;

  static final int LONGEST_LINE = 64 << 10;

  /** What an empty buffer keeps for the next command. */
  private static final int KEPT = 16 << 10;

  private static final byte[][] NOTHING = new byte[0][];

  private final long longestBulk;
  private byte[] buffer = new byte[KEPT];
  private int start;
  private int end;

  /** How far a line has been searched for its end. */
  private int searched;

  /** The array that is being read: its elements so far, and how many there will be. */
  private final List<byte[]> arguments = new ArrayList<>();

  private int expected;

  /** How many bytes these elements have. */
  private long held;

  /** The bulk string that is being read, or -1. */
  private int bulk = -1;

  /** A client that does not speak the protocol. */
  public static final class ProtocolException extends Exception {
    private static final long serialVersionUID = 1;

    ProtocolException(String message) {
      super("Protocol error: " + message);
    }
  }

  /**
   * A reader for one client.
   *
   * @param longestBulk the longest bulk string that is taken, in bytes
   */
  public RespReader(long longestBulk) {
    this.longestBulk = longestBulk;
  }

  /** Takes what was received. */
  public void add(ByteBuffer received) {
    int bytes = received.remaining();
    if (bytes > buffer.length - end) {
      makeRoom(bytes);
    }
    received.get(buffer, end, bytes);
    end += bytes;
  }

  private void makeRoom(int bytes) {
    int used = end - start;
    long wanted = Math.max((long) used + bytes, bulk >= 0 ? bulk + 2L : 0);
    byte[] target = buffer;
    if (wanted > buffer.length) {
      // What a client announces is not yet believed: no more than twice of what it has sent.
      target = new byte[(int) Math.min(Math.max(used + (long) bytes, 2L * buffer.length), 1 << 30)];
    }
    System.arraycopy(buffer, start, target, 0, used);
    buffer = target;
    searched -= start;
    start = 0;
    end = used;
  }

  /** How much memory this takes, with the part of a command that has come. */
  long bytes() {
    return buffer.length + held;
  }

  /**
   * The next command with its arguments; null if it has not come completely. An empty one is to be
   * ignored.
   */
  public byte[][] next() throws ProtocolException {
    if (expected == 0) {
      if (start == end) {
        shrink();
        return null;
      }
      if (buffer[start] != '*') {
        return inline();
      }
      String count = line("too big mbulk count string");
      if (count == null) {
        return null;
      }
      long elements = number(count, 1, "invalid multibulk length");
      if (elements > MOST_ARGUMENTS) {
        throw new ProtocolException("invalid multibulk length");
      }
      if (elements <= 0) {
        return NOTHING;
      }
      expected = (int) elements;
    }
    while (arguments.size() < expected) {
      byte[] argument = bulk();
      if (argument == null) {
        return null;
      }
      arguments.add(argument);
      held += argument.length;
    }
    byte[][] command = arguments.toArray(NOTHING);
    arguments.clear();
    held = 0;
    expected = 0;
    return command;
  }

  private byte[] bulk() throws ProtocolException {
    if (bulk < 0) {
      String header = line("too big bulk count string");
      if (header == null) {
        return null;
      }
      if (header.isEmpty() || header.charAt(0) != '$') {
        throw new ProtocolException(
            "expected '$', got '" + (header.isEmpty() ? " " : header.substring(0, 1)) + "'");
      }
      long length = number(header, 1, "invalid bulk length");
      if (length < 0 || length > longestBulk) {
        throw new ProtocolException("invalid bulk length");
      }
      bulk = (int) length;
    }
    if (end - start < bulk + 2L) {
      return null;
    }
    byte[] bytes = Arrays.copyOfRange(buffer, start, start + bulk);
    start += bulk + 2;
    searched = start;
    bulk = -1;
    return bytes;
  }

  private static long number(String line, int from, String problem) throws ProtocolException {
    try {
      return Long.parseLong(line, from, line.length(), 10);
    } catch (NumberFormatException e) {
      throw new ProtocolException(problem);
    }
  }

  /** A line without its end; null if that has not come. */
  private String line(String tooLong) throws ProtocolException {
    for (searched = Math.max(searched, start); searched < end; searched++) {
      if (buffer[searched] == '\n') {
        int last = searched > start && buffer[searched - 1] == '\r' ? searched - 1 : searched;
        String line = new String(buffer, start, last - start, StandardCharsets.ISO_8859_1);
        start = ++searched;
        return line;
      }
    }
    if (end - start > LONGEST_LINE) {
      throw new ProtocolException(tooLong);
    }
    return null;
  }

  private byte[][] inline() throws ProtocolException {
    String line = line("too big inline request");
    if (line == null) {
      return null;
    }
    List<byte[]> words = new InlineWords(line).split();
    if (words == null) {
      throw new ProtocolException("unbalanced quotes in request");
    }
    return words.toArray(NOTHING);
  }

  private void shrink() {
    start = 0;
    end = 0;
    searched = 0;
    if (buffer.length > KEPT) {
      buffer = new byte[KEPT];
    }
  }
}
