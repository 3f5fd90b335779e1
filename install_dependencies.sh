#!/usr/bin/env bash
# Installs what semwave is built from, on Debian and its relatives. Does nothing where all of it is there.
# Usage: ./install_dependencies.sh [--checks] [--python] [--full]
#   --checks  adds clang-format and clang-tidy, which ./test.sh holds the sources against
#   --python  adds what the Python module is built from
#   --full    adds clang for the fuzzers of ./test.sh --full
set -euo pipefail

packages=(cmake ninja-build g++ libfmt-dev libcli11-dev nlohmann-json3-dev librandom123-dev libjpeg62-turbo-dev libpng-dev zlib1g-dev
          pkg-config libwebp-dev libheif-dev libboost-dev libssl-dev libspdlog-dev
          libgtest-dev libeigen3-dev libbenchmark-dev dataset-fashion-mnist python3)
for argument in "$@"; do
  case "$argument" in
    --checks) packages+=(clang-format clang-tidy) ;;
    --python) packages+=(pybind11-dev python3-dev python3-numpy) ;;
    --full) packages+=(clang libclang-rt-14-dev) ;;
    *) echo "install_dependencies.sh: unknown argument $argument (--checks, --python and --full are known)" >&2; exit 2 ;;
  esac
done

if ! command -v dpkg-query >/dev/null; then
  echo "install_dependencies.sh: this is no Debian system; install what these packages hold and go on without this script: ${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  [[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

as_root=()
if [[ $EUID -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "install_dependencies.sh: not root and no sudo; ask for: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "installing: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 </dev/null; }
# Lists that are there often suffice; they are fetched only where they do not.
if ! install; then
  if ! { "${as_root[@]}" apt-get update >"$log" 2>&1 </dev/null && install; }; then
    tail -n 15 "$log" >&2
    echo "install_dependencies.sh: apt-get could not install: ${missing[*]}" >&2
    echo "Check the network and /etc/apt/sources.list (all of these are in Debian 12 main), then run this again." >&2
    exit 1
  fi
fi
