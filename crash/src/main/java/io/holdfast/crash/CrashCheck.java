// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.util.function.Consumer;

/** What a method with {@link CrashTest} or {@link CrashReplay} hands its case to. */
public final class CrashCheck {
  private final CrashTest settings;
  private final CrashModel model;
  private final String token;
  private final Consumer<String> report;

  private CrashCheck(CrashTest settings, CrashModel model, String token, Consumer<String> report) {
    this.settings = settings;
    this.model = model;
    this.token = token;
    this.report = report;
  }

  static CrashCheck exploring(CrashTest settings, CrashModel model, Consumer<String> report) {
    return new CrashCheck(settings, model, null, report);
  }

  static CrashCheck replaying(String token) {
    return new CrashCheck(null, null, token, text -> {});
  }

  /**
   * Explores the case, or tries the one crash again.
   *
   * @param crashed the structure, its workload and its model
   * @throws CrashFailure if the structure is found as it must not be
   * @throws AssertionError if there are more states than the limit
   */
  public void run(CrashCase<?, ?> crashed) {
    if (token != null) {
      Explorer.of(crashed).replay(token, crashed);
      return;
    }
    Explorer.Report found =
        Explorer.of(crashed)
            .model(model)
            .nested(settings.nested())
            .limit(settings.limit())
            .run(crashed);
    report.accept(found.toString());
    if (found.cappedPoints() > 0) {
      throw new AssertionError(
          "%d of %d points have more states than limit=%d, and not all were tried: take a larger limit, or a shorter workload"
              .formatted(found.cappedPoints(), found.points(), settings.limit()));
    }
  }
}
