#!/usr/bin/env bash
# Sets everything up, builds, and runs all tests. Ends with ctest's summary, and fails if a test fails.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh --tests
scripts/build.sh
# Some tests compare with the real PyTorch and Pillow.
export VERISSIM_PYTHON="$PWD/.venv/bin/python"
exec ctest --preset release --no-tests=error --parallel "$(nproc)" </dev/null
