# lib.sh - what the end-to-end tests share: a scratch folder, and results in cmocka's words so that run.sh counts them.
set -u
rung=$PWD/${RUNG_PROGRAM:-build/plain/rung}
data=${RUNG_DATA:-../shared/data}
models=${RUNG_MODELS:-models}
scratch=$(mktemp -d)
fault_server=$(dirname "$rung")/tests/support/fault_server
fault_ids=
trap '[ -z "$fault_ids" ] || kill $fault_ids 2>/dev/null; rm -rf "$scratch"' EXIT
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

# OPTION...: a fault server (CONTRIBUTING.md) that ends with the test; $faults is its port.
start_faults() {
	mkfifo "$scratch/listening"
	"$fault_server" "$@" >"$scratch/listening" &
	fault_ids="$fault_ids $!"
	read -r _ faults <"$scratch/listening" || faults=
	rm "$scratch/listening"
	if [ -z "$faults" ]; then
		fail "the fault server" "it does not start ($fault_server); \`make fault-server\` builds it"
		finish
	fi
}

# FOLDER TRAIN DEV TEST: a folder with so many of the example's e-mails of two kinds, cut short, for a model whose context is short too.
short_mails() {
	mkdir "$1"
	python3 - "$@" <<'PY'
import json, sys
folder, left = sys.argv[1], dict(zip(("train", "dev", "test"), map(int, sys.argv[2:])))
rows = [json.loads(line) for line in open("examples/email/emails.jsonl", encoding="utf-8")]
with open(folder + "/emails.jsonl", "w", encoding="utf-8") as out:
    for row in rows:
        if row["label"] in ("spam", "work") and left[row["split"]] > 0:
            left[row["split"]] -= 1
            print(json.dumps({k: row[k] for k in ("id", "label", "split")} | {"text": row["text"][:60]}), file=out)
PY
}

# FOLDER NAME: a task that rung 0 answers rightly, of 120 lines: "grass number 3" is green, "blood number 2" red.
green_task() {
	mkdir -p "$1"
	awk 'BEGIN { print "id,text,label"; for (i = 0; i < 120; i++)
		printf "e%d,%s number %d,%s\n", i, i % 2 ? "grass" : "blood", i, i % 2 ? "green" : "red" }' >"$1/examples.csv"
	cat >"$1/task.yaml" <<Y
name: $2
kind: classify
instruction: What?
input: "{{text}}"
labels: [red, green]
examples: {file: examples.csv, answer: label, id: id}
Y
}
