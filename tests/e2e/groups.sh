#!/bin/sh
# groups.sh - items of one group are one observation: in every interval of a report, on dev as on test, and early in every look.
. tests/e2e/lib.sh

export RUNG_MODELS="$scratch/models"
mkdir "$RUNG_MODELS" "$scratch/task"
cp tests/reference/golden/tiny-llama.gguf "$RUNG_MODELS/"
awk 'BEGIN { print "id,text,label,thread"; for (i = 0; i < 480; i++) { g = int(i / 4); printf "e%d,%s note %d of %d,%s,t%d\n", i, g * 13 % 17 < 9 ? "blood" : g % 5 ? "grass" : "thing", i, g, (g * 13 % 17 < 9) != (g % 7 == 0) ? "red" : "green", g } }' >"$scratch/task/examples.csv"
cat >"$scratch/task/task.yaml" <<'Y'
name: threads
kind: classify
instruction: What?
input: "{{text}}"
labels: [red, green]
examples: {file: examples.csv, answer: label, id: id, group: thread}
models: local:tiny-llama
Y
for plan in full early; do
	"$rung" climb "$scratch/task" --rungs 0-1 --plan $plan --store "$scratch/$plan.db" --threads 2 --json --quiet >"$scratch/$plan.json" 2>"$scratch/err" ||
		fail "a climb over groups" "$(head -c 300 "$scratch/err")"
done
cat >"$scratch/check.py" <<'PY'
import csv, json, math, sqlite3, sys

def t_upper(t, df, steps=20000): # Simpson over x = 1 / (1 + s)
    c = math.gamma((df + 1) / 2) / math.gamma(df / 2) / math.sqrt(df * math.pi)
    f = lambda x: c * (1 + x * x / df) ** (-(df + 1) / 2)
    h = t / steps
    return .5 - h / 3 * sum((1 if i in (0, steps) else 4 if i % 2 else 2) * f(i * h) for i in range(steps + 1))

def quantile(df):
    low, high = 0, 50
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if t_upper(middle, df, 400) > .025 else (low, middle)
    return low

r = json.load(open(sys.argv[1]))
rows = {x["id"]: x for x in csv.DictReader(open(sys.argv[3]))}
db = sqlite3.connect(sys.argv[2])
seen = {"dev": 0, "test": 0}
for v in r["variants"]:
    for split in ("dev", "test"):
        if not v[split] or not v[split]["n"]:
            continue
        groups = {}
        for item, answer in db.execute("SELECT item, answer FROM answer WHERE variant = ? AND split = ?", (v["id"], split)):
            groups.setdefault(rows[item]["thread"], []).append(answer == rows[item]["label"])
        n, g = sum(map(len, groups.values())), len(groups)
        mean = sum(map(sum, groups.values())) / n
        error = math.sqrt(g / (g - 1) * sum((sum(x) - len(x) * mean) ** 2 for x in groups.values())) / n
        half = quantile(g - 1) * error
        s = v[split]
        assert s["n"] == n and abs(s["score"] - mean) < 1e-8, (v["id"], split, s, mean)
        assert abs(s["low"] - max(0, mean - half)) < 1e-6 and abs(s["high"] - min(1, mean + half)) < 1e-6, (v["id"], split, s, mean - half, mean + half)
        if split == "test":
            assert all(len(x) == 4 for x in groups.values()), "a group was parted"
        seen[split] += 1
assert seen["dev"] >= 8 and seen["test"] == 2, seen
PY
for plan in full early; do
	if python3 "$scratch/check.py" "$scratch/$plan.json" "$scratch/$plan.db" "$scratch/task/examples.csv" >"$scratch/out" 2>&1; then ok "$plan, intervals know groups, and no look parts one"; else
		fail "$plan, intervals know groups, and no look parts one" "$(tail -c 600 "$scratch/out")"; fi
done
finish
