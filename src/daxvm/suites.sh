# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What is tested, on which machines, and what came of it.
#
# plain has, beside its three NVDIMMs, persistent memory of other kinds: of the kernel's command line (e820), and
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
    run_on plain files:ext4-dax-always:long
    run_on plain files:xfs-dax-always:long
    run_on plain device
    run_on plain kill:20
    run_on plain figures
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
  if [ -r "$work/reports/$1/status" ]; then
    echo "daxvm: $1: $(tail -n 1 "$work/reports/$1/log")"
    [ "$(cat "$work/reports/$1/status")" -eq 0 ] || failed=$((failed + 1))
    return
  fi
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

run_cuts() {
  [ $# -eq 1 ] && [ "$1" -gt 0 ] 2>/dev/null || usage
  build
  require_room 1500
  forget_nvdimms
  failed=0
  cut_power "$1"
  [ "$failed" -eq 0 ] || exit 1
}

# Kills QEMU while a pool and a region that grows are at work on a file system, two pools and such a region in partitions
# of a device, and a pool on a whole one; or while all of them are made, every eighth time or so. The next life of the
# machine checks them. A last one only checks.
cut_power() { # cut_power TIMES
  local reports=$work/reports/cuts times=$1 i life when delay checks=0
  forget_nvdimms
  rm -rf "$reports"
  mkdir -p "$reports"
  choose_machine plain
  RANDOM=${HOLDFAST_DAXVM_SEED:-$$}
  say "cutting the power $times times, with HOLDFAST_DAXVM_SEED=${HOLDFAST_DAXVM_SEED:-$$} ..."
  for ((i = 1; i <= times; i++)); do
    life=WORK when='at work'
    if ((i % 4 == 1)); then
      life=RENEW
      ((RANDOM % 2)) || when=making
    fi
    delay=$((RANDOM % 3)).$((RANDOM % 1000))
    start_machine cut "cut:$life:$((RANDOM * 32768 + RANDOM))"
    if ! await_console "$when"; then
      cut_failed "$i" "nothing was $when, or something was lost"
      break
    fi
    sleep "$delay"
    end_machine
    mv "$work/log/cut.console" "$reports/$i.console"
    say "cut $i of $times: $delay s after it was $when"
  done
  if [ "$i" -gt "$times" ]; then
    boot cut cut:CHECK:0 || cut_failed end "the last life found something lost"
    mv "$work/log/cut.console" "$reports/end.console"
  fi
  rm -rf "$work/out.cut"
  checks=$(cat "$reports"/*.console | grep -ac '^CUT .*: checked: ' || true)
  echo "daxvm: cuts: $times cuts, $checks checks, $(acknowledged "$reports"/*.console) operations acknowledged," \
    "$(cat "$reports"/*.console | grep -ac '^CUT .*: LOST' || true) lost"
}

# Waits until all areas have said what they do; false if one was lost, or the machine ended.
await_console() { # await_console TEXT
  local end=$((SECONDS + boot_seconds)) console=$work/log/cut.console
  while kill -0 "$qemu" 2>/dev/null && [ $SECONDS -lt $end ]; do
    ! grep -aq '^CUT .*: LOST' "$console" || return 1
    [ "$(grep -ac "^CUT .*: $1" "$console")" -lt 6 ] || return 0
    sleep 0.1
  done
  return 1
}

cut_failed() { # cut_failed WHICH REASON
  end_machine
  missing "cut $1: $2: its last lines, of $work/reports/cuts:"
  [ ! -e "$work/log/cut.console" ] || cp "$work/log/cut.console" "$work/reports/cuts/$1.console"
  tail -n 20 "$work/reports/cuts/$1.console" >&2 || true
}

acknowledged() { # the sum of what the checks found
  cat "$@" | sed -n 's/.*: checked: \([0-9]*\) acknowledged.*/\1/p' | awk '{ sum += $1 } END { print sum + 0 }'
}

# The page of what all media gave, from the reports of the matrix, the same whenever and wherever it is made; and the
# figures, which are not.
record_media() {
  local page=$home/src/site/markdown/media.md name
  [ "$failed" -eq 0 ] || return 0
  {
    cat "$rig/media.md"
    for name in "${machines[@]}"; do
      printf '\n## %s\n\n' "$(machine_title "$name")"
      echo '| medium | who accepts PROCESS gets | who asks for POWER gets |'
      echo '|---|---|---|'
      awk -F '|' '{ printf "| `%s` | %s | %s |\n", $2, $3, $4 }' "$work/reports/matrix-$name/media"
    done
    cat "$rig/figures.md"
    echo '```'
    grep -v -e '^  in /tmp/' -e '^    goal: ' "$work/reports/figures/log"
    echo '```'
  } >"$page"
  say "wrote $page"
}

machine_title() { # machine_title NAME
  case $1 in
    plain) echo 'A processor with clwb, nothing known of the persistence domain' ;;
    no-clwb) echo 'The same without clwb' ;;
    no-clflushopt) echo 'Without clwb and clflushopt' ;;
    cpu-cache) echo 'Persistence domain `cpu_cache` (eADR)' ;;
    memory-controller) echo 'Persistence domain `memory_controller` (ADR)' ;;
  esac
}
