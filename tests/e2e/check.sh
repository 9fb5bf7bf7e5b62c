#!/bin/sh
# check.sh - what `rung check` finds in examples that can be read: near copies, conflicting answers, input lengths.
. tests/e2e/lib.sh

mkdir "$scratch/task"
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
words = [f"word{i}" for i in range(300)]
with open(sys.argv[1], "w", encoding="utf-8") as out:
    print("id,text,label,split", file=out)
    for i in range(60):
        text = " ".join(draw.sample(words, 14))
        print(f"e{i},{text},{'spam' if i % 2 else 'work'},{('train', 'train', 'dev', 'test')[i % 4]}", file=out)
    print("twin-a,please read the quarterly budget report before the meeting on monday morning in the large room,work,train", file=out)
    print("twin-b,please read the quarterly budget report before the meeting on tuesday morning in the large room,spam,test", file=out)
    print("same-a,the very same words,work,train", file=out)
    print("same-b,The very same words!,spam,train", file=out)
PY
"$rung" check "$scratch/task" >"$scratch/out" 2>&1
says() { # NAME FRAGMENT
	if grep -qF -- "$2" "$scratch/out"; then ok "$1"; else fail "$1" "\"$2\" is not in: $(head -c 600 "$scratch/out")"; fi
}
says "near copies across splits are named" "twin-b (line 63) and twin-a (line 62): "
says "and that they disagree" "with different answers"
says "conflicting answers to one text are named" "two or more different answers"
if [ -e "$models/smollm2-135m-instruct.Q4_1.gguf" ]; then
	says "input lengths are counted" "inputs in tokens of local: median"
fi
"$rung" check "$scratch/task" --json >"$scratch/json"
if python3 - "$scratch/json" <<'PY'; then ok "and as JSON"; else fail "and as JSON" "$(cat "$scratch/json")"; fi
import json, sys
c = json.load(open(sys.argv[1]))
twins = [n for n in c["near_copies"] if n["item"] == "twin-b"]
assert len(twins) == 1 and twins[0]["pool"] == "twin-a" and .9 <= twins[0]["similarity"] < 1 and not twins[0]["same_label"], twins
assert len(c["near_copies"]) == 1, c["near_copies"]
PY

# the example's gold passages stand in the documents; one that was changed does not
"$rung" check examples/docs-qa >"$scratch/out"
if grep -q "not in the documents" "$scratch/out"; then fail "gold passages of the example" "$(cat "$scratch/out")"; else ok "gold passages of the example"; fi
cp -r examples docs README.md "$scratch"
sed -i '2s/"gold": "/&never written /' "$scratch/examples/docs-qa/questions.jsonl"
"$rung" check "$scratch/examples/docs-qa" >"$scratch/out"
says "a gold passage that no document holds" "the gold passage of 1 example is not in the documents"
says "is named" "q-002 (line 2)"
rm "$scratch/docs/task.md"
"$rung" check "$scratch/examples/docs-qa" --json >"$scratch/json"
if python3 -c 'import json, sys; sys.exit(len(json.load(open(sys.argv[1]))["gold_missing"]) < 10)' "$scratch/json"; then
	ok "and so are those of a document that is gone"
else
	fail "and so are those of a document that is gone" "$(cat "$scratch/json")"
fi
finish
