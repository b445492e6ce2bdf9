// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a test has tried, in a line for people: it is printed, and kept in {@code target/tried} of
 * the module, from where the page of the long search has it.
 */
public final class Tried {
  private static final Path FOLDER = Path.of("target", "tried");

  private Tried() {}

  /**
   * Says what was tried.
   *
   * @param subject what it is about; a later line about the same takes the place of this one
   * @param figures how much, and what came of it
   */
  public static void say(String subject, String figures) {
    String line = subject + ": " + figures;
    IO.println(line);
    try {
      Files.createDirectories(FOLDER);
      Files.writeString(FOLDER.resolve(subject.replaceAll("\\W+", "-") + ".txt"), line + "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
