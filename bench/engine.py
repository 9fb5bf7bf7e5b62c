#!/usr/bin/env python3
"""engine.py - the engine beside its peers, taking turns in one run: `make bench-engine`.

    bench/engine.py ENGINE [PART OF A NAME]

One line a figure: name <TAB> rung <TAB> peer <TAB> ratio <TAB> target <TAB> ok | short | absent. The unit is in the
name, the ratio is better when larger, two threads each. docs/benchmarks.md says what each line means. Settings from the
environment: RUNG_MODELS (folder of models, default models), RUNG_GEMMA (a GGUF file, default
$RUNG_MODELS/optional/gemma3-270m.gguf), RUNG_DATA (default ../shared/data), BENCH_TURNS (default: each row's own).

Each side is a process that waits for a line, takes one turn and says how fast it was (bench/engine.c, bench/peers.py);
the best turn of each counts. A side that is missing, or that cannot open the file, is "absent".
"""
import array
import csv
import os
import signal
import subprocess
import sys
import time

THREADS = 2
TEXTS = 512
MODELS = os.environ.get("RUNG_MODELS", "models")
SMOLLM2 = MODELS + "/smollm2-135m-instruct.Q4_1.gguf"
MINILM = MODELS + "/all-MiniLM-L6-v2"
GEMMA = os.environ.get("RUNG_GEMMA", MODELS + "/optional/gemma3-270m.gguf")
DATA = os.environ.get("RUNG_DATA", "../shared/data")
PYTHON = "build/peers/bin/python"
FILES = "build/peers/files"
QUESTIONS = "build/bench-texts.txt"
INT8 = "avx512vnni"  # the set of int8 products, which counts only where somebody asks for it
PAUSE = 0.05  # seconds between turns: threads of the other side that still spin go to sleep

engine = only = None


class Side:
    """One process that takes turns; `best` is its fastest, `columns` all that it printed then."""

    def __init__(self, command, environment=None):
        self.best, self.columns = 0.0, []
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **(environment or {})},
        )

    def turn(self):
        """False once the process has given up."""
        try:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return False
        columns = [float(x) for x in self.process.stdout.readline().split()]
        if columns and columns[0] > self.best:
            self.best, self.columns = columns[0], columns
        time.sleep(PAUSE)
        return bool(columns)

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait()


def ours(*arguments, kernels=None):
    """kernels: the set, where it is not to be the fastest or what RUNG_KERNELS says."""
    return Side([engine, "-t", str(THREADS), "-p", *map(str, arguments)], {"RUNG_KERNELS": kernels} if kernels else None)


def theirs(*arguments):
    return Side([PYTHON, "bench/peers.py", "-p", *map(str, arguments)])


def alternate(sides, turns):
    """The sides take turns, first one untimed turn each (caches, page faults); then they end."""
    turns = int(os.environ.get("BENCH_TURNS", turns))
    living = [s for s in sides if s.turn()]
    for s in living:
        s.best = 0.0
    for _ in range(turns):
        for s in living:
            s.turn()
    for s in sides:
        s.close()


def wanted(name):
    return not only or only in name


def row(name, rung, peer, target, ratio=None):
    """ratio: rung / peer unless given."""
    if ratio is None:
        ratio = rung / peer if rung and peer else None
    state = "absent" if ratio is None else "ok" if ratio >= target else "short"
    numbers = [f"{x:.1f}" if x else "-" for x in (rung, peer)]
    print(name, *numbers, f"{ratio:.2f}" if ratio is not None else "-", f"{target:.3g}", state, sep="\t", flush=True)


def fastest(sides):
    """(name, speed) of the fastest of {name: side}."""
    name = max(sides, key=lambda n: sides[n].best)
    return (name, sides[name].best) if sides[name].best else ("none", None)


def against(figure, numbers, formats, turns, int8=False):
    """Ours on SmolLM2 Q4_1 and llama.cpp on each of the formats: (our side, {format: side}, our int8 side or None)."""
    files = {"Q4_1": SMOLLM2, **{f: f"{FILES}/decoder.{f}.gguf" for f in ("BF16", "Q8_0", "Q4_0")}}
    rung, peers = ours(figure, SMOLLM2, *numbers), {}
    on_request = ours(figure, SMOLLM2, *numbers, kernels=INT8) if int8 else None
    if os.path.exists(PYTHON):
        peers = {f: theirs(figure, files[f], *numbers) for f in formats if os.path.exists(files[f])}
    alternate([rung, *([on_request] if int8 else []), *peers.values()], turns)
    for f, side in peers.items():
        print(f"# {figure} {' '.join(map(str, numbers))}, llama.cpp {f}: {side.best:.1f}")
    return rung, peers, on_request


# --- the figures ----------------------------------------------------------------------------------------------------


def label_scoring(peak):
    name = "label scoring, 300 tokens shared + 40 own, SmolLM2"
    rung, peers, int8 = against("score", (300, 40, 32), ("Q4_1", "BF16", "Q8_0", "Q4_0"), 3, int8=True)
    same = peers["Q4_1"].best if "Q4_1" in peers else None
    best, speed = fastest(peers) if peers else ("none", None)
    row(f"{name} Q4_1, llama.cpp same file, examples/s", rung.best, same, 4.0)
    row(f"{name} Q4_1, llama.cpp fastest ({best}), examples/s", rung.best, speed, 1.7)
    row(f"{name} Q4_1, int8, llama.cpp fastest ({best}), examples/s", int8.best, speed, 1.7)
    share("label scoring, share of the peak, GFLOP/s", rung, peak)
    memory("label scoring, peak RSS of the process, MB", rung, 512)


def prefill(peak):
    rung, peers, int8 = against("prefill", (512,), ("Q4_1", "BF16", "Q8_0", "Q4_0"), 5, int8=True)
    best, speed = fastest(peers) if peers else ("none", None)
    row(f"prefill of 512, SmolLM2 Q4_1, llama.cpp fastest ({best}), tokens/s", rung.best, speed, 2.0)
    row(f"prefill of 512, SmolLM2 Q4_1, int8, llama.cpp fastest ({best}), tokens/s", int8.best, speed, 2.0)
    share("prefill of 512, share of the peak, GFLOP/s", rung, peak)


def prefill_gemma(_):
    rung, peer = None, None
    if os.path.exists(GEMMA):
        sides = [ours("prefill", GEMMA, 512)] + ([theirs("prefill", GEMMA, 512)] if os.path.exists(PYTHON) else [])
        alternate(sides, 5)
        rung, peer = sides[0].best, sides[1].best if len(sides) > 1 else None
    row("prefill of 512, Gemma 3 270M, llama.cpp same file, tokens/s", rung, peer, 2.0)


def generation(_):
    for streams, turns, target in ((1, 5, 1.0), (16, 3, 1.5)):
        rung, peers, _ = against("generate", (streams, 64, 40), ("Q4_1",), turns)
        name = f"generation, {streams} stream{'s' if streams > 1 else ''}, SmolLM2 Q4_1, llama.cpp same file, tokens/s"
        row(name, rung.best, peers["Q4_1"].best if peers else None, target)


def embedding(peak):
    batches = {"f32": 8, "int8": 32}  # the fastest of 8, 16, 32, 64
    if not write_questions():
        return row("embedding, MiniLM, sentences/s", None, None, 2.0)
    rung, peers = ours("embed", MINILM, QUESTIONS, TEXTS), {}
    on_request = ours("embed", MINILM, QUESTIONS, TEXTS, kernels=INT8)
    if os.path.exists(PYTHON):
        arguments = (MINILM, QUESTIONS, TEXTS)
        peers = {k: theirs("embed", f"{FILES}/encoder.{k}.onnx", *arguments, b) for k, b in batches.items()}
    alternate([rung, on_request, *peers.values()], 7)
    for kind, target in (("f32", 2.0), ("int8", 0.85)):
        speed = peers[kind].best if peers else None
        row(f"embedding, MiniLM, banking77, ONNX Runtime {kind}, sentences/s", rung.best, speed, target)
        row(f"embedding, MiniLM, banking77, int8, ONNX Runtime {kind}, sentences/s", on_request.best, speed, target)
    share("embedding, share of the peak, GFLOP/s", rung, peak)
    memory("embedding, peak RSS of the process, MB", rung, 205)
    print_cosines()


def share(name, rung, peak):
    row(name, rung.columns[1] if rung.columns else None, peak, 0.50)


def memory(name, rung, target):
    """The peer column is the limit; the ratio says how often the process would fit."""
    used = rung.columns[2] if rung.columns else None
    row(name, used, target, 1.0, target / used if used else None)


def busy_neighbour(_):
    """The neighbour computes in one thread that the system may move; between its turns it is stopped."""
    target = (THREADS - 1) / THREADS * 0.85
    turns = int(os.environ.get("BENCH_TURNS", 5))
    for name, figure, numbers in (("prefill of 512", "prefill", [512]), ("generation", "generate", [1, 64])):
        alone, beside = ours(figure, SMOLLM2, *numbers), ours(figure, SMOLLM2, *numbers)
        neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        try:
            for _ in range(turns):
                neighbour.send_signal(signal.SIGSTOP)
                alone.turn()
                neighbour.send_signal(signal.SIGCONT)
                beside.turn()
        finally:
            neighbour.kill()
            neighbour.wait()
        alone.close()
        beside.close()
        row(f"{name} beside a busy process and alone, SmolLM2 Q4_1, tokens/s", beside.best, alone.best, target)


# --- texts and vectors ----------------------------------------------------------------------------------------------


def write_questions():
    """Every sixth question of banking77's test set, one a line; False where the data is not there."""
    path = DATA + "/banking77/test.csv"
    if not os.path.exists(path):
        return False
    with open(path, encoding="utf-8", newline="") as source, open(QUESTIONS, "w", encoding="utf-8") as out:
        for r in list(csv.DictReader(source))[::6][:TEXTS]:
            out.write(" ".join(r["text"].split()) + "\n")
    return True


def read_vectors(command, kernels=None):
    environment = {**os.environ, **({"RUNG_KERNELS": kernels} if kernels else {})}
    out = subprocess.run(command, capture_output=True, env=environment).stdout
    values = array.array("f", out)
    return [values[i : i + 384] for i in range(0, len(values), 384)]


def print_cosines():
    """To our own f32 kernels; the ONNX f32 line shows that both sides compute the same model."""
    arguments = ["vectors", MINILM, QUESTIONS, str(TEXTS)]
    exact = read_vectors([engine, *arguments], "portable")
    sides = {"rung, its fastest kernels": ([engine, *arguments],), "rung int8": ([engine, *arguments], INT8)}
    if os.path.exists(PYTHON):
        for k in ("f32", "int8"):
            model = f"{FILES}/encoder.{k}.onnx"
            sides[f"ONNX Runtime {k}"] = ([PYTHON, "bench/peers.py", "vectors", model, *arguments[1:]],)
    for name, command in sides.items():
        cosines = [sum(a * b for a, b in zip(x, y)) for x, y in zip(read_vectors(*command), exact)]
        if cosines:
            print(f"# cosine to f32, {name}: mean {sum(cosines) / len(cosines):.5f}, least {min(cosines):.5f}")


def print_others():
    """How much of the machine others use: figures taken beside much of it are not to be trusted."""
    if not os.path.exists("/proc/stat"):
        return

    def ticks():
        with open("/proc/stat", encoding="ascii") as file:
            numbers = [int(x) for x in file.readline().split()[1:9]]
        return sum(numbers), numbers[3] + numbers[4]

    before = ticks()
    time.sleep(1)
    all_ticks, idle = (a - b for a, b in zip(ticks(), before))
    print(f"# others use {100 * (1 - idle / max(all_ticks, 1)):.0f} % of the processors")


def measure_peak():
    side = ours("peak")
    alternate([side], 5)
    if not side.columns:
        return None
    print(f"# peak of the kernel set's multiply-add, {THREADS} threads, GFLOP/s: {side.columns[1]:.1f}")
    return side.columns[1]


def main():
    global engine, only
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    engine, only = os.path.abspath(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None
    figures = [label_scoring, prefill, prefill_gemma, generation, embedding, busy_neighbour]
    if os.path.exists(PYTHON):
        subprocess.run([PYTHON, "bench/peers_files.py", SMOLLM2, MINILM, FILES], stderr=subprocess.DEVNULL)
    print_others()
    peak = measure_peak()
    for figure in figures:
        if wanted(figure.__name__):
            figure(peak)
    print_others()


if __name__ == "__main__":
    main()
