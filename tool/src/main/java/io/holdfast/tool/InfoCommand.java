// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import io.holdfast.heap.PoolInfo;
import io.holdfast.heap.RootInfo;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Tells what a pool says of itself. */
@Command(
    name = "info",
    description = "Tells what is in a pool, without changing it; other readers may have it open.")
final class InfoCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "FILE", description = "The pool.")
  private Path file;

  @Option(
      names = "--layout",
      paramLabel = "NAME",
      description = "Refuse a pool with another layout. Default: take any.")
  private String layout;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    try (ReadOnly opened = ReadOnly.open(file, layout)) {
      PoolInfo info = opened.pool().info();
      identity(out, file, info);
      Text.field(
          out,
          "durability",
          Text.lowerCase(opened.pool().recovery().lastDurability()) + ", when it was last open");
      Text.field(out, "last close", opened.lastClose());
      Text.field(out, "this opening", opened.pool().recovery());
      medium(out, info);
      Text.field(out, "used", Text.bytes(info.usedBytes()));
      Text.field(out, "free", Text.bytes(info.freeBytes()));
      Text.field(out, "largest free", Text.bytes(info.largestFree()));
      Text.field(out, "roots", info.roots().size());
      for (RootInfo root : info.roots()) {
        Text.field(
            out,
            "root",
            "\"%s\", offset %d, %s".formatted(root.name(), root.offset(), root.type()));
      }
    }
    return 0;
  }

  static void identity(PrintWriter out, Path file, PoolInfo info) {
    Text.field(out, "pool", file);
    Text.field(out, "format version", info.formatVersion());
    Text.field(out, "identity", info.identity());
    Text.field(out, "layout", "\"" + info.layout() + "\"");
    Text.field(out, "created", info.created());
    Text.field(out, "size", Text.bytes(info.size()));
    Text.field(out, "grows to", Text.bytes(info.maxSize()));
    Text.field(
        out,
        "lanes",
        "%d, each with a log of %s".formatted(info.lanes(), Text.bytes(info.ringBytes())));
  }

  /** How this very opening makes stores durable, which is the file system's and the caller's. */
  static void medium(PrintWriter out, PoolInfo info) {
    Text.field(out, "opened as", info.medium());
    Text.field(out, "granularity", Text.lowerCase(info.granularity()) + ", as opened");
  }
}
