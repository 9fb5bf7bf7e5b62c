#!/usr/bin/env python3
"""The peers of bench/engine.py, one figure at a time: llama.cpp and ONNX Runtime, each at its best on two threads.

    build/peers/bin/python bench/peers.py [-n TURNS] [-p] FIGURE MODEL [NUMBER ...]

The figures, their numbers and the token ids are those of `engine` (bench/engine.c): score, prefill, generate with a
GGUF file; embed and vectors with an .onnx file, the model's folder and a file of texts. Prints units a second: the best
of -n turns (default 5), or with -p one turn for each line of standard input.

llama.cpp is compiled for this processor (tools/bench-peers.sh). What its users would do for the figure is done: the
prefix stays in the cache and is shared by copying sequences, all prompts go in as one batch, only rows that are read
ask for logits, batches are built before the clock starts. UBATCH, FLASH and UNIFIED (environment) were tuned; the
defaults below are the fastest. ONNX Runtime gets the fused BERT operators, texts sorted by length and, as
its last number, the batch; tokenisation is inside the clock on both sides (tokenizers here).
"""
import argparse
import ctypes
import os
import sys
import time

THREADS = 2
UBATCH = int(os.environ.get("UBATCH", "512"))
FLASH = int(os.environ.get("FLASH", "1"))
UNIFIED = {"0": False, "1": True}.get(os.environ.get("UNIFIED"))
LIMIT = 256  # tokens of a text, as sentence-transformers cuts all-MiniLM-L6-v2


def prompt(start, n):
    return [1000 + i * 7919 % 40000 for i in range(start, start + n)]


class Llama:
    """A model, a context of `sequences` sequences and batches of the low-level interface."""

    def __init__(self, path, tokens, sequences, unified):
        import llama_cpp as api

        self.api = api
        self.silence = api.llama_log_callback(lambda *_: None)
        api.llama_log_set(self.silence, None)
        self.model = api.llama_model_load_from_file(path.encode(), api.llama_model_default_params())
        p = api.llama_context_default_params()
        p.kv_unified = unified if UNIFIED is None else UNIFIED
        p.n_ctx = tokens if p.kv_unified else sequences * -(-tokens // sequences // 256) * 256
        p.n_batch = 2048
        p.n_ubatch = UBATCH
        p.n_seq_max = sequences
        p.n_threads = p.n_threads_batch = THREADS
        p.flash_attn_type = FLASH
        self.context = api.llama_init_from_model(self.model, p)
        if not self.context:
            sys.exit(f"peers.py: llama.cpp makes no context for {path}")
        self.memory = api.llama_get_memory(self.context)
        self.vocabulary = api.llama_vocab_n_tokens(api.llama_model_get_vocab(self.model))

    def batch(self, rows):
        """rows: (token, position, sequence, wants logits)."""
        b = self.api.llama_batch_init(len(rows), 0, 1)
        b.n_tokens = len(rows)
        for i, (token, position, sequence, logits) in enumerate(rows):
            b.token[i], b.pos[i], b.n_seq_id[i], b.logits[i] = token, position, 1, logits
            b.seq_id[i][0] = sequence
        return b

    def decode(self, batch):
        code = self.api.llama_decode(self.context, batch)
        if code:
            sys.exit(f"peers.py: llama_decode says {code}")

    def logits(self, n):
        """The n rows of the last batch that asked for them, in order: (n, vocabulary), llama.cpp's memory."""
        import numpy

        at = self.api.llama_get_logits(self.context)
        return numpy.ctypeslib.as_array(ctypes.cast(at, ctypes.POINTER(ctypes.c_float)), (n, self.vocabulary))

    def clear(self):
        self.api.llama_memory_clear(self.memory, False)


def rows_of(ids, first, sequence, logits=True):
    return [(t, first + i, sequence, logits and i == len(ids) - 1) for i, t in enumerate(ids)]


def score(model, shared=300, own=40, prompts=32):
    """Sequence 0 holds the prefix; a turn copies it to 1 .. prompts and decodes all prompts as one batch."""
    m = Llama(model, prompts * (shared + own) + shared, prompts + 1, True)
    m.decode(m.batch(rows_of(prompt(0, shared), 0, 0)))
    m.logits(1)
    b = m.batch([r for i in range(prompts) for r in rows_of(prompt(1000 + i * own, own), shared, i + 1)])

    def turn():
        start = time.perf_counter()
        for i in range(prompts):
            m.api.llama_memory_seq_cp(m.memory, 0, i + 1, -1, -1)
        m.decode(b)
        m.logits(prompts)[:, -1].sum()
        seconds = time.perf_counter() - start
        for i in range(prompts):
            m.api.llama_memory_seq_rm(m.memory, i + 1, -1, -1)
        return prompts / seconds

    return turn


def prefill(model, tokens=512):
    m = Llama(model, tokens, 1, True)
    b = m.batch(rows_of(prompt(1000, tokens), 0, 0))

    def turn():
        m.clear()
        start = time.perf_counter()
        m.decode(b)
        m.logits(1)[0, -1].sum()
        return tokens / (time.perf_counter() - start)

    return turn


def generate(model, streams=1, tokens=64, length=40):
    """Greedy, every stream as one row of each batch; the prompts are not timed."""
    m = Llama(model, streams * (length + tokens), streams, streams == 1)
    first = m.batch([r for i in range(streams) for r in rows_of(prompt(1000 + i * length, length), 0, i)])
    step = m.batch([(0, 0, i, True) for i in range(streams)])

    def turn():
        m.clear()
        m.decode(first)
        best = m.logits(streams).argmax(axis=1)
        start = time.perf_counter()
        for s in range(tokens):
            for i in range(streams):
                step.token[i], step.pos[i] = int(best[i]), length + s
            m.decode(step)
            best = m.logits(streams).argmax(axis=1)
        return streams * tokens / (time.perf_counter() - start)

    return turn


class Encoder:
    def __init__(self, model, folder):
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(folder + "/tokenizer.json")
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(LIMIT)

    def embed(self, texts, batch):
        import numpy

        ids = [e.ids for e in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        out = numpy.empty((len(texts), 384), numpy.float32)
        for at in range(0, len(order), batch):
            rows = order[at : at + batch]
            words = numpy.zeros((len(rows), max(len(ids[i]) for i in rows)), numpy.int32)
            mask = numpy.zeros_like(words)
            for r, i in enumerate(rows):
                words[r, : len(ids[i])] = ids[i]
                mask[r, : len(ids[i])] = 1
            out[rows] = self.session.run(None, {"words": words, "mask": mask})[0]
        return out


def read_texts(path, n):
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file][:n]


def embed(model, folder, path, n=512, batch=16):
    encoder, texts = Encoder(model, folder), read_texts(path, n)

    def turn():
        start = time.perf_counter()
        encoder.embed(texts, batch)
        return len(texts) / (time.perf_counter() - start)

    return turn


def vectors(model, folder, path, n=512):
    """Writes the vectors, little-endian f32, to standard output."""
    sys.stdout.buffer.write(Encoder(model, folder).embed(read_texts(path, n), 16).astype("<f4").tobytes())
    sys.exit(0)


def about():
    import llama_cpp
    import onnxruntime

    print("llama-cpp-python", llama_cpp.__version__, llama_cpp.llama_print_system_info().decode())
    print("onnxruntime", onnxruntime.__version__)
    sys.exit(0)


def main():
    figures = {f.__name__: f for f in (score, prefill, generate, embed, vectors, about)}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=5, metavar="TURNS")
    parser.add_argument("-p", action="store_true", help="one turn for each line of standard input")
    parser.add_argument("figure", choices=figures)
    parser.add_argument("arguments", nargs="*", metavar="ARGUMENT")
    a = parser.parse_args()
    turn = figures[a.figure](*(int(x) if x.isdigit() else x for x in a.arguments))
    if not a.p:
        print(f"{max(turn() for _ in range(a.n)):.2f}")
    for _ in sys.stdin if a.p else ():
        print(f"{turn():.2f}", flush=True)


if __name__ == "__main__":
    main()
