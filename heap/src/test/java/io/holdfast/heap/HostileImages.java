// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.holdfast.flush.Medium;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.KeyedHash;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;

/**
 * Images of a pool that somebody damaged on purpose, or forged: with the checksums made right again
 * where he could do so. Written after the pages on the format, and not with the classes that write
 * it.
 */
final class HostileImages {
  static final int SIZE = 1 << 20;
  static final int ENTRIES = 24;
  private static final int LANES = 4;
  private static final int LINE_WORDS = 8;
  private static final int PAGE_WORDS = 512;

  private static final int LOG = 8192;
  private static final int LOG_ERA = LOG + 64;
  private static final int LOG_KEY = LOG + 24;
  private static final int LOG_RINGS = LOG + 12_288;
  private static final int RING = 64 << 10;

  /** The pool in its life: empty, in use, killed, killed in a transaction, closed. */
  private final List<long[]> moments = new ArrayList<>();

  /** Words that were written in some moment. */
  private final int[] used;

  private final long anchor;
  private final long table;
  private final long chunks;

  HostileImages() {
    try (PersistentRegion region = PersistentRegion.over(Medium.inMemory(SIZE))) {
      Pool pool = SamplePool.createEmpty(region, LANES);
      moments.add(SamplePool.words(region));
      fill(pool, 0, ENTRIES / 2);
      moments.add(SamplePool.words(region));
      fill(pool, ENTRIES / 2, ENTRIES);
      pool.run(tx -> tx.edit(pool.root("names", SamplePool.NAMES)).remove(1L));
      moments.add(SamplePool.words(region));
      try (Transaction tx = pool.begin()) {
        tx.snapshot(offsetOf(pool, "block"), 64).set(JAVA_LONG, 8, 77);
        moments.add(SamplePool.words(region));
      }
      PoolLayout layout = pool.layout();
      anchor = layout.anchor();
      table = layout.table();
      chunks = layout.chunks();
      pool.close();
      moments.add(SamplePool.words(region));
    }
    TreeSet<Integer> words = new TreeSet<>();
    for (long[] moment : moments) {
      for (int i = 0; i < moment.length; i++) {
        if (moment[i] != 0) {
          words.add(i);
        }
      }
    }
    used = words.stream().mapToInt(Integer::intValue).toArray();
  }

  private static long offsetOf(Pool pool, String root) {
    return pool.roots().stream().filter(r -> r.name().equals(root)).findFirst().get().offset();
  }

  private static void fill(Pool pool, long from, long to) {
    Account account = pool.root("account", Account.TYPE);
    PersistentMap<Long, String> names = pool.root("names", SamplePool.NAMES);
    PersistentMap<String, Account> accounts = pool.root("accounts", SamplePool.ACCOUNTS);
    Block block = pool.root("block", SamplePool.BLOCK);
    PersistentLog log = pool.root("log", SamplePool.LOG);
    PersistentBlocks sectors = pool.root("sectors", SamplePool.SECTORS);
    for (int i = 0; i < 6; i++) {
      log.append(new byte[i * 1500]);
      sectors.write(from + i, new byte[512]);
    }
    log.append(new byte[60_000]);
    log.truncate(8);
    sectors.trim(from);
    pool.run(tx -> {
      Account next = pool.make(tx, Account.TYPE);
      tx.edit(next).owner("bob " + from).balance(2).next(account.next());
      tx.edit(account).owner("ann").balance(from).next(next);
      tx.edit(block).setLong(0, from);
      tx.edit(accounts).put("owner " + from, next);
    });
    for (long i = from; i < to; i++) {
      names.put(i, "name " + i);
    }
  }

  /** The image of a number: one of the moments, changed in one to three ways. */
  Hostile image(long number) {
    SplittableRandom random = new SplittableRandom(number);
    long[] image = moments.get(1 + random.nextInt(moments.size() - 1)).clone();
    StringBuilder how = new StringBuilder("image " + number);
    for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
      how.append(", ").append(change(image, random));
    }
    return new Hostile(image, how.toString());
  }

  /** An image, and what was done to it. */
  record Hostile(long[] image, String how) {}

  private String change(long[] image, SplittableRandom random) {
    int word = anyWord(random);
    return switch (random.nextInt(9)) {
      case 0 -> flipBit(image, random, word);
      case 1 -> replaceWord(image, random, word);
      case 2 -> stale(image, random, word, LINE_WORDS);
      case 3 -> stale(image, random, word, PAGE_WORDS);
      case 4 -> moveLine(image, anyWord(random), word);
      case 5 -> fillLine(image, random, word);
      case 6 -> forgeHeader(image, random);
      case 7 -> forgeSpan(image, random);
      default -> forgeTransaction(image, random);
    };
  }

  private static String flipBit(long[] image, SplittableRandom random, int word) {
    image[word] ^= 1L << random.nextInt(64);
    return "a bit of word " + word;
  }

  private String replaceWord(long[] image, SplittableRandom random, int word) {
    image[word] = value(image, random);
    return "word %d is 0x%X".formatted(word, image[word]);
  }

  private static String moveLine(long[] image, int from, int to) {
    System.arraycopy(image.clone(), from & -LINE_WORDS, image, to & -LINE_WORDS, LINE_WORDS);
    return "line of word %d as that of word %d".formatted(to, from);
  }

  private static String fillLine(long[] image, SplittableRandom random, int word) {
    int from = word & -LINE_WORDS;
    Arrays.fill(image, from, from + LINE_WORDS, random.nextBoolean() ? 0 : -1);
    return "line of word " + word + " filled";
  }

  private int anyWord(SplittableRandom random) {
    return used[random.nextInt(used.length)];
  }

  /** What somebody may write where a number or an offset belongs. */
  private long value(long[] image, SplittableRandom random) {
    return switch (random.nextInt(7)) {
      case 0 -> random.nextLong();
      case 1 -> 8L * random.nextInt(SIZE / 8);
      case 2 -> image[anyWord(random)];
      case 3 -> -1L >>> random.nextInt(64);
      case 4 -> 1L << random.nextInt(64);
      case 5 -> image[anyWord(random)] + 8 - random.nextInt(17);
      default -> chunks + 65_536L * random.nextInt(16);
    };
  }

  private String stale(long[] image, SplittableRandom random, int word, int words) {
    int which = random.nextInt(moments.size());
    int from = word / words * words;
    System.arraycopy(moments.get(which), from, image, from, words);
    return "%d words from %d on as in moment %d".formatted(words, from, which);
  }

  // ---- with checksums made right

  private static long sum(long key, long seed, long[] words, int from, int count) {
    return new KeyedHash(key).ofWords(seed, MemorySegment.ofArray(words), 8L * from, count);
  }

  private String forgeHeader(long[] image, SplittableRandom random) {
    int field = new int[] {8, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112}[random.nextInt(11)];
    long forged = value(image, random);
    if (random.nextBoolean()) {
      forged = image[field / 8] + (1L << random.nextInt(40)) * (random.nextBoolean() ? 1 : -1);
    }
    int copies = 1 + random.nextInt(3);
    for (int copy = 0; copy < 2; copy++) {
      if ((copies >>> copy & 1) == 1) {
        int at = copy * 512;
        image[at + field / 8] = forged;
        image[at + 31] = sum(image[at], 0, image, at, 31);
      }
    }
    return "header field %d is 0x%X in copies %d".formatted(field, forged, copies);
  }

  private String forgeSpan(long[] image, SplittableRandom random) {
    int chunk = random.nextInt(12);
    long kind = 1L + random.nextInt(4);
    long sizeClass = random.nextInt(3) == 0 ? 255 : random.nextInt(110);
    long count = random.nextInt(4) == 0 ? value(image, random) & 0xFFFF_FFFFL : random.nextInt(9);
    long body = kind << 40 | sizeClass << 32 | count;
    long check = new KeyedHash(0x4C4F4F50444C4F48L).ofWord(chunk, body) >>> 48;
    int at = (int) table / 8 + 2 * chunk;
    image[at] = check << 48 | body;
    if (random.nextBoolean()) {
      image[at + 1] = value(image, random);
    }
    return "chunk %d is 0x%X".formatted(chunk, body);
  }

  /** Frames on a lane from its beginning, committed or not, with entries as they come. */
  private String forgeTransaction(long[] image, SplittableRandom random) {
    int lane = random.nextInt(LANES);
    int frames = 1 + random.nextInt(3);
    long position = random.nextInt(4) == 0 ? random.nextInt(2048) : 0;
    long start = position;
    for (int i = 0; i < frames; i++) {
      boolean last = i == frames - 1;
      long[] entries = entries(image, random);
      int kind = last ? random.nextInt(4) : 1;
      if (kind > 1) {
        long[] record = record(random, position, start, i + 1);
        long[] both = Arrays.copyOf(entries, entries.length + record.length);
        System.arraycopy(record, 0, both, entries.length, record.length);
        entries = both;
      }
      position += frame(image, lane, position, kind, entries);
    }
    return "%d frames on lane %d from %d on".formatted(frames, lane, start);
  }

  private static long[] record(SplittableRandom random, long position, long start, int frames) {
    long order = random.nextInt(200);
    long[] record = {position, (long) frames << 32 | position - start, order, order};
    if (random.nextInt(3) == 0) {
      record[random.nextInt(4)] = random.nextLong() >>> random.nextInt(64);
    }
    return record;
  }

  private long[] entries(long[] image, SplittableRandom random) {
    List<Long> words = new ArrayList<>();
    for (int count = random.nextInt(4); count >= 0; count--) {
      int kind = 1 + random.nextInt(8);
      long detail = kind == 5 || kind == 6 || random.nextInt(9) == 0 ? random.nextInt(64) : 0;
      words.add((long) kind << 56 | detail << 48 | target(image, random) & 0xFFFF_FFFFFFFFL);
      switch (kind) {
        case 2, 4 -> {
          int content = random.nextInt(5);
          words.add(random.nextInt(5) == 0 ? value(image, random) : 8L * content);
          for (int i = 0; i < content; i++) {
            words.add(value(image, random));
          }
        }
        case 5, 6 -> {
          words.add(target(image, random));
          words.add(random.nextBoolean() ? 64 : value(image, random));
        }
        case 8 -> {
          words.add(random.nextLong());
          words.add(target(image, random));
          words.add(random.nextBoolean() ? 64 : value(image, random));
        }
        default -> words.add(value(image, random));
      }
    }
    return words.stream().mapToLong(Long::longValue).toArray();
  }

  /** Where an entry may aim: at headers, at the log, at what is right, at nothing. */
  private long target(long[] image, SplittableRandom random) {
    return switch (random.nextInt(8)) {
      case 0 -> 8L * random.nextInt(1024);
      case 1 -> LOG + 8L * random.nextInt((int) (anchor - LOG) / 8);
      case 2 -> anchor;
      case 3 -> table + 8L * random.nextInt(50);
      case 4 -> SIZE - 8;
      case 5 -> value(image, random);
      default -> 8L * anyWord(random);
    };
  }

  /** Writes a frame whose checksum is right; returns how many lines it takes. */
  private static int frame(long[] image, int lane, long position, int kind, long[] payload) {
    long key = image[LOG_KEY / 8];
    long era = image[LOG_ERA / 8] & 0xFFFF_FFFFL;
    KeyedHash hash = new KeyedHash(key);
    long[] words = new long[2 + payload.length];
    words[1] = (long) payload.length << 32 | kind;
    System.arraycopy(payload, 0, words, 2, payload.length);
    words[0] = sum(key, hash.seed(hash.seed(era, lane), position), words, 1, words.length - 1);
    int ring = (LOG_RINGS + lane * RING) / 8;
    for (int i = 0; i < words.length; i++) {
      image[ring + (int) ((position * LINE_WORDS + i) % (RING / 8))] = words[i];
    }
    return Math.ceilDiv(words.length, LINE_WORDS);
  }
}
