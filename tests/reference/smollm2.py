"""Reference logits of a GGUF llama model: transformers' LlamaForCausalLM in f32 over the dequantised weights.

    smollm2.py golden MODEL.gguf > golden/smollm2.txt
    smollm2.py compare MODEL.gguf PROGRAM TEXTS POSITIONS

`golden` writes what tests/unit/llm_decoder.c reads. `compare` runs `PROGRAM dump MODEL IDS OUT` (the same test program)
on lines of the file TEXTS until POSITIONS tokens are reached, and prints agreement over the full vocabulary.

Format: "text <n> <ids>", then one line for each position: logsumexp, then TOP pairs id:logit, largest first."""

import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

TOP = 32

TEXTS = [
    "The committee met on Tuesday to discuss the new library opening hours.",
    "for (int i = 0; i < n; i++) sum += values[i] * weights[i];",
    "Quels sont les horaires du musée le dimanche ?",
    "Order #48213 was shipped twice; please refund the second parcel (19.90 EUR).",
    "Why is the sky blue? Because shorter wavelengths scatter more strongly.",
    "die Straße zum Bahnhof ist wegen Bauarbeiten gesperrt",
    "{\"label\": \"refund\", \"confidence\": 0.82}",
    "Once upon a time there was a miller who owned three cats and one very old boat.",
    "2 + 3 * 7 = 23, and 10 / 4 = 2.5.",
    "<|im_start|>system\nYou sort messages.<|im_end|>\n<|im_start|>user\nMy card was swallowed by the machine."
    "<|im_end|>\n<|im_start|>assistant\n",
    "日本語のテキストも少し入れておきます。",
    "Dear team, the invoice attached to this message is overdue since March. Kind regards, Ana",
]


def load(path):
    folder, name = os.path.split(os.path.abspath(path))
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    return model.eval()


def logits_of(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].double().numpy()


def print_golden(model, sequences, out, top=TOP):
    for ids in sequences:
        print("text", len(ids), *ids, file=out)
        for row in logits_of(model, ids):
            order = np.argsort(-row, kind="stable")[:top]
            lse = row.max() + np.log(np.exp(row - row.max()).sum())
            print(f"{lse:.5f}", *(f"{i}:{row[i]:.4f}" for i in order), file=out)


def log_softmax(x):
    x = x - x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def compare(model, tokenizer, path, program, texts, positions):
    seen = same = 0
    kl, worst = [], 0.0
    for line in open(texts, encoding="utf-8"):
        ids = tokenizer(line.strip(), add_special_tokens=False)["input_ids"][:512]
        if len(ids) < 2:
            continue
        with tempfile.TemporaryDirectory() as folder:
            with open(folder + "/ids", "w") as f:
                print(*ids, file=f)
            subprocess.run([program, "dump", path, folder + "/ids", folder + "/out"], check=True)
            got = np.fromfile(folder + "/out", dtype=np.float32).reshape(len(ids), -1).astype(np.float64)
        want = logits_of(model, ids)
        p, q = log_softmax(want), log_softmax(got)
        kl.extend((np.exp(p) * (p - q)).sum(axis=1))
        worst = max(worst, np.abs(want - got).max())
        same += int((want.argmax(axis=1) == got.argmax(axis=1)).sum())
        seen += len(ids)
        if seen >= positions:
            break
    print(f"positions {seen}, same top-1 {same / seen:.5f}, mean KL {np.mean(kl):.3g}, largest KL {np.max(kl):.3g}, "
          f"largest logit difference {worst:.3g}")


def main():
    mode, path = sys.argv[1], sys.argv[2]
    folder, name = os.path.split(os.path.abspath(path))
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    model = load(path)
    if mode == "golden":
        print_golden(model, [tokenizer(t, add_special_tokens=False)["input_ids"] for t in TEXTS], sys.stdout)
    else:
        compare(model, tokenizer, path, sys.argv[3], sys.argv[4], int(sys.argv[5]))


if __name__ == "__main__":
    main()
