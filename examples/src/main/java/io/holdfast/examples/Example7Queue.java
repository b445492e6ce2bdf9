// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.flush.Durability;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Lanes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.OptionalLong;

/**
 * A queue of numbers, on lanes alone: no pool, no allocator, a layout of its own. Behind the area
 * of the lanes are two words, how many numbers were ever put and taken, and then the numbers, round
 * and round. What changes together is written in one transaction, which makes it whole; that
 * threads take turns is the queue's own affair, since reads are not claimed. Opening the lanes
 * recovers; there is nothing else to do after a crash. The file has its name only when it has its
 * lanes, so that a crash of the first start is nothing else either.
 */
public final class Example7Queue implements AutoCloseable {
  private static final int CAPACITY = 1000;
  private static final int WORD = 8;
  private static final int LANES = 4;
  private static final long BYTES = 1 << 20;

  private final PersistentRegion region;
  private final Lanes lanes;
  private final long put;
  private final long taken;
  private final long numbers;

  private Example7Queue(PersistentRegion region, Lanes lanes) {
    this.region = region;
    this.lanes = lanes;
    this.put = lanes.end();
    this.taken = put + WORD;
    this.numbers = taken + WORD;
  }

  static Example7Queue openOrCreate(Path file) throws IOException {
    if (Files.notExists(file)) {
      create(file);
    }
    PersistentRegion region = PersistentRegion.open(file, Durability.PROCESS);
    try {
      return new Example7Queue(region, Lanes.open(region, 0));
    } catch (RuntimeException e) {
      region.close();
      throw e;
    }
  }

  /** Zeros are an empty queue. */
  private static void create(Path file) throws IOException {
    Path unfinished = file.resolveSibling(file.getFileName() + ".new");
    Files.deleteIfExists(unfinished);
    try (PersistentRegion region = PersistentRegion.create(unfinished, BYTES, Durability.PROCESS)) {
      Lanes.format(region, 0, LANES).close();
    }
    Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
  }

  /** Puts a number at the end; false if the queue is full. */
  synchronized boolean put(long number) {
    return lanes.call(tx -> {
      long at = tx.getLong(put);
      if (at - tx.getLong(taken) == CAPACITY) {
        return false;
      }
      tx.setLong(numbers + at % CAPACITY * WORD, number);
      tx.setLong(put, at + 1);
      return true;
    });
  }

  /** Takes the number at the front, if there is one. */
  synchronized OptionalLong take() {
    return lanes.call(tx -> {
      long at = tx.getLong(taken);
      if (at == tx.getLong(put)) {
        return OptionalLong.empty();
      }
      tx.setLong(taken, at + 1);
      return OptionalLong.of(tx.getLong(numbers + at % CAPACITY * WORD));
    });
  }

  @Override
  public void close() {
    lanes.close();
    region.close();
  }

  public static void main(String[] arguments) throws IOException {
    Path file = Path.of(arguments.length > 0 ? arguments[0] : "queue.region");
    try (Example7Queue queue = openOrCreate(file)) {
      for (long i = 1; i <= 3; i++) {
        queue.put(i * i);
      }
      System.out.println("took " + queue.take().getAsLong() + " and " + queue.take().getAsLong());
    }
  }
}
