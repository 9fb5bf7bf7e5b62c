#!/bin/sh
# many.sh - a climb with several labels an item on rungs 0 to 3, with noise for a model: every answer is a set of labels of the
# table, scores and micro-averages are those of the stored answers, and mistakes are sentences.
. tests/e2e/lib.sh

mkdir "$scratch/task" "$scratch/models"
for model in tiny-llama.gguf tiny-bert; do ln -s "$PWD/tests/reference/golden/$model" "$scratch/models/$model"; done
mv "$scratch/models/tiny-bert" "$scratch/models/all-MiniLM-L6-v2"
export RUNG_MODELS=$scratch/models
cat >"$scratch/task/task.yaml" <<'Y'
name: pizzas
many: true
instruction: What?
input: "{{text}}"
labels: {file: codes.tsv, name: code, definition: what}
documents: {file: codes.tsv, text: [code, what], id: code}
examples: {file: examples.csv, answer: on, id: id}
models: local:tiny-llama
Y
printf 'code\twhat\nT1\ttomatoes\nC1\tcheese\nM1\tmushrooms\nO1\tolives\nO1.5\tblack olives\n' >"$scratch/task/codes.tsv"
python3 - >"$scratch/task/examples.csv" <<'PY'
import csv, sys
out = csv.writer(sys.stdout)
out.writerow(["id", "text", "on"])
words = [("T1", "tomatoes"), ("C1", "cheese"), ("M1", "mushrooms"), ("O1", "olives")]
for i in range(80):
    on = [w for k, w in enumerate(words) if i * 7 % 16 >> k & 1]
    out.writerow([f"e{i}", f"Number {i}." + "".join(f" With {w}." for _, w in on), "; ".join(c for c, _ in reversed(on))])
PY

if "$rung" check "$scratch/task" >"$scratch/out" 2>&1 && grep -q 'pizzas: classify, 5 labels, 80 examples' "$scratch/out"; then ok "check"; else fail "check" "$(cat "$scratch/out")"; fi
if "$rung" climb "$scratch/task" --json --quiet >"$scratch/report" 2>"$scratch/err"; then ok "a climb"; else
	fail "a climb" "$(tail -c 500 "$scratch/err")"
	finish
fi
unseen='1 of 5 labels has no example to learn from (O1.5), so it'
if [ "$(grep -c "$unseen" "$scratch/err")" -eq 2 ] && grep -q "^rung: 3/encoder: $unseen can never answer with it; add examples of it to" "$scratch/err" &&
	grep -q "^rung: 3/lora@local:tiny-llama: $unseen will seldom answer with it" "$scratch/err"; then
	ok "a label without examples is said of each model that is trained"
else
	fail "a label without examples is said of each model that is trained" "$(cat "$scratch/err")"
fi
if python3 - "$scratch/report" "$scratch/task/.rung/store.db" "$scratch/task/examples.csv" <<'PY' 2>"$scratch/why"; then ok "answers are sets of labels, and graded as such"; else fail "answers are sets of labels, and graded as such" "$(tail -c 1500 "$scratch/why")"; fi
import csv, json, sqlite3, sys
report = json.load(open(sys.argv[1]))
by_id = {v["id"]: v for v in report["variants"]}
gold = {r["id"]: {c.strip() for c in r["on"].split(";") if c.strip()} for r in csv.DictReader(open(sys.argv[3]))}
order = ["T1", "C1", "M1", "O1", "O1.5"]
assert report["labels"] == order and report["confusion"] == [] and report["majority_share"] is None
for name in ("0/frequency", "0/tfidf-words", "0/tfidf-nearest", "1/zero-shot@local:tiny-llama", "1/definitions@local:tiny-llama",
             "1/structured@local:tiny-llama", "1/few-shot@local:tiny-llama", "1/knn-embedding@local:tiny-llama",
             "1/knn-tfidf@local:tiny-llama", "2/label-table", "2/label-vectors", "2/rag-fused@local:tiny-llama",
             "2/rag-words@local:tiny-llama", "3/embedding-head", "3/embedding-nearest"):
    assert by_id[name]["dev"]["n"] > 0, name
assert by_id["0/tfidf-words"]["dev"]["score"] > 0.9 and by_id["2/label-table"]["dev"]["score"] > 0.8
assert by_id["0/frequency"]["dev"]["score"] < 0.8
rows = sqlite3.connect(sys.argv[2]).execute("select variant, item, split, status, answer from answer").fetchall()
sums = {}
for variant, item, split, status, answer in rows:
    if answer is None:
        assert status != "answered", (variant, status)
    else:
        given = answer.split(", ") if answer else []
        assert given == sorted(set(given), key=order.index), answer
    given, want = set(given if answer is not None else []), gold[item]
    common = len(given & want)
    f1 = 0 if answer is None else 2 * common / (len(given) + len(want)) if given or want else 1
    s = sums.setdefault((variant, split), [0, 0, 0, 0, 0])
    for k, x in enumerate((1, f1, common, len(given), len(want))):
        s[k] += x
for (variant, split), (n, f1, common, given, want) in sums.items():
    if split not in ("dev", "test"):
        continue
    v = by_id[variant]
    part = v[split]
    assert part["n"] == n and abs(part["score"] - f1 / n) < 1e-8, (variant, split, part, f1 / n)
    if split == "test" or not v["test"]:
        assert abs((v["micro"]["f1"] or 0) - 2 * common / (given + want)) < 1e-8, (variant, v["micro"])
classes, winner = report["classes"], report["verdict"]["variant"]
_, _, common, given, want = sums[(winner, "test")]
assert [sum(c[k] for c in classes["labels"]) for k in ("right", "given", "n")] == [common, given, want], classes
tested = [c for c in classes["labels"] if c["n"]]
assert classes["macro"]["labels"] == len(tested) and abs(classes["macro"]["f1"] - sum(c["f1"] for c in tested) / len(tested)) < 1e-8
assert {s for v, _, _, s, _ in rows if v == "1/structured@local:tiny-llama"} == {"answered"}
PY
if "$rung" report "$scratch/task" >"$scratch/out" 2>&1 && tr '\n' ' ' <"$scratch/out" | tr -s ' ' | grep -q 'items together (micro-averaged): precision'; then
	ok "the report has the micro-average"
else
	fail "the report has the micro-average" "$(head -c 800 "$scratch/out")"
fi
if "$rung" report "$scratch/task" --format html -o "$scratch/page.html" 2>"$scratch/err" && ! grep -q 'id="confusion"' "$scratch/page.html"; then
	ok "the page has no confusion matrix"
else
	fail "the page has no confusion matrix" "$(cat "$scratch/err")"
fi
"$rung" ask "$scratch/task" --variant 0/tfidf-words "Number 7. With olives. With tomatoes." >"$scratch/out" 2>&1
if grep -qF '"answer":"T1, O1"' "$scratch/out" && grep -qF '"labels":["T1","O1"]' "$scratch/out"; then ok "ask answers with the set"; else fail "ask answers with the set" "$(cat "$scratch/out")"; fi
item=$(python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("select item from answer where variant = ? and answer != ?", ("2/label-table", "")).fetchone()[0])' "$scratch/task/.rung/store.db")
"$rung" show "$scratch/task" 2/label-table "$item" >"$scratch/out" 2>&1
if grep -q -- '--- cites [A-Z]1' "$scratch/out"; then ok "show has the rows of the table"; else fail "show has the rows of the table" "$(head -c 800 "$scratch/out")"; fi
# What the model wrote between its labels is said to be dropped: noise is no label.
item=$(python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("select item from answer where variant = ?", ("1/zero-shot@local:tiny-llama",)).fetchone()[0])' "$scratch/task/.rung/store.db")
"$rung" show "$scratch/task" 1/zero-shot@local:tiny-llama "$item" >"$scratch/out" 2>&1
if grep -aq "^dropped   .*(no label of the task)" "$scratch/out"; then ok "show says what was dropped"; else fail "show says what was dropped" "$(head -c 1200 "$scratch/out")"; fi

# Sets that begin with the same label differ in the others.
mkdir "$scratch/alike"
sed -e 's/^name:.*/name: alike/' -e '/^documents:/d' "$scratch/task/task.yaml" >"$scratch/alike/task.yaml"
cp "$scratch/task/codes.tsv" "$scratch/alike"
awk 'BEGIN { print "id,text,on"; for (i = 0; i < 40; i++) printf "e%d,Number %d%s,T1%s\n", i, i, i % 2 ? " with olives" : "", i % 2 ? "; O1" : "" }' \
	>"$scratch/alike/examples.csv"
if "$rung" tune "$scratch/alike" --epochs 1 --quiet >"$scratch/out" 2>"$scratch/err"; then ok "sets that begin alike are trained on"; else
	fail "sets that begin alike are trained on" "$(cat "$scratch/err")"
fi

printf 'e99,x,T1; O2\n' >>"$scratch/task/examples.csv"
if "$rung" climb "$scratch/task" --rungs 0 >"$scratch/out" 2>"$scratch/err"; then fail "an unknown label is refused" "$(head -c 300 "$scratch/out")"; else
	if grep -q 'examples.csv:82: label "O2" is not one of T1, C1, M1, O1, O1.5 (did you mean "O1"?)' "$scratch/err"; then ok "an unknown label is refused"; else
		fail "an unknown label is refused" "$(cat "$scratch/err")"
	fi
fi
finish
