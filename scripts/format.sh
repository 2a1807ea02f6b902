#!/usr/bin/env bash
# Formats our C++ files, or with --check only names those that need it. scripts/format.sh [--check] [FILE...]
# Releases of clang-format differ in details; ours is 14. Without it nothing can be said: exit code 77.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=(-i)
if [ "${1:-}" = --check ]; then
  mode=(--dry-run --Werror)
  shift
fi

tool=
for candidate in clang-format-14 clang-format; do
  if "$candidate" --version 2>/dev/null | grep -q 'version 14\.'; then tool=$candidate && break; fi
done
if [ -z "$tool" ]; then
  echo "format: clang-format 14 is not installed" >&2
  exit 77
fi

if [ $# -gt 0 ]; then
  "$tool" "${mode[@]}" "$@"
else
  folders=()
  for folder in src include tests bench examples checker fuzz python; do
    [ -d "$folder" ] && folders+=("$folder")
  done
  find "${folders[@]}" \( -name '*.h' -o -name '*.cpp' \) -print0 | xargs -0 "$tool" "${mode[@]}"
fi
