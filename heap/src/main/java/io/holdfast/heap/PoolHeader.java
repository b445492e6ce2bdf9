// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static io.holdfast.tx.spi.KeyedHash.WORD;

import io.holdfast.flush.Declaration;
import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.HoldfastException.UnsupportedVersion;
import io.holdfast.flush.Lines;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.KeyedHash;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.UUID;

/**
 * What a pool says of itself, in two copies of which one is enough. Writing it is the last step of
 * the creation, and of a growth, which changes the size in it and nothing else.
 *
 * <p>A growth writes one copy after the other, each durable before the next, so one of them is
 * sound at all times. If both are, and differ in nothing but the size, the larger one is right:
 * what it speaks of was durable before it. Of a growth whose second copy is missing, that is
 * written when the pool is opened, before anything is kept in what is new: a copy that says less
 * must never be the only one that is left.
 *
 * @param layout where everything is
 * @param identity of this pool
 * @param created when
 * @param hashSeed of keys in maps
 * @param name the layout's name
 */
record PoolHeader(PoolLayout layout, UUID identity, Instant created, long hashSeed, String name) {
  private static final KeyedHash CHECKSUM = new KeyedHash(PoolLayout.MAGIC);

  static void checkName(String name) {
    int bytes = name.getBytes(StandardCharsets.UTF_8).length;
    if (bytes > PoolLayout.LAYOUT_CAPACITY) {
      throw new IllegalArgumentException(
          "a layout's name has at most %d bytes: \"%s\" has %d"
              .formatted(PoolLayout.LAYOUT_CAPACITY, name, bytes));
    }
  }

  void store(PersistentRegion region, long at) {
    region.copyIn(at, encode(PoolLayout.VERSION));
  }

  /**
   * Stores both copies where none is, the magic after the rest is durable, so that a crash leaves a
   * pool or none and nothing that looks like damage.
   */
  void storeFirst(PersistentRegion region) {
    MemorySegment encoded = encode(PoolLayout.VERSION);
    encoded.set(WORD, PoolLayout.MAGIC_AT, PoolLayout.UNFINISHED);
    Lines both = region.lines();
    for (long at : new long[] {PoolLayout.FIRST_HEADER, PoolLayout.SECOND_HEADER}) {
      region.copyIn(at, encoded);
      both.add(at, PoolLayout.HEADER_BYTES);
    }
    region.persist(both);
    region.putLong(PoolLayout.FIRST_HEADER + PoolLayout.MAGIC_AT, PoolLayout.MAGIC);
    region.putLong(PoolLayout.SECOND_HEADER + PoolLayout.MAGIC_AT, PoolLayout.MAGIC);
    region.persist(
        region
            .lines()
            .add(PoolLayout.FIRST_HEADER + PoolLayout.MAGIC_AT, Long.BYTES)
            .add(PoolLayout.SECOND_HEADER + PoolLayout.MAGIC_AT, Long.BYTES));
  }

  MemorySegment encode(int version) {
    return encode(version, layout.size());
  }

  private MemorySegment encode(int version, long size) {
    MemorySegment header = MemorySegment.ofArray(new long[PoolLayout.HEADER_BYTES / 8]);
    byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
    header.set(WORD, PoolLayout.MAGIC_AT, PoolLayout.MAGIC);
    header.set(WORD, PoolLayout.VERSION_BYTES_AT, (long) version << 32 | PoolLayout.HEADER_BYTES);
    header.set(WORD, PoolLayout.IDENTITY_AT, identity.getMostSignificantBits());
    header.set(WORD, PoolLayout.IDENTITY_AT + 8, identity.getLeastSignificantBits());
    header.set(WORD, PoolLayout.CREATED_AT, created.toEpochMilli());
    header.set(WORD, PoolLayout.SIZE_AT, size);
    header.set(WORD, PoolLayout.MAX_SIZE_AT, layout.maxSize());
    header.set(WORD, PoolLayout.LOG_AT, PoolLayout.LOG);
    header.set(WORD, PoolLayout.ANCHOR_AT, layout.anchor());
    header.set(WORD, PoolLayout.TABLE_AT, layout.table());
    header.set(WORD, PoolLayout.CHUNKS_AT, layout.chunks());
    header.set(
        WORD,
        PoolLayout.CHUNK_BYTES_COUNT_AT,
        (long) PoolLayout.CHUNK_BYTES << 32 | layout.capacity());
    header.set(WORD, PoolLayout.HASH_SEED_AT, hashSeed);
    header.set(WORD, PoolLayout.LAYOUT_BYTES_AT, nameBytes.length);
    MemorySegment.copy(
        MemorySegment.ofArray(nameBytes), 0, header, PoolLayout.LAYOUT_AT, nameBytes.length);
    header.set(WORD, PoolLayout.CHECKSUM_AT, sum(header));
    return header;
  }

  private static long sum(MemorySegment header) {
    return CHECKSUM.ofWords(0, header, 0, PoolLayout.CHECKSUM_AT / 8);
  }

  boolean isAt(PersistentRegion region, long at) {
    return region.view(at, PoolLayout.HEADER_BYTES).mismatch(encode(PoolLayout.VERSION)) == -1;
  }

  /** Whether both copies are as they should be. */
  boolean isWhole(PersistentRegion region) {
    return isAt(region, PoolLayout.FIRST_HEADER) && isAt(region, PoolLayout.SECOND_HEADER);
  }

  /** Writes a copy again that is not as it should be. */
  void mend(PersistentRegion region) {
    for (long at : new long[] {PoolLayout.FIRST_HEADER, PoolLayout.SECOND_HEADER}) {
      if (!isAt(region, at)) {
        store(region, at);
        region.persist(at, PoolLayout.HEADER_BYTES);
      }
    }
  }

  /**
   * Says a new size in both copies, in one after the other, and first in one that does not say what
   * this header does: the other is the one that is sound then.
   */
  void storeSize(PersistentRegion region, long size) {
    MemorySegment grown = encode(PoolLayout.VERSION, size);
    boolean firstIsSound = isAt(region, PoolLayout.FIRST_HEADER);
    replace(region, firstIsSound ? PoolLayout.SECOND_HEADER : PoolLayout.FIRST_HEADER, grown);
    replace(region, firstIsSound ? PoolLayout.FIRST_HEADER : PoolLayout.SECOND_HEADER, grown);
  }

  /** Stores the words of a copy that are to change. Torn, it is not sound, and the other one is. */
  private static void replace(PersistentRegion region, long at, MemorySegment copy) {
    Lines changed = region.lines();
    region.declare(Declaration.SCRATCH, at, PoolLayout.HEADER_BYTES);
    for (long word = 0; word < PoolLayout.HEADER_BYTES; word += Long.BYTES) {
      long value = copy.get(WORD, word);
      if (region.getLong(at + word) != value) {
        region.putLong(at + word, value);
        changed.add(at + word, Long.BYTES);
      }
    }
    region.persist(changed);
  }

  /** Writes the copy that a growth which was cut off has not reached. */
  void finishGrowth(PersistentRegion region) {
    for (long at : new long[] {PoolLayout.FIRST_HEADER, PoolLayout.SECOND_HEADER}) {
      PoolHeader copy = isAt(region, at) ? null : soundCopy(region, at);
      if (copy != null && isGrownFrom(copy)) {
        replace(region, at, encode(PoolLayout.VERSION));
      }
    }
  }

  /** Whether this is what another header becomes by growth. */
  private boolean isGrownFrom(PoolHeader other) {
    return layout.size() > other.layout.size()
        && encode(PoolLayout.VERSION, other.layout.size())
                .mismatch(other.encode(PoolLayout.VERSION))
            == -1;
  }

  /**
   * The largest size that a file's header speaks of, to reserve addresses before it is opened; 0 if
   * there is none. Nothing else may depend on it, since the file is not locked yet.
   */
  static long peekMaxSize(Path file) {
    if (!Files.isRegularFile(file)) {
      return 0;
    }
    // Not by a channel, which an interrupted thread would close instead of reading from it.
    try (RandomAccessFile opened = new RandomAccessFile(file.toFile(), "r")) {
      return Math.max(
          peekMaxSize(opened, PoolLayout.FIRST_HEADER),
          peekMaxSize(opened, PoolLayout.SECOND_HEADER));
    } catch (IOException e) {
      // Whoever opens the file is told what is wrong with it.
      return 0;
    }
  }

  private static long peekMaxSize(RandomAccessFile file, long at) throws IOException {
    byte[] bytes = new byte[PoolLayout.HEADER_BYTES];
    if (file.length() < at + bytes.length) {
      return 0;
    }
    file.seek(at);
    file.readFully(bytes);
    MemorySegment header = MemorySegment.ofArray(bytes);
    boolean sound =
        header.get(WORD, PoolLayout.MAGIC_AT) == PoolLayout.MAGIC
            && header.get(WORD, PoolLayout.CHECKSUM_AT) == sum(header);
    long maxSize = sound ? header.get(WORD, PoolLayout.MAX_SIZE_AT) : 0;
    return Math.clamp(maxSize, 0, PoolLayout.MAX_SIZE);
  }

  /** Reads the header from whichever copy is sound; of two, from the one that has grown. */
  static PoolHeader load(PersistentRegion region) {
    if (region.size() < PoolLayout.LOG) {
      throw new PoolException.NotAPool(
          "no pool: size=%d, and the least is %d: check the path, or restore a copy of the file"
              .formatted(region.size(), PoolLayout.MIN_SIZE));
    }
    refuseForeign(region);
    PoolHeader header = loadEither(region);
    header.refuseOtherSize(region.size());
    return header;
  }

  private static PoolHeader loadEither(PersistentRegion region) {
    try {
      PoolHeader first = loadCopy(region, PoolLayout.FIRST_HEADER);
      PoolHeader second = soundCopy(region, PoolLayout.SECOND_HEADER);
      return second != null && second.isGrownFrom(first) ? second : first;
    } catch (Corrupt first) {
      try {
        return loadCopy(region, PoolLayout.SECOND_HEADER);
      } catch (Corrupt second) {
        throw first;
      }
    }
  }

  private static PoolHeader soundCopy(PersistentRegion region, long at) {
    try {
      return loadCopy(region, at);
    } catch (Corrupt | UnsupportedVersion e) {
      return null;
    }
  }

  /** What is longer than the pool and not too long is left from a growth that was cut off. */
  private void refuseOtherSize(long actual) {
    long size = layout.size();
    if (actual >= size && actual <= layout.maxSize()) {
      return;
    }
    String expected =
        size == layout.maxSize() ? size + " bytes" : size + " to " + layout.maxSize() + " bytes";
    throw new Corrupt(
        PoolLayout.SIZE_AT,
        "pool.size",
        expected,
        actual + " bytes in the file (" + (actual < size ? "cut short)" : "extended)"));
  }

  /** Whether one of the copies says that this is a pool. */
  static boolean isThere(PersistentRegion region) {
    return region.getLong(PoolLayout.FIRST_HEADER + PoolLayout.MAGIC_AT) == PoolLayout.MAGIC
        || region.getLong(PoolLayout.SECOND_HEADER + PoolLayout.MAGIC_AT) == PoolLayout.MAGIC;
  }

  /**
   * Whether this is what a creation leaves that was cut off: the mark that one is under way, or
   * nothing yet.
   */
  static boolean isUnfinished(PersistentRegion region) {
    if (region.size() >= PoolLayout.LOG) {
      long first = region.getLong(PoolLayout.FIRST_HEADER + PoolLayout.MAGIC_AT);
      long second = region.getLong(PoolLayout.SECOND_HEADER + PoolLayout.MAGIC_AT);
      if (first != 0 || second != 0) {
        return !isThere(region)
            && (first == PoolLayout.UNFINISHED || second == PoolLayout.UNFINISHED);
      }
    }
    return isZeros(region);
  }

  private static boolean isZeros(PersistentRegion region) {
    MemorySegment zeros = MemorySegment.ofArray(new long[PoolLayout.CHUNK_BYTES / 8]);
    for (long at = 0; at < region.size(); at += zeros.byteSize()) {
      long length = Math.min(zeros.byteSize(), region.size() - at);
      if (region.view(at, length).mismatch(zeros.asSlice(0, length)) >= 0) {
        return false;
      }
    }
    return true;
  }

  private static void refuseForeign(PersistentRegion region) {
    if (isThere(region)) {
      return;
    }
    long first = region.getLong(PoolLayout.FIRST_HEADER + PoolLayout.MAGIC_AT);
    long second = region.getLong(PoolLayout.SECOND_HEADER + PoolLayout.MAGIC_AT);
    throw new PoolException.NotAPool("no pool: " + whatElse(first, second));
  }

  private static String whatElse(long first, long second) {
    if (first == PoolLayout.UNFINISHED || second == PoolLayout.UNFINISHED) {
      return "its creation did not finish: openOrCreate begins it again";
    }
    if (first == 0 && second == 0) {
      return "both headers are empty, as after a creation that did not finish:"
          + " delete the file and create it again";
    }
    if (first == Long.reverseBytes(PoolLayout.MAGIC)) {
      return "its words are in the other byte order: open a copy that no program has converted";
    }
    return "begins with 0x%016X: another program's file: check the path".formatted(first);
  }

  private static PoolHeader loadCopy(PersistentRegion region, long at) {
    MemorySegment header = MemorySegment.ofArray(new long[PoolLayout.HEADER_BYTES / 8]);
    region.copyOut(at, header);
    long magic = header.get(WORD, PoolLayout.MAGIC_AT);
    if (magic != PoolLayout.MAGIC) {
      throw new Corrupt(at, "pool.magic", hex(PoolLayout.MAGIC), hex(magic));
    }
    long sum = header.get(WORD, PoolLayout.CHECKSUM_AT);
    if (sum != sum(header)) {
      throw new Corrupt(at + PoolLayout.CHECKSUM_AT, "pool.checksum", hex(sum(header)), hex(sum));
    }
    long versionBytes = header.get(WORD, PoolLayout.VERSION_BYTES_AT);
    int version = (int) (versionBytes >>> 32);
    if (version != PoolLayout.VERSION || (int) versionBytes != PoolLayout.HEADER_BYTES) {
      throw new UnsupportedVersion("the pool", version, PoolLayout.VERSION);
    }
    long features = header.get(WORD, PoolLayout.FEATURES_AT);
    if (features != 0) {
      throw new UnsupportedVersion(
          "the pool needs something that this library does not know (features=%s): use a newer library"
              .formatted(hex(features)));
    }
    return new PoolHeader(
        layout(header, at),
        new UUID(
            header.get(WORD, PoolLayout.IDENTITY_AT), header.get(WORD, PoolLayout.IDENTITY_AT + 8)),
        Instant.ofEpochMilli(header.get(WORD, PoolLayout.CREATED_AT)),
        header.get(WORD, PoolLayout.HASH_SEED_AT),
        name(header, at));
  }

  private static PoolLayout layout(MemorySegment header, long at) {
    long bytesCount = header.get(WORD, PoolLayout.CHUNK_BYTES_COUNT_AT);
    long size = header.get(WORD, PoolLayout.SIZE_AT);
    PoolLayout layout =
        PoolLayout.stored(
            size,
            header.get(WORD, PoolLayout.MAX_SIZE_AT),
            header.get(WORD, PoolLayout.ANCHOR_AT),
            header.get(WORD, PoolLayout.TABLE_AT),
            header.get(WORD, PoolLayout.CHUNKS_AT),
            (int) bytesCount);
    if (bytesCount >>> 32 != PoolLayout.CHUNK_BYTES
        || header.get(WORD, PoolLayout.LOG_AT) != PoolLayout.LOG
        || layout.problem() != null) {
      throw new Corrupt(
          at + PoolLayout.SIZE_AT, "pool.layout", "parts in order", "" + layout.problem());
    }
    return layout;
  }

  private static String name(MemorySegment header, long at) {
    long bytes = header.get(WORD, PoolLayout.LAYOUT_BYTES_AT);
    if (bytes < 0 || bytes > PoolLayout.LAYOUT_CAPACITY) {
      throw new Corrupt(
          at + PoolLayout.LAYOUT_BYTES_AT, "pool.layoutBytes", "0 to 128", Long.toString(bytes));
    }
    byte[] name = new byte[(int) bytes];
    MemorySegment.copy(header, PoolLayout.LAYOUT_AT, MemorySegment.ofArray(name), 0, name.length);
    return new String(name, StandardCharsets.UTF_8);
  }

  private static String hex(long value) {
    return "0x%016X".formatted(value);
  }
}
