#!/usr/bin/env bash
# Runs clang-tidy over C++ files: those named, or those that differ from the commit $BASE (default: HEAD~1), or with
# --all every one. Needs a configured build/release (scripts/build.sh).
set -euo pipefail
cd "$(dirname "$0")/.."

database=build/release
[ -e $database/compile_commands.json ] || { echo "tidy: run scripts/build.sh first" >&2; exit 2; }
command -v clang-tidy >/dev/null || { echo "tidy: clang-tidy is not installed" >&2; exit 77; }

if [ "${1:-}" = --all ]; then
  mapfile -t files < <(git ls-files 'src/*.cpp' 'tests/*.cpp' 'bench/*.cpp')
elif [ $# -gt 0 ]; then
  files=("$@")
else
  mapfile -t files < <(git diff --name-only --diff-filter=d "${BASE:-HEAD~1}" -- 'src/*.cpp' 'tests/*.cpp' 'bench/*.cpp')
fi
[ ${#files[@]} -gt 0 ] || { echo "tidy: no files"; exit 0; }
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(nproc)" clang-tidy -p $database --quiet --extra-arg=-Wno-unknown-warning-option
