"""Reference logits of a GGUF llama model: transformers' LlamaForCausalLM in f32 over the dequantised weights.

    smollm2.py golden MODEL.gguf > golden/smollm2.txt
    smollm2.py compare MODEL.gguf PROGRAM TEXTS POSITIONS

`golden` writes what tests/unit/llm_decoder.c reads. `compare` runs `PROGRAM dump MODEL IDS OUT` (the same test program)
on lines of the file TEXTS until POSITIONS tokens are reached, and prints agreement over the full vocabulary.

Format: "text <n> <ids>", then one line for each position: logsumexp, then TOP pairs id:logit, largest first."""

import os
import subprocess
import sys
import tempfile

import numpy as np
import torch
from gguf import GGUFReader, dequantize
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

TOP = 32

NAMES = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}

TEXTS = [
    "The committee met on Tuesday to discuss the new library opening hours.",
    "for (int i = 0; i < n; i++) sum += values[i] * weights[i];",
    "Quels sont les horaires du musée le dimanche ?",
    "Order #48213 was shipped twice; please refund the second parcel (19.90 EUR).",
    "Why is the sky blue? Because shorter wavelengths scatter more strongly.",
    "die Straße zum Bahnhof ist wegen Bauarbeiten gesperrt",
    "{\"label\": \"refund\", \"confidence\": 0.82}",
    "Once upon a time there was a miller who owned three cats and one very old boat.",
    "2 + 3 * 7 = 23, and 10 / 4 = 2.5.",
    "<|im_start|>system\nYou sort messages.<|im_end|>\n<|im_start|>user\nMy card was swallowed by the machine."
    "<|im_end|>\n<|im_start|>assistant\n",
    "日本語のテキストも少し入れておきます。",
    "Dear team, the invoice attached to this message is overdue since March. Kind regards, Ana",
]


def unpermute(w, heads):
    """GGUF keeps rows of Q and K in the order of interleaved rotary pairs; transformers wants the two halves apart."""
    return w.reshape(heads, w.shape[0] // heads // 2, 2, -1).swapaxes(1, 2).reshape(w.shape)


def load(path):
    reader = GGUFReader(path)
    key = lambda name: reader.fields["llama." + name].contents()
    raw = {t.name: dequantize(t.data, t.tensor_type).astype(np.float32) for t in reader.tensors}
    heads, kv_heads = key("attention.head_count"), key("attention.head_count_kv")
    model = LlamaForCausalLM(LlamaConfig(
        vocab_size=raw["token_embd.weight"].shape[0], hidden_size=key("embedding_length"),
        intermediate_size=key("feed_forward_length"), num_hidden_layers=key("block_count"),
        num_attention_heads=heads, num_key_value_heads=kv_heads, rms_norm_eps=key("attention.layer_norm_rms_epsilon"),
        rope_parameters={"rope_type": "default", "rope_theta": key("rope.freq_base")},
        max_position_embeddings=key("context_length"), tie_word_embeddings="output.weight" not in raw))
    state = {"model.embed_tokens.weight": raw["token_embd.weight"], "model.norm.weight": raw["output_norm.weight"],
             "lm_head.weight": raw.get("output.weight", raw["token_embd.weight"])}
    for i in range(key("block_count")):
        for theirs, ours in NAMES.items():
            w = raw[f"blk.{i}.{ours}.weight"]
            w = unpermute(w, heads) if ours == "attn_q" else unpermute(w, kv_heads) if ours == "attn_k" else w
            state[f"model.layers.{i}.{theirs}.weight"] = w
    model.load_state_dict({k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in state.items()}, strict=True)
    return model.float().eval()


def logits_of(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].double().numpy()


def print_golden(model, sequences, out, top=TOP):
    for ids in sequences:
        print("text", len(ids), *ids, file=out)
        for row in logits_of(model, ids):
            order = np.argsort(-row, kind="stable")[:top]
            lse = row.max() + np.log(np.exp(row - row.max()).sum())
            print(f"{lse:.5f}", *(f"{i}:{row[i]:.4f}" for i in order), file=out)


def log_softmax(x):
    x = x - x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def compare(model, tokenizer, path, program, texts, positions):
    seen = same = 0
    kl, worst = [], 0.0
    for line in open(texts, encoding="utf-8"):
        ids = tokenizer(line.strip(), add_special_tokens=False)["input_ids"][:512]
        if len(ids) < 2:
            continue
        with tempfile.TemporaryDirectory() as folder:
            with open(folder + "/ids", "w") as f:
                print(*ids, file=f)
            subprocess.run([program, "dump", path, folder + "/ids", folder + "/out"], check=True)
            got = np.fromfile(folder + "/out", dtype=np.float32).reshape(len(ids), -1).astype(np.float64)
        want = logits_of(model, ids)
        p, q = log_softmax(want), log_softmax(got)
        kl.extend((np.exp(p) * (p - q)).sum(axis=1))
        worst = max(worst, np.abs(want - got).max())
        same += int((want.argmax(axis=1) == got.argmax(axis=1)).sum())
        seen += len(ids)
        if seen >= positions:
            break
    print(f"positions {seen}, same top-1 {same / seen:.5f}, mean KL {np.mean(kl):.3g}, largest KL {np.max(kl):.3g}, "
          f"largest logit difference {worst:.3g}")


def main():
    mode, path = sys.argv[1], sys.argv[2]
    folder, name = os.path.split(os.path.abspath(path))
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    model = load(path)
    if mode == "golden":
        print_golden(model, [tokenizer(t, add_special_tokens=False)["input_ids"] for t in TEXTS], sys.stdout)
    else:
        compare(model, tokenizer, path, sys.argv[3], sys.argv[4], int(sys.argv[5]))


if __name__ == "__main__":
    main()
