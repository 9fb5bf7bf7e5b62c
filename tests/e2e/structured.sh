#!/bin/sh
# structured.sh - a climb whose variants answer under a JSON Schema: noise for a model, and every answer a label.
. tests/e2e/lib.sh

mkdir "$scratch/task"
cat >"$scratch/task/task.yaml" <<'Y'
name: t
kind: classify
instruction: Sort.
input: "{{text}}"
labels: [spam, work]
examples: {file: examples.csv, answer: label, id: id}
models: local:tiny-llama
variants: [{name: typed, incumbent: true, model: "local:tiny-llama", schema: answer.json, max_tokens: 60}]
Y
cat >"$scratch/task/answer.json" <<'J'
{"type": "object",
 "properties": {"sure": {"type": "number", "minimum": 0, "maximum": 1}, "label": {"enum": ["spam", "work"]}},
 "required": ["sure", "label"]}
J
(
	echo id,text,label
	i=0
	while [ $i -lt 60 ]; do
		echo "e$i,w$i,$([ $((i % 2)) = 0 ] && echo spam || echo work)"
		i=$((i + 1))
	done
) >"$scratch/task/examples.csv"

export RUNG_MODELS=tests/reference/golden
if "$rung" climb "$scratch/task" --rungs 1 --json --quiet >"$scratch/report" 2>"$scratch/err"; then ok "a climb under schemas"; else
	fail "a climb under schemas" "$(tail -c 500 "$scratch/err")"
	finish
fi
if python3 - "$scratch/report" "$scratch/task/.rung/store.db" <<'PY'; then ok "every answer is a label"; else fail "every answer is a label" "$(tail -c 1500 "$scratch/report")"; fi
import json, sqlite3, sys
report = json.load(open(sys.argv[1]))
typed = next(v for v in report["variants"] if v["id"] == "1/typed")
assert typed["test"]["n"] > 10 and typed["outcomes"]["right"] + typed["outcomes"]["wrong"] == typed["test"]["n"], typed
rows = sqlite3.connect(sys.argv[2]).execute(
    "select a.variant, a.status, c.output from answer a join call c on c.id = a.call where a.variant in (?, ?)",
    ("1/typed", "1/structured@local:tiny-llama")).fetchall()
assert len({variant for variant, _, _ in rows}) == 2, rows
for variant, status, output in rows:
    said = json.loads(output)
    assert status == "answered" and said["label"] in ("spam", "work"), (variant, status, output)
    assert variant != "1/typed" or 0 <= said["sure"] <= 1, output
PY
item=$(python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("select item from answer where variant = ?", ("1/typed",)).fetchone()[0])' "$scratch/task/.rung/store.db")
"$rung" show "$scratch/task" 1/typed "$item" >"$scratch/out" 2>&1
if grep -qF -- '--- schema of the answer' "$scratch/out" && grep -qF '"enum": ["spam", "work"]' "$scratch/out"; then
	ok "show has the schema"
else
	fail "show has the schema" "$(head -c 800 "$scratch/out")"
fi
if "$rung" ask "$scratch/task" --variant 1/typed something 2>"$scratch/err" | grep -qE '"answer":"(spam|work)"'; then ok "and ask answers under it"; else
	fail "and ask answers under it" "$(cat "$scratch/err")"
fi

# Another schema is another task: what was measured under the old one does not count.
sed -i 's/"maximum": 1/"maximum": 2/' "$scratch/task/answer.json"
if "$rung" report "$scratch/task" >"$scratch/out" 2>"$scratch/err"; then fail "a changed schema is noticed" "$(head -c 300 "$scratch/out")"; else
	if grep -q 'changed since the last climb' "$scratch/err"; then ok "a changed schema is noticed"; else fail "a changed schema is noticed" "$(cat "$scratch/err")"; fi
fi
finish
