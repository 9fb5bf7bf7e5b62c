#!/bin/sh
# outcomes.sh - recorded outcomes as models of a task: the climb replays them item by item beside rung 0 and comes to the verdict that their
# answers give; what cannot be replayed is said before anything is measured; a report needs the file no more, and nobody can ask the winner.
. tests/e2e/lib.sh

export RUNG_MODELS="$scratch/none"
short_mails "$scratch/task" 40 30 24
cat >"$scratch/task/task.yaml" <<'Y'
name: replayed
kind: classify
instruction: "Pick {{labels}}."
input: "{{text}}"
labels: [spam, work]
examples: {file: emails.jsonl, answer: label, id: id, split: split}
models: ["recorded:gpt.jsonl"]
Y
cat >"$scratch/record.py" <<'PY'
"""EMAILS CONFIG=RUNG=WRONG[=WITHOUT]...: outcomes of the dev and test items, every WRONG-th of them wrong (0: none), without such keys."""
import json, sys
rows = [r for r in map(json.loads, open(sys.argv[1], encoding="utf-8")) if r["split"] != "train"]
for spec in sys.argv[2:]:
    config, rung, wrong, *without = spec.split("=")
    model, _, config = config.rpartition("/")
    for i, r in enumerate(rows):
        miss = int(wrong) > 0 and i % int(wrong) == 0
        row = {"item": r["id"], "model": model or "gpt-4.1-mini", "config": config, "rung": rung, "correct": int(not miss),
               "output": {"spam": "work", "work": "spam"}[r["label"]] if miss else "The label is " + r["label"] + ".",
               "input_tokens": 100, "output_tokens": 2, "usd": 0.0005, "ms": 300}
        if not ("last" in without and i + 2 >= len(rows)):
            print(json.dumps({k: v for k, v in row.items() if k not in without}))
PY
record() { # FILE SPEC...
	to=$1
	shift
	python3 "$scratch/record.py" "$scratch/task/emails.jsonl" "$@" >"$to"
}
climb() { "$rung" climb "$scratch/task" --rungs 0-1 --threads 1 --quiet "$@" >"$scratch/out" 2>"$scratch/err"; }
reported() { # NAME: a Python condition over r, the report, v, its variants by id, and db, the store
	"$rung" report "$scratch/task" --json >"$scratch/report.json" 2>"$scratch/err"
	if python3 -c "
import json, sqlite3, sys
r = json.load(open(sys.argv[1])); v = {x['id']: x for x in r['variants']}; db = sqlite3.connect(sys.argv[2])
exec(sys.stdin.read())" "$scratch/report.json" "$scratch/task/.rung/store.db" >"$scratch/out" 2>&1; then ok "$1"; else
		fail "$1" "$(tail -c 900 "$scratch/out" "$scratch/err")"
	fi
}

record "$scratch/task/gpt.jsonl" short=prompt=3 long=prompt=0 probed=oracle-context=0
if ! climb; then
	fail "a climb over recorded outcomes" "$(tail -c 600 "$scratch/out" "$scratch/err")"
	finish
fi
reported "the climb comes to the verdict that the recorded answers give" <<'PY'
assert r["verdict"]["variant"] == "1/long@recorded:gpt.jsonl" and r["verdict"]["decision"] == "climb" and r["verdict"]["score"] == 1, r["verdict"]
assert v["1/long@recorded:gpt.jsonl"]["test"]["n"] == 24 and v["1/long@recorded:gpt.jsonl"]["outcomes"]["right"] == 24
assert r["verdict"]["next_step"].startswith("Use 1/long@recorded:gpt.jsonl where it was recorded") and "Serve" not in r["verdict"]["next_step"], r["verdict"]
assert v["0/majority"]["status"] != "skipped" and not any("probed" in id for id in v), list(v)
PY
reported "an outcome is looked at when the race asks for it, and nobody is asked" <<'PY'
short, long = v["1/short@recorded:gpt.jsonl"], v["1/long@recorded:gpt.jsonl"]
assert short["status"] == "raced out" and 0 < short["dev"]["n"] < 30 and short["test"] is None, short
looked = short["dev"]["n"] + 30 + 24
assert short["calls"] + long["calls"] == looked == r["spent"]["dev_calls"] + r["spent"]["test_calls"] == r["spent"]["replayed"], (looked, r["spent"])
assert r["spent"]["dev_calls_full_grid"] == 60 and r["spent"]["usd"] == 0 and r["spent"]["seconds"] == 0 and r["spent"]["providers"] == []
assert db.execute("SELECT count(*) FROM attempt").fetchone() == (0,) and db.execute("SELECT count(*) FROM call").fetchone() == (looked,)
PY
reported "tokens, time and dollars of the rows are kept" <<'PY'
long = v["1/long@recorded:gpt.jsonl"]
assert (long["input_tokens"], long["output_tokens"], long["ms_p50"], long["model"]) == (100, 2, 300, "recorded:gpt.jsonl#gpt-4.1-mini"), long
assert abs(long["usd_per_1k_calls"] - 0.5) < 1e-9, long["usd_per_1k_calls"]
PY
if "$rung" ask "$scratch/task" '{"text": "hello"}' >"$scratch/out" 2>"$scratch/err"; then
	fail "a recorded winner answers nothing else" "it answered: $(cat "$scratch/out")"
elif grep -q 'long@recorded:gpt.jsonl" has only what was recorded' "$scratch/err" && [ ! -s "$scratch/out" ]; then
	ok "a recorded winner answers nothing else"
else fail "a recorded winner answers nothing else" "$(cat "$scratch/err")"; fi
item=$(tail -1 "$scratch/task/emails.jsonl" | python3 -c 'import json, sys; print(json.load(sys.stdin)["id"])')
"$rung" show "$scratch/task" 1/long@recorded:gpt.jsonl "$item" >"$scratch/out" 2>&1
if grep -q "recorded elsewhere under long" "$scratch/out" && grep -q "^The label is " "$scratch/out"; then ok "show has what was recorded"; else
	fail "show has what was recorded" "$(cat "$scratch/out")"
fi

cp "$scratch/report.json" "$scratch/before.json"
mv "$scratch/task/gpt.jsonl" "$scratch/gone.jsonl"
if "$rung" report "$scratch/task" --json >"$scratch/report.json" 2>"$scratch/err" && cmp -s "$scratch/before.json" "$scratch/report.json"; then
	ok "a report stands without the file"
else fail "a report stands without the file" "$(cat "$scratch/err"; diff "$scratch/before.json" "$scratch/report.json" | head -5)"; fi
if climb; then fail "a climb does not" "it went well"; elif grep -q 'model "recorded:gpt.jsonl".*gpt.jsonl: ' "$scratch/err"; then ok "a climb does not"; else
	fail "a climb does not" "$(cat "$scratch/err")"
fi

# Each file by --models, from the present folder; 0 of what is passed over may have been measured.
record "$scratch/holes.jsonl" "short=prompt=3=last" long=prompt=4
climb --models "recorded:$scratch/holes.jsonl"
reported "items without a row are named, and the others go on" <<'PY'
holes = next(x for id, x in v.items() if id.startswith("1/short@recorded:"))
assert holes["status"] == "skipped" and "has no row of 2 of the 54 dev and test items" in holes["why"] and holes["calls"] == 0, holes
assert next(x for id, x in v.items() if id.startswith("1/long@recorded:"))["test"]["n"] == 24
PY
record "$scratch/silent.jsonl" short=prompt=3=output long=prompt=0=output
if climb --models "recorded:$scratch/silent.jsonl" --json; then
	reported "rows without an output are sent to rung decide" <<'PY'
silent = next(x for id, x in v.items() if id.startswith("1/short@recorded:"))
assert silent["status"] == "skipped" and "54 rows without \"output\"" in silent["why"] and "`rung decide " in silent["why"], silent
assert r["spent"]["dev_calls"] == 0 and r["verdict"]["rung"] == 0, r["verdict"]
PY
else fail "rows without an output are sent to rung decide" "$(cat "$scratch/err")"; fi
cp "$scratch/silent.jsonl" "$scratch/task/gpt.jsonl"
"$rung" check "$scratch/task" >"$scratch/out" 2>&1
if grep -q 'note: 1/short@recorded:gpt.jsonl is passed over: .*without "output"' "$scratch/out"; then ok "check says so beforehand"; else
	fail "check says so beforehand" "$(cat "$scratch/out")"
fi
"$rung" decide "$scratch/silent.jsonl" >"$scratch/out" 2>&1 && ok "and rung decide takes it" || fail "and rung decide takes it" "$(cat "$scratch/out")"

# Two models; without usd the tokens are priced, without a price nothing is made up. The same name with other contents is another climb.
record "$scratch/two.jsonl" a=prompt=3=usd nobody/a=prompt=2=usd none/rules=baseline=5=usd
climb --models "recorded:$scratch/two.jsonl"
reported "two models are told apart, and priced by what is known of them" <<'PY'
mine = {id.split("two.jsonl")[-1]: x for id, x in v.items() if "@recorded:" in id}
assert sorted(mine) == ["#gpt-4.1-mini", "#nobody", "#none"], list(v)
assert abs(mine["#gpt-4.1-mini"]["usd_per_1k_calls"] - (100 * 0.4 + 2 * 1.6) / 1000) < 1e-9, mine["#gpt-4.1-mini"]
assert mine["#nobody"]["usd_per_1k_calls"] is None and mine["#none"]["model"] is None and mine["#none"]["rung"] == 0, mine
PY
record "$scratch/two.jsonl" a=prompt=0 nobody/a=prompt=2 none/rules=baseline=5
climb --models "recorded:$scratch/two.jsonl"
reported "a file with other contents is measured anew" <<'PY'
a = next(x for id, x in v.items() if id.endswith("#gpt-4.1-mini"))
assert a["dev"]["score"] == 1 and db.execute("SELECT count(*) FROM run").fetchone()[0] == 5, (a, db.execute("SELECT settings FROM run").fetchall())
PY
finish
