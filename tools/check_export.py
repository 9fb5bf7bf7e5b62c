"""What check-export.sh needs between rung and the programs that load its exports.

    check_export.py ids BASE.gguf EXAMPLES OUT     one sequence of token ids a line: notes and lines of examples/house-style
    check_export.py f32 BASE.gguf OUT.gguf         the same model with its matrices read to f32
    check_export.py tops IDS LOGITS OUT            the most probable token behind each position
    check_export.py merged FOLDER IDS TOPS              transformers' own of the merged weights; exit status 1 below .99
    check_export.py texts EXAMPLES OUT             one text a line, of examples/email
    check_export.py numbers TEXTS VECTORS OUT      one line of numbers for each text
"""
import json
import os
import sys

import numpy as np

SEQUENCES, LONGEST, SHARE = 24, 96, 0.99


def rows(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def read_ids(path):
    with open(path, encoding="utf-8") as f:
        return [[int(x) for x in line.split()] for line in f]


def ids(base, examples, out):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(os.path.dirname(os.path.abspath(base)), gguf_file=os.path.basename(base))
    with open(out, "w", encoding="utf-8") as f:
        for row in rows(examples)[:SEQUENCES]:
            print(*tokenizer(row["note"] + "\n" + row["line"])["input_ids"][:LONGEST], file=f)


def f32(base, out):
    sys.path.insert(0, "bench")
    from peers_files import convert

    convert(base, out, "F32")


def tops(id_file, logits, out):
    sequences = read_ids(id_file)
    n = sum(map(len, sequences))
    best = np.memmap(logits, dtype=np.float32, mode="r").reshape(n, -1).argmax(1)
    with open(out, "w", encoding="utf-8") as f:
        for part in np.split(best, np.cumsum([len(s) for s in sequences])[:-1]):
            print(*part, file=f)


def merged(folder, id_file, top_file):
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        got = np.concatenate([model(torch.tensor([s])).logits[0].argmax(-1).numpy() for s in read_ids(id_file)])
    share = float(np.mean(got == np.concatenate(read_ids(top_file))))
    print(f"positions {len(got)}, same top-1 {share:.5f}")
    return share >= SHARE


def texts(examples, out):
    with open(out, "w", encoding="utf-8") as f:
        for row in rows(examples)[:SEQUENCES]:
            print(" ".join((row["subject"] + " " + row["text"]).split()), file=f)


def numbers(text_file, vectors, out):
    with open(text_file, encoding="utf-8") as f:
        n = len(f.readlines())
    np.savetxt(out, np.fromfile(vectors, dtype=np.float32).reshape(n, -1), fmt="%.9g")


if __name__ == "__main__":
    modes = {m.__name__: m for m in (ids, f32, tops, merged, texts, numbers)}
    sys.exit(0 if modes[sys.argv[1]](*sys.argv[2:]) in (None, True) else 1)
