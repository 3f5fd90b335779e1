#!/usr/bin/env bash
# From a fresh checkout to a first table: installs, builds, runs scenarios/quickstart.json. A second call re-uses what stands.
# Usage: ./quickstart.sh [--cuda]     --cuda builds the kernels for GPUs, too, which takes minutes more
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

options=()
for argument in "$@"; do
  case "$argument" in
    --cuda) options=(-DSEMWAVE_CUDA=ON -DSEMWAVE_PRECOMPILE=ON) ;;
    *) echo "quickstart.sh: unknown argument $argument (only --cuda is known)" >&2; exit 2 ;;
  esac
done
# What is configured already stays as it is. Tests and benchmarks are not built here: only the program is.
[[ -e build/CMakeCache.txt || ${#options[@]} -gt 0 ]] || options=(-DSEMWAVE_CUDA=OFF -DSEMWAVE_PRECOMPILE=ON)

./install_dependencies.sh

build() {  # its output only where it fails
  local log=build/quickstart.log
  mkdir -p build
  if ! { cmake --preset release "${options[@]}" && cmake --build --preset release --target semwave; } >"$log" 2>&1 </dev/null; then
    tail -n 40 "$log" >&2
    echo "quickstart.sh: the build failed; all of it is in $log" >&2
    exit 1
  fi
}
[[ -x build/semwave ]] && echo "# looking whether build/semwave is up to date" || echo "# building build/semwave, some minutes the first time"
build

build/semwave run scenarios/quickstart.json --out results/quickstart

cat <<'TEXT'

The rows above are in results/quickstart/results.jsonl and results.csv; docs/results.md says what each column means. Next:
  build/semwave run scenarios/quickstart.json --set /channel/snr_db=0     one key changed
  build/semwave list                                                      what a scenario may name
  build/semwave validate scenarios/quickstart.json                        a scenario of your own, checked
  ./test.sh                                                               everything held to its contract
TEXT
