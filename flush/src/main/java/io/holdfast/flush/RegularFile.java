// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A file in a file system, all of which is mapped. */
final class RegularFile extends MappedFile {
  private static final Logger LOG = LoggerFactory.getLogger(RegularFile.class);
  private static final long ZERO_CHUNK = 8 << 20;
  private static final long ZERO_REPORT = 1L << 30;

  private final long size;
  private final long allocated;
  private final Libc.FileSystem fileSystem;

  private RegularFile(Path path, int fd, long size, long allocated, Libc.FileSystem fileSystem) {
    super(path, fd);
    this.size = size;
    this.allocated = allocated;
    this.fileSystem = fileSystem;
  }

  /**
   * Creates a file of whole pages with every block reserved. On failure no file is left behind. A
   * file without bytes is what a creation that was cut off leaves, and is used. Who has the lock of
   * a file that has no bytes and a name is the one who creates it.
   */
  static RegularFile create(Path path, long bytes) {
    RegularFile file = lockEmpty(path, bytes);
    int fd = file.fd();
    try {
      if (bytes > file.fileSystem.freeBytes()) {
        throw noSpace(path, bytes, file.fileSystem, "checked before the first block was taken");
      }
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

  private static RegularFile lockEmpty(Path path, long bytes) {
    int fd = openNewOrEmpty(path);
    try {
      RegularFile file = new RegularFile(path, fd, bytes, bytes, Libc.fstatfs(fd));
      file.lock(0, 0, Sharing.OWNED);
      Libc.Status status = Libc.status(fd);
      if (status.length() > 0 || status.links() == 0) {
        throw new Libc.Errno("open", Libc.EEXIST);
      }
      return file;
    } catch (Libc.Errno e) {
      closeQuietly(fd);
      throw unusable(path, e);
    } catch (RuntimeException e) {
      closeQuietly(fd);
      throw e;
    }
  }

  private static int openNewOrEmpty(Path path) {
    try {
      return Libc.open(path.toString(), Libc.O_RDWR | Libc.O_CREAT | Libc.O_EXCL);
    } catch (Libc.Errno e) {
      if (e.number != Libc.EEXIST || !Files.isRegularFile(path) || exists(path)) {
        throw unusable(path, e);
      }
      return openFile(path, Libc.O_RDWR);
    }
  }

  static RegularFile open(Path path, Sharing sharing) {
    int fd = openFile(path, sharing);
    try {
      Libc.Status status = Libc.status(fd);
      if (status.length() < PersistentRegion.PAGE_BYTES) {
        throw tooSmall(path, status.length());
      }
      return new RegularFile(path, fd, status.length(), status.allocated(), Libc.fstatfs(fd));
    } catch (Libc.Errno e) {
      closeQuietly(fd);
      throw unusable(path, e);
    } catch (RuntimeException e) {
      closeQuietly(fd);
      throw e;
    }
  }

  @Override
  long size() {
    return size;
  }

  /** How many bytes of disk the file occupied when it was opened. */
  long allocated() {
    return allocated;
  }

  private FileSystemKind fileSystemKind() {
    return FileSystemKind.of(fileSystem.magic());
  }

  @Override
  String title() {
    return fileSystemKind().title(fileSystem.magic());
  }

  @Override
  boolean powerByPages() {
    return fileSystemKind().powerByPages();
  }

  @Override
  Optional<Path> device() {
    try {
      return Sysfs.SYSTEM.blockDevice(Libc.status(fd()).fileSystemDevice());
    } catch (Libc.Errno e) {
      throw unusable(path(), e);
    }
  }

  @Override
  Optional<ByteRange> badBytes() {
    List<ByteRange> bad = device().map(Sysfs::badBytesOfBlockDevice).orElse(List.of());
    if (bad.isEmpty()) {
      return Optional.empty();
    }
    try {
      return Libc.extents(fd(), size).stream()
          .flatMap(extent -> bad.stream().flatMap(range -> extent.inFile(range).stream()))
          .findFirst();
    } catch (Libc.Errno e) {
      throw unusable(path(), e);
    }
  }

  /**
   * Reserves blocks that are missing (a sparse copy of a pool, a hole punched into it), so that no
   * store can find the disk full. Contents do not change.
   */
  @Override
  void reserveMissingBlocks() {
    if (allocated >= size) {
      return;
    }
    try {
      Libc.fallocate(fd(), 0, size);
      LOG.info("{}: {} bytes of holes filled", path(), size - allocated);
    } catch (Libc.Errno e) {
      if (e.noSpace()) {
        throw noSpace(path(), size, fileSystem, "the file has holes, and filling them failed");
      }
      LOG.warn("{}: has holes that cannot be filled here ({})", path(), e.getMessage());
    }
  }

  /** Takes every block; a file system that cannot reserve them has zeros written to them. */
  private void allocate(long from, long to) throws Libc.Errno {
    try {
      Libc.fallocate(fd(), from, to - from);
    } catch (Libc.Errno e) {
      if (e.number != Libc.EOPNOTSUPP) {
        throw e;
      }
      writeZeros(from, to);
    }
  }

  /**
   * The blocks, written once where a store must not wait for the file system to initialise one; the
   * length, made durable; the mapping. If there is no room the file is cut back to what it was:
   * some file systems keep the blocks that they got (ext4).
   */
  @Override
  long grow(FileMedium medium, long from, long to) {
    try {
      takeBlocks(from, to);
      if (medium.granularity() == Granularity.LINE) {
        writeZeros(from, to);
      }
      medium.synchroniseLength();
      medium.range().extend(fd(), from, to);
      return to;
    } catch (Libc.Errno e) {
      cutBack(from);
      throw new HoldfastException.FileUnusable(
          "%s cannot be mapped any further: %s: open it again".formatted(path(), e.getMessage()));
    } catch (HoldfastException.NoSpace | HoldfastException.FileUnusable e) {
      cutBack(from);
      throw e;
    }
  }

  private void takeBlocks(long from, long to) {
    try {
      Libc.FileSystem now = Libc.fstatfs(fd());
      if (to - from > now.freeBytes()) {
        throw noSpace(path(), to - from, now, "checked before the first block was taken");
      }
      allocate(from, to);
    } catch (Libc.Errno e) {
      throw e.noSpace() ? noSpace(path(), to - from, null, e.getMessage()) : unusable(path(), e);
    }
  }

  /** Takes back an extension of which nothing is mapped. */
  private void cutBack(long bytes) {
    try {
      Libc.ftruncate(fd(), bytes);
    } catch (Libc.Errno e) {
      LOG.warn("{}: stays longer than its {} bytes: {}", path(), bytes, e.getMessage());
    }
  }

  @Override
  boolean hasSharedExtents() {
    try {
      return Libc.extents(fd(), size).stream().anyMatch(Libc.FileExtent::shared);
    } catch (Libc.Errno e) {
      throw unusable(path(), e);
    }
  }

  @Override
  void finishCreation(FileMedium medium) {
    if (medium.granularity() == Granularity.LINE) {
      writeZeros(0, size);
    }
    syncFileAndDirectory();
  }

  /** Writes every block once, so that no store waits for the file system to initialise one. */
  private void writeZeros(long from, long to) {
    try (Arena arena = Arena.ofConfined()) {
      long chunk = Math.min(to - from, ZERO_CHUNK);
      MemorySegment zeros = arena.allocate(chunk, PersistentRegion.PAGE_BYTES);
      for (long at = from; at < to; ) {
        long written = Libc.pwrite(fd(), zeros.address(), Math.min(to - at, chunk), at);
        if (at / ZERO_REPORT != (at + written) / ZERO_REPORT) {
          LOG.info("{}: {} of {} MiB written", path(), (at + written) >> 20, to >> 20);
        }
        at += written;
      }
    } catch (Libc.Errno e) {
      throw e.noSpace()
          ? noSpace(path(), to - from, fileSystem, e.getMessage())
          : unusable(path(), e);
    }
  }

  /** Makes the file's data, size and blocks durable, and its name in the directory. */
  private void syncFileAndDirectory() {
    try {
      fsync();
      Path parent = path().toAbsolutePath().getParent();
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
          path() + " could not be synchronised: " + e.getMessage(), e);
    }
  }

  @Override
  void fsync() throws Libc.Errno {
    whileOpen("fsync", Libc::fsync);
  }

  @Override
  void fdatasync() throws Libc.Errno {
    whileOpen("fdatasync", Libc::fdatasync);
  }

  /** Closes the file and removes its name: a creation that failed leaves nothing. */
  @Override
  void discard() {
    if (isOpen()) {
      remove(path());
      close();
    }
  }

  private static HoldfastException noSpace(
      Path path, long bytes, Libc.FileSystem fileSystem, String detail) {
    String free = fileSystem == null ? "" : ", free=" + fileSystem.freeBytes();
    return new HoldfastException.NoSpace(
        "no space for %s: bytes=%d%s (%s): free some, or ask for a smaller pool"
            .formatted(path, bytes, free, detail));
  }

  private static void discard(Path path, int fd) {
    remove(path);
    closeQuietly(fd);
  }

  private static void remove(Path path) {
    try {
      Libc.unlink(path.toString());
    } catch (Libc.Errno e) {
      LOG.warn("{}: a creation failed and its file could not be removed: {}", path, e.getMessage());
    }
  }
}
