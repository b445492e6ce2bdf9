// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tool;

import io.holdfast.flush.Durability;
import io.holdfast.flush.HoldfastException;
import io.holdfast.flush.Partition;
import io.holdfast.flush.Partitions;
import io.holdfast.heap.Pool;
import io.holdfast.heap.PoolBuilder;
import io.holdfast.heap.PoolException;
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

/** Several pools in one device, or in one file. */
@Command(
    name = "device",
    description = {
      "Divides a DAX device, or a file, into partitions with a pool in each.",
      "A pool in a partition has a path like a file's, DEVICE/NAME, for pool, serve and programs."
    })
final class DeviceCommand extends Holdfast.Group {

  /** What every one of them begins with. */
  abstract static class OnDevice implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "DEVICE", description = "A DAX device, or a file.")
    private Path device;

    final Path device() {
      return device;
    }

    final PrintWriter out() {
      return spec.commandLine().getOut();
    }

    @Override
    public final Integer call() {
      try {
        run();
        return 0;
      } catch (IllegalArgumentException e) {
        throw new ParameterException(spec.commandLine(), e.getMessage(), e);
      }
    }

    abstract void run();

    /** What there is now. */
    final void tell() {
      Partitions partitions = Partitions.of(device);
      Text.field(out(), "device", device);
      Text.field(out(), "size", Text.bytes(partitions.size()));
      Text.field(out(), "free", Text.bytes(partitions.free()));
      Text.field(out(), "unit", Text.bytes(partitions.unit()));
      Text.field(out(), "partitions", partitions.list().size());
      for (Partition partition : partitions.list()) {
        Text.field(
            out(),
            "partition",
            "\"%s\", %s in %d, made %s: %s"
                .formatted(
                    partition.name(),
                    Text.bytes(partition.bytes()),
                    partition.extents(),
                    partition.created(),
                    content(device.resolve(partition.name()))));
      }
    }

    private static String content(Path partition) {
      try (Pool pool = Pool.at(partition).anyLayout().acceptPowerLoss().openReadOnly()) {
        PoolInfo info = pool.info();
        return "a pool, layout \"%s\", %s used"
            .formatted(info.layout(), Text.bytes(info.usedBytes()));
      } catch (HoldfastException.RegionInUse e) {
        return "in use";
      } catch (PoolException.NotAPool e) {
        return "no pool";
      } catch (HoldfastException e) {
        return Text.oneLine(e.getMessage());
      }
    }
  }

  /** The first one. */
  @Command(
      name = "init",
      description = {
        "Divides a device that holds nothing, without a partition yet; or makes such a file.",
        "A device or file that holds anything else is left alone."
      })
  static final class Init extends OnDevice {
    @Option(
        names = "--size",
        paramLabel = "BYTES",
        converter = SizeConverter.class,
        description = "Make a file that is so large. Default: it is a device, or a file of zeros.")
    private Long size;

    @Override
    void run() {
      if (size == null) {
        Partitions.initialise(device());
      } else {
        Partitions.create(device(), size);
      }
      tell();
    }
  }

  /** Changes nothing. */
  @Command(name = "list", description = "Tells what partitions there are, and what is in them.")
  static final class List extends OnDevice {
    @Override
    void run() {
      tell();
    }
  }

  /** One of them. */
  abstract static class OnPartition extends OnDevice {
    @Parameters(
        index = "1",
        paramLabel = "NAME",
        description = "Of the partition: A-Z a-z 0-9 . _ - and no more than 64 of them.")
    private String name;

    final String name() {
      return name;
    }
  }

  /** A partition and the pool in it. */
  @Command(
      name = "create",
      description = "Makes a partition and an empty pool in it; pool create has more options.")
  static final class Create extends OnPartition {
    @Option(
        names = "--size",
        paramLabel = "BYTES",
        converter = SizeConverter.class,
        description = "How large, in whole units; suffixes K, M, G, T. Default: 64M.")
    private long size = PoolBuilder.DEFAULT_SIZE;

    @Option(
        names = "--max-size",
        paramLabel = "BYTES",
        converter = SizeConverter.class,
        description = "How large it may grow while it is open. Default: it does not grow.")
    private Long maxSize;

    @Option(
        names = "--layout",
        paramLabel = "NAME",
        description = "What the application calls what it keeps there. Default: nothing.")
    private String layout = "";

    @Option(
        names = "--durability",
        paramLabel = "process|power",
        description = "What commits must survive. Default: process.")
    private Durability durability = Durability.PROCESS;

    @Override
    void run() {
      Path path = Partitions.of(device()).path(name());
      PoolBuilder builder = Pool.at(path).size(size).layout(layout).durability(durability);
      try (Pool pool = (maxSize == null ? builder : builder.maxSize(maxSize)).create()) {
        InfoCommand.identity(out(), path, pool.info());
        InfoCommand.medium(out(), pool.info());
      }
    }
  }

  /** What is in it stays. */
  @Command(name = "rename", description = "Gives a partition another name.")
  static final class Rename extends OnPartition {
    @Parameters(index = "2", paramLabel = "NEW", description = "What it is called then.")
    private String newName;

    @Override
    void run() {
      Partitions.of(device()).rename(name(), newName);
      tell();
    }
  }

  /** What is in it is gone. */
  @Command(name = "delete", description = "Deletes a partition, with the pool that is in it.")
  static final class Delete extends OnPartition {
    @Override
    void run() {
      Partitions.of(device()).delete(name());
      tell();
    }
  }
}
