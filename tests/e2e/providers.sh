#!/bin/sh
# providers.sh - climbs on models that are asked over HTTP, against a server that fails on demand: what heals is measured as if nothing had
# happened, what does not ends the climb with a sentence, nothing that was paid for is lost, and no key is written anywhere.
. tests/e2e/lib.sh
server=${rung%/rung}/tests/support/fault_server
key=sk-test-4d1c0ffee9a7
export OPENAI_API_KEY=$key ANTHROPIC_API_KEY=$key
unset RUNG_API_KEY http_proxy https_proxy HTTP_PROXY HTTPS_PROXY

short_mails "$scratch/mails" 16 32 20
cat >"$scratch/mails/task.yaml" <<'YAML'
name: mails
kind: classify
instruction: Is this e-mail {{labels}}? Answer with one word.
input: "{{text}}"
labels: {spam: unsolicited bulk mail, work: mail about the job}
examples: {file: emails.jsonl, answer: label, id: id, split: split}
YAML
mkdir "$scratch/alike"
sed 's/{spam:/{mail spam:/; s/, work:/, mail work:/' "$scratch/mails/task.yaml" >"$scratch/alike/task.yaml"
python3 - "$scratch/mails/emails.jsonl" "$scratch/answers.jsonl" "$scratch/alike/emails.jsonl" <<'PY'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
with open(sys.argv[2], "w") as out, open(sys.argv[3], "w", encoding="utf-8") as alike:
    for row in rows: # the same again, with labels that begin alike
        other = "mail work" if row["label"] == "spam" else "mail spam"
        print(json.dumps({"match": "Re: " + row["text"], "answer": "mail " + row["label"], "wrong": other}), file=out)
        print(json.dumps(row | {"text": "Re: " + row["text"], "label": "mail " + row["label"]}), file=alike)
    for row in rows:
        print(json.dumps({"match": row["text"], "answer": row["label"], "wrong": "work" if row["label"] == "spam" else "spam"}), file=out)
PY

# Starts the server; its port in $port.
serve() {
	"$server" --answers "$scratch/answers.jsonl" --right .8 --need-key --log "$scratch/paid" --seconds 900 "$@" >"$scratch/port" &
	pid=$!
	while [ ! -s "$scratch/port" ]; do kill -0 $pid 2>/dev/null || break; done
	port=$(cut -d' ' -f2 "$scratch/port")
	export OPENAI_BASE_URL="http://127.0.0.1:$port/v1" ANTHROPIC_BASE_URL="http://127.0.0.1:$port"
}
control() { # JSON
	python3 -c 'import sys, urllib.request as u; print(u.urlopen(u.Request(sys.argv[1], sys.argv[2].encode() or None)).read().decode())' \
		"http://127.0.0.1:$port/control" "${1-}"
}
trap 'kill $pid 2>/dev/null; rm -rf "$scratch"' EXIT

# MODEL [OPTION...]: a climb on rung 1 in a fresh folder $task.
climb() {
	task=$scratch/task
	rm -rf "$task"
	cp -r "${mails-$scratch/mails}" "$task"
	again "$@"
}
again() {
	model=$1
	shift
	"$rung" climb "$task" --rungs 1 --models "$model" --yes --json --quiet "$@" >"$scratch/out.json" 2>"$scratch/err"
	code=$?
	cat "$scratch/err" >>"$scratch/all.err"
}
# What was measured, without the models' names and how long it took.
measured() { # FILE
	python3 - "$1" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
for v in r["variants"]:
    if v["rung"] == 1:
        print(v["name"], v["status"], v["dev"] and (v["dev"]["n"], v["dev"]["score"]), v["test"] and (v["test"]["n"], v["test"]["score"]), v["outcomes"])
print(r["verdict"]["decision"], r["verdict"]["variant"].split("@")[0], r["verdict"]["score"])
PY
}

serve
: >"$scratch/paid"
climb openai:m
wc -l <"$scratch/paid" >"$scratch/openai.paid" # some requests are alike where samples have no seed
: >"$scratch/paid"
if [ $code -eq 0 ]; then ok "a climb on a provider's model"; else fail "a climb on a provider's model" "exit $code: $(cat "$scratch/err")"; fi
measured "$scratch/out.json" >"$scratch/openai.right"
climb anthropic:m
wc -l <"$scratch/paid" >"$scratch/anthropic.paid"
if [ $code -eq 0 ]; then ok "and in the other form"; else fail "and in the other form" "exit $code: $(cat "$scratch/err")"; fi
measured "$scratch/out.json" >"$scratch/anthropic.right"

# --- faults that heal --------------------------------------------------------------------------------------------------

heals() { # FORM FAULT [OF-N [MAY-BE-PAID-TWICE]]
	control "{\"reset\": true}" >/dev/null
	: >"$scratch/paid"
	control "{\"fault\": \"$2-once-of-${3-20}\"}" >/dev/null
	climb "$1:m" --timeout 1
	measured "$scratch/out.json" >"$scratch/now" 2>/dev/null
	met=$(control | python3 -c 'import json, sys; print(sum(json.load(sys.stdin)["by_fault"].values()))')
	twice=$(($(wc -l <"$scratch/paid") - $(cat "$scratch/$1.paid")))
	if [ $code -ne 0 ]; then
		fail "$1: $2 heals" "exit $code: $(cat "$scratch/err")"
	elif [ "$met" -lt 1 ]; then
		fail "$1: $2 heals" "the server never failed"
	elif ! cmp -s "$scratch/now" "$scratch/$1.right"; then
		fail "$1: $2 heals" "other results: $(diff "$scratch/now" "$scratch/$1.right" | head -4)"
	elif [ "$twice" -gt "${4-0}" ]; then
		fail "$1: $2 heals" "$twice requests were paid twice"
	else
		ok "$1: $2 heals"
	fi
}
heals openai hang-before-headers 100
heals openai 429
heals openai cut 50 99 # these were paid
case $rung in
*address*) ;; # the same code again
*)
	for fault in hang-before-first 429-after; do heals openai $fault 100; done
	for fault in 500 529; do heals openai $fault; done
	heals openai wrong-json 50 99
	for fault in bad-chunk wrong-form empty-choices null-content; do heals openai $fault 50 99; done
	for fault in hang-before-headers 429-after; do heals anthropic $fault 100; done
	for fault in 500 529; do heals anthropic $fault; done
	for fault in cut wrong-json wrong-form empty-choices; do heals anthropic $fault 50 99; done
	;;
esac

control '{"reset": true}' >/dev/null
control '{"fault": "refused", "after": 20, "ms": 1500}' >/dev/null
climb openai:m
measured "$scratch/out.json" >"$scratch/now"
if [ $code -eq 0 ] && cmp -s "$scratch/now" "$scratch/openai.right"; then
	ok "a server that is gone for a while"
else
	fail "a server that is gone for a while" "exit $code: $(cat "$scratch/err")"
fi

# --- faults that are answers -------------------------------------------------------------------------------------------

answers() { # FORM FAULT OUTCOME [OF-N]
	control "{\"reset\": true}" >/dev/null
	control "{\"fault\": \"$2-once-of-${4-20}\"}" >/dev/null
	climb "$1:m"
	if python3 - "$scratch/out.json" "$3" <<'PY'
import json, sys
o = [v["outcomes"] for v in json.load(open(sys.argv[1]))["variants"] if v["rung"] == 1 and v["outcomes"]]
count = lambda name: sum(x[name] for x in o)
sys.exit(not ((sys.argv[2] == "none" or count(sys.argv[2]) >= 1) and count("error") == 0 and count("timeout") == 0))
PY
	then ok "$1: $2 is an outcome of its own"; else fail "$1: $2 is an outcome of its own" "exit $code: $(cat "$scratch/err")"; fi
}
answers openai refusal refused
case $rung in
*address*) ;;
*)
	answers openai content-filter refused
	answers openai content-filter-400 refused
	answers openai length truncated
	answers openai huge none 100
	answers openai latin1 none
	answers anthropic refusal refused
	answers anthropic content-filter-400 refused
	answers anthropic length truncated
	;;
esac

# --- what a server lacks -----------------------------------------------------------------------------------------------

lacks() { # MODEL WORDS
	control '{"reset": true}' >/dev/null
	climb "$1"
	said=$(grep -c "$2" "$scratch/err")
	refused=$(control | python3 -c 'import json, sys; print(sum(json.load(sys.stdin)["by_fault"].values()))')
	if [ $code -eq 0 ] && [ "$said" -eq 1 ] && [ "$refused" -le 33 ]; then
		ok "$1: said once"
	else
		fail "$1: said once" "exit $code, said $said times, refused $refused: $(cat "$scratch/err")"
	fi
}
lacks openai:m+no-logprobs "gives no log-probabilities"
if python3 - "$scratch/out.json" <<'PY2'
import json, sys
v = {x["name"]: x for x in json.load(open(sys.argv[1]))["variants"] if x["rung"] == 1 and x["dev"]}
sys.exit(not (v["label scoring"]["labels"] == "written" and v["zero-shot"]["labels"] is None and v["label scoring"]["dev"]["score"] > .5))
PY2
then ok "labels that cannot be scored are written, and read"; else fail "labels that cannot be scored are written, and read" ""; fi
refusals() { # SAID_WORDS LEAST MOST NAME OPTION...: another climb in that folder
	said=$1 least=$2 most=$3 name=$4
	shift 4
	control '{"reset": true}' >/dev/null
	again openai:m+no-logprobs "$@"
	refused=$(control | python3 -c 'import json, sys; print(json.load(sys.stdin)["by_fault"].get("no-logprobs", 0))')
	if [ $code -eq 0 ] && [ "$(grep -c "$said" "$scratch/err")" -eq 1 ] && [ "$refused" -ge "$least" ] && [ "$refused" -le "$most" ]; then
		ok "$name"
	else
		fail "$name" "exit $code, refused $refused: $(cat "$scratch/err")"
	fi
}
sed -i 's/Is this e-mail/Is this message/' "$task/task.yaml" # all of it is asked
refusals "gives no log-probabilities" 0 0 "the next climb knows it, and says it"
refusals "gives no log-probabilities" 1 33 "and --no-cache asks anew" --no-cache
# MODEL scored|written WORDS NAME: of labels that begin alike
alike() {
	mails=$scratch/alike
	climb "$1"
	unset mails
	if [ $code -eq 0 ] && [ "$(grep -c "$3" "$scratch/err")" -eq 1 ] && python3 - "$scratch/out.json" "$2" <<'PY2'
import json, sys
v = {x["name"]: x for x in json.load(open(sys.argv[1]))["variants"] if x["rung"] == 1 and x["dev"]}
sys.exit(not (v["label scoring"]["labels"] == sys.argv[2] and v["label scoring"]["dev"]["score"] > .5))
PY2
	then ok "$4"; else fail "$4" "exit $code: $(cat "$scratch/err")"; fi
}
control '{"reset": true}' >/dev/null
alike openai:m+echo scored "all tokens of each label are scored" "labels that begin alike are scored by all of their tokens"
measured "$scratch/out.json" >"$scratch/echo.right"
control '{"fault": "wrong-json-once-of-20", "path": "/v1/completions", "after": 1}' >/dev/null
alike openai:m+echo scored "all tokens of each label are scored" "also where an echo is broken"
measured "$scratch/out.json" >"$scratch/now"
broken=$(control | python3 -c 'import json, sys; print(json.load(sys.stdin)["by_fault"].get("wrong-json", 0))')
if [ "$broken" -ge 1 ] && cmp -s "$scratch/now" "$scratch/echo.right"; then ok "and comes to the same"; else fail "and comes to the same" "$broken broken, $(diff "$scratch/now" "$scratch/echo.right" | head -4)"; fi
control '{"reset": true}' >/dev/null
alike openai:m written "labels are written" "and written where there is no echo"
lacks openai:m+no-schema "takes no JSON Schema"
lacks openai:m+no-temperature "takes no temperature"
lacks openai:m+max-completion-tokens "takes no max_tokens"
lacks anthropic:m+no-temperature "takes no temperature"

# --- what ends a climb -------------------------------------------------------------------------------------------------

ends() { # NAME MODEL MOST WORDS
	control '{"reset": true}' >/dev/null
	climb "$2"
	requests=$(control | python3 -c 'import json, sys; print(json.load(sys.stdin)["requests"])')
	if [ $code -eq 2 ] && grep -q "$4" "$scratch/err" && [ "$requests" -le "$3" ]; then
		ok "$1"
	else
		fail "$1" "exit $code after $requests requests: $(cat "$scratch/err")"
	fi
}
ends "401 stops at once and names the variable" openai:m+401 1 "refuses the key in OPENAI_API_KEY (HTTP 401)"
ends "and the other one" anthropic:m+401 1 "refuses the key in ANTHROPIC_API_KEY (HTTP 401)"
ends "404 lists the models" openai:m+404-model 2 "has no such model.*; it has "
ends "and so it does in the other form" anthropic:m+404-model 2 "has no such model.*; it has "
ends "an account without money" openai:m+429-quota 1 "nothing left to spend"
ends "what never heals says how often it was tried" openai:m+500 6 "failed 6 times, at last: HTTP 500"
OPENAI_API_KEY= climb openai:m
if [ $code -eq 1 ] && grep -q "OPENAI_API_KEY is not set" "$scratch/err"; then ok "no key"; else fail "no key" "exit $code: $(cat "$scratch/err")"; fi
"$rung" climb "$task" --rungs 1 --models openai:gpt-4.1-mini --quiet </dev/null >/dev/null 2>"$scratch/err"
code=$?
if [ $code -eq 1 ] && grep -q "at most about \\$" "$scratch/err" && grep -q -- "--yes" "$scratch/err" && [ ! -e "$task/.rung/store.db" ]; then
	ok "nothing is paid that nobody agreed to"
else
	fail "nothing is paid that nobody agreed to" "exit $code: $(cat "$scratch/err")"
fi

# --- budgets -----------------------------------------------------------------------------------------------------------

control '{"reset": true}' >/dev/null
climb openai:m --budget-calls 40 --concurrency 8
paid=$(control | python3 -c 'import json, sys; print(json.load(sys.stdin)["paid"])')
if [ $code -eq 2 ] && grep -q "the budget of calls is used up" "$scratch/err" && [ "$paid" -ge 40 ] && [ "$paid" -le 47 ]; then
	ok "a budget of calls is passed by those in flight at most"
else
	fail "a budget of calls is passed by those in flight at most" "exit $code, $paid paid: $(cat "$scratch/err")"
fi
again openai:m
measured "$scratch/out.json" >"$scratch/now"
if cmp -s "$scratch/now" "$scratch/openai.right"; then ok "and the climb goes on"; else fail "and the climb goes on" "$(diff "$scratch/now" "$scratch/openai.right" | head -3)"; fi
climb openai:gpt-4.1-mini --budget-usd 0.001 --concurrency 1
usd=$(python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("SELECT sum(.4 * input_tokens + 1.6 * output_tokens) / 1e6 FROM attempt").fetchone()[0])' "$task/.rung/store.db")
if [ $code -eq 2 ] && grep -q "the budget of .* is used up" "$scratch/err" && python3 -c "import sys; sys.exit(not .001 <= $usd < .0012)"; then
	ok "a budget in dollars"
else
	fail "a budget in dollars" "exit $code, $usd: $(cat "$scratch/err")"
fi

# What the server was paid for beyond what the store has.
unknown() {
	python3 -c 'import sqlite3, sys
print(sum(1 for _ in open(sys.argv[2])) - sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM attempt WHERE end = \"answered\"").fetchone()[0])' \
		"$task/.rung/store.db" "$scratch/paid"
}

# --- batches -----------------------------------------------------------------------------------------------------------

for form in openai anthropic; do
	control '{"reset": true}' >/dev/null
	: >"$scratch/paid"
	rm -rf "$task"
	cp -r "$scratch/mails" "$task"
	"$rung" climb "$task" --rungs 1 --models $form:m --yes --quiet --batch --poll 600 >/dev/null 2>&1 & # waits at its first batch
	waiting=$!
	i=0
	while [ $i -lt 600 ] && ! control | grep -q '"GET /v1/\(messages/\)\{0,1\}batches/{}"'; do
		i=$((i + 1))
		sleep .05
	done
	kill -KILL $waiting
	wait $waiting 2>/dev/null
	again $form:m --batch --poll .05 --seed 7 # it needs some of what waits, and not the rest
	again $form:m --batch --poll .05
	measured "$scratch/out.json" >"$scratch/now"
	twice=$(unknown)
	sent=$(control | python3 -c 'import json, sys; b = json.load(sys.stdin)["by_path"]; print(sum(n for p, n in b.items() if p in ("POST /v1/chat/completions", "POST /v1/messages")))')
	if [ $code -eq 0 ] && [ "$twice" -eq 0 ] && [ "$sent" -le 120 ] && cmp -s "$scratch/now" "$scratch/$form.right"; then
		ok "$form: a batch is found again by the next process"
	else
		fail "$form: a batch is found again by the next process" "exit $code, $twice paid twice, $sent sent alone: $(cat "$scratch/err") $(diff "$scratch/now" "$scratch/$form.right" | head -3)"
	fi
done

control '{"reset": true}' >/dev/null
climb openai:m --batch --poll .05 --budget-calls 100 --concurrency 4
paid=$(control | python3 -c 'import json, sys; print(json.load(sys.stdin)["paid"])')
if [ $code -eq 2 ] && grep -q "the budget of calls is used up" "$scratch/err" && [ "$paid" -ge 100 ] && [ "$paid" -le 103 ]; then
	ok "a batch has no more requests than the budget leaves"
else
	fail "a batch has no more requests than the budget leaves" "exit $code, $paid paid: $(cat "$scratch/err")"
fi

# The provider may have it, and nobody knows its name: that is said, with its model and time, once.
said_lost() { # of $scratch/err
	grep -c "a batch of [0-9]* requests was sent to openai:m at 20[0-9-]* [0-9:]* UTC and never confirmed" "$scratch/err"
}
control '{"reset": true}' >/dev/null
control '{"fault": "cut", "path": "/v1/batches"}' >/dev/null
climb openai:m --batch --poll .05
first=$code
said=$(said_lost)
control '{"reset": true}' >/dev/null
again openai:m --batch --poll .05
measured "$scratch/out.json" >"$scratch/now"
if [ $first -eq 2 ] && [ "$said" -eq 1 ] && [ $code -eq 0 ] && [ "$(said_lost)" -eq 0 ] && cmp -s "$scratch/now" "$scratch/openai.right"; then
	ok "a batch whose sending was cut"
else
	fail "a batch whose sending was cut" "exit $first, said $said, then exit $code: $(cat "$scratch/err")"
fi
control '{"reset": true}' >/dev/null
control '{"fault": "hang-before-headers", "path": "/v1/batches"}' >/dev/null
rm -rf "$task"
cp -r "$scratch/mails" "$task"
"$rung" climb "$task" --rungs 1 --models openai:m --yes --quiet --batch >/dev/null 2>&1 &
sending=$!
while kill -0 $sending 2>/dev/null && ! control | grep -q '"hang-before-headers":1'; do :; done
kill -KILL $sending
wait $sending 2>/dev/null
control '{"reset": true}' >/dev/null
again openai:m --batch --poll .05
if [ $code -eq 0 ] && [ "$(said_lost)" -eq 1 ]; then
	ok "and one that a killed climb was sending"
else
	fail "and one that a killed climb was sending" "exit $code, said $(said_lost): $(cat "$scratch/err")"
fi

# --- private -----------------------------------------------------------------------------------------------------------

control '{"reset": true}' >/dev/null
printf 'constraints: {private: true}\n' >>"$scratch/mails/task.yaml"
task=$scratch/private
cp -r "$scratch/mails" "$task"
sed -i '/^constraints/d' "$scratch/mails/task.yaml"
"$rung" climb "$task" --rungs 0-1 --models openai:m --yes --json --quiet >"$scratch/out.json" 2>"$scratch/err"
code=$?
asked=$(control | python3 -c 'import json, sys; print(json.load(sys.stdin)["requests"])')
if [ $code -eq 0 ] && [ "$asked" -eq 0 ] && grep -q 'it would send inputs to openai:m, and the task says `private: true`' "$scratch/out.json"; then
	ok "what is private is sent to nobody"
else
	fail "what is private is sent to nobody" "exit $code, $asked requests: $(cat "$scratch/err")"
fi

# --- proxies -----------------------------------------------------------------------------------------------------------

control '{"reset": true}' >/dev/null
http_proxy="http://127.0.0.1:$port" climb "http://model.invalid/v1#m"
if [ $code -eq 2 ] && grep -q "the server wants a key (HTTP 401)" "$scratch/err" && control | grep -q '"POST /v1/chat/completions":1'; then
	ok "a proxy of the environment is used"
else
	fail "a proxy of the environment is used" "exit $code: $(cat "$scratch/err")"
fi

# --- recorded ----------------------------------------------------------------------------------------------------------

climb openai:m
"$rung" export "$task" --calls -o "$scratch/calls.jsonl"
control '{"reset": true}' >/dev/null
OPENAI_API_KEY= climb "recorded:$scratch/calls.jsonl#openai:m"
measured "$scratch/out.json" >"$scratch/now"
asked=$(control | python3 -c 'import json, sys; print(json.load(sys.stdin)["requests"])')
if [ $code -eq 0 ] && [ "$asked" -eq 0 ] && cmp -s "$scratch/now" "$scratch/openai.right"; then
	ok "a recorded climb is the same without the model"
else
	fail "a recorded climb is the same without the model" "exit $code, $asked asked: $(cat "$scratch/err") $(diff "$scratch/now" "$scratch/openai.right" | head -3)"
fi

# --- kill -9 -----------------------------------------------------------------------------------------------------------

case $rung in *address*) few=1 ;; *) few=3 ;; esac
kills=${RUNG_KILLS-$few} lost=0 i=0
while [ $i -lt "$kills" ]; do
	i=$((i + 1))
	: >"$scratch/paid"
	control '{"reset": true}' >/dev/null
	task=$scratch/task
	rm -rf "$task"
	cp -r "$scratch/mails" "$task"
	"$rung" climb "$task" --rungs 1 --models openai:m+slow-20 --yes --json --quiet --concurrency 16 >/dev/null 2>&1 &
	climbing=$!
	until=$(python3 -c "import random; print(random.Random($i).randrange(1, 200))")
	while kill -0 $climbing 2>/dev/null && [ "$(wc -l <"$scratch/paid")" -lt "$until" ]; do :; done
	kill -KILL $climbing 2>/dev/null
	wait $climbing 2>/dev/null
	again openai:m+slow-20 --concurrency 16
	measured "$scratch/out.json" >"$scratch/now"
	[ $i -gt 1 ] || cp "$scratch/now" "$scratch/killed.right"
	twice=$(unknown)
	if [ $code -ne 0 ] || [ "$twice" -gt 16 ] || [ "$twice" -lt 0 ] || ! cmp -s "$scratch/now" "$scratch/killed.right"; then
		lost=$((lost + 1))
		echo "kill $i behind $until paid calls: exit $code, $twice paid twice, $(diff "$scratch/now" "$scratch/killed.right" | head -3)"
	fi
done
if [ $lost -eq 0 ]; then ok "killed, no more is paid twice than was in flight"; else fail "killed, no more is paid twice than was in flight" "$lost of $kills"; fi

# --- keys --------------------------------------------------------------------------------------------------------------

if grep -rqF "$key" "$scratch" 2>/dev/null || grep -qF "${key#sk-test-}" "$scratch/all.err"; then
	fail "no key is written anywhere" "$(grep -rlF "$key" "$scratch")"
else
	ok "no key is written anywhere"
fi
finish
