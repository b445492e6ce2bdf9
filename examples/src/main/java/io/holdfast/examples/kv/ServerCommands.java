// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.kv;

import static io.holdfast.examples.kv.CommandException.SYNTAX;

import io.holdfast.examples.kv.Command.Course;
import io.holdfast.examples.kv.Command.Keys;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The commands that are about the connection or the server. */
final class ServerCommands {
  private final Server server;

  ServerCommands(Server server) {
    this.server = server;
  }

  List<Command> all() {
    return List.of(
        command("ping", -1, this::ping),
        command("echo", 2, (client, in, out) -> out.bulk(in.bytes(1))),
        command("select", 2, this::select),
        command("hello", -1, this::hello),
        command("client", -2, this::client),
        command("command", -1, this::command),
        command("config", -2, this::config),
        new Command("info", -1, Keys.NONE, Course.ALONE, this::info),
        command("quit", -1, this::quit),
        new Command("shutdown", -1, Keys.NONE, Course.ALONE, this::shutdown));
  }

  private static Command command(String name, int arity, Command.Handler handler) {
    return new Command(name, arity, Keys.NONE, Course.READS, handler);
  }

  private static CommandException wrongArity(String name) {
    return new CommandException("ERR wrong number of arguments for '" + name + "' command");
  }

  private static CommandException unknown(Request in) {
    return new CommandException(
        "ERR unknown subcommand '%s'. Try %s HELP.".formatted(in.text(1), in.keyword(0)));
  }

  private void ping(Connection client, Request in, RespWriter out) throws CommandException {
    switch (in.count()) {
      case 1 -> out.simple("PONG");
      case 2 -> out.bulk(in.bytes(1));
      default -> throw wrongArity("ping");
    }
  }

  private void select(Connection client, Request in, RespWriter out) throws CommandException {
    if (in.integer(1) != 0) {
      throw new CommandException("ERR DB index is out of range");
    }
    out.ok();
  }

  private void hello(Connection client, Request in, RespWriter out) throws CommandException {
    if (in.count() > 1 && !in.text(1).equals("2")) {
      throw new CommandException("NOPROTO unsupported protocol version");
    }
    Map<String, Object> about = new LinkedHashMap<>();
    about.put("server", "holdfast");
    about.put("version", Server.REDIS_VERSION);
    about.put("proto", 2L);
    about.put("id", client.number());
    about.put("mode", "standalone");
    about.put("role", "master");
    out.array(2 * about.size() + 2);
    about.forEach((name, value) -> {
      out.bulk(name);
      if (value instanceof Long count) {
        out.number(count);
      } else {
        out.bulk(value.toString());
      }
    });
    out.bulk("modules");
    out.array(0);
  }

  private void client(Connection client, Request in, RespWriter out) throws CommandException {
    switch (in.keyword(1)) {
      case "ID" -> out.number(client.number());
      case "GETNAME" -> out.bulk(client.name().isEmpty() ? null : bytes(client.name()));
      case "SETNAME" -> {
        if (in.count() != 3) {
          throw wrongArity("client|setname");
        }
        if (in.text(2).chars().anyMatch(c -> c <= ' ' || c > '~')) {
          throw new CommandException(
              "ERR Client names cannot contain spaces, newlines or special characters.");
        }
        client.setName(in.text(2));
        out.ok();
      }
      case "SETINFO", "NO-EVICT", "NO-TOUCH" -> out.ok();
      case "INFO" -> out.bulk(line(client));
      case "LIST" -> {
        StringBuilder list = new StringBuilder();
        server.connections().forEach(one -> list.append(line(one)));
        out.bulk(list.toString());
      }
      default -> throw unknown(in);
    }
  }

  private static String line(Connection client) {
    return "id=%d addr=%s name=%s db=0 tot-mem=%d%n"
        .formatted(client.number(), client.address(), client.name(), client.bytes());
  }

  private void command(Connection client, Request in, RespWriter out) throws CommandException {
    switch (in.count() == 1 ? "" : in.keyword(1)) {
      case "" -> {
        out.array(server.commands().size());
        server.commands().forEach(command -> describe(command, out));
      }
      case "COUNT" -> out.number(server.commands().size());
      case "DOCS" -> out.array(0);
      case "LIST" ->
          out.bulks(server.commands().stream().map(command -> bytes(command.name())).toList());
      case "INFO" -> {
        out.array(in.count() - 2);
        for (int i = 2; i < in.count(); i++) {
          Command named = server.command(in.text(i));
          if (named == null) {
            out.array(-1);
          } else {
            describe(named, out);
          }
        }
      }
      default -> throw unknown(in);
    }
  }

  private static void describe(Command command, RespWriter out) {
    out.array(6);
    out.bulk(command.name());
    out.number(command.arity());
    out.array(1);
    out.simple(command.course() == Course.WRITES ? "write" : "readonly");
    out.number(command.keys().first());
    out.number(command.keys().last());
    out.number(command.keys().step());
  }

  private void config(Connection client, Request in, RespWriter out) throws CommandException {
    switch (in.keyword(1)) {
      case "GET" -> {
        if (in.count() < 3) {
          throw wrongArity("config|get");
        }
        Map<String, String> found = new LinkedHashMap<>();
        server
            .settings()
            .forEach((name, value) -> {
              for (int i = 2; i < in.count(); i++) {
                byte[] pattern = bytes(in.text(i).toLowerCase(Locale.ROOT));
                if (new GlobPattern(pattern).matches(bytes(name))) {
                  found.put(name, value);
                }
              }
            });
        out.array(2 * found.size());
        found.forEach((name, value) -> {
          out.bulk(name);
          out.bulk(value);
        });
      }
      case "RESETSTAT" -> out.ok();
      case "SET" ->
          throw new CommandException(
              "ERR CONFIG SET is not supported: options are given when the server is started");
      default -> throw unknown(in);
    }
  }

  private void info(Connection client, Request in, RespWriter out) {
    StringBuilder text = new StringBuilder();
    server
        .information()
        .forEach((section, lines) -> {
          boolean wanted = in.count() == 1;
          for (int i = 1; i < in.count(); i++) {
            String word = in.text(i).toLowerCase(Locale.ROOT);
            wanted |=
                List.of(section.toLowerCase(Locale.ROOT), "all", "everything", "default")
                    .contains(word);
          }
          if (wanted) {
            text.append(text.isEmpty() ? "" : "\r\n").append("# ").append(section).append("\r\n");
            lines.forEach(
                (name, value) -> text.append(name).append(':').append(value).append("\r\n"));
          }
        });
    out.bulk(text.toString());
  }

  private void quit(Connection client, Request in, RespWriter out) {
    out.ok();
    client.end();
  }

  private void shutdown(Connection client, Request in, RespWriter out) throws CommandException {
    for (int i = 1; i < in.count(); i++) {
      if (!List.of("SAVE", "NOSAVE", "NOW", "FORCE").contains(in.keyword(i))) {
        throw new CommandException(SYNTAX);
      }
    }
    client.end();
    server.stop();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
