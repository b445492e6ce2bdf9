// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.HoldfastException.UnsupportedVersion;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.spi.KeyedHash;
import java.lang.foreign.MemorySegment;

/**
 * The immutable part of a log area: where its parts are and with which key its checksums are made.
 * Two copies lie in two pages; either is enough.
 *
 * @param layout the geometry
 * @param key the pool key
 */
record LogHeader(LogLayout layout, long key) {
  private static final KeyedHash CHECKSUM = new KeyedHash(LogLayout.MAGIC);

  /** Stores one copy; the caller persists it. */
  void store(PersistentRegion region, long at) {
    store(region, at, LogLayout.VERSION);
  }

  /** The same, as another version would have it. */
  void store(PersistentRegion region, long at, int version) {
    region.copyIn(at, encode(version));
  }

  private MemorySegment encode(int version) {
    MemorySegment header = MemorySegment.ofArray(new long[(int) LogLayout.HEADER_BYTES / 8]);
    header.set(KeyedHash.WORD, LogLayout.HEADER_MAGIC, LogLayout.MAGIC);
    header.set(
        KeyedHash.WORD, LogLayout.HEADER_VERSION_LANES, (long) version << 32 | layout.lanes());
    header.set(KeyedHash.WORD, LogLayout.HEADER_RING, (long) layout.ringBytes() << 32);
    header.set(KeyedHash.WORD, LogLayout.HEADER_KEY, key);
    header.set(KeyedHash.WORD, LogLayout.HEADER_AREA, layout.area());
    header.set(KeyedHash.WORD, LogLayout.HEADER_CHECKSUM, sum(header));
    return header;
  }

  private static long sum(MemorySegment header) {
    return CHECKSUM.ofWords(0, header, 0, (int) LogLayout.HEADER_CHECKSUM / 8);
  }

  /** Whether a copy is exactly this header. */
  boolean isAt(PersistentRegion region, long at) {
    return region.view(at, LogLayout.HEADER_BYTES).mismatch(encode(LogLayout.VERSION)) == -1;
  }

  /** Reads the header of the area at an offset, from whichever copy is sound. */
  static LogHeader load(PersistentRegion region, long area) {
    try {
      return loadCopy(region, area, area + LogLayout.HEADER);
    } catch (Corrupt first) {
      try {
        return loadCopy(region, area, area + LogLayout.SECOND_HEADER);
      } catch (Corrupt second) {
        throw first;
      }
    }
  }

  private static LogHeader loadCopy(PersistentRegion region, long area, long at) {
    MemorySegment header = MemorySegment.ofArray(new long[(int) LogLayout.HEADER_BYTES / 8]);
    region.copyOut(at, header);
    long magic = header.get(KeyedHash.WORD, LogLayout.HEADER_MAGIC);
    if (magic != LogLayout.MAGIC) {
      throw new Corrupt(at, "log.magic", hex(LogLayout.MAGIC), hex(magic));
    }
    long sum = header.get(KeyedHash.WORD, LogLayout.HEADER_CHECKSUM);
    if (sum != sum(header)) {
      throw new Corrupt(at + LogLayout.HEADER_CHECKSUM, "log.checksum", hex(sum(header)), hex(sum));
    }
    long versionLanes = header.get(KeyedHash.WORD, LogLayout.HEADER_VERSION_LANES);
    int version = (int) (versionLanes >>> 32);
    if (version != LogLayout.VERSION) {
      throw new UnsupportedVersion("the log at offset " + area, version, LogLayout.VERSION);
    }
    int lanes = (int) versionLanes;
    if (!LogLayout.validLanes(lanes)) {
      throw new Corrupt(
          at + LogLayout.HEADER_VERSION_LANES, "log.lanes", "1 to 1024", Integer.toString(lanes));
    }
    long ring = header.get(KeyedHash.WORD, LogLayout.HEADER_RING) >>> 32;
    if (!LogLayout.validRing(ring)) {
      throw new Corrupt(
          at + LogLayout.HEADER_RING, "log.ring", "a power of two", Long.toString(ring));
    }
    long recorded = header.get(KeyedHash.WORD, LogLayout.HEADER_AREA);
    if (recorded != area) {
      throw new Corrupt(
          at + LogLayout.HEADER_AREA, "log.area", Long.toString(area), Long.toString(recorded));
    }
    LogLayout layout = new LogLayout(area, lanes, (int) ring);
    if (layout.end() > region.size()) {
      throw new Corrupt(
          at, "log.end", "at most " + region.size(), Long.toString(layout.end()) + " (cut short)");
    }
    return new LogHeader(layout, header.get(KeyedHash.WORD, LogLayout.HEADER_KEY));
  }

  private static String hex(long value) {
    return "0x%016X".formatted(value);
  }

  /** The era as a word: the number, and above it a check that knows the key. */
  static long encodeEra(KeyedHash checksum, int era) {
    return checksum.ofWord(LogLayout.ERA, Integer.toUnsignedLong(era)) >>> 32 << 32
        | Integer.toUnsignedLong(era);
  }

  /** The era, which is refused if its check fails: a word does not tear, so that it is damage. */
  static int loadEra(PersistentRegion region, LogLayout layout, KeyedHash checksum) {
    long word = region.getLong(layout.era());
    if (encodeEra(checksum, (int) word) != word) {
      throw new Corrupt(layout.era(), "log.era", hex(encodeEra(checksum, (int) word)), hex(word));
    }
    return (int) word;
  }
}
