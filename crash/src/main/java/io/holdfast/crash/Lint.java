// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Goes once through a trace of a run, without a crash, and looks for broken rules. The trace must
 * have recorded calls.
 *
 * <p>Stores are judged by what was declared: inside a transaction a store must be to a range whose
 * old or new contents are in a log, or that is newly allocated; and what is in a log need not be
 * durable in place when the operation is acknowledged. Without declarations, every word has to be.
 * Copies past the cache are how logs are written, and the fence that makes them follows in the same
 * call.
 */
final class Lint {
  private static final int LINE_WORDS = 8;

  private final Trace trace;
  private final Set<LintFinding> findings = new LinkedHashSet<>();
  private final Set<String> told = new HashSet<>();
  private int marks;

  // Stores that no fence has covered, by their word; and of which no log has the contents.
  private final TreeMap<Integer, Trace.Store> unfenced = new TreeMap<>();
  private final Set<Integer> covered = new HashSet<>();
  private final Set<Integer> reported = new HashSet<>();

  // What was declared: by a transaction under way, and what stays.
  private final Map<Long, Work> works = new HashMap<>();
  private final BitSet kept = new BitSet();
  private final BitSet freed = new BitSet();
  private final BitSet lent = new BitSet();

  // Which transactions stored to a line since it was last written back, and how often it may be
  // written back again: each of them does that with a fence of its own, not knowing of the others.
  private final Map<Integer, Set<Integer>> intendedBy = new HashMap<>();
  private final Map<Integer, Integer> owed = new HashMap<>();
  private int ended;

  // Words read while another thread's store to them was not durable.
  private final Map<Long, Map<Integer, Trace.DirtyRead>> dirty = new HashMap<>();

  // What words hold, and held before the compare-and-set that no fence has covered.
  private final Map<Integer, Long> contents = new HashMap<>();
  private final Map<Integer, Long> beforeLock = new HashMap<>();

  /** What the transactions under way of a thread may store to. */
  private static final class Work {
    private int transactions;
    private final BitSet snapshots = new BitSet();
    private final BitSet intents = new BitSet();
    private final BitSet allocated = new BitSet();
    private final BitSet scratch = new BitSet();

    boolean allows(int word) {
      return snapshots.get(word) || allocated.get(word) || isHarmless(word);
    }

    /** Whether a crash right after a store is harmless. */
    boolean isHarmless(int word) {
      return intents.get(word) || scratch.get(word);
    }
  }

  private Lint(Trace trace) {
    this.trace = trace;
  }

  /** What a run did that it must not, or need not have done; each line of code once. */
  static List<LintFinding> of(Trace trace) {
    Lint lint = new Lint(trace);
    trace.events().forEach(lint::visit);
    lint.end();
    return List.copyOf(lint.findings);
  }

  private void visit(Trace.Event event) {
    switch (event) {
      case Trace.Store store -> store(store);
      case Trace.Fence fence -> fence(fence);
      case Trace.Mark mark -> mark(mark);
      case Trace.Declared declared -> declared(declared);
      case Trace.Lent range -> lent.set(range.first(), range.end());
      case Trace.DirtyRead read ->
          dirty.computeIfAbsent(read.call().thread(), _ -> new HashMap<>()).put(read.word(), read);
    }
  }

  private void find(LintRule rule, String text, Object site) {
    if (told.add(rule + " " + site)) {
      findings.add(new LintFinding(rule, marks, text + site));
    }
  }

  private static String at(int word) {
    return "offset " + 8L * word;
  }

  // ---- stores

  private void store(Trace.Store store) {
    if (store.call().kind() != Trace.Kind.PAST_THE_CACHE) {
      judge(store);
      goOn(store.call());
    }
    lock(store);
    int word = store.word();
    Work work = works.get(store.call().thread());
    unfenced.put(word, store);
    reported.remove(word);
    if (work != null && work.isHarmless(word)) {
      covered.add(word);
    } else {
      covered.remove(word);
    }
    contents.put(word, store.value());
  }

  private void judge(Trace.Store store) {
    int word = store.word();
    Work work = works.get(store.call().thread());
    if (work != null && work.allows(word)) {
      return;
    }
    if (freed.get(word)) {
      find(
          LintRule.STORED_AFTER_FREE,
          "%s is in a block that was freed, and was stored by ".formatted(at(word)),
          store.call().site());
    } else if (work != null && work.transactions > 0) {
      find(
          LintRule.NOT_LOGGED,
          "%s was stored in a transaction whose log does not hold it, by ".formatted(at(word)),
          store.call().site());
    } else if (kept.get(word)) {
      boolean alone = store.call().kind().isOrdered() || isAlone(store);
      find(
          alone ? LintRule.NOT_LOGGED : LintRule.TORN_UPDATE,
          (alone
                  ? "%s is kept by transactions, and was stored outside of one by "
                  : "%s and words after it are kept by transactions, and were stored at once outside of one by ")
              .formatted(at(word)),
          store.call().site());
    }
  }

  private boolean isAlone(Trace.Store store) {
    return trace.events().stream()
        .noneMatch(event ->
            event != store
                && event instanceof Trace.Store
                && event.call().number() == store.call().number());
  }

  /** A compare-and-set, and the former value again before a fence. */
  private void lock(Trace.Store store) {
    int word = store.word();
    Long before = beforeLock.get(word);
    if (before != null && before == store.value()) {
      find(
          LintRule.LOCK_IN_REGION,
          "%s was changed by compare-and-set and is put back, as a lock is; what a lock protects is gone with the process, and the lock is not: keep it in memory: "
              .formatted(at(word)),
          store.call().site());
      beforeLock.remove(word);
    } else if (store.call().kind() == Trace.Kind.COMPARE_AND_SET && !isCovered(store)) {
      beforeLock.putIfAbsent(word, contents.getOrDefault(word, trace.start().floor(word)));
    }
  }

  private boolean isCovered(Trace.Store store) {
    Work work = works.get(store.call().thread());
    return work != null && work.allows(store.word());
  }

  /** A thread has done something that may follow from what it read. */
  private void goOn(Trace.Call call) {
    Map<Integer, Trace.DirtyRead> reads = dirty.remove(call.thread());
    if (reads == null) {
      return;
    }
    for (Trace.DirtyRead read : reads.values()) {
      Trace.Store store = unfenced.get(read.word());
      if (store != null
          && store.call().thread() != call.thread()
          && !covered.contains(read.word())) {
        find(
            LintRule.DIRTY_READ,
            "%s was stored by %s; before that was durable, another thread went on from it, at "
                .formatted(at(read.word()), store.call().site()),
            call.site());
      }
    }
  }

  // ---- fences

  private void fence(Trace.Fence fence) {
    int[] written = fence.written();
    boolean waits = fence.copied().length > 0;
    List<Integer> clean = new ArrayList<>();
    for (int r = 0; r < written.length; r += 2) {
      for (int line = written[r]; line < written[r + 1]; line += LINE_WORDS) {
        if (isClean(line)) {
          clean.add(line);
        } else {
          waits = true;
        }
      }
    }
    Trace.Kind kind = fence.call().kind();
    if (kind == Trace.Kind.FENCE && !waits) {
      find(LintRule.REDUNDANT_FENCE, "nothing had been stored for it: ", fence.call().site());
    } else if (kind != Trace.Kind.SYNC && !clean.isEmpty()) {
      find(
          LintRule.REDUNDANT_WRITEBACK,
          "nothing had been stored to the line at %s: ".formatted(at(clean.getFirst())),
          fence.call().site());
    }
    settle(written);
    settle(fence.copied());
  }

  /** Whether there is nothing to write back to a line, for all that is known. */
  private boolean isClean(int line) {
    int next = lent.nextSetBit(line);
    if (next >= 0 && next < line + LINE_WORDS) {
      return false;
    }
    int more = owed.getOrDefault(line, 0) + intendedBy.getOrDefault(line, Set.of()).size() - 1;
    intendedBy.remove(line);
    if (more > 0) {
      owed.put(line, more);
    } else {
      owed.remove(line);
    }
    return unfenced.subMap(line, line + LINE_WORDS).isEmpty() && more < 0;
  }

  private void settle(int[] ranges) {
    for (int r = 0; r < ranges.length; r += 2) {
      Map<Integer, Trace.Store> durable = unfenced.subMap(ranges[r], ranges[r + 1]);
      beforeLock.keySet().removeAll(durable.keySet());
      durable.clear();
    }
  }

  // ---- marks and the end

  private void mark(Trace.Mark mark) {
    goOn(mark.call());
    Work open = works.getOrDefault(mark.call().thread(), new Work());
    unfenced.forEach((word, store) -> {
      if (store.call().thread() == mark.call().thread()
          && !covered.contains(word)
          && !open.allows(word)
          && reported.add(word)) {
        find(
            LintRule.NOT_DURABLE_AT_ACKNOWLEDGEMENT,
            "%s was not durable when \"%s\" was acknowledged; it was stored by "
                .formatted(at(word), mark.name()),
            store.call().site());
      }
    });
    marks++;
  }

  private void end() {
    unfenced.forEach((word, store) -> {
      if (!covered.contains(word) && !reported.contains(word)) {
        find(
            LintRule.NEVER_DURABLE,
            "%s was never made durable; it was stored by ".formatted(at(word)),
            store.call().site());
      }
    });
  }

  // ---- declarations

  private void declared(Trace.Declared declared) {
    long thread = declared.call().thread();
    int first = declared.first();
    int end = declared.end();
    Work work = works.computeIfAbsent(thread, _ -> new Work());
    switch (declared.what()) {
      case BEGIN -> work.transactions++;
      case SAVEPOINT -> {
        if (work.transactions == 1) {
          work.snapshots.clear();
          work.allocated.clear();
        }
      }
      case END -> {
        work.transactions--;
        if (work.transactions <= 0) {
          works.remove(thread);
        }
        ended++;
      }
      case SNAPSHOT -> {
        int twice = work.snapshots.nextSetBit(first);
        if (twice >= 0 && twice < end) {
          find(
              LintRule.LOGGED_TWICE,
              "%s was in the transaction's log already: ".formatted(at(twice)),
              declared.call().site());
        }
        work.snapshots.set(first, end);
        kept.set(first, end);
      }
      case INTENT -> {
        if (work.transactions == 0) {
          return;
        }
        work.intents.set(first, end);
        kept.set(first, end);
        unfenced.subMap(first, end).keySet().forEach(covered::add);
        for (int line = first & -LINE_WORDS; line < end; line += LINE_WORDS) {
          intendedBy.computeIfAbsent(line, _ -> new HashSet<>()).add(ended);
        }
      }
      case ALLOCATED -> {
        work.allocated.set(first, end);
        freed.clear(first, end);
      }
      case SCRATCH -> work.scratch.set(first, end);
      case FREED -> {
        freed.set(first, end);
        kept.clear(first, end);
        lent.clear(first, end);
        unfenced.subMap(first, end).keySet().forEach(covered::add);
      }
    }
  }
}
