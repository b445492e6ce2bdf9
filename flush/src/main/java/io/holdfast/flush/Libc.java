// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The C library, by its own names: every system call that a region makes. A call that fails throws
 * {@link Errno}, which carries the call and the error number of that very call; the caller turns it
 * into an exception that its own caller understands. None of these is on a store's path.
 */
final class Libc {
  static final int O_RDONLY = 0;
  static final int O_RDWR = 2;
  static final int O_CREAT = 0x40;
  static final int O_EXCL = 0x80;
  static final int O_CLOEXEC = 0x80000;
  static final int PROT_NONE = 0;
  static final int PROT_READ = 1;
  static final int PROT_WRITE = 2;
  static final int PROT_EXEC = 4;
  static final int MAP_SHARED = 1;
  static final int MAP_PRIVATE = 2;
  static final int MAP_SHARED_VALIDATE = 3;
  static final int MAP_FIXED = 0x10;
  static final int MAP_ANONYMOUS = 0x20;
  static final int MAP_NORESERVE = 0x4000;
  static final int MAP_SYNC = 0x80000;
  static final int MADV_DONTNEED = 4;
  static final int F_RDLCK = 0;
  static final int F_WRLCK = 1;
  private static final int F_UNLCK = 2;

  static final int EPERM = 1;
  static final int ENOENT = 2;
  static final int EAGAIN = 11;
  static final int EBADF = 9;
  static final int ENOMEM = 12;
  static final int EACCES = 13;
  static final int EEXIST = 17;
  static final int ENODEV = 19;
  static final int EINVAL = 22;
  static final int ENOTDIR = 20;
  static final int EISDIR = 21;
  static final int EFBIG = 27;
  static final int ENOSPC = 28;
  static final int EROFS = 30;
  static final int ELOOP = 40;
  static final int EOPNOTSUPP = 95;
  static final int EDQUOT = 122;

  private static final int EINTR = 4;
  private static final int AT_EMPTY_PATH = 0x1000;
  private static final int STATX_BASIC_STATS = 0x7FF;
  private static final int F_OFD_GETLK = 36;
  private static final int F_OFD_SETLK = 37;
  private static final long FS_IOC_FIEMAP = 0xC020660BL;
  private static final int FIEMAP_FLAG_SYNC = 1;
  private static final int FIEMAP_EXTENT_LAST = 1;
  private static final int FIEMAP_EXTENT_SHARED = 0x2000;
  private static final int FIEMAP_HEADER = 32;
  private static final int FIEMAP_EXTENT = 56;
  private static final int FIEMAP_EXTENT_FLAGS = 40;
  private static final int FIEMAP_BATCH = 64;

  /** More than any C library takes: 36 to 64. */
  private static final int PTHREAD_ATTR_BYTES = 256;

  private static final StructLayout CAPTURED = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      CAPTURED.varHandle(MemoryLayout.PathElement.groupElement("errno"));

  private static final MethodHandle OPEN =
      variadic("open", 2, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
  private static final MethodHandle CLOSE = call("close", JAVA_INT, JAVA_INT);
  private static final MethodHandle UNLINK = call("unlink", JAVA_INT, ADDRESS);
  private static final MethodHandle FALLOCATE =
      call("fallocate", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle FTRUNCATE = call("ftruncate", JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final MethodHandle PWRITE =
      call("pwrite", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle FSYNC = call("fsync", JAVA_INT, JAVA_INT);
  private static final MethodHandle FDATASYNC = call("fdatasync", JAVA_INT, JAVA_INT);
  private static final MethodHandle FSTATFS = call("fstatfs", JAVA_INT, JAVA_INT, ADDRESS);
  private static final MethodHandle STATX =
      call("statx", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS);
  private static final MethodHandle FCNTL =
      variadic("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
  private static final MethodHandle IOCTL =
      variadic("ioctl", 2, JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS);
  private static final MethodHandle MMAP =
      call("mmap", JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final MethodHandle MUNMAP = call("munmap", JAVA_INT, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle MPROTECT =
      call("mprotect", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
  private static final MethodHandle MADVISE =
      call("madvise", JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT);
  private static final MethodHandle LABS =
      link("labs", FunctionDescriptor.of(JAVA_LONG, JAVA_LONG));
  private static final MethodHandle GETAUXVAL = call("getauxval", JAVA_LONG, JAVA_LONG);
  private static final MethodHandle GETPAGESIZE =
      link("getpagesize", FunctionDescriptor.of(JAVA_INT));
  private static final MethodHandle PTHREAD_SELF =
      optional("pthread_self", FunctionDescriptor.of(JAVA_LONG));
  private static final MethodHandle PTHREAD_GETATTR_NP =
      optional("pthread_getattr_np", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, ADDRESS));
  private static final MethodHandle PTHREAD_ATTR_GETSTACK =
      optional("pthread_attr_getstack", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS));
  private static final MethodHandle PTHREAD_ATTR_DESTROY =
      optional("pthread_attr_destroy", FunctionDescriptor.of(JAVA_INT, ADDRESS));

  private Libc() {}

  /** A system call that failed: which, and the error number that it left. */
  static final class Errno extends Exception {
    private static final long serialVersionUID = 1L;
    final int number;

    Errno(String call, int number) {
      super(call + ": " + name(number), null, false, false);
      this.number = number;
    }

    private static String name(int number) {
      return switch (number) {
        case EPERM -> "operation not permitted (EPERM)";
        case ENOENT -> "no such file or directory (ENOENT)";
        case EBADF -> "the file is closed (EBADF)";
        case EAGAIN -> "locked by another (EAGAIN)";
        case ENOMEM -> "not enough memory or address space (ENOMEM)";
        case EACCES -> "permission denied (EACCES)";
        case EEXIST -> "file exists (EEXIST)";
        case ENODEV -> "no such device (ENODEV)";
        case ENOTDIR -> "a part of the path is not a directory (ENOTDIR)";
        case EISDIR -> "is a directory (EISDIR)";
        case EINVAL -> "invalid argument (EINVAL)";
        case EFBIG -> "file too large for the file system (EFBIG)";
        case ENOSPC -> "no space left on device (ENOSPC)";
        case EROFS -> "read-only file system (EROFS)";
        case ELOOP -> "too many symbolic links (ELOOP)";
        case EOPNOTSUPP -> "operation not supported (EOPNOTSUPP)";
        case EDQUOT -> "disk quota exceeded (EDQUOT)";
        default -> "errno " + number;
      };
    }

    boolean noSpace() {
      return number == ENOSPC || number == EDQUOT || number == EFBIG;
    }
  }

  private static MethodHandle call(String name, ValueLayout result, MemoryLayout... arguments) {
    return link(
        name, FunctionDescriptor.of(result, arguments), Linker.Option.captureCallState("errno"));
  }

  private static MethodHandle variadic(
      String name, int fixed, ValueLayout result, MemoryLayout... arguments) {
    return link(
        name,
        FunctionDescriptor.of(result, arguments),
        Linker.Option.captureCallState("errno"),
        Linker.Option.firstVariadicArg(fixed));
  }

  @SuppressWarnings("restricted")
  private static MethodHandle link(
      String name, FunctionDescriptor descriptor, Linker.Option... options) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor, options);
  }

  /** Null where the C library has it elsewhere, as some had their threads. */
  @SuppressWarnings("restricted")
  private static MethodHandle optional(String name, FunctionDescriptor descriptor) {
    Linker linker = Linker.nativeLinker();
    return linker
        .defaultLookup()
        .find(name)
        .map(function -> linker.downcallHandle(function, descriptor))
        .orElse(null);
  }

  /** One call with a captured errno; the body invokes the handle exactly. */
  private interface Call {
    long invoke(MemorySegment state) throws Throwable;
  }

  private static long checked(String what, Call call) throws Errno {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CAPTURED);
      long result = call.invoke(state);
      while (result == -1 && (int) ERRNO.get(state, 0L) == EINTR) {
        result = call.invoke(state);
      }
      if (result == -1) {
        throw new Errno(what, (int) ERRNO.get(state, 0L));
      }
      return result;
    } catch (Errno | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new AssertionError(what, e);
    }
  }

  static int open(String path, int flags) throws Errno {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocateFrom(path);
      return (int)
          checked("open", state -> (int) OPEN.invokeExact(state, name, flags | O_CLOEXEC, 0644));
    }
  }

  static void close(int fd) throws Errno {
    checked("close", state -> (int) CLOSE.invokeExact(state, fd));
  }

  static void unlink(String path) throws Errno {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocateFrom(path);
      checked("unlink", state -> (int) UNLINK.invokeExact(state, name));
    }
  }

  /** Reserves the blocks of a byte range, extending the file if need be; contents stay. */
  static void fallocate(int fd, long offset, long bytes) throws Errno {
    checked("fallocate", state -> (int) FALLOCATE.invokeExact(state, fd, 0, offset, bytes));
  }

  static void ftruncate(int fd, long bytes) throws Errno {
    checked("ftruncate", state -> (int) FTRUNCATE.invokeExact(state, fd, bytes));
  }

  static long pwrite(int fd, long address, long bytes, long offset) throws Errno {
    return checked("pwrite", state -> (long) PWRITE.invokeExact(state, fd, address, bytes, offset));
  }

  static void fsync(int fd) throws Errno {
    checked("fsync", state -> (int) FSYNC.invokeExact(state, fd));
  }

  static void fdatasync(int fd) throws Errno {
    checked("fdatasync", state -> (int) FDATASYNC.invokeExact(state, fd));
  }

  /**
   * What {@code statx} tells of an open file.
   *
   * @param length of a regular file
   * @param allocated bytes of disk that it occupies: less than the length where it has holes
   * @param links how many names it has
   * @param device which device it is, if it is one
   * @param fileSystemDevice which device its file system is on
   */
  record Status(
      long length, long allocated, int links, DeviceNumber device, DeviceNumber fileSystemDevice) {}

  static Status status(int fd) throws Errno {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment noName = arena.allocateFrom("");
      MemorySegment statx = arena.allocate(256, 8);
      checked(
          "statx",
          state ->
              (int) STATX.invokeExact(state, fd, noName, AT_EMPTY_PATH, STATX_BASIC_STATS, statx));
      return new Status(
          statx.get(JAVA_LONG, 40),
          statx.get(JAVA_LONG, 48) * 512,
          statx.get(JAVA_INT, 16),
          new DeviceNumber(statx.get(JAVA_INT, 128), statx.get(JAVA_INT, 132)),
          new DeviceNumber(statx.get(JAVA_INT, 136), statx.get(JAVA_INT, 140)));
    }
  }

  /**
   * What {@code fstatfs} tells: the magic number of the file system and what is free in it. One
   * without a limit (tmpfs with {@code size=0}, hugetlbfs) says that it has no blocks at all.
   */
  record FileSystem(long magic, long freeBytes) {}

  static FileSystem fstatfs(int fd) throws Errno {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(256, 8);
      checked("fstatfs", state -> (int) FSTATFS.invokeExact(state, fd, buffer));
      long blockSize = buffer.get(JAVA_LONG, 8);
      boolean limited = buffer.get(JAVA_LONG, 16) != 0;
      long free = limited ? buffer.get(JAVA_LONG, 32) * blockSize : Long.MAX_VALUE;
      return new FileSystem(buffer.get(JAVA_LONG, 0) & 0xFFFFFFFFL, free);
    }
  }

  /**
   * Takes an open-file-description lock over a range, or to the end wherever that will be if its
   * length is 0. Unlike {@code FileChannel.lock} it holds within the process and through hard
   * links, and is not lost when another descriptor is closed.
   */
  static void lock(int fd, int type, long from, long bytes) throws Errno {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment flock = flock(arena, type, from, bytes);
      checked(
          "fcntl(F_OFD_SETLK)", state -> (int) FCNTL.invokeExact(state, fd, F_OFD_SETLK, flock));
    }
  }

  /**
   * A range that another has locked.
   *
   * @param from its first byte
   * @param bytes how many; 0 if it goes to the end
   */
  record Locked(long from, long bytes) {}

  /** A lock of another that stands in the way of one over a range, or null. */
  static Locked conflictingLock(int fd, int type, long from, long bytes) throws Errno {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment flock = flock(arena, type, from, bytes);
      checked(
          "fcntl(F_OFD_GETLK)", state -> (int) FCNTL.invokeExact(state, fd, F_OFD_GETLK, flock));
      return flock.get(ValueLayout.JAVA_SHORT, 0) == F_UNLCK
          ? null
          : new Locked(flock.get(JAVA_LONG, 8), flock.get(JAVA_LONG, 16));
    }
  }

  private static MemorySegment flock(Arena arena, int type, long from, long bytes) {
    MemorySegment flock = arena.allocate(32, 8);
    flock.set(ValueLayout.JAVA_SHORT, 0, (short) type);
    flock.set(JAVA_LONG, 8, from);
    flock.set(JAVA_LONG, 16, bytes);
    return flock;
  }

  /**
   * A piece of a file.
   *
   * @param from its first byte in the file
   * @param device its first byte on the device
   * @param bytes how many
   * @param shared whether another file has it as well, so that a store would have to allocate
   */
  record FileExtent(long from, long device, long bytes, boolean shared) {
    /** What a range of the device is in the file, if the extent has a part of it. */
    Optional<ByteRange> inFile(ByteRange range) {
      long first = Math.max(range.from(), device);
      long end = Math.min(range.end(), device + bytes);
      return first < end
          ? Optional.of(new ByteRange(from + first - device, end - first))
          : Optional.empty();
    }
  }

  /**
   * The pieces of a file. A file system that cannot tell ({@code EOPNOTSUPP}) shares none, and says
   * nothing of where they are: an empty list.
   */
  static List<FileExtent> extents(int fd, long size) throws Errno {
    List<FileExtent> extents = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment map = arena.allocate(FIEMAP_HEADER + FIEMAP_BATCH * FIEMAP_EXTENT, 8);
      for (long start = 0; start < size; ) {
        map.fill((byte) 0);
        map.set(JAVA_LONG, 0, start);
        map.set(JAVA_LONG, 8, size - start);
        map.set(JAVA_INT, 16, FIEMAP_FLAG_SYNC);
        map.set(JAVA_INT, 24, FIEMAP_BATCH);
        checked("ioctl(FIEMAP)", state -> (int) IOCTL.invokeExact(state, fd, FS_IOC_FIEMAP, map));
        int count = map.get(JAVA_INT, 20);
        for (int i = 0; i < count; i++) {
          extents.add(extent(map.asSlice(FIEMAP_HEADER + (long) i * FIEMAP_EXTENT, FIEMAP_EXTENT)));
        }
        boolean last =
            count == 0
                || (map.get(
                            JAVA_INT,
                            FIEMAP_HEADER + (count - 1L) * FIEMAP_EXTENT + FIEMAP_EXTENT_FLAGS)
                        & FIEMAP_EXTENT_LAST)
                    != 0;
        start = last ? size : extents.getLast().from() + extents.getLast().bytes();
      }
      return extents;
    } catch (Errno e) {
      if (e.number == EOPNOTSUPP) {
        return List.of();
      }
      throw e;
    }
  }

  private static FileExtent extent(MemorySegment extent) {
    return new FileExtent(
        extent.get(JAVA_LONG, 0),
        extent.get(JAVA_LONG, 8),
        extent.get(JAVA_LONG, 16),
        (extent.get(JAVA_INT, FIEMAP_EXTENT_FLAGS) & FIEMAP_EXTENT_SHARED) != 0);
  }

  static long mmap(long address, long bytes, int protection, int flags, int fd, long offset)
      throws Errno {
    return checked(
        "mmap",
        state -> (long) MMAP.invokeExact(state, address, bytes, protection, flags, fd, offset));
  }

  static void munmap(long address, long bytes) throws Errno {
    checked("munmap", state -> (int) MUNMAP.invokeExact(state, address, bytes));
  }

  static void mprotect(long address, long bytes, int protection) throws Errno {
    checked("mprotect", state -> (int) MPROTECT.invokeExact(state, address, bytes, protection));
  }

  static void madvise(long address, long bytes, int advice) throws Errno {
    checked("madvise", state -> (int) MADVISE.invokeExact(state, address, bytes, advice));
  }

  /**
   * An ordinary call that does nothing: on the way into it a memory fault of earlier stores is
   * thrown that compiled code had left pending. 3 to 6 ns; a critical call would not do.
   */
  static void surface() {
    try {
      long _ = (long) LABS.invokeExact(0L);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static long getauxval(long type) throws Errno {
    return checked("getauxval", state -> (long) GETAUXVAL.invokeExact(state, type));
  }

  static int getpagesize() {
    try {
      return (int) GETPAGESIZE.invokeExact();
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** The stack of the thread that runs this; null where the C library does not tell. */
  static ByteRange stack() {
    if (PTHREAD_SELF == null
        || PTHREAD_GETATTR_NP == null
        || PTHREAD_ATTR_GETSTACK == null
        || PTHREAD_ATTR_DESTROY == null) {
      return null;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment attributes = arena.allocate(PTHREAD_ATTR_BYTES, Long.BYTES);
      MemorySegment address = arena.allocate(JAVA_LONG);
      MemorySegment bytes = arena.allocate(JAVA_LONG);
      if ((int) PTHREAD_GETATTR_NP.invokeExact((long) PTHREAD_SELF.invokeExact(), attributes)
          != 0) {
        return null;
      }
      int error = (int) PTHREAD_ATTR_GETSTACK.invokeExact(attributes, address, bytes);
      int _ = (int) PTHREAD_ATTR_DESTROY.invokeExact(attributes);
      return error != 0 ? null : new ByteRange(address.get(JAVA_LONG, 0), bytes.get(JAVA_LONG, 0));
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  private static AssertionError unexpected(Throwable e) {
    if (e instanceof Error error) {
      throw error;
    }
    return new AssertionError(e);
  }
}
