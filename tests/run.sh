#!/bin/sh
# run.sh BUILD TEST... - runs every tests/e2e/*.sh and the unit tests, JOBS at a time (2), shows what fails, ends with the counts. The long
# ones come first, so that no processor waits for the last. With EMULATOR set it runs the unit tests alone, each under that program.
set -u

build=$1
shift
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

[ -n "${EMULATOR-}" ] || set -- tests/e2e/*.sh "$@"
for test in "$@"; do
	[ ! -x "$test" ] || echo "$test" # lib.sh is no test
done | xargs -P "${JOBS:-2}" -n 1 tests/one.sh "$results" "$build"
for log in "$results"/*.log; do
	[ ! -e "$log" ] || printf '\n%s:\n%s\n' "$(basename "$log" .log)" "$(cat "$log")"
done
echo
cat "$results"/*.counts | awk '
	{ passed += $1; failed += $2; skipped += $3 }
	END { printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped; exit failed > 0 || passed == 0 }'
