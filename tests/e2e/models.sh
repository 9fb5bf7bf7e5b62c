#!/bin/sh
# models.sh - rung model add, ls and rm; adapters by name in check, climb and ask. On the tiny models of tests/reference.
. tests/e2e/lib.sh

golden=$PWD/tests/reference/golden
export RUNG_MODELS="$scratch/models"

works() { # NAME COMMAND...
	name=$1
	shift
	if "$@" >"$scratch/out" 2>"$scratch/err"; then ok "$name"; else fail "$name" "$(head -c 300 "$scratch/err")"; fi
}
refused() { # NAME FRAGMENT COMMAND...
	name=$1 fragment=$2
	shift 2
	"$@" >"$scratch/out" 2>"$scratch/err"
	status=$?
	if [ $status -ne 1 ]; then fail "$name" "exit $status"; return; fi
	if grep -qF -- "$fragment" "$scratch/err"; then ok "$name"; else fail "$name" "\"$fragment\" is not in: $(cat "$scratch/err")"; fi
}
says() { # NAME FRAGMENT: of what the last command printed
	if grep -qF -- "$2" "$scratch/out"; then ok "$1"; else fail "$1" "\"$2\" is not in: $(head -c 2000 "$scratch/out")"; fi
}

works "a decoder is added" "$rung" model add "$golden/tiny-llama.gguf" --name tiny
works "an adapter is added" "$rung" model add "$golden/tiny-lora.gguf"
works "an encoder is added" "$rung" model add "$golden/tiny-bert"
refused "a name with a plus is refused" "neither \"/\" nor \"+\"" "$rung" model add "$golden/tiny-lora.gguf" --name a+b
refused "a name is given once" "rung model rm" "$rung" model add "$golden/tiny-lora.gguf"
echo junk >"$RUNG_MODELS/junk.gguf"
works "models are listed" "$rung" model ls
says "a decoder is called one" "decoder     tiny.gguf"
says "an adapter says for which bases it is" "adapter     tiny-lora.gguf  (for a base of architecture llama)"
says "an encoder is called one" "encoder     tiny-bert"
says "a file that is no model is called unreadable" "unreadable  junk.gguf"
works "models are listed as JSON" "$rung" model ls --json
if python3 - "$scratch/out" <<'PY'; then ok "and the JSON says the same"; else fail "and the JSON says the same" "$(cat "$scratch/out")"; fi
import json, sys
rows = json.load(open(sys.argv[1]))
assert {"name": "tiny-lora.gguf", "kind": "adapter", "architecture": "llama"} in rows, rows
assert {"name": "tiny.gguf", "kind": "decoder"} in rows, rows
PY

mkdir "$scratch/task"
cat >"$scratch/task/task.yaml" <<'Y'
name: t
kind: classify
instruction: "Pick {{labels}}."
input: "{{text}}"
labels: [cat, dog, emu]
models: [local:tiny, local:tiny+tiny-lora]
variants:
  - {name: other, model: local:tiny+absent, input: "{{text}}"}
examples: {file: e.jsonl, answer: label, id: id, split: split}
Y
python3 - "$scratch/task/e.jsonl" <<'PY'
import json, sys
with open(sys.argv[1], "w") as out:
    for i in range(90):
        row = {"id": f"i{i}", "label": ["cat", "dog", "emu"][i // 3 % 3], "split": ["train", "dev", "test"][i % 3], "text": f"w{i}"}
        print(json.dumps(row), file=out)
PY
works "check reads an adapter's name" "$rung" check "$scratch/task"
says "and counts tokens as its base does" "inputs in tokens of local:tiny+tiny-lora: median"
says "and says what a variant's model lacks" "absent.gguf: no such adapter; \`rung model ls\`"
works "a climb asks the base and the adapter" "$rung" climb "$scratch/task" --rungs 1 --quiet --threads 2
if python3 - "$scratch/task/.rung/store.db" <<'PY' >"$scratch/out" 2>&1; then ok "their calls are stored apart"; else fail "their calls are stored apart" "$(cat "$scratch/out")"; fi
import json, sqlite3, sys
calls = {}
for model, request, scores in sqlite3.connect(sys.argv[1]).execute("select model, request_hash, scores from call where scores is not null"):
    calls.setdefault(model, {})[request] = json.loads(scores)
base, adapted = calls["local:tiny"], calls["local:tiny+tiny-lora"]
both = base.keys() & adapted.keys()
assert len(both) >= 10 and all(base[k] != adapted[k] for k in both), (len(base), len(adapted), len(both))
PY
works "an adapter answers" "$rung" ask "$scratch/task" --variant 1/scoring@local:tiny+tiny-lora w3
says "with a label" '"answer"'
works "an adapter on the command line is climbed" "$rung" climb "$scratch/task" --rungs 1 --quiet --models local:tiny+tiny-lora --seed 2
works "and answers without being in the task" "$rung" ask "$scratch/task" --seed 2 w3

# The folder has no default encoder: whatever is embedded here is so by the one that the task names.
mkdir "$scratch/embedding"
cp "$scratch/task/e.jsonl" "$scratch/embedding"
sed -e '/^variants/,/^  -/d' -e 's/^models.*/embedding: local:tiny-bert/' "$scratch/task/task.yaml" >"$scratch/embedding/task.yaml"
works "a climb embeds with the encoder that the task names" "$rung" climb "$scratch/embedding" --rungs 3 --quiet --json --threads 2
if python3 - "$scratch/out" <<'PY' 2>"$scratch/err"; then ok "heads and the encoder of rung 3 are measured on it"; else fail "heads and the encoder of rung 3 are measured on it" "$(cat "$scratch/err")"; fi
import json, sys
states = {v["id"]: v["status"] for v in json.load(open(sys.argv[1]))["variants"]}
assert {"3/embedding-head", "3/embedding-nearest", "3/encoder"} <= {i for i, s in states.items() if s in ("winner", "measured", "raced out")}, states
PY
works "what it trained is a version of that encoder" "$rung" tune ls "$scratch/embedding"
says "by its name" "encoder  tiny-bert"
refused "a base for it" "an encoder's is the task's own (\`embedding: local:NAME\`, else all-MiniLM-L6-v2)" "$rung" tune "$scratch/embedding" --base local:tiny
sed -i 's/^embedding.*/embedding: local:absent/' "$scratch/embedding/task.yaml"
refused "an encoder that is not there" "embedding \"local:absent\": $RUNG_MODELS/absent: no such encoder; \`rung model ls\`" "$rung" check "$scratch/embedding"
refused "nor climbed" "no such encoder" "$rung" climb "$scratch/embedding" --rungs 0
refused "nor trained" "no such encoder" "$rung" tune "$scratch/embedding"
sed -i 's/^embedding.*/embedding: local:tiny-bert+tiny-lora/' "$scratch/embedding/task.yaml"
refused "an encoder read through an adapter" "is none of local, local:NAME" "$rung" check "$scratch/embedding"

sed -i 's/^embedding.*/embedding: local:tiny.gguf/' "$scratch/embedding/task.yaml"
refused "a decoder in its place" "embedding \"local:tiny.gguf\": $RUNG_MODELS/tiny.gguf/config.json: cannot open" "$rung" check "$scratch/embedding"
cp -r "$golden/tiny-bert" "$scratch/roberta"
sed -i 's/"model_type": "bert"/"model_type": "roberta"/' "$scratch/roberta/config.json"
refused "an encoder of another family" "roberta" "$rung" model add "$scratch/roberta"
cp -r "$scratch/roberta" "$RUNG_MODELS"
sed -i 's/^embedding.*/embedding: local:roberta/' "$scratch/embedding/task.yaml"
refused "and one that was put there" "embedding \"local:roberta\": $RUNG_MODELS/roberta/config.json" "$rung" check "$scratch/embedding"

works "an adapter is removed" "$rung" model rm tiny-lora
works "models are listed again" "$rung" model ls
if grep -qF tiny-lora "$scratch/out"; then fail "it is gone" "$(cat "$scratch/out")"; else ok "it is gone"; fi
if [ -e "$golden/tiny-lora.gguf" ]; then ok "but not what it linked to"; else fail "but not what it linked to" "$golden/tiny-lora.gguf"; fi
works "check still works" "$rung" check "$scratch/task"
says "and says what is missing now" "tiny-lora.gguf: no such adapter"
finish
