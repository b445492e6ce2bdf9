// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.UUID;

/**
 * A small pool with something of everything in it, as words that can be damaged. It is the same
 * each time.
 *
 * <p>The key of its log too, and what it holds: with one key or content in eighty, a checksum that
 * is left in a ring looks like the position of a record, so that recovery reads a frame more, and
 * an explorer counts other states.
 */
final class SamplePool {
  static final int SIZE = 2 << 20;
  static final int ENTRIES = 400;
  static final String LAYOUT = "sample";
  static final UUID IDENTITY = new UUID(0x0102030405060708L, 0x1112131415161718L);
  static final Instant CREATED = Instant.ofEpochMilli(1_700_000_000_000L);
  static final long HASH_SEED = 42;
  private static final long LOG_SEED = 7;

  static final Type<PersistentMap<Long, String>> NAMES = Type.map(Codec.LONG, Codec.STRING);
  static final Type<PersistentMap<String, Account>> ACCOUNTS = Type.map(Codec.STRING, Account.TYPE);
  static final Type<Block> BLOCK = Type.block(100);
  static final Type<PersistentLog> LOG = Type.log();
  static final Type<PersistentBlocks> SECTORS = Type.blocks(512, 40);

  private SamplePool() {}

  /** An empty pool, whose header has nothing random in it, and whose maps have not either. */
  static Pool createEmpty(PersistentRegion region) {
    return createEmpty(region, 0);
  }

  /** The same, with a number of lanes. */
  static Pool createEmpty(PersistentRegion region, int lanes) {
    return createEmpty(region, new Pool.Extent(region.size(), lanes));
  }

  /** The same, with a part of the region. */
  static Pool createEmpty(PersistentRegion region, Pool.Extent extent) {
    Pool made =
        Pool.create(
            region, PoolBuilder.Mode.ON_A_REGION, LAYOUT, extent, new SplittableRandom(LOG_SEED));
    PoolHeader header = new PoolHeader(made.layout(), IDENTITY, CREATED, HASH_SEED, LAYOUT);
    made.close();
    header.store(region, PoolLayout.FIRST_HEADER);
    header.store(region, PoolLayout.SECOND_HEADER);
    return Pool.open(region, LAYOUT);
  }

  static void fill(Pool pool) {
    Account account = pool.root("account", Account.TYPE);
    PersistentMap<Long, String> names = pool.root("names", NAMES);
    PersistentMap<String, Account> accounts = pool.root("accounts", ACCOUNTS);
    Block block = pool.root("block", BLOCK);
    pool.run(tx -> {
      Account next = pool.make(tx, Account.TYPE);
      tx.edit(next).owner("bob").balance(2);
      Block data = pool.allocate(tx, 70_000);
      MemorySegment content = tx.edit(data).fill().fill((byte) 0);
      content.set(JAVA_LONG, 69_992, 7);
      tx.edit(account).owner("ann").balance(1).next(next).data(data).kind((byte) 3);
      tx.edit(block).setLong(0, 5).setLong(96, 6);
    });
    for (long i = 0; i < ENTRIES; i++) {
      names.put(i, "name " + i);
    }
    for (int i = 0; i < 10; i++) {
      String owner = "owner " + i;
      pool.run(tx -> {
        Account made = pool.make(tx, Account.TYPE);
        tx.edit(made).owner(owner).balance(10);
        tx.edit(accounts).put(owner, made);
      });
    }
  }

  /** The words of the pool, closed in order. */
  static long[] image() {
    try (PersistentRegion region = PersistentRegion.over(Medium.inMemory(SIZE))) {
      Pool pool = createEmpty(region);
      fill(pool);
      pool.close();
      return words(region);
    }
  }

  static long[] words(PersistentRegion region) {
    long[] words = new long[(int) region.size() / 8];
    region.copyOut(0, MemorySegment.ofArray(words));
    return words;
  }

  static PersistentRegion regionOf(long[] image) {
    PersistentRegion region = PersistentRegion.over(Medium.inMemory(8L * image.length));
    region.copyIn(0, MemorySegment.ofArray(image));
    return region;
  }

  /** Reads all that there is, and is told what it should be. */
  static void assertWhole(Pool pool) {
    Account account = pool.root("account", Account.TYPE);
    assertEquals("ann", account.owner());
    assertEquals("bob", account.next().owner());
    assertEquals(7, account.data().view().get(JAVA_LONG, 69_992));
    assertEquals(6, pool.root("block", BLOCK).view().get(JAVA_LONG, 96));
    PersistentMap<Long, String> names = pool.root("names", NAMES);
    assertEquals(ENTRIES, names.size());
    names.forEach((number, name) -> assertEquals("name " + number, name));
    PersistentMap<String, Account> accounts = pool.root("accounts", ACCOUNTS);
    assertEquals(10, accounts.size());
    accounts.forEach((owner, one) -> assertEquals(owner, one.owner()));
    assertTrue(pool.check().isClean());
  }

  /** One thing that a program does with a pool. */
  interface Use {
    void run();
  }

  /**
   * Does everything that a program can do with what may be damaged. What is read may be wrong, but
   * each step ends, by itself or by an exception of Holdfast. Returns how many were refused.
   */
  static int useAll(Pool pool) {
    int refused = 0;
    Use[] reads = {
      pool::roots,
      pool::info,
      pool::check,
      () -> read(pool.root("account", Account.TYPE)),
      () -> pool.root("block", BLOCK).view().get(JAVA_LONG, 0),
      () -> assertNotEquals(-1, pool.root("names", NAMES).size()),
      () -> {
        for (Map.Entry<Long, String> entry : pool.root("names", NAMES).entrySet()) {
          assertTrue(entry.getValue().length() < SIZE);
        }
      },
      () -> {
        Map<Long, String> names = pool.root("names", NAMES);
        for (long i = 0; i < ENTRIES; i++) {
          names.get(i);
        }
      },
      () -> pool.root("accounts", ACCOUNTS).values().forEach(SamplePool::read),
      () -> {
        for (int i = 0; i < 10; i++) {
          Map<String, Account> accounts = pool.root("accounts", ACCOUNTS);
          assertEquals(accounts.containsKey("owner " + i), accounts.get("owner " + i) != null);
        }
      },
    };
    refused += useLogAndSectors(pool);
    for (Use use : reads) {
      refused += refused(use);
    }
    Use[] writes = {
      () -> pool.run(tx -> tx.edit(pool.root("account", Account.TYPE)).owner("eve").balance(9)),
      () ->
          pool.run(tx -> {
            Account account = pool.root("account", Account.TYPE);
            Account next = account.next();
            Block data = account.data();
            tx.edit(account).next(null).data(null);
            if (next != null) {
              pool.free(tx, next);
            }
            if (data != null) {
              pool.free(tx, data);
            }
          }),
      () -> pool.run(tx -> tx.edit(pool.root("block", BLOCK)).setLong(8, 9)),
      () -> {
        Map<Long, String> names = pool.root("names", NAMES);
        for (long i = 0; i < ENTRIES + 200; i += 3) {
          names.put(i, "other " + i);
        }
      },
      () -> {
        Map<Long, String> names = pool.root("names", NAMES);
        for (long i = 0; i < ENTRIES; i += 4) {
          names.remove(i);
        }
      },
      () -> pool.run(tx -> tx.edit(pool.root("accounts", ACCOUNTS)).clear()),
      () -> pool.run(tx -> pool.make(tx, Account.TYPE)),
      () -> pool.run(tx -> pool.allocate(tx, 100_000)),
      () -> pool.run(tx -> pool.drop(tx, "names", NAMES)),
      () -> pool.run(tx -> pool.drop(tx, "block", BLOCK)),
      () -> pool.run(tx -> pool.drop(tx, "account", Account.TYPE)),
    };
    for (Use use : writes) {
      refused += refused(use);
    }
    return refused;
  }

  /** The same, less often: a bit of everything. */
  static int useSome(Pool pool) {
    int refused = 0;
    Use[] uses = {
      pool::info,
      () -> read(pool.root("account", Account.TYPE)),
      () -> pool.root("names", NAMES).forEach((key, value) -> assertTrue(value.length() < SIZE)),
      () -> pool.root("accounts", ACCOUNTS).values().forEach(SamplePool::read),
      () -> pool.run(tx -> tx.edit(pool.root("account", Account.TYPE)).owner("eve").next(null)),
      () -> pool.run(tx -> tx.edit(pool.root("block", BLOCK)).setLong(8, 9)),
      () -> {
        Map<Long, String> names = pool.root("names", NAMES);
        for (long i = 0; i < 30; i += 3) {
          names.put(i, "other " + i);
          names.remove(i + 1);
        }
      },
      () -> pool.run(tx -> pool.make(tx, Account.TYPE)),
      () -> pool.run(tx -> pool.allocate(tx, 100_000)),
      () -> pool.run(tx -> pool.drop(tx, "names", NAMES)),
      () -> pool.run(tx -> pool.drop(tx, "accounts", ACCOUNTS)),
      () -> pool.run(tx -> pool.drop(tx, "account", Account.TYPE)),
    };
    refused += useLogAndSectors(pool);
    for (Use use : uses) {
      refused += refused(use);
    }
    return refused;
  }

  private static int useLogAndSectors(Pool pool) {
    byte[] sector = new byte[512];
    Use[] uses = {
      () -> pool.root("log", LOG).walk(0, (position, record) -> record.byteSize() < SIZE),
      () -> pool.root("log", LOG).append(new byte[100]),
      () -> pool.root("log", LOG).append(new byte[70_000]),
      () -> pool.root("log", LOG).truncate(pool.root("log", LOG).end()),
      () -> pool.root("log", LOG).clear(),
      () -> pool.run(tx -> pool.drop(tx, "log", LOG)),
      () -> {
        for (int i = 0; i < 40; i++) {
          pool.root("sectors", SECTORS).read(i, sector);
        }
      },
      () -> {
        for (int i = 0; i < 40; i += 3) {
          pool.root("sectors", SECTORS).write(i, sector);
          pool.root("sectors", SECTORS).trim(i + 1 - i / 39);
        }
      },
      () -> pool.run(tx -> pool.drop(tx, "sectors", SECTORS)),
    };
    int refused = 0;
    for (Use use : uses) {
      refused += refused(use);
    }
    return refused;
  }

  private static void read(Account first) {
    Account account = first;
    for (int i = 0; i < 5 && account != null; i++) {
      account.owner();
      account.balance();
      assertTrue(account.toString().startsWith("Account["));
      if (account.data() != null) {
        account.data().view().get(JAVA_LONG, 0);
      }
      account = account.next();
    }
  }

  /** The only refusal beside Holdfast's own that is right: a name is not there to be dropped. */
  private static int refused(Use use) {
    try {
      use.run();
      return 0;
    } catch (HoldfastException e) {
      assertTrue(e.getMessage() != null && e.getMessage().length() > 10, e.toString());
      return 1;
    } catch (IllegalArgumentException e) {
      if (e.getMessage() != null && e.getMessage().startsWith("no root has the name")) {
        return 1;
      }
      throw e;
    }
  }
}
