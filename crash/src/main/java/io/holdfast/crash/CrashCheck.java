// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.util.List;
import java.util.function.Consumer;

/** What a method with {@link CrashTest} or {@link CrashReplay} hands its case to. */
public final class CrashCheck extends Check {
  private final CrashTest settings;
  private final CrashModel model;
  private final long seed;
  private final int operation;
  private final String token;
  private final Consumer<String> report;
  private List<String> operations;

  private CrashCheck(
      CrashTest settings,
      CrashModel model,
      long seed,
      int operation,
      String token,
      Consumer<String> report) {
    this.settings = settings;
    this.model = model;
    this.seed = seed;
    this.operation = operation;
    this.token = token;
    this.report = report;
  }

  static CrashCheck exploring(
      CrashTest settings, CrashModel model, long seed, int operation, Consumer<String> report) {
    return new CrashCheck(settings, model, seed, operation, null, report);
  }

  static CrashCheck replaying(String token) {
    return new CrashCheck(null, null, 0, 0, token, text -> {});
  }

  /**
   * Explores one operation of the case, or tries the one crash again.
   *
   * @param crashed the structure, its workload and its model
   * @throws CrashFailure if the structure is found as it must not be
   * @throws AssertionError if there are more states than the limit, or a rule is broken
   */
  public void run(CrashCase<?, ?> crashed) {
    if (token != null) {
      operations = List.of();
      Explorer.of(crashed).replay(token, crashed);
      return;
    }
    CaseRun<?, ?> run = new CaseRun<>(crashed, seed);
    Explorer explorer = Explorer.of(crashed).model(model).seed(seed);
    Explorer.Report found;
    try {
      found = explorer.nested(settings.nested()).limit(settings.limit()).run(run, operation);
    } finally {
      operations = run.names();
    }
    report.accept(found.toString());
    if (found.points() == 0) {
      throw new AssertionError(
          "the workload has %d operations, and had more when it was run first: it must do the same each time; draw from Ops.random"
              .formatted(operations.size()));
    }
    if (found.cappedPoints() > 0) {
      throw new AssertionError(
          "%d of %d points have more states than limit=%d, and not all were tried: take a larger limit, or a shorter workload"
              .formatted(found.cappedPoints(), found.points(), settings.limit()));
    }
    int last = operations.size();
    LintExtension.refuse(
        found.findings().stream()
            .filter(finding -> Math.min(finding.operation(), last) == operation)
            .toList(),
        settings.allow());
  }

  @Override
  boolean hasRun() {
    return operations != null;
  }

  /** The operations of the case; null if there was none. */
  List<String> operations() {
    return operations;
  }
}
