#!/bin/sh
# switching.sh - two models in one climb: what the report says of a switch is counted here anew from the stored answers, on dev and, where
# both have answers, on test; recorded outcomes of two models likewise.
. tests/e2e/lib.sh

golden=$PWD/tests/reference/golden
export RUNG_MODELS="$scratch/models"
mkdir "$RUNG_MODELS"
"$rung" model add "$golden/tiny-llama.gguf" --name tiny >/dev/null && "$rung" model add "$golden/tiny-lora.gguf" --name lora >/dev/null ||
	fail "two models" "could not be added"
short_mails "$scratch/task" 40 30 24
task() { # MODELS
	cat >"$scratch/task/task.yaml" <<Y
name: switched
kind: classify
instruction: "Pick {{labels}}."
input: "{{text}}"
labels: [spam, work]
examples: {file: emails.jsonl, answer: label, id: id, split: split}
models: [$1]
Y
}
cat >"$scratch/count.py" <<'PY'
"""STORE REPORT EMAILS: the best variant of each model and what changes hands between them, from the answers; exits 1 where the report differs."""
import json, sqlite3, sys
store, report, emails = sys.argv[1:]
gold = {r["id"]: r["label"] for r in map(json.loads, open(emails, encoding="utf-8"))}
db = sqlite3.connect(store)
prompts = {id: model for id, model in db.execute("SELECT id, model FROM variant WHERE rung IN (1, 2) AND model IS NOT NULL")}
right = {}
for variant, item, split, answer in db.execute("SELECT variant, item, split, answer FROM answer WHERE split IN ('dev', 'test')"):
    if variant in prompts:
        right.setdefault((split, variant), {})[item] = answer == gold[item]
r = json.load(open(report))
names = {v["id"]: v for v in r["variants"]}


def best(model, split):
    """By dev: most items, then most right; the report lists what ties in the order of its variants."""
    dev = lambda v: right.get(("dev", v), {})
    mine = [v["id"] for v in r["variants"] if prompts.get(v["id"]) == model and (split, v["id"]) in right]
    return max(mine, key=lambda v: (len(dev(v)), sum(dev(v).values()) / max(1, len(dev(v)))), default=None)


models = sorted(set(prompts.values()))
assert len(models) == 2 and len(r["switching"]) == 1, (models, r["switching"])
s = r["switching"][0]
split = next(x for x in ("test", "dev") if all(best(m, x) for m in models))
assert s["split"] == split and sorted([s["from"], s["to"]]) == models, (split, s)
a, b = best(s["from"], split), best(s["to"], split)
assert (s["variant_from"], s["variant_to"]) == (a, b), (s, a, b)
x, y = right[split, a], right[split, b]
both = [(x[i], y[i]) for i in x if i in y]
n = {k: both.count(k) for k in [(True, False), (False, True), (True, True), (False, False)]}
assert [s["n"], s["only_from"], s["only_to"], s["both"], s["neither"]] == [len(both), *n.values()], (s, n)
assert abs(s["delta"] - (s["only_to"] - s["only_from"]) / s["n"]) < 1e-8 and s["low"] <= s["delta"] <= s["high"], s
tried = [sum(m == side for m in prompts.values()) for side in (s["from"], s["to"])]
assert s["choices"] == (1 if split == "test" else tried[0] * tried[1]), (s, tried)
for end, v in (("from", a), ("to", b)):
    assert s["technique_" + end] == names[v]["name"] and s["usd_per_1k_" + end] == names[v]["usd_per_1k_calls"], s
    assert [s["ms_p50_" + end], s["ms_p95_" + end]] == [names[v]["ms_p50"], names[v]["ms_p95"]], s
assert f"{s['n']} {split} items" in s["line"] and s["line"].endswith("."), s["line"]
q = next(q for q in r["questions"] if q["question"].startswith("What is lost by switching"))
assert q["known"] and s["line"] in q["answer"], q
print(split, s["line"])
PY
counted() { # NAME SPLIT: the report of the store agrees, on that split
	"$rung" report "$scratch/task" --json >"$scratch/report.json" 2>"$scratch/err"
	if python3 "$scratch/count.py" "$scratch/task/.rung/store.db" "$scratch/report.json" "$scratch/task/emails.jsonl" >"$scratch/out" 2>&1 &&
		grep -q "^$2 " "$scratch/out"; then ok "$1"; else fail "$1" "$(tail -c 900 "$scratch/out" "$scratch/err")"; fi
}

task '"local:tiny", "local:tiny+lora"'
if ! "$rung" climb "$scratch/task" --rungs 0-1 --threads 1 --quiet >"$scratch/out" 2>&1; then
	fail "a climb with two models" "$(tail -c 500 "$scratch/out")"
	finish
fi
counted "two models beside each other on dev, as the answers say" dev
"$rung" report "$scratch/task" --format html -o "$scratch/page.html" 2>/dev/null
if grep -q "<h2>Switching models</h2>" "$scratch/page.html" && grep -q "The items on which they differ, by name" "$scratch/page.html"; then
	ok "the page names the dev items"
else
	fail "the page names the dev items" "it does not"
fi

# A variant of the other model answers the test items too, every third rightly: written here, since one alone does in a climb.
python3 - "$scratch/task" <<'PY'
import json, sqlite3, sys
gold = {r["id"]: r["label"] for r in map(json.loads, open(sys.argv[1] + "/emails.jsonl", encoding="utf-8"))}
db = sqlite3.connect(sys.argv[1] + "/.rung/store.db")
model, = db.execute("SELECT v.model FROM answer a JOIN variant v ON v.id = a.variant WHERE a.split = 'test' AND v.rung = 1").fetchone()
other, = db.execute("SELECT v.id FROM variant v JOIN answer a ON a.variant = v.id WHERE v.rung = 1 AND v.model != ? AND a.split = 'dev' LIMIT 1", (model,)).fetchone()
rows = db.execute("SELECT DISTINCT run, item FROM answer WHERE split = 'test' ORDER BY item").fetchall()
for i, (run, item) in enumerate(rows):
    answer = gold[item] if i % 3 == 0 else "work" if gold[item] == "spam" else "spam"
    db.execute("INSERT INTO answer (run, variant, item, split, call, answer, status, ms) VALUES (?, ?, ?, 'test', 0, ?, 'answered', 1)", (run, other, item, answer))
db.commit()
PY
counted "on test where both answered that" test
"$rung" report "$scratch/task" --format html -o "$scratch/page.html" 2>/dev/null
pair=$(sed -n 's/.*<a href="#pair=\([0-9]*\)">test items<.*/\1/p' "$scratch/page.html")
if [ -n "$pair" ] && grep -q "data-changed=\"[^\"]*\\b$pair[+-]" "$scratch/page.html"; then ok "the page leads to the texts of the test items"; else
	fail "the page leads to the texts of the test items" "pair \"$pair\""
fi

# What is fine-tuned is no model to switch to; what searches is.
rung_of_other() { python3 -c 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute("UPDATE variant SET rung = ? WHERE rung > 0 AND model = ?", (sys.argv[2], "local:tiny+lora")); db.commit()' "$scratch/task/.rung/store.db" "$1"; }
rung_of_other 2
counted "a model that searches is one" test
rung_of_other 3
if "$rung" report "$scratch/task" --json 2>"$scratch/err" | python3 -c 'import json, sys; r = json.load(sys.stdin); assert r["switching"] == []'; then
	ok "a model that is fine-tuned is none"
else
	fail "a model that is fine-tuned is none" "$(cat "$scratch/err")"
fi

task '"local:tiny"'
"$rung" climb "$scratch/task" --rungs 1 --threads 1 --quiet --seed 2 >/dev/null 2>&1
if "$rung" report "$scratch/task" --seed 2 --json 2>"$scratch/err" | python3 -c 'import json, sys; r = json.load(sys.stdin); assert r["switching"] == []'; then
	ok "one model alone is no switch"
else
	fail "one model alone is no switch" "$(cat "$scratch/err")"
fi

# --- recorded outcomes --------------------------------------------------------------------------------------------------

python3 - >"$scratch/o.jsonl" <<'PY'
import json
def rows(model, config, usd, right):
    for i in range(200):
        print(json.dumps({"item": f"i{i}", "model": model, "config": config, "rung": "prompt", "correct": int(right(i)), "usd": usd, "ms": 1000 * usd}))
rows("dear", "plain", .002, lambda i: i < 150)
rows("cheap", "plain", .0005, lambda i: i < 60)
rows("cheap", "shots", .001, lambda i: i < 90 or i >= 190)
PY
"$rung" decide "$scratch/o.jsonl" --json >"$scratch/out" 2>"$scratch/err"
if python3 - "$scratch/out" <<'PY' 2>"$scratch/why"; then ok "recorded models beside each other"; else fail "recorded models beside each other" "$(cat "$scratch/why")"; fi
import json, sys
s, = json.load(open(sys.argv[1]))["switching"]
assert [s[k] for k in ("from", "to", "split", "n", "only_from", "only_to", "both", "neither", "choices")] == ["dear", "cheap", "recorded", 200, 60, 10, 90, 40, 2], s
assert (s["technique_from"], s["technique_to"], s["usd_per_1k_from"], s["usd_per_1k_to"], s["ms_p50_to"]) == ("plain", "shots", 2, 1, 1), s
assert s["line"].startswith("Switching from dear to cheap loses 60 of 200 recorded items and wins 10 (\u221225.0 points, interval "), s["line"]
assert s["line"].endswith("), saves $1.00 per 1,000 calls, and needs shots in place of plain."), s["line"]
PY
"$rung" decide "$scratch/o.jsonl" --plan early --json >"$scratch/out" 2>"$scratch/err"
if python3 - "$scratch/out" <<'PY' 2>"$scratch/why"; then ok "only what was looked at counts"; else fail "only what was looked at counts" "$(cat "$scratch/why")"; fi
import json, sys
r = json.load(open(sys.argv[1]))
s, = r["switching"]
looked = {v["id"]: v["test"]["n"] for v in r["variants"] if v["test"]}
assert s["n"] == min(looked[s["variant_from"]], looked[s["variant_to"]]) < 200, (s, looked)
PY
finish
