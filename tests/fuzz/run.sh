#!/bin/sh
# Runs each fuzzer for SECONDS from its corpus; fails on a finding, which then lies in the build folder.
#   tests/fuzz/run.sh SECONDS [BUILD]        (needs clang++ and its runtime: apt-get install clang libclang-rt-14-dev)
set -eu
seconds=${1:?usage: run.sh SECONDS [BUILD]}
here=$(cd "$(dirname "$0")" && pwd)
build=${2:-$here/../../build-fuzz}
command -v clang++ >/dev/null || { echo "clang++ is missing: apt-get install clang libclang-rt-14-dev" >&2; exit 2; }
ordinary=$("$here/ordinary.sh")
cmake -S "$here" -B "$build" -G Ninja -DSEMWAVE_BUILD="$ordinary" -DCMAKE_CXX_COMPILER=clang++ -DSEMWAVE_PLANTED_FAULT=OFF >/dev/null
cmake --build "$build"
for name in checkpoint scenario table alist trace image_codec picture results wire receiver journal; do
  # New inputs go to the first folder; the corpus of the sources is only read.
  mkdir -p "$build/grown/$name" "$build/findings"
  echo "== $name, $seconds s"
  dictionary=
  [ -f "$here/$name.dict" ] && dictionary="-dict=$here/$name.dict"
  if ! "$build/${name}_fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
      $dictionary -artifact_prefix="$build/findings/$name-" "$build/grown/$name" "$here/corpus/$name" 2>"$build/$name.log"; then
    tail -n 40 "$build/$name.log" >&2
    echo "$name: a finding, its input is in $build/findings" >&2
    exit 1
  fi
  grep 'number_of_executed_units' "$build/$name.log"
done
