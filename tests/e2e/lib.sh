# lib.sh - what the end-to-end tests share: a scratch folder, and results in cmocka's words so that run.sh counts them.
set -u
rung=$PWD/${RUNG_PROGRAM:-build/plain/rung}
data=${RUNG_DATA:-../shared/data}
models=${RUNG_MODELS:-models}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failures=0

ok() { echo "[       OK ] $1"; }
fail() { # NAME WHY
	echo "$1: $2"
	echo "[  FAILED  ] $1"
	failures=$((failures + 1))
}
skip() { # NAME WHY
	echo "$1: skipped: $2"
	echo "[  SKIPPED ] $1"
}
finish() { exit $((failures > 0)); }
