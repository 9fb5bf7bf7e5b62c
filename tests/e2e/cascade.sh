#!/bin/sh
# cascade.sh - a cheap variant's sure answers stand and a stronger one is asked for the others: the threshold comes from items that nothing else
# sees, the report says what test says of it, and `rung ask` does as it says.
. tests/e2e/lib.sh

mkdir "$scratch/task"
# Two of three texts say what they are; the others a model knows, and no classifier can.
python3 - "$scratch" <<'PY'
import json, random, sys
random.seed(1)
rows = open(sys.argv[1] + "/task/examples.csv", "w")
answers = open(sys.argv[1] + "/answers.jsonl", "w")
rows.write("id,text,label\n")
for i in range(900):
    label = random.choice(["red", "green"])
    thing = random.choice({"red": ["blood", "rose"], "green": ["grass", "moss"]}[label]) if i % 3 else "thing"
    rows.write(f"e{i},{thing} number {i}.,{label}\n")
    answers.write(json.dumps({"match": f"{thing} number {i}.", "answer": label, "wrong": "neither"}) + "\n")
PY
start_faults --answers "$scratch/answers.jsonl" --log "$scratch/paid"
export OPENAI_BASE_URL="http://127.0.0.1:$faults/v1" OPENAI_API_KEY=sk-test-1
task() { # CASCADE
	cat >"$scratch/task/task.yaml" <<Y
name: colours
kind: classify
instruction: What?
input: "{{text}}"
labels: [red, green]
examples: {file: examples.csv, answer: label, id: id}
models: openai:gpt-4.1-mini
$1
Y
}
climb() { # NAME ARGUMENT...
	name=$1
	shift
	"$rung" climb "$scratch/task" --rungs 0-1 --plan full --yes --store "$scratch/$name.db" --json --quiet "$@" >"$scratch/$name.json" 2>"$scratch/err" ||
		fail "climb $name" "$(head -c 300 "$scratch/err")"
}
holds() { # NAME FILE PYTHON: of the report as r, its cascade as c
	if python3 - "$scratch/$2.json" "$3" "$scratch/$2.db" <<'PY' >"$scratch/out" 2>&1; then ok "$1"; else fail "$1" "$(tail -c 700 "$scratch/out")"; fi
import json, sqlite3, sys
r = json.load(open(sys.argv[1]))
db = sqlite3.connect(sys.argv[3]).execute
exec(sys.argv[2], {"r": r, "c": r["cascade"], "db": db, "sys": sys, "v": {v["id"]: v for v in r["variants"]}})
PY
}
refused() { # NAME CASCADE SENTENCE
	task "$2"
	"$rung" check "$scratch/task" >"$scratch/out" 2>&1
	if grep -qF "$3" "$scratch/out"; then ok "$1"; else fail "$1" "$(cat "$scratch/out")"; fi
}

refused "a risk has to be a share" "cascade: {risk: 1.5}" "risk wants a number above 0 and below 1"
refused "it bounds all or the accepted" "cascade: {of: some}" 'of "some" is not one of all, accepted'
refused "many labels have no one probability" "cascade: {risk: .05}
many: true" "cascade needs answers with one probability each"
refused "too few items are said" "cascade: {risk: .01}" "it takes 299 that are all right to show a risk of 0.01"

task ""
climb without
holds "nobody asks for one" without 'assert c is None and r["examples"]["aside"] == 0 and not db("SELECT count(*) FROM answer WHERE split = ?", ["aside"]).fetchone()[0]'
task "cascade: {risk: .05, alpha: .05}"
climb all
holds "the winner is the model, and the cascade stands before it" all '
assert r["verdict"]["rung"] == 1 and c["strong"] == r["verdict"]["variant"] and v[c["cheap"]]["rung"] == 0 and c["served"] and c["why"] is None, (r["verdict"], c)'
holds "its items are of dev, and nobody else has seen them" all '
n = r["examples"]["aside"]
asked = {i for i, in db("SELECT item FROM answer WHERE split = ?", ["aside"])}
others = {i for i, in db("SELECT item FROM answer WHERE split <> ?", ["aside"])}
assert n == len(asked) == 90 and not asked & others and r["examples"]["dev"] == 90, (n, len(asked))
assert {v for v, in db("SELECT variant FROM answer WHERE split = ?", ["aside"])} == {c["cheap"]}'
holds "the threshold is the one that its own rows give" all '
from math import comb
rows = db("SELECT answer, confidence, item FROM answer WHERE split = ? AND variant = ?", ["aside", c["cheap"]]).fetchall()
labels = {l.split(",")[0]: l.strip().split(",")[2] for l in open(sys.argv[1].rsplit("/", 1)[0] + "/task/examples.csv")}
taken = [(a, labels[i]) for a, p, i in rows if p >= c["threshold"]]
wrong = sum(a != b for a, b in taken)
assert len(taken) == c["aside"]["accepted"] and wrong == c["aside"]["wrong"], (len(taken), wrong, c["aside"])
p = sum(comb(90, k) * .05 ** k * .95 ** (90 - k) for k in range(wrong + 1))
assert abs(p - c["aside"]["p_value"]) < 1e-9 and p <= .05, p'
holds "test says what it is worth" all '
t = c["test"]
n = r["examples"]["test"]
assert t["n"] == n and 0 < t["escalated"] < n and t["risk"]["score"] <= .1 and t["decision"] in ("better", "not worse"), t
cheap, strong = (v[c[k]]["usd_per_1k_calls"] for k in ("cheap", "strong"))
assert abs(c["usd_per_1k_calls"] - (cheap + t["escalated"] / n * strong)) < 1e-9 * strong + 1e-9, c
assert abs(c["pays_below_escalated"] - (1 - cheap / strong)) < 1e-9 and t["escalated"] / n < c["pays_below_escalated"], c'
"$rung" report "$scratch/task" --store "$scratch/all.db" >"$scratch/out" 2>&1
if grep -q "^Cascade" "$scratch/out" && grep -q "This is served in place of the winner alone" "$scratch/out"; then ok "and the report says so"; else fail "and the report says so" "$(cat "$scratch/out")"; fi
"$rung" report "$scratch/task" --store "$scratch/all.db" --format html -o "$scratch/page.html" >/dev/null 2>&1
if grep -q "<h2>Cascade</h2>" "$scratch/page.html"; then ok "the page too"; else fail "the page too" "no section"; fi

asks() { # NAME INPUT ANSWER VARIANT PAID
	before=$(wc -l <"$scratch/paid")
	"$rung" ask "$scratch/task" --store "$scratch/all.db" "$2" >"$scratch/out" 2>&1
	paid=$(($(wc -l <"$scratch/paid") - before))
	if grep -qF "\"answer\":\"$3\"" "$scratch/out" && grep -qF "\"variant\":\"$4" "$scratch/out" && [ "$paid" = "$5" ]; then ok "$1"; else fail "$1" "paid $paid: $(cat "$scratch/out")"; fi
}
unsure=$(awk -F, '$2 ~ /^thing number 3/ { print $2; exit }' "$scratch/task/examples.csv")
known=$(awk -F, -v t="$unsure" '$2 == t { print $3 }' "$scratch/task/examples.csv")
asks "a sure answer stands, and nobody is paid" "a rose with blood on it" red "0/" 0
asks "an unsure one goes on" "$unsure" "$known" "1/" 1
"$rung" ask "$scratch/task" --store "$scratch/all.db" --variant "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["cascade"]["strong"])' "$scratch/all.json")" "a rose with blood on it" >"$scratch/out" 2>&1
if grep -qF '"variant":"1/' "$scratch/out"; then ok "who is asked for by name answers alone"; else fail "who is asked for by name answers alone" "$(cat "$scratch/out")"; fi

# Served from the store beside the task.
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
"$rung" climb "$scratch/task" --rungs 0-1 --plan full --yes --quiet >"$scratch/out" 2>&1 || fail "climb beside the task" "$(head -c 300 "$scratch/out")"
"$rung" serve "$scratch/task" --port 0 --no-log >"$scratch/at" 2>"$scratch/err" &
served=$!
fault_ids="$fault_ids $served"
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -s "$scratch/at" ] && break; sleep .5; done
serves() { # NAME INPUT ANSWER VARIANT
	curl -s -m 60 "$(cat "$scratch/at")/v1/chat/completions" -d "{\"model\": \"rung/colours\", \"messages\": [{\"role\": \"user\", \"content\": \"$2\"}]}" >"$scratch/out"
	if grep -qF "\"content\":\"$3\"" "$scratch/out" && grep -qF "\"rung::variant\":\"$4" "$scratch/out"; then ok "$1"; else fail "$1" "$(cat "$scratch/out" "$scratch/err")"; fi
}
serves "served, a sure answer is the cheap one's" "a rose with blood on it" red "0/"
serves "and an unsure one the winner's" "$unsure" "$known" "1/"
kill "$served" && wait "$served"

task "cascade: {risk: .05}
traffic: {latency_p95_ms: 1000000}"
"$rung" report "$scratch/task" --store "$scratch/all.db" --format json >"$scratch/fast.json" 2>"$scratch/err"
cp "$scratch/all.db" "$scratch/fast.db"
holds "it keeps to the latency that is asked" fast 'assert c["served"] and 0 < c["ms_p95"] < 1e6, c'
python3 - "$scratch/all.db" <<'PY'
import sqlite3, sys
d = sqlite3.connect(sys.argv[1])
d.execute("UPDATE answer SET ms = CASE WHEN variant LIKE '1/%' THEN 999999 ELSE 5 END")
d.commit()
PY
"$rung" report "$scratch/task" --store "$scratch/all.db" --format json >"$scratch/slow.json" 2>"$scratch/err"
cp "$scratch/all.db" "$scratch/slow.db"
holds "where both together take too long it is not served" slow 'assert not c["served"] and "latency_p95_ms" in c["why"], c'

task "cascade: {risk: .05, of: accepted, aside: .6}"
climb accepted
holds "of the accepted, too" accepted 'assert c["of"] == "accepted" and r["examples"]["aside"] == 108 and (c["threshold"] is None or c["test"]["risk"]["n"] == c["test"]["n"] - c["test"]["escalated"]), c'
task "cascade: {risk: .05}"
climb early --plan early
holds "early, it is judged on what both answered, by the test for that" early '
n = min(v[c[k]]["test"]["n"] for k in ("cheap", "strong"))
assert c["test"]["n"] == n and c["aside"]["n"] == 90 and c["threshold"] is not None, c'
task "cascade: {risk: .01}"
climb strict
holds "where nothing passes it is said, and the winner answers alone" strict 'assert not c["served"] and c["threshold"] is None and c["why"] == "no threshold passed" and c["test"]["n"] == 0, c'
climb lowest --rungs 0-0
holds "nothing stands below the lowest rung" lowest 'assert c["cheap"] is None and not c["served"], c'
finish
