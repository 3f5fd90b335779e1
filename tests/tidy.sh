#!/usr/bin/env bash
# clang-tidy over the sources, by .clang-tidy at the root. Without arguments: those that the last commit and the working tree
# changed, at most twelve. --all: every one, about half an hour of two cores. Needs build/compile_commands.json.
# Exit status 1 where it finds something, 77 (skipped) where clang-tidy 14, git or the build is missing.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.."
most=12

tidy=$(command -v clang-tidy-14 || command -v clang-tidy) || { echo "clang-tidy is not there: skipped"; exit 77; }
"$tidy" --version | grep -q 'version 14' || { echo "clang-tidy is not version 14, whose findings differ: skipped"; exit 77; }
[[ -e build/compile_commands.json ]] || { echo "build/compile_commands.json is not there: skipped"; exit 77; }

rooms=(core phy channel transmitter receiver experiment node python apps)
if [[ "${1:-}" == --all ]]; then
  files=$(git ls-files "${rooms[@]}")
else
  files=$(git diff --name-only --diff-filter=d HEAD~1 -- "${rooms[@]}" 2>/dev/null) || { echo "no earlier commit to compare with: skipped"; exit 77; }
fi
files=$(grep '\.cpp$' <<<"$files" | grep -v '/cuda/' | sort)
[[ -n "$files" ]] || { echo "no source has changed"; exit 0; }
if [[ "${1:-}" != --all && $(wc -l <<<"$files") -gt $most ]]; then
  echo "$(wc -l <<<"$files") sources have changed: the first $most are looked at, --all looks at all"
  files=$(head -n $most <<<"$files")
fi
# Clang 14 has the coroutines of Boost.Asio only where it is told that it has.
coroutines=(--extra-arg=-D__cpp_impl_coroutine=201902L --extra-arg=-DBOOST_ASIO_HAS_CO_AWAIT=1 --extra-arg=-DBOOST_ASIO_HAS_STD_COROUTINE=1)
xargs -n 1 -P "$(nproc)" "$tidy" --quiet -p build "${coroutines[@]}" <<<"$files" 2>/dev/null || exit 1
