// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.flush.PartitionTable.Extent;
import io.holdfast.flush.PartitionTable.Label;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The table by itself: what every crash of a change leaves, and what damage does to it. */
@Timeout(120)
class PartitionTableTest {
  private static final long UNIT = PartitionTable.LEAST_UNIT;
  private static final long SIZE = 40 * UNIT;
  private static final int AREA = 2 * PartitionTable.COPY_BYTES;

  /** What a medium holds at each of its fences: durable contents, and stores that may be. */
  private static final class Steps {
    private final List<byte[]> durable = new ArrayList<>();

    /** Makes a change, and notes what is in the region before it and after each fence. */
    void change(PartitionTable table, byte[] start) {
      durable.add(start.clone());
      try (PersistentRegion region = PersistentRegion.over(new Noting(start, durable))) {
        table.store(region);
      }
    }
  }

  /** Memory that notes its contents whenever it is told to persist. */
  private static final class Noting extends Medium {
    private final byte[] bytes;
    private final List<byte[]> notes;

    Noting(byte[] start, List<byte[]> notes) {
      super(Durability.POWER, Granularity.LINE);
      this.bytes = start.clone();
      this.notes = notes;
    }

    private MemorySegment all() {
      return MemorySegment.ofArray(bytes);
    }

    @Override
    public String describe() {
      return "noting";
    }

    @Override
    public long size() {
      return bytes.length;
    }

    @Override
    public long load(long offset, int count) {
      return all().get(ValueLayout.JAVA_LONG_UNALIGNED, offset);
    }

    @Override
    public void store(long offset, int count, long value) {
      throw new AssertionError("the table is copied in");
    }

    @Override
    public boolean compareAndSet(long offset, long expected, long value) {
      throw new AssertionError("the table is copied in");
    }

    @Override
    public void copyOut(long offset, MemorySegment into) {
      into.copyFrom(all().asSlice(offset, into.byteSize()));
    }

    @Override
    public void copyIn(MemorySegment from, long offset) {
      all().asSlice(offset, from.byteSize()).copyFrom(from);
    }

    @Override
    public MemorySegment view(long offset, long count, java.lang.foreign.Arena arena) {
      return all().asSlice(offset, count).asReadOnly();
    }

    @Override
    public MemorySegment writable(long offset, long count, java.lang.foreign.Arena arena) {
      return all().asSlice(offset, count);
    }

    @Override
    public void persist(Lines lines) {
      throw new AssertionError("a copy is one range");
    }

    @Override
    public void persist(long offset, long count) {
      assertEquals(PartitionTable.COPY_BYTES, count);
      notes.add(bytes.clone());
    }

    @Override
    public void sync() {}

    @Override
    public void close() {}
  }

  private static PartitionTable load(byte[] image) {
    try (PersistentRegion region = PersistentRegion.over(new Noting(image, new ArrayList<>()))) {
      return PartitionTable.load(region, SIZE);
    }
  }

  private static String text(PartitionTable table) {
    return table.labels().stream().map(Label::toString).toList().toString();
  }

  private static Label label(String name, Extent... extents) {
    return Label.fresh(name, UNIT, List.of(extents));
  }

  private static byte[] image(PartitionTable table) {
    Steps steps = new Steps();
    steps.change(table, new byte[AREA]);
    return steps.durable.getLast();
  }

  private static PartitionTable some() {
    return PartitionTable.empty(new UUID(1, 2), SIZE, UNIT)
        .with(label("a", new Extent(1, 3), new Extent(9, 1)))
        .with(label("b", new Extent(4, 5)));
  }

  /** Every subset of the words that a copy changes, before its fence: the state before or after. */
  private static int crashEverywhere(byte[] start, PartitionTable to) {
    PartitionTable from = load(start);
    Steps steps = new Steps();
    steps.change(to, start);
    assertEquals(3, steps.durable.size(), "two fences");
    Set<String> outcomes = new HashSet<>();
    int images = 0;
    for (int fence = 0; fence < 2; fence++) {
      byte[] before = steps.durable.get(fence);
      byte[] after = steps.durable.get(fence + 1);
      List<Integer> words = differentWords(before, after);
      assertTrue(words.size() <= 14, words::toString);
      for (int subset = 0; subset < 1 << words.size(); subset++) {
        byte[] crashed = before.clone();
        for (int i = 0; i < words.size(); i++) {
          if ((subset >> i & 1) != 0) {
            System.arraycopy(after, words.get(i), crashed, words.get(i), Long.BYTES);
          }
        }
        String outcome = text(load(crashed));
        outcomes.add(outcome);
        assertTrue(outcome.equals(text(to)) || (fence == 0 && outcome.equals(text(from))), outcome);
        images++;
      }
    }
    assertEquals(Set.of(text(from), text(to)), outcomes);
    return images;
  }

  private static List<Integer> differentWords(byte[] before, byte[] after) {
    List<Integer> words = new ArrayList<>();
    MemorySegment one = MemorySegment.ofArray(before);
    MemorySegment other = MemorySegment.ofArray(after);
    for (int at = 0; at < before.length; at += Long.BYTES) {
      if (one.get(ValueLayout.JAVA_LONG_UNALIGNED, at)
          != other.get(ValueLayout.JAVA_LONG_UNALIGNED, at)) {
        words.add(at);
      }
    }
    return words;
  }

  @Test
  void changes_crashedAnywhere_theStateBeforeOrAfter() {
    byte[] start = image(some());
    PartitionTable table = load(start);
    Label b = table.find("b");
    int images = crashEverywhere(start, table.with(label("c", new Extent(10, 2))));
    images += crashEverywhere(start, table.withChanged(b.renamed("x", UNIT)));
    images += crashEverywhere(start, table.without(b));
    images +=
        crashEverywhere(
            start, table.withChanged(b.with(List.of(new Extent(4, 5), new Extent(20, 1)), UNIT)));
    assertTrue(images > 4000, "images=" + images);
  }

  /** The copy that is whole is not the one that is written first. */
  @Test
  void change_afterOneCopyWasDamaged_crashedAnywhere_theStateBeforeOrAfter() {
    for (int copy : new int[] {0, PartitionTable.COPY_BYTES}) {
      byte[] damaged = image(some());
      damaged[copy + 300] ^= 1;
      PartitionTable before = load(damaged);
      Steps steps = new Steps();
      steps.change(before.without(before.find("a")), damaged);
      for (int fence = 0; fence < 2; fence++) {
        byte[] torn = steps.durable.get(fence).clone();
        List<Integer> words = differentWords(torn, steps.durable.get(fence + 1));
        for (int word : words) {
          System.arraycopy(steps.durable.get(fence + 1), word, torn, word, Long.BYTES);
          assertTrue(load(torn).labels().size() >= 1, "fence " + fence);
        }
      }
      assertEquals(1, load(steps.durable.getLast()).labels().size());
    }
  }

  @Test
  void damage_toEitherCopy_isOfNoAccount_toBothRefused() {
    byte[] image = image(some());
    String whole = text(load(image));
    for (int copy : new int[] {0, PartitionTable.COPY_BYTES}) {
      for (int at = 0; at < 1024; at++) {
        byte[] damaged = image.clone();
        damaged[copy + at] ^= (byte) (1 << at % 8);
        assertEquals(whole, text(load(damaged)), "at " + (copy + at));
      }
    }
    byte[] both = image.clone();
    both[100] ^= 1;
    both[PartitionTable.COPY_BYTES + 700] ^= 1;
    HoldfastException e = assertThrows(HoldfastException.Corrupt.class, () -> load(both));
    assertTrue(e.getMessage().contains("field=partitions.checksum"), e.getMessage());
  }

  /** Whatever the words say: refused by a type, or a table of which every extent is inside. */
  @Test
  void hostileTables_withTheirChecksumRight_refusedOrSound() {
    Random random = new Random(7);
    byte[] image = image(some());
    long[] values = {
      0, 1, -1, Long.MAX_VALUE, Long.MIN_VALUE, 255, 256, UNIT, SIZE, 1L << 32, 39, 40
    };
    int refused = 0;
    for (int i = 0; i < 4000; i++) {
      byte[] hostile = image.clone();
      MemorySegment copy = MemorySegment.ofArray(hostile).asSlice(0, PartitionTable.COPY_BYTES);
      for (int n = random.nextInt(3) + 1; n > 0; n--) {
        long at = 8L * (1 + random.nextInt(127));
        copy.set(ValueLayout.JAVA_LONG_UNALIGNED, at, values[random.nextInt(values.length)]);
      }
      seal(copy);
      MemorySegment.copy(
          copy, 0, MemorySegment.ofArray(hostile), PartitionTable.COPY_BYTES, copy.byteSize());
      try {
        long end =
            load(hostile).labels().stream()
                .flatMap(label -> label.extents().stream())
                .mapToLong(Extent::end)
                .max()
                .orElse(0);
        assertTrue(end <= SIZE / UNIT);
      } catch (HoldfastException.Corrupt | HoldfastException.UnsupportedVersion e) {
        refused++;
      }
    }
    assertTrue(refused > 500, "refused=" + refused);
  }

  private static void seal(MemorySegment copy) {
    copy.set(ValueLayout.JAVA_LONG_UNALIGNED, PartitionTable.CHECKSUM_AT, 0);
    CRC32C crc = new CRC32C();
    crc.update(copy.asByteBuffer());
    copy.set(ValueLayout.JAVA_LONG_UNALIGNED, PartitionTable.CHECKSUM_AT, crc.getValue());
  }

  @Test
  void free_asFewPiecesAsCanBe_andNoMoreThanALabelHasRoomFor() {
    PartitionTable table = some();
    assertEquals(30, table.freeUnits());
    assertEquals(List.of(new Extent(10, 30)), table.free(30, 0, 8));
    assertEquals(List.of(), table.free(31, 0, 8));
    assertEquals(List.of(), table.free(1, 0, 0));
    assertEquals(List.of(new Extent(10, 2)), table.free(2, 10, 8));
    for (long first = 11; first < 40; first += 2) {
      table = table.with(label("w" + first, new Extent(first, 1)));
    }
    assertEquals(15, table.freeUnits(), "in pieces of one");
    assertEquals(8, table.free(8, 0, 8).size());
    assertEquals(List.of(), table.free(9, 0, 8), "nine pieces");
    assertEquals(new Extent(12, 1), table.free(2, 12, 8).getFirst());
  }
}
