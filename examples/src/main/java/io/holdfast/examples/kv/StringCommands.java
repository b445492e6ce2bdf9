// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import static io.holdfast.examples.kv.CommandException.SYNTAX;

import io.holdfast.examples.kv.Command.Course;
import io.holdfast.examples.kv.Command.Keys;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** The commands that work on values. */
final class StringCommands {
  private final Store store;
  private final long longestValue;

  StringCommands(Store store, long longestValue) {
    this.store = store;
    this.longestValue = longestValue;
  }

  List<Command> all() {
    return List.of(
        reads("get", 2, Keys.ONE, this::get),
        reads("mget", -2, Keys.ALL, this::mget),
        reads("strlen", 2, Keys.ONE, this::strlen),
        writes("set", -3, Keys.ONE, this::set),
        writes("setex", 4, Keys.ONE, (client, in, out) -> setExpiring(in, out, 1000)),
        writes("psetex", 4, Keys.ONE, (client, in, out) -> setExpiring(in, out, 1)),
        writes("setnx", 3, Keys.ONE, this::setnx),
        writes("getset", 3, Keys.ONE, this::getset),
        writes("getdel", 2, Keys.ONE, this::getdel),
        writes("mset", -3, Keys.PAIRS, this::mset),
        writes("append", 3, Keys.ONE, this::append),
        writes("incr", 2, Keys.ONE, (client, in, out) -> increase(in, out, 1)),
        writes("decr", 2, Keys.ONE, (client, in, out) -> increase(in, out, -1)),
        writes("incrby", 3, Keys.ONE, (client, in, out) -> increase(in, out, in.integer(2))),
        writes("decrby", 3, Keys.ONE, this::decrby));
  }

  private static Command reads(String name, int arity, Keys keys, Command.Handler handler) {
    return new Command(name, arity, keys, Course.READS, handler);
  }

  private static Command writes(String name, int arity, Keys keys, Command.Handler handler) {
    return new Command(name, arity, keys, Course.WRITES, handler);
  }

  private void get(Connection client, Request in, RespWriter out) {
    out.bulk(store.get(in.bytes(1)));
  }

  private void mget(Connection client, Request in, RespWriter out) {
    out.array(in.count() - 1);
    for (int i = 1; i < in.count(); i++) {
      out.bulk(store.get(in.bytes(i)));
    }
  }

  private void strlen(Connection client, Request in, RespWriter out) {
    byte[] value = store.get(in.bytes(1));
    out.number(value == null ? 0 : value.length);
  }

  /** What may follow {@code SET key value}. */
  private final class SetOptions {
    private long expiry = Store.NEVER;
    private boolean onlyIfAbsent;
    private boolean onlyIfPresent;
    private boolean get;
    private boolean timeGiven;

    SetOptions(Request in) throws CommandException {
      for (int i = 3; i < in.count(); i++) {
        switch (in.keyword(i)) {
          case "NX" -> onlyIfAbsent = true;
          case "XX" -> onlyIfPresent = true;
          case "GET" -> get = true;
          case "KEEPTTL" -> time(Store.KEEP);
          case "EX" -> time(expiry(in, ++i, 1000, store.now()));
          case "PX" -> time(expiry(in, ++i, 1, store.now()));
          case "EXAT" -> time(expiry(in, ++i, 1000, 0));
          case "PXAT" -> time(expiry(in, ++i, 1, 0));
          default -> throw new CommandException(SYNTAX);
        }
      }
      if (onlyIfAbsent && onlyIfPresent) {
        throw new CommandException(SYNTAX);
      }
    }

    private void time(long when) throws CommandException {
      if (timeGiven) {
        throw new CommandException(SYNTAX);
      }
      timeGiven = true;
      expiry = when;
    }
  }

  /** A time that a command names, counted from some moment. */
  private static long expiry(Request in, int index, long unit, long from) throws CommandException {
    if (index >= in.count()) {
      throw new CommandException(SYNTAX);
    }
    long count = in.integer(index);
    if (count <= 0 || count > (Long.MAX_VALUE - from) / unit) {
      throw new CommandException("ERR invalid expire time in '" + in.name() + "' command");
    }
    return from + count * unit;
  }

  private void set(Connection client, Request in, RespWriter out) throws CommandException {
    byte[] key = in.bytes(1);
    if (in.count() == 3) {
      store.put(key, in.bytes(2), Store.NEVER);
      out.ok();
      return;
    }
    SetOptions options = new SetOptions(in);
    byte[] before = options.get ? store.get(key) : null;
    boolean present = options.get ? before != null : store.contains(key);
    boolean done = !(options.onlyIfAbsent && present) && !(options.onlyIfPresent && !present);
    if (done) {
      store.put(key, in.bytes(2), options.expiry);
    }
    if (options.get || !done) {
      out.bulk(before);
    } else {
      out.ok();
    }
  }

  private void setExpiring(Request in, RespWriter out, long unit) throws CommandException {
    store.put(in.bytes(1), in.bytes(3), expiry(in, 2, unit, store.now()));
    out.ok();
  }

  private void setnx(Connection client, Request in, RespWriter out) {
    boolean absent = !store.contains(in.bytes(1));
    if (absent) {
      store.put(in.bytes(1), in.bytes(2), Store.NEVER);
    }
    out.number(absent ? 1 : 0);
  }

  private void getset(Connection client, Request in, RespWriter out) {
    byte[] before = store.get(in.bytes(1));
    store.put(in.bytes(1), in.bytes(2), Store.NEVER);
    out.bulk(before);
  }

  private void getdel(Connection client, Request in, RespWriter out) {
    byte[] before = store.get(in.bytes(1));
    if (before != null) {
      store.remove(in.bytes(1));
    }
    out.bulk(before);
  }

  private void mset(Connection client, Request in, RespWriter out) throws CommandException {
    if (in.count() % 2 == 0) {
      throw new CommandException("ERR wrong number of arguments for 'mset' command");
    }
    for (int i = 1; i < in.count(); i += 2) {
      store.put(in.bytes(i), in.bytes(i + 1), Store.NEVER);
    }
    out.ok();
  }

  private void append(Connection client, Request in, RespWriter out) throws CommandException {
    byte[] before = store.get(in.bytes(1));
    byte[] more = in.bytes(2);
    int had = before == null ? 0 : before.length;
    if ((long) had + more.length > longestValue) {
      throw new CommandException("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    }
    byte[] value = before == null ? more : Arrays.copyOf(before, had + more.length);
    System.arraycopy(more, 0, value, had, more.length);
    store.put(in.bytes(1), value, Store.KEEP);
    out.number(value.length);
  }

  private void decrby(Connection client, Request in, RespWriter out) throws CommandException {
    long by = in.integer(2);
    if (by == Long.MIN_VALUE) {
      throw new CommandException("ERR decrement would overflow");
    }
    increase(in, out, -by);
  }

  private void increase(Request in, RespWriter out, long by) throws CommandException {
    byte[] before = store.get(in.bytes(1));
    long value = before == null ? 0 : Request.integer(before);
    long sum = value + by;
    if (((value ^ sum) & (by ^ sum)) < 0) {
      throw new CommandException("ERR increment or decrement would overflow");
    }
    store.put(in.bytes(1), Long.toString(sum).getBytes(StandardCharsets.US_ASCII), Store.KEEP);
    out.number(sum);
  }
}
