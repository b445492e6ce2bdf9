// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tx;

import java.util.ArrayList;
import java.util.List;

/** What a transaction was asked to do when its outcome is known. */
final class Hooks {
  private final List<Runnable> onCommit = new ArrayList<>();
  private final List<Runnable> onAbort = new ArrayList<>();

  void afterCommit(Runnable hook) {
    onCommit.add(hook);
  }

  void afterAbort(Runnable hook) {
    onAbort.add(hook);
  }

  int commitCount() {
    return onCommit.size();
  }

  int abortCount() {
    return onAbort.size();
  }

  List<Runnable> of(Outcome outcome) {
    return switch (outcome) {
      case COMMITTED -> copy(onCommit);
      case ABORTED -> copy(onAbort);
      case UNKNOWN -> List.of();
    };
  }

  /** Usually there is none, and then nothing is made. */
  private static List<Runnable> copy(List<Runnable> hooks) {
    return hooks.isEmpty() ? List.of() : List.copyOf(hooks);
  }

  /** Forgets what was asked for since a savepoint, and runs those of it that follow an abort. */
  void rollbackTo(Savepoint savepoint) {
    onCommit.subList(savepoint.commitHooks(), onCommit.size()).clear();
    List<Runnable> undone = onAbort.subList(savepoint.abortHooks(), onAbort.size());
    List<Runnable> hooks = List.copyOf(undone);
    undone.clear();
    run(hooks);
  }

  void clear() {
    if (!onCommit.isEmpty()) {
      onCommit.clear();
    }
    if (!onAbort.isEmpty()) {
      onAbort.clear();
    }
  }

  /** Runs every hook; the first failure is thrown when all have run, the others with it. */
  static void run(List<Runnable> hooks) {
    RuntimeException failure = null;
    for (int i = 0; i < hooks.size(); i++) {
      try {
        hooks.get(i).run();
      } catch (RuntimeException e) {
        if (failure == null) {
          failure = e;
        } else {
          Failures.add(failure, e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
