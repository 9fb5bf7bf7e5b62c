#!/bin/sh
# curate.sh - `rung tune curate`: what it finds, what it writes, what a person's edits do to training, and what they leave alone.
. tests/e2e/lib.sh

mkdir -p "$scratch/task" "$scratch/models"
ln -s "$PWD/tests/reference/golden/tiny-bert" "$scratch/models/all-MiniLM-L6-v2"
cat >"$scratch/task/task.yaml" <<'Y'
name: t
kind: classify
instruction: Choose one of {{labels}}.
input: "{{text}}"
labels: [spam, work]
examples: {file: examples.csv, answer: label, id: id, split: split}
Y
python3 - "$scratch/task/examples.csv" <<'PY'
import random, sys
draw = random.Random(1)
words = {"spam": ["prize", "winner", "claim", "lottery", "free"], "work": ["meeting", "report", "agenda", "budget", "team"]}
with open(sys.argv[1], "w", encoding="utf-8") as out:
    print("id,text,label,split", file=out)
    for i in range(80):
        label = ("spam", "work")[i % 2]
        print(f"e{i},{' '.join(draw.sample(words[label], 3))} x{i}x y{i}y,{label},{'dev' if i % 10 == 8 else 'test' if i % 10 == 9 else 'train'}", file=out)
    print("first,the very same words,work,train", file=out)
    print("again,The very same words!,work,train", file=out)
    print("odd,meeting report agenda odd,spam,train", file=out)
    print('tested,"please read, before noon, the quarterly budget report upstairs",work,test', file=out)
    print("leaking,please read before noon the whole quarterly budget report upstairs,work,train", file=out)
PY
store="$scratch/task/.rung/store.db"
review="$scratch/task/.rung/curation.csv"
run() { "$rung" "$@" --models-folder "$scratch/none" --store "$store" >"$scratch/out" 2>"$scratch/err"; }
holds() { # NAME FILE FRAGMENT
	if grep -qF -- "$3" "$2"; then ok "$1"; else fail "$1" "\"$3\" is not in: $(head -c 800 "$2")"; fi
}

if run tune curate "$scratch/task"; then ok "a pool is curated"; else fail "a pool is curated" "$(cat "$scratch/err")"; fi
holds "without an embedding model words are compared" "$scratch/out" "compared by words"
holds "what is left is counted" "$scratch/out" "learns from 66 of 68 pool examples"
holds "a copy is a row" "$review" "again,83,duplicate,1.000,first,work,,drop,The very same words!"
holds "a leak names what it repeats" "$review" "leaking,86,leak,0."
holds "a suspect waits for a person" "$review" ",,spam,work,keep,meeting report agenda odd"
if python3 - "$review" <<'PY'; then ok "the file is CSV of one row an item"; else fail "the file is CSV of one row an item" "$(cat "$review")"; fi
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], encoding="utf-8", newline="")))
assert {r["id"]: r["reason"] for r in rows} == {"again": "duplicate", "leaking": "leak", "odd": "suspect"}, rows
PY

sed -i '/^odd,/s/,keep,/,relabel,/; /^again,/s/,drop,/,keep,/' "$review"
run tune curate "$scratch/task" --json
if python3 - "$scratch/out" <<'PY'; then ok "decisions outlive another look"; else fail "decisions outlive another look" "$(cat "$scratch/out")"; fi
import json, sys
c = json.load(open(sys.argv[1]))
assert {f["id"]: f["decision"] for f in c["findings"]} == {"again": "keep", "leaking": "drop", "odd": "relabel"}, c["findings"]
assert c["pool"] == 68 and c["trained_on"] == 67 and c["reasons"]["suspect"] == {"keep": 0, "drop": 0, "relabel": 1}, c
PY

tune() { "$rung" tune "$scratch/task" --epochs 1 --models-folder "$scratch/models" --store "$store" --json --quiet >"$scratch/out" 2>"$scratch/err"; }
tune
if python3 - "$scratch/out" <<'PY'; then ok "training follows them and says so on the card"; else fail "training follows them and says so on the card" "$(cat "$scratch/out" "$scratch/err")"; fi
import json, sys
d = json.load(open(sys.argv[1]))["data"]
assert d["items"] == 67 and d["dropped"] == {"leak": 1} and d["relabelled"] == 1, d
PY
rm "$review"
tune
if python3 - "$scratch/out" <<'PY'; then ok "without the file it is another model"; else fail "without the file it is another model" "$(cat "$scratch/out" "$scratch/err")"; fi
import json, sys
c = json.load(open(sys.argv[1]))
assert c["version"] == 2 and c["data"]["items"] == 68 and "dropped" not in c["data"], c
PY

run tune curate "$scratch/task"
sed -i '/^odd,/s/,keep,/,relable,/' "$review"
cp "$review" "$scratch/kept"
for verb in "tune curate" "tune"; do
	# shellcheck disable=SC2086
	if run $verb "$scratch/task"; then fail "a mistake stops $verb" "$(cat "$scratch/out")"; else holds "a mistake stops $verb" "$scratch/err" 'decision "relable" is not one of keep, drop, relabel (did you mean "relabel"?)'; fi
done
holds "with file and line" "$scratch/err" "curation.csv:4: "
if cmp -s "$review" "$scratch/kept"; then ok "and the file stays"; else fail "and the file stays" "$(cat "$review")"; fi
if run climb "$scratch/task" --rungs 0; then ok "rung 0 does not read it"; else fail "rung 0 does not read it" "$(cat "$scratch/err")"; fi
rm "$review"
run tune curate "$scratch/task"
head() { "$rung" ask "$scratch/task" --variant 3/embedding-nearest '{"text": "meeting report"}' --models-folder "$scratch/models" --store "$store" >"$scratch/out" 2>"$scratch/err"; }
if "$rung" climb "$scratch/task" --rungs 0-3 --models-folder "$scratch/models" --store "$store" --quiet >"$scratch/out" 2>"$scratch/err" && head; then
	ok "a head answers as it was measured"
else fail "a head answers as it was measured" "$(cat "$scratch/err")"; fi
sed -i '/^odd,/s/,keep,/,relabel,/' "$review"
if head; then fail "and not from other decisions" "$(cat "$scratch/out")"; else holds "and not from other decisions" "$scratch/err" 'so that "3/embedding-nearest" would be another model than was measured'; fi
finish
