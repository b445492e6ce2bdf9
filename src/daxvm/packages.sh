# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the rig needs from the host, and Debian's packages that it unpacks instead of installing them.

# The lists, the cache and what was downloaded are below the work folder: the host's own are neither used nor changed.
apt() { # apt TOOL ARGUMENT...
  local tool=$1
  shift
  "$tool" -q -q -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=true \
    -o Dir::State::Lists="$work/apt/lists" -o Dir::Cache="$work/apt/cache" "$@"
}

require_host() {
  local tool
  [ "$(uname -sm)" = "Linux x86_64" ] || cannot "the guest is made of amd64 packages for Linux, and this is $(uname -sm)"
  for tool in apt-get apt-cache dpkg-deb setpriv fallocate ldd tar; do
    command -v "$tool" >/dev/null || cannot "$tool is missing: the rig unpacks Debian packages, on Debian 12 or newer"
  done
  java_home=$("$home/src/build/jdk25") || cannot "there is no JDK 25"
  [ -x "$java_home/bin/jlink" ] || cannot "$java_home has no jlink, which makes the runtime of the guest"
}

require_room() { # require_room MIB
  local free
  free=$(($(df -Pk "$work" | awk 'NR == 2 { print $4 }') / 1024))
  [ "$free" -ge "$1" ] || cannot "$work needs $1 MiB, and has $free: set HOLDFAST_DAXVM_WORK to another folder"
}

update_lists() {
  mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
  apt apt-get update >"$work/apt/log" 2>&1 ||
    cannot "apt-get update failed: $(grep -m 1 '^E:' "$work/apt/log" || echo "see $work/apt/log")"
}

# The packages that are named, and those that they need and the host has not installed.
with_missing() { # with_missing PACKAGE...
  {
    printf '%s\n' "$@"
    apt apt-get install -s --no-install-recommends "$@" 2>>"$work/apt/log" | awk '$1 == "Inst" { print $2 }'
  } | sort -u
}

kernel_package() {
  apt apt-cache depends linux-image-cloud-amd64 2>>"$work/apt/log" |
    sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1
}

# Downloads what is not there yet.
download() { # download PACKAGE...
  local package missing=()
  mkdir -p "$work/deb"
  for package; do
    [ -n "$(deb "$package")" ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] || (cd "$work/deb" && apt apt-get download "${missing[@]}") >>"$work/apt/log" 2>&1 ||
    cannot "packages cannot be had: $(grep '^E:' "$work/apt/log" | tail -n 1)"
}

deb() { # the file of a package
  find "$work/deb" -name "$1_*.deb" | head -n 1
}

unpack() { # unpack FOLDER PACKAGE...
  local folder=$1 package
  shift
  mkdir -p "$folder"
  for package; do
    dpkg-deb -x "$(deb "$package")" "$folder"
  done
}
