// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;

/**
 * What a child tells its parent: records of one size, each written at once. The kernel keeps what
 * was written when the writer is killed, and no record is torn, since it is shorter than PIPE_BUF.
 */
final class AckPipe {
  private static final int RECORD_BYTES = 16;

  private AckPipe() {}

  /** What a record says. */
  enum Kind {
    /** The child has its region; the program begins. */
    STARTED(1),
    /** An operation was done. */
    DONE(2),
    /** The planned event has come; whoever made it waits to be killed. */
    TRIPPED(3);

    private final int code;

    Kind(int code) {
      this.code = code;
    }

    private static Kind of(int code) {
      for (Kind kind : values()) {
        if (kind.code == code) {
          return kind;
        }
      }
      throw new IllegalStateException("no such record: " + code);
    }
  }

  /**
   * A record.
   *
   * @param kind what it says
   * @param worker whose operation
   * @param number the operation's number
   */
  record Message(Kind kind, int worker, long number) {}

  static void write(OutputStream out, Message message) {
    byte[] bytes =
        ByteBuffer.allocate(RECORD_BYTES)
            .putInt(message.kind.code)
            .putInt(message.worker)
            .putLong(message.number)
            .array();
    try {
      out.write(bytes);
      out.flush();
    } catch (IOException e) {
      throw new UncheckedIOException("the parent does not listen any more", e);
    }
  }

  /** The next record, or null at the end. */
  static Message read(InputStream in) throws IOException {
    byte[] bytes = new DataInputStream(in).readNBytes(RECORD_BYTES);
    if (bytes.length < RECORD_BYTES) {
      return null;
    }
    ByteBuffer record = ByteBuffer.wrap(bytes);
    return new Message(Kind.of(record.getInt()), record.getInt(), record.getLong());
  }
}
