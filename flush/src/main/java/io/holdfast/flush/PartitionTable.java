// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.holdfast.flush.HoldfastException.Corrupt;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;

/**
 * The table of a divided file or device: which partitions there are, and where.
 *
 * <pre>
 * 0         table, first copy              64 KiB
 * 64 KiB    table, second copy             64 KiB
 *           zeros                          up to the first unit
 * unit      partitions, in whole units of 2 MiB or of the device's alignment if that is more
 *
 * copy   +0    magic                       "HOLDPART"
 *        +8    version 4 | partitions 4
 *        +16   identity                    16 bytes
 *        +32   generation                  of this copy: the higher one counts
 *        +40   size                        of the file or device
 *        +48   unit                        bytes
 *        +56   zero 4 | checksum 4         CRC-32C of the copy with zeros here
 *        +64   zeros
 *        +256  labels, 256 bytes each, 255 of them; zeros behind the last one
 *
 * label  +0    name bytes 4 | extents 4
 *        +8    bytes                       of the partition: all of its extents
 *        +16   identity                    16 bytes
 *        +32   created                     milliseconds since 1970
 *        +40   zeros
 *        +64   name                        64 bytes, zeros behind it
 *        +128  extents, 16 bytes each, 8 of them: first unit, units
 * </pre>
 *
 * <p>A change is made by {@link #store}: the copy that the table was not read from is written with
 * the next generation, and made durable; then so is the other one. A crash leaves both sound, or
 * one of them torn, which its checksum tells, and then the other is whole: the state before, or the
 * state after. When it returns both say the same, so that damage to either loses nothing. Nothing
 * outside the two copies is written. What a label takes or gives back is decided when the first
 * copy is durable.
 */
final class PartitionTable {
  static final int VERSION = 1;
  static final long MAGIC = 0x54524150_444C4F48L;
  static final int COPY_BYTES = 1 << 16;
  static final long LEAST_UNIT = 2 << 20;

  static final int MAGIC_AT = 0;
  static final int VERSION_COUNT_AT = 8;
  static final int IDENTITY_AT = 16;
  static final int GENERATION_AT = 32;
  static final int SIZE_AT = 40;
  static final int UNIT_AT = 48;
  static final int CHECKSUM_AT = 56;
  static final int LABELS_AT = 256;

  static final int LABEL_BYTES = 256;
  static final int MOST_LABELS = (COPY_BYTES - LABELS_AT) / LABEL_BYTES;
  static final int LABEL_SIZE_AT = 8;
  static final int LABEL_IDENTITY_AT = 16;
  static final int LABEL_CREATED_AT = 32;
  static final int LABEL_NAME_AT = 64;
  static final int NAME_CAPACITY = 64;
  static final int LABEL_EXTENTS_AT = LABEL_NAME_AT + NAME_CAPACITY;
  static final int EXTENT_BYTES = 16;
  static final int MOST_EXTENTS = (LABEL_BYTES - LABEL_EXTENTS_AT) / EXTENT_BYTES;

  private static final ValueLayout.OfLong WORD =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1," + NAME_CAPACITY + "}");
  private static final long MOST_UNITS = Integer.MAX_VALUE;

  /**
   * A piece of the file or device.
   *
   * @param first unit
   * @param units how many
   */
  record Extent(long first, long units) {
    long end() {
      return first + units;
    }
  }

  /**
   * A partition and where it lies.
   *
   * @param partition what is told of it
   * @param extents in the order of its bytes
   */
  record Label(Partition partition, List<Extent> extents) {
    Label {
      extents = List.copyOf(extents);
    }

    static Label fresh(String name, long unit, List<Extent> extents) {
      Instant now = Instant.now().truncatedTo(ChronoUnit.MILLIS);
      return of(name, UUID.randomUUID(), now, unit, extents);
    }

    private static Label of(
        String name, UUID identity, Instant created, long unit, List<Extent> extents) {
      long bytes = extents.stream().mapToLong(Extent::units).sum() * unit;
      return new Label(new Partition(name, identity, created, bytes, extents.size()), extents);
    }

    Label with(List<Extent> newExtents, long unit) {
      return of(name(), partition.identity(), partition.created(), unit, newExtents);
    }

    Label renamed(String newName, long unit) {
      return of(newName, partition.identity(), partition.created(), unit, extents);
    }

    String name() {
      return partition.name();
    }

    long units() {
      return extents.stream().mapToLong(Extent::units).sum();
    }
  }

  private final UUID identity;
  private final long generation;
  private final long size;
  private final long unit;
  private final List<Label> labels;
  private final long readFrom;

  private PartitionTable(
      UUID identity, long generation, long readFrom, long size, long unit, List<Label> labels) {
    this.identity = identity;
    this.generation = generation;
    this.readFrom = readFrom;
    this.size = size;
    this.unit = unit;
    this.labels = List.copyOf(labels);
  }

  /** An empty table. */
  static PartitionTable empty(UUID identity, long size, long unit) {
    return new PartitionTable(identity, 0, 0, size, unit, List.of());
  }

  /** The unit for memory that is mapped in multiples of something. */
  static long unitFor(long alignment) {
    return Math.max(LEAST_UNIT, alignment);
  }

  long unit() {
    return unit;
  }

  long size() {
    return size;
  }

  UUID identity() {
    return identity;
  }

  List<Label> labels() {
    return labels;
  }

  /** The partition of a name, or null. */
  Label find(String name) {
    return labels.stream().filter(label -> label.name().equals(name)).findFirst().orElse(null);
  }

  /** How many units nobody has. */
  long freeUnits() {
    return units() - 1 - labels.stream().mapToLong(Label::units).sum();
  }

  private long units() {
    return size / unit;
  }

  /** With one more partition. */
  PartitionTable with(Label added) {
    List<Label> more = new ArrayList<>(labels);
    more.add(added);
    return with(more);
  }

  /** With a partition as it is now, in place of the one that has its identity. */
  PartitionTable withChanged(Label changed) {
    return with(labels.stream().map(label -> isSame(label, changed) ? changed : label).toList());
  }

  PartitionTable without(Label removed) {
    return with(labels.stream().filter(label -> !isSame(label, removed)).toList());
  }

  private PartitionTable with(List<Label> newLabels) {
    return new PartitionTable(identity, generation, readFrom, size, unit, newLabels);
  }

  private static boolean isSame(Label one, Label other) {
    return one.partition().identity().equals(other.partition().identity());
  }

  /**
   * Extents of so many units in all that nobody has, as few as can be; an empty list if there are
   * not so many, or only in more pieces than a label has room for.
   *
   * @param behind where the first one should begin if it can, so that it continues another
   * @param most how many extents there may be
   */
  List<Extent> free(long units, long behind, int most) {
    BitSet taken = taken();
    List<Extent> chosen = new ArrayList<>();
    long left = units;
    if (behind > 0 && behind < units() && !taken.get((int) behind)) {
      left -= choose(chosen, taken, new Extent(behind, freeFrom(taken, behind)), left);
    }
    while (left > 0 && chosen.size() < most) {
      Extent best = bestFit(taken, left);
      if (best == null) {
        return List.of();
      }
      left -= choose(chosen, taken, best, left);
    }
    return left > 0 || chosen.size() > most ? List.of() : chosen;
  }

  private static long choose(List<Extent> chosen, BitSet taken, Extent gap, long wanted) {
    long units = Math.min(wanted, gap.units());
    chosen.add(new Extent(gap.first(), units));
    taken.set((int) gap.first(), (int) (gap.first() + units));
    return units;
  }

  /** The smallest gap that is large enough, else the largest. */
  private Extent bestFit(BitSet taken, long wanted) {
    Extent best = null;
    for (long at = taken.nextClearBit(1); at < units(); ) {
      Extent gap = new Extent(at, freeFrom(taken, at));
      boolean fits = gap.units() >= wanted;
      boolean bestFits = best != null && best.units() >= wanted;
      if (best == null
          || (fits && (!bestFits || gap.units() < best.units()))
          || (!fits && !bestFits && gap.units() > best.units())) {
        best = gap;
      }
      at = taken.nextClearBit((int) gap.end());
    }
    return best;
  }

  private long freeFrom(BitSet taken, long first) {
    int end = taken.nextSetBit((int) first);
    return (end < 0 ? units() : end) - first;
  }

  private BitSet taken() {
    BitSet taken = new BitSet();
    taken.set(0);
    for (Label label : labels) {
      for (Extent extent : label.extents()) {
        taken.set((int) extent.first(), (int) extent.end());
      }
    }
    return taken;
  }

  /** Throws unless a partition can have the name. */
  static String checkName(String name) {
    if (!NAME.matcher(name).matches() || name.equals(".") || name.equals("..")) {
      throw new IllegalArgumentException(
          "a partition's name has 1 to %d of the characters A-Z a-z 0-9 . _ -: name=\"%s\""
              .formatted(NAME_CAPACITY, name));
    }
    return name;
  }

  // ---- storing and loading

  /** Makes this the table that is in the region; durable in both copies when it returns. */
  PartitionTable store(PersistentRegion region) {
    long next = generation + 1;
    MemorySegment copy = encode(next);
    for (long at : new long[] {COPY_BYTES - readFrom, readFrom}) {
      region.copyIn(at, copy);
      region.persist(at, COPY_BYTES);
      if (region.granularity() == Granularity.NONE) {
        region.sync();
      }
    }
    return new PartitionTable(identity, next, readFrom, size, unit, labels);
  }

  private MemorySegment encode(long next) {
    MemorySegment copy = MemorySegment.ofArray(new long[COPY_BYTES / Long.BYTES]);
    copy.set(WORD, MAGIC_AT, MAGIC);
    copy.set(WORD, VERSION_COUNT_AT, (long) VERSION << 32 | labels.size());
    putIdentity(copy, IDENTITY_AT, identity);
    copy.set(WORD, GENERATION_AT, next);
    copy.set(WORD, SIZE_AT, size);
    copy.set(WORD, UNIT_AT, unit);
    for (int i = 0; i < labels.size(); i++) {
      encode(labels.get(i), copy.asSlice(LABELS_AT + (long) i * LABEL_BYTES, LABEL_BYTES));
    }
    copy.set(WORD, CHECKSUM_AT, checksum(copy));
    return copy;
  }

  private static void encode(Label label, MemorySegment at) {
    byte[] name = label.name().getBytes(US_ASCII);
    at.set(WORD, 0, (long) name.length << 32 | label.extents().size());
    at.set(WORD, LABEL_SIZE_AT, label.partition().bytes());
    putIdentity(at, LABEL_IDENTITY_AT, label.partition().identity());
    at.set(WORD, LABEL_CREATED_AT, label.partition().created().toEpochMilli());
    MemorySegment.copy(name, 0, at, ValueLayout.JAVA_BYTE, LABEL_NAME_AT, name.length);
    long extent = LABEL_EXTENTS_AT;
    for (Extent piece : label.extents()) {
      at.set(WORD, extent, piece.first());
      at.set(WORD, extent + 8, piece.units());
      extent += EXTENT_BYTES;
    }
  }

  private static void putIdentity(MemorySegment at, long offset, UUID identity) {
    at.set(WORD, offset, identity.getMostSignificantBits());
    at.set(WORD, offset + 8, identity.getLeastSignificantBits());
  }

  private static UUID identity(MemorySegment at, long offset) {
    return new UUID(at.get(WORD, offset), at.get(WORD, offset + 8));
  }

  private static long checksum(MemorySegment copy) {
    byte[] bytes = copy.toArray(ValueLayout.JAVA_BYTE);
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, CHECKSUM_AT);
    crc.update(new byte[8], 0, 8);
    crc.update(bytes, CHECKSUM_AT + 8, COPY_BYTES - CHECKSUM_AT - 8);
    return crc.getValue();
  }

  /** Whether a region begins with what a table's copies begin with, sound or not. */
  static boolean isPresent(PersistentRegion region) {
    return region.size() >= 2 * COPY_BYTES
        && (region.getLong(MAGIC_AT) == MAGIC || region.getLong(COPY_BYTES + MAGIC_AT) == MAGIC);
  }

  /**
   * Reads the table.
   *
   * @param actualSize of the file or device
   * @throws Corrupt if neither copy is sound
   */
  static PartitionTable load(PersistentRegion region, long actualSize) {
    PartitionTable first = null;
    Corrupt damage = null;
    try {
      first = loadCopy(region, 0, actualSize);
    } catch (Corrupt e) {
      damage = e;
    }
    try {
      PartitionTable second = loadCopy(region, COPY_BYTES, actualSize);
      return first != null && first.generation > second.generation ? first : second;
    } catch (Corrupt e) {
      if (first == null) {
        throw damage;
      }
      return first;
    }
  }

  private static PartitionTable loadCopy(PersistentRegion region, long at, long actualSize) {
    MemorySegment copy = MemorySegment.ofArray(new long[COPY_BYTES / Long.BYTES]);
    region.copyOut(at, copy);
    require(copy.get(WORD, MAGIC_AT) == MAGIC, at + MAGIC_AT, "magic", "HOLDPART", "another");
    long expected = checksum(copy);
    long actual = copy.get(WORD, CHECKSUM_AT);
    require(actual == expected, at + CHECKSUM_AT, "checksum", hex(expected), hex(actual));
    int version = (int) (copy.get(WORD, VERSION_COUNT_AT) >>> 32);
    if (version != VERSION) {
      throw new HoldfastException.UnsupportedVersion("the table of partitions", version, VERSION);
    }
    return decode(copy, at, actualSize);
  }

  private static PartitionTable decode(MemorySegment copy, long at, long actualSize) {
    long size = copy.get(WORD, SIZE_AT);
    require(
        size == actualSize,
        at + SIZE_AT,
        "size",
        "" + actualSize,
        size + ", cut short or extended");
    long unit = copy.get(WORD, UNIT_AT);
    boolean goodUnit = unit >= LEAST_UNIT && Long.bitCount(unit) == 1 && unit <= size;
    require(
        goodUnit && size / unit <= MOST_UNITS, at + UNIT_AT, "unit", "a power of two", "" + unit);
    int count = (int) copy.get(WORD, VERSION_COUNT_AT);
    require(
        count >= 0 && count <= MOST_LABELS,
        at + VERSION_COUNT_AT,
        "partitions",
        "0 to " + MOST_LABELS,
        "" + count);
    List<Label> labels = new ArrayList<>();
    BitSet taken = new BitSet();
    Set<String> names = new HashSet<>();
    for (int i = 0; i < count; i++) {
      long labelAt = LABELS_AT + (long) i * LABEL_BYTES;
      Label label = decodeLabel(copy.asSlice(labelAt, LABEL_BYTES), at + labelAt, unit);
      require(names.add(label.name()), at + labelAt, "name", "another", label.name() + ", twice");
      takeAll(taken, label, at + labelAt, size / unit);
      labels.add(label);
    }
    return new PartitionTable(
        identity(copy, IDENTITY_AT), copy.get(WORD, GENERATION_AT), at, size, unit, labels);
  }

  private static Label decodeLabel(MemorySegment label, long at, long unit) {
    int nameBytes = (int) (label.get(WORD, 0) >>> 32);
    int extents = (int) label.get(WORD, 0);
    require(
        nameBytes >= 1 && nameBytes <= NAME_CAPACITY, at, "name bytes", "1 to 64", "" + nameBytes);
    byte[] name = label.asSlice(LABEL_NAME_AT, nameBytes).toArray(ValueLayout.JAVA_BYTE);
    String text = new String(name, US_ASCII);
    require(NAME.matcher(text).matches(), at + LABEL_NAME_AT, "name", "A-Za-z0-9._-", "another");
    require(
        extents >= 1 && extents <= MOST_EXTENTS,
        at,
        "extents",
        "1 to " + MOST_EXTENTS,
        "" + extents);
    List<Extent> pieces = new ArrayList<>();
    for (int i = 0; i < extents; i++) {
      long extent = LABEL_EXTENTS_AT + (long) i * EXTENT_BYTES;
      pieces.add(new Extent(label.get(WORD, extent), label.get(WORD, extent + 8)));
    }
    long bytes = label.get(WORD, LABEL_SIZE_AT);
    boolean sound =
        pieces.stream().allMatch(p -> p.first() >= 1 && p.units() >= 1 && p.units() <= MOST_UNITS);
    require(sound, at + LABEL_EXTENTS_AT, "extents", "units of the device", pieces.toString());
    Label decoded =
        Label.of(
            text,
            identity(label, LABEL_IDENTITY_AT),
            Instant.ofEpochMilli(label.get(WORD, LABEL_CREATED_AT)),
            unit,
            pieces);
    require(
        bytes == decoded.partition().bytes(),
        at + LABEL_SIZE_AT,
        "bytes",
        "" + decoded.partition().bytes(),
        "" + bytes);
    return decoded;
  }

  private static void takeAll(BitSet taken, Label label, long at, long units) {
    for (Extent extent : label.extents()) {
      boolean inside = extent.first() < units && extent.units() <= units - extent.first();
      boolean free = inside && noneTaken(taken, extent);
      require(free, at + LABEL_EXTENTS_AT, "extent", "units that no other has", extent.toString());
      taken.set((int) extent.first(), (int) extent.end());
    }
  }

  private static boolean noneTaken(BitSet taken, Extent extent) {
    int next = taken.nextSetBit((int) extent.first());
    return next < 0 || next >= extent.end();
  }

  private static void require(
      boolean sound, long offset, String field, String expected, String actual) {
    if (!sound) {
      throw new Corrupt(offset, "partitions." + field, expected, actual);
    }
  }

  private static String hex(long value) {
    return "0x%X".formatted(value);
  }
}
