// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFileAttributes;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An open pool file: its descriptor, its lock, its size, its file system.
 *
 * <p>The lock is taken before anything is read or mapped and lives as long as the descriptor, so it
 * dies with the process and no stale owner exists. Java's own file locks are not used: they are
 * lost when any other channel on the file is closed in the same process.
 */
final class MappedFile {
  private static final Logger LOG = LoggerFactory.getLogger(MappedFile.class);
  private static final long ZERO_CHUNK = 8 << 20;
  private static final long ZERO_REPORT = 1L << 30;

  /** Who may have the file open at the same time. */
  enum Sharing {
    /** One opener, who reads and writes. */
    OWNED,
    /** Any number of openers, who read. */
    SHARED
  }

  private final Path path;
  private final int fd;
  private final long size;
  private final long allocated;
  private final Libc.FileSystem fileSystem;
  private boolean open = true;

  private MappedFile(Path path, int fd, long size, long allocated, Libc.FileSystem fileSystem) {
    this.path = path;
    this.fd = fd;
    this.size = size;
    this.allocated = allocated;
    this.fileSystem = fileSystem;
  }

  /** Creates a file of whole pages with every block reserved. On failure no file is left behind. */
  static MappedFile create(Path path, long bytes) {
    requireLinux();
    requireRegular(path);
    int fd = openFile(path, Libc.O_RDWR | Libc.O_CREAT | Libc.O_EXCL);
    try {
      Libc.lock(fd, Libc.F_WRLCK);
      Libc.FileSystem fileSystem = Libc.fstatfs(fd);
      if (bytes > fileSystem.freeBytes()) {
        throw noSpace(path, bytes, fileSystem, "checked before the first block was taken");
      }
      MappedFile file = new MappedFile(path, fd, bytes, bytes, fileSystem);
      file.allocate(0, bytes);
      return file;
    } catch (Libc.Errno e) {
      discard(path, fd);
      throw e.noSpace() ? noSpace(path, bytes, null, e.getMessage()) : unusable(path, e);
    } catch (RuntimeException e) {
      discard(path, fd);
      throw e;
    }
  }

  /** Opens and locks an existing file. */
  static MappedFile open(Path path, Sharing sharing) {
    requireLinux();
    requireRegular(path);
    int fd = openFile(path, sharing == Sharing.OWNED ? Libc.O_RDWR : Libc.O_RDONLY);
    try {
      lock(path, fd, sharing);
      Libc.FileSize size = Libc.size(fd);
      if (size.length() < PersistentRegion.PAGE_BYTES) {
        throw new HoldfastException.FileUnusable(
            "%s is too small for a region: size=%d, at least %d: it holds no pool, or was cut short"
                .formatted(path, size.length(), PersistentRegion.PAGE_BYTES));
      }
      return new MappedFile(path, fd, size.length(), size.allocated(), Libc.fstatfs(fd));
    } catch (Libc.Errno e) {
      closeQuietly(fd);
      throw unusable(path, e);
    } catch (RuntimeException e) {
      closeQuietly(fd);
      throw e;
    }
  }

  Path path() {
    return path;
  }

  int fd() {
    return fd;
  }

  /** How long the file was when it was opened. */
  long size() {
    return size;
  }

  /** How many bytes of disk the file occupied when it was opened. */
  long allocated() {
    return allocated;
  }

  FileSystemKind fileSystemKind() {
    return FileSystemKind.of(fileSystem.magic());
  }

  String fileSystemTitle() {
    return fileSystemKind().title(fileSystem.magic());
  }

  /**
   * Reserves blocks that are missing (a sparse copy of a pool, a hole punched into it), so that no
   * store can find the disk full. Contents do not change.
   */
  void reserveMissingBlocks() {
    if (allocated >= size) {
      return;
    }
    try {
      Libc.fallocate(fd, 0, size);
      LOG.info("{}: {} bytes of holes filled", path, size - allocated);
    } catch (Libc.Errno e) {
      if (e.noSpace()) {
        throw noSpace(path, size, fileSystem, "the file has holes, and filling them failed");
      }
      LOG.warn("{}: has holes that cannot be filled here ({})", path, e.getMessage());
    }
  }

  /** Takes every block; a file system that cannot reserve them has zeros written to them. */
  private void allocate(long from, long to) throws Libc.Errno {
    try {
      Libc.fallocate(fd, from, to - from);
    } catch (Libc.Errno e) {
      if (e.number != Libc.EOPNOTSUPP) {
        throw e;
      }
      writeZeros(from, to);
    }
  }

  /**
   * Makes the file longer, with every block reserved. If there is no room it is as long as before;
   * some file systems keep the blocks that they got (ext4), so it is cut back.
   */
  void extend(long from, long to) {
    try {
      Libc.FileSystem now = Libc.fstatfs(fd);
      if (to - from > now.freeBytes()) {
        throw noSpace(path, to - from, now, "checked before the first block was taken");
      }
      allocate(from, to);
    } catch (Libc.Errno e) {
      cutBack(from);
      throw e.noSpace() ? noSpace(path, to - from, null, e.getMessage()) : unusable(path, e);
    } catch (HoldfastException e) {
      cutBack(from);
      throw e;
    }
  }

  /** Takes back an extension of which nothing is mapped. */
  void cutBack(long bytes) {
    try {
      Libc.ftruncate(fd, bytes);
    } catch (Libc.Errno e) {
      LOG.warn("{}: stays longer than its {} bytes: {}", path, bytes, e.getMessage());
    }
  }

  /** Whether a store to the file would have to allocate because its blocks are shared. */
  boolean hasSharedExtents() {
    try {
      return Libc.hasSharedExtents(fd, size);
    } catch (Libc.Errno e) {
      throw unusable(path, e);
    }
  }

  /** Writes every block once, so that no store waits for the file system to initialise one. */
  void writeZeros(long from, long to) {
    try (Arena arena = Arena.ofConfined()) {
      long chunk = Math.min(to - from, ZERO_CHUNK);
      MemorySegment zeros = arena.allocate(chunk, PersistentRegion.PAGE_BYTES);
      for (long at = from; at < to; ) {
        long written = Libc.pwrite(fd, zeros.address(), Math.min(to - at, chunk), at);
        if (at / ZERO_REPORT != (at + written) / ZERO_REPORT) {
          LOG.info("{}: {} of {} MiB written", path, (at + written) >> 20, to >> 20);
        }
        at += written;
      }
    } catch (Libc.Errno e) {
      throw e.noSpace() ? noSpace(path, to - from, fileSystem, e.getMessage()) : unusable(path, e);
    }
  }

  /** Makes the file's data, size and blocks durable, and its name in the directory. */
  void syncFileAndDirectory() {
    try {
      Libc.fsync(fd);
      Path parent = path.toAbsolutePath().getParent();
      if (parent != null) {
        int directory = Libc.open(parent.toString(), Libc.O_RDONLY);
        try {
          Libc.fsync(directory);
        } finally {
          Libc.close(directory);
        }
      }
    } catch (Libc.Errno e) {
      throw new HoldfastException.MediumFailed(
          path + " could not be synchronised: " + e.getMessage(), e);
    }
  }

  /** Closes the descriptor and with it gives up the lock. */
  void close() {
    if (open) {
      open = false;
      closeQuietly(fd);
    }
  }

  /** Closes the file and removes its name: a creation that failed leaves nothing. */
  void discard() {
    if (open) {
      open = false;
      discard(path, fd);
    }
  }

  private static void requireLinux() {
    String os = System.getProperty("os.name");
    if (!os.equals("Linux")) {
      throw new HoldfastException.FileUnusable(
          "files are mapped on Linux only, and this is os.name="
              + os
              + ": Medium.inMemory works everywhere");
    }
  }

  private static void requireRegular(Path path) {
    try {
      var attributes = Files.readAttributes(path, PosixFileAttributes.class);
      if (attributes.isOther()) {
        throw new HoldfastException.FileUnusable(
            path
                + " is a device or a pipe: pools live in regular files; device DAX is not supported yet");
      }
      if (attributes.isDirectory()) {
        throw new HoldfastException.FileUnusable(path + " is a directory: name a file in it");
      }
    } catch (IOException e) {
      LOG.trace("{}: the open that follows says what is wrong", path, e);
    }
  }

  private static int openFile(Path path, int flags) {
    try {
      return Libc.open(path.toString(), flags);
    } catch (Libc.Errno e) {
      throw unusable(path, e);
    }
  }

  private static void lock(Path path, int fd, Sharing sharing) throws Libc.Errno {
    try {
      Libc.lock(fd, sharing == Sharing.OWNED ? Libc.F_WRLCK : Libc.F_RDLCK);
    } catch (Libc.Errno e) {
      if (e.number == Libc.EAGAIN || e.number == Libc.EACCES) {
        throw new HoldfastException.RegionInUse(
            path
                + " is in use: this or another process has it open, perhaps by another name;"
                + " one opener may write, several may read");
      }
      throw e;
    }
  }

  private static HoldfastException unusable(Path path, Libc.Errno e) {
    String remedy =
        switch (e.number) {
          case Libc.ENOENT -> ": create it first, or check the path";
          case Libc.EEXIST -> ": open it, or choose another path";
          case Libc.EACCES, Libc.EPERM, Libc.EROFS ->
              ": check the permissions, or open it read-only";
          default -> "";
        };
    return new HoldfastException.FileUnusable(path + " cannot be used: " + e.getMessage() + remedy);
  }

  private static HoldfastException noSpace(
      Path path, long bytes, Libc.FileSystem fileSystem, String detail) {
    String free = fileSystem == null ? "" : ", free=" + fileSystem.freeBytes();
    return new HoldfastException.NoSpace(
        "no space for %s: bytes=%d%s (%s): free some, or ask for a smaller pool"
            .formatted(path, bytes, free, detail));
  }

  private static void discard(Path path, int fd) {
    try {
      Libc.unlink(path.toString());
    } catch (Libc.Errno e) {
      LOG.warn("{}: a creation failed and its file could not be removed: {}", path, e.getMessage());
    }
    closeQuietly(fd);
  }

  private static void closeQuietly(int fd) {
    try {
      Libc.close(fd);
    } catch (Libc.Errno e) {
      LOG.warn("close: {}", e.getMessage());
    }
  }
}
