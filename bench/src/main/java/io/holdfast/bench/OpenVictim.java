// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import io.holdfast.heap.Block;
import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.Type;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The process that is killed: fills a pool if it is new, then commits until its end. */
final class OpenVictim {
  static final String MAP = "map";
  static final String COUNTER = "counter";
  static final Type<PersistentMap<Long, byte[]>> MAP_TYPE = Type.map(Codec.LONG, Codec.BYTES);
  static final Type<Block> COUNTER_TYPE = Type.block(Long.BYTES);

  private static final int VALUE_BYTES = 1000;

  /** What an entry takes, with its slot. */
  private static final int ENTRY_BYTES = 1088;

  private static final int SAID_EVERY = 500;
  private static final int HEARD = 5;

  private OpenVictim() {}

  /**
   * Runs the process until it has committed for a while, and kills it.
   *
   * @return how many commits it said that it had made
   */
  static long runAndKill(Path file, long bytes) throws IOException {
    Process victim =
        new ProcessBuilder(
                JavaCommand.of(
                    OpenVictim.class.getName(), List.of(), List.of(file.toString(), "" + bytes)))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader said = victim.inputReader(StandardCharsets.US_ASCII)) {
      String last = null;
      for (int i = 0; i < HEARD; i++) {
        last = said.readLine();
        if (last == null) {
          throw new IOException("the process that was to be killed has ended by itself");
        }
      }
      return Long.parseLong(last);
    } finally {
      victim.destroyForcibly();
      waitFor(victim);
    }
  }

  private static void waitFor(Process victim) throws IOException {
    try {
      victim.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** Begun by {@link #runAndKill}. */
  public static void main(String[] args) {
    Path file = Path.of(args[0]);
    long bytes = Long.parseLong(args[1]);
    long entries = bytes / 2 / ENTRY_BYTES;
    if (!Files.exists(file)) {
      fill(file, bytes, entries);
    }
    try (Pool pool = Pool.at(file).open()) {
      commit(pool, entries);
    }
  }

  private static void fill(Path file, long bytes, long entries) {
    try (Pool pool = Pool.at(file).size(bytes).create()) {
      PersistentMap<Long, byte[]> map = pool.root(MAP, MAP_TYPE);
      byte[] value = new byte[VALUE_BYTES];
      for (long key = 0; key < entries; key++) {
        map.put(key, value);
      }
    }
  }

  private static void commit(Pool pool, long entries) {
    PersistentMap<Long, byte[]> map = pool.root(MAP, MAP_TYPE);
    Block counter = pool.root(COUNTER, COUNTER_TYPE);
    byte[] value = new byte[VALUE_BYTES];
    while (true) {
      long count =
          pool.call(tx -> {
            long next = tx.edit(counter).getLong(0) + 1;
            tx.edit(counter).setLong(0, next);
            tx.edit(map).put(next * 7919 % entries, value);
            return next;
          });
      if (count % SAID_EVERY == 0) {
        System.out.println(count);
      }
    }
  }
}
