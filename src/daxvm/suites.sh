# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What is tested, on which machines, and what came of it.
#
# plain has, beside its two NVDIMMs, persistent memory of other kinds: of the kernel's command line (e820), and
# virtio-pmem. What an NVDIMM's firmware says of the persistence domain is "unknown" there.

machines=(plain no-clwb no-clflushopt cpu-cache memory-controller)

choose_machine() { # choose_machine NAME
  cpu=max machine=q35,nvdimm=on kernel_options='' qemu_options=()
  case $1 in
    plain)
      kernel_options='memmap=128M!1G'
      truncate -s 128M "$work/extra"
      qemu_options=(-object "memory-backend-file,id=extra,share=on,mem-path=$work/extra,size=128M"
        -device virtio-pmem-pci,memdev=extra,id=vp0)
      ;;
    no-clwb) cpu=max,-clwb ;;
    no-clflushopt) cpu=max,-clwb,-clflushopt ;;
    cpu-cache) machine=$machine,nvdimm-persistence=cpu ;;
    memory-controller) machine=$machine,nvdimm-persistence=mem-ctrl ;;
    *) usage ;;
  esac
}

run_test() {
  local argument record=false
  for argument; do
    case $argument in
      --short) ;;
      --record) record=true ;;
      *) usage ;;
    esac
  done
  if $short && $record; then
    fail "--record takes what --short leaves out"
  fi
  build
  require_room 1500
  forget_nvdimms
  rm -rf "$work/reports"
  mkdir -p "$work/reports"
  failed=0
  if $short; then
    run_on plain matrix:plain files:ext4-dax-always device
    cut_power 2
  else
    run_on plain matrix:plain
    run_on plain files:ext4-dax-always
    run_on plain files:xfs-dax-always
    run_on plain device
    run_on plain kill:20
    for argument in "${machines[@]:1}"; do
      run_on "$argument" "matrix:$argument"
    done
    cut_power 20
    ! $record || record_media
  fi
  [ "$failed" -eq 0 ] || {
    echo "daxvm: $failed suites failed: see $work/reports"
    exit 1
  }
  echo "daxvm: all suites passed"
}

# Boots once for some steps of guest/run, and tells of each suite that they report.
run_on() { # run_on MACHINE STEP...
  local name=$1 folder expected=$(($# - 1)) found=0
  shift
  say "booting $name for $* ..."
  choose_machine "$name"
  boot "$name" "$@" || true
  for folder in "$work/out.$name"/*/; do
    [ -d "$folder" ] || continue
    found=$((found + 1))
    rm -rf "$work/reports/$(basename "$folder")"
    mv "$folder" "$work/reports/"
    tell "$(basename "$folder")"
  done
  rm -rf "$work/out.$name"
  [ "$found" -eq "$expected" ] || missing "$name $*: $found of $expected suites came to an end"
}

missing() {
  failed=$((failed + 1))
  echo "daxvm: $*"
}

# One line for a suite. One of which no test has run counts as failed.
tell() { # tell SUITE
  local report=$work/reports/$1/TEST-junit-jupiter.xml tests skipped bad
  if [ ! -r "$report" ]; then
    missing "$1: no report: $(tail -n 1 "$work/reports/$1/log" 2>/dev/null)"
    return
  fi
  tests=$(attribute tests "$report")
  skipped=$(attribute skipped "$report")
  bad=$(($(attribute failures "$report") + $(attribute errors "$report")))
  echo "daxvm: $1: $tests tests, $skipped skipped, $bad failed, $(attribute time "$report") s"
  if [ "$bad" -gt 0 ] || [ "$tests" -eq "$skipped" ]; then
    failed=$((failed + 1))
  fi
}

attribute() { # attribute NAME REPORT
  sed -n "s/^<testsuite .* $1=\"\([^\"]*\)\".*/\1/p" "$2" | head -n 1
}

cut_power() { :; }
