"""Reference predictions of any GGUF decoder: transformers' own reading of the file, in f32.

    decoders.py dump MODEL.gguf TEXTS COUNT LONGEST OUT.npz [ADAPTER.gguf]
    decoders.py compare MODEL.gguf OUT.npz PROGRAM [ADAPTER.gguf]

`dump` takes COUNT lines of TEXTS (a line's field "text" where it is JSON), spread over the file and cut at LONGEST
tokens, and stores for each position the KEPT most likely tokens with their log-probabilities, and that of the token
which follows. `compare` runs `PROGRAM dump MODEL IDS OUT` (tests/unit/llm_decoder.c) and prints agreement and both
perplexities of the texts; KL counts what is not kept as one outcome. RUNG_KERNELS chooses the kernel set.
With an adapter (adapter.py) the reference has its product in the weights, the program reads it beside them.
transformers needs the package accelerate to read GGUF. OUT.npz does not belong into the repository. The rows of
docs/models.md, for each file of models/smollm2*.gguf models/optional/*.gguf (DATA holds email_five):

    decoders.py dump FILE DATA/email_five/email_five.jsonl 50 48 OUT.npz
    RUNG_KERNELS=avx512 decoders.py compare FILE OUT.npz build/plain/tests/llm_decoder
    RUNG_KERNELS=avx512bf16 decoders.py compare FILE OUT.npz build/plain/tests/llm_decoder
"""

import json
import os
import subprocess
import sys
import tempfile

import adapter
import numpy as np
import torch
from gguf import GGUFReader
from transformers import AutoModelForCausalLM, AutoTokenizer

KEPT = 1024


def read_texts(path, count):
    lines = [line.strip() for line in open(path, encoding="utf-8") if line.strip()]
    lines = lines[:: max(1, len(lines) // count)][:count]
    return [json.loads(line)["text"] if line.startswith("{") else line for line in lines]


def load(path):
    folder, name = os.path.split(os.path.abspath(path))
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32).eval()
    own_head = any(t.name == "output.weight" for t in GGUFReader(path).tensors)
    tied = model.get_output_embeddings().weight is model.get_input_embeddings().weight
    if own_head == tied:
        sys.exit(f"{path}: the file {'has' if own_head else 'lacks'} its own head, transformers thinks otherwise")
    return tokenizer, model


def dump(path, texts, longest, out, lora):
    tokenizer, model = load(path)
    if lora:
        adapter.merge(model, GGUFReader(path), adapter.read_adapter(lora[0]))
    print(type(model).__name__, model.config)
    sequences, tops, values, following = [], [], [], []
    for text in texts:
        ids = tokenizer(text)["input_ids"][:longest]
        with torch.no_grad():
            p = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
        value, top = p.topk(KEPT)
        sequences.append(np.array(ids, np.int32))
        tops.append(top.numpy().astype(np.int32))
        values.append(value.numpy())
        following.append(next_log_p(p.numpy(), ids))
    np.savez(out, lengths=[len(s) for s in sequences], ids=np.concatenate(sequences), top=np.concatenate(tops),
             log_p=np.concatenate(values), next=np.concatenate(following))


def next_log_p(log_p, ids):
    """Log-probability of the token behind each position; NaN behind the last."""
    return np.append(log_p[np.arange(len(ids) - 1), ids[1:]], np.nan)


def perplexity(log_p):
    return np.exp(-np.nanmean(log_p))


def rest(log_p):
    """Log-probability of everything that is not listed."""
    return np.log(np.maximum(1 - np.exp(log_p).sum(axis=1), 1e-12))


def compare(path, reference, program, lora):
    r = np.load(reference)
    ends = np.cumsum(r["lengths"])
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/ids", "w") as f:
            for n, end in zip(r["lengths"], ends):
                print(*r["ids"][end - n:end], file=f)
        subprocess.run([program, "dump", path, folder + "/ids", folder + "/out", *lora], check=True)
        logits = np.memmap(folder + "/out", dtype=np.float32, mode="r").reshape(len(r["ids"]), -1)
        same, kl, own = [], [], []
        following = np.where(np.isnan(r["next"]), -1, np.append(r["ids"][1:], 0))
        for row, top, log_p, token in zip(logits, r["top"], r["log_p"], following):
            q = row.astype(np.float64)
            q -= q.max()
            q = (q - np.log(np.exp(q).sum()))
            here, left_p, left_q = q[top], rest(log_p[None])[0], rest(q[top][None])[0]
            same.append(q.argmax() == top[0])
            own.append(q[token] if token >= 0 else np.nan)
            kl.append((np.exp(log_p) * (log_p - here)).sum() + np.exp(left_p) * (left_p - left_q))
        del logits
    print(f"{os.path.basename(path)} {os.environ.get('RUNG_KERNELS', 'default')}: positions {len(kl)}, same top-1 "
          f"{np.mean(same):.5f}, mean KL {np.mean(kl):.3g}, largest KL {np.max(kl):.3g}, perplexity {perplexity(own):.5f}, "
          f"reference {perplexity(r['next']):.5f}, apart {perplexity(own) / perplexity(r['next']) - 1:+.5%}")


def main():
    mode, path = sys.argv[1], sys.argv[2]
    if mode == "dump":
        dump(path, read_texts(sys.argv[3], int(sys.argv[4])), int(sys.argv[5]), sys.argv[6], sys.argv[7:])
    else:
        compare(path, sys.argv[3], sys.argv[4], sys.argv[5:])


if __name__ == "__main__":
    main()
