#!/bin/sh
# rewrite.sh - a model proposes wordings of the instruction from dev failures: the good one is raced and wins, the others are dropped with
# the reason, nothing of pool, test or the dev items of the race is shown to it, and a killed climb goes on with the same wordings.
. tests/e2e/lib.sh
server=${rung%/rung}/tests/support/fault_server
export OPENAI_API_KEY=sk-test-1
unset RUNG_API_KEY http_proxy https_proxy HTTP_PROXY HTTPS_PROXY

short_mails "$scratch/mails" 16 40 30
cat >"$scratch/mails/task.yaml" <<'YAML'
name: mails
kind: classify
instruction: Is this e-mail {{labels}}? Answer with one word.
input: "{{text}}"
labels: {spam: unsolicited bulk mail, work: mail about the job}
examples: {file: emails.jsonl, answer: label, id: id, split: split}
rewrite: {model: "openai:w", wordings: 6}
YAML
# Under the good wording every mail is answered rightly, whatever the model.
python3 - "$scratch/mails/emails.jsonl" "$scratch/answers.jsonl" "$scratch/nonsense.jsonl" <<'PY'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
good = "Is this e-mail {{labels}}? Offers to strangers are spam. Answer with one word."
dev = next(r for r in rows if r["split"] == "dev" and len(r["text"]) > 55)
proposals = [good, "Is this e-mail unwanted or not?", "{{labels}}: " + dev["text"], "is this E-MAIL {{labels}}? Answer with one word",
             "Is it {{labels}}? It is {{label}}.", "Say which of {{labels} it is."]
def write(path, reply):
    with open(path, "w") as out:
        print(json.dumps({"match": "You improve the instruction", "answer": json.dumps(reply), "wrong": json.dumps(reply)}), file=out)
        for r in rows:
            print(json.dumps({"match": "are spam. Answer with one word.\n\n" + r["text"], "answer": r["label"], "wrong": r["label"]}), file=out)
        for r in rows:
            print(json.dumps({"match": r["text"], "answer": r["label"], "wrong": "work" if r["label"] == "spam" else "spam"}), file=out)
write(sys.argv[2], {"reason": "It does not say what spam is.", "wordings": proposals})
write(sys.argv[3], {"sorry": "I cannot do that."})
PY

serve() { # ANSWERS
	rm -f "$scratch/port"
	"$server" --answers "$1" --log "$scratch/paid" --seconds 900 >"$scratch/port" &
	pid=$!
	while [ ! -s "$scratch/port" ]; do kill -0 $pid 2>/dev/null || break; done
	export OPENAI_BASE_URL="http://127.0.0.1:$(cut -d' ' -f2 "$scratch/port")/v1"
}
trap 'kill $pid 2>/dev/null; rm -rf "$scratch"' EXIT
again() { # [OPTION...]
	"$rung" climb "$task" --rungs 1 --models openai:m+right-60 --yes --json --quiet "$@" >"$scratch/out.json" 2>"$scratch/err"
	code=$?
}
climb() {
	task=$scratch/task
	rm -rf "$task"
	cp -r "$scratch/mails" "$task"
	again "$@"
}
measured() { # FILE
	python3 - "$1" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
for v in r["variants"]:
    if v["rung"] == 1:
        print(v["id"], v["name"], v["status"], v["dev"] and (v["dev"]["n"], v["dev"]["score"]), v["test"] and (v["test"]["n"], v["test"]["score"]))
print(r["verdict"]["variant"], r["wordings"])
PY
}

serve "$scratch/answers.jsonl"
climb
measured "$scratch/out.json" >"$scratch/right"
if [ $code -eq 0 ] && python3 - "$scratch/out.json" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
v = next(v for v in r["variants"] if v["id"] == r["verdict"]["variant"])
base = next(v for v in r["variants"] if v["id"] == "1/zero-shot@openai:m+right-60")
w = r["wordings"]
assert v["id"] == "1/zero-shot-rewritten-1@openai:m+right-60" and v["name"] == "zero-shot, rewritten by openai:w, wording 1", v
assert v["dev"]["n"] == 18 and v["dev"]["score"] == 1 and v["test"]["n"] == 30 and v["test"]["score"] == 1, v
assert base["status"] == "measured" and base["dev"]["n"] == 36 and base["test"] is None, base
assert w[0]["variant"] == v["id"] and w[0]["base"] == base["id"] and w[0]["n"] == 18 and w[0]["delta"] > .2 and w[0]["dropped"] is None, w[0]
assert "Offers to strangers" in w[0]["text"]
PY
then ok "a better wording wins"; else fail "a better wording wins" "exit $code: $(cat "$scratch/err" "$scratch/right")"; fi

if python3 - "$scratch/out.json" <<'PY'
import json, sys
w = json.load(open(sys.argv[1]))["wordings"]
words = [None, "lacks {{labels}}", "quotes the item", "tried already", "shows {{label}}", "{{"]
assert len(w) == len(words), w
for got, want in zip(w, words):
    assert (got["dropped"] is None) == (want is None) and (want or "") in (got["dropped"] or ""), (got, want)
PY
then ok "what cannot be shown is dropped with the reason"; else fail "what cannot be shown is dropped with the reason" "$(cat "$scratch/right")"; fi

"$rung" export "$task" --calls -o "$scratch/calls.jsonl"
if python3 - "$scratch/calls.jsonl" "$task/emails.jsonl" "$scratch/out.json" <<'PY'
import json, sys
calls = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
rows = [json.loads(line) for line in open(sys.argv[2], encoding="utf-8")]
asked = [json.dumps(c["request"], ensure_ascii=False) for c in calls if c["model"] == "openai:w"]
assert len(asked) == 1, len(asked)
text = json.loads(json.dumps(asked[0]))
def shown(row):
    inner = json.dumps(row["text"], ensure_ascii=False)[1:-1] # as JSON in the prompt, and the request is JSON once more
    return any(x in text for x in (row["text"], inner, json.dumps(inner, ensure_ascii=False)[1:-1], json.dumps(json.dumps(inner, ensure_ascii=False)[1:-1], ensure_ascii=False)[1:-1]))
count = {s: sum(shown(r) for r in rows if r["split"] == s) for s in ("train", "dev", "test")}
assert count["train"] == 0 and count["test"] == 0 and 3 <= count["dev"] <= 16, count
race = [json.dumps(c["request"], ensure_ascii=False) for c in calls if c["model"] != "openai:w" and "Offers to strangers" in json.dumps(c["request"])]
def in_race(row):
    return any(json.dumps(row["text"], ensure_ascii=False)[1:-1] in r or row["text"] in r for r in race)
both = [r["id"] for r in rows if r["split"] == "dev" and shown(r) and in_race(r)]
assert race and not both, both
PY
then ok "only dev items of the first half are shown, and the race is on the others"; else fail "only dev items of the first half are shown, and the race is on the others" "$(tail -1 "$scratch/calls.jsonl" | cut -c1-300)"; fi

item=$(python3 -c 'import json, sys; print(next(r["id"] for r in map(json.loads, open(sys.argv[1])) if r["split"] == "test"))' "$task/emails.jsonl")
variant=1/zero-shot-rewritten-1@openai:m+right-60
for format in text md html; do "$rung" report "$task" --format $format >"$scratch/report.$format"; done
text=$(python3 -c 'import json, sys; print(next(r["text"] for r in map(json.loads, open(sys.argv[1])) if r["split"] == "test"))' "$task/emails.jsonl")
paid=$(wc -l <"$scratch/paid")
if grep -q "Offers to strangers are spam" "$scratch/report.text" && grep -q "Offers to strangers are spam" "$scratch/report.md" &&
   grep -q "Offers to strangers are spam" "$scratch/report.html" &&
   "$rung" show "$task" $variant "$item" | grep -q "instruction, as openai:w worded it" &&
   "$rung" ask "$task" "$text" | grep -q "\"variant\": *\"$variant\"" && [ "$(wc -l <"$scratch/paid")" -eq "$paid" ]; then
	ok "report, show and ask know the wording"
else
	fail "report, show and ask know the wording" "$("$rung" show "$task" $variant "$item"; "$rung" ask "$task" "$text")"
fi

"$rung" climb "$task" --rungs 1 --models openai:m+right-60 --dry-run --json >"$scratch/dry.json"
if python3 - "$scratch/dry.json" "$scratch/out.json" <<'PY'
import json, sys
dry, out = json.load(open(sys.argv[1])), json.load(open(sys.argv[2]))
most, spent = dry["calls_at_most"], out["spent"]
assert spent["dev_calls"] <= most["dev"] + most["probe"] and spent["test_calls"] <= most["test"], (most, spent)
models = {p["model"]: p["calls"] for p in dry["providers_at_most"]}
paid = {p["model"]: p["answered"] for p in spent["providers"]}
assert models["openai:w"] == paid["openai:w"] == 1 and paid["openai:m+right-60"] <= models["openai:m+right-60"], (models, paid)
assert spent["dev_calls"] + spent["test_calls"] == sum(paid.values()), (spent, paid)
PY
then ok "its calls are counted and announced"; else fail "its calls are counted and announced" "$(cat "$scratch/dry.json")"; fi

# --- kill -9 -----------------------------------------------------------------------------------------------------------

lost=0
for until in 200 275 276 290 300; do
	: >"$scratch/paid"
	task=$scratch/task
	rm -rf "$task"
	cp -r "$scratch/mails" "$task"
	"$rung" climb "$task" --rungs 1 --models openai:m+right-60 --yes --json --quiet --concurrency 4 >/dev/null 2>&1 &
	climbing=$!
	while kill -0 $climbing 2>/dev/null && [ "$(wc -l <"$scratch/paid")" -lt "$until" ]; do :; done
	kill -KILL $climbing 2>/dev/null
	wait $climbing 2>/dev/null
	again
	measured "$scratch/out.json" >"$scratch/now"
	twice=$(cut -f1,2 "$scratch/paid" | sort | uniq -d | wc -l)
	if [ $code -ne 0 ] || [ "$twice" -gt 4 ] || ! cmp -s "$scratch/now" "$scratch/right"; then
		lost=$((lost + 1))
		echo "killed behind $until paid calls: exit $code, $twice paid twice, $(diff "$scratch/now" "$scratch/right" | head -3)"
	fi
done
if [ $lost -eq 0 ]; then ok "killed, it goes on with the same wordings"; else fail "killed, it goes on with the same wordings" "$lost of 5"; fi

# --- more rounds, nonsense, what is refused -------------------------------------------------------------------------------

sed -i 's/wordings: 6}/wordings: 6, rounds: 2}/' "$scratch/mails/task.yaml"
climb
if [ $code -eq 0 ] && python3 - "$scratch/out.json" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
assert r["verdict"]["variant"] == "1/zero-shot-rewritten-1@openai:m+right-60", r["verdict"]
last = r["wordings"][-1]
assert last["round"] == 2 and last["number"] == 0 and "0 of the 18 dev items" in last["dropped"], last
PY
then ok "a second round looks at the wording of the first"; else fail "a second round looks at the wording of the first" "exit $code: $(cat "$scratch/err"; measured "$scratch/out.json" | tail -1)"; fi

kill $pid
serve "$scratch/nonsense.jsonl"
climb
if [ $code -eq 0 ] && grep -q "no wording by openai:w is tried: its reply holds no list of wordings" "$scratch/err" && python3 - "$scratch/out.json" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
assert r["verdict"]["variant"] == "1/zero-shot@openai:m+right-60", r["verdict"]
assert [(w["number"], w["dropped"]) for w in r["wordings"]] == [(0, "its reply holds no list of wordings")], r["wordings"]
PY
then ok "nonsense is said, and the climb goes on"; else fail "nonsense is said, and the climb goes on" "exit $code: $(cat "$scratch/err"; measured "$scratch/out.json" | tail -1)"; fi

echo "constraints: {private: true}" >>"$scratch/mails/task.yaml"
climb
if [ $code -eq 1 ] && grep -q "private: true" "$scratch/err" && [ ! -e "$task/.rung/store.db" ]; then
	ok "private examples are sent to no rewriter"
else
	fail "private examples are sent to no rewriter" "exit $code: $(cat "$scratch/err")"
fi
climb --rewrite local:no-such-model
if [ $code -eq 1 ] && grep -q "^rung: rewrite: .*no-such-model" "$scratch/err"; then
	ok "a rewriter that is not there"
else
	fail "a rewriter that is not there" "exit $code: $(cat "$scratch/err")"
fi
finish
