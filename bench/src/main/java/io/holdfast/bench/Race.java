// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Contestants that do the same thing in turns: a row of the results. */
final class Race {
  private record Entry(String name, Contestant contestant, Side side) {}

  private record Aim(String ours, String theirs, double ratio) {}

  private enum Side {
    OURS,
    THEIRS
  }

  private final String what;
  private final int size;
  private final Unit unit;
  private final List<Entry> entries = new ArrayList<>();
  private final List<Aim> aims = new ArrayList<>();

  Race(String what, int size, Unit unit) {
    this.what = what;
    this.size = size;
    this.unit = unit;
  }

  Race(String what, int size) {
    this(what, size, Unit.NANOS);
  }

  Race ours(String name, Contestant contestant) {
    entries.add(new Entry(name, contestant, Side.OURS));
    return this;
  }

  Race theirs(String name, Contestant contestant) {
    entries.add(new Entry(name, contestant, Side.THEIRS));
    return this;
  }

  /** What the first over the second is to reach, if both take part. */
  Race goal(String ours, String theirs, double ratio) {
    aims.add(new Aim(ours, theirs, ratio));
    return this;
  }

  /** Turns as long as the effort says. */
  Row run(Effort effort) throws IOException {
    return row(Rounds.measure(effort, contestants()));
  }

  /** Turns of so many operations. */
  Row run(int rounds, long operations) throws IOException {
    return row(Rounds.measure(rounds, operations, contestants()));
  }

  private List<Contestant> contestants() {
    return entries.stream().map(Entry::contestant).toList();
  }

  private Row row(List<Series> nanos) {
    List<Series> series = nanos.stream().map(unit::of).toList();
    List<Figure> figures = new ArrayList<>();
    for (int i = 0; i < entries.size(); i++) {
      figures.add(Figure.of(entries.get(i).name, series.get(i), ratios(i, series)));
    }
    Row row = new Row(what, size, unit, figures, new ArrayList<>());
    aims.forEach(aim -> addGoal(row, aim));
    return row;
  }

  private List<Figure.Ratio> ratios(int which, List<Series> series) {
    List<Figure.Ratio> ratios = new ArrayList<>();
    for (int i = 0; i < entries.size() && entries.get(which).side == Side.THEIRS; i++) {
      if (entries.get(i).side == Side.OURS) {
        ratios.add(Figure.Ratio.of(entries.get(i).name, series.get(i).over(series.get(which))));
      }
    }
    return ratios;
  }

  private void addGoal(Row row, Aim aim) {
    Figure theirs = row.figure(aim.theirs);
    if (theirs != null) {
      for (Figure.Ratio ratio : theirs.ratios()) {
        if (ratio.ours().equals(aim.ours)) {
          String quantity = aim.ours + " / " + aim.theirs;
          row.goals().add(Goal.of(quantity, unit, aim.ratio, ratio.median()));
        }
      }
    }
  }
}
