#!/usr/bin/env python3
"""train.py - training beside PyTorch, transformers and PEFT, taking turns in one run: `make bench-train`.

    bench/train.py TRAIN [PART OF A NAME]

One line a figure: name <TAB> rung <TAB> peer <TAB> ratio <TAB> target <TAB> ok | short | absent; the unit is in the name, the ratio
is better when larger, two threads each. docs/benchmarks.md says what each line means. RUNG_MODELS: folder of models (default
models); RUNG_DATA: default ../shared/data; TRAIN_PEERS: the peer's environment (default build/train-peers); BENCH_TURNS: turns of a
side, of which the best counts (default 2); BENCH_EPOCHS=6 adds the accuracy line, which takes half an hour (an hour without products in bf16).

The peer runs in f32 and, where the processor has bf16 products, in bf16; the faster of both is what rung is compared with."""
import csv
import json
import os
import subprocess
import sys

MODELS = os.environ.get("RUNG_MODELS", "models")
DATA = os.environ.get("RUNG_DATA", "../shared/data")
PYTHON = os.environ.get("TRAIN_PEERS", "build/train-peers") + "/bin/python"
WORK = "build/bench-train"
TURNS = int(os.environ.get("BENCH_TURNS", 2))
# Of the matrix products alone: 6 for each weight that moves, 4 for each that does not, its head for every second token.
MINILM_FLOPS = 6 * 6 * (4 * 384 * 384 + 2 * 384 * 1536)
SMOLLM2_FLOPS = 4 * 30 * (576 * 960 + 576 * 576 + 3 * 576 * 1536) + 4 * 49152 * 576 / 2
SMOLLM2 = MODELS + "/smollm2-135m-instruct.Q4_1.gguf"
MINILM = MODELS + "/all-MiniLM-L6-v2"


def has_bf16():
    with open("/proc/cpuinfo") as f:
        return "avx512_bf16" in f.read()


def run(command):
    """The JSON lines that a command prints, by event; None when it is not there or fails."""
    try:
        done = subprocess.run([str(x) for x in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    events = {}
    for line in done.stdout.splitlines():
        row = json.loads(line)
        events.setdefault(row.pop("event"), []).append(row)
    return events


def best(turns, key="tokens_per_second"):
    rates = [t["end"][-1][key] for t in turns if t]
    return max(rates) if rates else None


def say(name, rung, peer, target):
    ratio = rung / peer if rung and peer else None
    verdict = "absent" if ratio is None else "ok" if target is None or ratio >= target else "short"
    show = lambda x, form: form % x if x is not None else "-"
    print(name, show(rung, "%.4g"), show(peer, "%.4g"), show(ratio, "%.2f"), show(target, "%g"), verdict, sep="\t", flush=True)


def at_most(name, value, limit):
    print(name, "-" if value is None else "%.0f" % value, "%g" % limit, "-" if not value else "%.2f" % (limit / value), "1",
          "absent" if not value else "ok" if value <= limit else "short", sep="\t", flush=True)


def peak():
    """Multiply-adds of the fastest loop of the kernel set in registers, in FLOP/s (bench/peak.h); None without bench/engine."""
    try:
        done = subprocess.run([os.path.dirname(engine) + "/engine", "-t", "2", "peak"], stdout=subprocess.PIPE, text=True, check=True)
        return float(done.stdout.split()[1]) * 1e9
    except (OSError, subprocess.CalledProcessError, IndexError, ValueError):
        return None


def share(name, rate, flops_per_token):
    most = peak()
    value = rate * flops_per_token / most if rate and most else None
    print(name, "-" if value is None else "%.2f" % value, "1", "-" if value is None else "%.2f" % value, "0.5",
          "absent" if value is None else "ok" if value >= 0.5 else "short", sep="\t", flush=True)


def turns(ours, theirs):
    """Alternately: rung, the peer in each of its types. Returns rung's runs, and the peer's of its faster type."""
    dtypes = ["f32", "bf16"] if has_bf16() else ["f32"]
    mine, others = [], {d: [] for d in dtypes}
    for _ in range(TURNS):
        mine.append(run([engine, *ours]))
        for d in dtypes:
            others[d].append(run([PYTHON, "bench/train_peers.py", *theirs, "--dtype", d]))
    return mine, max(others.values(), key=lambda t: best(t) or 0)


def banking():
    """The two splits as JSONL; None when the data is not there."""
    os.makedirs(WORK, exist_ok=True)
    files = []
    for split in ("train", "test"):
        source, target = f"{DATA}/banking77/{split}.csv", f"{WORK}/banking_{split}.jsonl"
        if not os.path.exists(source):
            return None
        with open(source, encoding="utf-8", newline="") as f, open(target, "w", encoding="utf-8") as out:
            for row in csv.DictReader(f):
                out.write(json.dumps({"text": row["text"], "label": row["category"]}) + "\n")
        files.append(target)
    return files


def encoder_lines(files):
    steps = 100
    batches, head = f"{WORK}/order.json", f"{WORK}/head.f32"
    ours = ["encoder", MINILM, files[0], "--steps", steps, "--order", batches, "--head", head]
    theirs = ["encoder", "--model", MINILM, "--data", files[0], "--batch", 32, "--steps", steps, "--order", batches, "--head", head]
    mine, peer = turns(ours, theirs)
    say("train MiniLM, banking77, batch 32, tokens/s", best(mine), best(peer), 1.5)
    exact = run([engine, *ours, "--exact"])
    other = run([PYTHON, "bench/train_peers.py", *theirs, "--dtype", "f32"])
    if exact and other:
        a, b = exact["losses"][0]["losses"], [s["loss"] for s in other["step"]]
        worst = max(abs(x - y) / y for x, y in zip(a[:50], b[:50]))
        print("train MiniLM, first 50 losses in f32, largest relative difference", "%.2g" % worst, "0.01", "-", "1",
              "ok" if worst <= 0.01 else "short", sep="\t", flush=True)
    ours = ["encoder", MINILM, files[0], "--steps", 20, "--equal", 128]
    theirs = ["encoder", "--model", MINILM, "--data", files[0], "--batch", 32, "--steps", 20, "--equal", 128]
    mine, peer = turns(ours, theirs)
    say("train MiniLM, 32 texts of 128 tokens, tokens/s", best(mine), best(peer), 1.3)
    share("train MiniLM, 32 texts of 128 tokens, share of the peak", best(mine), MINILM_FLOPS)
    memory = best(mine, "peak_rss_mb")
    at_most("train MiniLM, 4096 tokens a step, peak MB", memory and memory * 1.048576, 1200)


def lora_lines():
    ours = ["lora", SMOLLM2, "--rank", 16, "--batch", 8, "--tokens", 128, "--steps", 5]
    theirs = ["lora", "--gguf", SMOLLM2, "--rank", 16, "--batch", 8, "--tokens", 128, "--steps", 8]
    mine, peer = turns(ours, theirs)
    say("train SmolLM2 LoRA r=16, 8 texts of 128 tokens, tokens/s", best(mine), best(peer), 2)
    share("train SmolLM2 LoRA, share of the peak", best(mine), SMOLLM2_FLOPS)
    memory = best(mine, "peak_rss_mb")
    at_most("train SmolLM2 LoRA, 1024 tokens a step, peak MB", memory and memory * 1.048576, 1000)


def accuracy_lines(files):
    epochs = os.environ["BENCH_EPOCHS"]
    scores = []
    for seed in (1, 2, 3):
        done = run([engine, "encoder", MINILM, *files, "--epochs", epochs, "--seed", seed, "--head-rate", 10])
        if done:
            scores.append(done["accuracy"][0]["accuracy"][-1])
    mean = sum(scores) / len(scores) if scores else None
    say("train MiniLM, banking77 accuracy on test, mean of 3 seeds", mean, 0.932, 1)


def main():
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    files = banking()
    if files and only in "encoder":
        encoder_lines(files)
    if only in "lora":
        lora_lines()
    if files and "BENCH_EPOCHS" in os.environ and only in "accuracy":
        accuracy_lines(files)


if __name__ == "__main__":
    engine = sys.argv[1]
    main()
