#!/usr/bin/env python3
"""The peers of bench/retrieve.py, each at its best: queries on one thread, graphs built on two.

    build/peers/bin/python bench/retrieve_peers.py [-n TURNS] [-p] sqlite-vec FOLDER N int8|f32
    build/peers/bin/python bench/retrieve_peers.py total FOLDER N hnswlib|faiss|usearch RECALL
    build/peers/bin/python bench/retrieve_peers.py about

sqlite-vec: exact scans of a vec0 table in memory, L2 distance (the order of unit vectors is that of the dot product, and
it is the faster one: 12 ms at 100k, cosine 34), int8 with one scale for all. A turn is 10 queries; prints p50 and p95 (ms)
of the turn, recall@10. -p takes one turn for each line of standard input.

total: seconds to build, to answer all queries in one call, and to remove a tenth; recall@10 of the timed queries; ef. ef is
the least of a ladder that reaches RECALL, or its last. M and the construction effort are those of the least total at recall
.994 among M = 12, 16, 24, 32 and efforts of 50 to 300: below them the graphs stay short of it whatever ef, because texts that
differ in a word make knots that the search does not leave; above them building costs more than the queries save. usearch
stores f16: bf16 and f32 took longer, i8 stayed at .956. faiss cannot remove from a graph: it builds the nine tenths again.
"""
import argparse
import sys
import time

import numpy

WIDTH, K, TIMED, THREADS = 384, 10, 1000, 2
PER_TURN = 10
LADDER = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
M = 16
EFFORT = {"hnswlib": 200, "faiss": 64, "usearch": 160}
STORED = "f16"  # by usearch


def read(folder, name, n, kind=numpy.float32, width=WIDTH):
    return numpy.fromfile(f"{folder}/{name}", kind, n * width).reshape(n, width)


def recall_of(found, truth):
    return float(numpy.mean([len(set(map(int, f)) & set(map(int, t))) / K for f, t in zip(found, truth)]))


def connect():
    """apsw and not Python's own sqlite3, which may have been built without extensions."""
    import apsw
    import sqlite_vec as extension

    db = apsw.Connection(":memory:")
    db.enable_load_extension(True)
    db.load_extension(extension.loadable_path())
    return db


def sqlite_vec(folder, n, kind):
    base, queries = read(folder, "base.f32", n), read(folder, "queries.f32", PER_TURN)
    truth = read(folder, f"truth.{n}", PER_TURN, numpy.int32, K)
    if kind == "int8":
        scale = 127 / numpy.abs(base).max()
        base = numpy.rint(base * scale).astype(numpy.int8)
        queries = numpy.rint(queries * scale).clip(-127, 127).astype(numpy.int8)
    db = connect()
    value = "vec_int8(?)" if kind == "int8" else "?"
    db.execute(f"create virtual table v using vec0(e {'int8' if kind == 'int8' else 'float'}[{WIDTH}])")
    with db:
        db.executemany(f"insert into v(rowid, e) values (?, {value})", ((i, base[i].tobytes()) for i in range(n)))
    del base
    question = f"select rowid from v where e match {value} and k = {K}"

    def turn():
        ms, found = [], []
        for q in queries:
            blob, start = q.tobytes(), time.perf_counter()
            found.append([r[0] for r in db.execute(question, (blob,))])
            ms.append((time.perf_counter() - start) * 1000)
        return numpy.median(ms), numpy.percentile(ms, 95), recall_of(found, truth)

    return turn


class Hnswlib:
    def __init__(self, base):
        import hnswlib

        self.index = hnswlib.Index("ip", WIDTH)
        self.index.init_index(len(base), M=M, ef_construction=EFFORT["hnswlib"])
        self.index.set_num_threads(THREADS)
        self.index.add_items(base, numpy.arange(len(base)))
        self.index.set_num_threads(1)

    def search(self, queries, ef):
        self.index.set_ef(ef)
        return self.index.knn_query(queries, K)[0]

    def remove(self, ids, _):
        for i in ids:
            self.index.mark_deleted(i)


class Faiss:
    def __init__(self, base):
        import faiss

        faiss.omp_set_num_threads(THREADS)
        self.index = faiss.IndexHNSWFlat(WIDTH, M, faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction = EFFORT["faiss"]
        self.index.add(base)
        faiss.omp_set_num_threads(1)

    def search(self, queries, ef):
        self.index.hnsw.efSearch = ef
        return self.index.search(queries, K)[1]

    def remove(self, ids, base):
        Faiss(numpy.delete(base, ids, axis=0))


class Usearch:
    def __init__(self, base):
        from usearch.index import Index

        self.index = Index(ndim=WIDTH, metric="ip", dtype=STORED, connectivity=M, expansion_add=EFFORT["usearch"])
        self.index.add(numpy.arange(len(base)), base, threads=THREADS)

    def search(self, queries, ef):
        self.index.expansion_search = ef
        return self.index.search(queries, K, threads=1).keys

    def remove(self, ids, _):
        self.index.remove(ids, threads=THREADS)


PEERS = {"hnswlib": Hnswlib, "faiss": Faiss, "usearch": Usearch}


def seconds(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def total(folder, n, peer, recall):
    base, queries = read(folder, "base.f32", n), read(folder, "queries.f32", 10000)
    truth = read(folder, f"truth.{n}", TIMED, numpy.int32, K)
    build, index = seconds(lambda: PEERS[peer](base))
    for ef in LADDER:
        found = index.search(queries[:TIMED], ef)
        if recall_of(found, truth) >= recall:
            break
    search, found = seconds(lambda: index.search(queries, ef))
    remove, _ = seconds(lambda: index.remove(numpy.arange(0, n, 10), base))
    print(f"{build:.3f}\t{search:.3f}\t{remove:.3f}\t{recall_of(found[:TIMED], truth):.4f}\t{ef}")


def about():
    """What each was compiled for. hnswlib does not say; it is compiled here (tools/bench-peers.sh)."""
    from importlib.metadata import version

    import faiss
    from usearch.index import Index

    flags = connect().execute("select vec_debug()").fetchone()[0].split("Build flags:")[-1].strip()
    print(f"hnswlib {version('hnswlib')}: compiled for this processor")
    print(f"faiss {version('faiss-cpu')}: {faiss.get_compile_options().strip()}")
    print(f"usearch {version('usearch')}: {Index(ndim=WIDTH, metric='ip', dtype=STORED).hardware_acceleration} for {STORED}")
    print(f"sqlite-vec {version('sqlite-vec')}: {flags or 'no vector instructions'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=5, metavar="TURNS")
    parser.add_argument("-p", action="store_true", help="one turn for each line of standard input")
    parser.add_argument("figure", choices=["sqlite-vec", "total", "about"])
    parser.add_argument("arguments", nargs="*", metavar="ARGUMENT")
    a = parser.parse_args()
    if a.figure == "about":
        return about()
    folder, n, kind, *recall = a.arguments
    if a.figure == "total":
        return total(folder, int(n), kind, float(recall[0]))
    turn = sqlite_vec(folder, int(n), kind)
    for _ in sys.stdin if a.p else range(a.n):
        print("\t".join(f"{x:.4f}" for x in turn()), flush=True)


if __name__ == "__main__":
    main()
