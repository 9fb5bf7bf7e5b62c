#!/usr/bin/env python3
"""The peer of training: PyTorch with transformers and PEFT (bench/train_peers.txt), in one process, on two threads.

    build/train-peers/bin/python bench/train_peers.py encoder --model FOLDER --data FILE [--dev FILE] [...]
    build/train-peers/bin/python bench/train_peers.py lora --gguf FILE [...]

JSON lines come out: what runs, losses and rates of the first 50 steps, accuracy on FILE's dev set after each epoch,
tokens a second (without padding, of all steps but the first three) and the process's peak RSS.

encoder: all of a BERT folder is tuned with a linear head on the mean of its rows. FILE: JSONL of {"text", "label"}; a label
that is a number is the class, names are numbered in sorted order. No dropout; AdamW (.9, .999, weight decay .01 in
matrices and embeddings), gradients clipped at 1. The rate of step t (from 0) of T is lr (t + 1) / w in the first w = max(1, T // 10)
steps and then lr (T - t) / (T - w). Batches are of texts alike in length: a shuffled epoch is sorted within stretches of 50
batches, then the batches are shuffled. --order takes them from a file instead, a JSON list of lists of row numbers, which is
one epoch; --head takes the head's first weights, raw f32, (classes, width) and then the biases. --equal N makes every text N
tokens, its own over and over. --steps N ends after N steps, which are then the T of the rate.

lora: PEFT on all linear layers of a decoder; sequences of --tokens random tokens, loss on the last half of each (64 of 128),
whose rows alone go through the LM head.

bf16 is torch.autocast; for lora the frozen weights are kept in bf16. The optimiser is the fused one. --compile runs the
model through torch.compile. Tokenising, loading and evaluating are not timed; putting the batches together is."""
import argparse
import contextlib
import itertools
import json
import math
import os
import resource
import time

WARM_STEPS = 3  # not timed
SHOWN = 50
STRETCH = 50  # batches that are sorted by length together


def say(event, **values):
    print(json.dumps({"event": event, **values}), flush=True)


class Clock:
    """Seconds and real tokens of the steps after the first WARM_STEPS."""

    def __init__(self):
        self.seconds, self.tokens, self.steps = 0.0, 0, 0

    @contextlib.contextmanager
    def step(self, tokens):
        start = time.perf_counter()
        yield
        self.steps += 1
        if self.steps > WARM_STEPS:
            self.seconds += time.perf_counter() - start
            self.tokens += tokens

    def report(self):
        say("end", steps=self.steps, timed_tokens=self.tokens, seconds=round(self.seconds, 3),
            tokens_per_second=round(self.tokens / self.seconds, 1) if self.seconds else None,
            peak_rss_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def autocast(a):
    return torch.autocast("cpu", torch.bfloat16) if a.dtype == "bf16" else contextlib.nullcontext()


def optimiser_of(named, rates, decay):
    """Matrices decay, vectors do not. rates: of a parameter's name."""
    groups = [dict(params=[p], lr=rates(n), weight_decay=decay if p.dim() > 1 else 0.0) for n, p in named]
    merged = {}
    for g in groups:
        merged.setdefault((g["lr"], g["weight_decay"]), dict(g, params=[]))["params"] += g["params"]
    return torch.optim.AdamW(merged.values(), betas=(0.9, 0.999), eps=1e-8, fused=True)


def schedule(t, total):
    warm = max(1, total // 10)
    return (t + 1) / warm if t < warm else (total - t) / (total - warm)


class Trainer:
    def __init__(self, a, parameters, optimiser, total):
        self.a, self.parameters, self.optimiser, self.total = a, parameters, optimiser, total
        self.clock, self.rates = Clock(), [g["lr"] for g in optimiser.param_groups]

    def step(self, tokens, loss):
        t = self.clock.steps
        for group, rate in zip(self.optimiser.param_groups, self.rates):
            group["lr"] = rate * schedule(t, self.total)
        with self.clock.step(tokens):
            self.optimiser.zero_grad(set_to_none=True)
            with autocast(self.a):
                value = loss()
            value.backward()
            torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
            self.optimiser.step()
            value = value.item()
        if t < SHOWN:
            say("step", step=t, loss=value, lr=self.optimiser.param_groups[0]["lr"])


def read_rows(path, tokenizer, equal, names):
    """[(ids, class)]; names: of the classes, None before the first file."""
    rows = [json.loads(line) for line in open(path, encoding="utf-8") if line.strip()]
    if names is None:
        names = sorted({r["label"] for r in rows})
        names = list(range(max(names) + 1)) if isinstance(names[0], int) else names
    number = {name: i for i, name in enumerate(names)}
    ids = [e.ids for e in tokenizer.encode_batch([r["text"] for r in rows])]
    if equal:
        ids = [[x[0], *itertools.islice(itertools.cycle(x[1:-1] or x[-1:]), equal - 2), x[-1]] for x in ids]
    return [(x, number[r["label"]]) for x, r in zip(ids, rows)], names


def grouped(rows, size, rng):
    order = rng.permutation(len(rows)).tolist()
    batches = []
    for at in range(0, len(order), size * STRETCH):
        stretch = sorted(order[at:at + size * STRETCH], key=lambda i: len(rows[i][0]))
        batches += [stretch[i:i + size] for i in range(0, len(stretch), size)]
    rng.shuffle(batches)
    return batches


class Classifier:
    def __init__(self, a, classes):
        from transformers import BertConfig, BertModel

        config = BertConfig.from_pretrained(a.model, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        self.model = BertModel.from_pretrained(a.model, config=config, add_pooling_layer=False, dtype=torch.float32).train()
        self.head = torch.nn.Linear(config.hidden_size, classes)
        with torch.no_grad():
            if a.head:
                first = torch.from_numpy(numpy.fromfile(a.head, numpy.float32))
                self.head.weight.copy_(first[:-classes].view(classes, -1))
                self.head.bias.copy_(first[-classes:])
            else:
                self.head.weight.normal_(0, 0.02)
                self.head.bias.zero_()
        self.named = [*self.model.named_parameters(), *(("head." + n, p) for n, p in self.head.named_parameters())]
        self.run = torch.compile(self.model, dynamic=True) if a.compile else self.model

    def logits(self, ids):
        length = max(map(len, ids))
        words, mask = (numpy.zeros((len(ids), length), numpy.int64) for _ in range(2))
        for r, row in enumerate(ids):
            words[r, : len(row)] = row
            mask[r, : len(row)] = 1
        mask = torch.from_numpy(mask)
        rows = self.run(input_ids=torch.from_numpy(words), attention_mask=mask).last_hidden_state
        share = mask[:, :, None] / mask.sum(1)[:, None, None]
        return self.head((rows * share).sum(1))

    def accuracy(self, rows, size, a):
        order = sorted(range(len(rows)), key=lambda i: len(rows[i][0]))
        right = 0
        with torch.inference_mode(), autocast(a):
            for at in range(0, len(order), size):
                part = [rows[i] for i in order[at:at + size]]
                best = self.logits([ids for ids, _ in part]).argmax(1).tolist()
                right += sum(b == label for b, (_, label) in zip(best, part))
        return right / len(rows)


def encoder(a):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(a.model + "/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.enable_truncation(a.limit)
    rows, names = read_rows(a.data, tokenizer, a.equal, None)
    dev = read_rows(a.dev, tokenizer, 0, names)[0] if a.dev else []
    c = Classifier(a, len(names))
    order = json.load(open(a.order)) if a.order else None
    count = len(order) if order else math.ceil(len(rows) / a.batch)
    total = a.steps or a.epochs * count
    rates = lambda name: a.head_lr if name.startswith("head.") and a.head_lr else a.lr
    trainer = Trainer(a, [p for _, p in c.named], optimiser_of(c.named, rates, 0.01), total)
    say("start", rows=len(rows), classes=names, steps=total, tokens=sum(len(ids) for ids, _ in rows), **about())
    rng = numpy.random.default_rng(a.seed)
    for epoch in range(math.ceil(total / count)):
        for batch in order or grouped(rows, a.batch, rng):
            if trainer.clock.steps == total:
                break
            ids, labels = [rows[i][0] for i in batch], torch.tensor([rows[i][1] for i in batch])
            trainer.step(sum(map(len, ids)), lambda: torch.nn.functional.cross_entropy(c.logits(ids).float(), labels))
        if dev:
            say("epoch", epoch=epoch + 1, accuracy=c.accuracy(dev, 64, a), of=len(dev))
    trainer.clock.report()


def lora(a):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder, name = os.path.split(os.path.abspath(a.gguf))
    kept = torch.bfloat16 if a.dtype == "bf16" else torch.float32
    base = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=kept)
    linear = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
    model = get_peft_model(base, LoraConfig(r=a.rank, lora_alpha=a.alpha, target_modules=linear, lora_dropout=0.0)).train()
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    trainer = Trainer(a, [p for _, p in named], optimiser_of(named, lambda _: a.lr, 0.0), a.steps)
    run = torch.compile(model) if a.compile else model
    say("start", trained=sum(p.numel() for _, p in named), kept=str(kept), **about())
    scored = a.tokens // 2
    for _ in range(a.steps):
        ids = torch.randint(0, base.config.vocab_size, (a.batch, a.tokens))

        def loss():
            logits = run(input_ids=ids, use_cache=False, logits_to_keep=scored + 1).logits[:, :-1]
            return torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), ids[:, -scored:].flatten())

        trainer.step(ids.numel(), loss)
    trainer.clock.report()


def about():
    from importlib.metadata import version

    return dict(versions={p: version(p) for p in ("torch", "transformers", "peft")}, threads=torch.get_num_threads(),
                processor=torch.backends.cpu.get_cpu_capability())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    figures = parser.add_subparsers(dest="figure", required=True)
    both = argparse.ArgumentParser(add_help=False)
    both.add_argument("--dtype", choices=["f32", "bf16"], default="f32")
    both.add_argument("--threads", type=int, default=2)
    both.add_argument("--seed", type=int, default=1)
    both.add_argument("--compile", action="store_true")
    e = figures.add_parser("encoder", parents=[both])
    for name in ("--model", "--data"):
        e.add_argument(name, required=True)
    for name in ("--dev", "--order", "--head"):
        e.add_argument(name)
    for name, kind, default in [("--batch", int, 32), ("--lr", float, 1e-4), ("--head-lr", float, None),
                                ("--epochs", int, 1), ("--equal", int, 0), ("--steps", int, 0), ("--limit", int, 256)]:
        e.add_argument(name, type=kind, default=default)
    d = figures.add_parser("lora", parents=[both])
    d.add_argument("--gguf", required=True)
    for name, kind, default in [("--rank", int, 16), ("--alpha", float, 32.0), ("--tokens", int, 128),
                                ("--batch", int, 8), ("--steps", int, 13), ("--lr", float, 2e-4)]:
        d.add_argument(name, type=kind, default=default)
    a = parser.parse_args()
    # The libraries read it when they are imported: two threads everywhere, BLAS and OpenMP included.
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(a.threads)
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    global numpy, torch
    import numpy
    import torch

    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    {"encoder": encoder, "lora": lora}[a.figure](a)


if __name__ == "__main__":
    main()
