#!/bin/sh
# check-export.sh RUNG DUMPS - what `rung tune export` writes, loaded by PEFT, transformers and llama.cpp: they must predict what rung
# predicts.
#
# A small adapter of examples/house-style and an encoder of examples/email are trained for it (minutes). DUMPS: the folder of
# llm_decoder and llm_encoder, which write what rung computes. PEFT and transformers are those of the environment TRAIN_PEERS
# (bench/train_peers.txt), llama.cpp that of BENCH_PEERS (`make bench-peers`); one without the other is checked alone.
set -eu
rung=$1
dumps=$2
peers=${TRAIN_PEERS:-build/train-peers}/bin/python
llama=${BENCH_PEERS:-build/peers}/bin/python
models=${RUNG_MODELS:-models}
base=$models/smollm2-135m-instruct.Q4_1.gguf
reference=tests/reference
if ! "$peers" -c 'import torch, transformers, peft, gguf' 2>/dev/null; then
	echo "check-export: $peers is not there or lacks a package; make it as tools/check-handoff.sh says, or name an environment that has torch, transformers, peft and gguf in TRAIN_PEERS" >&2
	exit 1
fi
export HF_HUB_OFFLINE=1 HF_HUB_DISABLE_PROGRESS_BARS=1 TRANSFORMERS_VERBOSITY=error TQDM_DISABLE=1 PYTHONWARNINGS=ignore
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp -r examples/house-style examples/email "$scratch"
rm -rf "$scratch"/*/.rung

"$rung" tune "$scratch/house-style" --method lora --epochs 2 --most-tokens 8000 --quiet
"$rung" tune export "$scratch/house-style" house-style:v1 --as gguf -o "$scratch/adapter.gguf" >/dev/null
"$rung" tune export "$scratch/house-style" house-style:v1 --as peft -o "$scratch/peft" >/dev/null
"$rung" tune export "$scratch/house-style" house-style:v1 --as merged -o "$scratch/merged" >/dev/null
"$peers" tools/check_export.py ids "$base" "$scratch/house-style/changes.jsonl" "$scratch/ids"
"$peers" tools/check_export.py f32 "$base" "$scratch/f32.gguf"
"$dumps/llm_decoder" dump "$scratch/f32.gguf" "$scratch/ids" "$scratch/logits" "$scratch/adapter.gguf"
"$peers" tools/check_export.py tops "$scratch/ids" "$scratch/logits" "$scratch/tops"
echo "PEFT: the adapter's folder over the base"
"$peers" $reference/training_check.py peft "$scratch/peft" "$base" "$scratch/adapter.gguf" --ids "$scratch/ids" --expect "$scratch/tops"
echo "transformers: the merged weights, in f16"
"$peers" tools/check_export.py merged "$scratch/merged" "$scratch/ids" "$scratch/tops"
if "$llama" -c 'import llama_cpp' 2>/dev/null; then
	echo "llama.cpp: the adapter over the base in f32 (over quantised weights it rounds its activations to 8 bits)"
	"$llama" $reference/training_check.py llama "$scratch/f32.gguf" "$scratch/adapter.gguf" --ids "$scratch/ids" --expect "$scratch/tops"
else
	echo "check-export: $llama has no llama.cpp; make bench-peers, or name its environment in BENCH_PEERS" >&2
	missing=yes
fi

"$rung" tune "$scratch/email" --method encoder --epochs 1 --most-tokens 20000 --quiet
"$rung" tune export "$scratch/email" email:v1 --as encoder -o "$scratch/encoder" >/dev/null
"$peers" tools/check_export.py texts "$scratch/email/emails.jsonl" "$scratch/texts"
"$dumps/llm_encoder" dump "$scratch/encoder" "$scratch/texts" "$scratch/vectors"
"$peers" tools/check_export.py numbers "$scratch/texts" "$scratch/vectors" "$scratch/numbers"
echo "transformers: the encoder's folder"
"$peers" $reference/training_check.py encoder "$scratch/encoder" --texts "$scratch/texts" --expect "$scratch/numbers" --limit 256
[ -z "${missing-}" ]
