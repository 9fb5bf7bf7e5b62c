#!/bin/sh
# cost.sh - rung cost: two models by their prices give known figures; a climb's stored rows are priced anew without a call; what
# cannot be is one sentence and exit 1.
. tests/e2e/lib.sh

golden=$PWD/tests/reference/golden
cost() { "$rung" cost "$@" >"$scratch/out" 2>"$scratch/err"; }

# NAME PYTHON ARGUMENTS...: what `rung cost ... --json` prints, as r, satisfies the Python.
holds() {
	name=$1 check=$2
	shift 2
	if cost "$@" --json && python3 - "$scratch/out" "$check" <<'PY' 2>>"$scratch/err"; then ok "$name"; else fail "$name" "$(tail -c 600 "$scratch/err")"; fi
import json, sys
def near(a, b, share=1e-6):
    assert a is not None and abs(a - b) <= share * abs(b), (a, b)
r = json.load(open(sys.argv[1]))
exec(sys.argv[2], {"r": r, "c": r["cost"], "near": near, "json": json})
PY
}
# NAME FRAGMENT ARGUMENTS...: exits with 1 and one line of stderr that has the fragment; prints nothing.
refused() {
	name=$1 fragment=$2
	shift 2
	cost "$@"
	status=$?
	if [ $status -ne 1 ]; then fail "$name" "exit $status: $(head -c 300 "$scratch/err")"; return; fi
	if [ -s "$scratch/out" ]; then fail "$name" "it printed $(head -c 300 "$scratch/out")"; return; fi
	if [ "$(wc -l <"$scratch/err")" -ne 1 ]; then fail "$name" "not one line: $(head -c 300 "$scratch/err")"; return; fi
	if grep -qF -- "$fragment" "$scratch/err"; then ok "$name"; else fail "$name" "\"$fragment\" is not in: $(cat "$scratch/err")"; fi
}

# --- two models ---------------------------------------------------------------------------------------------------------

large="--calls-per-day 500000 --tokens 1000/100 --from sonnet=3/15"
# shellcheck disable=SC2086
{
holds "a small model saves 2,062 a day" 'near(c["sonnet"]["per_day_usd"] - c["haiku"]["per_day_usd"], 2062.5); near(c["haiku"]["break_even_days"], 2000 / 2062.5)' \
	$large --to haiku=.25/1.25 --one-off 2000
holds "and 1,425 in a dear region" 'near(c["sonnet"]["per_day_usd"] - c["haiku"]["per_day_usd"], 1425); near(c["haiku"]["break_even_days"], 20000 / 1425); assert c["haiku"]["pays"] is True' \
	$large --to haiku=1/5 --region-factor haiku=1.1 --one-off 20000
holds "within a week up to \$14.4k" 'near(c["haiku"]["break_even_days"], 14400 / 2062.5); assert c["haiku"]["pays"] is True' $large --to haiku=.25/1.25 --one-off 14400 --horizon 7
holds "and not beyond" 'assert c["haiku"]["pays"] is False' $large --to haiku=.25/1.25 --one-off 14440 --horizon 7
holds "in the dear region up to \$9,975" 'assert c["haiku"]["pays"] is True' $large --to haiku=1/5 --region-factor haiku=1.1 --one-off 9970 --horizon 7
holds "and no more" 'assert c["haiku"]["pays"] is False' $large --to haiku=1/5 --region-factor haiku=1.1 --one-off 9980 --horizon 7
holds "a fine-tune without the cached prefix never pays" 'a, b = c["gpt-4.1-mini"], c["ft:gpt-4.1-mini-2025-04-14"]; near(a["usd_per_1k_calls"], .326); near(b["usd_per_1k_calls"], .352); assert b["break_even_days"] is None and b["pays"] is False and b["calls"]["cheaper"] == "never"' \
	--calls-per-day 1000000 --tokens 1900/10/1500 --to-tokens 400/10 --cache-hit 1 --from gpt-4.1-mini --to ft:gpt-4.1-mini-2025-04-14 --one-off 200
holds "20k once and 50 a day pay from 66k calls a day" 'near(c["b"]["break_even_calls_per_day"], (20000 / 90 + 50) / .004125)' \
	--calls-per-day 1000 --tokens 1000/100 --from a=3/15 --to b=.25/1.25 --one-off 20000 --upkeep-per-day 50 --horizon 90
holds "and from 162k where a call saves less" 'near(c["b"]["break_even_calls_per_day"], (20000 / 90 + 50) / .00168)' \
	--calls-per-day 1000 --tokens 1000/0 --from a=1.68/0 --to b=0/0 --one-off 20000 --upkeep-per-day 50 --horizon 90
holds "one-off costs add up" 'near(c["b"]["one_off_usd"], 10 * 80 + 1000 * .1 + 3 * (3 * 2 * 5 + 4 * 2.5) + 7 + 11)' $large --to b=1/5 --hours 10 --hour-rate 80 \
	--labels 1000 --label-cost .1 --failed-runs 2 --epochs 3 --training-tokens 2e6 --training-price 5 --gpu-hours 4 --gpu-hour-rate 2.5 --evaluation 7 --one-off 11
holds "days cost, and training comes back" 'near(c["b"]["per_day_usd"], 750 + 48 + 1 + 20 + 48 + 2000 / 30); near(c["b"]["tco_usd"], 2000 + 2 * 2000 + 90 * (750 + 117))' \
	$large --to b=1/5 --one-off 2000 --hosting-per-day 48 --storage-per-day 1 --upkeep-per-day 20 --gpus 1 --gpu-hour-rate 2 --retrain-every 30
holds "ends lie around the middle" 'b = c["b"]; assert b["break_even_days_optimistic"] < b["break_even_days"] < b["break_even_days_pessimistic"]' \
	--calls-range 20000-90000 --calls-per-day 50000 --tokens 1000/100 --from a=3/15 --to b=1/5 --one-off 500 --price-decline .3
holds "quality has its price" 'near(c["b"]["usd_per_1k_right"], 1.5 / .9); near(c["b"]["quality"]["at"], .92 - .3); assert c["b"]["quality"]["cheaper"] == "above"' \
	--calls-per-day 1000 --tokens 1000/100 --from a=3/15 --to b=1/5 --quality .92 --to-quality .9 --cost-per-error .01
holds "a cascade has its limit" 'near(c["b"]["usd_per_1k_calls"], 1.5 + .1 + .2 * 4.5); assert any("fewer than 64.4 %" in n for n in r["notes"]), r["notes"]' \
	--calls-per-day 1000 --tokens 1000/100 --from a=3/15 --to b=1/5 --escalated .2 --guard-per-call .0001
}

cat >"$scratch/prices_2020-01-01.json" <<'J'
{"odd": {"input_cost_per_token": 2e-06, "output_cost_per_token": 1e-06, "deprecation_date": "2020-06-01"}, "free": {"input_cost_per_token": 0, "output_cost_per_token": 1e-06},
 "minus": {"input_cost_per_token": -1e-06, "output_cost_per_token": 1e-06}, "half": {"input_cost_per_token": 1e-06}}
J
two="--calls-per-day 1000 --tokens 1000/100"
# shellcheck disable=SC2086
{
holds "doubtful prices are said" 'assert [n for n in r["notes"] if "days old (2020-01-01" in n] and [n for n in r["notes"] if "is below its input price" in n] and [n for n in r["notes"] if "from 2020-06-01 on" in n], r["notes"]' \
	$two --prices "$scratch/prices_2020-01-01.json" --from odd --to b=1/5
refused "a price of 0 is not known" "the input price of free is not known" $two --prices "$scratch/prices_2020-01-01.json" --from free --to b=1/5
refused "nor is one below 0" "the input price of minus is not known" $two --prices "$scratch/prices_2020-01-01.json" --from minus --to b=1/5
refused "nor one that is missing" "the output price of half is not known" $two --prices "$scratch/prices_2020-01-01.json" --from half --to b=1/5
refused "an unknown model" "--from nobody: no price of this model is known" $two --from nobody --to b=1/5
refused "a negative price" "is not MODEL=IN/OUT" $two --from a=-3/15 --to b=1/5
refused "no calls" "--calls-per-day 0 leaves nothing" --calls-per-day 0 --tokens 1000/100 --from a=3/15 --to b=1/5
refused "no days" "--horizon 0 leaves nothing" $two --horizon 0 --from a=3/15 --to b=1/5
refused "fewer calls than none" "is not a value it can take" --calls-per-day -5
refused "a share above 1" "--batch-share 2 is no share" $two --from a=3/15 --to b=1/5 --batch-share 2
refused "prices that fall to nothing" "no share below 1" $two --from a=3/15 --to b=1/5 --price-decline 1
refused "a range from high to low" "is not LOW-HIGH" --calls-range 9-5 --tokens 1000/100 --from a=3/15 --to b=1/5
refused "a prefix that is longer than the input" "is not IN/OUT or IN/OUT/PREFIX" --calls-per-day 1000 --tokens 10/5/20 --from a=3/15 --to b=1/5
refused "a prefix without a hit rate" "need --cache-hit as well" --calls-per-day 1000 --tokens 1000/5/20 --from a=3/15 --to b=1/5
refused "a cached price that nobody knows" "the price of cached input of a is not known" --calls-per-day 1000 --tokens 1000/5/20 --cache-hit .5 --from a=3/15 --to b=1/5
refused "hours without a rate" "--hours needs --hour-rate" $two --from a=3/15 --to b=1/5 --hours 3
refused "a price of what never comes" "--retrain-cost needs --retrain-every" $two --from a=3/15 --to b=1/5 --retrain-cost 3
refused "errors that cost, of unknown number" "the quality of a is not known" $two --from a=3/15 --to b=1/5 --cost-per-error 1
refused "a price of nobody" "nothing here uses that model" $two --from a=3/15 --to b=1/5 --price typo=1/2
refused "two of one name" "are both called a" $two --from a=3/15 --to a=1/5
refused "a price file that is none" "prices_none.json:2: " $two --from a=3/15 --to b=1/5 --prices "$(echo '{' >"$scratch/prices_none.json"; echo "$scratch/prices_none.json")"
refused "nothing to compare" "without a task, say what is compared"
}

# --- a climb ------------------------------------------------------------------------------------------------------------

mkdir "$scratch/models"
cp "$golden/tiny-llama.gguf" "$scratch/models/tiny-llama.gguf"
export RUNG_MODELS="$scratch/models"
short_mails "$scratch/task" 30 10 20
cat >"$scratch/task/task.yaml" <<'Y'
name: mail
kind: classify
instruction: "Pick {{labels}}."
input: "{{text}}"
labels: [spam, work]
examples: {file: emails.jsonl, answer: label, id: id, split: split}
models: ["local:tiny-llama"]
traffic: {calls_per_day: 10000, horizon_days: 30}
Y
if ! "$rung" climb "$scratch/task" --rungs 0-1 --threads 1 --quiet >"$scratch/out" 2>&1; then
	fail "a climb to be priced" "$(tail -c 500 "$scratch/out")"
	finish
fi
ok "a climb to be priced"
"$rung" report "$scratch/task" --threads 1 --json >"$scratch/report.json"

if python3 - "$scratch/report.json" <<'PY' 2>"$scratch/err"; then ok "the report's costs follow from its rows"; else fail "the report's costs follow from its rows" "$(cat "$scratch/err")"; fi
import json, sys
r = json.load(open(sys.argv[1]))
assert r["calls_per_day"] == 10000 and r["horizon_days"] == 30
measured = 0
for v in r["variants"]:
    c = r["cost"][v["id"]]
    score = v["test"] or v["dev"]
    if not score["n"]:
        assert c["usd_per_1k_calls"] is None and c["tco_usd"] is None, c
        continue
    measured += 1
    assert c["usd_per_1k_calls"] == v["usd_per_1k_calls"] >= 0
    assert abs(c["per_day_usd"] - 10 * c["usd_per_1k_calls"]) <= 1e-6 * c["per_day_usd"], c
    assert abs(c["tco_usd"] - c["one_off_usd"] - 30 * c["per_day_usd"]) <= 1e-6 * c["tco_usd"], c
    assert c["one_off_usd"] > 0 if v["rung"] == 0 else c["one_off_usd"] == 0, (v["id"], c)
    if score["score"]:
        assert abs(c["usd_per_1k_right"] - c["usd_per_1k_calls"] / score["score"]) <= 1e-6 * c["usd_per_1k_right"], c
assert measured > 5
PY

prompted=$(python3 -c 'import json, sys; print(next(v["id"] for v in json.load(open(sys.argv[1]))["variants"] if v["rung"] == 1 and v["test"]))' "$scratch/report.json")
export prompted report="$scratch/report.json"
rows() { python3 -c 'import sqlite3, sys; print("\n".join(sqlite3.connect(sys.argv[1]).iterdump()))' "$scratch/task/.rung/store.db" | cksum; }
before=$(rows)
holds "what-ifs have the report's figures" 'import os
report = json.load(open(os.environ["report"])); assert len(c) == sum(v["test"] is not None for v in report["variants"]) and r["winner"] == report["verdict"]["variant"]
for id, row in c.items():
    for key in report["cost"][id]:
        assert row[key] == report["cost"][id][key], (id, key, row)' "$scratch/task" --threads 1
holds "a local model is priced as if it were hosted" 'import os
id = os.environ["prompted"]; v = next(v for v in json.load(open(os.environ["report"]))["variants"] if v["id"] == id)
answers = v["dev"]["n"] + v["test"]["n"]
near(c[id]["usd_per_1k_calls"], v["calls"] / answers * (v["input_tokens"] * 2 + v["output_tokens"] * 8) / 1000 * .75, 1e-6)' \
	"$scratch/task" --price local:tiny-llama=2/8 --batch-share .5
echo '{"tiny-llama": {"input_cost_per_token": 1, "output_cost_per_token": 1}}' >"$scratch/tiny_2026-08-01.json"
holds "but not by what a file says of a model of its name" 'import os
report = json.load(open(os.environ["report"])); assert c[os.environ["prompted"]]["usd_per_1k_calls"] == report["cost"][os.environ["prompted"]]["usd_per_1k_calls"]' \
	"$scratch/task" --threads 1 --prices "$scratch/tiny_2026-08-01.json"
holds "or by its variant's id" 'import os
near(c[os.environ["prompted"]]["per_day_usd"], 10 * c[os.environ["prompted"]]["usd_per_1k_calls"])' "$scratch/task" --price "$prompted=2/8"
holds "traffic and horizon are the user's" 'assert r["calls_per_day"] == 77 and r["horizon_days"] == 7 and r["cost_per_error"] == .5
for row in c.values(): near(row["per_day_usd"], .077 * row["usd_per_1k_calls"])' "$scratch/task" --calls-per-day 77 --horizon 7 --cost-per-error .5
holds "any lower rung is a rival where errors cost" 'import os
assert c[os.environ["prompted"]]["rival"].startswith("0/"), c' "$scratch/task" --cost-per-error .5
holds "another target is another verdict" 'import os
v = {v["id"]: v for v in json.load(open(os.environ["report"]))["variants"]}[r["winner"]]
assert r["target"] == .05 and r["decision"] == "stop" and r["meets_target"] == "yes" and v["rung"] == 0, r' "$scratch/task" --target .05
holds "one that nobody meets leaves the champion" 'assert r["target"] == .999 and r["meets_target"] in ("no", "unresolved") and any("chosen after looking" in n for n in r["notes"]), r' \
	"$scratch/task" --target .999
holds "and without any there is none" 'assert r["target"] is None and r["meets_target"] is None' "$scratch/task" --target 0
refused "a target that cannot be met" "--target 1 is no score below 1" "$scratch/task" --target 1
refused "a target of models that nobody measured" "--target needs a task" $two --from a=3/15 --to b=1/5 --target .5
low=$(python3 -c 'import json, sys; print(next(v["id"] for v in json.load(open(sys.argv[1]))["variants"] if v["rung"] == 0 and v["test"]))' "$scratch/report.json")
export low
holds "two variants by their ids" 'import os
assert list(c) == [os.environ["prompted"], os.environ["low"]] and c[os.environ["low"]]["rival"] == os.environ["prompted"]' \
	"$scratch/task" --from "$prompted" --to "$low"
refused "a variant that nobody measured" "is no variant that was measured" "$scratch/task" --from "$low" --to 3/nothing
refused "half a comparison" "--from and --to go together" "$scratch/task" --from "$low"
refused "a model that the climb has not" "nothing here uses that model" "$scratch/task" --price gpt-4.1-mini=1/2
refused "tokens of a task" "a task has them measured" "$scratch/task" --tokens 10/5
refused "no task at all" "there is no such task file" "$scratch/nowhere"
if [ "$before" = "$(rows)" ]; then ok "and the store is as it was"; else fail "and the store is as it was" "it changed"; fi

# A fine-tuned variant that took an hour: its answers are those of rung 0, its card is written here.
mkdir -p "$scratch/task/.rung/tuned/mail/v1"
python3 - "$scratch/task/.rung" "$low" "$scratch/report.json" <<'PY'
import json, sqlite3, sys
folder, low, report = sys.argv[1:]
dev = next(v for v in json.load(open(report))["variants"] if v["id"] == low)["dev"]
db = sqlite3.connect(folder + "/store.db")
assert db.execute("UPDATE variant SET status = 'measured', candidate = 1, why = NULL WHERE id = '3/encoder'").rowcount == 1
db.execute("INSERT INTO answer (run, variant, item, split, call, answer, status, ms, evidence) SELECT run, '3/encoder', item, split, call, answer, status, ms, evidence FROM answer WHERE variant = ?", (low,))
db.commit()
card = {"kind": "encoder", "method": "encoder", "variant": "3/encoder", "base": {"name": "all-MiniLM-L6-v2"}, "seconds": 3600, "dev": {"n": dev["n"], "score": dev["score"]}}
json.dump(card, open(folder + "/tuned/mail/v1/card.json", "w"))
PY
holds "training is paid by the seconds on its card" 'near(c["3/encoder"]["one_off_usd"], 2 * .05)' "$scratch/task" --threads 2 --core-hour .05
holds "beside what the user adds, and failed runs" 'near(c["3/encoder"]["one_off_usd"], 100 + 3 * 2 * .05); assert c["3/encoder"]["rival"]' \
	"$scratch/task" --threads 2 --core-hour .05 --one-off 100 --failed-runs 2
mkdir "$scratch/task/.rung/tuned/mail/v2"
sed 's/3600/null/' "$scratch/task/.rung/tuned/mail/v1/card.json" >"$scratch/task/.rung/tuned/mail/v2/card.json"
holds "training that nobody timed is not free" 'assert c["3/encoder"]["one_off_usd"] is None and c["3/encoder"]["missing"] == ["one-off cost"] and "3/encoder" in r["notes"][-1], (c["3/encoder"], r["notes"])' "$scratch/task"
if cost "$scratch/task" --one-off 5 && grep -q '3/encoder' "$scratch/out" && grep -q 'over 30 days' "$scratch/out"; then ok "and the table is for people"; else fail "and the table is for people" "$(head -c 600 "$scratch/out" "$scratch/err")"; fi
finish
