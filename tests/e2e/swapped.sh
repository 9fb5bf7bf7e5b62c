#!/bin/sh
# swapped.sh - labels of dev and test that are counted from another number than the pool's: right answers look wrong, and the report
# says that a guess does better, and which labels to look at. Where the labels are right it says nothing of the kind.
. tests/e2e/lib.sh

make_task() { # NAME SHIFT
	mkdir "$scratch/$1"
	python3 - "$scratch/$1" "$2" <<'PY'
import json, sys
folder, shift = sys.argv[1], int(sys.argv[2])
fruits, colours = ["apple", "pear", "plum"], ["red", "green", "blue", "white", "black"]
with open(folder + "/rows.jsonl", "w", encoding="utf-8") as out:
    for i in range(150):
        split = ["train", "dev", "test"][i // 3 % 3]
        label = (i % 3 + (shift if split != "train" else 0)) % 3
        text = f"a {colours[i % 5]} {fruits[i % 3]} of tree {i}"
        print(json.dumps({"id": str(i), "text": text, "label": f"kind {label}", "split": split}), file=out)
PY
	cat >"$scratch/$1/task.yaml" <<'Y'
name: fruit
kind: classify
instruction: Name the kind.
input: "{{text}}"
labels: [kind 0, kind 1, kind 2]
examples: {file: rows.jsonl, answer: label, id: id, split: split}
Y
	"$rung" climb "$scratch/$1" --rungs 0 --quiet --json >"$scratch/$1.json" 2>"$scratch/err" ||
		fail "a climb of $1" "$(cat "$scratch/err")"
}

make_task swapped 1
make_task right 0
if python3 - "$scratch" <<'PY' >"$scratch/out" 2>&1
import json, sys
swapped, right = (json.load(open(f"{sys.argv[1]}/{name}.json")) for name in ("swapped", "right"))
found = [f for f in swapped["findings"] if "of a guess among 3 labels" in f]
assert swapped["verdict"]["variant"] == "0/majority", swapped["verdict"]
assert any('"kind 0" is answered "kind 2"' in f and "labels were swapped" in f for f in found), swapped["findings"]
assert not [f for f in right["findings"] if "of a guess" in f], right["findings"]
assert right["verdict"]["score"] > 0.9, right["verdict"]
PY
then ok "swapped labels are pointed at, and only those"; else
	fail "swapped labels are pointed at, and only those" "$(tail -3 "$scratch/out" | cut -c1-600)"
fi
finish
