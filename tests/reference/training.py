"""Reference gradients and losses of training, in float64: forward passes of BERT and of the decoders written out over the
tensors of golden's tiny models (names, values and order of rows as the files hold them), differentiated by PyTorch.

    training.py FOLDER          writes FOLDER/training-encoder.txt and FOLDER/training-decoder.txt; FOLDER is golden/
    training.py check FOLDER    sets the forward passes against the outputs of transformers that FOLDER holds, and the
                                gradients against finite differences

Lines, all numbers %.17g:

    CASE loss VALUE                     the loss of the batch
    CASE TENSOR NORM P0 ... P15         a gradient: its L2 norm, and its sums with the signs that signs() says
    CASE losses V1 ... V10              before each of ten steps of AdamW on the same batch (V1 is the loss above)
    CASE after TENSOR NORM P0 ... P15   some tensors after the ten steps

AdamW: .9, .999, 1e-8, constant rate, gradients clipped at a global norm of 1 (clip_grad_norm_: times
min(1, 1 / (norm + 1e-6))). Weight decay .01 in the encoder's matrices and embeddings when all of it is trained; none in
its vectors, none anywhere beside LoRA. A gradient that is 0 in theory (the biases of keys) stands here as rounding noise.

Encoder: minilm.py's tokens of BERT_TEXTS, each text alone, no dropout; the mean of the last rows or the row of [CLS], not
normalised, then a head of CLASSES rows; or (joint) heads of HEADS rows and one of TAGS rows over each row. Decoder: three sequences that share a prefix (batch()), next-token cross-entropy of
the completion tokens alone, one mean over all of them. LoRA: rank 4, alpha 8, on every linear layer of each block; the
embeddings, the norms and the LM head are frozen, a classification head is not."""

import json
import math
import sys

import gguf
import minilm
import numpy as np
import torch
from safetensors.torch import load_file
from tiny_models import BERT_TEXTS as TEXTS
from torch.nn import functional as F
from transformers import BertTokenizerFast

F64 = torch.float64
CLASSES, RANK, ALPHA, STEPS = 3, 4, 8.0, 10
SETS = [[0], [1, 2], [], [0, 1, 2], [2]]
WEIGHTS = [1.0, 2.0, 0.5]
HEADS, TAGS, TAG_WEIGHT = [2, 3], 4, 1.5

BERT_LINEAR = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
               "intermediate.dense", "output.dense"]
GGUF_LINEAR = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"]
DECODERS = ["tiny-llama", "tiny-llama3", "tiny-qwen2", "tiny-qwen3", "tiny-gemma3"]
PREFIX = [3 + i * 29 % 200 for i in range(11)]


def mix(x):
    """splitmix64's finaliser."""
    z = x + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def signs(k, n):
    """+1 where bit 0 of mix(k 1000003 + i) is set, else -1."""
    return (mix(np.uint64(k * 1000003) + np.arange(n, dtype=np.uint64)) & np.uint64(1)).astype(np.float64) * 2 - 1


def digest(tensor):
    g = tensor.detach().numpy().ravel()
    return [np.sqrt((g * g).sum()), *(math.fsum(signs(k, g.size) * g) for k in range(16))]


def rounded(values):
    """What a program gets that computes the formula and keeps floats."""
    return torch.from_numpy(values.astype(np.float32)).double()


def lora(name_a, name_b, shape, t):
    """The t-th adapted layer: A (rank, in) and B (out, rank), both far from 0 so that both have gradients."""
    rank, rows, columns = np.arange(RANK), np.arange(shape[0]), np.arange(shape[1])
    return {name_a: rounded(0.1 * np.sin(0.7 * columns + 1.3 * rank[:, None] + 0.11 * t)),
            name_b: rounded(0.05 * np.cos(0.3 * rows[:, None] + 0.9 * rank + 0.17 * t))}


def linear(w, name, x):
    y = F.linear(x, w[name + ".weight"], w.get(name + ".bias"))
    a, b = w.get(name + ".lora_A", w.get(name + ".weight.lora_a")), w.get(name + ".lora_B", w.get(name + ".weight.lora_b"))
    return y if a is None else y + ALPHA / RANK * (x @ a.T @ b.T)


def attend(q, k, v, scale, mask):
    """(heads, n, width of a head); key and value heads are shared by neighbouring query heads."""
    times = len(q) // len(k)
    k, v = k.repeat_interleave(times, 0), v.repeat_interleave(times, 0)
    p = (scale * q @ k.transpose(1, 2) + mask).softmax(-1) @ v
    return p.transpose(0, 1).flatten(1)


def split(x, heads):
    return x.unflatten(1, (heads, -1)).transpose(0, 1)


class Encoder:
    def __init__(self, folder, with_lora, with_tags=False):
        self.config = json.load(open(folder + "/config.json"))
        self.cls = minilm.takes_cls(folder)
        self.tensors = {k: v.double() for k, v in load_file(folder + "/model.safetensors").items()}
        self.prefix = "bert." if "bert.embeddings.word_embeddings.weight" in self.tensors else ""
        tokenizer, limit = BertTokenizerFast.from_pretrained(folder), self.config["max_position_embeddings"]
        self.ids = [tokenizer(t.strip(), truncation=True, max_length=limit)["input_ids"] for t in TEXTS]
        c, j = np.arange(sum(HEADS) if with_tags else CLASSES), np.arange(self.config["hidden_size"])
        self.tensors["classifier.weight"] = rounded(0.05 * np.sin(1 + 7 * c[:, None] + 3 * j))
        self.tensors["classifier.bias"] = rounded(0.01 * c)
        if with_tags:
            c = np.arange(TAGS)
            self.tensors["token_classifier.weight"] = rounded(0.05 * np.sin(1 + 7 * c[:, None] + 3 * j))
            self.tensors["token_classifier.bias"] = rounded(0.01 * c)
        self.trained = [n for n in self.tensors if ".pooler." not in "." + n]
        if with_lora:
            self.trained = [n for n in self.tensors if "classifier." in n]
            self.adapt()

    def layers(self):
        return [f"{self.prefix}encoder.layer.{i}." for i in range(self.config["num_hidden_layers"])]

    def adapt(self):
        for t, name in enumerate(layer + part for layer in self.layers() for part in BERT_LINEAR):
            pair = lora(name + ".lora_A", name + ".lora_B", self.tensors[name + ".weight"].shape, t)
            self.tensors |= pair
            self.trained += pair

    def norm(self, w, name, x):
        return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], self.config["layer_norm_eps"])

    def rows(self, w, ids):
        e, heads = self.prefix + "embeddings.", self.config["num_attention_heads"]
        x = w[e + "word_embeddings.weight"][ids] + w[e + "position_embeddings.weight"][: len(ids)]
        x = self.norm(w, e + "LayerNorm", x + w[e + "token_type_embeddings.weight"][0])
        for layer in self.layers():
            q, k, v = (split(linear(w, layer + part, x), heads) for part in BERT_LINEAR[:3])
            rows = attend(q, k, v, q.shape[-1] ** -0.5, 0.0)
            x = self.norm(w, layer + "attention.output.LayerNorm", x + linear(w, layer + BERT_LINEAR[3], rows))
            inner = F.gelu(linear(w, layer + BERT_LINEAR[4], x))
            x = self.norm(w, layer + "output.LayerNorm", x + linear(w, layer + BERT_LINEAR[5], inner))
        return x

    def pooled(self, w):
        rows = (self.rows(w, ids) for ids in self.ids)
        return torch.stack([r[0] if self.cls else r.mean(0) for r in rows])

    def logits(self, w):
        return linear(w, "classifier", self.pooled(w))

    def single(self, w, weights=None):
        labels = torch.arange(len(TEXTS)) % CLASSES
        return F.cross_entropy(self.logits(w), labels, None if weights is None else torch.tensor(weights, dtype=F64))

    def weighted(self, w):
        return self.single(w, WEIGHTS)

    def many(self, w):
        truth = torch.tensor([[float(c in s) for c in range(CLASSES)] for s in SETS], dtype=F64)
        return F.binary_cross_entropy_with_logits(self.logits(w), truth)

    def joint(self, w):
        """A class of each head, and a tag of most tokens: joint BERT (Chen, Zhuo and Wang 2019)."""
        total = 0.0
        for i, ids in enumerate(self.ids):
            rows = self.rows(w, ids)
            scores = linear(w, "classifier", rows[0] if self.cls else rows.mean(0)).split(HEADS)
            total = total + sum(F.cross_entropy(s, torch.tensor((i + h) % HEADS[h])) for h, s in enumerate(scores))
            tags = torch.tensor([(i + j) % (TAGS + 1) - 1 for j in range(len(ids))])
            total = total + TAG_WEIGHT * F.cross_entropy(linear(w, "token_classifier", rows), tags, ignore_index=-1)
        return total / len(self.ids)

    def kept(self):
        """The tensors shown after the steps."""
        first, last = self.layers()[0], self.layers()[-1]
        if any(n.endswith(".lora_A") for n in self.trained):
            names = [first + BERT_LINEAR[0], first + BERT_LINEAR[4], last + BERT_LINEAR[5]]
            return [n + half for n in names for half in (".lora_A", ".lora_B")] + ["classifier.weight", "classifier.bias"]
        parts = [first + BERT_LINEAR[0], last + BERT_LINEAR[5], self.prefix + "embeddings.word_embeddings",
                 self.prefix + "embeddings.LayerNorm", "classifier"]
        return [p + ".weight" for p in parts] + [last + "output.dense.bias", "classifier.bias"]


def batch():
    """(ids, where the completion begins): a shared prefix, then 3 + 2 s tokens of prompt and 4 + s of completion."""
    for s in range(3):
        own = [3 + (s * 83 + j * 31 + j * j * (s + 1)) % 200 for j in range(3 + 2 * s + 4 + s)]
        yield PREFIX + own, len(PREFIX) + 3 + 2 * s


class Decoder:
    def __init__(self, path, with_lora=True):
        reader = gguf.GGUFReader(path)
        self.kind = reader.fields["general.architecture"].contents()
        key = lambda name, default=None: self.key(reader, name, default)
        self.count, self.heads = key("block_count"), key("attention.head_count")
        self.kv_heads, self.epsilon = key("attention.head_count_kv"), key("attention.layer_norm_rms_epsilon")
        self.base, self.window = key("rope.freq_base"), key("attention.sliding_window", 0)
        self.factor = key("rope.scaling.factor", 1.0)
        self.tensors = {t.name: torch.from_numpy(gguf.dequantize(t.data, t.tensor_type).copy()).double()
                        for t in reader.tensors}
        self.width = len(self.tensors["blk.0.attn_q.weight"]) // self.heads
        self.trained = []
        for t, name in enumerate(f"blk.{i}.{p}.weight" for i in range(self.count) for p in GGUF_LINEAR):
            pair = lora(name + ".lora_a", name + ".lora_b", self.tensors[name].shape, t) if with_lora else {}
            self.tensors |= pair
            self.trained += pair

    def key(self, reader, name, default):
        field = reader.fields.get(f"{self.kind}.{name}")
        return default if field is None else field.contents()

    def full(self, layer):
        """Gemma 3: every sixth layer sees everything, the others their window."""
        return self.kind != "gemma3" or layer % 6 == 5

    def norm(self, w, name, x):
        return w[name] * x / (x.square().mean(-1, keepdim=True) + self.epsilon).sqrt()

    def rotate(self, w, x, full):
        """llama's files keep the two numbers of a pair side by side, the others half a head apart."""
        half = self.width // 2
        base = self.base if full else 10000.0
        angle = base ** (-torch.arange(half, dtype=F64) / half)
        angle = angle / w.get("rope_freqs.weight", self.factor if full else 1.0)
        angle = torch.arange(x.shape[1], dtype=F64)[:, None] * angle
        if self.kind == "llama":
            a, b = x[..., 0::2], x[..., 1::2]
        else:
            a, b = x[..., :half], x[..., half:]
        a, b = a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()
        return torch.stack((a, b), -1).flatten(-2) if self.kind == "llama" else torch.cat((a, b), -1)

    def mask(self, n, full):
        back = torch.arange(n)[:, None] - torch.arange(n)
        hidden = (back < 0) | ((back >= self.window) & (not full))
        return torch.zeros(n, n, dtype=F64).masked_fill(hidden, -math.inf)

    def attention(self, w, block, x, full):
        q = split(linear(w, block + "attn_q", x), self.heads)
        k, v = (split(linear(w, block + p, x), self.kv_heads) for p in ("attn_k", "attn_v"))
        if block + "attn_q_norm.weight" in w:
            q, k = (self.norm(w, f"{block}attn_{p}_norm.weight", y) for p, y in (("q", q), ("k", k)))
        q, k = self.rotate(w, q, full), self.rotate(w, k, full)
        return linear(w, block + "attn_output", attend(q, k, v, self.width ** -0.5, self.mask(len(x), full)))

    def logits(self, w, ids):
        gemma = self.kind == "gemma3"
        x = w["token_embd.weight"][ids] * (math.sqrt(w["token_embd.weight"].shape[1]) if gemma else 1.0)
        for i in range(self.count):
            block = f"blk.{i}."
            y = self.attention(w, block, self.norm(w, block + "attn_norm.weight", x), self.full(i))
            x = x + (self.norm(w, block + "post_attention_norm.weight", y) if gemma else y)
            y = self.norm(w, block + "ffn_norm.weight", x)
            gate = linear(w, block + "ffn_gate", y)
            gate = F.gelu(gate, approximate="tanh") if gemma else F.silu(gate)
            y = linear(w, block + "ffn_down", gate * linear(w, block + "ffn_up", y))
            x = x + (self.norm(w, block + "post_ffw_norm.weight", y) if gemma else y)
        x = self.norm(w, "output_norm.weight", x)
        return x @ w.get("output.weight", w["token_embd.weight"]).T

    def completion(self, w):
        """Each sequence alone, prefix and all: sharing it must not change anything."""
        losses = [F.cross_entropy(self.logits(w, ids)[first - 1:-1], torch.tensor(ids[first:]), reduction="none")
                  for ids, first in batch()]
        return torch.cat(losses).mean()

    def kept(self):
        names = ["blk.0.attn_q", "blk.0.attn_v", f"blk.{self.count - 1}.ffn_down"]
        return [f"{n}.weight.lora_{half}" for n in names for half in "ab"]


def cases(folder):
    """name, model, its loss, learning rate, weight decay"""
    for name, tiny, kind, adapted in [
        ("bert-single", "bert", "single", False), ("bge-single", "bge", "single", False),
        ("bert-weighted", "bert", "weighted", False), ("bert-many", "bert", "many", False),
        ("bert-lora", "bert", "single", True), ("bert-joint", "bert", "joint", False), ("bge-joint", "bge", "joint", False),
        ("bert-joint-lora", "bert", "joint", True),
    ]:
        model = Encoder(f"{folder}/tiny-{tiny}", adapted, kind == "joint")
        yield name, model, getattr(model, kind), 5e-3 if adapted else 1e-3, 0.0 if adapted else 0.01
    for name in DECODERS:
        model = Decoder(f"{folder}/{name}.gguf")
        yield name, model, model.completion, 5e-3, 0.0


def leaves(model):
    w = {n: t.clone() for n, t in model.tensors.items()}
    for n in model.trained:
        w[n].requires_grad_(True)
    return w


def gradients(model, loss):
    w = leaves(model)
    value = loss(w)
    value.backward()
    return value.item(), {n: w[n].grad for n in model.trained}


def steps(model, loss, rate, decay):
    w = leaves(model)
    groups = [dict(params=[w[n] for n in model.trained if w[n].dim() == 2], weight_decay=decay),
              dict(params=[w[n] for n in model.trained if w[n].dim() == 1], weight_decay=0.0)]
    optimiser = torch.optim.AdamW([g for g in groups if g["params"]], lr=rate, betas=(0.9, 0.999), eps=1e-8)
    losses = []
    for _ in range(STEPS):
        optimiser.zero_grad()
        value = loss(w)
        value.backward()
        torch.nn.utils.clip_grad_norm_([w[n] for n in model.trained], 1.0)
        optimiser.step()
        losses.append(value.item())
    return losses, w


def write(folder):
    files = {kind: open(f"{folder}/training-{kind}.txt", "w") for kind in ("encoder", "decoder")}
    for name, model, loss, rate, decay in cases(folder):
        out = files["encoder" if isinstance(model, Encoder) else "decoder"]
        line = lambda *words, numbers: print(name, *words, *("%.17g" % x for x in numbers), file=out)
        value, grads = gradients(model, loss)
        line("loss", numbers=[value])
        for n, g in grads.items():
            line(n, numbers=digest(g))
        losses, w = steps(model, loss, rate, decay)
        line("losses", numbers=losses)
        for n in model.kept():
            line("after", n, numbers=digest(w[n]))


def check_encoder(folder, name):
    """minilm.py's vectors are transformers' in f32."""
    model = Encoder(f"{folder}/{name}", False)
    with torch.no_grad():
        got = F.normalize(model.pooled(model.tensors)).numpy()
    want = [[float(x) for x in line.split()] for line in open(f"{folder}/{name}.txt").readlines()[1::2]]
    print(name, "apart from transformers' vectors", np.abs(got - np.array(want)).max())


def check_decoder(folder, name):
    """smollm2.py's logits are transformers' in f32."""
    model, apart, rows = Decoder(f"{folder}/{name}.gguf", False), 0.0, iter(())
    for words in (line.split() for line in open(f"{folder}/{name}.txt")):
        if words[0] == "text":
            with torch.no_grad():
                rows = iter(model.logits(model.tensors, [int(x) for x in words[2:]]))
        else:
            row = next(rows)
            pairs = (p.split(":") for p in words[1:])
            apart = max(apart, *(abs(row[int(i)].item() - float(x)) for i, x in pairs))
    print(name, "apart from transformers' logits", apart)


def check_gradients(name, model, loss, per_tensor=3, h=1e-6):
    rng, apart = np.random.default_rng(5), 0.0
    _, grads = gradients(model, loss)
    largest = max(g.abs().max().item() for g in grads.values())
    with torch.no_grad():
        for n, g in grads.items():
            where = [int(g.abs().argmax()), *rng.integers(0, g.numel(), per_tensor - 1)]
            for i in where:
                at = model.tensors[n].view(-1)
                middle = at[i].item()
                values = []
                for x in (middle + h, middle - h):
                    at[i] = x
                    values.append(loss(model.tensors).item())
                at[i] = middle
                difference = (values[0] - values[1]) / (2 * h)
                apart = max(apart, abs(difference - g.view(-1)[i].item()) / max(abs(difference), 1e-3 * largest))
    print(name, len(grads), "tensors, gradients apart from finite differences, relative", apart)


def check(folder):
    for name in ("tiny-bert", "tiny-bge"):
        check_encoder(folder, name)
    for name in DECODERS:
        check_decoder(folder, name)
    for name, model, loss, *_ in cases(folder):
        check_gradients(name, model, loss)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1] == "check":
        check(sys.argv[2])
    else:
        write(sys.argv[1])
