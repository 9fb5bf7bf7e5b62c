#!/bin/sh
# generate.sh - climbs of kind generate: rung 0 on examples/house-style, whose lines keep to its style; rungs 0 to 2 with noise for
# a model, whose constrained answers match the pattern all the same; and the real small model.
. tests/e2e/lib.sh

# The example.
if python3 tests/reference/house_style.py examples/house-style >"$scratch/out" 2>&1; then ok "the example keeps to its style"; else
	fail "the example keeps to its style" "$(head -c 900 "$scratch/out")"
fi
if "$rung" climb examples/house-style --rungs 0 --store "$scratch/style.db" --json --quiet >"$scratch/report" 2>"$scratch/err" &&
	python3 - "$scratch/report" <<'PY' 2>"$scratch/why"; then ok "rung 0 of the example"; else fail "rung 0 of the example" "$(tail -c 900 "$scratch/err" "$scratch/why")"; fi
import json, sys
report = json.load(open(sys.argv[1]))
by_id = {v["id"]: v for v in report["variants"]}
assert report["examples"]["pool"] > 80 and report["examples"]["test"] > 50, report["examples"]
assert by_id["0/input-unchanged"]["dev"]["score"] == 0, by_id["0/input-unchanged"]
assert 0.05 < by_id["0/nearest-output"]["test"]["score"] < 0.5, by_id["0/nearest-output"]
assert by_id["0/nearest-output"]["outcomes"]["right"] == 0, by_id["0/nearest-output"]
PY

mkdir "$scratch/task" "$scratch/models"
for model in tiny-llama.gguf tiny-bert; do ln -s "$PWD/tests/reference/golden/$model" "$scratch/models/$model"; done
mv "$scratch/models/tiny-bert" "$scratch/models/all-MiniLM-L6-v2"
real=$(realpath "$models")
export RUNG_MODELS=$scratch/models
cat >"$scratch/task/task.yaml" <<'Y'
name: lines
kind: generate
instruction: Line?
input: "{{n}}"
pattern: '(a|b): ([A-Z][a-z]+) ([0-9]+)\.'
examples: {file: examples.csv, answer: line, id: id}
documents: guide.md
models: local:tiny-llama
variants: [{name: plain, model: "local:tiny-llama", max_tokens: 20}]
Y
printf '# Guide\n\nParts are a and b.\n' >"$scratch/task/guide.md"
python3 - >"$scratch/task/examples.csv" <<'PY'
import csv, sys
out = csv.writer(sys.stdout)
out.writerow(["id", "n", "line"])
for i in range(60):
    part, verb = "ab"[i % 2], [("added", "Add"), ("fixed", "Fix")][i // 2 % 2]
    out.writerow([f"e{i}", f"{part} {verb[0]} {i + 10}", f"{part}: {verb[1]} {i + 10}."])
PY

if "$rung" check "$scratch/task" >"$scratch/out" 2>&1 && grep -q 'lines: generate, 60 examples' "$scratch/out"; then ok "check"; else fail "check" "$(cat "$scratch/out")"; fi
if "$rung" climb "$scratch/task" --rungs 0-2 --json --quiet >"$scratch/report" 2>"$scratch/err"; then ok "a climb"; else
	fail "a climb" "$(tail -c 500 "$scratch/err")"
	finish
fi
if python3 - "$scratch/report" "$scratch/task/.rung/store.db" <<'PY' 2>"$scratch/why"; then ok "constrained answers match the pattern"; else fail "constrained answers match the pattern" "$(tail -c 1500 "$scratch/why")"; fi
import json, re, sqlite3, sys
report = json.load(open(sys.argv[1]))
by_id = {v["id"]: v for v in report["variants"]}
assert report["confusion"] == [] and report["labels"] == [] and report["majority_share"] is None, report["confusion"]
assert by_id["0/nearest-output"]["dev"]["score"] > 0.2, by_id["0/nearest-output"]
for name in ("zero-shot", "constrained", "few-shot", "knn-embedding", "knn-embedding-constrained", "knn-tfidf", "knn-tfidf-constrained", "reasoning"):
    assert by_id[f"1/{name}@local:tiny-llama"]["dev"]["n"] > 0, name
for name in ("rag-fused", "rag-words", "rag-few-shot"):
    assert by_id[f"2/{name}@local:tiny-llama"]["dev"]["n"] > 0, name
for v in report["variants"]: # nothing is right below a score of 1
    part = v["test"] or v["dev"]
    assert part["n"] == 0 or v["outcomes"]["right"] <= part["score"] * part["n"] + 1e-9, v
rows = sqlite3.connect(sys.argv[2]).execute("select variant, status, answer from answer").fetchall()
constrained = [answer for variant, status, answer in rows if "constrained" in variant and status == "answered"]
assert len(constrained) >= 4, len(constrained)
for answer in constrained:
    assert re.fullmatch(r"(a|b): ([A-Z][a-z]+) ([0-9]+)\.", answer), answer
PY
item=$(python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("select item from answer where variant = ?", ("1/constrained@local:tiny-llama",)).fetchone()[0])' "$scratch/task/.rung/store.db")
"$rung" show "$scratch/task" 1/constrained@local:tiny-llama "$item" >"$scratch/out" 2>&1
if grep -qF '"pattern": "^(?:(a|b): ([A-Z]' "$scratch/out" && grep -q '^expected  [ab]: ' "$scratch/out"; then ok "show has the pattern"; else
	fail "show has the pattern" "$(head -c 800 "$scratch/out")"
fi
"$rung" ask "$scratch/task" --variant 0/input-unchanged "b fixed 7" >"$scratch/out" 2>&1
if grep -qF '"answer":"b fixed 7"' "$scratch/out"; then ok "ask answers with the text"; else fail "ask answers with the text" "$(cat "$scratch/out")"; fi
if "$rung" report "$scratch/task" --format html -o "$scratch/page.html" 2>"$scratch/err" && ! grep -q 'id="confusion"' "$scratch/page.html"; then
	ok "the page has no confusion matrix"
else
	fail "the page has no confusion matrix" "$(cat "$scratch/err")"
fi

# The real model copies the style of what it is shown.
if [ ! -e "$real/smollm2-135m-instruct.Q4_1.gguf" ] || [ ! -e "$real/all-MiniLM-L6-v2" ]; then
	skip "lines of the real model" "no models here; run \`make models\`"
else
	case $rung in *address* | *thread*) skip "lines of the real model" "the sanitizers make the model too slow for a test" ;;
	*)
		mkdir "$scratch/real"
		head -n 41 "$scratch/task/examples.csv" >"$scratch/real/examples.csv"
		grep -v '^models\|^variants\|^documents' "$scratch/task/task.yaml" >"$scratch/real/task.yaml"
		RUNG_MODELS=$real "$rung" climb "$scratch/real" --rungs 1 --json --quiet >"$scratch/report" 2>"$scratch/err"
		if python3 - "$scratch/report" "$scratch/real/.rung/store.db" <<'PY' 2>"$scratch/why"; then ok "lines of the real model"; else fail "lines of the real model" "$(tail -c 900 "$scratch/why" "$scratch/err")"; fi
import json, sqlite3, sys
scores = {v["id"]: v["dev"]["score"] for v in json.load(open(sys.argv[1]))["variants"] if v["rung"] == 1}
assert len(scores) == 8 and all(score is not None for score in scores.values()), scores
assert scores["1/knn-tfidf@local"] > 0.5 and scores["1/knn-tfidf-constrained@local"] > 0.5, scores
rows = sqlite3.connect(sys.argv[2]).execute("select variant, status from answer").fetchall()
assert all(status == "answered" for variant, status in rows if "constrained" in variant), rows
PY
		;;
	esac
fi

# Another pattern is another task, and one that an answer breaks is refused with its line.
sed -i 's/\[A-Z\]\[a-z\]+/Add|Fix/' "$scratch/task/task.yaml"
if "$rung" report "$scratch/task" >"$scratch/out" 2>"$scratch/err"; then fail "a changed pattern is noticed" "$(head -c 300 "$scratch/out")"; else
	if grep -q 'changed since the last climb' "$scratch/err"; then ok "a changed pattern is noticed"; else fail "a changed pattern is noticed" "$(cat "$scratch/err")"; fi
fi
printf 'e99,x,c: Add 1.\n' >>"$scratch/task/examples.csv"
if "$rung" climb "$scratch/task" --rungs 0 >"$scratch/out" 2>"$scratch/err"; then fail "a wrong answer is refused" "$(head -c 300 "$scratch/out")"; else
	if grep -q "examples.csv:62: the answer .* does not match pattern of .*task.yaml from byte 0 on: \"c: Add 1.\"" "$scratch/err"; then ok "a wrong answer is refused"; else
		fail "a wrong answer is refused" "$(cat "$scratch/err")"
	fi
fi
finish
