#!/bin/sh
# handoff.sh - `rung tune export --for`: the folder for a trainer elsewhere holds the pool, split as rung's own LoRA splits it, and
# nothing of dev and test; all of it or none.
. tests/e2e/lib.sh

mkdir "$scratch/task" "$scratch/models"
ln -s "$PWD/tests/reference/golden/tiny-bert" "$scratch/models/all-MiniLM-L6-v2"
export RUNG_MODELS=$scratch/models
cat >"$scratch/task/task.yaml" <<'Y'
name: "quoted \"lines\""
kind: classify
instruction: Which colour?
input: "{{n}}"
labels: [red, green]
examples: {file: examples.csv, answer: colour, id: id, split: split, group: thread}
models: local
Y
python3 - >"$scratch/task/examples.csv" <<'PY'
import csv, sys
out = csv.writer(sys.stdout)
out.writerow(["id", "n", "colour", "split", "thread"])
for i in range(200):
    split = ["train", "train", "dev", "test"][i // 50]
    out.writerow([f"e{i}", f'{split} "ü" \\ {i}', ["red", "green"][i % 2], split, f"{split}-{i % 50 // 3}"])
PY
export_for() { # TRAINER FOLDER OPTION...
	trainer=$1 folder=$2
	shift 2
	"$rung" tune export "$scratch/task" --for "$trainer" -o "$scratch/$folder" "$@"
}

if export_for trl trl >"$scratch/out" 2>"$scratch/err" && export_for axolotl new/axolotl --json >"$scratch/json" 2>>"$scratch/err"; then
	ok "export"
else
	fail "export" "$(cat "$scratch/err")"
	finish
fi
if python3 - "$scratch" <<'PY' 2>"$scratch/why"; then ok "the pool's examples and no others"; else fail "the pool's examples and no others" "$(tail -c 900 "$scratch/why")"; fi
import csv, json, os, sys
scratch = sys.argv[1]
rows = list(csv.DictReader(open(f"{scratch}/task/examples.csv", encoding="utf-8")))
pool = {f"Which colour?\n\n{r['n']}": r for r in rows if r["split"] == "train"}
parts = {}
for part in ("train", "validation"):
    parts[part] = [json.loads(line) for line in open(f"{scratch}/trl/data/{part}.jsonl", encoding="utf-8")]
seen = {}
for part, examples in parts.items():
    for e in examples:
        assert list(e) == ["prompt", "completion"], e
        (turn,), (reply,) = e["prompt"], e["completion"]
        assert turn["role"] == "user" and reply == {"role": "assistant", "content": pool[turn["content"]]["colour"]}, e
        assert turn["content"] not in seen, turn
        seen[turn["content"]] = part
assert set(seen) == set(pool), (len(seen), len(pool))
assert 5 <= len(parts["validation"]) <= 10, len(parts["validation"])
threads = [{pool[t]["thread"] for t, p in seen.items() if p == part} for part in parts]
assert not threads[0] & threads[1], threads
other = f"{scratch}/new/axolotl"
for part, examples in parts.items():
    messages = [json.loads(line) for line in open(f"{other}/data/{part}.jsonl", encoding="utf-8")]
    assert messages == [{"messages": e["prompt"] + e["completion"]} for e in examples], part
for folder, files in ((f"{scratch}/trl", {"README.md", "trl.yaml", "data"}), (other, {"README.md", "axolotl.yaml", "data"})):
    assert set(os.listdir(folder)) == files and len(os.listdir(f"{folder}/data")) == 2, os.listdir(folder)
    for where, _, names in os.walk(folder):
        for name in names:
            text = open(f"{where}/{name}", encoding="utf-8").read()
            assert 'dev \\"' not in text and 'test \\"' not in text and "dev-" not in text and "test-" not in text, name
said = json.load(open(f"{scratch}/json"))
assert said["train"] == len(parts["train"]) and said["validation"] == len(parts["validation"]) and said["method"] == "lora", said
PY

export_for trl again >"$scratch/out" 2>&1
export_for trl other --seed 2 >"$scratch/out" 2>&1
if diff -r "$scratch/trl" "$scratch/again" >"$scratch/why"; then ok "the same seed, the same bytes"; else fail "the same seed, the same bytes" "$(head -c 500 "$scratch/why")"; fi
if [ -s "$scratch/other/data/validation.jsonl" ] && ! cmp -s "$scratch/trl/data/validation.jsonl" "$scratch/other/data/validation.jsonl"; then
	ok "another seed, another split"
else
	fail "another seed, another split" "$(ls "$scratch/other" "$scratch/other/data")"
fi

# Options reach the configuration and the way back; an empty folder is taken.
mkdir "$scratch/options"
export_for trl options/ --rank 4 --epochs 7 --rate 0.00002 --batch 6 --seed 5 --base "it's \"a\\b\"/Model: 1" >"$scratch/out" 2>&1
missing=
for line in 'model_name_or_path: "it'"'"'s \"a\\b\"/Model: 1"' 'lora_r: 4' 'lora_alpha: 32' 'num_train_epochs: 7' 'learning_rate: 0.00002' 'seed: 5' \
	'per_device_train_batch_size: 3' 'gradient_accumulation_steps: 2' 'warmup_steps: 6' 'completion_only_loss: true' 'eval_strategy: epoch' \
	'max_length: 512'; do
	grep -qxF -- "$line" "$scratch/options/trl.yaml" || missing="$missing [$line]"
done
grep -qxF '    rung tune import TASK out --base local:Model--1' "$scratch/options/README.md" || missing="$missing [import]"
grep -qF "hf download 'it'\\''s \"a\\b\"/Model: 1' --local-dir" "$scratch/options/README.md" || missing="$missing [download]"
if [ -z "$missing" ]; then ok "options"; else fail "options" "$missing: $(cat "$scratch/out" "$scratch/options/trl.yaml")"; fi
if grep -qxF '    rung tune import TASK out --base local' "$scratch/trl/README.md" && grep -qxF 'sequence_len: 512' "$scratch/new/axolotl/axolotl.yaml"; then
	ok "the default base"
else
	fail "the default base" "$(cat "$scratch/trl/README.md")"
fi

if export_for trl localai --base localai/model >"$scratch/out" 2>&1; then ok "a base whose name begins like a local one"; else
	fail "a base whose name begins like a local one" "$(cat "$scratch/out")"
fi

# Too few examples to hold some out.
head -n 31 "$scratch/task/examples.csv" >"$scratch/few.csv"
sed -n '102,113p;152,163p' "$scratch/task/examples.csv" >>"$scratch/few.csv"
if export_for trl few --examples "$scratch/few.csv" >"$scratch/out" 2>&1 && [ ! -e "$scratch/few/data/validation.jsonl" ] &&
	[ "$(wc -l <"$scratch/few/data/train.jsonl")" -eq 30 ] && grep -qx 'eval_strategy: "no"' "$scratch/few/trl.yaml" && ! grep -q dataset_test_split "$scratch/few/trl.yaml"; then
	ok "few examples hold none out"
else
	fail "few examples hold none out" "$(cat "$scratch/out")"
fi

# With passages: a question's prompt holds them.
mkdir "$scratch/rag"
for i in 0 1 2 3 4 5 6 7 8 9; do printf '# House %s\n\nThe door of house %s is number%s.\n' "$i" "$i" "$i" >"$scratch/rag/house$i.md"; done
cat >"$scratch/rag/task.yaml" <<'Y'
name: doors
kind: answer
instruction: Answer.
input: "{{question}}"
examples: {file: q.csv, answer: answer, id: id, split: split}
documents: "*.md"
Y
python3 - >"$scratch/rag/q.csv" <<'PY'
print("id,question,answer,split")
for i in range(60):
    print(f"q{i},Which door has house {i % 10} ({i})?,number{i % 10},{['train', 'dev', 'test'][i // 20]}")
PY
"$rung" docs add "$scratch/rag" >"$scratch/out" 2>&1
if "$rung" tune export "$scratch/rag" --for axolotl --method lora-rag -o "$scratch/rag-out" >"$scratch/out" 2>&1 &&
	[ "$(grep -c 'The door of house' "$scratch/rag-out/data/train.jsonl")" -eq 20 ] && grep -q -- '--base local --method lora-rag' "$scratch/rag-out/README.md"; then
	ok "passages"
else
	fail "passages" "$(tail -c 900 "$scratch/out")"
fi

# Clouds: the same rows in their formats, the request that makes the job, the calls around it.
export_for bedrock bedrock --base amazon.nova-micro-v1:0:128k >"$scratch/out" 2>"$scratch/err" &&
	export_for vertex vertex --base gemini-2.5-flash --epochs 7 >>"$scratch/out" 2>>"$scratch/err"
if python3 - "$scratch" <<'PY' 2>"$scratch/why"; then ok "clouds"; else fail "clouds" "$(cat "$scratch/err"; tail -c 900 "$scratch/why")"; fi
import json, os, sys
scratch = sys.argv[1]
read = lambda folder, part: [json.loads(line) for line in open(f"{scratch}/{folder}/data/{part}.jsonl", encoding="utf-8")]
for part in ("train", "validation"):
    rows = [(e["prompt"][0]["content"], e["completion"][0]["content"]) for e in read("trl", part)]
    assert read("bedrock", part) == [{"schemaVersion": "bedrock-conversation-2024", "messages": [{"role": "user", "content": [{"text": q}]},
                                      {"role": "assistant", "content": [{"text": a}]}]} for q, a in rows], part
    assert read("vertex", part) == [{"contents": [{"role": "user", "parts": [{"text": q}]}, {"role": "model", "parts": [{"text": a}]}]}
                                    for q, a in rows], part
for folder in ("bedrock", "vertex"):
    assert sorted(os.listdir(f"{scratch}/{folder}")) == ["README.md", "data", "job.json"]
name = "rung-quoted-lines"
bedrock = json.load(open(f"{scratch}/bedrock/job.json"))
assert bedrock == {"jobName": name, "customModelName": name, "roleArn": "arn:aws:iam::ACCOUNT:role/ROLE",
                   "baseModelIdentifier": "amazon.nova-micro-v1:0:128k", "customizationType": "FINE_TUNING",
                   "trainingDataConfig": {"s3Uri": f"s3://BUCKET/{name}/train.jsonl"},
                   "validationDataConfig": {"validators": [{"s3Uri": f"s3://BUCKET/{name}/validation.jsonl"}]},
                   "outputDataConfig": {"s3Uri": f"s3://BUCKET/{name}/out/"}, "hyperParameters": {"epochCount": "3"}}, bedrock
vertex = json.load(open(f"{scratch}/vertex/job.json"))
assert vertex == {"baseModel": "gemini-2.5-flash", "tunedModelDisplayName": name, "supervisedTuningSpec": {
    "trainingDatasetUri": f"gs://BUCKET/{name}/train.jsonl", "validationDatasetUri": f"gs://BUCKET/{name}/validation.jsonl",
    "hyperParameters": {"epochCount": "7"}}}, vertex
PY

# Mistakes: one sentence, and nothing is left.
mkdir "$scratch/full" "$scratch/taken.part"
touch "$scratch/full/file" "$scratch/file"
wrong() { # NAME WORDS ARGUMENT...
	name=$1 words=$2
	shift 2
	if "$rung" tune export "$@" >"$scratch/out" 2>"$scratch/err"; then fail "$name" "it was taken"; return; fi
	if grep -qF -- "$words" "$scratch/err" && [ "$(wc -l <"$scratch/err")" -eq 1 ] && [ ! -e "$scratch/x" ] && [ ! -e "$scratch/x.part" ] &&
		[ ! -e "$scratch/full.part" ] && [ "$(ls "$scratch/full")" = file ]; then
		ok "$name"
	else
		fail "$name" "$(cat "$scratch/err"; ls "$scratch")"
	fi
}
task=$scratch/task x=$scratch/x
wrong "an unknown trainer" '--for "peft" is not one of trl, axolotl, bedrock and vertex' "$task" --for peft -o "$x"
wrong "no folder" 'export --for TRAINER needs -o FOLDER' "$task" --for trl
wrong "a folder with files" 'full: is there already and not empty; give -o a new folder' "$task" --for trl -o "$scratch/full"
wrong "a file" 'file: cannot be made: ' "$task" --for trl -o "$scratch/file"
wrong "no place" '/proc/none.part: cannot make the folder' "$task" --for trl -o /proc/none
wrong "an unfinished export" 'taken.part: is left of an export' "$task" --for trl -o "$scratch/taken"
wrong "neither form" 'export needs a version (TASK NAME:vN' "$task" -o "$x"
wrong "a version without a format" 'export needs --as gguf' "$task" lines:v1 -o "$x"
wrong "both forms" '--for is for training elsewhere' "$task" lines:v1 --for trl -o "$x"
wrong "a format for a trainer" '--for is for training elsewhere' "$task" --as peft --for trl -o "$x"
wrong "an encoder" '--method encoder is trained here alone' "$task" --for trl --method encoder -o "$x"
wrong "an unknown method" 'there is: ' "$task" --for trl --method full -o "$x"
wrong "a local base" '--base "local:tiny" is nothing that a trainer elsewhere can load' "$task" --for trl --base local:tiny -o "$x"
wrong "a cloud without a base" '--for bedrock needs --base' "$task" --for bedrock -o "$x"
wrong "a cloud's base is not local" '--for vertex needs --base, the model as Vertex AI names it, such as gemini-' "$task" --for vertex --base local -o "$x"
wrong "a teacher" '--teacher, --unlabelled and --reasons are for training here' "$task" --for trl --teacher 1/zero-shot@local -o "$x"

# A disk that fills up in the middle.
if (
	trap '' XFSZ
	ulimit -f 8
	export_for trl x >"$scratch/none" 2>"$scratch/err"
); then fail "a full disk" "it was not noticed"; else
	if grep -q 'x.part/data/train.jsonl' "$scratch/err" && [ ! -e "$scratch/x" ] && [ ! -e "$scratch/x.part" ]; then ok "a full disk"; else
		fail "a full disk" "$(cat "$scratch/err"; ls "$scratch")"
	fi
fi
finish
