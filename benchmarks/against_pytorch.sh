#!/bin/sh
# semwave and tuned PyTorch in one interleaved run: forward at batch 1 and 64, training step; outputs compared first. Options: --help.
# Installs nothing. Needs Debian's PyTorch, the OpenMP build of OpenBLAS, and build/benchmarks/yardstick.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-/usr/bin/python3}
if ! "$python" -c 'import torch' 2>/dev/null; then
  echo "PyTorch is missing: apt install python3-torch libopenblas0-openmp" >&2
  exit 2
fi
exec "$python" "$here/against_pytorch.py" --python "$python" "$@"
