// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.nio.file.Path;
import java.util.function.Consumer;

/** What a method with {@link KillTest} hands its program to. */
public final class KillCheck extends Check {
  private final KillTest settings;
  private final KillMedium medium;
  private final long seed;
  private final Consumer<String> report;
  private boolean hasRun;

  KillCheck(KillTest settings, KillMedium medium, long seed, Consumer<String> report) {
    this.settings = settings;
    this.medium = medium;
    this.seed = seed;
    this.report = report;
  }

  /**
   * Kills the program.
   *
   * @param program its class
   * @throws AssertionError if something was lost; its message has the seed
   * @throws IllegalArgumentException if the class has no public constructor without arguments
   */
  public void run(Class<? extends KillProgram> program) {
    hasRun = true;
    KillLoop loop = KillLoop.of(program).kills(settings.kills()).seed(seed).medium(medium);
    if (!settings.folder().isEmpty()) {
      loop.folder(Path.of(settings.folder()));
    }
    KillReport found = loop.run();
    report.accept(found.summary());
    if (!found.losses().isEmpty()) {
      throw new AssertionError(found.summary() + "\n  " + String.join("\n  ", found.losses()));
    }
  }

  @Override
  boolean hasRun() {
    return hasRun;
  }
}
