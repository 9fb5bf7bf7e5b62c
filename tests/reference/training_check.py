"""Checks of what training exports: other programs load it and must predict what rung predicts.

    training_check.py peft FOLDER GGUF_BASE ADAPTER_GGUF --ids IDS [--expect TOPS] [--write TOPS]
    training_check.py llama GGUF_BASE ADAPTER_GGUF --ids IDS [--expect TOPS] [--write TOPS]
    training_check.py encoder FOLDER --texts TEXTS [--logits] [--limit N] [--expect NUMBERS] [--write NUMBERS]

peft: transformers loads GGUF_BASE, PEFT the adapter of FOLDER. ADAPTER_GGUF is the same adapter as llama.cpp stores it, whose
products must be PEFT's ("none" leaves that out). llama: llama.cpp loads both files, through the environment of `make
bench-peers`. Both compare the most probable token behind each position. IDS: one sequence of token ids a line; TOPS: one line for
each, as many ids. Against quantised weights llama.cpp rounds activations to 8 bits: on golden's tiny models it then agrees with
transformers at .92 to .98 of random positions, with or without an adapter, at .99 to 1 over the same weights in f32.

encoder: transformers' AutoModel loads FOLDER and must miss nothing in it; sentence vectors of unit length (mean of the rows, or
[CLS] where 1_Pooling says so), or with --logits what the head classifier.weight, classifier.bias in model.safetensors makes of the
vectors before they are scaled. TEXTS: one a line; NUMBERS: one line of numbers for each.

Exit status 1 when fewer than --share (.99) of the positions agree, products are apart, or a cosine is below --cosine (.9999)."""

import argparse
import os
import sys

import numpy as np


def read_lines(path, kind):
    return [[kind(x) for x in line.split()] for line in open(path, encoding="utf-8") if line.strip()]


def write_lines(path, rows, form):
    with open(path, "w") as f:
        f.writelines(" ".join(form % x for x in row) + "\n" for row in rows)


def paired(got, path, kind):
    want = read_lines(path, kind)
    if [len(r) for r in got] != [len(r) for r in want]:
        sys.exit(f"{path}: {len(want)} lines of {sum(map(len, want))} numbers where {len(got)} of {sum(map(len, got))} are due")
    return want


def report_tops(a, tops):
    if a.write:
        write_lines(a.write, tops, "%d")
    if not a.expect:
        return True
    want = np.concatenate(paired(tops, a.expect, int))
    share = float(np.mean(np.concatenate(tops) == want))
    print(f"positions {len(want)}, same top-1 {share:.5f}")
    return share >= a.share


def base_model(path):
    """transformers' own reading, and what it leaves out of it: the width of a head, Gemma's scaling, llama 3's frequencies."""
    import torch
    from gguf import GGUFReader
    from transformers import AutoConfig, AutoModelForCausalLM

    folder, name = os.path.split(os.path.abspath(path))
    reader = GGUFReader(path)
    config = AutoConfig.from_pretrained(folder, gguf_file=name)
    key = lambda k: reader.fields.get(reader.fields["general.architecture"].contents() + "." + k)
    if hasattr(config, "head_dim") and key("attention.key_length"):
        config.head_dim = key("attention.key_length").contents()
    if hasattr(config, "query_pre_attn_scalar"):
        config.query_pre_attn_scalar = config.head_dim  # of all Gemma 3 but the largest
    if key("rope.scaling.factor"):
        rope = config.rope_parameters
        rope.get("full_attention", rope).update(rope_type="linear", factor=key("rope.scaling.factor").contents())
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, config=config, dtype=torch.float32).eval()
    for t in reader.tensors:
        if t.name == "rope_freqs.weight":
            model.model.rotary_emb.inv_freq /= torch.from_numpy(t.data.copy())
    return model


def same_products(model, base, path):
    """The largest difference between PEFT's scale B A and the file's, beside the largest product."""
    import adapter
    from gguf import GGUFReader

    names = dict(zip(["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"], adapter.PARTS))
    theirs = {}
    for name, module in model.named_modules():
        if hasattr(module, "get_delta_weight") and module.lora_A:
            layer, part = name.split(".layers.")[1].split(".")[0], names[name.rsplit(".", 1)[1]]
            theirs[f"blk.{layer}.{part}.weight"] = module.get_delta_weight("default").detach().numpy()
    ours = adapter.in_their_order(GGUFReader(base), adapter.read_adapter(path))
    if theirs.keys() != ours.keys():
        sys.exit(f"{path}: adapts {sorted(ours.keys() ^ theirs.keys())}, where PEFT's folder does not, or the other way round")
    apart = max(np.abs(ours[n] - theirs[n]).max() for n in ours)
    largest = max(np.abs(x).max() for x in theirs.values())
    print(f"adapted matrices {len(ours)}, products apart {apart:.3g} of {largest:.3g}")
    return apart <= 1e-5 * largest


def peft(a):
    import torch
    from peft import PeftModel

    model = PeftModel.from_pretrained(base_model(a.base), a.folder).eval()
    good = a.adapter == "none" or same_products(model, a.base, a.adapter)
    with torch.no_grad():
        tops = [model(torch.tensor([ids])).logits[0].argmax(-1).tolist() for ids in read_lines(a.ids, int)]
    return report_tops(a, tops) and good


def llama(a):
    import adapter_peer
    import llama_cpp as api

    silence = api.llama_log_callback(lambda *_: None)
    api.llama_log_set(silence, None)
    model = api.llama_model_load_from_file(a.base.encode(), api.llama_model_default_params())
    sequences = read_lines(a.ids, int)
    context = adapter_peer.open_context(model, a.adapter, max(map(len, sequences)))
    vocabulary = api.llama_vocab_n_tokens(api.llama_model_get_vocab(model))
    return report_tops(a, [adapter_peer.logits_of(context, vocabulary, ids).argmax(1).tolist() for ids in sequences])


def encoder(a):
    import minilm
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(a.folder)
    model, info = AutoModel.from_pretrained(a.folder, dtype=torch.float32, output_loading_info=True)
    missing = [k for k in info["missing_keys"] if not k.startswith("pooler.")] + list(info["mismatched_keys"])
    if missing:
        sys.exit(f"{a.folder}: transformers misses {missing}")
    head = load_file(a.folder + "/model.safetensors") if a.logits else None
    rows = []
    for text in (line.rstrip("\n") for line in open(a.texts, encoding="utf-8")):
        with torch.no_grad():
            x = model.eval()(**tokenizer(text, truncation=True, max_length=a.limit, return_tensors="pt")).last_hidden_state[0]
        x = x[0] if minilm.takes_cls(a.folder) else x.mean(0)
        rows.append((head["classifier.weight"].float() @ x + head["classifier.bias"].float() if head else x / x.norm()).numpy())
    if a.write:
        write_lines(a.write, rows, "%.9g")
    return not a.expect or report_rows(a, np.array(rows), np.array(paired(rows, a.expect, float)))


def report_rows(a, got, want):
    cosine = ((got * want).sum(1) / np.linalg.norm(got, axis=1) / np.linalg.norm(want, axis=1)).min()
    same = float(np.mean(got.argmax(1) == want.argmax(1)))
    print(f"texts {len(got)}, least cosine {cosine:.7f}, apart {np.abs(got - want).max():.3g}"
          + (f", same class {same:.5f}" if a.logits else ""))
    return cosine >= a.cosine and (not a.logits or same >= a.share)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    checks = parser.add_subparsers(dest="check", required=True)
    for run, words, given in [(peft, ["folder", "base", "adapter"], "--ids"), (llama, ["base", "adapter"], "--ids"),
                              (encoder, ["folder"], "--texts")]:
        p = checks.add_parser(run.__name__)
        p.set_defaults(run=run)
        for word in words:
            p.add_argument(word)
        p.add_argument(given, required=True)
        for name in ("--expect", "--write"):
            p.add_argument(name)
        p.add_argument("--share", type=float, default=0.99)
    p.add_argument("--logits", action="store_true")
    p.add_argument("--limit", type=int, default=256)
    p.add_argument("--cosine", type=float, default=0.9999)
    a = parser.parse_args()
    sys.exit(0 if a.run(a) else 1)


if __name__ == "__main__":
    main()
