#!/bin/sh
# constraints.sh - what a constraint rules out does not end a climb, is no winner, and the report says why.
. tests/e2e/lib.sh

export RUNG_MODELS="$scratch/models"
mkdir "$RUNG_MODELS"
cp tests/reference/golden/tiny-llama.gguf "$RUNG_MODELS/"
short_mails "$scratch/task" 40 8 12
task() { # TRAFFIC
	cat >"$scratch/task/task.yaml" <<Y
name: constrained
kind: classify
instruction: "Pick {{labels}}."
input: "{{text}}"
labels: [spam, work]
examples: {file: emails.jsonl, answer: label, id: id, split: split}
models: ["local:tiny-llama"]
target: 0.2
traffic: {$1}
Y
}
climb() { # STORE
	"$rung" climb "$scratch/task" --rungs 0-1 --store "$scratch/$1.db" --threads 2 --json --quiet >"$scratch/$1.json" 2>"$scratch/err" ||
		fail "climb $1" "$(head -c 300 "$scratch/err")"
}

task "calls_per_day: 10"
climb free
task "calls_per_day: 10, latency_p95_ms: 0.00001"
climb bound
if python3 - "$scratch/free.json" "$scratch/bound.json" <<'PY' >"$scratch/out" 2>&1
import json, sys
free, bound = (json.load(open(p)) for p in sys.argv[1:])
rung = lambda r, n: [v for v in r["variants"] if v["rung"] == n]
assert free["verdict"]["rung"] == 0 and free["verdict"]["meets_target"] == "yes", free["verdict"]
assert all(v["status"] == "skipped" for v in rung(free, 1)), rung(free, 1)
assert any(v["why"] == "a lower rung meets the target" for v in rung(free, 1)), rung(free, 1)
assert not any("ruled out" in f for f in free["findings"]), free["findings"]
assert any(v["test"] for v in rung(bound, 1)), rung(bound, 1)
said = [f for f in bound["findings"] if "is ruled out: its 95th percentile of latency is " in f]
assert len(said) == sum(1 for v in bound["variants"] if v["test"]), bound["findings"]
assert "No candidate keeps to the task's constraints, so the verdict is about all of them." in bound["findings"], bound["findings"]
PY
then ok "what is too slow does not end the climb"; else fail "what is too slow does not end the climb" "$(head -c 800 "$scratch/out")"; fi

# The incumbent's answers become slow in the store: nothing here hangs on how fast this machine is.
task "calls_per_day: 10, latency_p95_ms: 1000"
printf 'variants:\n  - {name: today, incumbent: true, model: "local:tiny-llama", system: "Pick {{labels}}.", input: "{{text}}"}\n' >>"$scratch/task/task.yaml"
sed -i '/^target/d' "$scratch/task/task.yaml"
climb slow
python3 - "$scratch/slow.db" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("UPDATE answer SET ms = CASE WHEN variant LIKE '0/%' THEN 1 ELSE 5000 END")
db.commit()
PY
"$rung" report "$scratch/task" --store "$scratch/slow.db" --json >"$scratch/slow.json" 2>"$scratch/err"
if python3 - "$scratch/slow.json" <<'PY' >"$scratch/out" 2>&1
import json, sys
r = json.load(open(sys.argv[1]))
assert r["verdict"]["rung"] == 0 and r["comparisons"] == [], (r["verdict"], r["comparisons"])
assert sum("is ruled out: its 95th percentile of latency is 5000 ms" in f for f in r["findings"]) >= 1, r["findings"]
PY
then ok "nor is it the winner, though it is in use"; else fail "nor is it the winner, though it is in use" "$(head -c 800 "$scratch/out" "$scratch/err")"; fi
finish
