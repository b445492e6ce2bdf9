// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import io.holdfast.flush.Durability;
import io.holdfast.heap.Pool;
import io.holdfast.heap.PoolBuilder;
import io.holdfast.heap.PoolInfo;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Makes a pool that an application can open. */
@Command(name = "create", description = "Makes an empty pool.")
final class CreateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "FILE", description = "A file that is not there yet.")
  private Path file;

  @Option(
      names = "--size",
      paramLabel = "BYTES",
      converter = SizeConverter.class,
      description = "How large, with a suffix K, M, G or T; at least 1M. Default: 64M.")
  private long size = PoolBuilder.DEFAULT_SIZE;

  @Option(
      names = "--max-size",
      paramLabel = "BYTES",
      converter = SizeConverter.class,
      description = "How large it may grow while it is open. Default: it does not grow.")
  private Long maxSize;

  @Option(
      names = "--lanes",
      paramLabel = "N",
      description = "How many transactions can be open at a time. Default: by the size.")
  private Integer lanes;

  @Option(
      names = "--layout",
      paramLabel = "NAME",
      description = "What the application calls what it keeps there. Default: nothing.")
  private String layout = "";

  @Option(
      names = "--durability",
      paramLabel = "process|power",
      description =
          "What commits must survive; the file is refused where that cannot be had. Default: process.")
  private Durability durability = Durability.PROCESS;

  @Override
  public Integer call() {
    try (Pool pool = create()) {
      PrintWriter out = spec.commandLine().getOut();
      PoolInfo info = pool.info();
      InfoCommand.identity(out, file, info);
      Text.field(out, "durability", Text.lowerCase(info.durability()));
      InfoCommand.medium(out, info);
    }
    return 0;
  }

  private Pool create() {
    try {
      PoolBuilder builder = Pool.at(file).size(size).layout(layout).durability(durability);
      builder = maxSize == null ? builder : builder.maxSize(maxSize);
      return (lanes == null ? builder : builder.lanes(lanes)).create();
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), e.getMessage(), e);
    }
  }
}
