#!/bin/sh
# texts.sh - `embedding:` and `rerank:` of a task at a server of OpenAI's form: what they find is what is answered from, each text is paid
# once, they are counted, priced, kept to budgets and to `private: true`, and replayed without the server. No local model is there.
. tests/e2e/lib.sh
key=sk-test-7e27c0ffee13
export OPENAI_API_KEY=$key RUNG_API_KEY=$key RUNG_MODELS=$scratch/no-models
unset ANTHROPIC_API_KEY OPENAI_BASE_URL http_proxy https_proxy HTTP_PROXY HTTPS_PROXY

# Of each lamp one document answers, in many words; four say "red lamp power" over and over, and are what words and vectors find first.
# The server's reranker scores by the share of the question's words: the one that answers is its first. The server is right where that one
# stands at the head of what is shown, and nowhere else.
mkdir -p "$scratch/lamps/docs"
python3 - "$scratch" <<'PY'
import json, sys
at = sys.argv[1]
colours = "red blue green amber violet white black silver golden copper brass tin iron cobalt jade ruby opal pearl".split()
questions = ["What is the power of the {} lamp?", "How many watts has the {} lamp?", "Tell me the power of the {} lamp."]
rows, answers = [], []
for k, colour in enumerate(colours):
    filler = [" ".join(f"word{(k * 37 + i * 7) % 997}" for i in range(j, j + 30)) for j in (0, 30)]
    end = f"Certificate of workshop {k}: complete."
    open(f"{at}/lamps/docs/{colour}.txt", "w").write(
        f"Let me tell you what is said, {filler[0]}, and how many has heard of it, {filler[1]}: the power of the {colour} lamp, {11 + 2 * k} watts. {end}\n")
    for i in range(4):
        open(f"{at}/lamps/docs/{colour}-{i}.txt", "w").write(f"{colour} lamp power, {colour} lamp watts: {colour} lamp power of lamp {i}.\n")
    answers.append({"match": f"{end}\n[end of passage 1,", "answer": f"{11 + 2 * k} watts"})
    for j, q in enumerate(questions):
        rows.append({"id": f"q{k}-{j}", "question": q.format(colour), "answer": f"{11 + 2 * k} watts", "split": ["train", "dev", "test"][(k + j) % 3]})
with open(f"{at}/lamps/q.jsonl", "w") as out:
    out.writelines(json.dumps(r) + "\n" for r in rows)
with open(f"{at}/answers.jsonl", "w") as out:
    out.writelines(json.dumps(r) + "\n" for r in answers)
PY
start_faults --answers "$scratch/answers.jsonl" --need-key --log "$scratch/paid" --seconds 300
here=http://127.0.0.1:$faults/v1
export OPENAI_BASE_URL=$here
cat >"$scratch/lamps/task.yaml" <<YAML
name: lamps
kind: answer
instruction: Answer the question.
input: "{{question}}"
documents: docs
embedding: openai:embedder
rerank: $here#reranker
scorer: exact
examples: {file: q.jsonl, answer: answer, id: id, split: split}
models: [openai:m]
YAML

control() { # JSON
	python3 -c 'import sys, urllib.request as u; print(u.urlopen(u.Request(sys.argv[1], sys.argv[2].encode() or None)).read().decode())' \
		"http://127.0.0.1:$faults/control" "${1-}"
}
requests() { # [METHOD PATH]: since the last reset
	control | python3 -c 'import json, sys; c = json.load(sys.stdin); print(c["by_path"].get(sys.argv[1], 0) if sys.argv[1] else c["requests"])' "$*"
}
# NAME [SED]: the task in a fresh folder $task, changed.
fresh() {
	task=$scratch/$1
	cp -r "$scratch/lamps" "$task"
	[ -z "${2-}" ] || sed -i "$2" "$task/task.yaml"
	control '{"reset": true}' >/dev/null
	: >"$scratch/paid"
}
run() { # VERB OPTION...
	verb=$1
	shift
	"$rung" "$verb" "$task" "$@" </dev/null >"$scratch/out" 2>"$scratch/err"
	code=$?
	cat "$scratch/out" "$scratch/err" >>"$scratch/all.out"
}
climb() { run climb --rungs 1-2 --yes --json --quiet "$@"; }
is() { # NAME CONDITION...
	name=$1
	shift
	if "$@"; then ok "$name"; else fail "$name" "exit $code: $(tail -c 500 "$scratch/err" "$scratch/out")"; fi
}
says() { [ $code -eq "$1" ] && grep -qF -- "$2" "$scratch/err"; } # CODE WORDS
report() { # EXPRESSION of r, the report, and v, its variants by id
	[ $code -eq 0 ] && python3 - "$scratch/out" "$1" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
v = {x["id"]: x for x in r["variants"]}
sys.exit(not eval(sys.argv[2]))
PY
}
sql() { # QUERY: its first column, of the task's store
	python3 -c 'import sqlite3, sys; [print(r[0]) for r in sqlite3.connect(sys.argv[1]).execute(sys.argv[2])]' "$task/.rung/store.db" "$1"
}
measured() {
	python3 - "$scratch/out" <<'PY'
import json, sys
r = json.load(open(sys.argv[1]))
for v in r["variants"]:
    print(v["name"], v["status"], v["dev"], v["test"], v["outcomes"])
print(r["verdict"]["decision"], r["verdict"]["variant"].split("@")[0], r["verdict"]["score"])
PY
}

# --- a climb ---------------------------------------------------------------------------------------------------------------

fresh first
run climb --rungs 1-2 --dry-run
most=$(sed -n 's/.*openai:embedder: at most \([0-9]*\) calls.*/\1/p' "$scratch/out" "$scratch/err")
climb
cp "$scratch/out" "$scratch/first.json"
measured >"$scratch/first.right"
is "what is put first by the reranker is answered from" report 'v["2/rag-reranked@openai:m"]["dev"]["score"] == 1 and v["2/rag-reranked@openai:m"]["test"]["score"] == 1 and v["2/rag-fused@openai:m"]["dev"]["score"] == 0 and r["verdict"]["variant"] == "2/rag-reranked@openai:m"'
is "those who embed and order are listed with what was spent" report '{p["model"]: p["answered"] for p in r["spent"]["providers"]}.keys() >= {"openai:embedder", "'"$here"'#reranker", "openai:m"}'
sent=$(requests POST /v1/embeddings)
is "the preview names the most calls" test "$sent" -gt 0 -a "${most:-0}" -ge "$sent"
is "no text is paid twice" test "$(sort "$scratch/paid" | uniq -d | wc -l)" -eq 0
"$rung" show "$task" 2/rag-reranked@openai:m q1-0 >"$scratch/shown" 2>&1
is "what is shown stands in the reranker's order" python3 - "$scratch/shown" "$task/.rung/store.db" <<'PY'
import json, re, sqlite3, sys
shown = re.findall(r"\[passage \d+ of 4, \w+\][^\n]*\n(.*?)\n\[end of passage", open(sys.argv[1]).read(), re.S)
query = "What is the power of the blue lamp?"
asked = [(json.loads(q)["messages"], json.loads(o)) for q, o in sqlite3.connect(sys.argv[2]).execute("SELECT request, output FROM call WHERE json_extract(request, '$.want') = 'order'")]
texts, scores = next(([m["content"] for m in ms[1:]], s) for ms, s in asked if ms[0]["content"] == query)
found = [next(i for i, t in enumerate(texts) if text in t) for text in shown]
best = sorted(range(len(texts)), key=lambda i: (-scores[i], i))[:4]
sys.exit(not (len(texts) == 24 and len(shown) == 4 and found == best and best != [0, 1, 2, 3]))
PY

control '{"reset": true}' >/dev/null
climb
measured >"$scratch/now"
is "the same climb again asks nobody" test "$(requests)" -eq 0 -a $code -eq 0
is "and says the same" cmp "$scratch/now" "$scratch/first.right"

run ask --variant 2/rag-reranked@openai:m "What is the watts power of the pearl lamp?"
is "a question that is new is embedded, ordered and answered" grep -q "45 watts" "$scratch/out"
is "by one request each" test "$(requests POST /v1/embeddings)" -eq 1 -a "$(requests POST /v1/rerank)" -eq 1 -a "$(requests POST /v1/chat/completions)" -eq 1

# --- what it costs ---------------------------------------------------------------------------------------------------------

# EMBEDDER RERANKER FROM TO: what a thousand calls of the two cost at those prices.
cost() {
	run cost --json --calls-per-day 1000 --price openai:m=1/1 --price "openai:embedder=$1/0" --price "$here#reranker=$2/0" --from "2/$3@openai:m" --to "2/$4@openai:m"
	python3 -c 'import json, sys; c = json.load(open(sys.argv[1]))["cost"]; print(*(round(c[f"2/{v}@openai:m"]["usd_per_1k_calls"] * 1000) for v in sys.argv[2:]))' "$scratch/out" "$3" "$4"
}
tokens=$(python3 - "$task/.rung/store.db" <<'PY'
import sqlite3, sys
mean = lambda model, single: sqlite3.connect(sys.argv[1]).execute("SELECT avg(input_tokens) FROM call WHERE model LIKE ? AND (? = 0 OR json_array_length(request, '$.messages') = 1)", (model, single)).fetchone()[0]
print(round(1e3 * mean("%embedder", 1)), round(1e3 * mean("%reranker", 0)))
PY
)
cost 0 0 rag-words rag-reranked >"$scratch/free"
cost 1000 0 rag-words rag-reranked >"$scratch/embedder"
cost 0 1000 rag-words rag-reranked >"$scratch/reranker"
cost 0 0 rag-fused rag-reranked >"$scratch/free.fused"
cost 0 1000 rag-fused rag-reranked >"$scratch/reranker.fused"
is "prices of texts are in the cost of those who use them" python3 - "$scratch" $tokens <<'PY'
import sys
free, embedder, reranker, free_fused, fused = ([int(x) for x in open(f"{sys.argv[1]}/{n}").read().split()] for n in ("free", "embedder", "reranker", "free.fused", "reranker.fused"))
per_text, per_query = int(sys.argv[2]), int(sys.argv[3]) # a thousandth of a token is a millionth of a dollar, of a thousand calls a thousandth
near = lambda a, b: abs(a - b) <= 2
sys.exit(not (free[0] == embedder[0] == reranker[0] and near(embedder[1] - free[1], per_text) and near(reranker[1] - free[1], per_query)
              and free_fused[0] == fused[0] and per_text > 0 and per_query > 0))
PY

# Where all answer alike nothing is raced out, and what the model guesses is searched for, too.
mkdir -p "$scratch/alike/docs"
python3 - "$scratch/alike" <<'PY'
import json, sys
for k in range(12):
    open(f"{sys.argv[1]}/docs/{k}.txt", "w").write(f"The power of lamp {k} is {k + 11} watts.\n")
with open(f"{sys.argv[1]}/q.jsonl", "w") as out:
    for i in range(63):
        print(json.dumps({"id": f"q{i}", "question": f"What is the power of lamp {i % 12}, number {i}?", "answer": "ok", "split": "train" if i < 3 else ["dev", "test"][i % 2]}), file=out)
PY
sed '/^rerank/d; s/lamps/alike/' "$scratch/lamps/task.yaml" >"$scratch/alike/task.yaml"
task=$scratch/alike
control '{"reset": true}' >/dev/null
run climb --rungs 1-2 --dry-run
most=$(sed -n 's/.*openai:embedder: at most \([0-9]*\) calls.*/\1/p' "$scratch/out")
climb --plan full
sent=$(requests POST /v1/embeddings)
is "the preview counts what is guessed and every way of cutting" test $code -eq 0 -a "$sent" -gt 60 -a "${most:-0}" -ge "$sent"

# --- budgets ---------------------------------------------------------------------------------------------------------------

fresh budget
climb --budget-calls 20 --concurrency 4
is "embeddings count in a budget of calls" says 2 "the budget of calls is used up"
is "which is passed by those in flight at most" test "$(requests)" -ge 20 -a "$(requests)" -le 23 -a "$(requests POST /v1/embeddings)" -ge 1
climb
measured >"$scratch/now"
is "and the climb goes on" cmp "$scratch/now" "$scratch/first.right"
fresh dollars
climb --budget-usd 1
is "a budget in dollars wants the prices of all" says 1 "no price of it is known"

# --- killed ----------------------------------------------------------------------------------------------------------------

fresh killed 's/openai:embedder/openai:embedder+slow-30/'
for until in 1 9; do # while it embeds documents, and questions
	"$rung" climb "$task" --rungs 1-2 --yes --json --quiet --concurrency 2 >/dev/null 2>&1 &
	climbing=$!
	while kill -0 $climbing 2>/dev/null && [ "$(grep -c embedder "$scratch/paid")" -lt $until ]; do :; done
	kill -KILL $climbing 2>/dev/null
	wait $climbing 2>/dev/null
done
climb --concurrency 2
twice=$(sort "$scratch/paid" | uniq -d | wc -l)
known=$(sql "SELECT count(*) FROM attempt WHERE run > 0 AND model LIKE '%embedder%' AND end IN ('answered', 'sent')")
is "what it took before its run had a row is put down for the run" test "$known" -ge "$(grep -c embedder "$scratch/paid")"
is "killed while it embeds, no more is paid twice than was in flight" test $code -eq 0 -a "$twice" -le 4
measured >"$scratch/now"
is "and says the same in the end" cmp "$scratch/now" "$scratch/first.right"

# --- private, and what is refused ------------------------------------------------------------------------------------------

unset OPENAI_BASE_URL
export https_proxy=$here # nothing would get past it
fresh private "s|^models:.*|models: [\"$here#m\"]\nconstraints: {private: true}|"
run check
is "what is private is not embedded elsewhere" says 1 'task.yaml: embedding "openai:embedder" would be sent every input and document, and the task says `private: true`'
climb
is "by nobody who is asked to" test $code -eq 1 -a "$(requests)" -eq 0
for verb in "docs add" "docs search" "tune curate"; do
	"$rung" $verb "$task" $([ "$verb" = "docs search" ] && echo lamp) </dev/null >"$scratch/out" 2>"$scratch/err"
	code=$?
	is "not by rung $verb either" says 1 'task.yaml: embedding "openai:embedder" would be sent every input and document'
done
is "nothing was sent" test "$(requests)" -eq 0
sed -i "s|openai:embedder|$here#embedder|" "$task/task.yaml"
climb
is "but on this machine it is" report 'v["2/rag-reranked@'"$here"'#m"]["dev"]["score"] == 1'
unset https_proxy
export OPENAI_BASE_URL=$here
refuses() { # SED WORDS
	rm -rf "$scratch/refused"
	fresh refused "$1"
	run check
	is "$2" says 1 "$2"
}
refuses 's/^embedding:.*/embedding: anthropic:x/' 'task.yaml: embedding "anthropic:x" is none of local, local:NAME (the folder of an encoder, which `rung model add` links), openai:NAME, URL#NAME, recorded:FILE#MODEL'
refuses 's/^embedding:.*/embedding: recorded:calls.jsonl/' 'task.yaml: embedding "recorded:calls.jsonl" is none of'
refuses 's/^rerank:.*/rerank: local/' 'task.yaml: rerank "local" is none of openai:NAME, URL#NAME, recorded:FILE#MODEL'
refuses 's/^rerank:.*/rerank: [a, b]/' 'task.yaml:7:9: rerank wants a text, not a list'

# --- recorded --------------------------------------------------------------------------------------------------------------

task=$scratch/first
run export --calls -o "$scratch/calls.jsonl"
for with in docs.db nothing; do
	fresh "recorded-$with" "s|^embedding: |&recorded:../calls.jsonl#|; s|^rerank: |&recorded:../calls.jsonl#|; s|openai:m|\"recorded:../calls.jsonl#openai:m\"|"
	mkdir "$task/.rung"
	[ $with = nothing ] || cp "$scratch/first/.rung/docs.db" "$task/.rung/"
	OPENAI_API_KEY='' RUNG_API_KEY='' climb
	measured >"$scratch/now"
	is "recorded, it is replayed with $with" cmp "$scratch/now" "$scratch/first.right"
	is "and without a request" test "$(requests)" -eq 0
done

# --- classify --------------------------------------------------------------------------------------------------------------

# Words of a kind stand in its mails, among many of no kind: vectors of the server are near where words are the same.
mkdir "$scratch/lamps/none" "$scratch/mails"
python3 - "$scratch/mails/mails.jsonl" <<'PY'
import json, random, sys
r = random.Random(3)
kinds = {"spam": "offer prize winner lottery cheap".split(), "work": "meeting report deadline budget minutes".split(), "home": "dinner garden holiday cousin kitchen".split()}
with open(sys.argv[1], "w") as out:
    for i in range(150):
        label = list(kinds)[i % 3]
        words = r.sample(kinds[label], 4) + [f"w{r.randrange(400)}" for _ in range(5)]
        r.shuffle(words)
        print(json.dumps({"id": f"m{i}", "text": " ".join(words), "label": label, "split": ["train", "dev", "test"][i % 5 // 2]}), file=out)
PY
cat >"$scratch/mails/task.yaml" <<'YAML'
name: mails
kind: classify
instruction: Is it {{labels}}?
input: "{{text}}"
labels: [spam, work, home]
embedding: openai:embedder
examples: {file: mails.jsonl, answer: label, id: id, split: split}
models: [openai:m]
YAML
task=$scratch/mails
control '{"reset": true}' >/dev/null
: >"$scratch/paid"
run climb --rungs 0-3 --yes --json --quiet
is "heads are fitted on the server's vectors" report 'v["3/embedding-head"]["dev"]["score"] > .9 and v["3/embedding-nearest"]["dev"]["score"] > .9'
is "without a local encoder there is none to tune" report '"no-models" in v["3/encoder"]["why"]'
is "no mail is paid twice" test "$(sort "$scratch/paid" | uniq -d | wc -l)" -eq 0
shown=$(sql "SELECT item FROM answer WHERE variant = '1/knn-embedding@openai:m' LIMIT 1")
"$rung" show "$task" 1/knn-embedding@openai:m "$shown" >"$scratch/shown" 2>&1
is "shots are the nearest of the pool by those vectors" python3 - "$scratch/shown" "$task/.rung/store.db" "$task/mails.jsonl" "$shown" <<'PY'
import base64, json, re, sqlite3, struct, sys
at = {}
for request, output in sqlite3.connect(sys.argv[2]).execute("SELECT request, output FROM call WHERE model = 'openai:embedder'"):
    width, numbers = output.split(" ")
    for i, m in enumerate(json.loads(request)["messages"]):
        at[m["content"]] = struct.unpack_from(f"<{width}f", base64.b64decode(numbers), 4 * int(width) * i)
mails = [json.loads(line) for line in open(sys.argv[3])]
item = next(m for m in mails if m["id"] == sys.argv[4])["text"]
pool = sorted((m["text"] for m in mails if m["split"] == "train"), key=lambda t: -sum(a * b for a, b in zip(at[t], at[item])))
users = re.findall(r"^--- user\n(.*?)\n(?=---)", open(sys.argv[1]).read(), re.S | re.M)
texts = [next((t for t in pool + [item] if t in u), None) for u in users]
sys.exit(not (len(texts) >= 4 and texts == pool[: len(texts) - 1][::-1] + [item]))
PY
task=$scratch/apart
cp -r "$scratch/mails" "$task"
rm -r "$task/.rung"
sed -i 's/openai:embedder/openai:embedder+slow-20/' "$task/task.yaml"
control '{"reset": true}' >/dev/null
run climb --rungs 3 --yes --json --quiet
is "those who embed by themselves ask for many at once" python3 -c 'import json, sys; c = json.loads(sys.argv[1]); sys.exit(not c["most_in_flight"] >= 8)' "$(control)"
control '{"reset": true}' >/dev/null
run climb --rungs 3 --yes --json --quiet
is "the same climb again asks nobody" test "$(requests)" -eq 0

# --- keys ------------------------------------------------------------------------------------------------------------------

if grep -rqF "${key#sk-test-}" "$scratch"; then fail "no key is written anywhere" "$(grep -rlF "${key#sk-test-}" "$scratch")"; else ok "no key is written anywhere"; fi
finish
