#!/usr/bin/env python3
"""library.py - what the library of documents finds and what it costs, on public data: the second half of `make bench-retrieve`.

    bench/library.py LIBRARY [PART OF A GROUP'S NAME]

One line a figure: name <TAB> rung <TAB> peer <TAB> ratio <TAB> target <TAB> ok | short | absent. The peer is the published or
required number (for int8: exact search with f32 vectors in the same run; for adding: embedding alone). The ratio is better
when larger. Lines with "#" are remarks. Groups: scifact, rationales, code_rag, anthropic_docs_rag, million, codiesp. Settings from the
environment: RUNG_DATA (default ../shared/data), RUNG_MODELS (default models), BENCH_TURNS (of timed figures, default 1).
"""
import csv
import glob
import json
import math
import os
import re
import shutil
import subprocess
import sys

DATA = os.environ.get("RUNG_DATA", "../shared/data")
MODELS = os.environ.get("RUNG_MODELS", "models")
TURNS = int(os.environ.get("BENCH_TURNS", 1))
FOLDER = "build/bench-library"
WHOLE, DEFAULT = "512,0,0,0", "200,40,1,0"  # size, overlap, headers, trigram
MODES = ("words", "vectors", "fused")

program = None


def row(name, rung, peer, target, ratio=None):
    """ratio: rung / peer unless given."""
    if rung is None:
        print(name, "-", "-", "-", f"{target:.3f}", "absent", sep="\t", flush=True)
        return
    ratio = rung / peer if ratio is None else ratio
    state = "ok" if ratio >= target else "short"
    print(name, f"{rung:.4g}", f"{peer:.4g}", f"{ratio:.3f}", f"{target:.3f}", state, sep="\t", flush=True)


def remark(text):
    print("#", text, flush=True)


def run(cut, *arguments, queries=None):
    given = "".join(q.replace("\n", " ") + "\n" for q in queries or [])
    command = [program, "-m", MODELS, "-c", cut, *map(str, arguments)]
    return subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=True).stdout


def numbers(text):
    return [float(x) for x in text.split()]


def lines(path):
    with open(f"{DATA}/{path}", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def table(name, rows):
    path = f"{FOLDER}/{name}.jsonl"
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)
    return path


def store(name, cut):
    path = f"{FOLDER}/{name}-{cut.replace(',', '-')}.db"
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(path + suffix):
            os.remove(path + suffix)
    return path


def timed(text):
    """Rankings, of ids of rows (behind the name of their table), and the time in the last line."""
    *lines_of_names, last = text.rstrip("\n").split("\n")
    return [[n.split("#", 1)[1] for n in line.split("\t") if n] for line in lines_of_names], float(last.removeprefix("# "))


def search(cut, path, mode, k, queries):
    return timed(run(cut, "search", path, mode, k, queries=queries))


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def ndcg(ranking, gold, k=10):
    best = sum(1 / math.log2(i + 2) for i in range(min(k, len(gold))))
    return sum(1 / math.log2(i + 2) for i, x in enumerate(ranking[:k]) if x in gold) / best


def recall(ranking, gold, k):
    return len(gold.intersection(ranking[:k])) / len(gold)


# --- the figures ----------------------------------------------------------------------------------------------------


def scifact():
    """BEIR's task: the 300 dev claims, relevant are the abstracts that a claim cites (also without a rationale)."""
    names = ("corpus_cited", "corpus_rest_1", "corpus_rest_2")
    corpus = [c for n in names for c in lines(f"scifact/{n}.jsonl")]
    path = table("scifact", [{"id": c["doc_id"], "title": c["title"], "abstract": " ".join(c["abstract"])} for c in corpus])
    claims = [c for c in lines("scifact/claims.jsonl") if c["split"] == "dev"]
    queries, gold = [c["claim"] for c in claims], [{str(x) for x in c["cited_doc_ids"]} for c in claims]
    adding, embedding = [], []
    for _ in range(TURNS):
        db = store("scifact", WHOLE)
        adding.append(numbers(run(WHOLE, "add", db, path, "id", "title", "abstract"))[0])
        ranking, seconds = timed(run(WHOLE, "exact", db, 100, queries=queries))
        embedding.append(seconds)
    found, ms = zip(*(search(WHOLE, db, mode, 150, queries) for mode in MODES))
    score = [mean(map(ndcg, r, gold)) for r in found]
    exact = mean(map(ndcg, ranking, gold))
    row("scifact, words (FTS5), nDCG@10", score[0], 0.675, 1)
    row("scifact, words (FTS5), recall@100", mean(recall(r, g, 100) for r, g in zip(found[0], gold)), 0.92, 1)
    row("scifact, f32 vectors, exact, nDCG@10", exact, 0.645, 0.635 / 0.645, min(exact / 0.645, 0.645 / exact))
    row("scifact, int8 vectors against f32, nDCG@10", score[1], exact, 1 - 0.005 / exact)
    row("scifact, fused by RRF, nDCG@10", score[2], 0.705, 1)
    row("scifact, adding 5,183 abstracts against embedding alone, s", min(adding), min(embedding), 1 / 1.2, min(embedding) / min(adding))
    remark("scifact, ms a query, embedding included: " + ", ".join(f"{m} {t:.1f}" for m, t in zip(MODES, ms)))


def rationales():
    """scifact: of the sentences that bear out or refute a claim, the share among the three of the abstract that rank first."""
    corpus = {c["doc_id"]: c["abstract"] for n in ("corpus_cited", "corpus_rest_1", "corpus_rest_2") for c in lines(f"scifact/{n}.jsonl")}
    asked, gold = [], []
    for claim in lines("scifact/claims.jsonl"):
        for document in dict.fromkeys(e["doc_id"] for e in claim["evidence"] if claim["split"] == "dev"):
            asked.append("\t".join(" ".join(text.split()) for text in [claim["claim"]] + corpus[document]))
            gold.append({s for e in claim["evidence"] if e["doc_id"] == document for s in e["sentences"]})
    given = "".join(line + "\n" for line in asked)
    score = {}
    for mode in MODES:
        command = [program, "-m", MODELS, "sentences", mode]
        found = subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        score[mode] = mean(recall([int(x) for x in line.split("\t")], g, 3) for line, g in zip(found, gold))
    row("scifact, rationale sentences of the gold abstract, fused, recall@3, above a lexical baseline's", score["fused"], 0.58, 1.0001)
    remark(f"scifact, {len(gold)} abstracts, recall@3 of rationale sentences: " + ", ".join(f"{m} {x:.4f}" for m, x in score.items()))


def code_rag():
    """Pass@k: share of a question's golden chunks within the first k."""
    with open(f"{DATA}/code_rag/codebase_chunks.json", encoding="utf-8") as file:
        documents = json.load(file)
    chunks = [{"id": f"{d['original_uuid']}/{c['original_index']}", "content": c["content"]} for d in documents for c in d["chunks"]]
    path, questions = table("code_rag", chunks), lines("code_rag/evaluation_set.jsonl")
    queries, gold = [q["query"] for q in questions], [{f"{a}/{b}" for a, b in q["golden_chunk_uuids"]} for q in questions]
    for name, cut, bound in (("porter", "4000,0,0,0", 74), ("trigram", "4000,0,0,1", 77)):
        db = store("code_rag", cut)
        run(cut, "add", db, path, "id", "content")
        score = [100 * mean(recall(r, g, 10) for r, g in zip(search(cut, db, m, 100, queries)[0], gold)) for m in MODES]
        row(f"code_rag, words ({name}), Pass@10", score[0], bound, 1)
        remark(f"code_rag ({name}), Pass@10: vectors {score[1]:.2f}, fused {score[2]:.2f}")


def anthropic_docs_rag():
    with open(f"{DATA}/anthropic_docs_rag/anthropic_docs.json", encoding="utf-8") as file:
        documents = json.load(file)
    with open(f"{DATA}/anthropic_docs_rag/docs_evaluation_dataset.json", encoding="utf-8") as file:
        questions = json.load(file)
    path = table("anthropic_docs_rag", [{"id": d["chunk_link"], "text": d["text"]} for d in documents])
    queries, gold = [q["question"] for q in questions], [set(q["correct_chunks"]) for q in questions]
    db = store("anthropic_docs_rag", DEFAULT)
    run(DEFAULT, "add", db, path, "id", "text")
    score = [mean(recall(r, g, 5) for r, g in zip(search(DEFAULT, db, m, 100, queries)[0], gold)) for m in MODES]
    row("anthropic_docs_rag, fused, recall@5, above BM25's", score[2], 0.652, 1.0001)
    remark("anthropic_docs_rag, recall@5: " + ", ".join(f"{m} {x:.4f}" for m, x in zip(MODES, score)))


def codes_table():
    path = f"{FOLDER}/codes.tsv"
    with open(path, "w", encoding="utf-8") as out:
        out.write("code\tbillable\tdescription\n")
        for name in sorted(glob.glob(f"{DATA}/icd10cm/icd10cm_2021_*.tsv")):
            with open(name, encoding="utf-8") as file:
                out.writelines(list(file)[1:])
    return path


def codes_store():
    """The ICD-10-CM codes, added once a run."""
    path = f"{FOLDER}/codes-{DEFAULT.replace(',', '-')}.db"
    if not codes_store.seconds:
        codes_store.seconds = numbers(run(DEFAULT, "add", store("codes", DEFAULT), codes_table(), "code", "code", "description"))
    return path


codes_store.seconds = None


def million():
    db = codes_store()
    seconds, added, _ = codes_store.seconds
    remark(f"ICD-10-CM: {added:.0f} rows added in {seconds:.1f} s")
    copy = f"{FOLDER}/million.db"
    shutil.copyfile(db, copy)
    run(DEFAULT, "grow", copy, 1000000)
    opened = min(numbers(run(DEFAULT, "open", copy))[0] for _ in range(TURNS + 1))
    row("1M vectors, from opening to the first answer, s", opened, 5, 1, 5 / opened)
    os.remove(copy)


def codiesp():
    """Codes of a note, by the whole note as a query and by its sentences, whose rankings are summed (1 / (60 + rank))."""
    db = codes_store()
    with open(f"{FOLDER}/codes.tsv", newline="", encoding="utf-8") as file:
        known = {r["code"] for r in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
    notes = [(n["text"], known.intersection(n["codes"])) for n in lines("codiesp/codiesp_test_en.jsonl")]
    notes = [n for n in notes if n[1]]
    sentences = [[s for s in re.split(r"(?<=[.;:])\s+|\n", text) if len(s) > 3] for text, _ in notes]
    for mode in MODES:
        whole = search(DEFAULT, db, mode, 20, [text for text, _ in notes])[0]
        parts = iter(search(DEFAULT, db, mode, 20, [s for note in sentences for s in note])[0])
        summed = []
        for note in sentences:
            score = {}
            for _ in note:
                for rank, code in enumerate(next(parts), 1):
                    score[code] = score.get(code, 0) + 1 / (60 + rank)
            summed.append(sorted(score, key=lambda c: -score[c])[:20])
        a, b = (mean(recall(r, gold, 20) for r, (_, gold) in zip(rank, notes)) for rank in (whole, summed))
        remark(f"codiesp test notes, {mode}, recall@20 of their codes: whole note {a:.4f}, sentence by sentence {b:.4f}")


GROUPS = {"scifact": scifact, "rationales": rationales, "code_rag": code_rag, "anthropic_docs_rag": anthropic_docs_rag, "million": million, "codiesp": codiesp}
NEEDS = {"rationales": "scifact", "million": "icd10cm", "codiesp": "codiesp"}


def main():
    global program
    program, only = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    os.makedirs(FOLDER, exist_ok=True)
    for name, figures in GROUPS.items():
        if only not in name:
            continue
        if os.path.isdir(f"{DATA}/{NEEDS.get(name, name)}") and os.path.exists(f"{MODELS}/all-MiniLM-L6-v2/model.safetensors"):
            figures()
        else:
            row(name, None, None, 1)


if __name__ == "__main__":
    main()
