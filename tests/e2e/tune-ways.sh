#!/bin/sh
# tune-ways.sh - the ways of training that tune.sh does not take, on tiny models: several seeds, an encoder by LoRA pairs, classes that weigh
# alike, and what a terminal shows meanwhile.
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
