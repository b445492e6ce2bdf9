// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import static io.holdfast.examples.kv.CommandException.SYNTAX;

import io.holdfast.examples.kv.Command.Course;
import io.holdfast.examples.kv.Command.Keys;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The commands that work on keys, whatever their values are. */
final class KeyCommands {
  private static final int SCAN_COUNT = 10;
  private static final byte[] EVERYTHING = {'*'};

  private final Store store;

  KeyCommands(Store store) {
    this.store = store;
  }

  List<Command> all() {
    return List.of(
        new Command("del", -2, Keys.ALL, Course.WRITES, this::del),
        new Command("unlink", -2, Keys.ALL, Course.WRITES, this::del),
        new Command("exists", -2, Keys.ALL, Course.READS, this::exists),
        new Command("type", 2, Keys.ONE, Course.READS, this::type),
        new Command("rename", 3, Keys.TWO, Course.WRITES, this::rename),
        expires("expire", 1000, true),
        expires("pexpire", 1, true),
        expires("expireat", 1000, false),
        expires("pexpireat", 1, false),
        new Command("persist", 2, Keys.ONE, Course.WRITES, this::persist),
        new Command("ttl", 2, Keys.ONE, Course.READS, (c, in, out) -> ttl(in, out, 1000)),
        new Command("pttl", 2, Keys.ONE, Course.READS, (c, in, out) -> ttl(in, out, 1)),
        new Command("keys", 2, Keys.NONE, Course.ALONE, this::keys),
        new Command("scan", -2, Keys.NONE, Course.ALONE, this::scan),
        new Command("randomkey", 1, Keys.NONE, Course.ALONE, this::randomKey),
        new Command("dbsize", 1, Keys.NONE, Course.ALONE, (c, in, out) -> out.number(store.size())),
        new Command("flushdb", -1, Keys.NONE, Course.ALONE, this::flush),
        new Command("flushall", -1, Keys.NONE, Course.ALONE, this::flush));
  }

  private Command expires(String name, long unit, boolean fromNow) {
    return new Command(
        name,
        -3,
        Keys.ONE,
        Course.WRITES,
        (client, in, out) -> expire(in, out, unit, fromNow ? store.now() : 0));
  }

  private void del(Connection client, Request in, RespWriter out) {
    int removed = 0;
    for (int i = 1; i < in.count(); i++) {
      if (store.contains(in.bytes(i))) {
        store.remove(in.bytes(i));
        removed++;
      }
    }
    out.number(removed);
  }

  private void exists(Connection client, Request in, RespWriter out) {
    int present = 0;
    for (int i = 1; i < in.count(); i++) {
      present += store.contains(in.bytes(i)) ? 1 : 0;
    }
    out.number(present);
  }

  private void type(Connection client, Request in, RespWriter out) {
    out.simple(store.contains(in.bytes(1)) ? "string" : "none");
  }

  private void rename(Connection client, Request in, RespWriter out) throws CommandException {
    byte[] value = store.get(in.bytes(1));
    if (value == null) {
      throw new CommandException("ERR no such key");
    }
    long expiry = store.expiry(in.bytes(1));
    store.remove(in.bytes(1));
    store.put(in.bytes(2), value, expiry);
    out.ok();
  }

  private void expire(Request in, RespWriter out, long unit, long from) throws CommandException {
    long count = in.integer(2);
    if (Math.abs((double) count) * unit > Long.MAX_VALUE - from) {
      throw new CommandException("ERR invalid expire time in '" + in.name() + "' command");
    }
    long time = from + count * unit;
    long present = store.contains(in.bytes(1)) ? store.expiry(in.bytes(1)) : -1;
    boolean done = present >= 0 && allows(in, present, time);
    if (done && time <= store.now()) {
      store.remove(in.bytes(1));
    } else if (done) {
      store.expire(in.bytes(1), time);
    }
    out.number(done ? 1 : 0);
  }

  /** Whether the conditions of the command hold; a key that never expires does so last of all. */
  private static boolean allows(Request in, long present, long time) throws CommandException {
    boolean allowed = true;
    boolean nx = false;
    boolean others = false;
    for (int i = 3; i < in.count(); i++) {
      switch (in.keyword(i)) {
        case "NX" -> {
          nx = true;
          allowed &= present == Store.NEVER;
        }
        case "XX" -> {
          others = true;
          allowed &= present != Store.NEVER;
        }
        case "GT" -> {
          others = true;
          allowed &= present != Store.NEVER && time > present;
        }
        case "LT" -> {
          others = true;
          allowed &= present == Store.NEVER || time < present;
        }
        default -> throw new CommandException("ERR Unsupported option " + in.text(i));
      }
    }
    if (nx && others) {
      throw new CommandException(
          "ERR NX and XX, GT or LT options at the same time are not compatible");
    }
    return allowed;
  }

  private void persist(Connection client, Request in, RespWriter out) {
    boolean done = store.contains(in.bytes(1)) && store.expiry(in.bytes(1)) != Store.NEVER;
    if (done) {
      store.expire(in.bytes(1), Store.NEVER);
    }
    out.number(done ? 1 : 0);
  }

  private void ttl(Request in, RespWriter out, long unit) {
    if (!store.contains(in.bytes(1))) {
      out.number(-2);
      return;
    }
    long time = store.expiry(in.bytes(1));
    out.number(time == Store.NEVER ? -1 : (time - store.now() + unit / 2) / unit);
  }

  private void keys(Connection client, Request in, RespWriter out) {
    out.bulks(store.keys(new GlobPattern(in.bytes(1))));
  }

  private void scan(Connection client, Request in, RespWriter out) throws CommandException {
    long cursor;
    try {
      cursor = Long.parseUnsignedLong(in.text(1));
    } catch (NumberFormatException e) {
      throw new CommandException("ERR invalid cursor");
    }
    GlobPattern pattern = new GlobPattern(EVERYTHING);
    long count = SCAN_COUNT;
    boolean strings = true;
    for (int i = 2; i < in.count(); i += 2) {
      if (i + 1 == in.count()) {
        throw new CommandException(SYNTAX);
      }
      switch (in.keyword(i)) {
        case "MATCH" -> pattern = new GlobPattern(in.bytes(i + 1));
        case "COUNT" -> count = in.integer(i + 1);
        case "TYPE" -> strings = in.text(i + 1).equalsIgnoreCase("string");
        default -> throw new CommandException(SYNTAX);
      }
    }
    if (count < 1) {
      throw new CommandException(SYNTAX);
    }
    List<byte[]> found = new ArrayList<>();
    do {
      cursor = store.scan(cursor, found);
    } while (cursor != 0 && found.size() < count);
    GlobPattern wanted = pattern;
    boolean none = !strings;
    found.removeIf(key -> none || !wanted.matches(key));
    out.array(2);
    out.bulk(Long.toUnsignedString(cursor).getBytes(StandardCharsets.US_ASCII));
    out.bulks(found);
  }

  private void randomKey(Connection client, Request in, RespWriter out) {
    out.bulk(store.randomKey());
  }

  private void flush(Connection client, Request in, RespWriter out) throws CommandException {
    if (in.count() > 2 || in.count() == 2 && !List.of("ASYNC", "SYNC").contains(in.keyword(1))) {
      throw new CommandException(SYNTAX);
    }
    store.clear();
    out.ok();
  }
}
