#!/bin/sh
# resume.sh - kill -9 in the middle of a climb, as often as it takes; the finished climb has the verdict of an
# undisturbed one. And a full disk is a sentence with exit 2, after which the climb resumes.
# Plain builds alone: minutes of inference, whose code the unit tests run under the sanitizers.
. tests/e2e/lib.sh

# A task of 60 short examples out of the e-mails: big enough to be killed in the middle, small enough for a test.
mkdir "$scratch/task"
python3 - "$scratch/task" <<'PY'
import json, sys
rows = [json.loads(line) for line in open("examples/email/emails.jsonl", encoding="utf-8")]
by = {"train": 40, "dev": 8, "test": 12}
with open(sys.argv[1] + "/emails.jsonl", "w", encoding="utf-8") as out:
    for row in rows:
        if by.get(row["split"], 0) > 0:
            by[row["split"]] -= 1
            out.write(json.dumps({k: row[k] for k in ("id", "label", "split", "subject")} | {"text": row["text"][:80]}) + "\n")
PY
sed 's/first 500/first 80/' examples/email/task.yaml >"$scratch/task/task.yaml"

rungs=0-3
[ -e "$models/smollm2-135m-instruct.Q4_1.gguf" ] || rungs=0
case $rung in *address*) rungs=0 ;; esac # the sanitizers make the model too slow for a test

verdict() { # STORE: what local seconds cost is measured, and differs
	"$rung" report "$scratch/task" --store "$1" --json |
		python3 -c 'import json,re,sys
r=json.load(sys.stdin)
money=lambda x: re.sub(r"\$[0-9.]+", "$", json.dumps({k: x[k] for k in x if not k.endswith("_usd") and k != "pays_after_days"}))
print(json.dumps([money(r["verdict"]), [money(c) for c in r["comparisons"]], r["diagnosis"], r["curves"], [(v["id"], v["status"], v["dev"], v["test"], v["outcomes"]) for v in r["variants"]]], sort_keys=True))'
}

"$rung" climb "$scratch/task" --rungs $rungs --store "$scratch/whole.db" --quiet >"$scratch/out" 2>&1
status=$?
if [ $status -ne 0 ]; then
	fail "an undisturbed climb" "exit $status: $(tail -c 500 "$scratch/out")"
	finish
fi
ok "an undisturbed climb"

kills=0
while [ $kills -lt 10 ]; do
	"$rung" climb "$scratch/task" --rungs $rungs --store "$scratch/killed.db" --quiet >/dev/null 2>&1 &
	pid=$!
	sleep $((kills % 4)).$((kills * 37 % 90 + 10)) # in different places: loading, racing, testing
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	kills=$((kills + 1))
done
"$rung" climb "$scratch/task" --rungs $rungs --store "$scratch/killed.db" --quiet >"$scratch/out" 2>&1 ||
	fail "a killed climb resumes" "$(tail -c 500 "$scratch/out")"
verdict "$scratch/whole.db" >"$scratch/a"
verdict "$scratch/killed.db" >"$scratch/b"
if cmp -s "$scratch/a" "$scratch/b"; then ok "ten kills leave the verdict as it was"; else
	fail "ten kills leave the verdict as it was" "$(diff "$scratch/a" "$scratch/b" | head -c 600)"
fi

if [ $rungs = 0-3 ]; then
	"$rung" climb "$scratch/task" --rungs 0-1 --budget-calls 1 --store "$scratch/budget.db" --quiet >"$scratch/out" 2>"$scratch/err"
	status=$?
	"$rung" report "$scratch/task" --store "$scratch/budget.db" >"$scratch/out" 2>>"$scratch/err"
	if [ $status -eq 2 ] && grep -q 'Verdict: Not finished: so far .* on rung 0' "$scratch/out" && grep -q 'Next: Run the same `rung climb` again' "$scratch/out"
	then ok "a climb out of budget has no verdict yet"; else
		fail "a climb out of budget has no verdict yet" "exit $status: $(tail -8 "$scratch/out") $(cat "$scratch/err")"
	fi
fi

# What more labels would bring: a curve over five sizes of the pool, the same whoever asks again; and every question has its line.
"$rung" climb examples/email --rungs 0 --store "$scratch/curve.db" --quiet --json >"$scratch/a" 2>"$scratch/out" &&
	"$rung" report examples/email --store "$scratch/curve.db" --json >"$scratch/b" 2>>"$scratch/out"
if cmp -s "$scratch/a" "$scratch/b" && python3 - "$scratch/a" <<'PY' >"$scratch/out" 2>&1
import json, sys
r = json.load(open(sys.argv[1]))
(curve,) = r["curves"]
assert curve["variant"] == r["verdict"]["variant"], curve
assert [p["n"] for p in curve["points"]] == [28] * 3 + [56] * 3 + [112] * 3 + [224], curve
assert curve["b"] > 0 and curve["twice"]["low"] < curve["twice"]["error"] < curve["now"]["error"], curve
assert len(r["questions"]) == 17 and r["questions"][5]["known"] and not r["questions"][0]["known"], r["questions"]
PY
then ok "a climb has its learning curve and answers its questions"; else
	fail "a climb has its learning curve and answers its questions" "$(head -c 600 "$scratch/out")"
fi

# plan early looks at the evidence as it comes; asked again, the finished climb answers from its rows.
early() {
	"$rung" climb "$scratch/task" --rungs $rungs --plan early --store "$scratch/early.db" --json --quiet
}
if early >"$scratch/a" 2>"$scratch/out" && early >"$scratch/b" 2>"$scratch/out" && cmp -s "$scratch/a" "$scratch/b" &&
	python3 - "$scratch/a" <<'PY'
import json, sys
report = json.load(open(sys.argv[1]))
for c in report["comparisons"]:
    assert c["plan"] == "early" and c["p_value"] is None and c["e_value"] is not None and 0 < c["n"] <= 12, c
assert len(report["comparisons"]) == sum(v["test"] is not None for v in report["variants"]) - 1
PY
then ok "plan early stops by its own rule"; else fail "plan early stops by its own rule" "$(tail -c 500 "$scratch/out" "$scratch/a")"; fi

(ulimit -f 64; "$rung" climb "$scratch/task" --rungs 0 --store "$scratch/full.db" --quiet) >"$scratch/out" 2>&1
status=$?
if [ $status -eq 2 ] && grep -q 'make room' "$scratch/out"; then ok "a full disk is a sentence"; else
	fail "a full disk is a sentence" "exit $status: $(tail -c 300 "$scratch/out")"
fi
if "$rung" climb "$scratch/task" --rungs 0 --store "$scratch/full.db" --quiet >"$scratch/out" 2>&1; then ok "and resumes"; else
	fail "and resumes" "$(tail -c 300 "$scratch/out")"
fi
finish
