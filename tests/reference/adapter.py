"""A LoRA adapter over tiny-llama.gguf as llama.cpp stores it, and the reference: the same model with the adapter's
product added to its weights, run by transformers in f32.

    adapter.py FOLDER        reads and writes in FOLDER, which is golden/"""

import sys

import gguf
import numpy as np
import smollm2

RANK, ALPHA = 4, 12.0
PARTS = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"]


def adapter_of(reader, rng):
    """name -> (A, B); layer 1 leaves two matrices as they are."""
    pairs = {}
    for t in reader.tensors:
        part = t.name.split(".")[2] if t.name.startswith("blk.") else ""
        if part in PARTS and not (t.name.startswith("blk.1.") and part in ("attn_k", "ffn_up")):
            columns, rows = (int(x) for x in t.shape)
            pairs[t.name] = (rng.standard_normal((RANK, columns)) * 0.2, rng.standard_normal((rows, RANK)) * 0.2)
    return {name: (a.astype(np.float32), b.astype(np.float32)) for name, (a, b) in pairs.items()}


def write_adapter(path, pairs):
    w = gguf.GGUFWriter(path, "llama")
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


def merge(model, pairs, heads, kv_heads):
    """Adds B A to the model's weights, Q and K out of GGUF's order of rows."""
    names = dict(zip(PARTS, ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj",
                             "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"]))
    weights = dict(model.named_parameters())
    for name, (a, b) in pairs.items():
        _, layer, part, _ = name.split(".")
        delta = ALPHA / RANK * (b @ a)
        if part in ("attn_q", "attn_k"):
            delta = smollm2.unpermute(delta, heads if part == "attn_q" else kv_heads)
        weight = weights[f"model.layers.{layer}.{names[part]}.weight"]
        weight.data += weight.data.new_tensor(np.ascontiguousarray(delta))


def main():
    folder = sys.argv[1]
    base = folder + "/tiny-llama.gguf"
    pairs = adapter_of(gguf.GGUFReader(base), np.random.default_rng(23))
    write_adapter(folder + "/tiny-lora.gguf", pairs)
    model = smollm2.load(base)
    merge(model, pairs, 4, 2)
    rng = np.random.default_rng(29)
    with open(folder + "/tiny-lora.txt", "w") as f:
        smollm2.print_golden(model, [rng.integers(3, 250, size).tolist() for size in (1, 9, 40)], f)


if __name__ == "__main__":
    main()
