#!/usr/bin/env bash
# Installs what Verissim needs on Debian or Ubuntu. Run it again at any time: what is there already is left alone.
#
#   scripts/setup.sh           the compiler, CMake, the libraries, Python, and the Fashion-MNIST images of the example
#   scripts/setup.sh --tests   also clang-format and a browser without a window, and in .venv the Python packages
#                              that some tests compare with
#
# Needs root, or sudo for the packages of the system.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  g++ cmake ninja-build pkg-config
  libeigen3-dev libopenblas-dev libgmp-dev libpng-dev libcurl4-openssl-dev libzip-dev libssl-dev zlib1g-dev
  nlohmann-json3-dev libcli11-dev
  libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev
  python3 python3-dev python3-venv  # for the package of pip
  ca-certificates dataset-fashion-mnist
)
test_packages=(clang-format groff-base)
torch=torch==2.13.0
python_packages=(
  "numpy>=1.26" "pillow>=10" "safetensors>=0.4" onnx onnxruntime onnxscript pyscipopt
  "nanobind>=2.2" "pytest>=7" scikit-image torchmetrics pytorch-msssim pandas tqdm tensorboard
  "mkdocs>=1.6,<2" "mkdocs-material>=9.5,<10"  # docs/requirements.txt
)

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

usage() {
  sed -n '2,8s/^# \{0,1\}//p' scripts/setup.sh
  exit "$1"
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "needs root or sudo to run: $*"
  fi
}

installed() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

apt() { as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" </dev/null; }

install_packages() {
  local missing=() name
  for name in "$@"; do
    installed "$name" || missing+=("$name")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    say "installing ${missing[*]}"
    apt update
    apt install --no-install-recommends "${missing[@]}"
  fi
}

# Debian has LibTorch as a package; where it is missing, pip's torch in .venv serves as well.
install_libtorch() {
  installed libtorch-dev && return
  if [ -n "$(apt-cache search --names-only '^libtorch-dev$')" ]; then
    install_packages libtorch-dev
  else
    say "no package libtorch-dev here: taking LibTorch from pip's torch"
    install_python_packages
  fi
}

# Done when the list that was installed last is the one wanted now.
install_python_packages() {
  local wanted="$torch ${python_packages[*]}"
  [ "$(cat .venv/installed 2>/dev/null)" = "$wanted" ] && return
  say "installing $wanted into .venv"
  [ -x .venv/bin/pip ] || "$(system_python)" -m venv .venv
  # The build for the CPU is far smaller than the one for graphics cards: taken where pip knows of one.
  if ! .venv/bin/pip install -q "$torch+cpu" "${python_packages[@]}" 2>/dev/null; then
    say "pip knows of no $torch for the CPU alone: taking the usual one, which may be several GB"
    .venv/bin/pip install -q "$torch" "${python_packages[@]}"
  fi
  printf '%s\n' "$wanted" >.venv/installed
}

system_python() {
  if [ -x /usr/bin/python3 ]; then echo /usr/bin/python3; else command -v python3; fi
}

# Reports are tested in a browser. Not every system has it as a package (Ubuntu's chromium is a snap).
install_browser() {
  if [ -n "$(apt-cache search --names-only '^chromium-headless-shell$')" ]; then
    install_packages chromium-headless-shell
  else
    say "no package chromium-headless-shell here: reports are not tested in a browser"
  fi
}

check_cmake() {
  local version
  version=$(cmake --version | sed -n '1s/[^0-9]*//p')
  if [ "$(printf '3.25\n%s\n' "$version" | sort -V | head -n 1)" != 3.25 ]; then
    fail "CMake $version is too old, 3.25 is needed: put a newer one first in PATH"
  fi
}

with_tests=no
for argument in "$@"; do
  case $argument in
    --tests) with_tests=yes ;;
    -h | --help) usage 0 ;;
    *) usage 2 >&2 ;;
  esac
done

command -v apt-get >/dev/null || fail "this script knows Debian and Ubuntu; docs/dependencies.md lists what is needed"
install_packages "${packages[@]}"
install_libtorch
check_cmake
if [ "$with_tests" = yes ]; then
  install_packages "${test_packages[@]}"
  install_browser
  install_python_packages
fi
say "all there"
