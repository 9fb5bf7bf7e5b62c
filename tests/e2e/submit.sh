#!/bin/sh
# submit.sh - `rung tune submit`: fine-tuning jobs at a server of OpenAI's form. The pool goes out and nothing of dev and test; a process
# that is killed finds its job again; what fails, is cancelled or is refused is a sentence; no key is written anywhere.
. tests/e2e/lib.sh
key=sk-test-5ub1c0ffee42
export OPENAI_API_KEY=$key ANTHROPIC_API_KEY=$key
unset RUNG_API_KEY http_proxy https_proxy HTTP_PROXY HTTPS_PROXY

mkdir "$scratch/mails"
cat >"$scratch/mails/task.yaml" <<'Y'
name: Some mails
kind: classify
instruction: Is it {{labels}}?
input: "{{text}}"
labels: [spam, work]
examples: {file: mails.jsonl, answer: label, id: id, split: split}
models: local
Y
python3 - >"$scratch/mails/mails.jsonl" <<'P'
import json
for i in range(200):
    split = ["train", "train", "train", "dev", "test"][i // 40]
    print(json.dumps({"id": f"m{i}", "text": f"{split} mail \u00fc {i} {'offer' if i % 2 else 'meeting'}", "label": ["work", "spam"][i % 2], "split": split}))
P

start_faults --need-key --log "$scratch/paid" --polls 3 --seconds 900
export OPENAI_BASE_URL=http://127.0.0.1:$faults/v1
get() { # PATH [BODY]
	python3 -c 'import sys, urllib.request as u; print(u.urlopen(u.Request(sys.argv[1], sys.argv[2].encode() if len(sys.argv) > 2 else None, {"Authorization": "Bearer sk-test-look"})).read().decode())' \
		"http://127.0.0.1:$faults$1" ${2+"$2"}
}
requests() { # METHOD PATH
	get /control | python3 -c 'import json, sys; print(json.load(sys.stdin)["by_path"].get(sys.argv[1], 0))' "$*"
}
fresh() {
	task=$scratch/task
	rm -rf "$task"
	cp -r "$scratch/mails" "$task"
	get /control '{"reset": true}' >/dev/null
}
submit() { # MODEL OPTION...
	model=$1
	shift
	"$rung" tune submit "$task" --base "$model" --yes --poll .05 "$@" </dev/null >"$scratch/out" 2>"$scratch/err"
	code=$?
	cat "$scratch/err" >>"$scratch/all.err"
}
is() { # NAME CODE WORDS [FILE]
	if [ $code -eq "$2" ] && grep -qF -- "$3" "$scratch/${4-err}"; then ok "$1"; else
		fail "$1" "exit $code: $(cat "$scratch/err" "$scratch/out")"
	fi
}

# --- a job that goes well --------------------------------------------------------------------------------------------------

fresh
submit openai:gpt-test --json --epochs 2 --training-price 5
cp "$scratch/out" "$scratch/right.json"
if [ $code -eq 0 ]; then ok "a job"; else fail "a job" "exit $code: $(cat "$scratch/err")"; finish; fi
get /v1/files >"$scratch/files.json"
for id in $(python3 -c 'import json, sys; print(*(f["id"] for f in json.load(open(sys.argv[1]))["data"] if f["purpose"] == "fine-tune"))' "$scratch/files.json"); do
	get "/v1/files/$id/content" >"$scratch/file.$id"
done
get /v1/fine_tuning/jobs >"$scratch/jobs.json"
if python3 - "$scratch" <<'P' 2>"$scratch/why"; then ok "the pool's examples, in two files"; else fail "the pool's examples, in two files" "$(tail -c 900 "$scratch/why")"; fi
import json, sys
scratch = sys.argv[1]
(job,) = json.load(open(f"{scratch}/jobs.json"))["data"]
rows = [json.loads(line) for line in open(f"{scratch}/mails/mails.jsonl", encoding="utf-8")]
pool = {f"Is it spam, work?\n\n{r['text']}": r["label"] for r in rows if r["split"] == "train"}
files = {what: [json.loads(line) for line in open(f"{scratch}/file.{job[what]}", encoding="utf-8") if line.strip()] for what in ("training_file", "validation_file")}
seen = set()
for examples in files.values():
    for e in examples:
        assert list(e) == ["messages"], e
        *prompt, reply = e["messages"]
        assert prompt[-1]["content"] in pool, prompt
        assert reply == {"role": "assistant", "content": pool[prompt[-1]["content"]]}, e
        assert prompt[-1]["content"] not in seen
        seen.add(prompt[-1]["content"])
assert seen == set(pool), (len(seen), len(pool))
assert len(files["validation_file"]) == 12, len(files["validation_file"])
assert job["seed"] == 1 and job["method"] == {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}}, job
assert ":Some-mails:" in job["fine_tuned_model"], job
said = json.load(open(f"{scratch}/right.json"))
assert said["model"] == "openai:" + job["fine_tuned_model"] and said["job"] == job["id"], said
assert (said["train"], said["validation"], said["epochs"]) == (108, 12, 2), said
assert said["trained_tokens"] == job["trained_tokens"] and abs(said["usd"] - job["trained_tokens"] * 5e-6) < 1e-9, said
assert len(said["checkpoints"]) == 2 and said["checkpoints"][0]["model"] == said["model"], said
P
tuned=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["model"])' "$scratch/right.json")
submit openai:gpt-test --epochs 2
if [ "$(requests POST /v1/fine_tuning/jobs)" -eq 1 ] && grep -qF "measure it: rung climb $task --models $tuned" "$scratch/out" &&
	grep -qF "models: [\"local\", \"$tuned\"]" "$scratch/out" && grep -qF "checkpoint of step 10: $tuned:ckpt-step-10" "$scratch/out"; then
	ok "submitted again, it is the same job"
else
	fail "submitted again, it is the same job" "$(cat "$scratch/err" "$scratch/out")"
fi
mkdir "$scratch/models"
ln -s "$PWD/tests/reference/golden/tiny-bert" "$scratch/models/all-MiniLM-L6-v2"
RUNG_MODELS=$scratch/models "$rung" climb "$task" --rungs 3 --models "$tuned" --yes --json --quiet >"$scratch/out" 2>"$scratch/err"
code=$?
is "what came of it is measured, on rung 3" 0 "\"id\": \"3/fine-tuned@$tuned\"" out
if python3 - "$scratch" "$tuned" <<'P' 2>"$scratch/why"; then ok "what the job took is its one-off cost"; else fail "what the job took is its one-off cost" "$(tail -c 500 "$scratch/why")"; fi
import json, sys
scratch, tuned = sys.argv[1:]
usd = json.load(open(f"{scratch}/right.json"))["usd"]
cost = json.load(open(f"{scratch}/out"))["cost"][f"3/fine-tuned@{tuned}"]["one_off_usd"]
assert usd > 0 and cost is not None and abs(cost - usd) < 1e-9, (usd, cost)
P
"$rung" tune ls "$task" >"$scratch/ls" 2>"$scratch/err"
if grep -q "^$tuned *job *openai:gpt-test *succeeded" "$scratch/ls"; then ok "the job is listed"; else fail "the job is listed" "$(cat "$scratch/ls" "$scratch/err")"; fi
if grep -q '"id": "[12]/[^"]*@' "$scratch/out"; then fail "and nowhere else" "$(cat "$scratch/out")"; else ok "and nowhere else"; fi

# --- killed in between -----------------------------------------------------------------------------------------------------

# COUNTED: until so many requests to that path were seen, the process lives.
killed() { # NAME METHOD PATH JOBS
	fresh
	"$rung" tune submit "$task" --base openai:gpt-test --yes --poll 600 --quiet >/dev/null 2>&1 &
	waiting=$!
	until [ "$(requests "$2" "$3")" -ge 1 ] || ! kill -0 $waiting 2>/dev/null; do sleep .02; done
	kill -KILL $waiting 2>/dev/null
	wait $waiting 2>/dev/null
	submit openai:gpt-test --json
	if [ $code -eq 0 ] && [ "$(requests POST /v1/fine_tuning/jobs)" -eq 1 ]; then ok "$1"; else
		fail "$1" "exit $code, $(requests POST /v1/fine_tuning/jobs) jobs: $(cat "$scratch/err")"
	fi
}
killed "killed while it waits" GET "/v1/fine_tuning/jobs/{}"
fresh
submit openai:gpt-test --json
python3 - "$task"/.rung/jobs/*.json <<'P'
import json, sys
note = json.load(open(sys.argv[1]))
for key in ("job", "status", "model", "trained_tokens"):
    del note[key]
note["checkpoints"] = []
json.dump(note, open(sys.argv[1], "w"))
P
cp "$scratch/out" "$scratch/first.json"
submit openai:gpt-test --json
if [ $code -eq 0 ] && [ "$(requests POST /v1/fine_tuning/jobs)" -eq 1 ] && cmp -s "$scratch/out" "$scratch/first.json"; then
	ok "killed before the job could be noted"
else
	fail "killed before the job could be noted" "exit $code: $(cat "$scratch/err")"
fi

fresh
"$rung" tune submit "$task" --base openai:gpt-test --yes --poll 600 --quiet >"$scratch/out" 2>"$scratch/err" &
waiting=$!
until [ "$(requests GET "/v1/fine_tuning/jobs/{}")" -ge 1 ] || ! kill -0 $waiting 2>/dev/null; do sleep .02; done
kill -INT $waiting
wait $waiting
code=$?
is "interrupted, the job goes on and the command says so" 2 "goes on at the provider; the same command waits for it, and with --cancel ends it"
"$rung" tune submit "$task" --base openai:gpt-test --cancel >"$scratch/out" 2>"$scratch/err"
code=$?
is "and is cancelled" 0 "is cancelled" out
if get /v1/fine_tuning/jobs | grep -q '"cancelled"'; then ok "at the provider, too"; else fail "at the provider, too" "$(get /v1/fine_tuning/jobs)"; fi
"$rung" tune submit "$task" --base openai:gpt-test --cancel >"$scratch/out" 2>"$scratch/err"
code=$?
is "once" 1 "has ended already (cancelled)"
submit openai:gpt-test
is "a cancelled one is submitted anew" 0 "measure it: " out
fresh
"$rung" tune submit "$task" --base openai:gpt-test --cancel >"$scratch/out" 2>"$scratch/err"
code=$?
is "there has to be one" 1 "no job of these examples and settings was submitted"

# --- what fails ------------------------------------------------------------------------------------------------------------

fresh
submit openai:gpt-test+job-failed
is "a job that fails" 1 "failed: The job failed due to an internal error.; the same command submits a new one"
submit openai:gpt-test+job-failed
is "and the next is another" 1 "failed before; a new one is submitted"
if [ "$(requests POST /v1/fine_tuning/jobs)" -eq 2 ]; then ok "two jobs"; else fail "two jobs" "$(requests POST /v1/fine_tuning/jobs)"; fi
fresh
head -n 8 "$scratch/mails/mails.jsonl" >"$task/mails.jsonl"
sed -n '121,200p' "$scratch/mails/mails.jsonl" >>"$task/mails.jsonl"
submit openai:gpt-test
is "too few examples" 1 "must have at least 10 examples"
fresh
get /control '{"fault": "401"}' >/dev/null
submit openai:gpt-test
is "401 names the variable" 2 "refuses the key in OPENAI_API_KEY (HTTP 401)"
if [ ! -e "$task/.rung/jobs" ]; then ok "and nothing is noted"; else fail "and nothing is noted" "$(ls "$task/.rung/jobs")"; fi
for fault in 500 429 cut; do
	fresh
	: >"$scratch/paid"
	get /control "{\"fault\": \"$fault\", \"times\": 1, \"after\": 2}" >/dev/null # the request that makes the job
	submit openai:gpt-test
	[ $code -ne 2 ] || submit openai:gpt-test
	is "$fault heals" 0 "measure it: " out
	if [ "$(grep -c '^train:' "$scratch/paid")" -eq 1 ]; then ok "$fault: one job is paid"; else fail "$fault: one job is paid" "$(cat "$scratch/paid")"; fi
done
fresh
OPENAI_API_KEY= submit openai:gpt-test
is "no key" 1 "OPENAI_API_KEY is not set"

# --- what is refused -------------------------------------------------------------------------------------------------------

refused() { # NAME WORDS ARGUMENT...
	name=$1 words=$2
	shift 2
	before=$(get /control | python3 -c 'import json, sys; print(json.load(sys.stdin)["requests"])')
	"$rung" tune submit "$task" "$@" </dev/null >"$scratch/out" 2>"$scratch/err"
	code=$?
	after=$(get /control | python3 -c 'import json, sys; print(json.load(sys.stdin)["requests"])')
	if [ $code -eq 1 ] && grep -qF -- "$words" "$scratch/err" && [ "$before" = "$after" ] && [ ! -e "$task/.rung/jobs" ]; then ok "$name"; else
		fail "$name" "exit $code, $((after - before)) requests: $(cat "$scratch/err")"
	fi
}
refused "nobody agreed" "nobody agreed to that" --base openai:gpt-test
if grep -qF "openai:gpt-test: 108 examples of the pool, 3 times: about " "$scratch/err"; then ok "with the preview"; else fail "with the preview" "$(cat "$scratch/err")"; fi
refused "no base" "submit needs --base" --yes
refused "a local base" "is trained on this machine" --base local --yes
refused "the other form" "there are fine-tuning jobs in OpenAI's form alone" --base anthropic:claude-haiku-4-5 --yes
refused "an encoder" "--method encoder is trained here alone" --base openai:gpt-test --method encoder --yes
refused "options of training here" "submit takes --method, --name, --epochs, --batch and --rate alone" --base openai:gpt-test --rank 4 --yes
printf 'budget: {usd: 0.01}\n' >>"$task/task.yaml"
refused "a budget that is too small" 'is less than the job would cost' --base openai:gpt-test --training-price 25 --yes
refused "a budget and no price" 'give --training-price' --base openai:gpt-test --yes
cp "$scratch/mails/task.yaml" "$task/"
printf 'constraints: {private: true}\n' >>"$task/task.yaml"
refused "a private task" 'the task says `private: true`' --base openai:gpt-test --yes
fresh
"$rung" tune submit "$task" --base openai:gpt-test --dry-run --training-price 25 >"$scratch/out" 2>"$scratch/err"
code=$?
is "a preview" 0 "thousand trained tokens: about \$0." out

# --- dev as the validation file, a server of one's own -----------------------------------------------------------------------

fresh
RUNG_API_KEY=$key submit "http://127.0.0.1:$faults/v1#gpt-test" --validate-on-dev --json
if [ $code -eq 0 ] && grep -q '"train":120,"validation":40' "$scratch/out" && grep -qF "{\"model\":\"http://127.0.0.1:$faults/v1#ft:gpt-test:" "$scratch/out"; then
	ok "dev validates, and a URL's model is named by its URL"
else
	fail "dev validates, and a URL's model is named by its URL" "exit $code: $(cat "$scratch/err" "$scratch/out")"
fi

if grep -rqF "$key" "$scratch" 2>/dev/null || grep -qF "${key#sk-test-}" "$scratch/all.err"; then
	fail "no key is written anywhere" "$(grep -rlF "$key" "$scratch")"
else
	ok "no key is written anywhere"
fi
finish
