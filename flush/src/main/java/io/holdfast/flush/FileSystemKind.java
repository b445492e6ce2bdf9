// SPDX-License-Identifier: Apache-2.0
package io.holdfast.flush;

/**
 * The file systems that are known by their magic number, and whether an ordinary shared mapping on
 * them is durable against power loss once the kernel has synchronised it.
 *
 * <p>Memory file systems synchronise nothing and say it succeeded; stacked, remote and user-space
 * ones promise what another system may not keep; copy-on-write ones allocate at a store. Each is
 * refused by name. What is not listed was not reviewed, and is refused too.
 */
enum FileSystemKind {
  EXT4(0xEF53, "ext4", true),
  XFS(0x58465342, "xfs", true),
  TMPFS(0x01021994, "tmpfs", false),
  RAMFS(0x858458F6L, "ramfs", false),
  HUGETLBFS(0x958458F6L, "hugetlbfs", false),
  OVERLAYFS(0x794C7630, "overlayfs", false),
  BTRFS(0x9123683EL, "btrfs", false),
  ZFS(0x2FC12FC1, "zfs", false),
  NINE_P(0x01021997, "9p", false),
  FUSE(0x65735546, "fuse", false),
  NFS(0x6969, "nfs", false),
  CIFS(0xFF534D42L, "cifs", false),
  SMB2(0xFE534D42L, "smb2", false),
  CEPH(0x00C36400, "ceph", false),
  UNKNOWN(-1, "unknown", false);

  private final long magic;
  private final String title;
  private final boolean powerByPages;

  FileSystemKind(long magic, String title, boolean powerByPages) {
    this.magic = magic;
    this.title = title;
    this.powerByPages = powerByPages;
  }

  static FileSystemKind of(long magic) {
    for (FileSystemKind kind : values()) {
      if (kind.magic == magic) {
        return kind;
      }
    }
    return UNKNOWN;
  }

  /** Whether a synchronised page survives power loss here. */
  boolean powerByPages() {
    return powerByPages;
  }

  /** The name for messages; with the magic number where the name says nothing. */
  String title(long actualMagic) {
    return this == UNKNOWN ? "file system 0x%X".formatted(actualMagic) : title;
  }
}
