#!/bin/sh
# resume.sh - kill -9 in the middle of a climb, as often as it takes; the finished climb has the verdict of an
# undisturbed one. And a full disk is a sentence with exit 2, after which the climb resumes.
# Plain builds alone: what a kill leaves is the same with sanitizers, and takes ten times as long.
. tests/e2e/lib.sh

# Short e-mails of two kinds and the tiny models of tests/reference: every rung, training included, in a second or two. No traffic: what
# seconds on this machine cost would decide, and differs.
mkdir "$scratch/models"
for model in tiny-llama.gguf tiny-bert; do ln -s "$PWD/tests/reference/golden/$model" "$scratch/models/$model"; done
mv "$scratch/models/tiny-bert" "$scratch/models/all-MiniLM-L6-v2"
export RUNG_MODELS="$scratch/models"
short_mails "$scratch/task" 60 60 80
cat >"$scratch/task/task.yaml" <<'Y'
name: mails
kind: classify
instruction: ["Pick {{labels}}.", "Name the kind of mail: {{labels}}."]
input: "{{text}}"
labels: {spam: mail that nobody wants, work: mail about the job}
examples: {file: emails.jsonl, answer: label, id: id, split: split}
models: ["local:tiny-llama"]
Y

verdict() { # STORE: what local seconds cost is measured, and differs
	"$rung" report "$scratch/task" --store "$1" --json |
		python3 -c 'import json,re,sys
r=json.load(sys.stdin)
money=lambda x: re.sub(r"\$[0-9.]+", "$", json.dumps({k: x[k] for k in x if not k.endswith("_usd") and k != "pays_after_days"}))
print(json.dumps([money(r["verdict"]), [money(c) for c in r["comparisons"]], r["diagnosis"], r["curves"], [(v["id"], v["status"], v["dev"], v["test"], v["outcomes"]) for v in r["variants"]]], sort_keys=True))'
}

began=$(date +%s%N)
"$rung" climb "$scratch/task" --rungs 0-3 --store "$scratch/whole.db" --quiet >"$scratch/out" 2>&1
status=$?
ms=$((($(date +%s%N) - began) / 1000000))
rm -r "$scratch/tuned"
if [ $status -ne 0 ]; then
	fail "an undisturbed climb" "exit $status: $(tail -c 500 "$scratch/out")"
	finish
fi
ok "an undisturbed climb"

kills=0
while [ $kills -lt 10 ]; do
	"$rung" climb "$scratch/task" --rungs 0-3 --store "$scratch/killed.db" --quiet >/dev/null 2>&1 &
	pid=$!
	wait_ms=$(((kills * 37 % 90 + 10) * ms / 400)) # in different places: loading, racing, training, testing
	sleep "$(printf '%d.%03d' $((wait_ms / 1000)) $((wait_ms % 1000)))"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	kills=$((kills + 1))
done
"$rung" climb "$scratch/task" --rungs 0-3 --store "$scratch/killed.db" --quiet >"$scratch/out" 2>&1 ||
	fail "a killed climb resumes" "$(tail -c 500 "$scratch/out")"
verdict "$scratch/whole.db" >"$scratch/a"
verdict "$scratch/killed.db" >"$scratch/b"
if cmp -s "$scratch/a" "$scratch/b"; then ok "ten kills leave the verdict as it was"; else
	fail "ten kills leave the verdict as it was" "$(diff "$scratch/a" "$scratch/b" | head -c 600)"
fi

"$rung" climb "$scratch/task" --rungs 0-1 --budget-calls 1 --store "$scratch/budget.db" --quiet >"$scratch/out" 2>"$scratch/err"
status=$?
"$rung" report "$scratch/task" --store "$scratch/budget.db" >"$scratch/out" 2>>"$scratch/err"
if [ $status -eq 2 ] && grep -q 'Verdict: Not finished: so far .* on rung 0' "$scratch/out" && grep -q 'Next: Run the same `rung climb` again' "$scratch/out"
then ok "a climb out of budget has no verdict yet"; else
	fail "a climb out of budget has no verdict yet" "exit $status: $(tail -8 "$scratch/out") $(cat "$scratch/err")"
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
	"$rung" climb "$scratch/task" --rungs 0-3 --plan early --store "$scratch/early.db" --json --quiet
}
if early >"$scratch/a" 2>"$scratch/out" && early >"$scratch/b" 2>"$scratch/out" && cmp -s "$scratch/a" "$scratch/b" &&
	python3 - "$scratch/a" <<'PY'
import json, sys
report = json.load(open(sys.argv[1]))
for c in report["comparisons"]:
    assert c["plan"] == "early" and c["p_value"] is None and c["e_value"] is not None and 0 < c["n"] <= 80, c
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
