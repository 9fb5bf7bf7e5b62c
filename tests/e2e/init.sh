#!/bin/sh
# init.sh - rung init on files of every form: what it writes passes `rung check`, and bad input leaves nothing behind.
. tests/e2e/lib.sh

promptfoo=$PWD/tests/promptfoo

cd "$scratch" || exit 1
python3 - <<'PY'
import csv, json
w = csv.writer(open("orders.csv", "w"), delimiter=";")
w.writerow(["id", "text", "order"])
for i in range(60):
    w.writerow([f"e{i}", f"{i} small teas, please; now", json.dumps({"drink": ["tea", "cola"][i % 2], "n": i, "price": None if i % 3 else 1.5})])
w = csv.writer(open("codes.csv", "w"))
w.writerow(["note", "codes"])
for i in range(60):
    w.writerow([f'note number {i} "x"', ";".join(["A1", "B2", "C3"][:i % 3 + 1])])
with open("mails.tsv", "w") as f:
    f.write("body\tkind of mail\tsplit\n")
    for i in range(60):
        f.write(f"mail number {i}, say\t{['spam', 'yes', 'no: thanks'][i % 3]}\t{'train' if i < 30 else 'test'}\n")
with open("chat.jsonl", "w") as f:
    for i in range(60):
        f.write(json.dumps({"messages": [{"role": "system", "content": "Sort it.\nOne word."}, {"role": "user", "content": f"mail {i} yes"},
                                         {"role": "assistant", "content": ["spam", "ham"][i % 2]}]}) + "\n")
json.dump([{"question": f"What is {i} + 1?", "answer": f"it is {i + 1}"} for i in range(40)], open("qa.json", "w"))
with open("lines.jsonl", "w") as f:
    for i in range(40):
        f.write(json.dumps({"note": f"change {i} was made", "summary": f"Changes {i}, which " + "took very long " * 8}) + "\n")
open("turns.jsonl", "w").write('{"messages": [{"role": "user", "content": "x"}]}\n')
open("empty.csv", "w").write("text,label\nfoo bar,a\nbar baz,b\nqux quux,\nlorem ip,a\n")
PY

makes() { # FILE TEXT...: the task is made, checked, and its file and what was said hold the texts
	file=$1 folder=${1%.*}
	shift
	if ! "$rung" init "$file" >out 2>err || ! "$rung" check "$folder" >checked 2>>err; then
		fail "init $file" "$(cat err)"
		return
	fi
	cat "$folder/task.yaml" >>out
	for text; do grep -qF -- "$text" out || { fail "init $file" "no \"$text\" in $(cat out)"; return; }; done
	ok "init $file"
}
refuses() { # NAME TEXT FOLDER ARGUMENT...: one sentence, exit 1, and FOLDER is not there
	name=$1 text=$2 folder=$3
	shift 3
	"$rung" init "$@" >out 2>err
	code=$?
	if [ "$code" -eq 1 ] && [ ! -s out ] && grep -qF -- "$text" err && [ "$(wc -l <err)" -eq 1 ] && [ ! -e "$folder" ] && ! ls -d ./*.draft-* >/dev/null 2>&1; then
		ok "$name"
	else fail "$name" "exit $code: $(cat out err)"; fi
}

makes orders.csv "delimiter: semicolon" "kind: extract" "schema: schema.json" "{file: examples.jsonl, answer: order, id: id}"
makes codes.csv "many: true" "40 of 60 answers are names with ; between them" "{file: codes.csv, answer: codes}"
makes mails.tsv "kind: classify" '"yes": # 20 examples' '"no: thanks": # 20' "answer: kind of mail, split: split}"
makes chat.jsonl "  One word." 'input: "{{input}}"' "all 60 conversations share it" "  ham: # 30 examples"
makes qa.json "kind: answer" 'input: "{{question}}"'
makes lines.jsonl "kind: generate" "answer: summary"
if cmp -s mails.tsv mails/mails.tsv; then ok "examples are copied byte for byte"; else fail "examples are copied byte for byte" "they differ"; fi

"$rung" init qa.json other --kind generate --answer question --name "my name" --json >out 2>err
if python3 - <<'PY' 2>err; then ok "guesses are overruled, JSON"; else fail "guesses are overruled, JSON" "$(cat err)"; fi
import json
r = json.load(open("out"))
assert (r["folder"], r["name"], r["kind"], r["examples"], r["left_out"]) == ("other", "my name", "generate", 40, []), r
assert {g["what"]: g["why"] for g in r["guessed"]}["kind"] == "as --kind says"
assert "answer: question" in open("other/task.yaml").read()
PY
cp qa/task.yaml before
refuses "a task that is there stays" "is there already and is not overwritten" none qa.json
if cmp -s qa/task.yaml before; then ok "as it was"; else fail "as it was" "it changed"; fi
refuses "an empty answer" 'empty.csv:4: the answer (column "label") is empty' empty empty.csv
refuses "half a conversation" "turns.jsonl:1: the last message is not the assistant's" turns turns.jsonl
refuses "no such column" 'mails.tsv: --answer "kind" is not a column' new mails.tsv new --answer kind
refuses "no such kind" '--kind "sort" is not one of classify, extract, answer, generate' new mails.tsv new --kind sort
refuses "no objects" "is no JSON object, which kind extract needs" new mails.tsv new --kind extract
refuses "no file" "absent.csv" absent absent.csv

brings() { # FILE TEXT...: the promptfoo configuration makes a task that is checked, and what was said and written has the texts
	file=$1
	shift
	if ! "$rung" init "$promptfoo/$file" "p-$file" >out 2>err || ! "$rung" check "p-$file" >checked 2>>err; then
		fail "promptfoo $file" "$(cat err)"
		return
	fi
	cat "p-$file/task.yaml" "p-$file/examples.jsonl" >>out
	for text; do grep -qF -- "$text" out || { fail "promptfoo $file" "no \"$text\" in $(cat out)"; return; }; done
	ok "promptfoo $file"
}
brings inline.yaml "kind: classify (3 different" "scorer: exact" "name: terse-3" "{{feedback | trim}}" '"anthropic:claude-haiku-4-5"' \
	'"http://127.0.0.1:11434/v1#llama3.2"' "max_tokens: 5" "not carried over: assertions of type javascript" 'provider "vertex:gemini-2.5-pro" (line 16)' \
	"config.temperature" "prompt-3: conditions" "prompt.js is a program" "outputPath (line 22)" "no answer that can be compared: 1"
brings files.yaml "kind: answer" "scorer: contains" 'system: "You know the {{region}} well. Answer briefly."' "{{country | lower}}" '"openai:gpt-4.1-nano"' \
	'"openai:gpt-5-mini"' "max_tokens: 64" "such as ^(Sucre|La Paz)$" '{"answer":"Rome","country":"Italy","region":"world, all of it"}'
brings json.json "kind: extract" "schema: schema.json" "scenarios (line 5)" "type is-json" "Read the order as JSON."
printf 'prompts: ["{{a}}"]\ntests: [{vars: {a: b}, assert: [{type: python, value: x}]}]\n' >none.yaml
refuses "no test with an answer" "none.yaml: no test names an answer" none none.yaml
printf 'prompts: ["{{a}}"]\ntests: file://gone.csv\n' >none.yaml
refuses "tests that are not there" "gone.csv: cannot open" none none.yaml
printf 'name: x\n' >none.yaml
refuses "another YAML file" "has no prompts, so it is no promptfoo configuration" none none.yaml
printf 'prompts: [a\n' >none.yaml
refuses "broken YAML" "none.yaml:" none none.yaml
finish
