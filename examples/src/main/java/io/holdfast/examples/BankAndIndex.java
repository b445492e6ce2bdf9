// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.holdfast.crash.KillProgram;
import io.holdfast.flush.PersistentRegion;
import io.holdfast.heap.Block;
import io.holdfast.heap.CheckReport;
import io.holdfast.heap.Codec;
import io.holdfast.heap.PersistentMap;
import io.holdfast.heap.Pool;
import io.holdfast.heap.PoolException;
import io.holdfast.heap.Type;
import io.holdfast.tx.Editable;
import io.holdfast.tx.RecoveryReport;
import io.holdfast.tx.Transaction;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * A bank and a word index in one pool, as a program to be killed. Two tellers transfer money
 * between accounts, write notes, and now and then replace an account by a new object; an indexer
 * counts the words of a text, line by line; a clerk writes a page in place, after a snapshot; a
 * hoarder keeps values until the pool is full, and then throws away the older ones. Each operation
 * is one transaction, in which its worker also notes how far it has come. So after a kill the
 * parent knows from the pool how many operations were done, carries out the same ones on a model,
 * and compares everything.
 *
 * <p>How large a pool is, and how much is hoarded in it from the start, goes by its seed; so does
 * whether it has all of its region from the start, or begins with a part and grows. For want of
 * room an operation fails as a whole, and is tried again once the hoarder has made some.
 */
public final class BankAndIndex implements KillProgram {
  private static final String LAYOUT = "bank and index";
  private static final int TELLERS = 2;
  private static final int INDEXER = TELLERS;
  private static final int CLERK = TELLERS + 1;
  private static final int HOARDER = TELLERS + 2;
  private static final int WORKERS = TELLERS + 3;
  private static final long PAGE_BYTES = 4096;
  private static final long ACCOUNTS = 100;
  private static final long OPENING_BALANCE = 1000;

  /** Notes are of many sizes, each of which needs some room of its own. */
  private static final int LONGEST_NOTE = 4000;

  private static final long LEAST_POOL = 6 << 20;
  private static final long LARGEST_POOL = 32 << 20;

  /** What is kept for each character of the text: its line, its words, and what both leave over. */
  private static final long BYTES_PER_CHARACTER = 8;

  /** As small as what the others need for their numbers, so that no room is left for these. */
  private static final int LEAST_VALUE = 8;

  /** The longest value is this part of the region. */
  private static final long VALUES_PER_REGION = 128;

  /** A full pool loses from half of its values down to this part of them. */
  private static final int MOST_PARTS = 16;

  private static final long WAIT_FOR_ROOM_NANOS = 1_000_000;

  interface Account extends Editable<Account.Edit> {
    Type<Account> TYPE = Type.of(Account.class, MethodHandles.lookup());

    long number();

    long balance();

    String note();

    interface Edit extends Account {
      Edit number(long value);

      Edit balance(long cents);

      Edit note(String text);
    }
  }

  /** How far the hoarder is, in an object, which needs no room to be changed. */
  interface Hoard extends Editable<Hoard.Edit> {
    Type<Hoard> TYPE = Type.of(Hoard.class, MethodHandles.lookup());

    /** How many operations were done: each has kept a value, or found the pool full. */
    long done();

    /** The key of the last value that was kept; what was there before all operations is below 1. */
    long kept();

    /** The key of the last value that was thrown away. */
    long thrown();

    /** The same before all operations: how much there is room for is not told by the seed alone. */
    long stocked();

    /** How long a value may be: it goes by the region at its creation, which may grow since. */
    long longest();

    interface Edit extends Hoard {
      Edit done(long number);

      Edit kept(long key);

      Edit thrown(long key);

      Edit stocked(long key);

      Edit longest(long bytes);
    }
  }

  /** What a pool of this program has. */
  private record Contents(
      PersistentMap<Long, Account> accounts,
      PersistentMap<String, Long> words,
      PersistentMap<Long, String> text,
      Block page,
      PersistentMap<Long, byte[]> values,
      Hoard hoard,
      PersistentMap<Long, Long> done) {
    static Contents of(Pool pool) {
      return new Contents(
          pool.root("accounts", Type.map(Codec.LONG, Account.TYPE)),
          pool.root("words", Type.map(Codec.STRING, Codec.LONG)),
          pool.root("text", Type.map(Codec.LONG, Codec.STRING)),
          pool.root("page", Type.block(PAGE_BYTES)),
          pool.root("values", Type.map(Codec.LONG, Codec.BYTES)),
          pool.root("hoard", Hoard.TYPE),
          pool.root("done", Type.map(Codec.LONG, Codec.LONG)));
    }

    long done(int worker) {
      return worker == HOARDER ? hoard.done() : done.getOrDefault((long) worker, 0L);
    }
  }

  /** What a teller's operation is, told by the seed, the teller and the number. */
  private record Transfer(long from, long to, long amount, String note, boolean replace) {
    static Transfer of(long seed, int teller, long number) {
      SplittableRandom random = new SplittableRandom(seed + teller * 0x9E3779B97F4A7C15L + number);
      long from = random.nextLong(ACCOUNTS);
      long to = random.nextLong(ACCOUNTS);
      // Each teller writes notes to accounts of his own, so that the last one is known.
      String note =
          from % TELLERS == teller && random.nextInt(4) == 0
              ? "note " + number + " ".repeat((int) Math.pow(LONGEST_NOTE, random.nextDouble()))
              : null;
      return new Transfer(from, to, random.nextLong(50), note, random.nextInt(16) == 0);
    }
  }

  private final List<String> lines;

  // The model of the region under way, as far as its operations were done when it was last checked.
  private final long[] modelled = new long[WORKERS];
  private final long[] balances = new long[(int) ACCOUNTS];
  private final String[] notes = new String[(int) ACCOUNTS];
  private final Map<String, Long> counts = new HashMap<>();
  private long foundFull;
  private long thrown;

  /** With a text of its own. */
  public BankAndIndex() {
    this(nursery());
  }

  /**
   * With a text.
   *
   * @param lines the text, at least a line
   */
  BankAndIndex(List<String> lines) {
    if (lines.isEmpty()) {
      throw new IllegalArgumentException("a text has at least one line");
    }
    this.lines = lines;
  }

  private static List<String> nursery() {
    List<String> text = new ArrayList<>();
    for (int i = 0; i < 500; i++) {
      text.add("for want of nail %d the shoe was lost, for want of a shoe the horse".formatted(i));
    }
    return text;
  }

  static String[] words(String line) {
    return line.toLowerCase(Locale.ROOT).split("[^\\p{L}\\p{N}]+");
  }

  @Override
  public long size(long seed) {
    long least = leastSize();
    double most = Math.max(LARGEST_POOL, 2.0 * least);
    return (long)
        (least * Math.exp(new SplittableRandom(seed).nextDouble() * Math.log(most / least)));
  }

  /** How much of its region a pool has at first: all of it, or from a quarter to a half. */
  static long firstSize(long seed, long regionSize) {
    SplittableRandom random = new SplittableRandom(seed + 1);
    return random.nextBoolean() ? regionSize : (long) (regionSize * random.nextDouble(0.25, 0.5));
  }

  /** A size in which everybody finds room once the hoarder has made some, in bytes. */
  long leastSize() {
    return LEAST_POOL + BYTES_PER_CHARACTER * lines.stream().mapToLong(String::length).sum();
  }

  @Override
  public void create(PersistentRegion region, long seed) {
    long poolSize = firstSize(seed, region.size());
    try (Pool pool = Pool.create(region, LAYOUT, poolSize)) {
      Contents contents = Contents.of(pool);
      pool.run(tx -> {
        for (long number = 0; number < ACCOUNTS; number++) {
          tx.edit(contents.accounts).put(number, account(pool, tx, number, OPENING_BALANCE, null));
        }
      });
      for (int i = 0; i < lines.size(); i++) {
        contents.text.put((long) i, lines.get(i));
      }
      thrown = stock(pool, contents, seed, region.size());
    }
    Arrays.fill(modelled, 0);
    Arrays.fill(balances, OPENING_BALANCE);
    Arrays.fill(notes, null);
    counts.clear();
    foundFull = 0;
  }

  /**
   * Keeps values before all operations, up to a share of the pool; returns the key before theirs.
   */
  private static long stock(Pool pool, Contents contents, long seed, long regionSize) {
    long longest = regionSize / VALUES_PER_REGION;
    long left = new SplittableRandom(~seed).nextLong(regionSize);
    long key = 0;
    try {
      while (left > 0) {
        byte[] value = value(seed, key, longest);
        contents.values.put(key, value);
        left -= value.length;
        key--;
      }
    } catch (PoolException.OutOfPoolSpace e) {
      // begins as a full one
    }
    long before = key;
    pool.run(tx -> tx.edit(contents.hoard).thrown(before).stocked(before).longest(longest));
    return before;
  }

  private static Account account(
      Pool pool, Transaction tx, long number, long balance, String note) {
    Account account = pool.make(tx, Account.TYPE);
    tx.edit(account).number(number).balance(balance).note(note);
    return account;
  }

  // ---- in the child

  @Override
  public void work(PersistentRegion region, long seed, Acknowledgements acknowledgements)
      throws InterruptedException {
    workWhile(() -> true, region, seed, acknowledgements);
  }

  /** As {@link #work}, as long as a condition holds. */
  static void workWhile(
      BooleanSupplier condition,
      PersistentRegion region,
      long seed,
      Acknowledgements acknowledgements)
      throws InterruptedException {
    Pool pool = Pool.open(region, LAYOUT);
    Contents contents = Contents.of(pool);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < WORKERS; i++) {
      int worker = i;
      threads.add(
          Thread.ofPlatform()
              .start(() -> {
                long number = contents.done(worker);
                acknowledgements.acknowledge(worker, number);
                while (condition.getAsBoolean()) {
                  if (operate(pool, contents, seed, worker, number + 1)) {
                    acknowledgements.acknowledge(worker, ++number);
                  } else {
                    LockSupport.parkNanos(WAIT_FOR_ROOM_NANOS);
                  }
                }
              }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
  }

  /** Carries out an operation; false if there was no room for it, and it has done nothing. */
  private static boolean operate(Pool pool, Contents contents, long seed, int worker, long number) {
    if (worker == HOARDER) {
      hoard(pool, contents, seed, number);
      return true;
    }
    try {
      pool.run(tx -> {
        switch (worker) {
          case INDEXER -> index(tx, contents, contents.text.get(number % contents.text.size()));
          case CLERK -> writePage(tx, contents, number);
          default -> transfer(pool, tx, contents, Transfer.of(seed, worker, number));
        }
        tx.edit(contents.done).put((long) worker, number);
      });
      return true;
    } catch (PoolException.OutOfPoolSpace e) {
      return false;
    }
  }

  /**
   * Keeps one more value, a small one if there is no room for a larger; if there is none for that
   * either, throws some away, which needs none.
   */
  private static void hoard(Pool pool, Contents contents, long seed, long number) {
    byte[] value = value(seed, contents.hoard.kept() + 1, contents.hoard.longest());
    if (!keep(pool, contents, number, value)
        && !keep(pool, contents, number, Arrays.copyOf(value, LEAST_VALUE))) {
      throwAway(pool, contents, seed, number);
    }
  }

  private static boolean keep(Pool pool, Contents contents, long number, byte[] value) {
    try {
      pool.run(tx -> {
        Hoard.Edit hoard = tx.edit(contents.hoard);
        hoard.kept(hoard.kept() + 1).done(number);
        tx.edit(contents.values).put(hoard.kept(), value);
      });
      return true;
    } catch (PoolException.OutOfPoolSpace e) {
      return false;
    }
  }

  private static void throwAway(Pool pool, Contents contents, long seed, long number) {
    pool.run(tx -> {
      Hoard.Edit hoard = tx.edit(contents.hoard);
      int part = 2 + new SplittableRandom(seed ^ number).nextInt(MOST_PARTS - 1);
      long last = hoard.thrown() + Math.ceilDiv(hoard.kept() - hoard.thrown(), part);
      for (long key = hoard.thrown() + 1; key <= last; key++) {
        tx.edit(contents.values).remove(key);
      }
      hoard.thrown(last).done(number);
    });
  }

  /** What the hoarder keeps under a key, or the beginning of it if there is no room. */
  private static byte[] value(long seed, long key, long longest) {
    SplittableRandom random = new SplittableRandom(seed ^ key * 0x9E3779B97F4A7C15L);
    double range = (double) longest / LEAST_VALUE;
    byte[] value = new byte[(int) (LEAST_VALUE * Math.pow(range, random.nextDouble()))];
    random.nextBytes(value);
    return value;
  }

  private static void index(Transaction tx, Contents contents, String line) {
    Map<String, Long> edit = tx.edit(contents.words);
    for (String word : words(line)) {
      edit.merge(word, 1L, Long::sum);
    }
  }

  private static void writePage(Transaction tx, Contents contents, long number) {
    MemorySegment page = tx.snapshot(contents.page.offset(), PAGE_BYTES);
    for (long at = 0; at < PAGE_BYTES; at += Long.BYTES) {
      page.set(JAVA_LONG, at, number + at);
    }
  }

  private static void transfer(Pool pool, Transaction tx, Contents contents, Transfer transfer) {
    Map<Long, Account> accounts = tx.edit(contents.accounts);
    Account.Edit from = tx.edit(accounts.get(transfer.from));
    from.balance(from.balance() - transfer.amount);
    Account.Edit to = tx.edit(accounts.get(transfer.to));
    to.balance(to.balance() + transfer.amount);
    if (transfer.note != null) {
      from.note(transfer.note);
    }
    if (transfer.replace) {
      Account old = accounts.get(transfer.to);
      accounts.put(transfer.to, account(pool, tx, transfer.to, to.balance(), to.note()));
      pool.free(tx, old);
    }
  }

  // ---- in the parent

  @Override
  public Recovered check(PersistentRegion region, long seed, Acknowledged acknowledged) {
    long start = System.nanoTime();
    try (Pool pool = Pool.open(region, LAYOUT)) {
      Duration took = Duration.ofNanos(System.nanoTime() - start);
      RecoveryReport recovery = pool.recovery();
      CheckReport walk = pool.check();
      require(walk.problems().isEmpty(), "the pool is damaged: " + walk.problems());
      require(walk.leaked().isEmpty(), "blocks are lost: " + walk.leaked());
      Contents contents = Contents.of(pool);
      for (int worker = 0; worker < WORKERS; worker++) {
        long done = contents.done(worker);
        long last = acknowledged.last(worker);
        require(
            done == last || done == last + 1,
            "worker %d: acknowledged %d, done %d".formatted(worker, last, done));
        model(seed, worker, done);
      }
      compare(contents);
      compareHoard(contents, seed);
      return new Recovered(took, recovery.rolledBack());
    }
  }

  private void model(long seed, int worker, long done) {
    for (long number = modelled[worker] + 1; number <= done; number++) {
      if (worker == CLERK || worker == HOARDER) {
        continue;
      }
      if (worker == INDEXER) {
        for (String word : words(lines.get((int) (number % lines.size())))) {
          counts.merge(word, 1L, Long::sum);
        }
      } else {
        Transfer transfer = Transfer.of(seed, worker, number);
        balances[(int) transfer.from] -= transfer.amount;
        balances[(int) transfer.to] += transfer.amount;
        if (transfer.note != null) {
          notes[(int) transfer.from] = transfer.note;
        }
      }
    }
    modelled[worker] = done;
  }

  private void compare(Contents contents) {
    long sum = 0;
    require(contents.accounts.size() == ACCOUNTS, "accounts: " + contents.accounts.size());
    for (Account account : contents.accounts.values()) {
      int number = (int) account.number();
      sum += account.balance();
      require(
          account.balance() == balances[number],
          "account %d has %d and not %d".formatted(number, account.balance(), balances[number]));
      require(
          Objects.equals(account.note(), notes[number]),
          "account %d has the note \"%s\" and not \"%s\""
              .formatted(number, account.note(), notes[number]));
    }
    require(sum == ACCOUNTS * OPENING_BALANCE, "the accounts have " + sum + " together");
    MemorySegment page = contents.page.view();
    for (long at = 0; at < PAGE_BYTES && modelled[CLERK] > 0; at += Long.BYTES) {
      require(
          page.get(JAVA_LONG, at) == modelled[CLERK] + at,
          "the page has %d at %d".formatted(page.get(JAVA_LONG, at), at));
    }
    require(contents.text.size() == lines.size(), "lines: " + contents.text.size());
    Map<String, Long> found = new HashMap<>(contents.words);
    if (!found.equals(counts)) {
      counts.forEach((word, count) ->
          require(
              count.equals(found.get(word)),
              "the word %s was counted %s and not %d".formatted(word, found.get(word), count)));
      throw new AssertionError("words that are in no line: " + found.size());
    }
  }

  /**
   * Which operations found the pool full is not told by the seed: the hoard has it, and the rest
   * goes by that.
   */
  private void compareHoard(Contents contents, long seed) {
    Hoard hoard = contents.hoard;
    String is =
        "the hoard: %d done, kept up to %d, thrown away up to %d, %d there"
            .formatted(hoard.done(), hoard.kept(), hoard.thrown(), contents.values.size());
    long full = hoard.done() - hoard.kept();
    long before = foundFull == 0 ? hoard.stocked() : thrown;
    require(full > foundFull || (full == foundFull && hoard.thrown() == before), is);
    require(hoard.thrown() >= before && hoard.thrown() <= hoard.kept(), is);
    require(contents.values.size() == hoard.kept() - hoard.thrown(), is);
    contents.values.forEach((key, value) -> {
      require(key > hoard.thrown() && key <= hoard.kept(), is + ", among them " + key);
      byte[] whole = value(seed, key, hoard.longest());
      require(
          Arrays.equals(value, whole) || Arrays.equals(value, Arrays.copyOf(whole, LEAST_VALUE)),
          "value " + key + " is another");
    });
    foundFull = full;
    thrown = hoard.thrown();
  }

  private static void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new AssertionError(otherwise);
    }
  }
}
