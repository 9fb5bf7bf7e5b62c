#!/bin/sh
# extract.sh - climbs of kind extract on rungs 0 to 2: with noise for a model, whose context is too short for most prompts, and
# with the real small model. Every answer is an object that satisfies the schema.
. tests/e2e/lib.sh

mkdir "$scratch/task" "$scratch/models"
for model in tiny-llama.gguf tiny-bert; do ln -s "$PWD/tests/reference/golden/$model" "$scratch/models/$model"; done
mv "$scratch/models/tiny-bert" "$scratch/models/all-MiniLM-L6-v2"
real=$(realpath "$models")
export RUNG_MODELS=$scratch/models
cat >"$scratch/task/task.yaml" <<'Y'
name: orders
kind: extract
instruction: What?
input: "{{text}}"
schema: order.json
examples: {file: examples.csv, answer: order, id: id}
documents: menu.md
models: local:tiny-llama
variants: [{name: plain, model: "local:tiny-llama", max_tokens: 20}, {name: typed, model: "local:tiny-llama", schema: order.json, max_tokens: 60}]
Y
cat >"$scratch/task/order.json" <<'J'
{"type": "object", "required": ["s", "d"],
 "properties": {"s": {"enum": ["s", "l"]}, "d": {"type": "string", "maxLength": 6}}}
J
printf '# Menu\n\nTea, cola and kvass are served small and large.\n' >"$scratch/task/menu.md"
python3 - >"$scratch/task/examples.csv" <<'PY'
import csv, json, sys
out = csv.writer(sys.stdout)
out.writerow(["id", "text", "order"])
for i in range(60):
    drink, size = ["tea", "cola", "kvass"][i % 3], "sl"[i % 2]
    out.writerow([f"e{i}", f"{i + 10} {'small' if size == 's' else 'large'} {drink}", json.dumps({"d": drink, "s": size})])
PY

if "$rung" check "$scratch/task" >"$scratch/out" 2>&1 && grep -q 'orders: extract, 60 examples' "$scratch/out"; then ok "check"; else fail "check" "$(cat "$scratch/out")"; fi
if "$rung" climb "$scratch/task" --rungs 0-2 --json --quiet >"$scratch/report" 2>"$scratch/err"; then ok "a climb"; else
	fail "a climb" "$(tail -c 500 "$scratch/err")"
	finish
fi
if python3 - "$scratch/report" "$scratch/task/.rung/store.db" <<'PY' 2>"$scratch/why"; then ok "every answer satisfies the schema"; else fail "every answer satisfies the schema" "$(tail -c 1500 "$scratch/why")"; fi
import json, sqlite3, sys
report = json.load(open(sys.argv[1]))
by_id = {v["id"]: v for v in report["variants"]}
assert report["confusion"] == [] and report["labels"] == [] and report["majority_share"] is None, report["confusion"]
for name in ("gazetteer", "nearest-answer"):
    assert by_id[f"0/{name}"]["dev"]["score"] > 0.9 and by_id[f"0/{name}"]["outcomes"]["right"] > 0, by_id[f"0/{name}"]
for name in ("zero-shot", "few-shot", "knn-embedding", "knn-tfidf", "reasoning"):
    assert by_id[f"1/{name}@local:tiny-llama"]["dev"]["n"] > 0, name
for name in ("rag-fused", "rag-words"):
    assert by_id[f"2/{name}@local:tiny-llama"]["dev"]["n"] > 0, name
for v in report["variants"]: # nothing is right below a score of 1
    part = v["test"] or v["dev"]
    assert part["n"] == 0 or v["outcomes"]["right"] <= part["score"] * part["n"] + 1e-9, v
rows = sqlite3.connect(sys.argv[2]).execute("select variant, status, answer from answer").fetchall()
read = [json.loads(answer) for _, status, answer in rows if status == "answered"]
assert len(read) > 60, len(read)
for answer in read:
    assert answer["s"] in ("s", "l") and len(answer["d"]) <= 6, answer
    assert list(answer) == ["s", "d"], answer
typed = {status for variant, status, _ in rows if variant == "1/typed"}
assert typed == {"answered"}, typed
PY
item=$(python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("select item from answer where variant like ?", ("2/rag-words%",)).fetchone()[0])' "$scratch/task/.rung/store.db")
"$rung" show "$scratch/task" 2/rag-words@local:tiny-llama "$item" >"$scratch/out" 2>&1
if grep -qF 'Tea, cola and kvass are served' "$scratch/out" && grep -qF '{"type":"object","required":["s","d"]' "$scratch/out"; then
	ok "show has the passage and the schema"
else
	fail "show has the passage and the schema" "$(head -c 800 "$scratch/out")"
fi
"$rung" ask "$scratch/task" --variant 0/gazetteer "12 large kvass" >"$scratch/out" 2>&1
if grep -qF '"answer":"{\"s\": \"l\", \"d\": \"kvass\"}"' "$scratch/out"; then ok "ask answers with the object"; else fail "ask answers with the object" "$(cat "$scratch/out")"; fi
if "$rung" report "$scratch/task" --format html -o "$scratch/page.html" 2>"$scratch/err" && ! grep -q 'id="confusion"\|What the winner answered for each true label' "$scratch/page.html"; then
	ok "the page has no confusion matrix"
else
	fail "the page has no confusion matrix" "$(cat "$scratch/err")"
fi

# An encoder with tags and classes: trained, measured by a climb, asked, exported and taken in again. The tiny one has random weights.
if "$rung" tune "$scratch/task" --method encoder --epochs 2 >"$scratch/out" 2>"$scratch/err" && grep -q '^tuned:orders:v1: encoder of' "$scratch/out" &&
	grep -q 'all [0-9]* strings of the answers stand in their texts' "$scratch/out"; then ok "a tagger is trained"; else fail "a tagger is trained" "$(cat "$scratch/out" "$scratch/err")"; fi
if "$rung" climb "$scratch/task" --rungs 0-3 --json --quiet >"$scratch/report" 2>"$scratch/err" && python3 - "$scratch/report" "$scratch/task/.rung/store.db" 2>"$scratch/why" <<'PY'; then ok "a climb measures it"; else fail "a climb measures it" "$(tail -c 900 "$scratch/why" "$scratch/err")"; fi
import json, sqlite3, sys
tagger = {v["id"]: v for v in json.load(open(sys.argv[1]))["variants"]}["3/encoder"]
assert tagger["dev"]["n"] > 0 and tagger["calls"] == 0, tagger
for status, answer in sqlite3.connect(sys.argv[2]).execute("select status, answer from answer where variant = '3/encoder'"):
    assert status == "answered" and list(json.loads(answer)) == ["s", "d"], (status, answer)
PY
if "$rung" ask "$scratch/task" --variant 3/encoder "12 large kvass" >"$scratch/out" 2>"$scratch/err" && grep -q '"answer":"{' "$scratch/out"; then ok "it is asked"; else fail "it is asked" "$(cat "$scratch/out" "$scratch/err")"; fi
if "$rung" tune export "$scratch/task" orders:v1 --as encoder -o "$scratch/tagger" >"$scratch/out" 2>&1 && grep -q 'B-/d' "$scratch/tagger/tags.json" &&
	"$rung" tune import "$scratch/task" "$scratch/tagger" >"$scratch/out" 2>&1 && grep -q '^tuned:imported:v1: encoder of' "$scratch/out"; then ok "it goes out and comes in"; else fail "it goes out and comes in" "$(cat "$scratch/out")"; fi
sed -i 's/"\/s"/"\/t"/' "$scratch/tagger/tags.json"
if "$rung" tune import "$scratch/task" "$scratch/tagger" --name other >"$scratch/out" 2>"$scratch/err"; then fail "tags of another schema are refused" "$(cat "$scratch/out")"; else
	if grep -q "tags.json: its fields and values are not those of the task's schema" "$scratch/err"; then ok "tags of another schema are refused"; else fail "tags of another schema are refused" "$(cat "$scratch/err")"; fi
fi

# The real model: every prompt fits, so every variant's every reply can be read.
if [ ! -e "$real/smollm2-135m-instruct.Q4_1.gguf" ] || [ ! -e "$real/all-MiniLM-L6-v2" ]; then
	skip "extraction with the real model" "no models here; run \`make models\`"
else
	case $rung in *address* | *thread*) skip "extraction with the real model" "the sanitizers make the model too slow for a test" ;;
	*)
		mkdir "$scratch/real"
		cp "$scratch/task/order.json" "$scratch/task/examples.csv" "$scratch/task/menu.md" "$scratch/real"
		grep -v '^models\|^variants' "$scratch/task/task.yaml" >"$scratch/real/task.yaml"
		RUNG_MODELS=$real "$rung" climb "$scratch/real" --rungs 0-2 --json --quiet >"$scratch/report" 2>"$scratch/err"
		if python3 - "$scratch/report" "$scratch/real/.rung/store.db" <<'PY' 2>"$scratch/why"; then ok "extraction with the real model"; else fail "extraction with the real model" "$(tail -c 900 "$scratch/why" "$scratch/err")"; fi
import json, sqlite3, sys
scores = {v["id"]: v["dev"]["score"] for v in json.load(open(sys.argv[1]))["variants"] if v["rung"] < 3}
assert len(scores) == 9 and all(score is not None for score in scores.values()), scores
assert scores["1/knn-tfidf@local"] > 0.7 and scores["2/rag-words@local"] > 0, scores
rows = sqlite3.connect(sys.argv[2]).execute("select variant, status, answer from answer").fetchall()
assert len({variant for variant, _, _ in rows}) == 9
for variant, status, answer in rows:
    assert status == "answered" and list(json.loads(answer)) == ["s", "d"], (variant, status, answer)
PY
		;;
	esac
fi

# Another schema is another task.
sed -i 's/"maxLength": 6/"maxLength": 7/' "$scratch/task/order.json"
if "$rung" report "$scratch/task" >"$scratch/out" 2>"$scratch/err"; then fail "a changed schema is noticed" "$(head -c 300 "$scratch/out")"; else
	if grep -q 'changed since the last climb' "$scratch/err"; then ok "a changed schema is noticed"; else fail "a changed schema is noticed" "$(cat "$scratch/err")"; fi
fi

# An answer that breaks the schema is a sentence with file and line, and nothing is climbed.
printf 'e99,x,"{""s"": ""m"", ""d"": ""tea""}"\n' >>"$scratch/task/examples.csv"
if "$rung" climb "$scratch/task" --rungs 0 >"$scratch/out" 2>"$scratch/err"; then fail "a wrong answer is refused" "$(head -c 300 "$scratch/out")"; else
	if grep -q "examples.csv:62: the answer .* does not satisfy .*#/s: \"m\" is not in the schema's enum" "$scratch/err"; then ok "a wrong answer is refused"; else
		fail "a wrong answer is refused" "$(cat "$scratch/err")"
	fi
fi
finish
