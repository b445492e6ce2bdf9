// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import io.holdfast.examples.kv.RespReader;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.redis.ArrayRedisMessage;
import io.netty.handler.codec.redis.FullBulkStringRedisMessage;
import io.netty.handler.codec.redis.RedisArrayAggregator;
import io.netty.handler.codec.redis.RedisBulkStringAggregator;
import io.netty.handler.codec.redis.RedisDecoder;
import io.netty.util.ReferenceCountUtil;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * What it costs to take a command out of what a client sent: the server's reader beside Netty's
 * decoder of the same protocol with the aggregators that make whole commands of its parts. It is
 * why the server has a reader of its own.
 *
 * <p>Equal on all sides: the bytes, SET with a key of 16 bytes and a value of 100, as many commands
 * as one read from the socket brings. Not equal: Netty takes the bytes where they are, ours copies
 * them to its buffer, and to arrays, which is what the commands are made of; what that would cost
 * after Netty is a line of its own. Sockets are left out.
 */
final class RespBenchmark implements Benchmark {
  private static final int PIPELINED = 16;
  private static final int KEY_BYTES = 16;
  private static final int VALUE_BYTES = 100;
  private static final long LONGEST_BULK = 512L << 20;
  private static final int MOST_ARGUMENTS = 1 << 20;

  /** Takes every result, so that none can be left out. */
  private volatile long sink;

  @Override
  public String name() {
    return "resp";
  }

  @Override
  public String title() {
    return "reading commands of the server's protocol, beside Netty's decoder";
  }

  @Override
  public void run(Setting setting) throws IOException {
    setting.note("SET, key %d bytes, value %d; no sockets".formatted(KEY_BYTES, VALUE_BYTES));
    for (int pipeline : new int[] {PIPELINED, 1}) {
      byte[] received = commands(pipeline);
      setting.run(
          new Race(pipeline == 1 ? "one by one" : "pipelined by " + pipeline, pipeline)
              .ours("the server's reader", own(received))
              .theirs("Netty", netty(received, RespBenchmark::lookedAt))
              .theirs("Netty, and arrays", netty(received, RespBenchmark::copied)));
    }
  }

  private static byte[] commands(int count) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < count; i++) {
      String key = "key:%012d".formatted(i);
      String value = "x".repeat(VALUE_BYTES);
      String command =
          "*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n"
              .formatted(key.length(), key, value.length(), value);
      bytes.writeBytes(command.getBytes(StandardCharsets.US_ASCII));
    }
    return bytes.toByteArray();
  }

  // ---- ours

  private Contestant own(byte[] received) {
    RespReader reader = new RespReader(LONGEST_BULK);
    return Contestant.timed(operations -> {
      long sum = 0;
      for (long done = 0; done < operations; ) {
        reader.add(ByteBuffer.wrap(received));
        for (byte[][] command = next(reader); command != null; command = next(reader)) {
          sum += command[0].length + command[1].length + command[2].length;
          done++;
        }
      }
      sink = sum;
    });
  }

  private static byte[][] next(RespReader reader) {
    try {
      return reader.next();
    } catch (RespReader.ProtocolException e) {
      throw new AssertionError(e);
    }
  }

  // ---- Netty's

  /** What is done with an argument of a command. */
  private interface Use {
    int bytes(ByteBuf argument);
  }

  private static int lookedAt(ByteBuf argument) {
    return argument.readableBytes();
  }

  private static int copied(ByteBuf argument) {
    return ByteBufUtil.getBytes(argument).length;
  }

  private Contestant netty(byte[] received, Use use) {
    EmbeddedChannel channel =
        new EmbeddedChannel(
            new RedisDecoder(true),
            new RedisBulkStringAggregator(),
            new RedisArrayAggregator(MOST_ARGUMENTS, 1));
    return Contestant.timed(operations -> {
      long sum = 0;
      for (long done = 0; done < operations; ) {
        channel.writeInbound(Unpooled.wrappedBuffer(received));
        for (Object command = channel.readInbound();
            command != null;
            command = channel.readInbound()) {
          for (var argument : ((ArrayRedisMessage) command).children()) {
            sum += use.bytes(((FullBulkStringRedisMessage) argument).content());
          }
          ReferenceCountUtil.release(command);
          done++;
        }
      }
      sink = sum;
    });
  }
}
