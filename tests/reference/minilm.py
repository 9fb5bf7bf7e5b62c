"""Reference vectors of a BERT sentence encoder: transformers' BertModel in f32, mean pooling over all tokens or the row
of [CLS] (1_Pooling/config.json), unit length, as sentence-transformers does for all-MiniLM-L6-v2 (texts cut at 256
tokens) and BGE.

    minilm.py golden FOLDER > golden/minilm.txt
    minilm.py compare FOLDER PROGRAM TEXTS LINES

`compare` runs `PROGRAM dump FOLDER TEXTS OUT` (tests/unit/llm_encoder.c) on the first LINES lines of the file TEXTS.
Format: a line with the text, then a line with its vector."""

import itertools
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
from transformers import BertModel, BertTokenizerFast

TEXTS = [
    "The committee met on Tuesday to discuss the new library opening hours.",
    "hi",
    "Quels sont les horaires du musée le dimanche ?",
    "Order #48213 was shipped twice; please refund the second parcel (19.90 EUR).",
    "for (int i = 0; i < n; i++) sum += values[i] * weights[i];",
    "die Straße zum Bahnhof ist wegen Bauarbeiten gesperrt",
    "WHY IS MY CARD STILL NOT WORKING???",
    "Once upon a time there was a miller who owned three cats and one very old boat.",
    "naïve café, coöperate, Ångström, İstanbul",
    "日本語のテキストも少し入れておきます。",
    "antidisestablishmentarianism and pneumonoultramicroscopicsilicovolcanoconiosis",
    "The cat sat near the warm stove and dreamt of fish. " * 30,
]


def load(folder):
    return BertTokenizerFast.from_pretrained(folder), BertModel.from_pretrained(folder, dtype=torch.float32).eval()


def takes_cls(folder):
    path = folder + "/1_Pooling/config.json"
    return os.path.exists(path) and json.load(open(path))["pooling_mode_cls_token"]


def embed(tokenizer, model, text, limit, cls=False):
    inputs = tokenizer(text, truncation=True, max_length=limit, return_tensors="pt")
    with torch.no_grad():
        rows = model(**inputs).last_hidden_state[0].double()
    v = rows[0] if cls else rows.mean(dim=0)
    return (v / v.norm()).numpy()


def print_golden(folder, texts, limit, out):
    tokenizer, model = load(folder)
    for text in texts:
        print(text.strip(), file=out)
        print(*(f"{x:.7f}" for x in embed(tokenizer, model, text.strip(), limit, takes_cls(folder))), file=out)


def compare(folder, program, path, lines):
    tokenizer, model = load(folder)
    texts = [line.rstrip("\n") for line in itertools.islice(open(path, encoding="utf-8"), lines)]
    with tempfile.TemporaryDirectory() as work:
        with open(work + "/texts", "w", encoding="utf-8") as f:
            f.writelines(t + "\n" for t in texts)
        subprocess.run([program, "dump", folder, work + "/texts", work + "/out"], check=True)
        got = np.fromfile(work + "/out", dtype=np.float32).reshape(len(texts), -1)
    cosines = [float(np.dot(embed(tokenizer, model, t, 256, takes_cls(folder)), v)) for t, v in zip(texts, got)]
    print(f"texts {len(texts)}, least cosine {min(cosines):.7f}, mean {np.mean(cosines):.7f}")


if __name__ == "__main__":
    if sys.argv[1] == "golden":
        print_golden(sys.argv[2], TEXTS, 256, sys.stdout)
    else:
        compare(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
