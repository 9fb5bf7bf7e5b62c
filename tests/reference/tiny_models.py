"""Tiny models with random weights and their reference outputs, so that tests run the forward passes without any
download: tiny-llama.gguf (every tensor type of its time, byte-level BPE), one more file for each family of decoders
(built by transformers, matrices in Q8_0), and the folders tiny-bert and tiny-bge.

    tiny_models.py FOLDER        writes into FOLDER, which is golden/"""

import json
import os
import sys

import gguf
import minilm
import numpy as np
import smollm2
import torch
from safetensors.torch import save_file
from transformers import (BertConfig, BertModel, Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM,
                          Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM)

Q = gguf.GGMLQuantizationType
LLAMA = dict(layers=2, width=64, heads=4, kv_heads=2, head_width=16, ffn=96, limit=256)

BERT_TEXTS = ["the cat sat on the mat", "a dog", "The mat, the dog and the cat!", "cats unknownword sit", "the " * 40]
BERT_WORDS = ("[PAD] [UNK] [CLS] [SEP] [MASK] a the cat dog sat sit on mat and , . ! ? ##s ##ting run ##ning red blue "
              "house walk ##ed").split()


def byte_tokens():
    """GPT-2's printable stand-ins for the 256 bytes, in its order."""
    kept = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    moved = [b for b in range(256) if b not in kept]
    return [chr(b) for b in kept] + [chr(256 + i) for i in range(len(moved))]


def quantised(writer, name, rng, shape, kind, scale):
    w = (rng.standard_normal(shape) * scale).astype(np.float32)
    if kind == Q.F32:
        writer.add_tensor(name, w)
    else:
        writer.add_tensor(name, gguf.quantize(w, kind), raw_dtype=kind)


MERGES = ["t h", "th e", "Ġ t", "Ġt h", "Ġth e", "i n", "e r", "a n", "Ġ a", "r e"]
TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *byte_tokens(), *(m.replace(" ", "") for m in MERGES)]


def start_file(path, architecture, layers, limit, width, ffn, heads, kv_heads, epsilon, base, rotary=None):
    w = gguf.GGUFWriter(path, architecture)
    w.add_block_count(layers)
    w.add_context_length(limit)
    w.add_embedding_length(width)
    w.add_feed_forward_length(ffn)
    w.add_head_count(heads)
    w.add_head_count_kv(kv_heads)
    if rotary:
        w.add_rope_dimension_count(rotary)
    w.add_rope_freq_base(base)
    w.add_layer_norm_rms_eps(epsilon)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("smollm")
    w.add_token_list(TOKENS)
    w.add_token_types([3] * 3 + [1] * (len(TOKENS) - 3))
    w.add_token_merges(MERGES)
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    return w


def finish_file(w):
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def write_llama(path):
    c, rng = LLAMA, np.random.default_rng(7)
    w = start_file(path, "llama", c["layers"], c["limit"], c["width"], c["ffn"], c["heads"], c["kv_heads"], 1e-5,
                   10000.0, c["head_width"])
    kv = c["kv_heads"] * c["head_width"]
    kinds = [Q.Q4_1, Q.Q8_0]
    quantised(w, "token_embd.weight", rng, (len(TOKENS), c["width"]), Q.Q8_0, 1.0)
    w.add_tensor("output_norm.weight", (1 + 0.1 * rng.standard_normal(c["width"])).astype(np.float32))
    for i in range(c["layers"]):
        for name in ("attn_norm", "ffn_norm"):
            w.add_tensor(f"blk.{i}.{name}.weight", (1 + 0.1 * rng.standard_normal(c["width"])).astype(np.float32))
        for name, shape, kind in [
            ("attn_q", (c["width"], c["width"]), kinds[i]), ("attn_k", (kv, c["width"]), Q.Q4_0),
            ("attn_v", (kv, c["width"]), Q.F16), ("attn_output", (c["width"], c["width"]), Q.BF16),
            ("ffn_gate", (c["ffn"], c["width"]), kinds[i]), ("ffn_up", (c["ffn"], c["width"]), kinds[i]),
            ("ffn_down", (c["width"], c["ffn"]), kinds[i]),
        ]:
            quantised(w, f"blk.{i}.{name}.weight", rng, shape, kind, 2.0 / np.sqrt(shape[1]))
    finish_file(w)


# One row for each family: transformers' classes, and what differs from SHAPE.
SHAPE = dict(vocab_size=len(TOKENS), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=256, initializer_range=0.3, head_dim=16)
FAMILIES = {
    "llama3": ("llama", LlamaConfig, LlamaForCausalLM, dict(
        tie_word_embeddings=True, rope_parameters=dict(
            rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
            original_max_position_embeddings=64))),
    "qwen2": ("qwen2", Qwen2Config, Qwen2ForCausalLM, dict(
        num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=False, initializer_range=0.2)),
    "qwen3": ("qwen3", Qwen3Config, Qwen3ForCausalLM, dict(tie_word_embeddings=True)),
    "gemma3": ("gemma3", Gemma3TextConfig, Gemma3ForCausalLM, dict(
        num_hidden_layers=7, num_attention_heads=2, num_key_value_heads=1, intermediate_size=32, sliding_window=8,
        query_pre_attn_scalar=16, rope_parameters=dict(
            full_attention=dict(rope_type="linear", factor=4.0, rope_theta=1e6),
            sliding_attention=dict(rope_type="default", rope_theta=10000.0)))),
}
VECTORS = {
    "self_attn.q_proj.bias": "attn_q.bias", "self_attn.k_proj.bias": "attn_k.bias",
    "self_attn.v_proj.bias": "attn_v.bias", "self_attn.q_norm.weight": "attn_q_norm.weight",
    "self_attn.k_norm.weight": "attn_k_norm.weight",
}
GEMMA_NORMS = {
    "post_attention_layernorm.weight": "post_attention_norm.weight", "pre_feedforward_layernorm.weight":
    "ffn_norm.weight", "post_feedforward_layernorm.weight": "post_ffw_norm.weight",
}


def gguf_name(name, architecture):
    outer = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
             "lm_head.weight": "output.weight"}
    if name in outer:
        return outer[name]
    _, _, layer, rest = name.split(".", 3)
    inner = VECTORS | {k + ".weight": v + ".weight" for k, v in smollm2.NAMES.items()}
    if architecture == "gemma3":
        inner |= GEMMA_NORMS
    return f"blk.{layer}.{inner[rest]}"


def permute(w, heads):
    """The opposite of smollm2.unpermute()."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(w.shape)


def shake(model):
    """Norms and biases start at 1 and 0, which would hide an error; matrices become what Q8_0 holds."""
    for p in model.parameters():
        if p.dim() == 1:
            p.data += 0.2 * torch.randn_like(p)
        else:
            p.data = torch.from_numpy(gguf.dequantize(gguf.quantize(p.data.numpy(), Q.Q8_0), Q.Q8_0).copy())


def write_decoder(path, architecture, config_class, model_class, changes):
    torch.manual_seed(7)
    config = config_class(**SHAPE | changes)
    model = model_class(config).float().eval()
    shake(model)
    rope = config.rope_parameters
    rope = rope.get("full_attention", rope)
    w = start_file(path, architecture, config.num_hidden_layers, config.max_position_embeddings, config.hidden_size,
                   config.intermediate_size, config.num_attention_heads, config.num_key_value_heads,
                   config.rms_norm_eps, rope["rope_theta"])
    w.add_key_length(config.head_dim if hasattr(config, "head_dim") else 16)
    w.add_value_length(config.head_dim if hasattr(config, "head_dim") else 16)
    if architecture == "gemma3":
        w.add_sliding_window(config.sliding_window)
        w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        w.add_rope_scaling_factor(rope["factor"])
    if rope["rope_type"] == "llama3":
        plain = rope["rope_theta"] ** -(torch.arange(0, 16, 2).double() / 16)
        w.add_tensor("rope_freqs.weight", (plain / model.model.rotary_emb.inv_freq).float().numpy())
    for name, p in model.state_dict().items():
        x = p.numpy()
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        if architecture == "llama" and ("q_proj" in name or "k_proj" in name):
            x = permute(x, config.num_attention_heads if "q_proj" in name else config.num_key_value_heads)
        if architecture == "gemma3" and "norm" in name:
            x = x + 1  # as its files have it
        if x.ndim == 1:
            w.add_tensor(gguf_name(name, architecture), x)
        else:
            w.add_tensor(gguf_name(name, architecture), gguf.quantize(np.ascontiguousarray(x), Q.Q8_0),
                         raw_dtype=Q.Q8_0)
    finish_file(w)
    return model


def write_bert(folder, layers, prefix=""):
    torch.manual_seed(7)
    config = BertConfig(vocab_size=len(BERT_WORDS), hidden_size=32, num_hidden_layers=layers, num_attention_heads=2,
                        intermediate_size=64, max_position_embeddings=32, initializer_range=0.3)
    model = BertModel(config, add_pooling_layer=prefix != "").eval()
    for p in model.parameters(): # norms and biases start at 1 and 0, which would hide an error
        if p.dim() == 1:
            p.data += 0.2 * torch.randn_like(p)
    os.makedirs(folder, exist_ok=True)
    save_file({prefix + k: v.half() if v.dim() == 2 else v for k, v in model.state_dict().items()
               if "position_ids" not in k}, folder + "/model.safetensors")
    with open(folder + "/vocab.txt", "w") as f:
        f.writelines(w + "\n" for w in BERT_WORDS)
    keys = ("vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size max_position_embeddings "
            "layer_norm_eps hidden_act model_type").split()
    with open(folder + "/config.json", "w") as f:
        json.dump({k: getattr(config, k) for k in keys}, f, indent=1)


def write_pooling(folder):
    """What sentence-transformers writes for a model that takes the row of [CLS], as BGE does."""
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    os.makedirs(folder + "/1_Pooling", exist_ok=True)
    with open(folder + "/modules.json", "w") as f:
        json.dump([dict(idx=i, name=str(i), path=path, type="sentence_transformers.models." + kind)
                   for i, (path, kind) in enumerate(modules)], f, indent=1)
    with open(folder + "/1_Pooling/config.json", "w") as f:
        json.dump(dict(word_embedding_dimension=32, pooling_mode_cls_token=True, pooling_mode_mean_tokens=False,
                       pooling_mode_max_tokens=False), f, indent=1)


def main():
    folder = sys.argv[1]
    write_llama(folder + "/tiny-llama.gguf")
    rng = np.random.default_rng(11)
    sequences = [rng.integers(3, len(TOKENS), size).tolist() for size in (1, 2, 9, 40, 70)]
    with open(folder + "/tiny-llama.txt", "w") as f:
        smollm2.print_golden(smollm2.load(folder + "/tiny-llama.gguf"), sequences, f)
    for name, row in FAMILIES.items():
        model = write_decoder(f"{folder}/tiny-{name}.gguf", *row)
        with open(f"{folder}/tiny-{name}.txt", "w") as f:
            smollm2.print_golden(model, [sequences[0], sequences[2], sequences[3]], f)
    for name, layers, prefix in [("tiny-bert", 2, ""), ("tiny-bge", 1, "bert.")]:
        write_bert(f"{folder}/{name}", layers, prefix)
        if prefix:
            write_pooling(f"{folder}/{name}")
        with open(f"{folder}/{name}.txt", "w") as f:
            minilm.print_golden(f"{folder}/{name}", BERT_TEXTS, 32, f)


if __name__ == "__main__":
    main()
