# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Boots the guest, and ends it.
#
# Its disks: root (read-only), what is tested (read-only), what comes back, and an empty one. Its three NVDIMMs are files
# that outlive it: the first is for file systems, the others for device DAX, divided and whole. What they hold is as it
# was when QEMU ended, however that was.

nvdimm_mib=(514 194 34) # 2 MiB of labels, and a multiple of 16
boot_seconds=${HOLDFAST_DAXVM_SECONDS:-900}
cpu=max
machine=q35,nvdimm=on
qemu_options=()
kernel_options=

forget_nvdimms() {
  rm -f "$work"/nvdimm? "$work/disk"
}

# All blocks are taken at once: on a full disk a sparse file would kill QEMU by SIGBUS.
make_nvdimms() {
  local i
  for i in "${!nvdimm_mib[@]}"; do
    [ -e "$work/nvdimm$i" ] || fallocate -l "${nvdimm_mib[i]}M" "$work/nvdimm$i"
  done
}

nvdimm() { # nvdimm NUMBER, as arguments of QEMU
  echo "-object memory-backend-file,id=file$1,share=on,mem-path=$work/nvdimm$1,size=${nvdimm_mib[$1]}M,align=2M"
  echo "-device nvdimm,id=nvdimm$1,memdev=file$1,label-size=2M"
}

# Starts QEMU, which dies with this shell.
start_machine() { # start_machine NAME WORD...
  local name=$1 base=$work/base words
  shift
  words=$(IFS=, && echo "$*")
  make_nvdimms
  rm -f "$work/out"
  truncate -s 64M "$work/out"
  truncate -s 400M "$work/disk"
  mkdir -p "$work/log"
  : >"$work/log/$name.console"
  # shellcheck disable=SC2046 # words
  LD_LIBRARY_PATH=$(libraries_of "$base/qemu") setpriv --pdeathsig KILL -- "$base/qemu/usr/bin/qemu-system-x86_64" \
    -L "$base/qemu/usr/share/qemu" -L "$base/qemu/usr/share/seabios" -L "$base/qemu/usr/lib/ipxe/qemu" \
    -nodefaults -no-user-config -display none -no-reboot \
    -accel tcg,thread=multi -cpu "$cpu" -machine "$machine" -smp 2 -m 2G,slots=4,maxmem=16G \
    $(nvdimm 0) $(nvdimm 1) $(nvdimm 2) \
    -drive if=virtio,format=raw,readonly=on,file="$base/root.img" \
    -drive if=virtio,format=raw,readonly=on,file="$work/payload.img" \
    -drive if=virtio,format=raw,file="$work/out" \
    -drive if=virtio,format=raw,cache=unsafe,file="$work/disk" \
    -serial file:"$work/log/$name.console" -kernel "$base/kernel" -initrd "$base/initrd" \
    -append "console=ttyS0 quiet panic=-1 mitigations=off nopti nokaslr tsc=reliable no_timer_check \
random.trust_cpu=on $kernel_options daxvm.run=$words" \
    "${qemu_options[@]}" </dev/null >"$work/log/$name.qemu" 2>&1 9>&- &
  qemu=$!
}

end_machine() {
  [ -n "${qemu:-}" ] || return 0
  kill -KILL "$qemu" 2>/dev/null || true
  wait "$qemu" 2>/dev/null || true
  qemu=
}

# Waits until the guest has powered off; false if it was not so in time.
await_machine() { # await_machine SECONDS
  local end=$((SECONDS + $1))
  while kill -0 "$qemu" 2>/dev/null; do
    if [ $SECONDS -ge $end ]; then
      end_machine
      return 1
    fi
    sleep 0.1
  done
  wait "$qemu" || true
  qemu=
}

# Boots, carries out /share/run WORD... and brings back what it left in /out, as $work/out.NAME; the status is that of the
# guest's work, or 2 if it did not come to its end.
boot() { # boot NAME WORD...
  local name=$1 status
  rm -rf "$work/out.$name"
  start_machine "$@"
  await_machine "$boot_seconds" || say "$name: not done after $boot_seconds s"
  mkdir "$work/out.$name"
  tar -xf "$work/out" -C "$work/out.$name" 2>/dev/null || true # nothing came back
  rm -f "$work/out"
  status=$(sed -n 's/^DAXVM status \([0-9]*\) .*/\1/p' "$work/log/$name.console" | tail -n 1)
  if [ -z "$status" ]; then
    say "$name: the guest did not come to its end; its last lines, of $work/log/$name.console:"
    tail -n 20 "$work/log/$name.qemu" "$work/log/$name.console" >&2
  fi
  return "${status:-2}"
}
