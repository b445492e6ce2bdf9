// SPDX-License-Identifier: Apache-2.0
package io.holdfast.heap;

import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.HoldfastException.Corrupt;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.tx.Transaction;
import io.holdfast.tx.spi.KeyedHash;
import io.holdfast.tx.spi.TransactionAccess;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/**
 * An extendible hash table from keys to records, both bytes (Fagin et al., "Extendible Hashing",
 * TODS 1979), with buckets of one cache line.
 *
 * <pre>
 * index      +0   "HASHINDX"
 *            +8   directory             offset
 *            +16  depth                 the directory has 2^depth words
 * directory  word depth 1 | segment 6   of the segment's own depth; the first depth bits of a hash choose
 * segment    64 buckets of 8 slots
 * slot       word fingerprint 2 | record 6, or 0
 * record     +0   value bytes 4 | key bytes 4
 *            +8   hash 8
 *            +16  key, to a multiple of 8
 *            then value
 * </pre>
 *
 * <p><b>Where a key is.</b> In the bucket that the last six bits of its hash choose, or in the next
 * one. If both are full, the segment is split into two new ones by the next bit of its keys'
 * hashes, and the directory doubled before if it is no deeper than the segment.
 *
 * <p><b>Changes.</b> Each entry is changed by one word of its slot, as an intent. A split is a
 * transaction of its own, on a lane that only splits use: it moves nothing that a user can see, and
 * is true whatever becomes of the transaction that needed it. The depth in a directory word only
 * grows, so a word that is the same is the same segment.
 *
 * <p><b>Concurrency.</b> A segment has a stripe, chosen by the first bits of its keys' hashes, as
 * many as its depth, six at most. A writer holds the stripe's latch from the choice of a slot until
 * the slot is written, one fence later; who needs several takes them in order. A reader holds
 * nothing. He notes the stripe's version, reads directory, bucket and record, copies, and looks
 * again: the version is odd while slots are being written, and higher afterwards. So what he copied
 * was committed, durable and not changed meanwhile, or he tries again. What he reads while he is
 * being overtaken may be anything: every offset is checked, no memory ever goes away, and an error
 * counts only if nothing has changed.
 */
final class HashIndex {
  static final long MAGIC = 0x58444E49_48534148L;
  static final int INDEX_BYTES = 24;
  static final int DIRECTORY_AT = 8;
  static final int DEPTH_AT = 16;
  static final int SEGMENT_BYTES = 4096;
  static final int RECORD_HEADER = 16;
  static final int MAX_DEPTH = 40;

  private static final int BUCKETS = 64;
  private static final int BUCKET_BYTES = 64;
  private static final int SLOTS = 8;
  private static final int STRIPE_BITS = 6;
  private static final int STRIPES = 1 << STRIPE_BITS;
  private static final long OFFSET_MASK = (1L << 48) - 1;

  /** The lane for splits; the one before is the chunk table's. */
  private static final int LANE = 1;

  private static final VarHandle VERSION = MethodHandles.arrayElementVarHandle(long[].class);
  private static final int VERSION_STRIDE = 8;

  private final Pool pool;
  private final PersistentRegion region;
  private final TransactionAccess access = TransactionAccess.get();
  private final KeyedHash hash;
  private final long offset;
  private final ReentrantLock[] latches = new ReentrantLock[STRIPES];
  private final long[] versions = new long[STRIPES * VERSION_STRIDE];
  private volatile Directory directory;

  // How many entries there are: counted when first asked for, and what changed since the index was
  // opened. Changed with the stripe's latch held.
  private final LongAdder change = new LongAdder();
  private volatile long counted = -1;

  /** Where the directory is. Replaced as a whole when it doubles. */
  private record Directory(long offset, int depth) {
    long entry(long hash) {
      return offset + 8 * (depth == 0 ? 0 : hash >>> (64 - depth));
    }
  }

  HashIndex(Pool pool, long offset) {
    this.pool = pool;
    this.region = pool.region();
    this.hash = new KeyedHash(pool.hashSeed());
    this.offset = offset;
    for (int i = 0; i < STRIPES; i++) {
      latches[i] = new ReentrantLock();
    }
    if (region.getLong(offset) != MAGIC) {
      throw new Corrupt(
          offset,
          "index.magic",
          "0x%016X".formatted(MAGIC),
          "0x%016X".formatted(region.getLong(offset)));
    }
    this.directory = readDirectory();
  }

  private Directory readDirectory() {
    long depth = region.getLong(offset + DEPTH_AT);
    if (depth < 0 || depth > MAX_DEPTH) {
      throw new Corrupt(offset + DEPTH_AT, "index.depth", "0 to " + MAX_DEPTH, "" + depth);
    }
    return new Directory(region.getLong(offset + DIRECTORY_AT), (int) depth);
  }

  /** Makes an empty index in new blocks of the transaction. */
  static long create(Pool pool, Transaction tx) {
    HeapParticipant participant = pool.participant(tx);
    PersistentRegion region = pool.region();
    long segment = participant.reserve(SEGMENT_BYTES, Span.Kind.RAW);
    region.zero(segment, SEGMENT_BYTES);
    participant.filled(segment, SEGMENT_BYTES);
    long directory = participant.reserve(8, Span.Kind.RAW);
    region.putLong(directory, segment);
    participant.filled(directory, 8);
    long index = participant.reserve(INDEX_BYTES, Span.Kind.RAW);
    region.putLong(index, MAGIC);
    region.putLong(index + DIRECTORY_AT, directory);
    region.putLong(index + DEPTH_AT, 0);
    participant.filled(index, INDEX_BYTES);
    return index;
  }

  long offset() {
    return offset;
  }

  long hash(MemorySegment key) {
    return hash.ofBytes(0, key, 0, key.byteSize());
  }

  /** A number by which a key of this index is claimed; no block has it, since it is negative. */
  long claim(long keyHash) {
    return keyHash * 31 + offset | Long.MIN_VALUE;
  }

  // ---- words of the layout

  private static long segment(long entry) {
    return entry & OFFSET_MASK;
  }

  private static int depth(long entry) {
    return (int) (entry >>> 56);
  }

  private static long entry(long segment, int depth) {
    return (long) depth << 56 | segment;
  }

  private static long slot(long keyHash, long record) {
    return keyHash >>> 8 << 48 | record;
  }

  private static long fingerprint(long keyHash) {
    return keyHash >>> 8 & 0xFFFF;
  }

  /** A stripe has all keys of a segment: it is chosen by no more bits than the segment's depth. */
  private static int stripe(long keyHash, int depth) {
    int bits = Math.min(depth, STRIPE_BITS);
    return bits == 0 ? 0 : (int) (keyHash >>> (64 - bits)) << (STRIPE_BITS - bits);
  }

  private static long bucket(long segment, long keyHash, int next) {
    return segment + (keyHash + next & BUCKETS - 1) * BUCKET_BYTES;
  }

  static long recordBytes(long keyBytes, long valueBytes) {
    return RECORD_HEADER + padded(keyBytes) + valueBytes;
  }

  private static long padded(long bytes) {
    return bytes + 7 & -8;
  }

  int keyBytes(long record) {
    return (int) region.getLong(record);
  }

  int valueBytes(long record) {
    return (int) (region.getLong(record) >>> 32);
  }

  long keyAt(long record) {
    return record + RECORD_HEADER;
  }

  long valueAt(long record) {
    return record + RECORD_HEADER + padded(keyBytes(record));
  }

  /** Makes a record in a new block of the transaction; its value is filled by the caller. */
  long newRecord(HeapParticipant participant, MemorySegment key, long keyHash, long valueBytes) {
    long bytes = recordBytes(key.byteSize(), valueBytes);
    long record = participant.reserve(bytes, Span.Kind.RAW);
    region.putLong(record, valueBytes << 32 | key.byteSize());
    region.putLong(record + 8, keyHash);
    region.copyIn(record + RECORD_HEADER, key);
    participant.filled(record, bytes);
    return record;
  }

  // ---- reading without a lock

  /** What a reader does with a record that he found, before he knows whether it was one. */
  interface Reader<R> {
    R read(long record);
  }

  private long version(int stripe) {
    return (long) VERSION.getAcquire(versions, stripe * VERSION_STRIDE);
  }

  /** Reads the record of a key; null if there is none. */
  <R> R find(MemorySegment key, long keyHash, Reader<R> reader) {
    for (int round = 0; ; round++) {
      Directory at = directory;
      long entry = entryOrZero(at, keyHash);
      int stripe = stripe(keyHash, depth(entry));
      long version = version(stripe);
      R result = null;
      RuntimeException failure = null;
      if ((version & 1) == 0) {
        try {
          long record = search(segment(entry), keyHash, key);
          result = record == 0 ? null : reader.read(record);
        } catch (IndexOutOfBoundsException | NegativeArraySizeException | HoldfastException e) {
          failure = e;
        }
        VarHandle.loadLoadFence();
        if (version(stripe) == version && directory == at && entryOrZero(at, keyHash) == entry) {
          if (failure != null) {
            throw failed(failure);
          }
          return result;
        }
      }
      pause(round);
    }
  }

  private HoldfastException failed(RuntimeException failure) {
    if (failure instanceof HoldfastException typed) {
      return typed;
    }
    return new Corrupt(offset, "index", "offsets inside the pool", failure.getMessage());
  }

  private long entryOrZero(Directory at, long keyHash) {
    long entry = region.getLong(at.entry(keyHash));
    return depth(entry) <= MAX_DEPTH ? entry : 0;
  }

  private static void pause(int round) {
    if (round < 200) {
      Thread.onSpinWait();
    } else {
      LockSupport.parkNanos(10_000);
    }
  }

  /** The record of a key in a segment as it is in place, or 0. */
  private long search(long segment, long keyHash, MemorySegment key) {
    long slot = searchSlot(segment, keyHash, key, null);
    return slot == 0 ? 0 : region.getLong(slot) & OFFSET_MASK;
  }

  /** The slot of a key in a segment, as it is in place or as a transaction sees it; 0 if none. */
  private long searchSlot(long segment, long keyHash, MemorySegment key, Transaction tx) {
    long wanted = fingerprint(keyHash);
    for (int next = 0; next < 2; next++) {
      long bucket = bucket(segment, keyHash, next);
      for (int i = 0; i < SLOTS; i++) {
        long at = bucket + 8L * i;
        long word = tx == null ? region.getLong(at) : access.read(tx, at);
        if (word != 0 && word >>> 48 == wanted && isKey(word & OFFSET_MASK, keyHash, key)) {
          return at;
        }
      }
    }
    return 0;
  }

  private boolean isKey(long record, long keyHash, MemorySegment key) {
    if (region.getLong(record + 8) != keyHash || keyBytes(record) != key.byteSize()) {
      return false;
    }
    return region.view(keyAt(record), key.byteSize()).mismatch(key) == -1;
  }

  /**
   * Reads the records of the segment that holds a position of the hash range, and tells where the
   * next one begins; 0 at the end. So a whole index is read segment by segment, each as it was at
   * one moment.
   */
  <R> long readSegment(long position, Reader<R> reader, List<R> into) {
    for (int round = 0; ; round++) {
      Directory at = directory;
      long entry = entryOrZero(at, position);
      int depth = depth(entry);
      int stripe = stripe(position, depth);
      long version = version(stripe);
      List<R> results = new ArrayList<>();
      RuntimeException failure = null;
      if ((version & 1) == 0) {
        try {
          for (int i = 0; i < BUCKETS * SLOTS; i++) {
            long record = region.getLong(segment(entry) + 8L * i) & OFFSET_MASK;
            if (record != 0) {
              results.add(reader.read(record));
            }
          }
        } catch (IndexOutOfBoundsException | NegativeArraySizeException | HoldfastException e) {
          failure = e;
        }
        VarHandle.loadLoadFence();
        if (version(stripe) == version && directory == at && entryOrZero(at, position) == entry) {
          if (failure != null) {
            throw failed(failure);
          }
          into.addAll(results);
          return depth == 0 ? 0 : (position >>> (64 - depth)) + 1 << (64 - depth);
        }
      }
      pause(round);
    }
  }

  // ---- writing, under latches

  /** The stripe of a key's segment as it is now. */
  private int stripeOf(long keyHash) {
    return stripe(keyHash, depth(region.getLong(directory.entry(keyHash))));
  }

  private ReentrantLock latch(int stripe) {
    return latches[stripe];
  }

  /** Takes the latch of the segment of a key; it may be split while it is waited for. */
  @SuppressWarnings("LockNotBeforeTry") // given to the caller
  int latchFor(long keyHash) {
    while (true) {
      int stripe = stripeOf(keyHash);
      latch(stripe).lock();
      if (stripeOf(keyHash) == stripe) {
        return stripe;
      }
      latch(stripe).unlock();
    }
  }

  void unlatch(int stripe) {
    latch(stripe).unlock();
  }

  private long segmentOf(long keyHash) {
    return segment(region.getLong(directory.entry(keyHash)));
  }

  /** The slot of a key as a transaction sees it, or 0. The latch must be held. */
  long slotOf(Transaction tx, MemorySegment key, long keyHash) {
    return searchSlot(segmentOf(keyHash), keyHash, key, tx);
  }

  /** A slot for a key that is free and not among some others, or 0. The latch must be held. */
  long freeSlot(Transaction tx, long keyHash, Set<Long> chosen) {
    long segment = segmentOf(keyHash);
    for (int next = 0; next < 2; next++) {
      long bucket = bucket(segment, keyHash, next);
      for (int i = 0; i < SLOTS; i++) {
        long at = bucket + 8L * i;
        if (access.read(tx, at) == 0 && !chosen.contains(at)) {
          return at;
        }
      }
    }
    return 0;
  }

  void writeSlot(Transaction tx, long slot, long keyHash, long record) {
    access.write(tx, slot, record == 0 ? 0 : slot(keyHash, record));
  }

  long recordAt(Transaction tx, long slot) {
    return access.read(tx, slot) & OFFSET_MASK;
  }

  /** Slots of a stripe are about to be written. The latch must be held. */
  void beginChange(int stripe) {
    VERSION.setVolatile(versions, stripe * VERSION_STRIDE, version(stripe) + 1);
    VarHandle.storeStoreFence();
  }

  void endChange(int stripe) {
    VERSION.setRelease(versions, stripe * VERSION_STRIDE, version(stripe) + 1);
  }

  void changeCount(int by) {
    change.add(by);
  }

  /** How many entries there are. */
  long count() {
    if (counted < 0) {
      for (ReentrantLock latch : latches) {
        latch.lock();
      }
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
        for (ReentrantLock latch : latches) {
          latch.unlock();
        }
      }
    }
    return counted + change.sum();
  }

  // ---- several indexes in one transaction

  /**
   * Takes all latches that the edits of a transaction need, in one order for all transactions, and
   * chooses their slots. If one does not fit after all, because others were faster, everything is
   * let go and room is made again.
   */
  static void prepareAll(Collection<IndexEdit> edits) {
    if (edits.isEmpty()) {
      return;
    }
    List<IndexEdit> ordered = new ArrayList<>(edits);
    ordered.sort((a, b) -> Long.compare(a.index().offset, b.index().offset));
    while (true) {
      for (IndexEdit edit : ordered) {
        edit.latchAll();
      }
      IndexEdit misfit = null;
      for (IndexEdit edit : ordered) {
        if (misfit == null && !edit.chooseSlots()) {
          misfit = edit;
        }
      }
      if (misfit == null) {
        ordered.forEach(IndexEdit::writeSlots);
        return;
      }
      ordered.forEach(IndexEdit::unlatchAll);
      misfit.makeRoom();
    }
  }

  /** Takes the latches of the segments of many keys, in order; returns them. */
  @SuppressWarnings("LockNotBeforeTry") // given to the caller
  SortedSet<Integer> latchAll(Collection<Long> hashes) {
    while (true) {
      TreeSet<Integer> stripes = new TreeSet<>();
      hashes.forEach(h -> stripes.add(stripeOf(h)));
      stripes.forEach(stripe -> latch(stripe).lock());
      TreeSet<Integer> now = new TreeSet<>();
      hashes.forEach(h -> now.add(stripeOf(h)));
      if (now.equals(stripes)) {
        return stripes;
      }
      stripes.forEach(stripe -> latch(stripe).unlock());
    }
  }

  // ---- splits

  /** Splits the segment of a key. No latch may be held. */
  void split(Transaction tx, long keyHash) {
    int stripe = latchFor(keyHash);
    try {
      pool.structureLock().lock();
      try {
        splitLatched(tx, keyHash);
      } finally {
        pool.structureLock().unlock();
      }
    } finally {
      unlatch(stripe);
    }
  }

  private void splitLatched(Transaction needed, long keyHash) {
    if (depth(region.getLong(directory.entry(keyHash))) == directory.depth) {
      doubleDirectory(needed);
    }
    Directory at = directory;
    long entry = region.getLong(at.entry(keyHash));
    int depth = depth(entry) + 1;
    Allocator allocator = pool.allocator();
    Allocator.Place low = allocator.reserve(needed, SEGMENT_BYTES, Span.Kind.RAW);
    Allocator.Place high = reserveOrGiveBack(needed, low, SEGMENT_BYTES);
    boolean done = false;
    try (Transaction tx = access.beginReserved(pool.lanes(), LANE)) {
      fill(tx, low, high, segment(entry), depth);
      long first = depth == 1 ? 0 : keyHash >>> (65 - depth) << (65 - depth);
      long span = 1L << (at.depth - depth);
      long word = at.entry(first);
      for (long i = 0; i < 2 * span; i++) {
        access.write(tx, word + 8 * i, entry(i < span ? low.offset() : high.offset(), depth));
      }
      freeIn(tx, segment(entry));
      tx.commit();
      done = true;
    } finally {
      if (!done) {
        allocator.giveBack(low);
        allocator.giveBack(high);
      }
    }
    allocator.giveBack(allocator.find(segment(entry)));
  }

  private Allocator.Place reserveOrGiveBack(Transaction tx, Allocator.Place taken, long bytes) {
    try {
      return pool.allocator().reserve(tx, bytes, Span.Kind.RAW);
    } catch (HoldfastException e) {
      pool.allocator().giveBack(taken);
      throw e;
    }
  }

  /** Two new segments with the entries of one, divided by a bit of their hashes. */
  private void fill(
      Transaction tx, Allocator.Place low, Allocator.Place high, long segment, int depth) {
    region.zero(low.offset(), SEGMENT_BYTES);
    region.zero(high.offset(), SEGMENT_BYTES);
    for (int i = 0; i < BUCKETS * SLOTS; i++) {
      long word = region.getLong(segment + 8L * i);
      if (word != 0) {
        long keyHash = region.getLong((word & OFFSET_MASK) + 8);
        boolean up = (keyHash >>> (64 - depth) & 1) == 1;
        place(up ? high.offset() : low.offset(), keyHash, word);
      }
    }
    for (Allocator.Place place : List.of(low, high)) {
      allocateIn(tx, place);
      access.filled(tx, place.offset(), SEGMENT_BYTES);
    }
  }

  /**
   * There is room: what was in two buckets of the old segment is in the same two of the new ones.
   */
  private void place(long segment, long keyHash, long word) {
    for (int next = 0; next < 2; next++) {
      long bucket = bucket(segment, keyHash, next);
      for (int i = 0; i < SLOTS; i++) {
        if (region.getLong(bucket + 8L * i) == 0) {
          region.putLong(bucket + 8L * i, word);
          return;
        }
      }
    }
    throw new Corrupt(segment, "index.bucket", "room for a hash that was there", "none");
  }

  private void doubleDirectory(Transaction needed) {
    Directory old = directory;
    long words = 1L << old.depth;
    Allocator allocator = pool.allocator();
    Allocator.Place place = allocator.reserve(needed, 16 * words, Span.Kind.RAW);
    boolean done = false;
    try (Transaction tx = access.beginReserved(pool.lanes(), LANE)) {
      for (long i = 0; i < words; i++) {
        long entry = region.getLong(old.offset + 8 * i);
        region.putLong(place.offset() + 16 * i, entry);
        region.putLong(place.offset() + 16 * i + 8, entry);
      }
      allocateIn(tx, place);
      access.filled(tx, place.offset(), 16 * words);
      access.write(tx, offset + DIRECTORY_AT, place.offset());
      access.write(tx, offset + DEPTH_AT, old.depth + 1L);
      freeIn(tx, old.offset);
      tx.commit();
      done = true;
    } finally {
      if (!done) {
        allocator.giveBack(place);
      }
    }
    directory = new Directory(place.offset(), old.depth + 1);
    allocator.giveBack(allocator.find(old.offset));
  }

  private void allocateIn(Transaction tx, Allocator.Place place) {
    access.allocate(
        tx,
        place.run().bitmapWord(place.index()),
        place.run().bit(place.index()),
        place.offset(),
        place.run().blockBytes());
  }

  private void freeIn(Transaction tx, long block) {
    Allocator.Place place = pool.allocator().find(block);
    if (place == null || place.offset() != block) {
      throw new Corrupt(offset, "index.block", "an allocated block", "" + block);
    }
    access.free(
        tx,
        place.run().bitmapWord(place.index()),
        place.run().bit(place.index()),
        block,
        place.run().blockBytes());
  }

  // ---- checking

  /** Is told what an index consists of. */
  interface Checker {
    /** A block of the index, of at least so many bytes; false if it cannot be gone through. */
    boolean block(long block, long least, String what);

    /** A value. */
    void value(long at, int bytes);

    /** Something that cannot be. */
    void problem(String what);
  }

  /** Goes through all of the index. Nobody may be changing it. */
  void check(Checker checker) {
    Directory at = directory;
    long words = 1L << at.depth;
    if (!checker.block(at.offset, 8 * words, "its directory")) {
      return;
    }
    for (long i = 0; i < words; ) {
      long entry = region.getLong(at.offset + 8 * i);
      int depth = depth(entry);
      long span = depth > at.depth ? 0 : words >>> depth;
      if (span == 0 || i % span != 0) {
        checker.problem("directory word %d has depth %d of %d".formatted(i, depth, at.depth));
        return;
      }
      for (long k = 1; k < span; k++) {
        if (region.getLong(at.offset + 8 * (i + k)) != entry) {
          checker.problem("directory word %d is not that of its segment".formatted(i + k));
        }
      }
      if (checker.block(segment(entry), SEGMENT_BYTES, "a segment")) {
        checkSegment(checker, segment(entry), at.depth == 0 ? 0 : i << (64 - at.depth), depth);
      }
      i += span;
    }
  }

  private void checkSegment(Checker checker, long segment, long prefix, int depth) {
    for (int i = 0; i < BUCKETS * SLOTS; i++) {
      long word = region.getLong(segment + 8L * i);
      long record = word & OFFSET_MASK;
      if (word == 0 || !checker.block(record, RECORD_HEADER, "a record")) {
        continue;
      }
      long keyHash = region.getLong(record + 8);
      int bucket = i / SLOTS;
      int home = (int) (keyHash & BUCKETS - 1);
      boolean placed = bucket == home || bucket == (home + 1) % BUCKETS;
      boolean prefixed = depth == 0 || (keyHash ^ prefix) >>> (64 - depth) == 0;
      if (!placed || !prefixed || word >>> 48 != fingerprint(keyHash)) {
        checker.problem("the record at offset %d is in a wrong slot".formatted(record));
      } else if (keyBytes(record) < 0
          || valueBytes(record) < 0
          || !fits(record, recordBytes(keyBytes(record), valueBytes(record)))) {
        checker.problem("the record at offset %d has wrong lengths".formatted(record));
      } else if (hash(region.view(keyAt(record), keyBytes(record))) != keyHash) {
        checker.problem("the key at offset %d does not have its hash".formatted(record));
      } else {
        checker.value(valueAt(record), valueBytes(record));
      }
    }
  }

  private boolean fits(long record, long bytes) {
    Allocator.Place place = pool.allocator().find(record);
    return place != null && bytes <= place.run().blockBytes();
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
      long segment = segment(region.getLong(at.offset + 8 * i));
      if (segment != last) {
        participant.free(segment, Span.Kind.RAW);
        last = segment;
      }
    }
    participant.free(at.offset, Span.Kind.RAW);
    participant.free(offset, Span.Kind.RAW);
  }
}
