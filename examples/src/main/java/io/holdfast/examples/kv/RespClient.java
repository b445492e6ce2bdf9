// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A client that waits, for tests: sends requests, reads replies. */
final class RespClient implements AutoCloseable {
  private final Socket socket;
  private final OutputStream out;
  private final DataInputStream in;

  /** An error reply. */
  record ErrorReply(String text) {}

  RespClient(int port) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(60_000);
    out = socket.getOutputStream();
    in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
  }

  /** A request as bytes; words are strings in UTF-8, or byte arrays. */
  static byte[] encoded(List<?> words) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(("*" + words.size() + "\r\n").getBytes(StandardCharsets.US_ASCII));
    for (Object word : words) {
      byte[] one =
          word instanceof byte[] binary ? binary : word.toString().getBytes(StandardCharsets.UTF_8);
      bytes.writeBytes(("$" + one.length + "\r\n").getBytes(StandardCharsets.US_ASCII));
      bytes.writeBytes(one);
      bytes.writeBytes(new byte[] {'\r', '\n'});
    }
    return bytes.toByteArray();
  }

  void send(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
  }

  /** Sends a request, and waits for its reply. */
  Object ask(Object... words) throws IOException {
    send(encoded(List.of(words)));
    return read();
  }

  /**
   * Waits for a reply.
   *
   * @return a String, an {@link ErrorReply}, a Long, a byte[], a List, or null
   * @throws EOFException if the server has closed the connection
   */
  Object read() throws IOException {
    String line = line();
    String rest = line.substring(1);
    return switch (line.charAt(0)) {
      case '+' -> rest;
      case '-' -> new ErrorReply(rest);
      case ':' -> Long.parseLong(rest);
      case '$' -> bulk(Integer.parseInt(rest));
      case '*' -> array(Integer.parseInt(rest));
      default -> throw new IOException("no reply begins so: " + line);
    };
  }

  /** Waits for a byte; -1 if the server has closed the connection. */
  int readByte() throws IOException {
    return in.read();
  }

  private String line() throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.readUnsignedByte(); c != '\n'; c = in.readUnsignedByte()) {
      line.append((char) c);
    }
    if (line.length() < 2 || line.charAt(line.length() - 1) != '\r') {
      throw new IOException("no line of a reply: " + line);
    }
    return line.substring(0, line.length() - 1);
  }

  private byte[] bulk(int length) throws IOException {
    if (length < 0) {
      return null;
    }
    byte[] bytes = new byte[length];
    in.readFully(bytes);
    in.readFully(new byte[2]);
    return bytes;
  }

  private List<Object> array(int count) throws IOException {
    if (count < 0) {
      return null;
    }
    List<Object> elements = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      elements.add(read());
    }
    return elements;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
