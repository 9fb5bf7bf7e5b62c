#!/bin/sh
# one.sh RESULTS BUILD TEST - runs one test for run.sh: a line of what came of it, its counts in RESULTS/NAME.counts, and beside them what it said
# where something failed.
set -u

results=$1 build=$2 test=$3
name=$(basename "$test")
log=$results/$name.log
export RUNG_PROGRAM="$build/rung"

count() { # PATTERN: lines of the log that match, each once
	grep "$1" "$log" | sort -u | wc -l
}

case $build in
*address* | *thread*)
	if grep -q '^# Plain builds alone' "$test" 2>/dev/null; then
		echo "$name: left to the plain build"
		exit 0
	fi
	;;
esac
began=$(date +%s)
if timeout 1200 ${EMULATOR-} "$test" >"$log" 2>&1; then status=0; else status=$?; fi # a test that hangs has failed
passed=$(grep -c '^\[       OK \]' "$log") failed=$(count '^\[  FAILED  \] [^0-9]') skipped=$(count '^\[  SKIPPED \] [^0-9]')
[ "$status" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1 # died without saying which test it was
echo "$passed $failed $skipped" >"$results/$name.counts"
echo "$name: $passed passed, $failed failed, $skipped skipped ($(($(date +%s) - began)) s)"
[ "$failed" -eq 0 ] || exit 0
[ "$skipped" -eq 0 ] || grep -i 'skip' "$log" | grep -v '^\[' | sort -u | head -5
rm "$log"
