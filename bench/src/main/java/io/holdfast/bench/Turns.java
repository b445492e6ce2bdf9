// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** The other end of a {@link Program}'s pipe, for contestants in Java. */
final class Turns {
  private Turns() {}

  /** One thing that the contestant can do. */
  interface Command {
    /**
     * Does it.
     *
     * @return the nanoseconds that it took
     */
    long run(int count, long operations) throws Exception;
  }

  /** Says that the contestant is ready, then does what it is told until there is nothing more. */
  static void take(String description, Map<String, Command> commands) throws Exception {
    BufferedReader told =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    System.out.println(Program.READY + " " + description);
    for (String line = told.readLine(); line != null; line = told.readLine()) {
      String[] words = line.split(" ", 3);
      System.out.println(
          commands.get(words[0]).run(Integer.parseInt(words[1]), Long.parseLong(words[2])));
    }
  }

  /** Says why the contestant cannot take part. */
  static void missing(Throwable problem) {
    String why = problem.toString().lines().findFirst().orElse("");
    System.out.println(Program.MISSING + " " + why);
  }
}
