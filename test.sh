#!/usr/bin/env bash
# Builds and tests. Without arguments: the quick tests of the release build. --full: every test, the quick ones again under the
# address and undefined-behaviour sanitizers, those of threads and nodes under the thread sanitizer, and the fuzzers.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

full=no
for argument in "$@"; do
  case "$argument" in
    --full) full=yes ;;
    *) echo "test.sh: unknown argument $argument (only --full is known)" >&2; exit 2 ;;
  esac
done

if [[ $full == yes ]]; then ./install_dependencies.sh --checks --python --full; else ./install_dependencies.sh --checks --python; fi
exec </dev/null
start=$SECONDS

build() {  # preset
  local preset=$1 folder=build log
  [[ $preset == release ]] || folder=build-$preset
  log=$folder/test_build.log
  mkdir -p "$folder"
  echo "# building $folder"
  if ! { cmake --preset "$preset" && cmake --build --preset "$preset"; } >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    echo "test.sh: the build failed; all of it is in $log" >&2
    exit 1
  fi
}

passed=0
check() {  # folder, then arguments of ctest
  local folder=$1 log=$1/test.log
  shift
  echo "# testing $folder $*"
  if ! ctest --test-dir "$folder" --output-on-failure --no-tests=error -j2 "$@" >"$log" 2>&1; then
    grep -v ' Passed ' "$log" | tail -n 200 >&2
    echo "test.sh: FAILED, all of it is in $log" >&2
    exit 1
  fi
  # "100% tests passed, 0 tests failed out of 123"
  passed=$((passed + $(sed -n 's/.*tests failed out of \([0-9]*\).*/\1/p' "$log")))
  sed -n '/The following tests did not run/,/^$/p' "$log"
}

build release
if [[ $full == no ]]; then
  check build -L gate
  echo "test.sh: $passed quick tests passed in $((SECONDS - start)) s"
  exit 0
fi
echo "# clang-tidy over every source"
tests/tidy.sh --all
check build
build asan
check build-asan -L gate
build tsan
check build-tsan -L gate -R '^(ThreadPool|Nodes|Security)'
echo "# fuzzing, a minute for each target"
tests/fuzz/run.sh 60
tests/fuzz/planted.sh
echo "test.sh: all $passed tests passed, the fuzzers found nothing but what was planted, in $((SECONDS - start)) s"
