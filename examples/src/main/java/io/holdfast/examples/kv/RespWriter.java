// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Collection;

/** Replies to a client, until they are sent. */
final class RespWriter {
  private static final byte[] OK = ascii("+OK\r\n");
  private static final byte[] NULL = ascii("$-1\r\n");

  /** What an empty buffer keeps for the next replies. */
  private static final int KEPT = 16 << 10;

  /** What a channel copies to memory of its own. */
  private static final int SENT_AT_ONCE = 64 << 10;

  private byte[] buffer = new byte[KEPT];
  private int sent;
  private int end;

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  void ok() {
    raw(OK);
  }

  void simple(String text) {
    one('+').raw(text.getBytes(StandardCharsets.UTF_8));
    lineEnd();
  }

  /** An error: its code in capitals, then what is wrong, in one line. */
  void error(String message) {
    String line = message.replace('\r', ' ').replace('\n', ' ');
    one('-').raw(line.getBytes(StandardCharsets.UTF_8));
    lineEnd();
  }

  void number(long value) {
    one(':').decimal(value);
    lineEnd();
  }

  void bulk(byte[] value) {
    if (value == null) {
      raw(NULL);
      return;
    }
    one('$').decimal(value.length);
    lineEnd();
    raw(value);
    lineEnd();
  }

  void bulk(String value) {
    bulk(value.getBytes(StandardCharsets.UTF_8));
  }

  /** Begins an array, whose elements follow. */
  void array(int count) {
    one('*').decimal(count);
    lineEnd();
  }

  void bulks(Collection<byte[]> values) {
    array(values.size());
    values.forEach(this::bulk);
  }

  private RespWriter one(char c) {
    room(1);
    buffer[end++] = (byte) c;
    return this;
  }

  private void lineEnd() {
    room(2);
    buffer[end++] = '\r';
    buffer[end++] = '\n';
  }

  private void raw(byte[] bytes) {
    room(bytes.length);
    System.arraycopy(bytes, 0, buffer, end, bytes.length);
    end += bytes.length;
  }

  private void decimal(long value) {
    if (value >= 0 && value < 10) {
      one((char) ('0' + value));
    } else {
      raw(ascii(Long.toString(value)));
    }
  }

  private void room(int bytes) {
    if (bytes > buffer.length - end) {
      int used = end - sent;
      byte[] target =
          used + bytes > buffer.length
              ? new byte[(int) Math.min(Integer.MAX_VALUE - 16L, 2L * (used + (long) bytes))]
              : buffer;
      System.arraycopy(buffer, sent, target, 0, used);
      buffer = target;
      sent = 0;
      end = used;
    }
  }

  /** How many bytes wait to be sent. */
  int waiting() {
    return end - sent;
  }

  /** How much memory this takes. */
  long bytes() {
    return buffer.length;
  }

  /** Forgets the last replies, down to a number of waiting bytes. */
  void truncate(int waiting) {
    end = sent + waiting;
  }

  /** Sends as much as the client takes now. */
  void sendTo(SocketChannel channel) throws IOException {
    while (sent < end) {
      int bytes = Math.min(end - sent, SENT_AT_ONCE);
      int taken = channel.write(ByteBuffer.wrap(buffer, sent, bytes));
      sent += taken;
      if (taken < bytes) {
        return;
      }
    }
    sent = 0;
    end = 0;
    if (buffer.length > KEPT) {
      buffer = new byte[KEPT];
    }
  }
}
