# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The guest: a kernel, an initramfs that finds the root, and a read-only root with a small Java runtime. In $work/base,
# made again when one of its inputs has changed:
#
#   qemu/     QEMU and mke2fs as their packages have them      kernel      initrd      root.img
#   pmemobj/  libpmemobj, for the programs in C that come with what is tested

pmemobj_packages=(libpmemobj-dev libpmemobj1 libpmem-dev libpmem1 libndctl6 libdaxctl1)
java_modules=java.base,java.logging,java.management,java.xml,jdk.management,jdk.nio.mapmode,jdk.unsupported

image_inputs() {
  cat "$rig/packages.sh" "$rig/image.sh" "$rig/guest/initrd" "$rig/guest/init" "$java_home/release" | sha256sum
}

build_image() {
  if [ -r "$work/base/inputs" ] && [ "$(image_inputs)" = "$(cat "$work/base/inputs")" ]; then
    return
  fi
  say "making the guest ..."
  require_room 3000
  local made=$work/base.new
  rm -rf "$work/base" "$made"
  update_lists
  unpack_packages "$made"
  make_initrd "$made"
  make_root "$made"
  rm -rf "$made/guest" "$made/depmod" "$made/libraries" "$made/kernel.d" "$made/initrd.d" "$made/root.d" "$work/apt/lists"
  image_inputs >"$made/inputs"
  mv "$made" "$work/base"
}

unpack_packages() { # unpack_packages MADE
  local kernel host guest
  kernel=$(kernel_package)
  [ -n "$kernel" ] || cannot "there is no package linux-image-cloud-amd64: the rig needs Debian 12 or newer"
  mapfile -t host < <(with_missing qemu-system-x86 kmod e2fsprogs)
  mapfile -t guest < <(with_missing ndctl daxctl busybox-static e2fsprogs xfsprogs)
  download "${host[@]}" "${guest[@]}" "${pmemobj_packages[@]}" "$kernel"
  unpack "$1/qemu" "${host[@]}"
  unpack "$1/guest" "${guest[@]}"
  unpack "$1/pmemobj" "${pmemobj_packages[@]}"
  unpack "$1/kernel.d" "$kernel"
  cp "$1"/kernel.d/boot/vmlinuz-* "$1/kernel"
  ln -s "$(first "$1"/qemu/bin/kmod "$1"/qemu/usr/bin/kmod)" "$1/depmod"
  "$1/depmod" -b "$1/kernel.d" "$(ls "$1/kernel.d/lib/modules")"
}

first() { # the first of some paths that exists
  local path
  for path; do
    [ ! -e "$path" ] || {
      echo "$path"
      return
    }
  done
  return 1
}

# Copies modules with all that they need, in the order in which to load them, but for those that are loaded by then.
# Signatures and symbols make loading slow.
copy_modules() { # copy_modules MADE FOLDER LOADED MODULE...
  local tree folder=$2 loaded=$3 name path
  tree=$(echo "$1"/kernel.d/lib/modules/*)
  shift 3
  mkdir -p "$folder"
  for name; do
    { grep -E "/${name//_/[-_]}\.ko[^:]*:" "$tree/modules.dep" || true; } | tr -d ':' | tr ' ' '\n' | tac
  done | awk '!seen[$0]++' | while read -r path; do
    grep -qsx "$(basename "$path")" "$loaded" && continue
    basename "$path" >>"$folder/order"
    strip --strip-debug -o "$folder/$(basename "$path")" "$tree/$path" 2>/dev/null || cp "$tree/$path" "$folder/"
  done
}

make_initrd() { # make_initrd MADE
  local root=$1/initrd.d busybox
  busybox=$(first "$1/guest/bin/busybox" "$1/guest/usr/bin/busybox")
  mkdir -p "$root"/{bin,dev,proc,sys,root}
  cp "$busybox" "$root/bin/busybox"
  cp "$rig/guest/initrd" "$root/init"
  chmod +x "$root/init"
  copy_modules "$1" "$root/mod" /dev/null virtio_pci virtio_blk ext4
  (cd "$root" && find . | "$busybox" cpio -o -H newc 2>/dev/null) >"$1/initrd"
}

make_root() { # make_root MADE
  local root=$1/root.d name
  mkdir -p "$root"/{bin,sbin,dev,proc,sys,tmp,run,out,mnt,share,lib64,etc,usr/bin,mod}
  cp "$1/initrd.d/bin/busybox" "$root/bin/"
  for name in $("$root/bin/busybox" --list); do
    [ "$name" = busybox ] || ln -sf busybox "$root/bin/$name"
  done
  copy_modules "$1" "$root/mod" "$1/initrd.d/mod/order" nfit nd_pmem nd_btt nd_e820 dax_pmem device_dax virtio_pmem xfs
  "$java_home/bin/jlink" --add-modules "$java_modules" --strip-debug --no-header-files --no-man-pages \
    --generate-cds-archive --output "$root/jre"
  copy_programs "$1" "$root"
  ln -sf mke2fs "$root/usr/bin/mkfs.ext4"
  cp "$1/guest/etc/mke2fs.conf" "$root/etc/"
  echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
  ln -s /proc/mounts "$root/etc/mtab"
  cp "$rig/guest/init" "$root/sbin/init"
  chmod +x "$root/sbin/init"
  pack "$1" "$root" "$1/root.img"
}

# The programs of the guest, and every library that they and Java load, in one folder where the loader looks.
copy_programs() { # copy_programs MADE ROOT
  local made=$1 root=$2 name program
  mkdir -p "$root/lib/x86_64-linux-gnu"
  for name in ndctl daxctl mke2fs e2fsck chattr mkfs.xfs xfs_io setpriv; do
    program=$(find "$made/guest" -path "*bin/$name" | head -n 1)
    program=${program:-$(command -v "$name")} # that of the host
    rm -f "$root/bin/$name" # BusyBox has its own, with fewer options
    cp "$program" "$root/usr/bin/"
    LD_LIBRARY_PATH=$(libraries_of "$made/guest") ldd "$program"
  done >"$made/libraries"
  ldd "$java_home/bin/java" "$java_home/lib/server/libjvm.so" >>"$made/libraries"
  sed -nE 's/.*(=> |^\s)(\/[^ ]+) .*/\2/p' "$made/libraries" | grep -v "^$java_home" | sort -u |
    while read -r name; do
      case $name in
        */ld-linux*) cp -L "$name" "$root/lib64/" ;;
        *) cp -L "$name" "$root/lib/x86_64-linux-gnu/" ;;
      esac
    done
}

libraries_of() { # libraries_of FOLDER
  echo "$1/usr/lib/x86_64-linux-gnu:$1/lib/x86_64-linux-gnu"
}

# Makes a file system of a folder, without mounting anything.
pack() { # pack MADE FOLDER FILE
  local kib
  kib=$(du -sk "$2" | cut -f 1)
  rm -f "$3"
  LD_LIBRARY_PATH=$(libraries_of "$1/qemu") "$(first "$1"/qemu/sbin/mke2fs "$1"/qemu/usr/sbin/mke2fs)" -q -t ext4 \
    -O ^has_journal -m 0 -E root_owner=0:0 -d "$2" "$3" "$((kib * 5 / 4 + 16384))k" >/dev/null
}
