#!/bin/sh
# check-handoff.sh RUNG - what `rung tune export --for trl|axolotl` writes for two examples, read by the trainers' own parsers.
#
# TRL and axolotl go into build/handoff without what they depend on, but for a few small packages. torch, transformers, peft and
# accelerate, without which neither can be imported, are those of the environment TRAIN_PEERS (bench/train_peers.txt).
set -eu
rung=$1
peers=${TRAIN_PEERS:-build/train-peers}
packages=$PWD/build/handoff
if [ ! -x "$peers/bin/python" ]; then
	echo "check-handoff: there is no $peers/bin/python; make it with \`python3 -m venv $peers && $peers/bin/pip install -r bench/train_peers.txt\`, or name an environment that has torch and transformers in TRAIN_PEERS" >&2
	exit 1
fi
if [ ! -e "$packages/complete" ]; then
	rm -rf "$packages"
	"$peers/bin/python" -m pip install --disable-pip-version-check --quiet --no-deps --target "$packages" -r tools/handoff.txt
	touch "$packages/complete"
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for example in house-style email; do
	for trainer in trl axolotl; do
		"$rung" tune export "examples/$example" --for $trainer --base "it's/a \"base\": #1" -o "$scratch/$example-$trainer" >/dev/null
	done
done
export HF_HOME="$scratch/cache" HF_HUB_OFFLINE=1 HF_DATASETS_DISABLE_PROGRESS_BARS=1 PYTHONWARNINGS=ignore AXOLOTL_DO_NOT_TRACK=1 PYTHONPATH="$packages"
"$peers/bin/python" tools/check_handoff.py "$scratch"/*-trl "$scratch"/*-axolotl
