#!/bin/sh
# check.sh - layers and banned calls (errors), clang-tidy (errors), long functions and files (pointed at).
set -eu
python3 tools/layers.py
if ! command -v clang-tidy >/dev/null 2>&1 && ! command -v clang-tidy-14 >/dev/null 2>&1; then
	tools/deps.sh clang-tidy-14 llvm
fi
tidy=$(command -v clang-tidy || command -v clang-tidy-14)
files=$(ls src/*.c src/*/*.c cli/*.c)
# shellcheck disable=SC2086
printf '%s\n' $files | xargs -P 2 -n 4 "$tidy" --quiet -p . 2>&1 | grep -v -E 'warnings? (generated|treated)|^Suppressed|^Use -' >build/tidy.txt || true
if grep -q -E '(error|warning):' build/tidy.txt; then
	cat build/tidy.txt
	echo "check: clang-tidy found something" >&2
	exit 1
fi
echo "check: layers, banned calls and clang-tidy are clean"
