// SPDX-License-Identifier: Apache-2.0
package io.holdfast.crash;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Says which crash it was: a model, then for the crash of the program, and for each one of a
 * recovery, the event before which it came and what was decided about uncertain words, as in
 * "WORD:12:0.1:5:1"; of a case, with the seed of its workload, as in "WORD@7:12:0.1".
 *
 * @param model which images were possible
 * @param seed the seed of the case
 * @param crashes the program's, then those of recoveries
 */
record CrashToken(CrashModel model, long seed, List<Crash> crashes) {

  /**
   * One crash.
   *
   * @param event how many events had happened
   * @param decisions which of its possibilities each uncertain word took, in the order of reading
   */
  record Crash(int event, List<Integer> decisions) {}

  static CrashToken parse(String token) {
    String[] parts = token.split(":", -1);
    try {
      List<Crash> crashes = new ArrayList<>();
      for (int i = 1; i < parts.length; i += 2) {
        List<Integer> decisions =
            Stream.of(parts[i + 1].split("\\."))
                .filter(decision -> !decision.isEmpty())
                .map(Integer::valueOf)
                .toList();
        crashes.add(new Crash(Integer.parseInt(parts[i]), decisions));
      }
      if (!crashes.isEmpty()) {
        String[] head = parts[0].split("@", 2);
        long seed = head.length == 1 ? Explorer.FIRST_SEED : Long.parseLong(head[1]);
        return new CrashToken(CrashModel.valueOf(head[0]), seed, crashes);
      }
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      throw new IllegalArgumentException("no token of a crash: \"" + token + "\"", e);
    }
    throw new IllegalArgumentException("no token of a crash: \"" + token + "\"");
  }

  /** How a token begins. */
  static String head(CrashModel model, long seed) {
    return seed == Explorer.FIRST_SEED ? model.name() : model + "@" + seed;
  }

  /** The point of a trace at which a crash came. */
  Trace.Point point(Trace trace, int level) {
    int event = crashes.get(level).event;
    return trace.points().stream()
        .filter(point -> point.event() == event)
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "the program has no crash point at event %d: %s is of another one, or of one that does not do the same each time"
                    .formatted(event, upTo(level))));
  }

  /** The token of the crash at a level, without those inside its recovery. */
  String upTo(int level) {
    StringBuilder text = new StringBuilder(head(model, seed));
    for (Crash crash : crashes.subList(0, level + 1)) {
      text.append(':').append(crash.event).append(':');
      text.append(String.join(".", crash.decisions.stream().map(String::valueOf).toList()));
    }
    return text.toString();
  }
}
