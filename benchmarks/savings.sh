#!/bin/sh
# Time saved over operations saved, by dropping tokens and by leaving early, at batch 1 and 64. Options: --help. Needs build/benchmarks/yardstick.
set -eu
exec "${PYTHON:-python3}" "$(dirname "$0")/savings.py" "$@"
