"""Rows of tests/unit/stats_ranking.c from trec_eval: `ranking.py`. Needs pytrec_eval (or pytrec_eval-terrier).

A ranking is written as trec_eval sees it: documents with falling scores, of which those at 1-marks are relevant; relevant
documents that were not found are in the judgements alone."""
import pytrec_eval

CASES = [  # found, best first; relevant ones that were missed
    ("1", 0), ("01", 0), ("0001", 0), ("1010010", 0), ("0110", 3), ("1111111111", 0), ("1111111111", 5), ("0000", 2),
    ("00000000001", 0), ("10000000011", 1), ("0100100001000000000100", 7), ("11", 98), ("", 1),
]
MEASURES = {f"{m}.{k}" for m in ("recall", "success", "ndcg_cut") for k in (1, 3, 5, 10, 20)} | {"recip_rank"}

for found, missed in CASES:
    documents = [f"d{i:03}" for i in range(len(found))]
    judged = {d: int(mark) for d, mark in zip(documents, found)} | {f"missed{i}": 1 for i in range(missed)}
    # trec_eval says nothing about a question without results; one that is not relevant stands for them.
    run = {d: float(100 - i) for i, d in enumerate(documents)} or {"other": 1.0}
    result = pytrec_eval.RelevanceEvaluator({"q": judged}, MEASURES).evaluate({"q": run})["q"]
    for k in (1, 3, 5, 10, 20):
        values = [result[f"{m}_{k}"] for m in ("recall", "success", "ndcg_cut")] + [result["recip_rank"]]
        print(f'\t{{ "{found}", {found.count("1") + missed}, {k}, ' + ", ".join(repr(v) for v in values) + " },")
