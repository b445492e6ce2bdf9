// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.flush.StackRoom;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.KeyedHash;
import io.holdfast.tx.spi.Latch;
import io.holdfast.tx.spi.RoomFor;
import io.holdfast.tx.spi.TransactionAccess;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/**
 * An extendible hash table from keys to records, both bytes (Fagin et al., "Extendible Hashing",
 * TODS 1979), with buckets of one cache line. {@link IndexLayout} has its parts.
 *
 * <p><b>Where a key is.</b> In the bucket that the last six bits of its hash choose, or in the next
 * one. If both are full, the segment is split into two new ones by the next bit of its keys'
 * hashes, and the directory doubled before if it is no deeper than the segment.
 *
 * <p><b>Changes.</b> Each entry is changed by one word of its slot, as an intent; or, if the new
 * value is as long as the old one and nothing else is changed, by an intent that has the value, and
 * is stored over the old one ({@link Overwrite}). A split is a transaction of its own, on a lane
 * that only splits use: it moves nothing that a user can see, and is true whatever becomes of the
 * transaction that needed it. The depth in a directory word only grows, so a word that is the same
 * is the same segment.
 *
 * <p><b>Concurrency.</b> A writer holds the latch of a {@linkplain IndexStripes stripe} from the
 * choice of a slot until the slot is written, one fence later; who needs several takes them in
 * order. A reader holds nothing. He notes the stripe's version, reads directory, bucket and record,
 * copies, and looks again. So what he copied was committed, durable and not changed meanwhile, or
 * he tries again. What he reads while he is being overtaken may be anything: every offset is
 * checked, no memory ever goes away, and an error counts only if nothing has changed.
 */
final class HashIndex {
  private final Pool pool;
  private final PersistentRegion region;
  private final TransactionAccess access = TransactionAccess.get();
  private final KeyedHash hash;
  private final long offset;
  private final IndexBounds bounds;
  private final IndexStripes stripes = new IndexStripes();
  private volatile Directory directory;

  // How many entries there are: counted when first asked for, and what changed since the index was
  // opened. Changed with the stripe's latch held.
  private final LongAdder change = new LongAdder();
  private volatile long counted = -1;

  /** Where the directory is. Replaced as a whole when it doubles. */
  record Directory(long offset, int depth) {
    long entry(long hash) {
      return offset + 8 * (depth == 0 ? 0 : hash >>> (64 - depth));
    }
  }

  HashIndex(Pool pool, long offset) {
    this.pool = pool;
    this.region = pool.region();
    this.hash = new KeyedHash(pool.hashSeed());
    this.offset = offset;
    this.bounds = new IndexBounds(pool);
    bounds.checkBlock(offset, offset, IndexLayout.INDEX_BYTES, "index.offset");
    if (region.getLong(offset) != IndexLayout.MAGIC) {
      throw new Corrupt(
          offset,
          "index.magic",
          "0x%016X".formatted(IndexLayout.MAGIC),
          "0x%016X".formatted(region.getLong(offset)));
    }
    this.directory = readDirectory();
  }

  private Directory readDirectory() {
    long depth = region.getLong(offset + IndexLayout.DEPTH_AT);
    if (depth < 0 || depth > IndexLayout.MAX_DEPTH) {
      throw new Corrupt(
          offset + IndexLayout.DEPTH_AT,
          "index.depth",
          "0 to " + IndexLayout.MAX_DEPTH,
          "" + depth);
    }
    long at = region.getLong(offset + IndexLayout.DIRECTORY_AT);
    bounds.checkBlock(offset + IndexLayout.DIRECTORY_AT, at, 8L << depth, "index.directory");
    return new Directory(at, (int) depth);
  }

  /** Makes an empty index in new blocks of the transaction. */
  static long create(Pool pool, Transaction tx) {
    HeapParticipant participant = pool.participant(tx);
    PersistentRegion region = pool.region();
    long segment = participant.reserve(IndexLayout.SEGMENT_BYTES, Span.Kind.RAW);
    region.zero(segment, IndexLayout.SEGMENT_BYTES);
    participant.filled(segment, IndexLayout.SEGMENT_BYTES);
    long directory = participant.reserve(8, Span.Kind.RAW);
    region.putLong(directory, segment);
    participant.filled(directory, 8);
    long index = participant.reserve(IndexLayout.INDEX_BYTES, Span.Kind.RAW);
    region.putLong(index, IndexLayout.MAGIC);
    region.putLong(index + IndexLayout.DIRECTORY_AT, directory);
    region.putLong(index + IndexLayout.DEPTH_AT, 0);
    participant.filled(index, IndexLayout.INDEX_BYTES);
    return index;
  }

  long offset() {
    return offset;
  }

  long hash(byte[] key) {
    return hash.ofBytes(0, key);
  }

  long hash(MemorySegment key) {
    return hash.ofBytes(0, key, 0, key.byteSize());
  }

  /** A number by which a key of this index is claimed; no block has it, since it is negative. */
  long claim(long keyHash) {
    return keyHash * 31 + offset | Long.MIN_VALUE;
  }

  /** The first word of a record. */
  long lengths(long record) {
    return region.getLong(record);
  }

  long valueAt(long record) {
    return IndexLayout.valueAt(record, lengths(record));
  }

  /** Where the value of a key is that has one. */
  long valueOf(IndexChange change) {
    return IndexLayout.valueAt(change.before(), IndexLayout.lengths(change.key().size(), 0));
  }

  /** Refuses what cannot be the record of a key with so long a value, so that it can be written. */
  void checkRecord(IndexChange change, long valueBytes) {
    long bytes = IndexLayout.recordBytes(change.key().size(), valueBytes);
    bounds.checkBlock(change.slot(), change.before(), bytes, "index.record");
  }

  /** Whether a key has a value of so many bytes, as is committed. */
  boolean hasValueOf(IndexChange change, long bytes) {
    return change.before() != 0 && IndexLayout.valueBytes(lengths(change.before())) == bytes;
  }

  /** Makes a record in a new block of the transaction; its value is filled by the caller. */
  long newRecord(HeapParticipant participant, IndexKey key, long valueBytes) {
    long bytes = IndexLayout.recordBytes(key.size(), valueBytes);
    long record = participant.reserve(bytes, Span.Kind.RAW);
    region.putLong(record, IndexLayout.lengths(key.size(), valueBytes));
    region.putLong(record + IndexLayout.RECORD_HASH_AT, key.hash());
    region.copyIn(record + IndexLayout.RECORD_HEADER, key.segment());
    participant.filled(record, bytes);
    return record;
  }

  // ---- reading without a lock

  /** What a reader does with a record that he found, before he knows whether it was one. */
  interface Reader<R> {
    R read(long record);
  }

  /** Reads the record of a key; null if there is none. */
  <R> R find(IndexKey key, Reader<R> reader) {
    long keyHash = key.hash();
    for (int round = 0; ; round++) {
      long entry = entryOf(keyHash);
      int stripe = IndexStripes.of(keyHash, IndexLayout.depth(entry));
      long version = stripes.version(stripe);
      R result = null;
      RuntimeException failure = null;
      if (IndexStripes.isStable(version)) {
        try {
          long slot = search(IndexLayout.segment(entry), key);
          result = slot == 0 ? null : reader.read(IndexLayout.record(region.getLong(slot)));
        } catch (RuntimeException e) {
          failure = e;
        }
        if (stripes.isStill(stripe, version) && entryOf(keyHash) == entry) {
          if (failure != null) {
            throw failed(failure);
          }
          return result;
        }
      }
      Latch.pause(round);
    }
  }

  /** Reads a record that nobody takes away meanwhile. */
  <R> R read(long record, Reader<R> reader) {
    try {
      return reader.read(record);
    } catch (RuntimeException e) {
      throw failed(e);
    }
  }

  private HoldfastException failed(RuntimeException failure) {
    if (failure instanceof HoldfastException typed) {
      return typed;
    }
    Corrupt refused =
        new Corrupt(offset, "index.record", "what the map's codecs can read", failure.toString());
    refused.initCause(failure);
    return refused;
  }

  /**
   * The directory word of a key. It was in the present directory when it was read: what the block
   * of a directory that was replaced holds by now is of no account.
   */
  long entryOf(long keyHash) {
    while (true) {
      Directory at = directory;
      long entry = region.getLong(at.entry(keyHash));
      VarHandle.loadLoadFence();
      if (directory == at) {
        bounds.checkEntry(at, keyHash, entry);
        return entry;
      }
    }
  }

  IndexBounds bounds() {
    return bounds;
  }

  /** The slot of a key in a segment, or 0. */
  private long search(long segment, IndexKey key) {
    for (int probe = 0; probe < IndexLayout.PROBES; probe++) {
      long bucket = IndexLayout.bucket(segment, key.hash(), probe);
      for (int i = 0; i < IndexLayout.BUCKET_SLOTS; i++) {
        long at = bucket + 8L * i;
        long word = region.getLong(at);
        if (word != 0 && IndexLayout.hasFingerprint(word, key.hash())) {
          bounds.checkRecord(at, IndexLayout.record(word), key.size());
          if (key.isAt(region, IndexLayout.record(word))) {
            return at;
          }
        }
      }
    }
    return 0;
  }

  /** Claims a key, and looks where it is. */
  IndexChange claimed(Transaction tx, IndexKey key) {
    access.claim(tx, claim(key.hash()));
    IndexChange change = new IndexChange(key);
    locate(change);
    return change;
  }

  /** Finds a key that is claimed, so that what is found stays so. */
  void locate(IndexChange change) {
    for (int round = 0; ; round++) {
      long entry = entryOf(change.key().hash());
      int stripe = IndexStripes.of(change.key().hash(), IndexLayout.depth(entry));
      long version = stripes.version(stripe);
      if (IndexStripes.isStable(version)) {
        HoldfastException failure = null;
        try {
          locate(change, entry);
        } catch (HoldfastException e) {
          failure = e;
        }
        if (stripes.isStill(stripe, version) && entryOf(change.key().hash()) == entry) {
          if (failure != null) {
            throw failure;
          }
          return;
        }
      }
      Latch.pause(round);
    }
  }

  private void locate(IndexChange change, long entry) {
    long slot = search(IndexLayout.segment(entry), change.key());
    change.found(entry, slot, slot == 0 ? 0 : IndexLayout.record(region.getLong(slot)));
  }

  /** Finds a claimed key's slot again if its segment was split. The latch must be held. */
  void relocate(IndexChange change) {
    long entry = entryOf(change.key().hash());
    if (entry != change.entry()) {
      locate(change, entry);
    }
  }

  /**
   * Reads the records of the segment that holds a position of the hash range, and tells where the
   * next one begins; 0 at the end. So a whole index is read segment by segment, each as it was at
   * one moment.
   */
  <R> long readSegment(long position, Reader<R> reader, List<R> into) {
    for (int round = 0; ; round++) {
      long entry = entryOf(position);
      int depth = IndexLayout.depth(entry);
      int stripe = IndexStripes.of(position, depth);
      long version = stripes.version(stripe);
      List<R> results = new ArrayList<>();
      RuntimeException failure = null;
      if (IndexStripes.isStable(version)) {
        try {
          for (int i = 0; i < IndexLayout.SEGMENT_SLOTS; i++) {
            long slot = IndexLayout.segment(entry) + 8L * i;
            long record = IndexLayout.record(region.getLong(slot));
            if (record != 0) {
              bounds.checkRecord(slot, record, 0);
              results.add(reader.read(record));
            }
          }
        } catch (RuntimeException e) {
          failure = e;
        }
        if (stripes.isStill(stripe, version) && entryOf(position) == entry) {
          if (failure != null) {
            throw failed(failure);
          }
          into.addAll(results);
          return depth == 0 ? 0 : (position >>> (64 - depth)) + 1 << (64 - depth);
        }
      }
      Latch.pause(round);
    }
  }

  // ---- writing, under latches

  /** The stripe of a key's segment as it is now. */
  private int stripeOf(long keyHash) {
    return IndexStripes.of(keyHash, IndexLayout.depth(entryOf(keyHash)));
  }

  /** Takes the latch of the segment of a key; it may be split while it is waited for. */
  @SuppressWarnings("LockNotBeforeTry") // given to the caller
  int latchFor(long keyHash) {
    while (true) {
      int stripe = stripeOf(keyHash);
      stripes.lock(stripe);
      boolean still = false;
      try {
        still = stripeOf(keyHash) == stripe;
      } finally {
        if (!still) {
          stripes.unlock(stripe);
        }
      }
      if (still) {
        return stripe;
      }
    }
  }

  void unlatch(int stripe) {
    stripes.unlock(stripe);
  }

  private long segmentOf(long keyHash) {
    return IndexLayout.segment(entryOf(keyHash));
  }

  /** A slot for a key that is free and not among some others, or 0. The latch must be held. */
  long freeSlot(long keyHash, OffsetMap chosen) {
    long segment = segmentOf(keyHash);
    for (int probe = 0; probe < IndexLayout.PROBES; probe++) {
      long bucket = IndexLayout.bucket(segment, keyHash, probe);
      for (int i = 0; i < IndexLayout.BUCKET_SLOTS; i++) {
        long at = bucket + 8L * i;
        if (region.getLong(at) == 0 && chosen.get(at) == 0) {
          return at;
        }
      }
    }
    return 0;
  }

  void writeSlot(Transaction tx, long slot, long keyHash, long record) {
    access.write(tx, slot, record == 0 ? 0 : IndexLayout.slot(keyHash, record));
  }

  IndexStripes stripes() {
    return stripes;
  }

  /** Called after the fence, where a locked instruction is spared if it can be. */
  void changeCount(int by) {
    if (by != 0) {
      change.add(by);
    }
  }

  /** How many entries there are. */
  long count() {
    entryOf(0); // refused if the pool is closed, even if nothing has to be counted
    if (counted < 0) {
      StackRoom.require(RoomFor.A_CHANGE);
      stripes.lock(IndexStripes.ALL);
      try {
        if (counted < 0) {
          List<Long> records = new ArrayList<>();
          long sum = 0;
          long at = 0;
          do {
            at = readSegment(at, record -> record, records);
            sum += records.size();
            records.clear();
          } while (at != 0);
          change.reset();
          counted = sum;
        }
      } finally {
        stripes.unlock(IndexStripes.ALL);
      }
    }
    return counted + change.sum();
  }

  Directory directory() {
    return directory;
  }

  /** The directory has doubled. The structure lock must be held. */
  void setDirectory(Directory doubled) {
    directory = doubled;
  }

  // ---- several indexes in one transaction

  /**
   * Takes all latches that the edits of a transaction need, in one order for all transactions, and
   * chooses their slots. If one has none, everything is let go and its segment split.
   */
  static void prepareAll(List<IndexEdit> edits) {
    List<IndexEdit> ordered = edits;
    if (edits.size() > 1) {
      ordered = new ArrayList<>(edits);
      ordered.sort((a, b) -> Long.compare(a.index().offset, b.index().offset));
    }
    while (!ordered.isEmpty()) {
      IndexEdit misfit = null;
      for (int i = 0; i < ordered.size(); i++) {
        ordered.get(i).latchAll();
      }
      for (int i = 0; i < ordered.size() && misfit == null; i++) {
        misfit = ordered.get(i).chooseSlots() ? null : ordered.get(i);
      }
      if (misfit == null) {
        ordered.forEach(IndexEdit::writeSlots);
        return;
      }
      ordered.forEach(IndexEdit::unlatchAll);
      misfit.makeRoom();
    }
  }

  /** Takes the latches of the segments of keys that change, in order; returns them as bits. */
  @SuppressWarnings("LockNotBeforeTry") // given to the caller
  long latchAll(List<IndexChange> changes) {
    while (true) {
      long needed = stripesOf(changes);
      stripes.lock(needed);
      boolean still = false;
      try {
        still = stripesOf(changes) == needed;
      } finally {
        if (!still) {
          stripes.unlock(needed);
        }
      }
      if (still) {
        return needed;
      }
    }
  }

  void unlatchAll(long latched) {
    stripes.unlock(latched);
  }

  private long stripesOf(List<IndexChange> changes) {
    long bits = 0;
    for (int i = 0; i < changes.size(); i++) {
      if (changes.get(i).isWanted()) {
        bits |= 1L << stripeOf(changes.get(i).key().hash());
      }
    }
    return bits;
  }

  /** Splits the segment of a key. No latch may be held. */
  void split(Transaction tx, long keyHash) {
    int stripe = latchFor(keyHash);
    try {
      pool.structureLock().lock();
      try {
        new IndexSplit(pool, this, tx).split(keyHash);
      } finally {
        pool.structureLock().unlock();
      }
    } finally {
      unlatch(stripe);
    }
  }

  // ---- the end of an index

  /** Frees all blocks of the index in a transaction. Nobody else may be using it. */
  void free(HeapParticipant participant) {
    List<Long> records = new ArrayList<>();
    for (long at = readSegment(0, record -> record, records);
        at != 0;
        at = readSegment(at, record -> record, records)) {
      records.forEach(record -> participant.free(record, Span.Kind.RAW));
      records.clear();
    }
    records.forEach(record -> participant.free(record, Span.Kind.RAW));
    Directory at = directory;
    long last = 0;
    for (long i = 0; i < 1L << at.depth; i++) {
      long segment = IndexLayout.segment(region.getLong(at.offset + 8 * i));
      if (segment != last) {
        participant.free(segment, Span.Kind.RAW);
        last = segment;
      }
    }
    participant.free(at.offset, Span.Kind.RAW);
    participant.freeCollection(offset);
  }
}
