#!/usr/bin/env python3
"""retrieve.py - retrieval beside its peers, taking turns in one run: `make bench-retrieve`.

    bench/retrieve.py RETRIEVE ENGINE [PART OF A NAME]

One line a figure: name <TAB> rung <TAB> peer <TAB> ratio <TAB> target <TAB> ok | short | absent. The unit is in the
name, the ratio is better when larger; where a limit stands in for a peer, it says how far within it we are.
docs/benchmarks.md says what each line means. Settings from the environment: RUNG_MODELS (default models), RUNG_DATA
(default ../shared/data), BENCH_TURNS (default: each row's own), BENCH_LARGE=1 (also the totals at a million vectors:
the peers build for many minutes).

The vectors are the ICD-10-CM descriptions embedded by our own engine and perturbed (bench/retrieve.c says how); they are
made once, into build/bench-retrieve: 1.7 GB.
"""
import csv
import os
import subprocess
import sys

from engine import DATA, MINILM, PYTHON, Side, print_others

FOLDER = "build/bench-retrieve"
TABLES = [f"{DATA}/icd10cm/icd10cm_2021_{part}.tsv" for part in ("A-R", "S", "T-Z")]
WIDTH, QUERIES, TIMED, K = 384, 10000, 1000, 10
SIZES = (100_000, 1_000_000)

retrieve = engine = only = None


class Stream(Side):
    """A side whose every turn prints the best of all its turns so far: the last line counts."""

    def turn(self):
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return False
        columns = [float(x) for x in self.process.stdout.readline().split()]
        self.columns = columns or self.columns
        return bool(columns)


def alternate(sides, turns):
    living = [s for s in sides if s.turn()]
    for _ in range(int(os.environ.get("BENCH_TURNS", turns)) - 1):
        for s in living:
            s.turn()
    for s in sides:
        s.close()


def number(x):
    return "-" if x is None else f"{x:.3f}" if x < 10 else f"{x:.1f}"


def row(name, rung, peer, target, ratio):
    state = "absent" if ratio is None else "ok" if ratio >= target else "short"
    print(name, number(rung), number(peer), number(ratio), f"{target:.3g}", state, sep="\t", flush=True)


def at_most(name, rung, limit):
    row(name, rung, limit, 1.0, limit / rung if rung else None)


def at_least(name, rung, limit):
    row(name, rung, limit, 1.0, rung / limit if rung else None)


def faster(name, rung, peer, target):
    row(name, rung, peer, target, peer / rung if rung and peer else None)


def remark(*words):
    print("#", *words, flush=True)


# --- the vectors ----------------------------------------------------------------------------------------------------


def size_of(name):
    path = f"{FOLDER}/{name}"
    return os.path.getsize(path) if os.path.exists(path) else 0


def write_texts():
    """The descriptions, one a line; how many."""
    texts = []
    for path in TABLES:
        with open(path, encoding="utf-8", newline="") as file:
            texts += [" ".join(r["description"].split()) for r in csv.DictReader(file, delimiter="\t")]
    with open(f"{FOLDER}/texts.txt", "w", encoding="utf-8") as out:
        out.writelines(t + "\n" for t in texts)
    return len(texts)


def make_vectors():
    """False where the data or the model is not there."""
    os.makedirs(FOLDER, exist_ok=True)
    if not size_of("texts.f32"):
        if not all(map(os.path.exists, [*TABLES, MINILM])):
            return False
        n = write_texts()
        remark(f"embedding {n} descriptions, once: minutes")
        part = f"{FOLDER}/texts.part"
        with open(part, "wb") as out:
            subprocess.run([engine, "vectors", MINILM, f"{FOLDER}/texts.txt", str(n)], stdout=out, check=True)
        os.replace(part, f"{FOLDER}/texts.f32")
    if size_of("base.f32") != SIZES[-1] * WIDTH * 4 or size_of("queries.f32") != QUERIES * WIDTH * 4:
        subprocess.run([retrieve, "data", FOLDER, str(SIZES[-1])], check=True)
    for n in SIZES:
        if size_of(f"truth.{n}") != TIMED * K * 4:
            subprocess.run([retrieve, "truth", FOLDER, str(n)], check=True)
    return True


# --- the figures ----------------------------------------------------------------------------------------------------


def words_of(n):
    return "1M" if n == 1_000_000 else f"{n // 1000}k"


def theirs(*arguments):
    return [PYTHON, "bench/retrieve_peers.py", *map(str, arguments)]


def nearest(n, limit_ms):
    """One stream of queries on two threads, and on one; sqlite-vec's exact scans in turn with them."""
    ours = {t: Stream([retrieve, "-t", str(t), "-p", "latency", FOLDER, str(n)]) for t in (2, 1)}
    peers = {}
    if os.path.exists(PYTHON):
        peers = {kind: Stream(theirs("-p", "sqlite-vec", FOLDER, n, kind)) for kind in ("int8", "f32")}
    alternate([*ours.values(), *peers.values()], 5)
    name = f"nearest 10 of {words_of(n)} x {WIDTH}"
    for t, side in ours.items():
        if side.columns:
            p50, p95, whole, recall, memory, _ = side.columns
            remark(f"{name}, {t} threads: p50 {p50:.3f} ms, p95 {p95:.3f} ms of each query's least; p95 of the best turn {whole:.3f} ms")
    best = min((s.columns for s in ours.values() if s.columns), default=None)
    p50, p95, _, recall, memory, _ = best or [None] * 6
    at_most(f"{name}, p95, ms", p95, limit_ms)
    at_least(f"{name}, recall@10 against exact f32", recall, 0.97)
    at_most(f"{name}, memory / int8 vectors", memory, 1.2)
    for kind, side in peers.items() or {"int8": None, "f32": None}.items():
        peer = side.columns if side and side.columns else None
        if peer:
            remark(f"sqlite-vec {kind}: p50 {peer[0]:.1f} ms, p95 {peer[1]:.1f} ms, recall@10 {peer[3]:.4f}")
        faster(f"{name}, sqlite-vec {kind}, p50, ms", p50, peer and peer[0], 20)


def nearest_100k():
    nearest(SIZES[0], 2)


def nearest_1m():
    nearest(SIZES[1], 10)


def total(n):
    """Building, all queries and removing a tenth. Each side once more than the other's turn; the least sum counts."""
    ours, peers = None, {}
    for _ in range(int(os.environ.get("BENCH_TURNS", 3 if n == SIZES[0] else 1))):
        ours = less(ours, run([retrieve, "total", FOLDER, str(n)]))
        for peer in ("hnswlib", "faiss", "usearch") if ours and os.path.exists(PYTHON) else ():
            peers[peer] = less(peers.get(peer), run(theirs("total", FOLDER, n, peer, ours[3])))
    name = f"total at {words_of(n)}: build, {QUERIES} queries, a tenth removed"
    if ours:
        remark(f"rung: build {ours[0]:.2f} s, queries {ours[1]:.2f} s, removal {ours[2]:.2f} s, recall@10 {ours[3]:.4f}")
        at_most(f"memory / int8 vectors, {words_of(n)}, after a tenth was removed", ours[4], 1.2)
    for peer in ("hnswlib", "faiss", "usearch"):
        columns = peers.get(peer)
        if columns:
            build, search, removal, recall, ef = columns
            remark(f"{peer}: build {build:.2f} s, queries {search:.2f} s (ef {ef:.0f}), removal {removal:.2f} s, recall@10 {recall:.4f}")
        faster(f"{name}, {peer}, s", ours and sum(ours[:3]), columns and sum(columns[:3]), 1.0)


def run(command):
    out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return [float(x) for x in out.split()] or None


def less(a, b):
    """The one whose three times sum to less; either may be None."""
    return min((x for x in (a, b) if x), key=lambda x: sum(x[:3]), default=None)


def total_100k():
    total(SIZES[0])


def total_1m():
    if os.environ.get("BENCH_LARGE") == "1":
        total(SIZES[1])


# Every figure is a function that prints its rows; those of the document library go below the index's.
FIGURES = [nearest_100k, nearest_1m, total_100k, total_1m]


def main():
    global retrieve, engine, only
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    retrieve, engine = map(os.path.abspath, sys.argv[1:3])
    only = sys.argv[3] if len(sys.argv) > 3 else ""
    if not make_vectors():
        row("vectors of ICD-10-CM descriptions", None, None, 1.0, None)
        return
    print_others()
    for figure in FIGURES:
        if only in figure.__name__:
            figure()
    print_others()


if __name__ == "__main__":
    main()
