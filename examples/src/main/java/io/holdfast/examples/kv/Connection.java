// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import io.holdfast.examples.kv.RespReader.ProtocolException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;

/** A client: what it has sent, what it is to be sent. */
final class Connection {
  /** A client that has so much to read gets nothing more done until it has read it. */
  private static final int MOST_WAITING = 1 << 20;

  private final long number;
  private final SocketChannel channel;
  private final SelectionKey key;
  private final String address;
  private final RespReader reader;
  private final RespWriter writer = new RespWriter();
  private String name = "";
  private boolean ending;
  private boolean atEnd;
  private boolean heldUp;

  /** The last reply, to a client that does not speak the protocol. */
  private String problem;

  Connection(long number, SocketChannel channel, SelectionKey key, RespReader reader)
      throws IOException {
    this.number = number;
    this.channel = channel;
    this.key = key;
    this.reader = reader;
    this.address = channel.getRemoteAddress().toString().replaceFirst(".*/", "");
  }

  long number() {
    return number;
  }

  String address() {
    return address;
  }

  String name() {
    return name;
  }

  void setName(String value) {
    name = value;
  }

  RespWriter writer() {
    return writer;
  }

  /** Closes the connection when all replies are sent. */
  void end() {
    ending = true;
  }

  /** Takes what the client has sent, one buffer full at most. */
  void receive(ByteBuffer buffer) throws IOException {
    buffer.clear();
    if (channel.read(buffer) < 0) {
      atEnd = true;
    }
    buffer.flip();
    if (!ending) {
      reader.add(buffer);
    }
  }

  /** The next request that can be run; null if there is none. */
  Request next() {
    heldUp = !ending && writer.waiting() >= MOST_WAITING;
    if (ending || heldUp) {
      return null;
    }
    try {
      byte[][] words;
      do {
        words = reader.next();
      } while (words != null && words.length == 0);
      if (words == null && atEnd) {
        end();
      }
      return words == null ? null : new Request(words);
    } catch (ProtocolException e) {
      problem = "ERR " + e.getMessage();
      end();
      return null;
    }
  }

  /** Whether requests may have been left only because of replies, which are sent by now. */
  boolean canGoOn() {
    return heldUp && !ending && writer.waiting() < MOST_WAITING;
  }

  /** Sends what can be sent, and has the selector look for what comes next. */
  void send() throws IOException {
    if (problem != null) {
      writer.error(problem);
      problem = null;
    }
    writer.sendTo(channel);
    int interest = 0;
    if (writer.waiting() > 0) {
      interest |= SelectionKey.OP_WRITE;
    }
    if (!ending && !atEnd && writer.waiting() < MOST_WAITING) {
      interest |= SelectionKey.OP_READ;
    }
    if (key.interestOps() != interest) {
      key.interestOps(interest);
    }
  }

  boolean isDone() {
    return !channel.isOpen() || ending && writer.waiting() == 0;
  }

  /** How much memory its buffers take. */
  long bytes() {
    return reader.bytes() + writer.bytes();
  }

  void close() {
    key.cancel();
    try {
      channel.close();
    } catch (IOException e) {
      // nobody is there to be told
    }
  }
}
