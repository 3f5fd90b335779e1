#!/bin/sh
# Makes the libraries of an ordinary build that the receiver's fuzzers link, and prints its folder: build/ where that is one without CUDA and
# sanitizers, else build-fuzz-program/.
#   tests/fuzz/ordinary.sh
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/build
if ! grep -qs '^SEMWAVE_CUDA:[A-Z]*=OFF' "$build/CMakeCache.txt" || ! grep -qs '^SEMWAVE_SANITIZE:[A-Z]*=$' "$build/CMakeCache.txt"; then
  build=$root/build-fuzz-program
  cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DSEMWAVE_CUDA=OFF -DSEMWAVE_TESTS=OFF -DSEMWAVE_BENCHMARKS=OFF >&2
fi
cmake --build "$build" --target semwave_experiment >&2
echo "$build"
