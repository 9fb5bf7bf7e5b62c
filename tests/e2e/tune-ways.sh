#!/bin/sh
# tune-ways.sh - the ways of training that tune.sh does not take, on tiny models: several seeds, an encoder by LoRA pairs, classes that weigh
# alike, LoRA over retrieved passages in a climb, and what a terminal shows meanwhile.
. tests/e2e/lib.sh

golden=$PWD/tests/reference/golden
export RUNG_MODELS="$scratch/models"
mkdir "$RUNG_MODELS"
cp "$golden/tiny-llama.gguf" "$RUNG_MODELS/tiny-llama.gguf"
ln -s "$golden/tiny-bert" "$RUNG_MODELS/all-MiniLM-L6-v2"
short_mails "$scratch/mail" 40 8 4
cat >"$scratch/mail/task.yaml" <<'Y'
name: mail
kind: classify
instruction: "Pick {{labels}}."
input: "{{text}}"
labels: [spam, work]
examples: {file: emails.jsonl, answer: label, id: id, split: split}
Y
versions=$scratch/mail/.rung/tuned/mail

# NAME CONDITION: of cards, the list of those of all versions
cards() {
	if python3 - "$versions" "$2" <<'PY' 2>"$scratch/why"; then ok "$1"; else fail "$1" "$(cat "$scratch/err" "$scratch/why")"; fi
import json, os, sys
folder = sys.argv[1]
cards = [json.load(open(f"{folder}/v{i + 1}/card.json")) for i in range(len(os.listdir(folder)))]
assert eval(sys.argv[2]), cards
PY
}

"$rung" tune "$scratch/mail" --method lora --base local:tiny-llama --epochs 1 --seeds 2 --quiet >"$scratch/out" 2>"$scratch/err"
cards "two seeds are two versions" '[c["settings"]["seed"] for c in cards] == [1, 2] and cards[0]["key"] != cards[1]["key"]'
if [ "$(grep -c '^tuned:mail:v[12]: LoRA of local:tiny-llama' "$scratch/out")" -eq 2 ]; then ok "both are described"; else fail "both are described" "$(cat "$scratch/out")"; fi
if cmp -s "$versions/v1/adapter.gguf" "$versions/v2/adapter.gguf"; then fail "with weights of their own" "they are the same"; else ok "with weights of their own"; fi

"$rung" tune "$scratch/mail" --rank 4 --epochs 2 --quiet >"$scratch/out" 2>"$scratch/err"
cards "an encoder is trained by LoRA pairs" 'len(cards) == 3 and cards[2]["kind"] == "encoder" and cards[2]["settings"]["rank"] == 4 and cards[2]["dev"]["n"] == 8'
"$rung" tune "$scratch/mail" --epochs 2 --quiet >"$scratch/out" 2>"$scratch/err"
if python3 - "$versions" "$golden" <<'PY' 2>"$scratch/why"; then ok "merged into every matrix, and into nothing else"; else fail "merged into every matrix, and into nothing else" "$(cat "$scratch/why")"; fi
import json, struct, sys
def tensors(path):
    data = open(path, "rb").read()
    n = struct.unpack("<Q", data[:8])[0]
    head = {k: v for k, v in json.loads(data[8:8 + n]).items() if k != "__metadata__"}
    values = {k: data[8 + n + v["data_offsets"][0]:8 + n + v["data_offsets"][1]] for k, v in head.items()}
    return {k.removeprefix("bert."): floats(values[k], v["dtype"]) for k, v in head.items()}
def floats(data, dtype):
    if dtype == "BF16":
        data, dtype = b"".join(b"\0\0" + data[i:i + 2] for i in range(0, len(data), 2)), "F32"
    return struct.unpack({"F32": f"<{len(data) // 4}f", "F16": f"<{len(data) // 2}e"}[dtype], data)
base, pairs, whole = (tensors(p + "/model.safetensors") for p in (sys.argv[2] + "/tiny-bert", sys.argv[1] + "/v3", sys.argv[1] + "/v4"))
moved = {k for k in pairs if pairs[k] != base[k]}
assert moved == {k for k in pairs if "encoder.layer" in k and k.endswith(".weight") and "LayerNorm" not in k}, moved
assert whole["embeddings.word_embeddings.weight"] != base["embeddings.word_embeddings.weight"]
PY

"$rung" tune "$scratch/mail" --balanced --epochs 2 --quiet >"$scratch/out" 2>"$scratch/err"
cards "classes weigh alike where they shall" '[c["settings"]["balanced"] for c in cards] == [False] * 4 + [True]'

# What an older rung was interrupted in lies there until a training ends.
mkdir "$versions/training-3-0123456789abcdef" "$versions/training-2-0123456789abcdef"
touch -d '2 days ago' "$versions/training-3-0123456789abcdef"
"$rung" tune "$scratch/mail" --epochs 1 --quiet >"$scratch/out" 2>"$scratch/err"
if [ "$(cd "$versions" && echo training-*)" = training-2-0123456789abcdef ]; then ok "a workplace of an older recipe goes"; else
	fail "a workplace of an older recipe goes" "$(ls "$versions")"
fi

# A climb trains with and without passages, and asks what that did besides. Of each door two documents say something, one of them the answer.
mkdir -p "$scratch/doors/docs"
python3 - "$scratch/doors" "$RUNG_MODELS" <<'PY'
import json, sys
at, colours = sys.argv[1], "red blue green amber violet white black silver golden copper".split()
with open(f"{at}/q.jsonl", "w") as out:
    for i in range(60):
        open(f"{at}/docs/{i}.txt", "w").write(f"Door {i} is {colours[i % 10]}.\n")
        open(f"{at}/docs/old-{i}.txt", "w").write(f"Door {i} is old.\n")
        row = {"id": f"d{i}", "q": f"Door {i}?", "a": colours[i % 10], "gold": f"Door {i} is {colours[i % 10]}.", "split": ["train", "train", "dev", "train", "train", "test"][i % 6]}
        print(json.dumps(row), file=out)
# Passages need more context than the tiny decoder's file says that it has; its weights know no bound.
said = b"llama.context_length" + (4).to_bytes(4, "little")
data = open(f"{sys.argv[2]}/tiny-llama.gguf", "rb").read()
assert said + (256).to_bytes(4, "little") in data
open(f"{sys.argv[2]}/tiny-long.gguf", "wb").write(data.replace(said + (256).to_bytes(4, "little"), said + (2048).to_bytes(4, "little")))
PY
cat >"$scratch/doors/task.yaml" <<'Y'
name: doors
kind: answer
instruction: Say.
input: "{{q}}"
documents: docs
scorer: exact
models: [local:tiny-long]
examples: {file: q.jsonl, answer: a, id: id, gold: gold, split: split}
Y
"$rung" climb "$scratch/doors" --rungs 3 --json --quiet >"$scratch/report" 2>"$scratch/err"
versions=$scratch/doors/.rung/tuned/doors
cards "a climb trains LoRA alone and over retrieved passages" 'sorted(c["method"] for c in cards) == ["lora", "lora-rag"]'
cards "on the same examples in other prompts" '{c["data"]["items"] for c in cards} == {40} and cards[0]["data"]["hash"] != cards[1]["data"]["hash"]'
# Both are right about nothing, so the candidate is the one that reads less.
besides='{"pool", "general_before", "general_after", "follows_after", "recites_after"}'
cards "of its candidate it notes what was learnt by heart and what was forgotten" \
	'[(c["method"], c.keys() & '"$besides"') for c in cards] == [("lora", '"$besides"'), ("lora-rag", set())]'
if python3 - "$scratch/report" <<'PY' 2>"$scratch/why"; then ok "and the report says so"; else fail "and the report says so" "$(cat "$scratch/err" "$scratch/why")"; fi
import json, sys
report = json.load(open(sys.argv[1]))
answers = {q["question"]: q for q in report["questions"]}
for question, words in (("Does tuning make other things worse?", "everyday questions"), ("Did it learn facts by heart that will change?", "recites what it was trained on")):
    assert answers[question]["known"] and words in answers[question]["answer"], answers[question]
PY

"$rung" tune "$scratch/doors" --method lora-rag --base local:tiny-long --quiet >"$scratch/out" 2>"$scratch/err"
cards "of the other \`rung tune\` does, without training it again" 'len(cards) == 2 and cards[1].keys() >= '"$besides"

# A budget of as many calls as the climb takes: the climb is done, and what is no part of it is left out.
calls=$(python3 -c 'import json, sys; s = json.load(open(sys.argv[1]))["spent"]; print(s["dev_calls"] + s["test_calls"])' "$scratch/report")
versions=$scratch/short/tuned/doors
"$rung" climb "$scratch/doors" --rungs 3 --store "$scratch/short/store.db" --budget-calls "$calls" --json --quiet >"$scratch/out" 2>"$scratch/err"
status=$?
if [ $status -eq 0 ] && grep -q 'what training 3/lora@local:tiny-long did besides could not be measured: ' "$scratch/err"; then ok "a climb within its budget is done"; else
	fail "a climb within its budget is done" "exit $status: $(head -c 500 "$scratch/err")"
fi
cards "and notes nothing besides" '[c.keys() & '"$besides"' for c in cards] == [set(), set()]'
"$rung" climb "$scratch/doors" --rungs 3 --store "$scratch/short/store.db" --json --quiet >"$scratch/again" 2>"$scratch/err"
cards "the same climb without one does" 'len(cards) == 2 and cards[0].keys() >= '"$besides"

# Who grades outside is asked about the climb's answers alone.
cat >"$scratch/doors/score" <<'Y'
#!/bin/sh
while read -r line; do
	echo "$line" >>asked
	echo 0.5
done
Y
chmod +x "$scratch/doors/score"
sed -i 's/^scorer:.*/scorer: {command: .\/score}/' "$scratch/doors/task.yaml"
versions=$scratch/graded/tuned/doors
"$rung" climb "$scratch/doors" --rungs 3 --store "$scratch/graded/store.db" --json --quiet >"$scratch/out" 2>"$scratch/err"
cards "a grader outside is asked nothing besides" 'len(cards) == 2 and [c.keys() & '"$besides"' for c in cards] == [set(), set()]'
if [ "$(grep -cE '"id": ?"d[0-9]+"' "$scratch/doors/asked")" -eq 30 ]; then ok "but about the 30 answers on dev and test"; else
	fail "but about the 30 answers on dev and test" "$(wc -l <"$scratch/doors/asked"); $(head -c 500 "$scratch/err")"
fi

# In 80 columns, and where nobody says how many there are.
for columns in 80 0; do
	if python3 - "$rung" "$scratch/mail" $columns <<'PY' 2>"$scratch/why"; then ok "training's line fits a terminal of $columns columns"; else fail "training's line fits a terminal of $columns columns" "$(cat "$scratch/why")"; fi
import fcntl, os, pty, re, struct, subprocess, sys, termios
ours, theirs = pty.openpty()
fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[3]), 0, 0))
child = subprocess.Popen([sys.argv[1], "tune", sys.argv[2], "--epochs", "3", "--rate", "1e-4", "--name", "shown" + sys.argv[3]],
                         stdout=subprocess.DEVNULL, stderr=theirs)
os.close(theirs)
said = b""
try:
    while piece := os.read(ours, 65536):
        said += piece
except OSError: # its end, on Linux
    pass
assert child.wait() == 0, said
lines = [line.rstrip() for line in said.decode().replace("\x1b[K", "").split("\r")]
steps = [line for line in lines if "loss" in line]
assert steps and max(map(len, lines)) < 80, lines
for line in steps:
    assert re.fullmatch(r"  loss \d+\.\d{3}, rate \d+e-\d\d, \d+ tok/s, \d+:\d\d left(: 3/encoder)? +\d+/9", line), line
PY
done
finish
