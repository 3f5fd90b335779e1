#!/bin/sh
# semwave and ONNX Runtime (onnxruntime-node, fetched by npm into build/onnxruntime once) in one interleaved run; outputs compared first.
# Options: --help. Says SKIPPED and ends with 0 where something that it needs cannot be had.
set -u
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-/usr/bin/python3}
cache=${ONNXRUNTIME_CACHE:-$here/../build/onnxruntime}
skip() {
  echo "SKIPPED: $1"
  exit 0
}
command -v node >/dev/null || skip "node is missing (apt install nodejs npm)"
"$python" -c 'import torch' 2>/dev/null || skip "the network is exported by PyTorch, which is missing (apt install python3-torch libopenblas0-openmp)"
if ! [ -d "$cache/node_modules/onnxruntime-node" ]; then
  command -v npm >/dev/null || skip "npm is missing (apt install npm)"
  mkdir -p "$cache"
  [ -f "$cache/package.json" ] || echo '{"private": true}' > "$cache/package.json"
  # The package brings its CPU library; its install script would fetch CUDA's besides.
  if ! (cd "$cache" && ONNXRUNTIME_NODE_INSTALL=skip ONNXRUNTIME_NODE_INSTALL_CUDA=skip npm install --no-audit --no-fund onnxruntime-node) > "$cache/npm.log" 2>&1; then
    skip "npm install onnxruntime-node failed: $(grep -m1 'npm error' "$cache/npm.log" || tail -n1 "$cache/npm.log")"
  fi
fi
exec "$python" "$here/against_onnxruntime.py" --python "$python" --modules "$cache/node_modules" "$@"
