// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.Declaration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/**
 * What happened to a medium: stores, fences and marks in order. It tells at which points a crash
 * has to be tried, and which images a crash there may leave.
 *
 * <p>Points before each fence takes effect and at each mark are enough: between two of these stores
 * are only added and nothing becomes certain, so the images of an earlier moment are among those of
 * the next point.
 */
public final class Trace {
  private static final int LINE_WORDS = 8;

  /** The key of the one window that has all ordered stores; before all fences. */
  private static final int ALL = -1;

  private final Images start;
  private final Event[] events;

  private Trace(Images start, Event[] events) {
    this.start = start;
    this.events = events;
  }

  sealed interface Event {
    /** By whom; of everything but stores and fences, nothing is known unless calls are recorded. */
    Call call();
  }

  /** What a medium was called to do. */
  enum Kind {
    STORE,
    COMPARE_AND_SET,
    /** A copy into the region, through the cache. */
    COPY,
    /** A copy past the cache, made together with a fence. */
    PAST_THE_CACHE,
    /** A store through a segment, of which only is known that it was made. */
    SEGMENT,
    LOAD,
    FENCE,
    /** A fence that may be there for the faults that it surfaces. */
    SURFACE,
    /** A fence for everything, however much that is. */
    SYNC,
    MARK,
    DECLARATION;

    /** Whether a store is made in the order of the program. */
    boolean isOrdered() {
      return this == STORE || this == COMPARE_AND_SET;
    }
  }

  /**
   * A call of a medium.
   *
   * @param number of the calls that were recorded; 0 if it was not
   * @param thread the thread that made it
   * @param site the line of code that made it; null if it was not recorded
   */
  record Call(Kind kind, int number, long thread, CallSite site) {
    private static final Map<Kind, Call> NOT_RECORDED = new EnumMap<>(Kind.class);

    static {
      for (Kind kind : Kind.values()) {
        NOT_RECORDED.put(kind, new Call(kind, 0, 0, null));
      }
    }
  }

  /**
   * A store of a word.
   *
   * @param event how many events were before it
   * @param word which word
   * @param value what it holds afterwards
   */
  record Store(int event, int word, long value, Call call) implements Event {
    boolean isOrdered() {
      return call.kind.isOrdered();
    }
  }

  /**
   * A fence and what it covers, as pairs of the first word and the one after the last.
   *
   * @param written lines that were written back
   * @param copied what was copied past the cache before
   */
  @SuppressWarnings("ArrayRecordComponent") // not changed, and not compared
  record Fence(int[] written, int[] copied, Call call) implements Event {}

  record Mark(String name, Call call) implements Event {}

  /** A range of words was declared to be something. */
  record Declared(Declaration what, int first, int end, Call call) implements Event {}

  /** A range of words was lent to be written through a segment; what was, is known in part. */
  record Lent(int first, int end, Call call) implements Event {}

  /** A thread read a word that another had stored, and no fence had covered. */
  record DirtyRead(int word, Call call) implements Event {}

  /** Collects events for a medium. */
  static final class Recorder {
    private final List<Event> events = new ArrayList<>();
    private boolean recordsCalls;
    private int calls;
    private final Map<Integer, Long> unfenced = new HashMap<>();

    /** From now on, each call is recorded, with its thread and the line that made it. */
    void recordCalls() {
      recordsCalls = true;
    }

    boolean recordsCalls() {
      return recordsCalls;
    }

    Call call(Kind kind) {
      return recordsCalls
          ? new Call(kind, ++calls, Thread.currentThread().threadId(), CallSite.current())
          : Call.NOT_RECORDED.get(kind);
    }

    void store(int word, long value, Call call) {
      events.add(new Store(events.size(), word, value, call));
      if (recordsCalls) {
        unfenced.put(word, call.thread);
      }
    }

    void load(int first, int end) {
      if (!recordsCalls) {
        return;
      }
      for (int word = first; word < end; word++) {
        Long thread = unfenced.get(word);
        if (thread != null && thread != Thread.currentThread().threadId()) {
          events.add(new DirtyRead(word, call(Kind.LOAD)));
        }
      }
    }

    void fence(Kind kind, List<long[]> written, List<long[]> copied) {
      Fence fence = new Fence(words(written), words(copied), call(kind));
      events.add(fence);
      if (recordsCalls) {
        forget(fence.written);
        forget(fence.copied);
      }
    }

    private void forget(int[] ranges) {
      for (int r = 0; r < ranges.length; r += 2) {
        for (int word = ranges[r]; word < ranges[r + 1]; word++) {
          unfenced.remove(word);
        }
      }
    }

    /** The words of whole lines. */
    private static int[] words(List<long[]> ranges) {
      return ranges.stream()
          .flatMapToInt(range ->
              IntStream.of(
                  (int) (range[0] & -64) / 8, (int) ((range[0] + range[1] + 63) & -64) / 8))
          .toArray();
    }

    void mark(String name) {
      events.add(new Mark(name, call(Kind.MARK)));
    }

    void lend(int first, int end) {
      events.add(new Lent(first, end, call(Kind.SEGMENT)));
    }

    void declare(Declaration what, long offset, long bytes) {
      int first = (int) (offset / 8);
      int end = (int) ((offset + bytes + 7) / 8);
      events.add(new Declared(what, first, end, call(Kind.DECLARATION)));
    }

    Trace trace(Images start) {
      return new Trace(start, events.toArray(new Event[0]));
    }
  }

  List<Event> events() {
    return Arrays.asList(events);
  }

  /** What was there before anything happened. */
  Images start() {
    return start;
  }

  /**
   * A moment at which a crash is tried.
   *
   * @param event how many events had happened
   * @param marks the marks among them, in order
   * @param cause what comes next: a fence, a mark, or the end
   */
  public record Point(int event, List<String> marks, String cause) {}

  /**
   * The moments at which a crash has to be tried.
   *
   * @return the points, in order; the last is the end of the trace
   */
  public List<Point> points() {
    List<Point> points = new ArrayList<>();
    List<String> marks = new ArrayList<>();
    int fences = 0;
    for (int i = 0; i < events.length; i++) {
      if (events[i] instanceof Fence) {
        points.add(new Point(i, List.copyOf(marks), "before fence " + ++fences));
      } else if (events[i] instanceof Mark mark) {
        points.add(new Point(i, List.copyOf(marks), "before " + mark.name));
        marks.add(mark.name);
      }
    }
    points.add(new Point(events.length, List.copyOf(marks), "at the end"));
    return points;
  }

  /** The last store before a point; null if there is none. */
  Store storeBefore(Point point) {
    for (int i = point.event - 1; i >= 0; i--) {
      if (events[i] instanceof Store store) {
        return store;
      }
    }
    return null;
  }

  /** The first store after a point; null if there is none. */
  Store storeAfter(Point point) {
    for (int i = point.event; i < events.length; i++) {
      if (events[i] instanceof Store store) {
        return store;
      }
    }
    return null;
  }

  /**
   * How many fences there are.
   *
   * @return the number
   */
  public int fences() {
    return (int) Arrays.stream(events).filter(Fence.class::isInstance).count();
  }

  /**
   * Makes every image that a crash at a point may leave.
   *
   * @param point one of {@link #points}
   * @param model which images are possible
   * @param consumer is given each
   */
  public void forEachImage(Point point, CrashModel model, Consumer<long[]> consumer) {
    images(point, model).forEach(consumer);
  }

  /**
   * Makes some of the images that a crash at a point may leave: the oldest, the newest, each unit
   * alone old or new against these, and random ones.
   *
   * @param point one of {@link #points}
   * @param model which images are possible
   * @param random how many random ones
   * @param consumer is given each
   */
  public void forSomeImages(Point point, CrashModel model, int random, Consumer<long[]> consumer) {
    images(point, model).sample(random, point.event, consumer);
  }

  /** The images that a crash at a point may leave. */
  Images images(Point point, CrashModel model) {
    Map<Integer, Long> certain = new HashMap<>();
    TreeMap<Integer, Window> windows = new TreeMap<>();
    int from = model.keepsOrder() ? previous(point) : 0;
    for (int i = 0; i < point.event; i++) {
      switch (events[i]) {
        case Store store -> {
          boolean ordered = store.isOrdered();
          if (i < from && ordered) {
            certain.put(store.word, store.value);
          } else {
            windows.computeIfAbsent(key(store, model), _ -> new Window()).add(store, ordered);
          }
        }
        case Fence fence -> {
          if (model == CrashModel.PROCESS) {
            settle(new int[] {0, Integer.MAX_VALUE}, windows, model, certain);
          } else {
            settle(fence.written, windows, model, certain);
            settle(fence.copied, windows, model, certain);
          }
        }
        case Mark _, Declared _, Lent _, DirtyRead _ -> {}
      }
    }
    List<Images.Unit> units = new ArrayList<>();
    windows.values().forEach(window -> window.addUnits(units, start, certain));
    return start.under(new Images.Layer(certain, units));
  }

  private static void settle(
      int[] ranges,
      NavigableMap<Integer, Window> windows,
      CrashModel model,
      Map<Integer, Long> certain) {
    for (int r = 0; r < ranges.length; r += 2) {
      Map<Integer, Window> covered =
          windows.subMap(key(ranges[r], model), endKey(ranges[r + 1], model));
      covered.values().forEach(window -> window.settle(certain));
      covered.clear();
    }
  }

  /** The event of the point before a point. */
  private int previous(Point point) {
    int before = 0;
    for (int i = 0; i < point.event; i++) {
      if (events[i] instanceof Fence || events[i] instanceof Mark) {
        before = i;
      }
    }
    return before;
  }

  private static int key(Store store, CrashModel model) {
    return model.keepsOrder() && store.isOrdered() ? ALL : key(store.word, model);
  }

  private static int key(int word, CrashModel model) {
    return model == CrashModel.X86_LINE ? word / LINE_WORDS : word;
  }

  private static int endKey(int endWord, CrashModel model) {
    return model == CrashModel.X86_LINE ? (endWord + LINE_WORDS - 1) / LINE_WORDS : endWord;
  }

  /** Stores to a word, a line, or anywhere, that no fence has made certain. */
  private static final class Window {
    private final List<Store> stores = new ArrayList<>();
    private boolean isOrdered = true;

    void add(Store store, boolean ordered) {
      stores.add(store);
      isOrdered &= ordered;
    }

    void settle(Map<Integer, Long> certain) {
      stores.forEach(store -> certain.put(store.word, store.value));
    }

    /** Where one store has no order, no word has one with another. */
    void addUnits(List<Images.Unit> units, Images start, Map<Integer, Long> certain) {
      Map<Integer, List<Store>> parts = new TreeMap<>();
      for (Store store : stores) {
        parts.computeIfAbsent(isOrdered ? 0 : store.word, _ -> new ArrayList<>()).add(store);
      }
      for (List<Store> part : parts.values()) {
        List<Store> effective = withoutRepetition(part, start, certain);
        if (!effective.isEmpty()) {
          units.add(new Images.Unit(effective.toArray(new Store[0]), 0, effective.size()));
        }
      }
    }

    /**
     * Of one word, the different values that it may have; of several, whatever changes something.
     * Where the word may hold different things below, a store always changes something.
     */
    private static List<Store> withoutRepetition(
        List<Store> part, Images start, Map<Integer, Long> certain) {
      boolean oneWord = part.stream().allMatch(store -> store.word == part.getFirst().word);
      Map<Integer, Set<Long>> known = new HashMap<>();
      List<Store> effective = new ArrayList<>();
      for (Store store : part) {
        Set<Long> seen = known.computeIfAbsent(store.word, word -> below(word, start, certain));
        if (!oneWord) {
          if (!seen.equals(Set.of(store.value))) {
            effective.add(store);
          }
          known.put(store.word, Set.of(store.value));
        } else if (seen.add(store.value)) {
          effective.add(store);
        }
      }
      return effective;
    }

    private static Set<Long> below(int word, Images start, Map<Integer, Long> certain) {
      Set<Long> values = new HashSet<>();
      if (certain.containsKey(word)) {
        values.add(certain.get(word));
      } else if (start.isCertain()) {
        values.add(start.floor(word));
      }
      return values;
    }
  }
}
