#!/bin/sh
# run.sh BUILD TEST... - runs every unit test and every tests/e2e/*.sh, shows what fails, ends with the counts. With
# EMULATOR set it runs the unit tests alone, each under that program.
set -u

build=$1
shift
export RUNG_PROGRAM="$build/rung"
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

count() { # PATTERN: lines of the log that match
	grep -c "$1" "$log" || true
}

[ -n "${EMULATOR-}" ] || set -- "$@" tests/e2e/*.sh
for test in "$@"; do
	[ -x "$test" ] || continue # lib.sh is no test
	case $build in
	*address* | *thread*)
		if grep -q '^# Plain builds alone' "$test" 2>/dev/null; then
			echo "$(basename "$test"): left to the plain build"
			continue
		fi
		;;
	esac
	began=$(date +%s)
	if timeout 1200 ${EMULATOR-} "$test" >"$log" 2>&1; then status=0; else status=$?; fi # a test that hangs has failed
	p=$(count '^\[       OK \]') f=$(count '^\[  FAILED  \] [^0-9]') s=$(count '^\[  SKIPPED \] [^0-9]')
	listed=$(count '^\[  FAILED  \] [0-9]')
	if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then
		f=1 # died without saying which test it was
	elif [ "$listed" -gt 0 ] && [ "$f" -gt 0 ]; then
		f=$(grep '^\[  FAILED  \] [^0-9]' "$log" | sort -u | wc -l)
	fi
	s=$(grep '^\[  SKIPPED \] [^0-9]' "$log" | sort -u | wc -l)
	echo "$(basename "$test"): $p passed, $f failed, $s skipped ($(($(date +%s) - began)) s)"
	if [ "$f" -gt 0 ]; then
		cat "$log"
	elif [ "$s" -gt 0 ]; then
		grep -i 'skip' "$log" | grep -v '^\[' | sort -u | head -5
	fi
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
done
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
