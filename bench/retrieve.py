#!/usr/bin/env python3
"""retrieve.py - the vector index beside its peers, taking turns in one run: the first half of `make bench-retrieve`.

    bench/retrieve.py RETRIEVE ENGINE [PART OF A GROUP'S NAME]

One line a figure: name <TAB> rung <TAB> peer <TAB> ratio <TAB> target <TAB> ok | short | absent. The unit is in the
name, the ratio is better when larger; where a limit stands in for a peer, it says how far within it we are. Lines with "#"
are remarks. docs/benchmarks.md says what each line means. Groups: total_100k, nearest_100k, nearest_1m. Settings from the
environment: RUNG_MODELS (default models), RUNG_DATA (default ../shared/data), BENCH_TURNS (default: each group's own).

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
SIZES = {"100k": 100_000, "1M": 1_000_000}
GRAPHS = ("hnswlib", "faiss", "usearch")

retrieve = engine = None


class Stream(Side):
    """`columns` are the least that each column was in any turn: times are, the others are the same in all."""

    def turn(self):
        before = self.columns
        self.best = 0.0
        lives = super().turn()
        if lives and before:
            self.columns = [min(pair) for pair in zip(before, self.columns)]
        return lives


def turns_of(default):
    return int(os.environ.get("BENCH_TURNS", default))


def take_turns(sides, turns):
    """Each side takes one turn more that is not counted (caches, page faults)."""
    living = [s for s in sides if s.turn()]
    for s in living:
        s.columns = []
    for _ in range(turns_of(turns)):
        for s in living:
            s.turn()
    for s in sides:
        s.close()


def number(x):
    return "-" if x is None else f"{x:.4g}"


def row(name, rung, peer, target, ratio):
    state = "absent" if ratio is None else "ok" if ratio >= target else "short"
    ratio = None if ratio is None else f"{ratio:.3f}"
    print(name, number(rung), number(peer), ratio or "-", f"{target:.3g}", state, sep="\t", flush=True)


def at_most(name, rung, limit):
    row(name, rung, limit, 1.0, limit / rung if rung else None)


def at_least(name, rung, limit):
    row(name, rung, limit, 1.0, rung / limit if rung else None)


def faster(name, rung, peer, target):
    row(name, rung, peer, target, peer / rung if rung and peer else None)


def remark(text):
    print("#", text, flush=True)


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
        if not all(map(os.path.exists, [*TABLES, MINILM + "/model.safetensors"])):
            return False
        n = write_texts()
        remark(f"embedding {n} descriptions, once: minutes")
        part = f"{FOLDER}/texts.part"
        with open(part, "wb") as out:
            subprocess.run([engine, "vectors", MINILM, f"{FOLDER}/texts.txt", str(n)], stdout=out, check=True)
        os.replace(part, f"{FOLDER}/texts.f32")
    most = max(SIZES.values())
    if size_of("base.f32") != most * WIDTH * 4 or size_of("queries.f32") != QUERIES * WIDTH * 4:
        subprocess.run([retrieve, "data", FOLDER, str(most)], check=True)
    for n in SIZES.values():
        if size_of(f"truth.{n}") != TIMED * K * 4:
            subprocess.run([retrieve, "-t", "2", "truth", FOLDER, str(n)], check=True)
    return True


# --- the figures ----------------------------------------------------------------------------------------------------


def theirs(*arguments):
    return [PYTHON, "bench/retrieve_peers.py", *map(str, arguments)]


def nearest(size, limit_ms, turns):
    """One stream of queries on one thread; sqlite-vec's exact scans in turn with it."""
    n, name = SIZES[size], f"nearest 10 of {size} x {WIDTH}"
    ours, peers = Stream([retrieve, "-p", "latency", FOLDER, str(n)]), {}
    if os.path.exists(PYTHON):
        peers = {kind: Stream(theirs("-p", "sqlite-vec", FOLDER, n, kind)) for kind in ("f32", "int8")}
    take_turns([ours, *peers.values()], turns)
    p50, p95, recall, memory, used = ours.columns or [None] * 5
    at_most(f"{name}, p50, ms", p50, limit_ms)
    at_most(f"{name}, p95, ms", p95, limit_ms)
    at_least(f"{name}, recall@10 against exact f32", recall, 0.97)
    at_most(f"{name}, memory of the index / int8 vectors", memory, 1.2)
    if used:
        remark(f"peak of the process with its files, MB: {used:.0f}")
    for kind in ("f32", "int8"):
        peer = peers[kind].columns if kind in peers else None
        if peer:
            remark(f"sqlite-vec {kind}, {size}: p50 {peer[0]:.1f} ms, p95 {peer[1]:.1f} ms, recall@10 {peer[2]:.4f}")
        faster(f"{name}, sqlite-vec {kind}, p50, ms", p50, peer and peer[0], 20)


def nearest_100k():
    nearest("100k", 2, 5)


def nearest_1m():
    nearest("1M", 10, 3)


def total_100k():
    """Building, all queries and removing a tenth, once a turn; the least of each side's sums counts."""
    ours, peers, n = None, dict.fromkeys(GRAPHS), SIZES["100k"]
    for _ in range(turns_of(2)):
        ours = less(ours, run([retrieve, "total", FOLDER, str(n)]))
        for peer in GRAPHS if ours and os.path.exists(PYTHON) else ():
            peers[peer] = less(peers[peer], run(theirs("total", FOLDER, n, peer, ours[3])))
    if ours:
        remark("100k, rung: build {:.2f} s, queries {:.2f} s, removal {:.2f} s, recall@10 {:.4f}".format(*ours))
    for peer, columns in peers.items():
        if columns:
            text = "build {:.2f} s, queries {:.2f} s, removal {:.2f} s, recall@10 {:.4f}, ef {:.0f}".format(*columns)
            remark(f"100k, {peer}: {text}")
        name = f"100k: build, {QUERIES} queries, a tenth removed, {peer} at equal recall, s"
        faster(name, ours and sum(ours[:3]), columns and sum(columns[:3]), 1.0)
    at_most("100k, memory of the index / int8 vectors after the removal", ours and ours[4], 1.2)


def run(command):
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    return [float(x) for x in out.split()] or None


def less(a, b):
    """The one whose three times sum to less; either may be None."""
    return min((x for x in (a, b) if x), key=lambda x: sum(x[:3]), default=None)


def print_peers():
    if os.path.exists(PYTHON):
        for line in subprocess.run(theirs("about"), capture_output=True, text=True, check=False).stdout.splitlines():
            remark(line)


def main():
    global retrieve, engine
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    retrieve, engine = map(os.path.abspath, sys.argv[1:3])
    only = sys.argv[3] if len(sys.argv) > 3 else ""
    figures = [f for f in (total_100k, nearest_100k, nearest_1m) if only in f.__name__]
    if figures and not make_vectors():
        row("vectors of ICD-10-CM descriptions", None, None, 1.0, None)
        return
    print_others()
    print_peers()
    for figure in figures:
        figure()
    print_others()


if __name__ == "__main__":
    main()
