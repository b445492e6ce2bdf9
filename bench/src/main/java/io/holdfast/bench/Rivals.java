// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Contestants in processes of their own. Whoever cannot take part is left out, and that is said.
 */
final class Rivals implements AutoCloseable {
  private final Journal journal;
  private final Map<String, Program> programs = new LinkedHashMap<>();

  Rivals(Journal journal) {
    this.journal = journal;
  }

  /** Starts a program. */
  interface Start {
    Program run() throws IOException, Unavailable;
  }

  /** Starts one, without waiting until it is ready. */
  void start(String name, Start start) throws IOException {
    try {
      programs.put(name, start.run());
    } catch (Unavailable e) {
      leaveOut(name, e);
    }
  }

  /** Waits for all of them, and notes what they say of themselves. */
  void awaitReady() throws IOException {
    for (String name : programs.keySet().toArray(String[]::new)) {
      try {
        String description = programs.get(name).awaitReady();
        if (!description.isEmpty()) {
          journal.note(name + ": " + description);
        }
      } catch (Unavailable e) {
        leaveOut(name, e);
        programs.remove(name).close();
      }
    }
  }

  private void leaveOut(String name, Unavailable why) {
    journal.note("without " + name + ": " + why.getMessage());
  }

  boolean has(String name) {
    return programs.containsKey(name);
  }

  /** Tells one of them, which must be here, to do something, and returns what it says then. */
  String ask(String name, String command, int count, long operations) throws IOException {
    return programs.get(name).ask(command, count, operations);
  }

  /** One thing that one of them can do, which is stopped but for its turns. */
  Contestant commandAlone(String name, String command, int count) throws IOException {
    return programs.get(name).commandAlone(command, count);
  }

  /** One thing that one of them can do. */
  Contestant command(String name, String command, int count) {
    return programs.get(name).command(command, count);
  }

  /** Puts one of them into a race, if it is here. */
  void enter(Race race, String name, String command, int count) {
    enter(race, name, name, command, count);
  }

  /** The same, under another name. */
  void enter(Race race, String name, String as, String command, int count) {
    if (has(name)) {
      race.theirs(as, programs.get(name).command(command, count));
    }
  }

  /** Ends them all. */
  @Override
  public void close() throws IOException {
    IOException first = null;
    for (Program program : programs.values()) {
      try {
        program.close();
      } catch (IOException e) {
        first = e;
      }
    }
    if (first != null) {
      throw first;
    }
  }
}
