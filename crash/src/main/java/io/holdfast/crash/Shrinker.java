// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Explains a crash that is not recovered from, by the smallest number of stores that must be
 * missing for that. Starts with what the failing run read, takes everything else as durable, and
 * then makes one unit after the other durable, as long as it still fails.
 */
final class Shrinker {
  private static final int MOST_LINES = 4;

  private final Trace trace;
  private final Trace.Point point;
  private final CrashModel model;
  private final Images images;
  private final List<String> marks;
  private final BruteForce.Recovery recovery;

  /**
   * @param trace of the program, with sites
   * @param point where it crashed
   */
  Shrinker(Trace trace, Trace.Point point, CrashModel model, BruteForce.Recovery recovery) {
    this.trace = trace;
    this.point = point;
    this.model = model;
    this.images = trace.images(point, model);
    this.marks = point.marks();
    this.recovery = recovery;
  }

  /**
   * Some lines, each indented and begun by a line feed; empty if it does not fail again, or no
   * store is missing.
   */
  String explain(Slate.Chooser path) {
    Slate slate = new Slate(images.base());
    fails(new TracingMedium(images, path, model.granularity(), slate, null));
    int[] taken = slate.most();
    List<Images.Unit> units = images.units();
    if (!fails(taken)) {
      return "";
    }
    for (int i = 0; i < taken.length; i++) {
      int before = taken[i];
      taken[i] = units.get(i).most();
      if (before != taken[i] && !fails(taken)) {
        taken[i] = before;
      }
    }
    return tell(units, taken);
  }

  private boolean fails(int[] taken) {
    return fails(new TracingMedium(images.image(taken), model.granularity()));
  }

  private boolean fails(TracingMedium medium) {
    try {
      Object ignored = recovery.recover(medium.region(), marks);
      return false;
    } catch (RuntimeException | Error e) {
      return true;
    }
  }

  private String tell(List<Images.Unit> units, int[] taken) {
    List<Trace.Store> missing = new ArrayList<>();
    List<Trace.Store> there = new ArrayList<>();
    for (int i = 0; i < taken.length; i++) {
      Trace.Store[] stores = units.get(i).stores();
      there.addAll(Arrays.asList(stores).subList(0, taken[i]));
      missing.addAll(Arrays.asList(stores).subList(taken[i], stores.length));
    }
    if (missing.isEmpty()) {
      return tellTheNext();
    }
    missing.sort(Comparator.comparingInt(Trace.Store::event));
    StringBuilder text = new StringBuilder();
    for (Trace.Store store : missing.subList(0, Math.min(missing.size(), MOST_LINES))) {
      text.append("\n  not durable: ").append(tell(store));
    }
    if (missing.size() > MOST_LINES) {
      text.append("\n  and %d stores more".formatted(missing.size() - MOST_LINES));
    }
    int first = missing.getFirst().event();
    there.stream()
        .filter(store -> store.event() > first)
        .max(Comparator.comparingInt(Trace.Store::event))
        .ifPresent(store -> text.append("\n  durable:     ").append(tell(store)));
    return text.toString();
  }

  /** It fails with everything there that was stored: what is missing was not stored yet. */
  private String tellTheNext() {
    Trace.Store next = trace.storeAfter(point);
    if (next == null) {
      return "";
    }
    StringBuilder text = new StringBuilder("\n  not yet made: ").append(tell(next));
    Trace.Store last = trace.storeBefore(point);
    if (last != null) {
      text.append("\n  durable, as all before: ").append(tell(last));
    }
    return text.toString();
  }

  private static String tell(Trace.Store store) {
    return "offset %d = 0x%X, stored by %s"
        .formatted(8L * store.word(), store.value(), store.call().site());
  }
}
