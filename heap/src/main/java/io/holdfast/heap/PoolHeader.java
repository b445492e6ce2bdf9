// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import static io.holdfast.tx.spi.KeyedHash.WORD;

import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.HoldfastException.UnsupportedVersion;
import io.holdfast.flush.Lines;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.KeyedHash;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.UUID;

/**
 * What a pool says of itself, in two copies of which one is enough. Never changed after the
 * creation, whose last step it is.
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
    encoded.set(WORD, PoolLayout.MAGIC_AT, 0);
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
    MemorySegment header = MemorySegment.ofArray(new long[PoolLayout.HEADER_BYTES / 8]);
    byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
    header.set(WORD, PoolLayout.MAGIC_AT, PoolLayout.MAGIC);
    header.set(WORD, PoolLayout.VERSION_BYTES_AT, (long) version << 32 | PoolLayout.HEADER_BYTES);
    header.set(WORD, PoolLayout.IDENTITY_AT, identity.getMostSignificantBits());
    header.set(WORD, PoolLayout.IDENTITY_AT + 8, identity.getLeastSignificantBits());
    header.set(WORD, PoolLayout.CREATED_AT, created.toEpochMilli());
    header.set(WORD, PoolLayout.SIZE_AT, layout.size());
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

  /** Reads the header from whichever copy is sound. */
  static PoolHeader load(PersistentRegion region) {
    if (region.size() < PoolLayout.LOG) {
      throw new PoolException.NotAPool(
          "no pool: size=%d, and the least is %d: check the path, or restore a copy of the file"
              .formatted(region.size(), PoolLayout.MIN_SIZE));
    }
    refuseForeign(region);
    try {
      return loadCopy(region, PoolLayout.FIRST_HEADER);
    } catch (Corrupt first) {
      try {
        return loadCopy(region, PoolLayout.SECOND_HEADER);
      } catch (Corrupt second) {
        throw first;
      }
    }
  }

  private static void refuseForeign(PersistentRegion region) {
    long first = region.getLong(PoolLayout.FIRST_HEADER + PoolLayout.MAGIC_AT);
    long second = region.getLong(PoolLayout.SECOND_HEADER + PoolLayout.MAGIC_AT);
    if (first == PoolLayout.MAGIC || second == PoolLayout.MAGIC) {
      return;
    }
    throw new PoolException.NotAPool(
        first == 0 && second == 0
            ? "no pool: both headers are empty, as after a creation that did not finish:"
                + " delete the file and create it again"
            : "no pool: begins with 0x%016X: another program's file: check the path"
                .formatted(first));
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
      throw new Corrupt(at + PoolLayout.FEATURES_AT, "pool.features", "none", hex(features));
    }
    return new PoolHeader(
        layout(header, at, region.size()),
        new UUID(
            header.get(WORD, PoolLayout.IDENTITY_AT), header.get(WORD, PoolLayout.IDENTITY_AT + 8)),
        Instant.ofEpochMilli(header.get(WORD, PoolLayout.CREATED_AT)),
        header.get(WORD, PoolLayout.HASH_SEED_AT),
        name(header, at));
  }

  private static PoolLayout layout(MemorySegment header, long at, long actualSize) {
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
    if (size != actualSize) {
      throw new Corrupt(
          at + PoolLayout.SIZE_AT,
          "pool.size",
          size + " bytes",
          actualSize + " bytes in the file (" + (actualSize < size ? "cut short)" : "extended)"));
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
