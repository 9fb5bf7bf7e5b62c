"""Two tiny models with random weights and their reference outputs, so that tests run the forward passes without any
download: tiny-llama.gguf (every tensor type, byte-level BPE) and the folder tiny-bert.

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
from transformers import BertConfig, BertModel

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


def write_llama(path):
    c, rng = LLAMA, np.random.default_rng(7)
    merges = ["t h", "th e", "Ġ t", "Ġt h", "Ġth e", "i n", "e r", "a n", "Ġ a", "r e"]
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *byte_tokens(), *(m.replace(" ", "") for m in merges)]
    w = gguf.GGUFWriter(path, "llama")
    w.add_block_count(c["layers"])
    w.add_context_length(c["limit"])
    w.add_embedding_length(c["width"])
    w.add_feed_forward_length(c["ffn"])
    w.add_head_count(c["heads"])
    w.add_head_count_kv(c["kv_heads"])
    w.add_rope_dimension_count(c["head_width"])
    w.add_rope_freq_base(10000.0)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("smollm")
    w.add_token_list(tokens)
    w.add_token_types([3] * 3 + [1] * (len(tokens) - 3))
    w.add_token_merges(merges)
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    kv = c["kv_heads"] * c["head_width"]
    kinds = [Q.Q4_1, Q.Q8_0]
    quantised(w, "token_embd.weight", rng, (len(tokens), c["width"]), Q.Q8_0, 1.0)
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
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    return len(tokens)


def write_bert(folder):
    torch.manual_seed(7)
    config = BertConfig(vocab_size=len(BERT_WORDS), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
                        intermediate_size=64, max_position_embeddings=32, initializer_range=0.3)
    model = BertModel(config, add_pooling_layer=False).eval()
    for name, p in model.named_parameters(): # norms and biases start at 1 and 0, which would hide an error
        if p.dim() == 1:
            p.data += 0.2 * torch.randn_like(p)
    os.makedirs(folder, exist_ok=True)
    save_file({k: v.half() if v.dim() == 2 else v for k, v in model.state_dict().items() if "position_ids" not in k},
              folder + "/model.safetensors")
    with open(folder + "/vocab.txt", "w") as f:
        f.writelines(w + "\n" for w in BERT_WORDS)
    keys = ("vocab_size hidden_size num_hidden_layers num_attention_heads intermediate_size max_position_embeddings "
            "layer_norm_eps hidden_act model_type").split()
    with open(folder + "/config.json", "w") as f:
        json.dump({k: getattr(config, k) for k in keys}, f, indent=1)


def main():
    folder = sys.argv[1]
    n = write_llama(folder + "/tiny-llama.gguf")
    rng = np.random.default_rng(11)
    sequences = [rng.integers(3, n, size).tolist() for size in (1, 2, 9, 40, 70)]
    with open(folder + "/tiny-llama.txt", "w") as f:
        smollm2.print_golden(smollm2.load(folder + "/tiny-llama.gguf"), sequences, f)
    write_bert(folder + "/tiny-bert")
    with open(folder + "/tiny-bert.txt", "w") as f:
        minilm.print_golden(folder + "/tiny-bert", BERT_TEXTS, 32, f)


if __name__ == "__main__":
    main()
