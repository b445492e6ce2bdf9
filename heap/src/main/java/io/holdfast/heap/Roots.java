// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.TransactionAccess;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.LongUnaryOperator;

/**
 * The named things from which everything in a pool is reached: a list of records.
 *
 * <pre>
 * anchor +0  first record         offset, 0 for none
 * record +0  next record
 *        +8  offset               of what has the name
 *        +16 type bytes 4 | name bytes 4
 *        +24 name, type           UTF-8, one after the other
 * </pre>
 */
final class Roots {
  static final int NEXT_AT = 0;
  static final int TARGET_AT = 8;
  static final int LENGTHS_AT = 16;
  static final int TEXT_AT = 24;
  static final int MAX_NAME = 255;

  private final Pool pool;
  private final PersistentRegion region;
  private final long anchor;
  private final TransactionAccess access = TransactionAccess.get();

  Roots(Pool pool, PoolLayout layout) {
    this.pool = pool;
    this.region = pool.region();
    this.anchor = layout.anchor();
  }

  /** A root, and where its record and the word that points to that are. */
  record Found(RootInfo info, long record, long pointer) {}

  /** All roots that are committed. */
  List<Found> list() {
    return list(region::getLong);
  }

  private List<Found> list(LongUnaryOperator word) {
    return list(
        word,
        damage -> {
          throw damage;
        });
  }

  /** The roots that are sound; the others are told of, as far as the list can be followed. */
  List<Found> listSound(Consumer<Corrupt> damaged) {
    return list(region::getLong, damaged);
  }

  private List<Found> list(LongUnaryOperator word, Consumer<Corrupt> damaged) {
    List<Found> found = new ArrayList<>();
    Set<Long> seen = new HashSet<>();
    long pointer = anchor;
    for (long record = word.applyAsLong(pointer); record != 0; ) {
      if (!seen.add(record)) {
        damaged.accept(new Corrupt(pointer, "root.next", "a list that ends", "a circle"));
        return found;
      }
      Allocator.Place place = pool.allocator().find(record);
      if (place == null || place.offset() != record || place.run().isTyped()) {
        damaged.accept(
            new Corrupt(pointer, "root.record", "an allocated block", Long.toString(record)));
        return found;
      }
      try {
        found.add(read(record, pointer, place.run().blockBytes()));
      } catch (Corrupt e) {
        damaged.accept(e);
      }
      pointer = record + NEXT_AT;
      record = word.applyAsLong(pointer);
    }
    return found;
  }

  private Found read(long record, long pointer, long blockBytes) {
    long lengths = region.getLong(record + LENGTHS_AT);
    int nameBytes = (int) lengths;
    int typeBytes = (int) (lengths >>> 32);
    if (nameBytes < 0 || typeBytes < 0 || (long) nameBytes + typeBytes > blockBytes - TEXT_AT) {
      throw new Corrupt(
          record + LENGTHS_AT, "root.lengths", "inside the block", nameBytes + " and " + typeBytes);
    }
    String name = text(record + TEXT_AT, nameBytes);
    String type = text(record + TEXT_AT + nameBytes, typeBytes);
    return new Found(new RootInfo(name, type, region.getLong(record + TARGET_AT)), record, pointer);
  }

  private String text(long offset, int bytes) {
    byte[] text = new byte[bytes];
    region.copyOut(offset, MemorySegment.ofArray(text));
    return new String(text, StandardCharsets.UTF_8);
  }

  /** The committed root with a name, or null. */
  Found find(String name) {
    return find(name, list());
  }

  /** The root with a name as a transaction sees it, or null. */
  Found find(Transaction tx, String name) {
    return find(name, list(at -> access.read(tx, at)));
  }

  private static Found find(String name, List<Found> list) {
    return list.stream().filter(f -> f.info.name().equals(name)).findFirst().orElse(null);
  }

  static void checkName(String name) {
    int bytes = name.getBytes(StandardCharsets.UTF_8).length;
    if (bytes == 0 || bytes > MAX_NAME) {
      throw new IllegalArgumentException(
          "a root's name has 1 to %d bytes: \"%s\" has %d".formatted(MAX_NAME, name, bytes));
    }
  }

  /** Gives a name to something. The list must be claimed. */
  void add(Transaction tx, String name, String type, long target) {
    byte[] text = (name + type).getBytes(StandardCharsets.UTF_8);
    int nameBytes = name.getBytes(StandardCharsets.UTF_8).length;
    HeapParticipant participant = pool.participant(tx);
    long record = participant.reserve(TEXT_AT + text.length, Span.Kind.RAW);
    region.putLong(record + NEXT_AT, access.read(tx, anchor));
    region.putLong(record + TARGET_AT, target);
    region.putLong(record + LENGTHS_AT, (long) (text.length - nameBytes) << 32 | nameBytes);
    region.copyIn(record + TEXT_AT, MemorySegment.ofArray(text));
    participant.filled(record, TEXT_AT + text.length);
    access.write(tx, anchor, record);
  }

  /** Takes a name away; what had it is the caller's. The list must be claimed. */
  void remove(Transaction tx, Found found) {
    access.write(tx, found.pointer, access.read(tx, found.record + NEXT_AT));
    pool.participant(tx).free(found.record, Span.Kind.RAW);
  }

  /** Claims the list, so that one transaction at a time changes it. */
  void claim(Transaction tx) {
    access.claim(tx, anchor);
  }
}
