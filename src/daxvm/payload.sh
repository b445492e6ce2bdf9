# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What is tested: classes and tests of the modules, the jars that they need, JUnit, and the scripts of the guest, in a
# file system of their own, $work/payload.img, made again when a source has changed. With it go, for the figures, the
# programs in C beside which they stand, if there is a compiler for them.

modules=(flush crash tx heap bytes examples bench tool)
junit_console=org.junit.platform:junit-platform-console-standalone:1.14.4
dependency_plugin=org.apache.maven.plugins:maven-dependency-plugin:3.11.0

payload_is_fresh() {
  [ -r "$work/payload.img" ] && [ "$work/payload.img" -nt "$work/base/inputs" ] &&
    [ -z "$(cd "$home" && find pom.xml "${modules[@]/%//pom.xml}" "${modules[@]/%//src}" src/daxvm -newer "$work/payload.img" | head -n 1)" ]
}

build_payload() {
  payload_is_fresh && return
  say "compiling ..."
  local made=$work/payload module kind tag
  rm -rf "$made" "$work/payload.img"
  mkdir -p "$made/lib" "$made/classes"
  : >"$work/payload.begun"
  compile "$made/lib" >"$work/log/maven" 2>&1 || {
    tail -n 20 "$work/log/maven" >&2
    fail "the modules do not compile; all of it is in $work/log/maven"
  }
  for module in "${modules[@]}"; do
    for kind in classes test-classes; do
      [ "$module" = bytes ] || cp -R "$home/$module/target/$kind" "$made/classes/$module-$kind"
    done
  done
  for tag in media matrix device; do
    tests_of "$tag" >"$made/tests.$tag"
  done
  compile_programs "$made/programs"
  cp "$rig/guest/run" "$rig/guest/media" "$made/"
  pack "$work/base" "$made" "$work/payload.img"
  touch -r "$work/payload.begun" "$work/payload.img"
  rm -rf "$made" "$work/payload.begun"
}

# The contestants of bench in C, with libpmemobj from its packages.
compile_programs() { # compile_programs FOLDER
  local sources=$home/bench/src/main/c libraries=$1/lib
  if ! command -v gcc >/dev/null; then
    say "gcc is missing: no figures"
    return
  fi
  mkdir -p "$libraries"
  find "$work/base/pmemobj" -path '*x86_64*' ! -path '*debug*' -name '*.so.*' -exec cp {} "$libraries/" \;
  gcc -O2 '-DWRITEBACK="clwb"' -o "$1/persist-clwb" "$sources/persist.c"
  gcc -O2 -I "$work/base/pmemobj/usr/include" -L "$libraries" -o "$1/pmemobj" "$sources/pmemobj.c" \
    -l:libpmemobj.so.1 -Wl,-rpath-link,"$libraries"
}

# The classes with tests of a tag; JUnit would load all classes to find them.
tests_of() { # tests_of TAG
  (cd "$home" && grep -lr "@Tag(\"$1\")" --include='*.java' "${modules[@]/%//src/test/java}" || true) |
    sed 's|.*/src/test/java/||; s|\.java$||; s|/|.|g' | sort
}

compile() { # compile LIB
  local list
  list=$(IFS=, && echo "${modules[*]}")
  cd "$home" &&
    export JAVA_HOME=$java_home MAVEN_OPTS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC ${MAVEN_OPTS:-}" &&
    ./mvnw -q -B -pl "$list" -Dspotless.check.skip=true -Denforcer.skip=true test-compile \
      "$dependency_plugin:copy-dependencies" -DincludeScope=runtime \
      -DincludeGroupIds=org.slf4j,info.picocli,com.google.code.gson -DoutputDirectory="$1" &&
    ./mvnw -q -B -N "$dependency_plugin:copy" -Dartifact="$junit_console" -DoutputDirectory="$1"
}
