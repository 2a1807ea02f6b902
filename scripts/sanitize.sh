#!/usr/bin/env bash
# Builds with sanitizers and runs the tests: scripts/sanitize.sh asan|tsan [OPTION OF CTEST...]
#   asan: all tests under AddressSanitizer (with leaks) and UndefinedBehaviorSanitizer
#   tsan: all tests under ThreadSanitizer, without LibTorch
# The exit code is 0 if every test passed and no process of any test reported anything: reports go to files, since a
# test may expect that a program fails, or not look at what it says. Needs what scripts/test.sh has set up.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:-}
case $preset in
  asan | tsan) shift ;;
  *) sed -n '2,6s/^# //p' "$0" >&2; exit 2 ;;
esac

options=()
if command -v ccache >/dev/null; then
  options+=(-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
fi
if [ ! -e /usr/include/torch ] && [ -e .venv/installed ]; then
  options+=("-DVERISSIM_TORCH_PYTHON=$PWD/.venv/bin/python")
fi
cmake --preset "$preset" "${options[@]}"
cmake --build --preset "$preset"

reports=$PWD/build/$preset/reports
rm -rf "$reports"
mkdir "$reports"
# An exit code that no program of ours has. Leaks are looked for at the end of every process.
common=log_path=$reports/report:exitcode=86
export ASAN_OPTIONS=$common:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=$common:print_stacktrace=1
export TSAN_OPTIONS=$common:second_deadlock_stack=1
if [ -z "${VERISSIM_PYTHON:-}" ] && [ -e .venv/installed ]; then export VERISSIM_PYTHON=$PWD/.venv/bin/python; fi

failed=0
ctest --preset "$preset" --no-tests=error --parallel "$(nproc)" "$@" </dev/null || failed=1
if [ -n "$(ls -A "$reports")" ]; then
  head -n 40 "$reports"/*
  echo "sanitize: $(ls "$reports" | wc -l) processes reported something: $reports" >&2
  exit 1
fi
exit $failed
