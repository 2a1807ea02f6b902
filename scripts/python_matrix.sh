#!/usr/bin/env bash
# Builds the Python package for other Pythons, installs it beside other releases of PyTorch, and runs its tests there:
#
#   scripts/python_matrix.sh PYTHON=TORCH...        scripts/python_matrix.sh python3.9=2.5.1 python3.13=2.14.1
#
# Each pair gets a new environment in build/python-matrix, built from scratch. Without a build of PyTorch for the CPU
# that pip knows of, several GB each. By hand, not part of the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(numpy pillow pandas tqdm pytest safetensors onnx scikit-image torchmetrics pytorch-msssim)

if [ $# -eq 0 ]; then
  sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi

failed=()
for pair in "$@"; do
  python=${pair%%=*}
  torch=${pair#*=}
  folder=build/python-matrix/$(basename "$python")-torch-$torch
  rm -rf "$folder"
  mkdir -p "$folder"
  "$python" -m venv "$folder"
  pip=("$folder/bin/pip" --quiet --disable-pip-version-check)
  if ! "${pip[@]}" install "torch==$torch+cpu" 2>/dev/null; then "${pip[@]}" install "torch==$torch"; fi
  "${pip[@]}" install "${packages[@]}"
  # A folder of its own, as far from the sources as other builds: ccache then knows the engine's files.
  build=build/wheel-$(basename "$python")
  rm -rf "$build"
  "${pip[@]}" install --config-settings=build-dir="$build" .
  if "$folder/bin/python" -B -m pytest -q -ra -p no:cacheprovider tests/python; then
    echo "python_matrix: $pair passes"
  else
    failed+=("$pair")
  fi
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "python_matrix: failed with ${failed[*]}" >&2
  exit 1
fi
