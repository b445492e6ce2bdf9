// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a region is mapped from: its descriptor, its lock, its size, and what kind of memory that
 * is.
 *
 * <p>The lock is taken before anything is read or mapped and lives as long as the descriptor, so it
 * dies with the process and no stale owner exists. Java's own file locks are not used: they are
 * lost when any other channel on the file is closed in the same process.
 */
abstract class MappedFile {
  private static final Logger LOG = LoggerFactory.getLogger(MappedFile.class);
  private static final Platform PLATFORM = Platform.current();

  /** Who may have the file open at the same time. */
  enum Sharing {
    /** One opener, who reads and writes. */
    OWNED(Libc.O_RDWR, Libc.F_WRLCK),
    /** Any number of openers, who read. */
    SHARED(Libc.O_RDONLY, Libc.F_RDLCK);

    private final int openFlags;
    private final int lockType;

    Sharing(int openFlags, int lockType) {
      this.openFlags = openFlags;
      this.lockType = lockType;
    }
  }

  private final Path path;
  private final int fd;
  private final ReentrantReadWriteLock use = new ReentrantReadWriteLock();
  private boolean open = true;

  MappedFile(Path path, int fd) {
    this.path = path;
    this.fd = fd;
  }

  /** Creates a file, or a partition, in which everything is zero once it is finished. */
  static MappedFile create(Path path, long bytes) {
    PLATFORM.require();
    FileType type = FileType.of(path);
    if (type == FileType.CHARACTER_DEVICE) {
      throw new HoldfastException.FileUnusable(
          path
              + " is a device: initialise it, and name a partition of it ("
              + path.resolve("name")
              + "), or open what is on all of it");
    }
    type.refuse(path);
    return Partitions.isPartition(path)
        ? PartitionFile.create(path, bytes)
        : RegularFile.create(path, bytes);
  }

  /**
   * Whether there is such a file, device or partition, as far as it can be looked at. A file
   * without bytes is a creation that was cut off, and is none.
   */
  static boolean exists(Path path) {
    PLATFORM.require();
    if (!Partitions.isPartition(path)) {
      return Files.exists(path) && !(Files.isRegularFile(path) && isEmpty(path));
    }
    try (OpenTable table = OpenTable.toRead(path.getParent())) {
      return table.table().find(path.getFileName().toString()) != null;
    }
  }

  private static boolean isEmpty(Path path) {
    try {
      return Files.size(path) == 0;
    } catch (IOException e) {
      LOG.trace("{}: the open that follows says what is wrong", path, e);
      return false;
    }
  }

  /** Removes a file, or a partition. */
  static void delete(Path path) {
    PLATFORM.require();
    if (Partitions.isPartition(path)) {
      Partitions.of(path.getParent()).delete(path.getFileName().toString());
      return;
    }
    MappedFile file = open(path, Sharing.OWNED);
    try {
      if (file.isMemory()) {
        throw new HoldfastException.FileUnusable(path + " is a device, and is not deleted");
      }
      Libc.unlink(path.toString());
    } catch (Libc.Errno e) {
      throw unusable(path, e);
    } finally {
      file.close();
    }
  }

  /** Opens and locks what is there. */
  static MappedFile open(Path path, Sharing sharing) {
    PLATFORM.require();
    if (Partitions.isPartition(path)) {
      return PartitionFile.open(path, sharing);
    }
    MappedFile file = openUnlocked(path, sharing);
    try {
      file.lock(0, 0, sharing);
      return file;
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /** Opens a whole file or device, for whoever locks a part of it. */
  static MappedFile openUnlocked(Path path, Sharing sharing) {
    PLATFORM.require();
    FileType type = FileType.of(path);
    type.refuse(path);
    return type == FileType.CHARACTER_DEVICE
        ? DaxDevice.open(path, sharing)
        : RegularFile.open(path, sharing);
  }

  final Path path() {
    return path;
  }

  final int fd() {
    return fd;
  }

  /** How long it was when it was opened. */
  abstract long size();

  /** Its file system or kind, for people. */
  abstract String title();

  /** Whether a synchronised page survives power loss here. */
  abstract boolean powerByPages();

  /** Whether it is memory that is addressed directly, and that nothing can synchronise. */
  boolean isMemory() {
    return false;
  }

  /** Offsets and lengths of mappings are multiples of this. */
  long alignment() {
    return PersistentRegion.PAGE_BYTES;
  }

  /** The device that its bytes are on, as the kernel describes it. */
  abstract Optional<Path> device();

  /** How far a store must go to survive a loss of power. */
  final PersistenceDomain domain() {
    return device().map(Sysfs.SYSTEM::persistenceDomain).orElse(PersistenceDomain.UNKNOWN);
  }

  /** How often the memory was not saved when power failed, if that is counted. */
  final OptionalInt unsafeShutdowns() {
    return device().map(Sysfs.SYSTEM::unsafeShutdowns).orElse(OptionalInt.empty());
  }

  /** Bytes of it that the kernel knows to be unreadable; the first of them, if there are any. */
  abstract Optional<ByteRange> badBytes();

  /** Whether a store to the file would have to allocate because its blocks are shared. */
  abstract boolean hasSharedExtents();

  /** Sees to it that no store can find the disk full. Contents do not change. */
  abstract void reserveMissingBlocks();

  /** Maps all of it at the beginning of a range. */
  void map(AddressRange range, int protection, int flags) throws Libc.Errno {
    range.map(protection, flags);
    range.extend(fd, 0, size());
  }

  /** How many addresses are to be reserved, if it may become so large. */
  long reservation(long maxBytes) {
    return Math.max(size(), maxBytes);
  }

  /**
   * Makes it longer and maps what is new, which is zeros, behind the rest. If there is no room it
   * is as long as before.
   *
   * @return how long it is then, at least what was asked
   */
  abstract long grow(FileMedium medium, long from, long to);

  /** The last steps of a creation: zeros that are durable, and a name that is. */
  abstract void finishCreation(FileMedium medium);

  /** Makes data, size and blocks durable. */
  abstract void fsync() throws Libc.Errno;

  /** Makes data durable. */
  abstract void fdatasync() throws Libc.Errno;

  /** A system call on the descriptor. */
  interface Call {
    void on(int fd) throws Libc.Errno;
  }

  /**
   * Makes a call that another thread's {@link #close} awaits: else the kernel might have given the
   * descriptor's number to another file, whose failed writeback this one would be told of.
   */
  final void whileOpen(String what, Call call) throws Libc.Errno {
    use.readLock().lock();
    try {
      if (!open) {
        throw new Libc.Errno(what, Libc.EBADF);
      }
      call.on(fd);
    } finally {
      use.readLock().unlock();
    }
  }

  /** Closes the descriptor and with it gives up the lock. */
  void close() {
    use.writeLock().lock();
    try {
      if (open) {
        open = false;
        closeQuietly(fd);
      }
    } finally {
      use.writeLock().unlock();
    }
  }

  /** Closes it, and takes back a creation that failed. */
  abstract void discard();

  final boolean isOpen() {
    return open;
  }

  /** Locks a range; one of length 0 goes to the end, wherever that will be. */
  final void lock(long from, long bytes, Sharing sharing) {
    try {
      if (!tryLock(from, bytes, sharing)) {
        throw new HoldfastException.RegionInUse(
            path
                + " is in use: this or another process has it open, perhaps by another name;"
                + " one opener may write, several may read");
      }
    } catch (Libc.Errno e) {
      throw unusable(path, e);
    }
  }

  /** The same, unless another has it. */
  final boolean tryLock(long from, long bytes, Sharing sharing) throws Libc.Errno {
    try {
      Libc.lock(fd, sharing.lockType, from, bytes);
      return true;
    } catch (Libc.Errno e) {
      if (e.number == Libc.EAGAIN || e.number == Libc.EACCES) {
        return false;
      }
      throw e;
    }
  }

  /** Whether another has locked all of it, to the end wherever that will be. */
  final boolean isWhollyLocked(Sharing sharing) throws Libc.Errno {
    Libc.Locked other = Libc.conflictingLock(fd, sharing.lockType, 0, 1);
    return other != null && other.bytes() == 0;
  }

  /** What a path names, told before it is opened: to open a pipe would wait for its writer. */
  enum FileType {
    REGULAR_OR_MISSING(""),
    CHARACTER_DEVICE(""),
    DIRECTORY("a directory: name a file in it"),
    BLOCK_DEVICE(
        "a block device: put ext4 or xfs on it (mounted with dax=always if it is persistent memory)"
            + " and name a file there, or make device DAX of it (ndctl create-namespace"
            + " --mode=devdax)"),
    OTHER("a pipe or a socket: name a file or a DAX device");

    private static final int TYPE = 0xF000;

    private final String refusal;

    FileType(String refusal) {
      this.refusal = refusal;
    }

    /** Throws unless it can be mapped. */
    void refuse(Path path) {
      if (!refusal.isEmpty()) {
        throw new HoldfastException.FileUnusable(path + " is " + refusal);
      }
    }

    static FileType of(Path path) {
      try {
        int mode = (int) Files.getAttribute(path, "unix:mode");
        return switch (mode & TYPE) {
          case 0x8000 -> REGULAR_OR_MISSING;
          case 0x4000 -> DIRECTORY;
          case 0x2000 -> CHARACTER_DEVICE;
          case 0x6000 -> BLOCK_DEVICE;
          default -> OTHER;
        };
      } catch (IOException e) {
        LOG.trace("{}: the open that follows says what is wrong", path, e);
        return REGULAR_OR_MISSING;
      }
    }
  }

  static int openFile(Path path, Sharing sharing) {
    return openFile(path, sharing.openFlags);
  }

  static int openFile(Path path, int flags) {
    try {
      return Libc.open(path.toString(), flags);
    } catch (Libc.Errno e) {
      throw unusable(path, e);
    }
  }

  static HoldfastException unusable(Path path, Libc.Errno e) {
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

  static HoldfastException tooSmall(Path path, long size) {
    return new HoldfastException.FileUnusable(
        "%s is too small for a region: size=%d, at least %d: it holds no pool, or was cut short"
            .formatted(path, size, PersistentRegion.PAGE_BYTES));
  }

  static void closeQuietly(int fd) {
    try {
      Libc.close(fd);
    } catch (Libc.Errno e) {
      LOG.warn("close: {}", e.getMessage());
    }
  }
}
