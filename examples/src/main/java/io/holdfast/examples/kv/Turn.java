// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import io.holdfast.flush.HoldfastException;
import io.holdfast.heap.PoolException.OutOfPoolSpace;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs requests in groups, each group in one transaction. If that fails, for instance because the
 * pool is full, nothing of the group has happened; then each of its requests is run again in a
 * transaction of its own, and those that fail are told why. Replies are sent by the caller after
 * {@link #commit}.
 */
final class Turn {
  private static final Logger LOG = LoggerFactory.getLogger(Turn.class);

  /** A group of so many words fits into the log's ring, whatever they are. */
  private static final int MOST_WORDS = 512;

  private static final long MOST_BYTES = 4 << 20;

  private final Store store;
  private final Map<String, Command> commands = new TreeMap<>();

  /** The same by whichever of the two usual spellings of a name. */
  private final Map<String, Command> byName = new HashMap<>();

  private final List<Call> calls = new ArrayList<>();
  private long bytes;
  private int words;
  private long done;

  /** A request of the group, and how much its client had to read before it. */
  private record Call(Connection client, Request request, Command command, int waiting) {}

  Turn(Store store) {
    this.store = store;
  }

  void add(List<Command> some) {
    for (Command command : some) {
      commands.put(command.name(), command);
      byName.put(command.name(), command);
      byName.put(command.name().toUpperCase(Locale.ROOT), command);
    }
  }

  Map<String, Command> commands() {
    return commands;
  }

  Command command(Request request) {
    Command command = byName.get(request.text(0));
    return command != null ? command : commands.get(request.name());
  }

  /** How many requests were run since the start. */
  long done() {
    return done;
  }

  /** Runs a request; its reply must not be sent yet. */
  void run(Connection client, Request request) {
    done++;
    Command command = command(request);
    if (command == null) {
      refuse(client, unknown(request));
    } else if (!command.accepts(request.count())) {
      refuse(client, "ERR wrong number of arguments for '" + command.name() + "' command");
    } else if (command.course() == Command.Course.ALONE) {
      commit();
      runAlone(new Call(client, request, command, client.writer().waiting()));
    } else {
      runInGroup(new Call(client, request, command, client.writer().waiting()));
    }
  }

  /** Replies to what is in no group, and so must not lie between replies that may be taken back. */
  private void refuse(Connection client, String error) {
    commit();
    client.writer().error(error);
  }

  private static String unknown(Request request) {
    StringBuilder text =
        new StringBuilder("ERR unknown command '" + shortened(request.text(0)) + "', with args")
            .append(" beginning with: ");
    for (int i = 1; i < Math.min(request.count(), 6); i++) {
      text.append('\'').append(shortened(request.text(i))).append("' ");
    }
    return text.toString();
  }

  private static String shortened(String text) {
    return text.substring(0, Math.min(text.length(), 128));
  }

  private void runInGroup(Call call) {
    calls.add(call);
    bytes += call.request.size();
    words += call.request.count();
    try {
      run(call);
    } catch (HoldfastException | OutOfMemoryError e) {
      LOG.debug("a group of {} is run one by one: {}", calls.size(), e.toString());
      runEach();
    }
    if (words >= MOST_WORDS || bytes >= MOST_BYTES) {
      commit();
    }
  }

  private static void run(Call call) {
    try {
      call.command.handler().run(call.client, call.request, call.client.writer());
    } catch (CommandException e) {
      call.client.writer().truncate(call.waiting);
      call.client.writer().error(e.getMessage());
    }
  }

  /** Commits the group. Replies may be sent after it. */
  void commit() {
    try {
      store.commit();
    } catch (HoldfastException | OutOfMemoryError e) {
      LOG.debug("a group of {} is run one by one: {}", calls.size(), e.toString());
      runEach();
    }
    calls.clear();
    bytes = 0;
    words = 0;
  }

  private void runEach() {
    store.abort();
    List<Call> again = List.copyOf(calls);
    calls.clear();
    bytes = 0;
    words = 0;
    Map<Connection, Integer> before = new HashMap<>();
    again.forEach(call -> before.putIfAbsent(call.client, call.waiting));
    before.forEach((client, waiting) -> client.writer().truncate(waiting));
    for (Call call : again) {
      runAlone(new Call(call.client, call.request, call.command, call.client.writer().waiting()));
    }
  }

  private void runAlone(Call call) {
    boolean again;
    do {
      again = false;
      try {
        run(call);
        store.commit();
      } catch (HoldfastException | OutOfMemoryError e) {
        store.abort();
        call.client.writer().truncate(call.waiting);
        again = e instanceof OutOfPoolSpace && store.makeRoom();
        if (!again) {
          call.client.writer().error(told(e));
        }
      }
    } while (again);
  }

  private static String told(Throwable failure) {
    return switch (failure) {
      case OutOfPoolSpace e ->
          "OOM command not allowed when used memory > 'maxmemory': the pool is full";
      case OutOfMemoryError e -> "OOM the server has no memory for this command";
      default -> "ERR " + failure.getMessage();
    };
  }
}
