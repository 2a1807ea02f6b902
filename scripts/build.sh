#!/usr/bin/env bash
# Configures the release preset and builds the targets named, or all: scripts/build.sh [TARGET...]
# The programs are then in build/release/bin.
set -euo pipefail
cd "$(dirname "$0")/.."

options=()
if command -v ccache >/dev/null; then
  options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
# Without the system's LibTorch, that of .venv.
if [ ! -e /usr/include/torch ] && [ -e .venv/installed ]; then
  options+=("-DVERISSIM_TORCH_PYTHON=$PWD/.venv/bin/python")
fi
# The Python package is built for the Python of the tests.
if [ -e .venv/installed ]; then
  options+=("-DPython_EXECUTABLE=$PWD/.venv/bin/python")
fi

cmake --preset release "${options[@]}"
targets=()
if [ $# -gt 0 ]; then targets=(--target "$@"); fi
cmake --build --preset release "${targets[@]}"
