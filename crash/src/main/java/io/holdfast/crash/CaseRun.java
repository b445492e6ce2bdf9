// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import io.holdfast.flush.PersistentRegion;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/** A case as a program to be crashed, with the judgement on what is found. */
final class CaseRun<S, M> implements BruteForce.Recovery {
  private final CrashCase<S, M> crashed;
  private final long seed;
  private final List<String> names = new ArrayList<>();
  private final List<Consumer<M>> onModel = new ArrayList<>();

  CaseRun(CrashCase<S, M> crashed, long seed) {
    this.crashed = crashed;
    this.seed = seed;
  }

  long[] start() {
    TracingMedium medium = TracingMedium.ofSize(crashed.size());
    crashed.prepare(medium.region());
    return medium.image();
  }

  /** The program: it marks the end of its opening, and of each operation. */
  void run(TracingMedium medium) {
    names.clear();
    onModel.clear();
    S structure = crashed.open(medium.region());
    medium.mark("open");
    crashed.workload(structure, new Recording(medium, new SplittableRandom(seed)));
  }

  /** What the operations are called, after a run. */
  List<String> names() {
    return List.copyOf(names);
  }

  private final class Recording implements CrashCase.Ops<M> {
    private final TracingMedium medium;
    private final SplittableRandom random;

    Recording(TracingMedium medium, SplittableRandom random) {
      this.medium = medium;
      this.random = random;
    }

    @Override
    public void op(String name, Consumer<M> change, Runnable real) {
      names.add(name);
      onModel.add(change);
      real.run();
      medium.mark(name);
    }

    @Override
    public SplittableRandom random() {
      return random;
    }
  }

  @Override
  public Object recover(PersistentRegion region, List<String> marks) {
    S structure = crashed.open(region);
    crashed.invariants(structure);
    M found = crashed.observe(structure);
    int done = Math.max(0, marks.size() - 1);
    M before = modelAfter(done);
    if (found.equals(before) || done < onModel.size() && found.equals(modelAfter(done + 1))) {
      return found;
    }
    String under = marks.isEmpty() ? "open" : done < names.size() ? names.get(done) : "nothing";
    throw new AssertionError(
        "found %s; acknowledged %s; under way: %s".formatted(found, before, under));
  }

  private M modelAfter(int operations) {
    M model = crashed.model();
    onModel.subList(0, operations).forEach(change -> change.accept(model));
    return model;
  }
}
