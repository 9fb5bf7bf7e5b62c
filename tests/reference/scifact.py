"""What rounding costs a search: nDCG@10 of SciFact by the vectors of each kernel set.

    scifact.py FOLDER DATA PROGRAM [KERNELS ...]

FOLDER is the encoder, DATA holds scifact (5,183 abstracts, 300 claims of the dev part; a claim's documents are those it
cites, as in BEIR, Thakur et al. 2021, arXiv 2104.08663), PROGRAM is tests/unit/llm_encoder.c, which can dump vectors.
KERNELS are names for RUNG_KERNELS (avx512 avx512bf16 without); the first is what the others are compared with. The ten
nearest are exact, by cosine of the vectors as they are. Needs numpy. On two cores a set takes some minutes:

    scifact.py models/all-MiniLM-L6-v2 DATA build/plain/tests/llm_encoder avx512 avx512bf16

Published for all-MiniLM-L6-v2: .645."""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np

NEAREST = 10
CORPUS = ["corpus_cited.jsonl", "corpus_rest_1.jsonl", "corpus_rest_2.jsonl"]


def read(folder, *names):
    return [json.loads(line) for name in names for line in open(f"{folder}/{name}", encoding="utf-8")]


def embed(encoder, program, kernels, texts):
    with tempfile.TemporaryDirectory() as work:
        with open(work + "/texts", "w", encoding="utf-8") as f:
            f.writelines(" ".join(text.split()) + "\n" for text in texts)
        subprocess.run([program, "dump", encoder, work + "/texts", work + "/out"], check=True,
                       env={**os.environ, "RUNG_KERNELS": kernels})
        return np.fromfile(work + "/out", dtype=np.float32).reshape(len(texts), -1).astype(np.float64)


def gain(found, relevant):
    """nDCG with gains of 0 and 1 (Jaervelin and Kekaelaeinen 2002)."""
    discounts = 1 / np.log2(np.arange(2, NEAREST + 2))
    return discounts[[i for i, d in enumerate(found) if d in relevant]].sum() / discounts[: len(relevant)].sum()


def score(vectors, n_documents, ids, claims):
    """nDCG of each claim, and the ids of its ten nearest."""
    cosines = vectors[n_documents:] @ vectors[:n_documents].T
    nearest = [[ids[i] for i in np.argsort(-row, kind="stable")[:NEAREST]] for row in cosines]
    return np.array([gain(found, set(c["cited_doc_ids"])) for found, c in zip(nearest, claims)]), nearest


def main():
    encoder, data, program = sys.argv[1:4]
    sets = sys.argv[4:] or ["avx512", "avx512bf16"]
    documents = read(data + "/scifact", *CORPUS)
    claims = [c for c in read(data + "/scifact", "claims.jsonl") if c["split"] == "dev"]
    texts = [d["title"] + " " + " ".join(d["abstract"]) for d in documents] + [c["claim"] for c in claims]
    ids = [d["doc_id"] for d in documents]
    print(f"{len(documents)} documents, {len(claims)} claims")
    first = first_vectors = first_nearest = None
    for kernels in sets:
        vectors = embed(encoder, program, kernels, texts)
        gains, nearest = score(vectors, len(documents), ids, claims)
        if first is None:
            first, first_vectors, first_nearest = gains, vectors, nearest
        cosines = (vectors * first_vectors).sum(axis=1)
        same = np.mean([len(set(a) & set(b)) / NEAREST for a, b in zip(nearest, first_nearest)])
        print(f"{kernels}: nDCG@10 {gains.mean():.5f}, against {sets[0]} {gains.mean() - first.mean():+.5f}; least cosine "
              f"{cosines.min():.6f}, mean {cosines.mean():.6f}; nearest ten in common {same:.4f}", flush=True)


if __name__ == "__main__":
    main()
