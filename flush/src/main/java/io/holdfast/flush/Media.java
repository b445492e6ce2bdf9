// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out what a file can do, and gives the medium for it.
 *
 * <p>Only a granted {@code MAP_SYNC} proves that cache lines written back are durable: the kernel
 * then guarantees that the blocks under a page are durable before the page is writable (mmap(2),
 * "MAP_SYNC"; kernel document filesystems/dax). The {@code sf} flag in smaps, {@code
 * STATX_ATTR_DAX}, and a plain {@code MAP_SHARED|MAP_SYNC} each say yes somewhere where it is not
 * so.
 */
final class Media {
  private static final Logger LOG = LoggerFactory.getLogger(Media.class);
  private static final int READ_WRITE = Libc.PROT_READ | Libc.PROT_WRITE;

  private Media() {}

  static Medium create(Path path, long bytes, long maxBytes, Durability asked) {
    MappedFile file = MappedFile.create(path, bytes);
    try {
      FileMedium medium = map(file, maxBytes, asked);
      file.finishCreation(medium);
      medium.lengthIsDurable();
      return medium;
    } catch (RuntimeException | Error e) {
      file.discard();
      throw e;
    }
  }

  static Medium open(Path path, Durability asked, long maxBytes) {
    MappedFile file = MappedFile.open(path, MappedFile.Sharing.OWNED);
    try {
      file.reserveMissingBlocks();
      return map(file, maxBytes, asked);
    } catch (RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  static Medium openReadOnly(Path path) {
    MappedFile file = MappedFile.open(path, MappedFile.Sharing.SHARED);
    try {
      return mapForReading(file);
    } catch (RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  /** For a reader, whose stores go to pages of its own. */
  static Medium mapForReading(MappedFile file) {
    return mapped(
        file,
        file.size(),
        range -> {
          refuseBadBytes(file);
          if (file.isMemory()) {
            file.map(range, Libc.PROT_READ, Libc.MAP_SHARED);
            return new OverlayMedium(file, range);
          }
          file.map(range, READ_WRITE, Libc.MAP_PRIVATE);
          return new CopyOnWriteMedium(file, range);
        });
  }

  static Medium assuming(Path path, Granularity granularity, long maxBytes) {
    MappedFile file = MappedFile.open(path, MappedFile.Sharing.OWNED);
    try {
      Medium medium =
          mapped(
              file,
              maxBytes,
              range -> {
                file.map(range, READ_WRITE, Libc.MAP_SHARED);
                return assumed(file, range, granularity);
              });
      LOG.info("{}: {}", path, medium.describe());
      return medium;
    } catch (RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  private static FileMedium assumed(MappedFile file, AddressRange range, Granularity granularity) {
    return switch (granularity) {
      case NONE -> new ProcessMedium(file, range, ", assumed");
      case PAGE -> new PageMedium(file, range, ", assumed");
      case LINE -> {
        WritebackStub.require();
        yield new CacheLineMedium(file, range, ", assumed");
      }
    };
  }

  /** For an owner, with what durability is cheap. */
  static FileMedium map(MappedFile file) {
    return map(file, file.size(), Durability.PROCESS);
  }

  private static FileMedium map(MappedFile file, long maxBytes, Durability asked) {
    FileMedium medium = mapped(file, maxBytes, range -> probed(file, range, asked));
    LOG.debug("{}: {}", file.path(), medium.describe());
    return medium;
  }

  private static FileMedium probed(MappedFile file, AddressRange range, Durability asked)
      throws Libc.Errno {
    boolean shared = asked == Durability.PROCESS && file.hasSharedExtents();
    if (!shared && cacheLinesReach(file)) {
      refuseSharedExtents(file);
      refuseBadBytes(file);
      file.map(range, READ_WRITE, Libc.MAP_SHARED_VALIDATE | Libc.MAP_SYNC);
      return new CacheLineMedium(file, range, "");
    }
    if (file.isMemory()) {
      throw new HoldfastException.DurabilityUnavailable(
          "%s is memory whose lines this processor cannot be made to write back (os.arch=%s)"
              .formatted(file.path(), System.getProperty("os.arch")));
    }
    file.map(range, READ_WRITE, Libc.MAP_SHARED);
    if (asked == Durability.PROCESS) {
      return new ProcessMedium(file, range, "");
    }
    refuseUnlessReviewed(file);
    refuseSharedExtents(file);
    return new PageMedium(file, range, "");
  }

  /** Maps a file over a range of addresses and makes a medium of it. */
  interface Mapper<M extends Medium> {
    M map(AddressRange range) throws Libc.Errno;
  }

  /**
   * A medium over addresses of its own. They are let go if that fails, because a mapping keeps the
   * file's lock alive even when its descriptor is closed.
   */
  private static <M extends Medium> M mapped(MappedFile file, long maxBytes, Mapper<M> mapper) {
    AddressRange range = AddressRange.reserve(file.reservation(maxBytes));
    try {
      return mapper.map(range);
    } catch (Libc.Errno e) {
      range.retire();
      throw new HoldfastException.FileUnusable(
          file.path() + " cannot be mapped: " + e.getMessage());
    } catch (RuntimeException | Error e) {
      range.retire();
      throw e;
    }
  }

  /**
   * Whether the kernel grants MAP_SYNC, and a proven stub can write lines back. Asked of a mapping
   * apart: one that is refused over reserved addresses may have given them away.
   */
  private static boolean cacheLinesReach(MappedFile file) {
    if (!System.getProperty("os.arch").equals("amd64")) {
      return false;
    }
    int flags = Libc.MAP_SHARED_VALIDATE | Libc.MAP_SYNC;
    try {
      Libc.munmap(
          Libc.mmap(0, file.alignment(), READ_WRITE, flags, file.fd(), 0), file.alignment());
    } catch (Libc.Errno e) {
      LOG.trace("{}: MAP_SYNC is not granted: {}", file.path(), e.getMessage());
      return false;
    }
    try {
      WritebackStub.require();
    } catch (HoldfastException.DurabilityUnavailable e) {
      LOG.warn("{}: MAP_SYNC is granted and of no use: {}", file.path(), e.getMessage());
      return false;
    }
    return true;
  }

  private static void refuseUnlessReviewed(MappedFile file) {
    if (!file.powerByPages()) {
      throw new HoldfastException.DurabilityUnavailable(
          "%s is on %s, which cannot give durability POWER: put it on ext4 or xfs, or on memory whose"
                  .formatted(file.path(), file.title())
              + " MAP_SYNC is granted (fsdax), or accept durability PROCESS");
    }
  }

  /** To touch such a byte is a fault, which may come in native code. */
  private static void refuseBadBytes(MappedFile file) {
    file.badBytes()
        .ifPresent(bad -> {
          throw new HoldfastException.FileUnusable(
              "%s has bytes that the kernel knows to be unreadable: offset=%d, bytes=%d: restore a"
                      .formatted(file.path(), bad.from(), bad.bytes())
                  + " copy elsewhere, or write those bytes anew (ndctl clear-errors)");
        });
  }

  private static void refuseSharedExtents(MappedFile file) {
    if (file.hasSharedExtents()) {
      throw new HoldfastException.DurabilityUnavailable(
          file.path()
              + " shares blocks with another file (a reflink copy), so that a store would have to"
              + " allocate: copy it with cp --reflink=never, or accept durability PROCESS");
    }
  }
}
