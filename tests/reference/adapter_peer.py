"""llama.cpp's predictions through a LoRA adapter, as decoders.py dump writes the reference's.

    build/peers/bin/python adapter_peer.py MODEL.gguf ADAPTER.gguf IN.npz OUT.npz

IN.npz says which ids (decoders.py dump). `decoders.py compare MODEL OUT.npz PROGRAM ADAPTER` then sets the engine against
llama.cpp on the same two files. ADAPTER may be "none"."""

import ctypes
import sys

import llama_cpp as api
import numpy as np

KEPT = 1024


def open_context(model, adapter, tokens):
    p = api.llama_context_default_params()
    p.n_ctx = p.n_batch = p.n_ubatch = tokens
    p.n_threads = p.n_threads_batch = 2
    context = api.llama_init_from_model(model, p)
    if adapter != "none":
        lora = api.llama_adapter_lora_init(model, adapter.encode())
        if not lora:
            sys.exit(f"{adapter}: llama.cpp does not take it")
        adapters, scales = (api.llama_adapter_lora_p_ctypes * 1)(lora), (ctypes.c_float * 1)(1.0)
        if api.llama_set_adapters_lora(context, adapters, 1, scales):
            sys.exit(f"{adapter}: llama.cpp does not set it")
    return context


def logits_of(context, vocabulary, ids):
    b = api.llama_batch_init(len(ids), 0, 1)
    b.n_tokens = len(ids)
    for i, token in enumerate(ids):
        b.token[i], b.pos[i], b.n_seq_id[i], b.logits[i] = int(token), i, 1, True
        b.seq_id[i][0] = 0
    api.llama_memory_clear(api.llama_get_memory(context), True)
    if api.llama_decode(context, b):
        sys.exit("llama.cpp does not decode")
    at = ctypes.cast(api.llama_get_logits(context), ctypes.POINTER(ctypes.c_float))
    rows = np.ctypeslib.as_array(at, (len(ids), vocabulary)).astype(np.float64)
    api.llama_batch_free(b)
    return rows


def main():
    path, adapter, given, out = sys.argv[1:]
    given = np.load(given)
    silence = api.llama_log_callback(lambda *_: None)
    api.llama_log_set(silence, None)
    model = api.llama_model_load_from_file(path.encode(), api.llama_model_default_params())
    context = open_context(model, adapter, int(max(given["lengths"])))
    vocabulary = api.llama_vocab_n_tokens(api.llama_model_get_vocab(model))
    tops, values, end = [], [], 0
    for n in given["lengths"]:
        rows = logits_of(context, vocabulary, given["ids"][end:end + n])
        end += n
        rows -= rows.max(axis=1, keepdims=True)
        rows -= np.log(np.exp(rows).sum(axis=1, keepdims=True))
        top = np.argsort(-rows, axis=1, kind="stable")[:, :KEPT]
        tops.append(top.astype(np.int32))
        values.append(np.take_along_axis(rows, top, axis=1))
    np.savez(out, lengths=given["lengths"], ids=given["ids"], top=np.concatenate(tops), log_p=np.concatenate(values))


if __name__ == "__main__":
    main()
