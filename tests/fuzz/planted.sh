#!/bin/sh
# Shows that each fuzzer finds a fault: builds the readers with one check left out (SEMWAVE_PLANTED_FAULT) and fails where a fuzzer,
# started from the same corpus, does not notice within 180 s.
#   tests/fuzz/planted.sh [BUILD]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../../build-fuzz-planted}
ordinary=$("$here/ordinary.sh")
cmake -S "$here" -B "$build" -G Ninja -DSEMWAVE_BUILD="$ordinary" -DCMAKE_CXX_COMPILER=clang++ -DSEMWAVE_PLANTED_FAULT=ON >/dev/null
cmake --build "$build"
for name in checkpoint scenario table alist trace image_codec picture results wire receiver journal; do
  case $name in
    checkpoint) expected="ERROR: AddressSanitizer" ;;
    scenario) expected="broken: no key is given twice" ;;
    table) expected="ERROR: AddressSanitizer" ;;
    alist) expected="ERROR: AddressSanitizer" ;;
    image_codec) expected="ERROR: AddressSanitizer" ;;
    picture) expected="broken: a picture has the size that is wanted" ;;
    results) expected="broken: records ascend in their images" ;;
    wire) expected="SUMMARY: .*Sanitizer" ;;
    receiver|journal) expected="SUMMARY: .*Sanitizer" ;;
    trace) expected="broken: a value is bounded" ;;
  esac
  rm -rf "$build/grown/$name"
  mkdir -p "$build/grown/$name" "$build/findings"
  dictionary=
  [ -f "$here/$name.dict" ] && dictionary="-dict=$here/$name.dict"
  begin=$(date +%s)
  if "$build/${name}_fuzzer" -max_total_time=180 -timeout=10 -rss_limit_mb=2048 -seed=1 -verbosity=0 \
      $dictionary -artifact_prefix="$build/findings/$name-" "$build/grown/$name" "$here/corpus/$name" 2>"$build/$name.log"; then
    echo "$name: the planted fault was not found in 180 s" >&2
    exit 1
  fi
  if ! grep -q "$expected" "$build/$name.log"; then
    tail -n 40 "$build/$name.log" >&2
    echo "$name: stopped by something else than the planted fault" >&2
    exit 1
  fi
  echo "$name: planted fault found in $(($(date +%s) - begin)) s"
done
