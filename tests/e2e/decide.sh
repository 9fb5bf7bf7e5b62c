#!/bin/sh
# decide.sh - rung decide on small written files, on the outcomes of a climb, and on recorded ones of real models.
. tests/e2e/lib.sh

# NAME, MODEL, CONFIG, RUNG, items right of N (spread evenly), more keys
rows() {
	awk -v model="$1" -v config="$2" -v rung="$3" -v right="$4" -v n="$5" -v more="${6-}" 'BEGIN {
		for (i = 0; i < n; i++) printf "{\"item\": \"i%d\", \"model\": \"%s\", \"config\": \"%s\", \"rung\": \"%s\", \"correct\": %d%s}\n",
			i, model, config, rung, i * 7 % n < right, more }'
}
has() { # NAME FILE TEXT...: the file, its lines joined, has all texts
	name=$1 file=$2
	shift 2
	joined=$(tr '\n' ' ' <"$file" | tr -s ' ')
	for text; do
		case $joined in *"$text"*) ;; *)
			fail "$name" "no \"$text\" in: $(head -c 1500 "$file")"
			return
			;;
		esac
	done
	ok "$name"
}
refuses() { # NAME TEXT ARGUMENT...
	name=$1 text=$2
	shift 2
	"$rung" decide "$@" >"$scratch/out" 2>"$scratch/err"
	code=$?
	if [ "$code" -eq 1 ] && [ ! -s "$scratch/out" ] && grep -qF -- "$text" "$scratch/err" && [ "$(wc -l <"$scratch/err")" -eq 1 ]; then ok "$name"; else
		fail "$name" "exit $code: $(cat "$scratch/err")"
	fi
}

{ rows m plain baseline 120 200 ', "usd": 0.001, "ms": 5'; rows m shots prompt 180 200 ', "usd": 0.002, "ms": 50'; rows m tuned finetune 182 200; } >"$scratch/a.jsonl"
"$rung" decide "$scratch/a.jsonl" >"$scratch/out" 2>"$scratch/err"
has "a climb" "$scratch/out" "200 recorded items under 3 configurations" "Climb to rung 1: use m/shots." "m/shots is better than m/plain: +30.0 points" \
	"Whether m/tuned is better than m/shots is unresolved" "more examples" "600 of 600 recorded outcomes looked at" "Should I fine-tune?"
"$rung" decide "$scratch/a.jsonl" --ladder shots,m/tuned >"$scratch/out" 2>"$scratch/err"
has "a ladder that is posed" "$scratch/out" "Step 1" "Stop at step 1: use m/shots." "m/tuned is not better than m/shots by the margin" "400 of 400"
"$rung" decide "$scratch/a.jsonl" --target 0.8 --margin 0.02 --alpha 0.1 --json >"$scratch/out" 2>"$scratch/err"
if python3 - "$scratch/out" <<'PY' 2>"$scratch/why"; then ok "JSON in schema 1, what is not known null"; else fail "JSON in schema 1, what is not known null" "$(cat "$scratch/why")"; fi
import json, sys
r = json.load(open(sys.argv[1]))
assert r["schema"] == 1 and r["alpha"] == 0.1 and r["margin"] == 0.02 and r["target"] == 0.8 and r["plan"] == "full" and r["seed"] == 1
v = {x["id"]: x for x in r["variants"]}
assert v["m/plain"]["usd_per_1k_calls"] == 1 and v["m/plain"]["ms_p50"] == 5 and v["m/tuned"]["usd_per_1k_calls"] is None
assert v["m/tuned"]["status"] == "skipped" and v["m/tuned"]["test"] is None and v["m/shots"]["input_tokens"] is None
assert v["m/shots"]["outcomes"]["right"] == 180 and v["m/shots"]["outcomes"]["wrong"] == 20
assert r["verdict"]["variant"] == "m/shots" and r["verdict"]["decision"] == "climb" and r["verdict"]["meets_target"] == "yes"
assert [t["meets_target"] for t in r["targets"]] == ["no", "yes"]
c = r["comparisons"][0]
assert (c["from"], c["to"], c["n"], c["wins"], c["losses"], c["alpha"]) == ("m/plain", "m/shots", 200, 60, 0, 0.025), c
assert r["spent"]["dev_calls"] == 400 and r["spent"]["dev_calls_full_grid"] == 600 and abs(r["spent"]["usd"] - 0.6) < 1e-9
PY
"$rung" decide "$scratch/a.jsonl" --target 0.99 --require-target >/dev/null 2>&1
if [ $? -eq 3 ]; then ok "--require-target"; else fail "--require-target" "not 3"; fi

{ rows m plain rag 120 200; rows m shots rag 180 200; } >"$scratch/s.jsonl"
"$rung" decide "$scratch/s.jsonl" >"$scratch/out" 2>&1
has "a switch says from what, and that nothing higher was there" "$scratch/out" "Switch to m/shots on rung 2." "Nothing above its rung was recorded" \
	"to be better than the first of its rung in the file, as what they cost is not known"
{ rows m plain prompt 120 200 ', "usd": 0.001'; rows m shots prompt 180 200 ', "usd": 0.002'; rows m found rag 181 200; } >"$scratch/s.jsonl"
"$rung" decide "$scratch/s.jsonl" >"$scratch/out" 2>&1
has "or the cheapest" "$scratch/out" "No higher rung is needed" "to be better than the cheapest of its rung"
"$rung" decide "$scratch/s.jsonl" --plan early >"$scratch/out" 2>&1
has "a score at which looking stopped is said to flatter" "$scratch/out" "so the score is more likely too high than too low"

early="--plan early --json"
# shellcheck disable=SC2086
"$rung" decide "$scratch/a.jsonl" $early --seed 5 >"$scratch/one"; "$rung" decide "$scratch/a.jsonl" $early --seed 5 >"$scratch/two"; "$rung" decide "$scratch/a.jsonl" $early --seed 6 >"$scratch/three"
if cmp -s "$scratch/one" "$scratch/two" && ! cmp -s "$scratch/one" "$scratch/three"; then ok "the seed orders"; else fail "the seed orders" "$(head -c 300 "$scratch/one")"; fi
if python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); s = r["spent"]; c = r["comparisons"][0]; assert s["dev_calls"] < s["dev_calls_full_grid"] and c["n"] < 200 and c["e_value"] >= 40 and c["decision"] == "better"' "$scratch/one" 2>"$scratch/why"; then
	ok "early stops when it is settled"
else fail "early stops when it is settled" "$(cat "$scratch/why")"; fi

{ rows m plain prompt 10 100; rows m gold oracle-context 85 100; } >"$scratch/b.jsonl"
"$rung" decide "$scratch/b.jsonl" >"$scratch/out" 2>&1
has "a probe makes a diagnosis" "$scratch/out" "knowledge gap: +75.0 points" "points to: retrieval" "Build retrieval and record it on the same items (rung rag)"
{ rows m plain prompt 60 100; rows m gold rag 90 100 | head -90; } >"$scratch/c.jsonl"
"$rung" decide "$scratch/c.jsonl" >"$scratch/out" 2>&1
has "items that are missing are said" "$scratch/out" "90 recorded items" "10 of 100 items are left out because a configuration lacks them (m/gold lacks most)"
awk '{ sub(/}$/, ", \"group\": \"g" int((NR - 1) % 200 / 10) "\"}"); print }' "$scratch/a.jsonl" >"$scratch/d.jsonl"
"$rung" decide "$scratch/d.jsonl" --json >"$scratch/out" 2>"$scratch/err"
if python3 -c 'import json, sys; a = json.load(open(sys.argv[1])); v = a["variants"][0]["test"]; assert a["comparisons"][0]["p_value"] > 1e-12, a["comparisons"][0]' "$scratch/out" 2>"$scratch/why"; then ok "groups are one observation"; else fail "groups are one observation" "$(cat "$scratch/why")"; fi

# Costs count: 600 items, a tie (30 won, 30 lost), a fine-tune at a fifth of the price.
priced() { # RUNG, USD of the first, USD of the second
	awk -v rung="$1" -v a="$2" -v b="$3" 'BEGIN { for (i = 0; i < 600; i++) { k = i * 7 % 600; f = "{\"item\": %d, \"model\": \"%s\", \"config\": \"c\", \"rung\": \"%s\", \"correct\": %d%s}\n"
		printf(f, i, "big", "prompt", (k >= 30), (a ? ", \"usd\": " a : "")); printf(f, i, "small", rung, (k < 30 || k >= 60), (b ? ", \"usd\": " b : "")) } }'
}
priced finetune 0.002 0.0004 >"$scratch/p.jsonl"
"$rung" decide "$scratch/p.jsonl" >"$scratch/out" 2>&1
has "without traffic a tie stays" "$scratch/out" "Stop at rung 1: use big/c." "small/c is not better than big/c by the margin"
"$rung" decide "$scratch/p.jsonl" --calls-per-day 10000 --one-off 300 >"$scratch/out" 2>&1
has "with traffic it climbs for its cost" "$scratch/out" "Climb to rung 3: use small/c." "not to be worse by 5 points, and at this traffic it pays for itself" \
	"small/c is not worse than big/c by 5.0 points" "and pays for itself after 19 days at 10,000 calls a day." "Should I fine-tune? Yes." "one-off cost is back in 18.8 days"
"$rung" decide "$scratch/p.jsonl" --calls-per-day 10000 --one-off 300 --plan early --json >"$scratch/out" 2>&1
if python3 - "$scratch/out" <<'PY' 2>"$scratch/why"; then ok "and the cost table has the verdict's days"; else fail "and the cost table has the verdict's days" "$(cat "$scratch/why")"; fi
import json, sys
r = json.load(open(sys.argv[1]))
c, cost = r["comparisons"][0], r["cost"]["small/c"]
assert r["climb_for"] == "both" and r["calls_per_day"] == 10000 and r["horizon_days"] == 90
assert c["decision"] == "not worse" and c["pays"] is True and c["n"] < 600, c
assert abs(c["pays_after_days"] - 18.75) < 1e-9 and cost["break_even_days"] == c["pays_after_days"] and cost["rival"] == "big/c", (c, cost)
assert abs(cost["tco_usd"] - (300 + 90 * 4)) < 1e-6 and cost["one_off_usd"] == 300, cost
PY
"$rung" decide "$scratch/p.jsonl" --calls-per-day 10000 --one-off 300 --horizon 18 >"$scratch/out" 2>&1
has "but not within 18 days" "$scratch/out" "Stop at rung 1: use big/c." "would pay for itself after 19 days at 10,000 calls a day, which is too late"
"$rung" decide "$scratch/p.jsonl" --calls-per-day 10000 >"$scratch/out" 2>&1
has "a fine-tune whose making has no price asks for it" "$scratch/out" "Unresolved: stay on rung 1" "What small/c took once is not known; give --one-off USD." \
	"Should I fine-tune? Not yet." "Whether it pays for itself is not known, because a cost is not." "costs count here, and some are not known"
priced prompt 0.002 "" >"$scratch/q.jsonl"
"$rung" decide "$scratch/q.jsonl" --calls-per-day 10000 --climb-for cost >"$scratch/out" 2>&1
has "so does a call without one" "$scratch/out" "Unresolved: stay on rung 1" 'What a call of small/c costs is not known: no row of it has "usd"'
"$rung" decide "$scratch/a.jsonl" --calls-per-day 10000 --climb-for quality >"$scratch/out" 2>&1
has "quality alone looks at no price" "$scratch/out" "Climb to rung 1: use m/shots." "m/shots is better than m/plain: +30.0 points"
awk 'BEGIN { for (i = 0; i < 300; i++) { k = i * 7 % 300; printf("{\"item\": %d, \"model\": \"m\", \"config\": \"low\", \"rung\": \"prompt\", \"correct\": %d, \"usd\": 0.001}\n", i, (k >= 40))
	printf("{\"item\": %d, \"model\": \"m\", \"config\": \"high\", \"rung\": \"rag\", \"correct\": %d, \"usd\": 0.002}\n", i, (k < 40 || k >= 70)) } }' >"$scratch/w.jsonl"
"$rung" decide "$scratch/w.jsonl" --calls-per-day 1000 --cost-per-error .5 --label-cost .1 >"$scratch/out" 2>&1
has "labels that would settle it have a price and a worth" "$scratch/out" "more examples to settle what is open, then measure again. They cost $" ", and the model calls on them $" \
	"What they would tell is worth at most about $" 'over 90 days at $0.50 an error: less than they cost.' "taking m/high is expected to gain $"
"$rung" decide "$scratch/w.jsonl" --calls-per-day 1000 --cost-per-error .5 --label-cost .01 >"$scratch/out" 2>&1
has "cheaper ones are worth it" "$scratch/out" 'over 90 days at $0.50 an error: more than they cost.'
"$rung" decide "$scratch/w.jsonl" >"$scratch/out" 2>&1
has "what is missing to say so is asked for" "$scratch/out" "Whether that is worth it cannot be told without traffic (--calls-per-day) and the price of an error (--cost-per-error)."
refuses "days of nothing" "--horizon 0 leaves nothing to count" "$scratch/p.jsonl" --calls-per-day 5 --horizon 0
refuses "traffic of nothing" "--calls-per-day 0 leaves nothing to count" "$scratch/p.jsonl" --calls-per-day 0
refuses "costs without traffic" "--climb-for cost needs --calls-per-day" "$scratch/p.jsonl" --climb-for cost
refuses "a sum without traffic" "--one-off needs --calls-per-day" "$scratch/p.jsonl" --one-off 5
refuses "a reason that is none" '--climb-for "fun" is not one of quality, cost, both' "$scratch/p.jsonl" --climb-for fun

printf '{"item": 1\n' >"$scratch/e.jsonl"
refuses "bad JSON" "e.jsonl:1: not valid JSON" "$scratch/e.jsonl"
{ cat "$scratch/a.jsonl"; head -1 "$scratch/a.jsonl"; } >"$scratch/e.jsonl"
refuses "a row twice" 'e.jsonl:601: item "i0" under "m/plain" stands in line 1 already; leave one of them' "$scratch/e.jsonl"
rows m plain prompts 5 5 >"$scratch/e.jsonl"
refuses "an unknown rung" 'e.jsonl:1: rung "prompts" is not one of baseline, prompt, rag, finetune' "$scratch/e.jsonl"
rows m plain prompt 50 100 >"$scratch/e.jsonl"
refuses "one configuration and no probe" "m/plain is the only configuration, so there is nothing to compare" "$scratch/e.jsonl"
{ rows m plain prompt 10 29; rows m shots prompt 20 29; } >"$scratch/e.jsonl"
refuses "too few items" "29 items are too few to decide anything; record at least 30" "$scratch/e.jsonl"
{ rows m plain prompt 50 100; rows m shots prompt 20 40 | head -29; } >"$scratch/e.jsonl"
refuses "too few in common" "the 2 configurations have only 29 items in common (m/shots lacks most), and at least 30 are needed" "$scratch/e.jsonl"
sed '3s/"correct": [01]/"score": 1.2/' "$scratch/a.jsonl" >"$scratch/e.jsonl"
refuses "a score above 1" 'e.jsonl:3: score is "1.2"; it must lie in 0 .. 1' "$scratch/e.jsonl"
refuses "no file" "nowhere.jsonl" "$scratch/nowhere.jsonl"
refuses "a name that is nobody's" '--ladder: "x" is no configuration' "$scratch/a.jsonl" --ladder shots,x
refuses "a plan that is none" '--plan "soon" is neither full nor early' "$scratch/a.jsonl" --plan soon
refuses "a target beyond 1" "--target 90 does not lie between 0 and 1" "$scratch/a.jsonl" --target 90
refuses "an alpha of nothing" "--alpha 0 does not lie above 0" "$scratch/a.jsonl" --alpha 0

# The outcomes of a climb decide as the climb did. One label in eight is wrong, or rung 0 would leave nothing to gain above it.
mkdir "$scratch/task" "$scratch/models"
ln -s "$PWD/tests/reference/golden/tiny-llama.gguf" "$scratch/models/tiny-llama.gguf"
cat >"$scratch/task/task.yaml" <<'Y'
name: colours
kind: classify
instruction: What?
input: "{{text}}"
labels: [red, green]
examples: {file: examples.csv, answer: label, id: id}
models: local:tiny-llama
Y
awk 'BEGIN { print "id,text,label"; for (i = 0; i < 400; i++) printf "e%d,%s number %d,%s\n", i, i * 13 % 17 < 9 ? "blood" : i % 5 ? "grass" : "thing", i, (i * 13 % 17 < 9) != (i % 8 == 0) ? "red" : "green" }' >"$scratch/task/examples.csv"
if RUNG_MODELS=$scratch/models "$rung" climb "$scratch/task" --rungs 0-1 --json --quiet >"$scratch/report" 2>"$scratch/err" &&
	python3 - "$scratch/report" "$scratch/task/.rung/store.db" "$scratch/task/examples.csv" >"$scratch/climb.jsonl" 2>>"$scratch/err" <<'PY'; then
import csv, json, sqlite3, sys
report = json.load(open(sys.argv[1]))
gold = {r["id"]: r["label"] for r in csv.DictReader(open(sys.argv[3]))}
rungs = {v["id"]: v["rung"] for v in report["variants"] if v["candidate"]}
for variant, item, answer in sqlite3.connect(sys.argv[2]).execute("select variant, item, answer from answer where split = 'test'"):
    if variant in rungs:
        print(json.dumps({"item": item, "model": "climb", "config": variant, "rung": ["baseline", "prompt"][rungs[variant]], "correct": int(answer == gold[item])}))
PY
	"$rung" decide "$scratch/climb.jsonl" --json >"$scratch/out" 2>"$scratch/err"
	if python3 - "$scratch/report" "$scratch/out" <<'PY' 2>"$scratch/why"; then ok "a climb's outcomes decide as the climb did"; else fail "a climb's outcomes decide as the climb did" "$(cat "$scratch/why" "$scratch/err")"; fi
import json, sys
climb, recorded = (json.load(open(f)) for f in sys.argv[1:])
assert len(climb["comparisons"]) == len(recorded["comparisons"]) == 1
for a, b in zip(climb["comparisons"], recorded["comparisons"]):
    for key in a:
        assert ("climb/" + a[key] if key in ("from", "to") else a[key]) == b[key], (key, a[key], b[key])
for key in ("rung", "decision", "meets_target", "score", "low", "high"):
    assert climb["verdict"][key] == recorded["verdict"][key], key
PY
else
	fail "a climb's outcomes decide as the climb did" "$(tail -c 500 "$scratch/err")"
fi

# What real models did.
outcomes=$data/recorded_outcomes
if [ ! -d "$outcomes" ]; then
	skip "recorded outcomes of real models" "no $outcomes"
	finish
fi
"$rung" decide "$outcomes/gsm8k_openai2021.jsonl" --plan early >"$scratch/out" 2>&1
has "gsm8k prefers the verifier" "$scratch/out" "Switch to gpt3-175b/175b_verification on rung 3."
"$rung" decide "$outcomes/gsm8k_openai2021.jsonl" --ladder 175b_verification,6b_verification >"$scratch/out" 2>&1
has "and does not leave it for a smaller one" "$scratch/out" "Stop at step 1: use gpt3-175b/175b_verification." "is worse than gpt3-175b/175b_verification by more than 5.0 points"
"$rung" decide "$outcomes/fictionalqa.jsonl" >"$scratch/out" 2>&1
has "fictionalqa points to retrieval" "$scratch/out" "knowledge gap: +78.7 points (95% interval" "points to: retrieval" "Build retrieval"
"$rung" decide "$outcomes/insurance_tickets.jsonl" --ladder simple_classify@T0.0,rag_classify@T0.0,rag_chain_of_thought_classify@T0.0 >"$scratch/out" 2>&1
has "insurance_tickets climbs to retrieved shots" "$scratch/out" "Climb to step 2: use claude-3-haiku-20240307/rag_classify@T0.0."
"$rung" decide "$outcomes/anthropic_docs_rag.jsonl" --ladder summary-index,summary-index+rerank >"$scratch/out" 2>&1
has "anthropic_docs_rag says what it would take" "$scratch/out" "is unresolved" "would settle it if the rates persist"
finish
