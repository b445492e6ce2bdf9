// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What several threads did to the entries of a map, each operation with its beginning and its end,
 * until they were killed; and whether there is an order in which it can have happened. An operation
 * that was cut off may have happened or not.
 *
 * <p>This is durable linearizability (Izraelevitz, Mendes, Scott, "Linearizability of Persistent
 * Memory Objects Under a Full-System-Crash Failure Model", DISC 2016): what is read after the
 * recovery is one operation more, which begins when all others have ended. The search is that of
 * Wing and Gong ("Testing and Verifying Concurrent Objects", 1993), for each key by itself, with a
 * memory of what was tried.
 */
public final class History {
  /** No value: of an entry that is not there. */
  public static final long ABSENT = 0;

  /** When an operation ended that did not. */
  public static final long NEVER = Long.MAX_VALUE;

  private final Map<Long, List<Operation>> operations = new TreeMap<>();

  /** What was done to an entry. All of them return what was there before. */
  public enum Kind {
    GET,
    PUT,
    PUT_IF_ABSENT,
    REPLACE,
    REMOVE;

    private long after(long before, long argument) {
      return switch (this) {
        case GET -> before;
        case PUT -> argument;
        case PUT_IF_ABSENT -> before == ABSENT ? argument : before;
        case REPLACE -> before == ABSENT ? ABSENT : argument;
        case REMOVE -> ABSENT;
      };
    }
  }

  /**
   * One operation.
   *
   * @param kind what it does
   * @param argument the value that it was given
   * @param result what was there before, as it said
   * @param begin when it began, by a clock that all threads share
   * @param end when it ended, or {@link #NEVER}
   */
  public record Operation(Kind kind, long argument, long result, long begin, long end) {
    private boolean isCutOff() {
      return end == NEVER;
    }
  }

  /** A history without operations. */
  public History() {}

  /** Adds an operation. */
  public void add(long key, Operation operation) {
    operations.computeIfAbsent(key, k -> new ArrayList<>()).add(operation);
  }

  /** What an entry was, before or after. */
  public interface State {
    long of(long key);
  }

  /**
   * Looks for an order.
   *
   * @param before what the entries were before all operations
   * @param after what they are after the recovery
   * @return the keys for which there is none, each with where the search ended
   */
  public List<String> violations(State before, State after) {
    List<String> found = new ArrayList<>();
    operations.forEach((key, all) -> {
      Search search = new Search(all, before.of(key), after.of(key));
      if (!search.run()) {
        found.add("key " + key + ": " + search.describe());
      }
    });
    return found;
  }

  /** The search for one key, by depth. */
  private static final class Search {
    private final List<Operation> all;
    private final long last;
    private final BitSet done = new BitSet();
    private final Set<Seen> seen = new HashSet<>();
    private int completed;
    private long state;
    private int furthest;

    /** Where the search has been: without success, or it would be over. */
    private record Seen(int first, BitSet done, long state) {}

    /** A step, to be taken back. */
    private record Step(int operation, long before) {}

    Search(List<Operation> operations, long first, long last) {
      this.all =
          operations.stream()
              .sorted(Comparator.comparing(Operation::isCutOff).thenComparingLong(Operation::begin))
              .toList();
      this.state = first;
      this.last = last;
      while (completed < all.size() && !all.get(completed).isCutOff()) {
        completed++;
      }
    }

    boolean run() {
      List<Step> steps = new ArrayList<>();
      int from = 0;
      while (true) {
        if (done.nextClearBit(0) >= completed && state == last) {
          return true;
        }
        int next = candidate(Math.max(from, done.nextClearBit(0)));
        if (next >= 0) {
          steps.add(new Step(next, state));
          done.set(next);
          state = all.get(next).kind.after(state, all.get(next).argument);
          furthest = Math.max(furthest, Math.min(done.nextClearBit(0), completed));
          from = 0;
          int first = done.nextClearBit(0);
          if (seen.add(new Seen(first, done.get(first, all.size()), state))) {
            continue;
          }
          from = all.size();
        } else {
          from = all.size();
        }
        if (steps.isEmpty()) {
          return false;
        }
        Step back = steps.removeLast();
        done.clear(back.operation);
        state = back.before;
        from = back.operation + 1;
      }
    }

    /** The next operation that can come now: it began before any other that is left had ended. */
    private int candidate(int from) {
      long earliestEnd = NEVER;
      for (int i = done.nextClearBit(0); i < completed; i = done.nextClearBit(i + 1)) {
        if (all.get(i).begin > earliestEnd) {
          break;
        }
        earliestEnd = Math.min(earliestEnd, all.get(i).end);
      }
      for (int i = done.nextClearBit(from); i < all.size(); i = done.nextClearBit(i + 1)) {
        Operation one = all.get(i);
        if (one.begin > earliestEnd && i < completed) {
          i = completed - 1;
        } else if (one.begin < earliestEnd && (one.isCutOff() || one.result == state)) {
          return i;
        }
      }
      return -1;
    }

    String describe() {
      int from = Math.max(0, furthest - 3);
      return "after %d of %d operations, near %s; left %d, cut off %s"
          .formatted(
              furthest,
              completed,
              all.subList(from, Math.min(completed, furthest + 4)),
              last,
              all.subList(completed, all.size()));
    }
  }
}
