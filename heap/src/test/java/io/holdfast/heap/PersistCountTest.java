// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.crash.CountingMedium;
import io.holdfast.crash.PersistCounts;
import io.holdfast.crash.TracingMedium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Transaction;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/**
 * Fences, lines and log bytes of every operation of a pool: a table. A line more is a slower
 * engine, a fence less is a broken one.
 */
class PersistCountTest {
  private static final String TABLE = "persist-counts.txt";
  private static final Type<PersistentMap<Long, String>> MAP = Type.map(Codec.LONG, Codec.STRING);
  private static final Type<Block> BLOCK = Type.block(1000);

  private final CountingMedium medium = new CountingMedium(TracingMedium.ofSize(SamplePool.SIZE));
  private final PersistentRegion region = PersistentRegion.over(medium);
  private final List<String> table = new ArrayList<>();

  /** One thing that is counted. */
  private interface Step {
    void run();
  }

  private void count(String name, Step step) {
    PersistCounts before = medium.counts();
    step.run();
    PersistCounts counts = medium.counts().since(before);
    table.add(
        "%s: %d fences, %d lines, %d log bytes"
            .formatted(name, counts.fences(), counts.lines(), counts.logBytes()));
  }

  /** The second time: the first one makes runs, and writes nothing back for one before it. */
  private void steady(String name, Step step) {
    step.run();
    count(name, step);
  }

  @Test
  void operations() throws IOException {
    AtomicReference<Pool> made = new AtomicReference<>();
    count("create", () -> made.set(Pool.create(region, SamplePool.LAYOUT)));
    count("close, new", made.get()::close);
    count("open, clean", () -> made.set(Pool.open(region, SamplePool.LAYOUT)));
    count("close, unchanged", made.get()::close);
    // From here on with a seed that is always the same, since it decides in which lines slots are.
    Pool pool = SamplePool.createEmpty(region);
    count("first root, an object", () -> pool.root("account", Account.TYPE));
    count("root, a block", () -> pool.root("block", BLOCK));
    count("root, a map", () -> pool.root("map", MAP));
    count("root, found", () -> pool.root("account", Account.TYPE));
    count(
        "roots, info, check",
        () -> {
          assertEquals(3, pool.roots().size());
          assertEquals(3, pool.info().roots().size());
          assertEquals(List.of(), pool.check().problems());
        });
    objects(pool);
    blocks(pool);
    maps(pool);
    arrays(pool);
    logs(pool);
    count("drop a map", () -> pool.run(tx -> pool.drop(tx, "map", MAP)));
    count("drop a block", () -> pool.run(tx -> pool.drop(tx, "block", BLOCK)));
    count("drop an object", () -> pool.run(tx -> pool.drop(tx, "account", Account.TYPE)));
    pool.root("account", Account.TYPE);
    AtomicReference<Pool> again = new AtomicReference<>();
    count("open, after a crash", () -> again.set(Pool.open(region, SamplePool.LAYOUT)));
    again.get().run(tx -> tx.edit(again.get().root("account", Account.TYPE)).balance(1));
    count("close, after a transaction", again.get()::close);
    Pool half = Pool.create(region, SamplePool.LAYOUT, SamplePool.SIZE / 2);
    count("grow", () -> assertTrue(half.growth().makeRoom(15)));
    count("grow, not needed", () -> assertTrue(half.growth().makeRoom(15)));
    count("grow, not possible", () -> assertFalse(half.growth().makeRoom(1000)));
    assertEquals(
        checkedIn(),
        String.join("\n", table),
        "if it is meant to be so, this is the new " + TABLE + ":\n" + String.join("\n", table));
  }

  private void objects(Pool pool) {
    Account account = pool.root("account", Account.TYPE);
    AtomicReference<Account> other = new AtomicReference<>();
    steady("read only", () -> pool.run(tx -> tx.edit(account).balance()));
    steady("set a long", () -> pool.run(tx -> tx.edit(account).balance(1)));
    steady("set a byte", () -> pool.run(tx -> tx.edit(account).kind((byte) 1)));
    steady(
        "set five fields",
        () ->
            pool.run(tx ->
                tx.edit(account).balance(2).number(3).branch((short) 4).kind((byte) 5).limit(6)));
    steady("set a string", () -> pool.run(tx -> tx.edit(account).owner("ann")));
    steady(
        "set a string of 1000 bytes",
        () -> pool.run(tx -> tx.edit(account).owner("x".repeat(1000))));
    steady("make an object", () -> pool.run(tx -> other.set(pool.make(tx, Account.TYPE))));
    steady(
        "make an object and refer to it",
        () ->
            pool.run(tx -> {
              other.set(pool.make(tx, Account.TYPE));
              tx.edit(other.get()).balance(1).owner("bob");
              tx.edit(account).next(other.get());
            }));
    steady(
        "edit two objects",
        () ->
            pool.run(tx -> {
              tx.edit(account).balance(3);
              tx.edit(other.get()).balance(4);
            }));
    steady(
        "abort of an edit",
        () -> {
          try (Transaction tx = pool.begin()) {
            tx.edit(account).balance(9);
            tx.edit(pool.make(tx, Account.TYPE)).balance(9);
          }
        });
    count("free an object with a string", () -> pool.run(tx -> pool.free(tx, other.get())));
  }

  private void blocks(Pool pool) {
    Block block = pool.root("block", BLOCK);
    AtomicReference<Block> taken = new AtomicReference<>();
    MemorySegment bytes = MemorySegment.ofArray(new byte[512]);
    steady("set a word of a block", () -> pool.run(tx -> tx.edit(block).setLong(0, 1)));
    steady("set 512 bytes of a block", () -> pool.run(tx -> tx.edit(block).set(0, bytes)));
    steady(
        "snapshot 512 bytes of a block",
        () -> pool.run(tx -> tx.snapshot(block.offset(), 512).fill((byte) 1)));
    steady("allocate a block", () -> pool.run(tx -> taken.set(pool.allocate(tx, 64))));
    count("free a block", () -> pool.run(tx -> pool.free(tx, taken.get())));
    steady(
        "allocate and fill 64 bytes",
        () ->
            pool.run(tx -> {
              taken.set(pool.allocate(tx, 64));
              tx.edit(taken.get()).fill().fill((byte) 1);
            }));
    steady(
        "allocate and fill 4096 bytes",
        () ->
            pool.run(tx -> {
              taken.set(pool.allocate(tx, 4096));
              tx.edit(taken.get()).fill().fill((byte) 1);
            }));
    steady(
        "allocate and free in one transaction",
        () -> pool.run(tx -> pool.free(tx, pool.allocate(tx, 64))));
    steady(
        "free one of 64 bytes and allocate one",
        () ->
            pool.run(tx -> {
              Block old = taken.get().size() == 64 ? taken.get() : pool.allocate(tx, 64);
              pool.free(tx, old);
              taken.set(pool.allocate(tx, 64));
            }));
    count("allocate the first of a size", () -> pool.run(tx -> pool.allocate(tx, 10_000)));
    steady("allocate a huge block", () -> pool.run(tx -> taken.set(pool.allocate(tx, 525_000))));
    count("free a huge block", () -> pool.run(tx -> pool.free(tx, taken.get())));
  }

  private void maps(Pool pool) {
    PersistentMap<Long, String> map = pool.root("map", MAP);
    map.put(1L, "one");
    count("map put, new", () -> map.put(2L, "two"));
    steady("map put, replaced", () -> map.put(2L, "second"));
    steady("map get", () -> map.get(2L));
    steady("map size", () -> assertEquals(2, map.size()));
    steady("map iterate", () -> map.forEach((key, value) -> assertEquals(map.get(key), value)));
    count("map put if absent, present", () -> map.putIfAbsent(2L, "x"));
    count("map replace", () -> map.replace(2L, "x"));
    count("map remove", () -> map.remove(2L));
    count("map remove, absent", () -> map.remove(2L));
    count(
        "map put ten in one transaction",
        () ->
            pool.run(tx -> {
              for (long key = 10; key < 20; key++) {
                tx.edit(map).put(key, "ten");
              }
            }));
    count("map clear, eleven by themselves", map::clear);
  }

  private void arrays(Pool pool) {
    Type<PersistentBlocks> small = Type.blocks(512, 100);
    Type<PersistentBlocks> large = Type.blocks(4096, 100);
    count("root, blocks of 512", () -> pool.root("small", small));
    count("root, blocks of 4096", () -> pool.root("large", large));
    PersistentBlocks sectors = pool.root("small", small);
    PersistentBlocks pages = pool.root("large", large);
    byte[] sector = new byte[512];
    byte[] page = new byte[4096];
    steady("write a block of 512", () -> sectors.write(0, sector));
    steady("write a block of 4096", () -> pages.write(0, page));
    steady("read a block of 4096", () -> pages.read(0, page));
    count("trim a block", () -> pages.trim(0));
    count("trim a block, unwritten", () -> pages.trim(0));
    steady(
        "write two blocks of 4096 in one transaction",
        () ->
            pool.run(tx -> {
              MemorySegment content = MemorySegment.ofArray(page);
              tx.edit(pages).write(1, content).write(2, content);
            }));
    count("drop blocks", () -> pool.run(tx -> pool.drop(tx, "small", small)));
    pool.run(tx -> pool.drop(tx, "large", large));
  }

  private void logs(Pool pool) {
    count("root, a log", () -> pool.root("log", Type.log()));
    PersistentLog log = pool.root("log", Type.log());
    count("append 100 bytes, the first", () -> log.append(new byte[100]));
    steady("append 100 bytes", () -> log.append(new byte[100]));
    steady("append 1000 bytes", () -> log.append(new byte[1000]));
    steady("append 4000 bytes", () -> log.append(new byte[4000]));
    MemorySegment record = MemorySegment.ofArray(new byte[100]);
    steady("append five times 100 bytes", () -> log.appendAll(Collections.nCopies(5, record)));
    steady("walk", () -> log.walk(0, (position, one) -> true));
    count("truncate", () -> log.truncate(112));
    log.append(new byte[60_000]);
    count("truncate a segment", () -> log.truncate(log.end()));
    count("append to a new segment", () -> log.append(new byte[6000]));
    count("clear", log::clear);
    count("drop a log", () -> pool.run(tx -> pool.drop(tx, "log", Type.log())));
  }

  private static String checkedIn() throws IOException {
    try (InputStream table = PersistCountTest.class.getResourceAsStream("/" + TABLE)) {
      return table == null ? "" : new String(table.readAllBytes(), StandardCharsets.UTF_8).strip();
    }
  }
}
