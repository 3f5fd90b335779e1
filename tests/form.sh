#!/usr/bin/env bash
# Fails where a source is not as .clang-format says (clang-format 14, Debian 12's), or has a line of code beyond 100 columns.
# Ends with 77, which ctest takes for skipped, where there is no clang-format of that version.
#   tests/form.sh [--fix]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tool=$(command -v clang-format-14 || command -v clang-format || true)
if [[ -z $tool ]] || ! "$tool" --version | grep -q 'version 14\.'; then
  echo "skipped: clang-format 14 is missing (apt-get install clang-format)"
  exit 77
fi
mapfile -t sources < <(find core phy channel transmitter receiver experiment node python apps tests benchmarks examples \
                         -name build -prune -o \( -name '*.h' -o -name '*.cpp' -o -name '*.cu' \) -print | sort)
if [[ ${1:-} == --fix ]]; then
  "$tool" -i "${sources[@]}"
else
  "$tool" --dry-run -Werror "${sources[@]}"
fi
long=$(awk 'length > 100 { print FILENAME ":" FNR ": longer than 100 columns" }' "${sources[@]}")
if [[ -n $long ]]; then
  echo "$long"
  exit 1
fi
