"""LoRA adapters as llama.cpp stores them, and the reference: the base with the adapter's product added to its weights,
run by transformers in f32.

    adapter.py golden FOLDER            one over FOLDER's tiny-llama.gguf with its logits, and one over tiny-llama3.gguf,
                                        whose matrices are all quantised; FOLDER is golden/
    adapter.py random MODEL RANK OUT    one of random values on every linear layer of a real model

decoders.py and adapter_peer.py compare the engine through the latter with transformers and with llama.cpp."""

import sys

import gguf
import numpy as np
import smollm2

RANK, ALPHA = 4, 12.0
SHARE = 0.2  # of a random adapter: what it adds to a layer's output, beside what the weights make of inputs of one size
PARTS = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"]


def matrices(reader):
    """The tensors that can be adapted, and their (rows, columns)."""
    for t in reader.tensors:
        if t.name.startswith("blk.") and t.name.endswith(".weight") and t.name.split(".")[2] in PARTS:
            yield t, int(t.shape[1]), int(t.shape[0])


def golden_adapter(reader, rng):
    """name -> (A, B); layer 1 leaves two matrices as they are."""
    pairs = {}
    for t, rows, columns in matrices(reader):
        if t.name not in ("blk.1.attn_k.weight", "blk.1.ffn_up.weight"):
            pairs[t.name] = (rng.standard_normal((RANK, columns)) * 0.2, rng.standard_normal((rows, RANK)) * 0.2)
    return {name: (a.astype(np.float32), b.astype(np.float32)) for name, (a, b) in pairs.items()}


def random_adapter(reader, rank, rng):
    pairs = {}
    for t, rows, columns in matrices(reader):
        size = gguf.dequantize(t.data, t.tensor_type).std() * np.sqrt(columns) * np.sqrt(rank) / ALPHA
        a = rng.standard_normal((rank, columns)) / np.sqrt(columns)
        pairs[t.name] = (a.astype(np.float32), (rng.standard_normal((rows, rank)) * SHARE * size).astype(np.float32))
    return pairs


def write_adapter(path, architecture, pairs):
    w = gguf.GGUFWriter(path, architecture)
    w.add_type("adapter")
    w.add_string("adapter.type", "lora")
    w.add_float32("adapter.lora.alpha", ALPHA)
    for name, (a, b) in pairs.items():
        w.add_tensor(name + ".lora_a", a)
        w.add_tensor(name + ".lora_b", b)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def read_adapter(path):
    """name -> scale B A"""
    reader = gguf.GGUFReader(path)
    alpha = reader.fields["adapter.lora.alpha"].contents()
    half = {t.name: gguf.dequantize(t.data, t.tensor_type).astype(np.float32) for t in reader.tensors}
    names = [name.removesuffix(".lora_a") for name in half if name.endswith(".lora_a")]
    return {n: alpha / len(half[n + ".lora_a"]) * (half[n + ".lora_b"] @ half[n + ".lora_a"]) for n in names}


def in_their_order(base, deltas):
    """The products with the rows of a llama's Q and K out of GGUF's order, into transformers'. base: its GGUFReader."""
    architecture = base.fields["general.architecture"].contents()
    heads = {"attn_q": "head_count", "attn_k": "head_count_kv"} if architecture == "llama" else {}
    moved = {}
    for name, delta in deltas.items():
        part = name.split(".")[2]
        if part in heads:
            delta = smollm2.unpermute(delta, base.fields[f"{architecture}.attention.{heads[part]}"].contents())
        moved[name] = np.ascontiguousarray(delta)
    return moved


def merge(model, base, deltas):
    """Adds the deltas to the model's weights. base: its GGUFReader."""
    names = dict(zip(PARTS, ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                             "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]))
    weights = dict(model.named_parameters())
    for name, delta in in_their_order(base, deltas).items():
        _, layer, part, _ = name.split(".")
        weight = weights[f"model.layers.{layer}.{names[part]}.weight"]
        weight.data += weight.data.new_tensor(delta)


def golden(folder):
    base = folder + "/tiny-llama.gguf"
    reader = gguf.GGUFReader(base)
    write_adapter(folder + "/tiny-lora.gguf", "llama", golden_adapter(reader, np.random.default_rng(23)))
    quantised = gguf.GGUFReader(folder + "/tiny-llama3.gguf")
    write_adapter(folder + "/tiny-llama3-lora.gguf", "llama", golden_adapter(quantised, np.random.default_rng(27)))
    model = smollm2.load(base)
    merge(model, reader, read_adapter(folder + "/tiny-lora.gguf"))
    rng = np.random.default_rng(29)
    with open(folder + "/tiny-lora.txt", "w") as f:
        smollm2.print_golden(model, [rng.integers(3, 250, size).tolist() for size in (1, 9, 40)], f)


def main():
    if sys.argv[1] == "golden":
        golden(sys.argv[2])
    else:
        reader = gguf.GGUFReader(sys.argv[2])
        pairs = random_adapter(reader, int(sys.argv[3]), np.random.default_rng(31))
        write_adapter(sys.argv[4], reader.fields["general.architecture"].contents(), pairs)


if __name__ == "__main__":
    main()
